//! The pause of egress: what holds it back, and the switch.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_model::pause::Pause;
use utoipa::{IntoParams, ToSchema};

use crate::{
    clock::moment,
    edge::Shared,
    input::{Body, Params, Signed},
    problem::Problem,
};

/// A pause of egress.
#[derive(Serialize, ToSchema)]
#[schema(as = Pause)]
pub(super) struct PauseBody {
    /// Slug of the subject that is held; null where everything is.
    subject: Option<String>,
    /// Why.
    reason: String,
    /// Mail address of who began it.
    paused_by: String,
    /// When it began.
    paused_at: DateTime<Utc>,
}

impl From<Pause> for PauseBody {
    fn from(pause: Pause) -> Self {
        Self {
            subject: pause.subject,
            reason: pause.reason,
            paused_by: pause.name,
            paused_at: moment(pause.paused_at),
        }
    }
}

/// The pauses that hold something back which the caller may see.
#[utoipa::path(
    get, path = "/pause", operation_id = "list_pauses", tag = "site",
    responses(
        (status = 200, description = "The pauses; none where all goes on", body = Vec<PauseBody>),
    )
)]
pub(super) async fn list(
    State(edge): State<Shared>,
    Signed(caller): Signed,
) -> Result<Json<Vec<PauseBody>>, Problem> {
    let pauses = edge.service.pauses(&caller).await?;
    Ok(Json(pauses.into_iter().map(PauseBody::from).collect()))
}

/// What is to be held.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPause {
    /// Slug of the subject; absent or null means everything.
    subject: Option<String>,
    /// Why: whoever is held back reads it.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// Holds all egress of a subject, or of the site. Nothing is made or downloaded from now on, what
/// is being built is cancelled, and downloads under way are cut.
#[utoipa::path(
    post, path = "/pause", operation_id = "pause", tag = "site",
    request_body = NewPause,
    responses(
        (status = 204, description = "It is paused"),
        (status = 409, description = "It was paused already"),
    )
)]
pub(super) async fn begin(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Body(sent): Body<NewPause>,
) -> Result<StatusCode, Problem> {
    edge.service.pause(&caller, sent.subject.as_deref(), &sent.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which pause is to end.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Slug of the subject; absent means the pause of everything.
    subject: Option<String>,
}

/// Ends a pause.
#[utoipa::path(
    delete, path = "/pause", operation_id = "resume", tag = "site",
    params(Which),
    responses((status = 204, description = "It goes on"))
)]
pub(super) async fn end(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Params(which): Params<Which>,
) -> Result<StatusCode, Problem> {
    edge.service.resume(&caller, which.subject.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}
