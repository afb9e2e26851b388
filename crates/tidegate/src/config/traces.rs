//! `[traces]`: the collector that spans are sent to.

use std::{collections::BTreeMap, fmt::Display};

use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::failure::Failure;

/// Path of the signal below a collector's address (OTLP/HTTP, "Endpoint URLs").
const PATH: &str = "v1/traces";

/// `[traces]` as the file has it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TracesDeclaration {
    endpoint: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, SecretString>,
    sample_ratio: Option<f64>,
}

/// Where spans go, and how many.
#[derive(Clone, Debug)]
pub struct TracesSettings {
    /// Where they are sent to.
    pub url: Url,
    /// Headers that go along, by their names: they may say who we are.
    pub headers: Vec<(HeaderName, SecretString)>,
    /// Share of the traces that is sent, 0 to 1.
    pub sample_ratio: f64,
}

impl TracesDeclaration {
    /// Checks it. Without an endpoint nothing is sent.
    pub(super) fn settings(self) -> Result<Option<TracesSettings>, Failure> {
        let Some(endpoint) = self.endpoint else { return Ok(None) };
        let url = address(&endpoint)?;
        let mut headers = Vec::new();
        for (name, value) in self.headers {
            let known = HeaderName::try_from(&name).map_err(|_| wrong("`headers`", &name))?;
            // What it says is a secret, also where it is wrong.
            HeaderValue::try_from(value.expose_secret())
                .map_err(|_| wrong("the value of a header", &name))?;
            headers.push((known, value));
        }
        let sample_ratio = self.sample_ratio.unwrap_or(1.0);
        match (0.0..=1.0).contains(&sample_ratio) {
            true => Ok(Some(TracesSettings { url, headers, sample_ratio })),
            false => Err(Failure::wrong("[traces]: `sample_ratio` is a share from 0 to 1")),
        }
    }
}

/// Where a collector takes spans.
fn address(endpoint: &str) -> Result<Url, Failure> {
    let fault = "[traces]: `endpoint` is the address of a collector that speaks OTLP over HTTP, \
                 such as http://127.0.0.1:4318; who we are belongs into `headers`";
    let mut url = Url::parse(endpoint).map_err(|_| Failure::wrong(fault))?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !is_plain {
        return Err(Failure::wrong(fault));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if !path.ends_with(PATH) {
        url.set_path(&format!("{path}/{PATH}"));
    }
    Ok(url)
}

fn wrong(what: &str, name: &str) -> Failure {
    let name: &dyn Display = &name;
    Failure::wrong(format!("[traces]: {what} `{name}` cannot be sent"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signal_s_path_is_added_where_it_is_missing() {
        for (endpoint, url) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("https://example.com/otlp/", "https://example.com/otlp/v1/traces"),
            ("https://example.com/otlp/v1/traces", "https://example.com/otlp/v1/traces"),
        ] {
            assert_eq!(address(endpoint).unwrap().as_str(), url);
        }
    }

    #[test]
    fn an_address_holds_no_secret_and_is_one() {
        for endpoint in [
            "127.0.0.1:4318",
            "grpc://127.0.0.1:4317",
            "https://hush@example.com",
            "https://:hush@example.com",
            "https://example.com/?key=hush",
        ] {
            let failure = format!("{:?}", address(endpoint).unwrap_err());
            assert!(failure.contains("[traces]") && !failure.contains("hush"), "{failure}");
        }
    }
}
