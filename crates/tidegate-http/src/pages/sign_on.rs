//! Signing in by the provider: there, and back again.

use axum::{
    extract::{Query, Request, State},
    response::{IntoResponse, Redirect, Response},
};
use axum_extra::extract::cookie::{Cookie, CookieJar};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tidegate_model::actor::Via;
use time::Duration;

use super::{
    sentence,
    sign_in::{Arrival, Faulty, destination, form},
};
use crate::{
    api::{refused, visitor},
    edge::{Edge, EdgeSettings, Shared},
    problem::{Problem, ProblemKind},
    session,
    sign_on::{Attempt, SignOnError, SingleSignOn},
};

/// Name of the cookie over TLS, and over plain HTTP.
const NAMES: [&str; 2] = ["__Host-tidegate_sign_on", "tidegate_sign_on"];
/// Time to sign in at the provider.
const MINUTES_MAX: i64 = 10;

/// With what the provider sends a browser back.
#[derive(Default, Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    error: Option<String>,
}

/// To the provider.
pub(super) async fn leave(
    State(edge): State<Shared>,
    Query(arrival): Query<Arrival>,
) -> Result<Response, Problem> {
    let begun = provider(&edge)?.begin(destination(&arrival.next)).await;
    Ok(match begun {
        Ok((url, attempt)) => {
            let cookie = Cookie::build((name(&edge.settings), attempt.text()))
                .max_age(Duration::minutes(MINUTES_MAX));
            let jar = CookieJar::new().add(session::guarded(&edge.settings, cookie.build()));
            (jar, Redirect::to(url.as_str())).into_response()
        }
        Err(error) => faulty(&edge, &error),
    })
}

/// And back.
pub(super) async fn arrive(
    State(edge): State<Shared>,
    Query(answer): Query<Answer>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let provider = provider(&edge)?;
    let ended = match attempt(&edge.settings, &parts.headers) {
        Ok(_) if answer.error.is_some() => {
            Err(SignOnError::Refused(answer.error.unwrap_or_default().into()))
        }
        Ok(attempt) => {
            let vouched = provider.finish(&attempt, &answer.state, answer.code).await;
            vouched.map(|vouched| (attempt, vouched))
        }
        Err(error) => Err(error),
    };
    // One attempt is one answer, whatever it was.
    let gone = Cookie::build((name(&edge.settings), "")).max_age(Duration::ZERO);
    let gone = CookieJar::new().add(session::guarded(&edge.settings, gone.build()));
    let (attempt, vouched) = match ended {
        Ok(ended) => ended,
        Err(error) => return Ok((gone, faulty(&edge, &error)).into_response()),
    };
    let visitor = visitor(&edge, &parts, Via::Admin);
    Ok(match edge.service.sign_in_vouched(&vouched, &visitor).await {
        Ok(started) => {
            let jar = session::cookie(&edge.settings, &started);
            let next = Redirect::to(destination(&attempt.next));
            (gone, jar, next).into_response()
        }
        Err(tidegate_service::ServiceError::Unknown) => {
            (gone, faulty(&edge, &SignOnError::NotAllowed)).into_response()
        }
        Err(error) => (gone, refused(error)).into_response(),
    })
}

fn provider(edge: &Edge) -> Result<&SingleSignOn, Problem> {
    edge.sign_on.as_ref().ok_or_else(|| Problem::of(ProblemKind::NotFound))
}

fn attempt(settings: &EdgeSettings, headers: &HeaderMap) -> Result<Attempt, SignOnError> {
    let jar = CookieJar::from_headers(headers);
    let cookie = jar.get(name(settings)).ok_or(SignOnError::NotBegun)?;
    Attempt::read(cookie.value())
}

/// The form again, with what went wrong.
fn faulty(edge: &Edge, error: &SignOnError) -> Response {
    tracing::warn!(error = error as &dyn std::error::Error, "single sign-on failed");
    let status = match error {
        SignOnError::Unreachable(_) => StatusCode::BAD_GATEWAY,
        SignOnError::Refused(_) | SignOnError::NotBegun | SignOnError::Unverified => {
            StatusCode::UNAUTHORIZED
        }
        SignOnError::NotAllowed => StatusCode::FORBIDDEN,
    };
    form(edge, "", &Faulty { status, fault: &sentence(&error.to_string()), email: "" })
}

fn name(settings: &EdgeSettings) -> &'static str {
    let [secure, plain] = NAMES;
    if settings.is_https() { secure } else { plain }
}
