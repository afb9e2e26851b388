//! Shows schedules: all that the caller may see, or one with its fires and runs.

use axum::{
    Json,
    extract::{OriginalUri, State},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tidegate_model::ids::ScheduleId;
use tidegate_service::{SCHEDULES_PAGE_MAX, ScheduleListRequest};
use utoipa::{IntoParams, ToSchema};

use super::body::{Schedule, ScheduleFire, ScheduleState};
use crate::{
    api::exports::body::Export,
    clock::moment,
    edge::Shared,
    input::{Number, Params, Signed},
    page::NextPage,
    problem::Problem,
};

/// Which schedules to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct ScheduleParams {
    /// Only in this state.
    state: Option<ScheduleState>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200, default = 200)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    #[param(pattern = "^[1-9][0-9]{0,17}$")]
    cursor: Option<String>,
}

/// A page of schedules.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct SchedulePage {
    /// The schedules, newest first.
    items: Vec<Schedule>,
    /// Where the next page begins; null where there is none.
    next: Option<String>,
}

/// A schedule with what will be of it, and what was.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct ScheduleStory {
    /// The schedule.
    #[serde(flatten)]
    schedule: Schedule,
    /// Its next fires.
    next_fires: Vec<DateTime<Utc>>,
    /// Its last fires, newest first.
    fires: Vec<ScheduleFire>,
    /// Its last exports, newest first.
    runs: Vec<Export>,
}

/// Lists the schedules that the caller may see.
#[utoipa::path(
    get, path = "/schedules", operation_id = "list_schedules", tag = "schedules",
    params(ScheduleParams),
    responses((status = 200, description = "A page of schedules", body = SchedulePage,
        headers(("Link" = String, description = "Where the next page is"))))
)]
pub(in crate::api) async fn list(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    OriginalUri(uri): OriginalUri,
    Params(params): Params<ScheduleParams>,
) -> Result<(NextPage, Json<SchedulePage>), Problem> {
    if params.limit.is_some_and(|limit| !(1..=SCHEDULES_PAGE_MAX).contains(&limit)) {
        let detail = format!("a page has 1 to {SCHEDULES_PAGE_MAX} schedules");
        return Err(Problem::fault("/limit", detail));
    }
    let behind = params.cursor.as_deref().map(cursor_of).transpose()?;
    let request = ScheduleListRequest {
        state: params.state.map(ScheduleState::model),
        behind,
        limit: params.limit,
    };
    let (schedules, has_more) = edge.service.schedules(&caller, request).await?;
    let next = schedules.last().filter(|_| has_more).map(|last| last.id.to_string());
    let link = NextPage::of(&edge.settings.public_url, &uri, next.as_deref());
    Ok((link, Json(SchedulePage { items: schedules.iter().map(Schedule::from).collect(), next })))
}

fn cursor_of(text: &str) -> Result<ScheduleId, Problem> {
    let number = text.parse().ok().filter(|number| *number > 0);
    let fault = || Problem::fault("/cursor", "a cursor is the `next` of another page");
    number.map(ScheduleId).ok_or_else(fault)
}

/// A schedule, with its next fires and its last runs.
#[utoipa::path(
    get, path = "/schedules/{id}", operation_id = "get_schedule", tag = "schedules",
    params(("id" = i64, Path, minimum = 1)),
    responses((status = 200, description = "The schedule", body = ScheduleStory))
)]
pub(in crate::api) async fn get(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<Json<ScheduleStory>, Problem> {
    let story = edge.service.schedule_story(&caller, ScheduleId(id)).await?;
    Ok(Json(ScheduleStory {
        schedule: Schedule::from(&story.schedule),
        next_fires: story.next_fires.into_iter().map(moment).collect(),
        fires: story.fires.iter().map(ScheduleFire::from).collect(),
        runs: story.runs.iter().map(Export::from).collect(),
    }))
}
