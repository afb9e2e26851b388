//! The activity log.

use axum::{
    Json,
    extract::{OriginalUri, State},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidegate_model::{audit::Outcome, ids::JobId};
use tidegate_service::{ACTIVITY_PAGE_MAX, ActivityRequest, ActivitySort, ReportKind};
use utoipa::{IntoParams, ToSchema};

use crate::{
    edge::Shared,
    input::{Body, Params, Signed},
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
    /// Only about exports of this field.
    #[param(example = "customer.email")]
    field: Option<String>,
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
pub(super) enum OutcomeParam {
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
        field: params.field,
        action: params.action,
        tag: params.tag,
        outcome: params.outcome.map(Outcome::from),
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

/// What a report has a row of.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReportKindBody {
    /// Each export: who asked, for what, how much, who took it, whether the file is gone.
    Exports,
    /// Each entry of the log.
    Entries,
}

/// Of what a report is wanted. Filters that are absent or null let everything through.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportRequest)]
pub(super) struct ReportBody {
    /// What it has a row of.
    kind: ReportKindBody,
    /// Of exports: asked for, or got, by this mail address. Of entries: by this name or kind.
    #[serde(default)]
    actor: Option<String>,
    /// About this export.
    #[serde(default)]
    export: Option<i64>,
    /// Of this subject.
    #[serde(default)]
    subject: Option<String>,
    /// Of this field.
    #[serde(default)]
    field: Option<String>,
    /// Entries of this action, or group of actions; an export has none.
    #[serde(default)]
    action: Option<String>,
    /// With this tag; an export has `egress.pii`, or none.
    #[serde(default)]
    tag: Option<String>,
    /// Entries of what was done, or was denied; an export has none.
    #[serde(default)]
    outcome: Option<OutcomeParam>,
    /// Not before this moment: of exports, when they were asked for.
    #[serde(default)]
    from: Option<DateTime<Utc>>,
    /// Before this moment.
    #[serde(default)]
    to: Option<DateTime<Utc>>,
}

/// A report and its manifest: two texts, to be kept byte by byte.
#[derive(Serialize, ToSchema)]
#[schema(as = Report)]
pub(super) struct ReportAnswer {
    /// Name of the file; that of the manifest is the same with `.manifest.json`.
    name: String,
    /// Rows in it.
    rows: u64,
    /// Its size in bytes.
    bytes: u64,
    /// Its SHA-256, in hexadecimal.
    sha256: String,
    /// The file: CSV, with a byte order mark, for spreadsheets.
    csv: String,
    /// The signed manifest: `tidegate manifest verify` reads it.
    manifest: String,
}

/// Makes a signed report: of exports, with who took them; or of the entries themselves.
#[utoipa::path(
    post, path = "/activity/report", operation_id = "report_activity", tag = "activity",
    request_body = ReportBody,
    responses((status = 200, description = "The report", body = ReportAnswer))
)]
pub(super) async fn report(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Body(body): Body<ReportBody>,
) -> Result<Json<ReportAnswer>, Problem> {
    let kind = match body.kind {
        ReportKindBody::Exports => ReportKind::Exports,
        ReportKindBody::Entries => ReportKind::Entries,
    };
    let request = ActivityRequest {
        actor: body.actor,
        job: body.export.map(JobId),
        subject: body.subject,
        field: body.field,
        action: body.action,
        tag: body.tag,
        outcome: body.outcome.map(Outcome::from),
        from: body.from.map(|from| from.timestamp_micros()),
        to: body.to.map(|to| to.timestamp_micros()),
        ..ActivityRequest::default()
    };
    let report = edge.service.activity_report(&caller, kind, &request).await?;
    Ok(Json(ReportAnswer {
        rows: report.rows as u64,
        bytes: report.bytes.len() as u64,
        csv: String::from_utf8(report.bytes).map_err(|_| Problem::of(ProblemKind::Internal))?,
        name: report.name,
        sha256: report.sha256,
        manifest: report.manifest,
    }))
}

impl From<OutcomeParam> for Outcome {
    fn from(word: OutcomeParam) -> Self {
        match word {
            OutcomeParam::Done => Self::Done,
            OutcomeParam::Denied => Self::Denied,
        }
    }
}
