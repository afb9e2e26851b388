//! The first operator of a site, and new passwords: by links that are shown once.

use askama::Template;
use axum::{
    Form,
    extract::{FromRequest, Query, Request, State},
    response::Response,
};
use http::StatusCode;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tidegate_model::actor::Via;
use tidegate_service::{Entrance, ServiceError};

use super::{page, second_step, told};
use crate::{
    api::visitor,
    edge::{Edge, Shared},
    problem::{Problem, ProblemKind},
};

#[derive(Template)]
#[template(path = "password.html")]
struct Password<'a> {
    /// Whether the site gets its first operator.
    is_setup: bool,
    email: &'a str,
    token: &'a str,
    fault: Option<&'a str>,
}

/// The word that opens the page.
#[derive(Deserialize)]
pub(super) struct Arrival {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
struct Sent {
    token: String,
    #[serde(default)]
    email: String,
    password: String,
}

/// The form for the first operator.
pub(super) async fn show_setup(
    State(edge): State<Shared>,
    Query(arrival): Query<Arrival>,
) -> Result<Response, Problem> {
    refuse_unless_setup(&edge, &arrival.token).await?;
    let form = Password { is_setup: true, email: "", token: &arrival.token, fault: None };
    Ok(page(StatusCode::OK, &form))
}

/// Makes the first operator.
pub(super) async fn send_setup(
    State(edge): State<Shared>,
    request: Request,
) -> Result<Response, Problem> {
    let visitor = Via::Admin;
    let (sent, visitor) = read(&edge, request, visitor).await?;
    refuse_unless_setup(&edge, &sent.token).await?;
    let made = edge.service.add_first_operator(&sent.email, sent.password, &visitor).await;
    let form = Password { is_setup: true, email: &sent.email, token: &sent.token, fault: None };
    Ok(entered(&edge, made.map(Entrance::Open), form))
}

/// The form for a new password.
pub(super) async fn show(
    State(edge): State<Shared>,
    Query(arrival): Query<Arrival>,
) -> Result<Response, Problem> {
    let email = edge.service.invited(&arrival.token).await?;
    let form = Password { is_setup: false, email: &email, token: &arrival.token, fault: None };
    Ok(page(StatusCode::OK, &form))
}

/// Sets a new password.
pub(super) async fn send(
    State(edge): State<Shared>,
    request: Request,
) -> Result<Response, Problem> {
    let (sent, visitor) = read(&edge, request, Via::Admin).await?;
    let email = edge.service.invited(&sent.token).await?;
    let set = edge.service.accept_invitation(&sent.token, sent.password, &visitor).await;
    let form = Password { is_setup: false, email: &email, token: &sent.token, fault: None };
    Ok(entered(&edge, set, form))
}

async fn read(
    edge: &Shared,
    request: Request,
    via: Via,
) -> Result<(Sent, tidegate_service::Visitor), Problem> {
    let (parts, body) = request.into_parts();
    let visitor = visitor(edge, &parts, via);
    let form = Form::<Sent>::from_request(Request::from_parts(parts, body), edge).await;
    let Form(sent) = form.map_err(|_| Problem::of(ProblemKind::InvalidRequest))?;
    Ok((sent, visitor))
}

/// Lets in, or shows the form again.
fn entered(edge: &Edge, done: Result<Entrance, ServiceError>, form: Password<'_>) -> Response {
    match done {
        Ok(entrance) => second_step::entered(&edge.settings, &entrance, "/sg-admin/"),
        Err(error) => {
            let (status, fault) = told(&error.into());
            page(status, &Password { fault: Some(&fault), ..form })
        }
    }
}

/// The word that was shown on the host, while there is nobody yet.
async fn refuse_unless_setup(edge: &Edge, token: &str) -> Result<(), Problem> {
    let sent: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    let is_it = edge.setup.is_some_and(|word| bool::from(word.ct_eq(&sent)));
    match is_it && edge.service.is_empty().await? {
        true => Ok(()),
        false => Err(Problem::of(ProblemKind::NotFound)),
    }
}
