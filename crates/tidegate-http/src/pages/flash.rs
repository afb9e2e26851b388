//! A word that one page leaves for the next: told once, then gone.

use axum::response::Response;
use axum_extra::extract::cookie::{Cookie, CookieJar};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use time::Duration;

use crate::{edge::EdgeSettings, session::guarded};

/// Cookie that holds it until it is told.
const NAME: &str = "tidegate_flash";
/// It is told within a minute, or never.
const SECONDS: i64 = 60;
/// Bytes of the cookie at most: browsers take 4096 with its attributes.
const BYTES_MAX: usize = 3000;

/// What is told: a bold fact, one line, one link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Flash {
    /// The fact.
    pub(super) fact: String,
    /// What else there is to know.
    #[serde(default)]
    pub(super) line: String,
    /// Words of a link, and where it leads: a path of ours.
    #[serde(default)]
    pub(super) link: Option<(String, String)>,
    /// Whether it is about something that did not work.
    #[serde(default)]
    pub(super) is_bad: bool,
}

impl Flash {
    /// A fact.
    pub(super) fn new(fact: impl Into<String>) -> Self {
        Self { fact: fact.into(), ..Self::default() }
    }

    /// Something that did not work.
    #[allow(dead_code, reason = "pages that are being made use it")]
    pub(super) fn bad(fact: impl Into<String>) -> Self {
        Self { fact: fact.into(), is_bad: true, ..Self::default() }
    }

    /// With a line below it.
    pub(super) fn line(self, line: impl Into<String>) -> Self {
        Self { line: line.into(), ..self }
    }

    /// With a link to a path of ours.
    pub(super) fn link(self, words: impl Into<String>, path: impl Into<String>) -> Self {
        Self { link: Some((words.into(), path.into())), ..self }
    }

    /// Leaves it for the next page. One that would be too long is not told.
    pub(super) fn leave(&self, settings: &EdgeSettings, response: &mut Response) {
        let text = serde_json::to_vec(self).expect("it is plain JSON");
        let value = BASE64_URL_SAFE_NO_PAD.encode(text);
        if value.len() > BYTES_MAX {
            return;
        }
        let cookie = Cookie::build((NAME, value)).max_age(Duration::seconds(SECONDS));
        set(response, &guarded(settings, cookie.build()));
    }
}

/// What is left to be told, if anything.
pub(super) fn of(jar: &CookieJar) -> Option<Flash> {
    let text = BASE64_URL_SAFE_NO_PAD.decode(jar.get(NAME)?.value()).ok()?;
    let flash: Flash = serde_json::from_slice(&text).ok()?;
    let leads_away = |(_, path): &(String, String)| !path.starts_with("/sg-admin/");
    // Whoever could plant a cookie still cannot lead anybody away.
    if flash.link.as_ref().is_some_and(leads_away) { None } else { Some(flash) }
}

/// It has been told.
pub(super) fn take_back(settings: &EdgeSettings, response: &mut Response) {
    let gone = Cookie::build((NAME, "")).max_age(Duration::ZERO);
    set(response, &guarded(settings, gone.build()));
}

/// Sets a cookie beside those that are set already.
pub(super) fn set(response: &mut Response, cookie: &Cookie<'_>) {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn told(response: &Response) -> CookieJar {
        let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
        CookieJar::new().add(Cookie::parse(set.to_owned()).unwrap())
    }

    #[test]
    fn what_is_left_is_read_by_the_next_page() {
        let settings = EdgeSettings::new("https://exports.example.com").unwrap();
        let flash = Flash::new("Export #7 was cancelled").line("Nobody has it.");
        let flash = flash.link("Open #7", "/sg-admin/exports/7");
        let mut response = ().into_response();
        flash.leave(&settings, &mut response);
        assert_eq!(of(&told(&response)), Some(flash));
    }

    #[test]
    fn what_leads_elsewhere_is_not_told() {
        let settings = EdgeSettings::new("https://exports.example.com").unwrap();
        for path in ["https://evil.example", "//evil.example", "javascript:alert(1)"] {
            let mut response = ().into_response();
            Flash::new("Look").link("here", path).leave(&settings, &mut response);
            assert_eq!(of(&told(&response)), None, "{path}");
        }
    }
}
