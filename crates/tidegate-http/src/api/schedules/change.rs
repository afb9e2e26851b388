//! Changes a schedule: when it fires and what it asks for, whether it fires, and whose it is.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use tidegate_model::{
    actor::Caller,
    fault::{Fault, Faults},
    ids::{OperatorId, ScheduleId},
    request::{ExportRequest, REASON_CHARACTERS_MAX},
};
use tidegate_service::{CreatedSchedule, ScheduleCall, ScheduleWish};
use utoipa::ToSchema;

use super::body::Schedule;
use crate::{
    api::{
        description::{RequestSchema, TimingSchema},
        exports::body::Export,
    },
    edge::{Edge, Shared},
    input::{Body, MaybeBody, Number, Signed},
    problem::Problem,
};

/// The answer to a schedule that was made.
pub(in crate::api) async fn made(
    edge: &Edge,
    caller: &Caller,
    created: CreatedSchedule,
) -> Result<Response, Problem> {
    let schedule = edge.service.created_schedule(caller, created).await?;
    let (address, prefix) = (edge.settings.address(), crate::api::PREFIX);
    let location = format!("{address}{prefix}/schedules/{}", schedule.id);
    let body = Json(Schedule::from(&schedule));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

/// What is to be another; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ScheduleChange {
    /// When it fires, whole.
    #[schema(value_type = Option<TimingSchema>)]
    #[serde(default)]
    schedule: Option<Value>,
    /// What each run asks for, whole; of the same subject, and without `schedule`.
    #[schema(value_type = Option<RequestSchema>)]
    #[serde(default)]
    request: Option<Value>,
    /// The version that was seen: where it is another one by now, nothing is changed.
    #[schema(minimum = 1)]
    version: Option<i64>,
}

/// Changes when a schedule fires, or what it asks for.
#[utoipa::path(
    patch, path = "/schedules/{id}", operation_id = "change_schedule", tag = "schedules",
    params(("id" = i64, Path, minimum = 1)),
    request_body = ScheduleChange,
    responses(
        (status = 200, description = "The schedule as it is now", body = Schedule),
        (status = 409, description = "It has changed meanwhile"),
    )
)]
pub(in crate::api) async fn change(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
    Body(sent): Body<ScheduleChange>,
) -> Result<Json<Schedule>, Problem> {
    let request = sent.request.as_ref().map(ExportRequest::read).transpose();
    let request = request.map_err(|Faults(faults)| {
        let below = |fault: Fault| Fault::new(format!("/request{}", fault.pointer), fault.detail);
        Problem::faults(Faults(faults.into_iter().map(below).collect()))
    })?;
    let wish = ScheduleWish { timing: sent.schedule, request, version: sent.version };
    let changed = edge.service.change_schedule(&caller, ScheduleId(id), wish).await?;
    Ok(Json(Schedule::from(&changed)))
}

/// Deletes a schedule. The record of its runs stays.
#[utoipa::path(
    delete, path = "/schedules/{id}", operation_id = "delete_schedule", tag = "schedules",
    params(("id" = i64, Path, minimum = 1)),
    responses((status = 204, description = "It is deleted"))
)]
pub(in crate::api) async fn delete(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<StatusCode, Problem> {
    edge.service.call_schedule(&caller, ScheduleId(id), ScheduleCall::Delete).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why a schedule pauses.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct SchedulePause {
    /// In the words of whoever pauses it.
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

const _: () = assert!(REASON_CHARACTERS_MAX == 1_000, "the schema says so");

/// Pauses a schedule: what it does not fire meanwhile is not made up for.
#[utoipa::path(
    post, path = "/schedules/{id}/pause", operation_id = "pause_schedule", tag = "schedules",
    params(("id" = i64, Path, minimum = 1)),
    request_body = Option<SchedulePause>,
    responses(
        (status = 200, description = "It is paused", body = Schedule),
        (status = 409, description = "It does not fire anyway"),
    )
)]
pub(in crate::api) async fn pause(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
    MaybeBody(sent): MaybeBody<SchedulePause>,
) -> Result<Json<Schedule>, Problem> {
    let reason = sent.unwrap_or_default().reason;
    call(&edge, &caller, id, ScheduleCall::Pause(reason)).await
}

/// Lets a schedule fire again, from its next time on.
#[utoipa::path(
    post, path = "/schedules/{id}/resume", operation_id = "resume_schedule", tag = "schedules",
    params(("id" = i64, Path, minimum = 1)),
    responses(
        (status = 200, description = "It fires again", body = Schedule),
        (status = 409, description = "It is not paused, or its owner may not export this"),
    )
)]
pub(in crate::api) async fn resume(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<Json<Schedule>, Problem> {
    call(&edge, &caller, id, ScheduleCall::Resume).await
}

/// Whose a schedule is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ScheduleOwner {
    /// Number of an operator who may export the subject and make schedules.
    #[schema(minimum = 1)]
    owner: i64,
}

/// Gives a schedule to somebody else, in whose name it fires from now on.
#[utoipa::path(
    post, path = "/schedules/{id}/reassign", operation_id = "reassign_schedule", tag = "schedules",
    params(("id" = i64, Path, minimum = 1)),
    request_body = ScheduleOwner,
    responses((status = 204, description = "It is theirs"))
)]
pub(in crate::api) async fn reassign(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
    Body(sent): Body<ScheduleOwner>,
) -> Result<StatusCode, Problem> {
    let call = ScheduleCall::Reassign(OperatorId(sent.owner));
    edge.service.call_schedule(&caller, ScheduleId(id), call).await?;
    // Whoever gives it away may not see it any more.
    Ok(StatusCode::NO_CONTENT)
}

async fn call(
    edge: &Edge,
    caller: &Caller,
    id: i64,
    call: ScheduleCall,
) -> Result<Json<Schedule>, Problem> {
    edge.service.call_schedule(caller, ScheduleId(id), call).await?;
    Ok(Json(Schedule::from(&edge.service.schedule(caller, ScheduleId(id)).await?)))
}

/// Runs a schedule now, beside its times. The export is its owner's.
#[utoipa::path(
    post, path = "/schedules/{id}/run", operation_id = "run_schedule", tag = "schedules",
    params(("id" = i64, Path, minimum = 1)),
    responses(
        (status = 202, description = "The export", body = Export, headers(
            ("Location" = String, description = "Where the export is"),
        )),
        (status = 409, description = "Its owner may not export this"),
    )
)]
pub(in crate::api) async fn run(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<Response, Problem> {
    let job = edge.service.run_schedule(&caller, ScheduleId(id)).await?;
    let job = edge.service.export(&caller, job).await?;
    let (address, prefix) = (edge.settings.address(), crate::api::PREFIX);
    let location = format!("{address}{prefix}/exports/{}", job.id);
    let body = Json(Export::from(&job));
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], body).into_response())
}
