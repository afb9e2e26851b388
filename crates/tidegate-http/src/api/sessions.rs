//! Sessions: signing in and out, and where one is signed in.

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use axum_extra::extract::CookieJar;
use chrono::{DateTime, Utc};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use tidegate_model::{
    actor::Via,
    ids::{OperatorId, SessionId},
};
use tidegate_service::{ServiceError, Session, Visitor};
use utoipa::{IntoParams, ToSchema};

use crate::{
    clock::moment,
    edge::{Edge, Shared},
    input::{Body, Number, Params, Signed, at_most, header_text, maybe_at_most},
    middleware::peer,
    problem::{Problem, ProblemKind},
    session,
};

/// Whose sessions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SessionParams {
    /// Number of an operator; the caller if absent.
    operator: Option<i64>,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(super) struct SessionBody {
    /// Number.
    id: i64,
    /// Address that it was begun from.
    address: Option<String>,
    /// What the browser calls itself.
    agent: Option<String>,
    /// When it was begun.
    created_at: DateTime<Utc>,
    /// When it was used last, about.
    seen_at: DateTime<Utc>,
    /// When it ends at the latest.
    expires_at: DateTime<Utc>,
}

impl From<Session> for SessionBody {
    fn from(session: Session) -> Self {
        Self {
            id: session.id().0,
            created_at: moment(session.created_at),
            seen_at: moment(session.seen_at),
            expires_at: moment(session.expires_at),
            address: session.address,
            agent: session.agent,
        }
    }
}

/// Where somebody is signed in.
#[utoipa::path(
    get, path = "/sessions", operation_id = "list_sessions", tag = "people",
    params(SessionParams),
    responses((status = 200, description = "The sessions", body = Vec<SessionBody>))
)]
pub(super) async fn list(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Params(params): Params<SessionParams>,
) -> Result<Json<Vec<SessionBody>>, Problem> {
    let own = caller.operator().ok_or_else(|| Problem::of(ProblemKind::SignInRequired))?;
    let whose = params.operator.map_or(own, OperatorId);
    let sessions = edge.service.sessions(&caller, whose).await?;
    Ok(Json(sessions.into_iter().map(SessionBody::from).collect()))
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    /// Mail address.
    #[schema(max_length = 254)]
    #[serde(deserialize_with = "at_most::<_, 254>")]
    email: String,
    /// Password.
    #[schema(max_length = 1000, format = "password")]
    #[serde(deserialize_with = "at_most::<_, 1000>")]
    password: String,
    /// A code of the second factor, or a recovery code; needed where one is enrolled.
    #[schema(max_length = 64)]
    #[serde(default, deserialize_with = "maybe_at_most::<_, 64>")]
    code: Option<String>,
}

/// Who has signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct Started {
    /// Mail address.
    email: String,
    /// Slug of the role.
    role: Option<String>,
    /// Where a recovery code was used, how many are left.
    recovery_codes_left: Option<i64>,
}

/// Signs in: the answer sets a cookie. Where a second factor is enrolled, the answer to address and
/// password alone is a problem of type `second-factor-required`: send both again, with `code`.
#[utoipa::path(
    post, path = "/sessions", operation_id = "start_session", tag = "people", security(()),
    request_body = Credentials,
    responses(
        (status = 201, description = "Signed in", body = Started,
            headers(("Set-Cookie" = String))),
        (status = 401, description = "Address and password do not belong together; \
            or the second factor was not shown, or wrongly"),
    )
)]
pub(super) async fn start(
    State(edge): State<Shared>,
    request: Request,
) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    let visitor = visitor(&edge, &parts, Via::Api);
    let request = Request::from_parts(parts, body);
    let Body(sent) =
        <Body<Credentials> as axum::extract::FromRequest<_>>::from_request(request, &edge).await?;
    let Credentials { email, password, code } = sent;
    let started = edge.service.sign_in_at_once(&email, password, code.as_deref(), &visitor).await;
    let started = started.map_err(|error| refused(error).into_response())?;
    let jar = session::cookie(&edge.settings, &started);
    let recovery_codes_left = started.recovery_codes_left;
    let body =
        Started { email: started.caller.name, role: started.caller.role, recovery_codes_left };
    Ok((StatusCode::CREATED, jar, Json(body)).into_response())
}

/// What is said to whom is not let in: never which of the two was wrong.
pub(crate) fn refused(error: ServiceError) -> Problem {
    match error {
        ServiceError::Unknown => Problem::of(ProblemKind::SignInFailed),
        other => other.into(),
    }
}

/// Whoever is at the door.
pub(crate) fn visitor(edge: &Edge, parts: &http::request::Parts, via: Via) -> Visitor {
    let agent = header_text(&parts.headers, header::USER_AGENT).map(str::to_owned);
    Visitor { address: peer::address(&edge.settings, parts), agent, via }
}

/// Signs out.
#[utoipa::path(
    delete, path = "/sessions/current", operation_id = "end_own_session", tag = "people",
    responses(
        (status = 204, description = "Signed out"),
        (status = 404, description = "The request came with a token, not with a session"),
    )
)]
pub(super) async fn end_own(
    State(edge): State<Shared>,
    Signed(caller): Signed,
) -> Result<(CookieJar, StatusCode), Problem> {
    // Neither a token nor whom a proxy vouches for has one.
    let session = caller.session.ok_or(Problem::of(ProblemKind::NotFound))?;
    edge.service.end_session(&caller, session).await?;
    Ok((session::no_cookie(&edge.settings), StatusCode::NO_CONTENT))
}

/// Ends a session: one's own, or with the right to manage operators anybody's.
#[utoipa::path(
    delete, path = "/sessions/{id}", operation_id = "end_session", tag = "people",
    params(("id" = i64, Path, minimum = 1)),
    responses((status = 204, description = "It has ended"))
)]
pub(super) async fn end(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<StatusCode, Problem> {
    edge.service.end_session(&caller, SessionId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
