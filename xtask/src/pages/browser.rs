//! Asks for pages as a browser does: with the cookie of a session, packed, over one connection.

use std::{
    io::Read,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use reqwest::{Url, blocking::Client, header};
use serde_json::json;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who is signed in.
pub(super) struct Browser {
    client: Client,
    base: String,
    cookie: String,
}

/// A page, as it came.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Milliseconds until its last byte was here.
    pub(super) millis: f64,
    pub(super) text: String,
}

/// The address of a list.
pub(super) fn path(subject: &str, pairs: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://list").expect("it is one");
    url.set_path(&format!("/sg-admin/subjects/{subject}"));
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    url.query_pairs_mut().extend_pairs(pairs);
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

impl Browser {
    /// Signs in.
    pub(super) fn signed_in(address: &str, email: &str, password: &str) -> Result<Self> {
        let client = Client::builder().timeout(PATIENCE).build()?;
        let base = format!("http://{address}");
        let body = json!({ "email": email, "password": password });
        let started = client.post(format!("{base}/api/v1/sessions")).json(&body).send()?;
        let started = started.error_for_status()?;
        let cookie = started.headers().get(header::SET_COOKIE).context("a cookie")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { client, base, cookie })
    }

    /// Asks for a page, and reads all of it.
    pub(super) fn ask(&self, path: &str) -> Result<Answer> {
        let request = self.client.get(format!("{}{path}", self.base));
        let request = request.header(header::COOKIE, &self.cookie);
        let request = request.header(header::ACCEPT, "text/html");
        let request = request.header(header::ACCEPT_ENCODING, "gzip");
        let begin = Instant::now();
        let answer = request.send()?;
        let status = answer.status().as_u16();
        let is_packed = answer.headers().contains_key(header::CONTENT_ENCODING);
        let bytes = answer.bytes()?;
        let millis = begin.elapsed().as_secs_f64() * 1_000.0;
        ensure!(is_packed, "{path} came unpacked");
        let mut text = String::new();
        GzDecoder::new(&bytes[..]).read_to_string(&mut text)?;
        Ok(Answer { status, millis, text })
    }
}

impl Answer {
    /// Where a link leads that is of this relation, or reads like this.
    pub(super) fn link(&self, name: &str) -> Option<String> {
        let (of, reads) = (format!("rel=\"{name}\""), format!(">{name}</a>"));
        let links = self.text.split("<a ").skip(1);
        let link = links.map(|rest| rest.split_inclusive("</a>").next().unwrap_or_default());
        let link = { link }.find(|link| link.contains(&of) || link.contains(&reads))?;
        let path = link.split("href=\"").nth(1)?.split('"').next()?;
        Some(path.replace("&#38;", "&").replace("&amp;", "&"))
    }

    /// What stands above the list, where there is something to be told: its words.
    pub(super) fn notice(&self) -> Option<String> {
        let notice =
            self.text.split("note-bad").nth(1)?.split("<p>").nth(1)?.split("</p>").next()?;
        let parts = notice.split('<');
        let words = parts.map(|part| part.split_once('>').map_or(part, |(_, text)| text));
        Some(words.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" "))
    }
}
