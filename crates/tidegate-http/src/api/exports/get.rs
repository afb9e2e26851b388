//! Looks at an export: itself, its attempts, its manifest.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use http::{HeaderMap, header};
use serde::Serialize;
use tidegate_model::ids::JobId;
use tidegate_service::Attempt;
use utoipa::ToSchema;

use super::body::Export;
use crate::{
    clock::moment,
    edge::Shared,
    input::{Number, Signed},
    problem::Problem,
    tagged::tagged,
};

/// An export.
#[utoipa::path(
    get, path = "/exports/{id}", operation_id = "get_export", tag = "exports",
    params(("id" = i64, Path, minimum = 1), ("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, description = "The export", body = Export, headers(("ETag" = String))),
        (status = 304, description = "It is as it was"),
    )
)]
pub(in crate::api) async fn get(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = edge.service.export(&caller, JobId(id)).await?;
    Ok(tagged(&headers, &Export::from(&job)))
}

/// One attempt at an export.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(in crate::api) struct AttemptBody {
    /// Its number, from 1 on.
    attempt: i64,
    /// Name of the worker.
    worker: String,
    /// When it began.
    started_at: DateTime<Utc>,
    /// When it ended.
    ended_at: Option<DateTime<Utc>>,
    /// How it ended.
    outcome: Option<String>,
    /// What happened.
    detail: Option<String>,
}

impl From<Attempt> for AttemptBody {
    fn from(attempt: Attempt) -> Self {
        let Attempt { attempt, worker, started_at, ended_at, outcome, detail, .. } = attempt;
        let (started_at, ended_at) = (moment(started_at), ended_at.map(moment));
        Self { attempt, worker, started_at, ended_at, outcome, detail }
    }
}

/// The attempts at an export, in their order.
#[utoipa::path(
    get, path = "/exports/{id}/attempts", operation_id = "list_attempts", tag = "exports",
    params(("id" = i64, Path, minimum = 1)),
    responses((status = 200, description = "The attempts", body = Vec<AttemptBody>))
)]
pub(in crate::api) async fn attempts(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<Json<Vec<AttemptBody>>, Problem> {
    let attempts = edge.service.export_attempts(&caller, JobId(id)).await?;
    Ok(Json(attempts.into_iter().map(AttemptBody::from).collect()))
}

/// The signed manifest of an export's file: what is in it, from where, by whom.
#[utoipa::path(
    get, path = "/exports/{id}/manifest", operation_id = "get_manifest", tag = "exports",
    params(("id" = i64, Path, minimum = 1)),
    responses(
        (status = 200, description = "The manifest, signed", body = Object),
        (status = 409, description = "There is no file"),
        (status = 410, description = "The file is gone"),
    )
)]
pub(in crate::api) async fn manifest(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<Response, Problem> {
    let text = edge.service.export_manifest(&edge.artifacts, &caller, JobId(id)).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}
