//! Where one arrives: who one is, and where to go.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, StatusCode};

use super::{SIGN_IN, page};
use crate::{edge::Shared, problem::Problem, session};

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
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match session::signed_in(&edge, &headers).await {
        Ok(signed_in) => {
            let role = signed_in.caller.role.as_deref().unwrap_or_default();
            Ok(page(StatusCode::OK, &Home { email: &signed_in.caller.name, role }))
        }
        Err(tidegate_service::ServiceError::Unknown) => Ok(Redirect::to(SIGN_IN).into_response()),
        Err(error) => Err(error.into()),
    }
}
