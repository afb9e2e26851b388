//! Light or dark: kept in a cookie, set by a form.

use axum::{
    Form,
    extract::State,
    response::{IntoResponse, Response},
};
use axum_extra::extract::cookie::{Cookie, CookieJar};
use serde::Deserialize;
use time::Duration;

use super::{flash::set, see_other, sign_in::destination};
use crate::{edge::Shared, session::guarded};

/// The cookie.
const NAME: &str = "tidegate_theme";
/// A browser keeps it for a year.
const DAYS: i64 = 365;

/// What the page looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Theme {
    /// As the system.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// The switch's positions, with icon and words.
    pub(super) const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::System, "monitor", "As the system"),
        (Self::Light, "sun", "Light"),
        (Self::Dark, "moon", "Dark"),
    ];

    /// Its word, where it is not as the system.
    pub(super) fn forced(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light | Self::Dark => Some(self.slug()),
        }
    }

    /// Its word.
    pub(super) fn slug(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The theme of a browser.
pub(super) fn of(jar: &CookieJar) -> Theme {
    match jar.get(NAME).map(Cookie::value) {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    }
}

#[derive(Deserialize)]
pub(super) struct Sent {
    theme: Theme,
    #[serde(default)]
    back: String,
}

/// Takes another theme.
pub(super) async fn send(State(edge): State<Shared>, Form(sent): Form<Sent>) -> Response {
    let mut response = see_other(destination(&sent.back)).into_response();
    let cookie = Cookie::build((NAME, sent.theme.slug())).max_age(Duration::days(DAYS));
    set(&mut response, &guarded(&edge.settings, cookie.build()));
    response
}
