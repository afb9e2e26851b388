//! Makes an export.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use tidegate_model::{actor::Caller, request::ExportRequest};
use tidegate_service::Created;

use super::body::Export;
use crate::{
    api::{
        description::RequestSchema,
        schedules::{body::Schedule, change::made},
    },
    edge::{Edge, Shared},
    input::{AnyBody, IdempotencyKey, Signed},
    problem::Problem,
};

/// Seconds after which it is worth to look again.
const LOOK_SECONDS: &str = "1";

/// Makes an export, or with `schedule` a schedule of exports. An export is built off the request:
/// look at it, or wait for its events.
#[utoipa::path(
    post, path = "/exports", operation_id = "create_export", tag = "exports",
    params(("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,255}$",
        description = "A repeated request with the same key makes no second export")),
    request_body = RequestSchema,
    responses((status = 202, description = "It was made", body = Export, headers(
        ("Location" = String, description = "Where the export is"),
        ("Retry-After" = u32, description = "Seconds after which it is worth to look"),
    )), (status = 201, description = "A schedule was made", body = Schedule, headers(
        ("Location" = String, description = "Where the schedule is"),
    )))
)]
pub(in crate::api) async fn create(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    IdempotencyKey(key): IdempotencyKey,
    AnyBody(body): AnyBody,
) -> Result<Response, Problem> {
    let request = ExportRequest::read(&body).map_err(Problem::faults)?;
    if !request.schedule.is_null() {
        let created = edge.service.create_schedule(&caller, &request, key.as_deref()).await?;
        return made(&edge, &caller, created).await;
    }
    let created = edge.service.create_export(&caller, &request, key.as_deref()).await?;
    accepted(&edge, &caller, created).await
}

/// The answer to what was accepted: where it is, and what it is now.
pub(super) async fn accepted(
    edge: &Edge,
    caller: &Caller,
    created: Created,
) -> Result<Response, Problem> {
    let job = edge.service.created_export(caller, created).await?;
    let location = format!("{}{}/exports/{}", edge.settings.address(), crate::api::PREFIX, job.id);
    let headers = [(header::LOCATION, location), (header::RETRY_AFTER, LOOK_SECONDS.to_owned())];
    Ok((StatusCode::ACCEPTED, headers, Json(Export::from(&job))).into_response())
}
