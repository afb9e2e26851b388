//! The one way out to addresses that somebody has named: resolved once, looked at, connected to as
//! looked at. Webhooks of notices and of actions both leave by it.

pub(crate) mod address;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Duration,
};

use reqwest::{Client, Url, redirect::Policy};

use self::address::{AddressFault, Network};

/// Bytes of an answer that are read: nobody wants them, but the connection ends well.
const ANSWER_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a file of authorities that are read.
const AUTHORITIES_BYTES_MAX: u64 = 1024 * 1024;

/// Why nothing was sent, or nobody knows what became of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutboundError {
    /// It is no address of a kind that is sent to.
    #[error("{0}")]
    Address(&'static str),
    /// It is where nothing is sent to.
    #[error(transparent)]
    Inside(#[from] AddressFault),
    /// It was not reached: nothing was sent.
    #[error("{0}")]
    Unreachable(String),
    /// It was sent, and what became of it is not known.
    #[error("{0}")]
    BrokenOff(String),
}

/// How somewhere is gone to.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    /// Networks that may be gone to although they are not public.
    pub(crate) meant: &'a [Network],
    /// How long the other side has, for its name, the connection and its answer each.
    pub(crate) timeout: Duration,
    /// PEM file of authorities that are trusted beside the system's.
    pub(crate) ca_file: Option<&'a Path>,
}

/// What connects to the addresses that were looked at, and to no other.
pub(crate) async fn client_to(url: &Url, way: Way<'_>) -> Result<Client, OutboundError> {
    client_by(url, way, resolve).await
}

/// The addresses of a name, as the system says.
async fn resolve(host: String, port: u16) -> io::Result<Vec<IpAddr>> {
    let found = tokio::net::lookup_host((host.as_str(), port)).await?;
    Ok(found.map(|address| address.ip()).collect())
}

/// The same by any answers to names: it asks once, as its type says. What is connected to is what
/// was answered then, whatever is answered later.
async fn client_by<F: Future<Output = io::Result<Vec<IpAddr>>>>(
    url: &Url,
    way: Way<'_>,
    resolve: impl FnOnce(String, u16) -> F,
) -> Result<Client, OutboundError> {
    let port = url.port_or_known_default().unwrap_or(443);
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let answers = match tokio::time::timeout(way.timeout, resolve(host.clone(), port)).await {
        Ok(Ok(answers)) => answers,
        Ok(Err(error)) => return Err(OutboundError::Unreachable(error.to_string())),
        Err(_) => {
            let detail = "its name was not found in time";
            return Err(OutboundError::Unreachable(detail.to_owned()));
        }
    };
    let addresses = address::choose(&answers, way.meant)?;
    match url.scheme() {
        "https" => {}
        // What goes to this very host passes nobody.
        "http" if addresses.iter().all(IpAddr::is_loopback) => {}
        "http" => {
            let detail = "a webhook is at https://, so that nobody between reads it";
            return Err(OutboundError::Address(detail));
        }
        _ => return Err(OutboundError::Address("a webhook is at https://")),
    }
    let sockets = addresses.iter().map(|address| SocketAddr::new(*address, port));
    let mut builder = Client::builder()
        .no_proxy()
        // A redirect is an answer like any other: it leads where nobody has looked.
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_max_idle_per_host(0)
        .connect_timeout(way.timeout)
        .timeout(way.timeout)
        .resolve_to_addrs(&host, &sockets.collect::<Vec<_>>());
    for one in way.ca_file.map(authorities).transpose()?.into_iter().flatten() {
        builder = builder.add_root_certificate(one);
    }
    builder.build().map_err(|error| OutboundError::Unreachable(said(error)))
}

/// The status of the answer to a request, of whose body no more is read than has to be.
pub(crate) async fn answer_to(request: reqwest::RequestBuilder) -> Result<u16, OutboundError> {
    let mut answer = request.send().await.map_err(|error| match error.is_connect() {
        true => OutboundError::Unreachable(said(error)),
        false => OutboundError::BrokenOff(said(error)),
    })?;
    let status = answer.status().as_u16();
    let mut bytes = 0;
    while bytes < ANSWER_BYTES_MAX
        && let Ok(Some(part)) = answer.chunk().await
    {
        bytes += part.len();
    }
    Ok(status)
}

fn authorities(file: &Path) -> Result<Vec<reqwest::Certificate>, OutboundError> {
    let wrong = |detail: String| OutboundError::Unreachable(format!("ca_file: {detail}"));
    let length = std::fs::metadata(file).map_err(|error| wrong(error.to_string()))?.len();
    if length > AUTHORITIES_BYTES_MAX {
        return Err(wrong("it is too long".to_owned()));
    }
    let pem = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.to_string()))
}

/// What went wrong, without the address: its path may be a secret.
fn said(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = if error.is_timeout() { "it took too long" } else { "it failed" }.to_owned();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}

#[cfg(test)]
mod tests;
