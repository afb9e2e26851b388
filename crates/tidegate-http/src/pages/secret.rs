//! A secret that is shown once: a link to set a password, a token.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::shell::Shell;

/// What is shown.
pub(super) struct Secret<'a> {
    /// What was done.
    pub(super) title: &'a str,
    /// What it is good for, and how long.
    pub(super) line: &'a str,
    /// What stands before it.
    pub(super) label: &'a str,
    pub(super) secret: &'a str,
    /// Where one goes on, and what that is called.
    pub(super) back: &'a str,
    pub(super) from: &'a str,
}

#[derive(Template)]
#[template(path = "secret.html")]
struct Shown<'a> {
    shell: &'a Shell,
    shown: &'a Secret<'a>,
}

/// The page. No browser keeps it.
pub(super) fn show(shell: &Shell, shown: &Secret<'_>) -> Response {
    let mut response = shell.page(StatusCode::OK, &Shown { shell, shown }).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
