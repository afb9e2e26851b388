//! The pages that come before all others: sign-in, first start, a new password, the reference.

mod assets;
mod home;
mod password;
mod reference;
mod second_factor;
mod second_step;
mod sign_in;
mod sign_on;

use askama::Template;
use axum::{
    Router,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use tidegate_service::InvitationSecret;

use crate::{api, edge::Shared, problem::Problem};

/// Where pages begin.
pub(crate) const PREFIX: &str = "/sg-admin";
/// Where the reference of the API is.
pub(crate) const REFERENCE: &str = "/docs/api";
/// Where one signs in.
pub(crate) const SIGN_IN: &str = "/sg-admin/sign-in";
/// Where one leaves for the provider.
pub(crate) const SIGN_ON: &str = "/sg-admin/sign-in/provider";
/// Where the provider sends one back to.
pub(crate) const SIGNED_ON: &str = "/sg-admin/sign-in/provider/done";
/// Where one shows the second factor.
pub(crate) const CODE: &str = "/sg-admin/sign-in/code";
/// Where one has one's second factor.
pub(crate) const SECOND_FACTOR: &str = "/sg-admin/second-factor";
/// Where the first operator is made.
pub(crate) const SETUP: &str = "/sg-admin/setup";
/// Where a new password is set.
pub(crate) const PASSWORD: &str = "/sg-admin/password";

/// The link of an invitation, below the address of the service.
pub fn password_url(address: &str, secret: &InvitationSecret) -> String {
    format!("{}{PASSWORD}?token={}", address.trim_end_matches('/'), secret.0)
}

/// The routes of the pages.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(home::enter))
        .route(PREFIX, get(home::enter))
        .route("/sg-admin/", get(home::show))
        .route(SIGN_IN, get(sign_in::show).post(sign_in::send))
        .route(CODE, get(second_step::show).post(second_step::send))
        .route(SECOND_FACTOR, get(second_factor::show).post(second_factor::begin))
        .route("/sg-admin/second-factor/confirm", post(second_factor::confirm))
        .route("/sg-admin/second-factor/remove", post(second_factor::remove))
        .route(SIGN_ON, get(sign_on::leave))
        .route(SIGNED_ON, get(sign_on::arrive))
        .route("/sg-admin/sign-out", post(sign_in::leave))
        .route(SETUP, get(password::show_setup).post(password::send_setup))
        .route(PASSWORD, get(password::show).post(password::send))
        .route(REFERENCE, get(reference::show))
        .route(api::PREFIX, get(reference::enter))
        .route(&format!("{}/", api::PREFIX), get(reference::enter))
        .route("/assets/{name}", get(assets::send))
}

/// A page.
fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What went wrong, in a page's words.
fn told(problem: &Problem) -> (StatusCode, String) {
    (problem.kind().status(), sentence(problem.detail()))
}

/// A message as people read it: errors are lower case and end without a full stop.
fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    let end = if message.ends_with('.') { "" } else { "." };
    first.chain(characters).chain(end.chars()).collect()
}
