//! Where one arrives: at the dashboard, or at one's exports.

use axum::response::{Redirect, Response};

use super::{path_of, see_other, shell::Shell};

/// To the pages.
pub(super) async fn enter() -> Redirect {
    Redirect::to("/sg-admin/")
}

/// To where whoever it is begins.
pub(super) async fn show(shell: Shell) -> Response {
    let is_overseer = shell.holds("exports.list.any");
    let dashboard = path_of("dashboard").filter(|_| is_overseer);
    see_other(dashboard.or(path_of("exports")).expect("the list of exports is in the table"))
}
