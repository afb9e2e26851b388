//! The activity log.

use axum::{
    Json,
    extract::{OriginalUri, State},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidegate_model::{audit::Outcome, ids::JobId};
use tidegate_service::{ACTIVITY_PAGE_MAX, ActivityRequest, ActivitySort};
use utoipa::{IntoParams, ToSchema};

use crate::{
    edge::Shared,
    input::{Params, Signed},
    page::NextPage,
    problem::{Problem, ProblemKind},
};

/// Entries of a page unless the request says otherwise.
const PAGE: u32 = 50;

/// Which entries to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ActivityParams {
    /// Only by: `operator`, `token`, `worker`, `upkeep`, `setup`, `stranger`, or a name.
    #[param(example = "ada@example.com")]
    actor: Option<String>,
    /// Only about this export.
    export: Option<i64>,
    /// Only about this subject.
    subject: Option<String>,
    /// Only of this action, or group of actions.
    #[param(example = "download.started")]
    action: Option<String>,
    /// Only with this tag.
    #[param(example = "egress.pii")]
    tag: Option<String>,
    /// Only what was done, or was denied.
    #[param(inline)]
    outcome: Option<OutcomeParam>,
    /// Not before this moment.
    from: Option<DateTime<Utc>>,
    /// Before this moment.
    to: Option<DateTime<Utc>>,
    /// Order.
    #[serde(default)]
    #[param(inline)]
    sort: OrderParam,
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before, with the same filters.
    cursor: Option<String>,
}

/// How something ended.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OutcomeParam {
    /// It was done.
    Done,
    /// It was refused.
    Denied,
}

/// Order of the log.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
enum OrderParam {
    /// The newest first.
    #[default]
    #[serde(rename = "-at")]
    Newest,
    /// The oldest first.
    #[serde(rename = "at")]
    Oldest,
}

/// An entry and its hash.
#[derive(ToSchema)]
#[schema(as = Entry)]
#[expect(dead_code, reason = "describes the lines of the log")]
pub(super) struct EntryBody {
    /// SHA-256 of the entry's text, in hexadecimal.
    hash: String,
    /// The entry: docs/reference/activity-log.md says what is in it.
    #[schema(value_type = Object)]
    entry: serde_json::Value,
}

/// A page of entries, the newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct ActivityPage {
    /// The entries as they were written, each with the hash of its text: what stands here verifies.
    #[schema(value_type = Vec<EntryBody>)]
    items: Vec<Box<RawValue>>,
    /// Where the next page begins; null where there is none.
    next: Option<String>,
}

/// Lists entries of the activity log.
#[utoipa::path(
    get, path = "/activity", operation_id = "list_activity", tag = "activity",
    params(ActivityParams),
    responses((status = 200, description = "A page of entries", body = ActivityPage,
        headers(("Link" = String, description = "Where the next page is"))))
)]
pub(super) async fn list(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    OriginalUri(uri): OriginalUri,
    Params(params): Params<ActivityParams>,
) -> Result<(NextPage, Json<ActivityPage>), Problem> {
    let limit = params.limit.unwrap_or(PAGE);
    if !(1..=ACTIVITY_PAGE_MAX).contains(&limit) {
        let detail = format!("a page has 1 to {ACTIVITY_PAGE_MAX} entries");
        return Err(Problem::fault("/limit", detail));
    }
    let request = ActivityRequest {
        actor: params.actor,
        job: params.export.map(JobId),
        subject: params.subject,
        action: params.action,
        tag: params.tag,
        outcome: params.outcome.map(|outcome| match outcome {
            OutcomeParam::Done => Outcome::Done,
            OutcomeParam::Denied => Outcome::Denied,
        }),
        from: params.from.map(|from| from.timestamp_micros()),
        to: params.to.map(|to| to.timestamp_micros()),
        sort: match params.sort {
            OrderParam::Newest => ActivitySort::Newest,
            OrderParam::Oldest => ActivitySort::Oldest,
        },
        limit: Some(limit),
        cursor: params.cursor,
    };
    let page = edge.service.activity(&caller, &request).await?;
    let items = page.entries.iter().map(|entry| RawValue::from_string(entry.line()));
    let items = items.collect::<Result<_, _>>().map_err(|_| Problem::of(ProblemKind::Internal))?;
    let link = NextPage::of(&edge.settings.public_url, &uri, page.next.as_deref());
    Ok((link, Json(ActivityPage { items, next: page.next })))
}
