//! The list of exports.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::shell::Shell;

#[derive(Template)]
#[template(path = "exports.html")]
struct Exports<'a> {
    shell: &'a Shell,
}

/// The page.
pub(super) async fn show(shell: Shell) -> Response {
    shell.page(StatusCode::OK, &Exports { shell: &shell })
}
