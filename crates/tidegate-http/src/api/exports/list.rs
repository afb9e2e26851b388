//! Lists exports.

use axum::{
    Json,
    extract::{OriginalUri, State},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tidegate_model::ids::OperatorId;
use tidegate_service::{Creator, JobCursor, JobSort, ListRequest};
use utoipa::{IntoParams, ToSchema};

use super::body::{Export, ExportStatus};
use crate::{
    edge::Shared,
    input::{Params, Signed},
    page::NextPage,
    problem::Problem,
};

/// Characters of a slug.
const SLUG_CHARACTERS_MAX: usize = 200;
/// Exports of a page unless the request says otherwise.
const PAGE: u32 = 50;
/// Exports of a page at most.
const PAGE_MAX: u32 = 200;

/// Which exports to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct ListParams {
    /// Only with this text in number, subject, format, or their creator's name or address.
    #[param(max_length = 200)]
    q: Option<String>,
    /// Only of this subject.
    #[param(max_length = 200)]
    subject: Option<String>,
    /// Only in these states.
    #[serde(default)]
    status: Vec<ExportStatus>,
    /// Only those that the operator of this number made.
    #[param(minimum = 1)]
    created_by: Option<i64>,
    /// Only those that were asked for at this moment or later.
    from: Option<DateTime<Utc>>,
    /// Only those that were asked for before this moment.
    to: Option<DateTime<Utc>>,
    /// Only with personal data, or only without.
    has_pii: Option<bool>,
    /// Order: `created`, `size`, `status` or `subject`, with `-` for the largest first.
    #[param(example = "-created", pattern = "^-?(created|size|status|subject)$")]
    sort: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where the page begins: `next` or `previous` of another page, in the same order.
    cursor: Option<String>,
}

/// A page of exports.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct ExportPage {
    /// The exports.
    items: Vec<Export>,
    /// Where the next page begins; null where there is none.
    next: Option<String>,
    /// Where the page before ends; null where there is none.
    previous: Option<String>,
    /// How many match, on all pages.
    total: u64,
    /// Whether there are no more of them than that: many are not counted to the end.
    total_is_exact: bool,
}

/// Lists the exports that the caller may see.
#[utoipa::path(
    get, path = "/exports", operation_id = "list_exports", tag = "exports", params(ListParams),
    responses((status = 200, description = "A page of exports", body = ExportPage,
        headers(("Link" = String, description = "Where the next page is"))))
)]
pub(in crate::api) async fn list(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    OriginalUri(uri): OriginalUri,
    Params(params): Params<ListParams>,
) -> Result<(NextPage, Json<ExportPage>), Problem> {
    let limit = params.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::fault("/limit", format!("a page has 1 to {PAGE_MAX} exports")));
    }
    if params.subject.as_ref().is_some_and(|slug| slug.chars().count() > SLUG_CHARACTERS_MAX) {
        let detail = format!("a slug has at most {SLUG_CHARACTERS_MAX} characters");
        return Err(Problem::fault("/subject", detail));
    }
    if params.created_by.is_some_and(|number| number < 1) {
        return Err(Problem::fault("/created_by", "operators are numbered from 1 on"));
    }
    let created = match (params.from, params.to) {
        (None, None) => Vec::new(),
        (from, to) => {
            let [from, to] = [from, to].map(|at| at.map(|at| at.timestamp_micros()));
            std::iter::once(from.unwrap_or(i64::MIN)..to.unwrap_or(i64::MAX)).collect()
        }
    };
    let sort = params.sort.as_deref().map(str::parse::<JobSort>).transpose();
    let behind = params.cursor.as_deref().map(str::parse::<JobCursor>).transpose();
    let request = ListRequest {
        text: params.q,
        subject: params.subject,
        created_by: params.created_by.map(|id| Creator::Id(OperatorId(id))),
        statuses: params.status.into_iter().map(Into::into).collect(),
        created,
        has_pii: params.has_pii,
        sort: sort.map_err(|fault| Problem::fault("/sort", fault.to_string()))?.unwrap_or_default(),
        behind: behind.map_err(|fault| Problem::fault("/cursor", fault.to_string()))?,
        limit,
        counts_states: false,
    };
    let page = edge.service.exports(&caller, &request).await?;
    let next = page.next.map(|cursor| cursor.to_string());
    let link = NextPage::of(&edge.settings.public_url, &uri, next.as_deref());
    let body = ExportPage {
        items: page.jobs.iter().map(Export::from).collect(),
        next,
        previous: page.previous.map(|cursor| cursor.to_string()),
        total: page.matching.count,
        total_is_exact: page.matching.is_exact,
    };
    Ok((link, Json(body)))
}
