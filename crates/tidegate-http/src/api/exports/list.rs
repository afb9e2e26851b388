//! Lists exports.

use axum::{
    Json,
    extract::{OriginalUri, State},
};
use serde::{Deserialize, Serialize};
use tidegate_model::ids::JobId;
use tidegate_service::{ListRequest, ListSort};
use utoipa::{IntoParams, ToSchema};

use super::body::{Export, ExportStatus};
use crate::{
    edge::Shared,
    input::{Params, Signed},
    page::{NextPage, cursor, place},
    problem::Problem,
};

/// Characters of a slug.
const SLUG_CHARACTERS_MAX: usize = 200;
/// Exports of a page unless the request says otherwise.
const PAGE: u32 = 50;

/// Which exports to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct ListParams {
    /// Only of this subject.
    #[param(max_length = 200)]
    subject: Option<String>,
    /// Only in these states.
    #[serde(default)]
    status: Vec<ExportStatus>,
    /// Order.
    #[serde(default)]
    #[param(inline)]
    sort: SortParam,
    /// At most so many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
}

/// Order of a list.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
enum SortParam {
    /// The newest first.
    #[default]
    #[serde(rename = "-created_at")]
    Newest,
    /// The oldest first.
    #[serde(rename = "created_at")]
    Oldest,
}

/// A page of exports.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct ExportPage {
    /// The exports.
    items: Vec<Export>,
    /// Where the next page begins; null where there is none.
    next: Option<String>,
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
    if !(1..=200).contains(&limit) {
        return Err(Problem::fault("/limit", "a page has 1 to 200 exports"));
    }
    if params.subject.as_ref().is_some_and(|slug| slug.chars().count() > SLUG_CHARACTERS_MAX) {
        let detail = format!("a slug has at most {SLUG_CHARACTERS_MAX} characters");
        return Err(Problem::fault("/subject", detail));
    }
    let request = ListRequest {
        subject: params.subject,
        statuses: params.status.into_iter().map(Into::into).collect(),
        sort: match params.sort {
            SortParam::Newest => ListSort::Newest,
            SortParam::Oldest => ListSort::Oldest,
        },
        behind: place(params.cursor.as_deref())?.map(JobId),
        limit,
    };
    let page = edge.service.exports(&caller, &request).await?;
    let next = page.next.map(|job| cursor(&job.0));
    let link = NextPage::of(&edge.settings.public_url, &uri, next.as_deref());
    Ok((link, Json(ExportPage { items: page.jobs.iter().map(Export::from).collect(), next })))
}
