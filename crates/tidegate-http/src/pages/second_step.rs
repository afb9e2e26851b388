//! The second step of signing in: a code, after the password.

use askama::Template;
use axum::{
    Form,
    extract::{FromRequest, Query, Request, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tidegate_model::actor::Via;
use tidegate_service::{Entrance, NewSession, NewStep, ServiceError};
use url::form_urlencoded;

use super::{
    CODE, SECOND_FACTOR, page,
    sign_in::{self, Arrival, Faulty, destination},
    told,
};
use crate::{
    api::visitor,
    edge::{Edge, EdgeSettings, Shared},
    problem::{Problem, ProblemKind},
    session,
};

#[derive(Template)]
#[template(path = "second_step.html")]
struct SecondStep<'a> {
    email: &'a str,
    next: &'a str,
    fault: Option<&'a str>,
}

#[derive(Deserialize)]
struct Sent {
    code: String,
    #[serde(default)]
    next: String,
}

/// To where the right password leads.
pub(super) fn entered(settings: &EdgeSettings, entrance: &Entrance, next: &str) -> Response {
    let next = destination(next);
    match entrance {
        Entrance::Open(started) => let_in(settings, started, next),
        Entrance::Step(step) => ask(settings, step, next),
    }
}

fn ask(settings: &EdgeSettings, step: &NewStep, next: &str) -> Response {
    let query: String =
        form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    let to = Redirect::to(&format!("{CODE}?{query}"));
    (session::step_cookie(settings, step), to).into_response()
}

fn let_in(settings: &EdgeSettings, started: &NewSession, next: &str) -> Response {
    // Whoever has used up a recovery code is told how many are left.
    let told = format!("{SECOND_FACTOR}?recovery=used");
    let next = if started.recovery_codes_left.is_some() { &told } else { next };
    let jar = session::cookie(settings, started);
    (session::no_step_cookie(settings), jar, Redirect::to(next)).into_response()
}

/// The form.
pub(super) async fn show(
    State(edge): State<Shared>,
    Query(arrival): Query<Arrival>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let secret = session::step(&edge.settings, &headers).unwrap_or_default();
    match edge.service.second_step(&secret).await {
        Ok(email) => {
            let next = destination(&arrival.next);
            Ok(page(StatusCode::OK, &SecondStep { email: &email, next, fault: None }))
        }
        Err(ServiceError::Unknown) => Ok(Redirect::to(super::SIGN_IN).into_response()),
        Err(error) => Err(error.into()),
    }
}

/// Signs in by the code.
pub(super) async fn send(
    State(edge): State<Shared>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let visitor = visitor(&edge, &parts, Via::Admin);
    let secret = session::step(&edge.settings, &parts.headers).unwrap_or_default();
    let form = Form::<Sent>::from_request(Request::from_parts(parts, body), &edge).await;
    let Form(sent) = form.map_err(|_| Problem::of(ProblemKind::InvalidRequest))?;
    let next = destination(&sent.next);
    let email = match edge.service.second_step(&secret).await {
        Ok(email) => email,
        Err(ServiceError::Unknown) => return Ok(too_late(&edge, next)),
        Err(error) => return Err(error.into()),
    };
    match edge.service.pass_second_step(&secret, &sent.code, &visitor).await {
        Ok(started) => Ok(let_in(&edge.settings, &started, next)),
        Err(ServiceError::Unknown) => Ok(too_late(&edge, next)),
        Err(error) => {
            let (status, fault) = told(&error.into());
            Ok(page(status, &SecondStep { email: &email, next, fault: Some(&fault) }))
        }
    }
}

/// From the beginning.
fn too_late(edge: &Edge, next: &str) -> Response {
    let fault = "That took too long, or was done already. Sign in again.";
    let faulty = Faulty { status: StatusCode::UNAUTHORIZED, fault, email: "" };
    let gone = session::no_step_cookie(&edge.settings);
    (gone, sign_in::form(edge, next, &faulty)).into_response()
}
