//! The activity log.

use axum::{
    Json,
    extract::{OriginalUri, State},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidegate_model::ids::{JobId, OperatorId};
use tidegate_service::EntryFilter;
use utoipa::{IntoParams, ToSchema};

use crate::{
    edge::Shared,
    input::{Params, Signed},
    page::{NextPage, cursor, place},
    problem::{Problem, ProblemKind},
};

/// Entries of a page unless the request says otherwise.
const PAGE: u32 = 50;
/// Entries of a page at most.
const PAGE_MAX: u32 = 200;

/// Which entries to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ActivityParams {
    /// Only by this operator.
    operator: Option<i64>,
    /// Only about this export.
    export: Option<i64>,
    /// Only about this subject.
    subject: Option<String>,
    /// Only of this action.
    #[param(example = "download.started")]
    action: Option<String>,
    /// Only with this tag.
    #[param(example = "egress.pii")]
    tag: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
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
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::fault("/limit", format!("a page has 1 to {PAGE_MAX} entries")));
    }
    let filter = EntryFilter {
        operator: params.operator.map(OperatorId),
        job: params.export.map(JobId),
        subject: params.subject,
        action: params.action,
        tag: params.tag,
        ..EntryFilter::default()
    };
    let before = place(params.cursor.as_deref())?;
    let entries = edge.service.activity(&caller, &filter, before, limit).await?;
    let is_full = entries.len() == limit as usize;
    let next = entries.last().filter(|_| is_full).map(|entry| cursor(&entry.seq));
    let items = entries.iter().map(|entry| RawValue::from_string(entry.line()));
    let items = items.collect::<Result<_, _>>().map_err(|_| Problem::of(ProblemKind::Internal))?;
    let link = NextPage::of(&edge.settings.public_url, &uri, next.as_deref());
    Ok((link, Json(ActivityPage { items, next })))
}
