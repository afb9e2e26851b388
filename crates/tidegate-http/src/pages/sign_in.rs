//! Signing in and out.

use askama::Template;
use axum::{
    Form,
    extract::{FromRequest, Query, Request, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tidegate_model::actor::Via;

use super::{page, second_step, told};
use crate::{
    api::{refused, visitor},
    edge::{Edge, Shared},
    problem::{Problem, ProblemKind},
    session,
    sign_on::SingleSignOn,
};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    email: &'a str,
    next: &'a str,
    fault: Option<&'a str>,
    provider: Option<&'a str>,
}

/// Where to go after it.
#[derive(Default, Deserialize)]
pub(super) struct Arrival {
    #[serde(default)]
    pub(super) next: String,
}

/// The form.
pub(super) async fn show(State(edge): State<Shared>, Query(arrival): Query<Arrival>) -> Response {
    let provider = edge.sign_on.as_ref().map(SingleSignOn::label);
    let next = destination(&arrival.next);
    page(StatusCode::OK, &SignIn { email: "", next, fault: None, provider })
}

/// What went wrong, and with which address.
pub(super) struct Faulty<'a> {
    pub(super) status: StatusCode,
    pub(super) fault: &'a str,
    pub(super) email: &'a str,
}

/// The form again, with what went wrong.
pub(super) fn form(edge: &Edge, next: &str, faulty: &Faulty<'_>) -> Response {
    let provider = edge.sign_on.as_ref().map(SingleSignOn::label);
    let Faulty { status, fault, email } = *faulty;
    let next = destination(next);
    page(status, &SignIn { email, next, fault: Some(fault), provider })
}

#[derive(Deserialize)]
struct Sent {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// Signs in.
pub(super) async fn send(State(edge): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let visitor = visitor(&edge, &parts, Via::Admin);
    let Ok(Form(sent)) = Form::<Sent>::from_request(Request::from_parts(parts, body), &edge).await
    else {
        return Problem::of(ProblemKind::InvalidRequest).into_response();
    };
    let next = destination(&sent.next);
    match edge.service.sign_in(&sent.email, sent.password, &visitor).await {
        Ok(entrance) => second_step::entered(&edge.settings, &entrance, next),
        Err(error) => {
            let (status, fault) = told(&refused(error));
            form(&edge, next, &Faulty { status, fault: &fault, email: &sent.email })
        }
    }
}

/// Signs out.
pub(super) async fn leave(State(edge): State<Shared>, headers: HeaderMap) -> Response {
    if let Ok(signed_in) = session::signed_in(&edge, &headers).await
        && let Err(error) = edge.service.end_session(&signed_in.caller, signed_in.session).await
    {
        return Problem::from(error).into_response();
    }
    (session::no_cookie(&edge.settings), Redirect::to(super::SIGN_IN)).into_response()
}

/// A place of ours: a link that leads elsewhere after the sign-in would be trusted for it.
pub(super) fn destination(next: &str) -> &str {
    let is_ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.chars().any(char::is_control);
    if is_ours { next } else { "/sg-admin/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_away_after_the_sign_in() {
        assert_eq!(destination("/sg-admin/exports/7/"), "/sg-admin/exports/7/");
        for evil in ["//evil.example", "https://evil.example", "/\\evil.example", "/\n/x", ""] {
            assert_eq!(destination(evil), "/sg-admin/", "{evil:?}");
        }
    }
}
