//! Where one arrives: at the exports.

use axum::response::{Redirect, Response};

use super::{exports, see_other, shell::Shell};

/// To the pages.
pub(super) async fn enter() -> Redirect {
    Redirect::to("/sg-admin/")
}

/// To where everybody begins.
pub(super) async fn show(_: Shell) -> Response {
    see_other(exports::PATH)
}
