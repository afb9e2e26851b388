//! API tokens: listed, made, taken back.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_model::ids::TokenId;
use tidegate_service::Token;
use utoipa::ToSchema;

use crate::{
    clock::moment,
    edge::Shared,
    input::{Body, Number, Signed},
    problem::Problem,
};

/// A token, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub(super) struct TokenBody {
    /// Number.
    id: i64,
    /// Number of the operator whose it is.
    operator: i64,
    /// What it is for.
    name: String,
    /// What it is limited to; null means all that the role may.
    scopes: Option<Vec<String>>,
    /// When made.
    created_at: DateTime<Utc>,
    /// When it ends.
    expires_at: DateTime<Utc>,
    /// Whether taken back.
    is_revoked: bool,
}

impl From<Token> for TokenBody {
    fn from(token: Token) -> Self {
        Self {
            id: token.id.0,
            operator: token.operator.0,
            name: token.name,
            scopes: token.scopes.map(|scopes| scopes.into_iter().collect()),
            created_at: moment(token.created_at),
            expires_at: moment(token.expires_at),
            is_revoked: token.is_revoked,
        }
    }
}

/// The caller's tokens; everybody's where the caller manages them.
#[utoipa::path(
    get, path = "/tokens", operation_id = "list_tokens", tag = "people",
    responses((status = 200, description = "The tokens", body = Vec<TokenBody>))
)]
pub(super) async fn list(
    State(edge): State<Shared>,
    Signed(caller): Signed,
) -> Result<Json<Vec<TokenBody>>, Problem> {
    let tokens = edge.service.tokens(&caller).await?;
    Ok(Json(tokens.into_iter().map(TokenBody::from).collect()))
}

/// What a token is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it is limited to; absent means all that the role may.
    scopes: Option<Vec<String>>,
    /// Days that it lives.
    #[schema(minimum = 1, maximum = 366)]
    days: u32,
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeToken {
    /// Number.
    id: i64,
    /// What a program shows to be let in. It is shown this once.
    secret: String,
}

/// Makes a token for the caller. It can do no more than the caller can.
#[utoipa::path(
    post, path = "/tokens", operation_id = "create_token", tag = "people",
    request_body = NewToken,
    responses((status = 201, description = "The token", body = MadeToken))
)]
pub(super) async fn create(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Body(sent): Body<NewToken>,
) -> Result<Response, Problem> {
    let scopes = sent.scopes.map(|scopes| scopes.into_iter().collect());
    let made = edge.service.create_token(&caller, &sent.name, scopes, sent.days).await?;
    let made = MadeToken { id: made.id.0, secret: made.secret };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Takes a token back: one's own, or with the right to manage tokens anybody's.
#[utoipa::path(
    delete, path = "/tokens/{id}", operation_id = "revoke_token", tag = "people",
    params(("id" = i64, Path, minimum = 1)),
    responses((status = 204, description = "It is worth nothing any more"))
)]
pub(super) async fn revoke(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<StatusCode, Problem> {
    edge.service.revoke_token(&caller, TokenId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
