//! Changes an export: cancel, run again, delete its file, make a link to it.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_model::ids::JobId;
use utoipa::ToSchema;

use super::{body::Export, create::accepted};
use crate::{
    clock::moment,
    edge::Shared,
    input::{IdempotencyKey, MaybeBody, Number, Signed},
    problem::Problem,
};

/// Cancels an export. Where a worker is at it, it stops within a second.
#[utoipa::path(
    post, path = "/exports/{id}/cancel", operation_id = "cancel_export", tag = "exports",
    params(("id" = i64, Path, minimum = 1)),
    responses(
        (status = 202, description = "It is or will be cancelled", body = Export),
        (status = 409, description = "It has ended before"),
        (status = 410, description = "It has ended before, and its file is gone"),
    )
)]
pub(in crate::api) async fn cancel(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<Response, Problem> {
    edge.service.cancel_export(&caller, JobId(id)).await?;
    let job = edge.service.export(&caller, JobId(id)).await?;
    Ok((StatusCode::ACCEPTED, Json(Export::from(&job))).into_response())
}

/// Makes a new export like this one, with the rights, masks and dates of now.
#[utoipa::path(
    post, path = "/exports/{id}/rerun", operation_id = "rerun_export", tag = "exports",
    params(("id" = i64, Path, minimum = 1),
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,255}$",
            description = "A repeated request with the same key makes no second export")),
    responses((status = 202, description = "The new export", body = Export, headers(
        ("Location" = String, description = "Where the export is"),
        ("Retry-After" = u32, description = "Seconds after which it is worth to look"),
    )))
)]
pub(in crate::api) async fn rerun(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Response, Problem> {
    let created = edge.service.rerun_export(&caller, JobId(id), key.as_deref()).await?;
    accepted(&edge, &caller, created).await
}

/// Deletes the file of an export. The record of it stays.
#[utoipa::path(
    delete, path = "/exports/{id}/artifact", operation_id = "delete_artifact", tag = "exports",
    params(("id" = i64, Path, minimum = 1)),
    responses(
        (status = 204, description = "It is deleted"),
        (status = 409, description = "There is no file"),
        (status = 410, description = "It was gone before"),
    )
)]
pub(in crate::api) async fn delete_artifact(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<StatusCode, Problem> {
    edge.service.delete_artifact(&caller, JobId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A link to a file.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Link {
    /// Where it is, for whoever asked for it, signed in as now.
    #[schema(format = "uri")]
    url: String,
    /// When the link ends.
    expires_at: DateTime<Utc>,
    /// SHA-256 of the file, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
}

/// What kind of link is wanted; absent, it is one for minutes.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct NewLink {
    /// Whether whoever holds it may use it without signing in: only where the site allows that.
    #[serde(default)]
    bearer: bool,
    /// Hours that such a link lives; as long as the site allows if absent.
    #[schema(minimum = 1, maximum = 24)]
    hours: Option<u32>,
}

/// Makes a link to the file of an export: good for minutes, for whoever asks for it.
#[utoipa::path(
    post, path = "/exports/{id}/downloads", operation_id = "create_download", tag = "exports",
    params(("id" = i64, Path, minimum = 1)),
    request_body = Option<NewLink>,
    responses(
        (status = 201, description = "The link", body = Link),
        (status = 409, description = "There is no file, or it is damaged"),
        (status = 410, description = "The file is gone"),
    )
)]
pub(in crate::api) async fn make_link(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
    MaybeBody(sent): MaybeBody<NewLink>,
) -> Result<Response, Problem> {
    let made = match sent.unwrap_or_default() {
        NewLink { bearer: true, hours } => {
            edge.service.make_bearer_link(&caller, JobId(id), hours).await?
        }
        NewLink { bearer: false, hours: None } => {
            edge.service.make_link(&caller, JobId(id)).await?
        }
        NewLink { bearer: false, hours: Some(_) } => {
            return Err(Problem::fault("/hours", "only a bearer link lives for hours"));
        }
    };
    let link = Link {
        url: made.link.url(edge.settings.address()),
        expires_at: moment(made.expires_at),
        sha256: made.sha256,
    };
    Ok((StatusCode::CREATED, Json(link)).into_response())
}
