//! Where one arrives: who one is, and where to go.

use askama::Template;
use axum::{
    extract::{Request, State},
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;

use super::{SECOND_FACTOR, SIGN_IN, page};
use crate::{
    edge::Shared,
    middleware::caller::caller_of,
    problem::{Problem, ProblemKind},
};

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    email: &'a str,
    role: &'a str,
}

/// To the pages.
pub(super) async fn enter() -> Redirect {
    Redirect::to("/sg-admin/")
}

/// Where one arrives.
pub(super) async fn show(
    State(edge): State<Shared>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    match caller_of(&edge, &parts).await {
        Ok(caller) => {
            let role = caller.role.as_deref().unwrap_or_default();
            Ok(page(StatusCode::OK, &Home { email: &caller.name, role }))
        }
        Err(problem) if problem.kind() == ProblemKind::SignInRequired => {
            Ok(Redirect::to(SIGN_IN).into_response())
        }
        Err(problem) if problem.kind() == ProblemKind::SecondFactorMissing => {
            Ok(Redirect::to(SECOND_FACTOR).into_response())
        }
        Err(problem) => Err(problem),
    }
}
