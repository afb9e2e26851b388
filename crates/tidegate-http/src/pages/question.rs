//! A question before something that cannot be undone.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::shell::Shell;

/// What is asked.
pub(super) struct Question<'a> {
    /// What would happen, with the name of the thing.
    pub(super) title: &'a str,
    /// What that means.
    pub(super) line: &'a str,
    /// Where one comes from, and what that is called.
    pub(super) back: &'a str,
    pub(super) from: &'a str,
    /// The safe answer.
    pub(super) keep: &'a str,
    /// Where the other answer is sent, its icon and its verb.
    pub(super) action: &'a str,
    pub(super) icon: &'static str,
    pub(super) verb: &'a str,
}

#[derive(Template)]
#[template(path = "question.html")]
struct Asked<'a> {
    shell: &'a Shell,
    asked: &'a Question<'a>,
}

/// The page.
pub(super) fn ask(shell: &Shell, asked: &Question<'_>) -> Response {
    shell.page(StatusCode::OK, &Asked { shell, asked })
}
