//! Exports that wait for a second person: the list, one of them, and what is decided about it.

mod rules;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::{
    approval::{Approval, ApprovalState, Difference},
    ids::JobId,
    job::Job,
};
use tidegate_service::{ApprovalStory, ApprovalsOf};
use utoipa::{IntoParams, ToSchema};

pub(super) use self::rules::{
    __path_get as __path_get_rules, __path_put as __path_put_rules, get as get_rules,
    put as put_rules,
};
use super::exports::body::Export;
use crate::{
    clock::moment,
    edge::Shared,
    input::{Body, MaybeBody, Number, Params, Signed},
    problem::Problem,
};

/// An export that waits for a second person, or has waited.
#[derive(Serialize, ToSchema)]
#[schema(as = Approval)]
pub(super) struct ApprovalBody {
    /// Number of the export.
    export: i64,
    /// Name of the rule by which it waits.
    rule: String,
    /// What became of it: `waiting`, `granted`, `broken_glass`, `used`, `denied`, `lapsed`, `void`.
    #[schema(value_type = ApprovalStateSchema)]
    state: &'static str,
    /// SHA-256 of what was asked for: it is good for exactly that.
    definition_hash: String,
    /// When it was asked for.
    requested_at: DateTime<Utc>,
    /// When it lapses: undecided, or decided and not used.
    expires_at: DateTime<Utc>,
    /// Mail address of who has decided.
    decided_by: Option<String>,
    /// When.
    decided_at: Option<DateTime<Utc>>,
    /// What they said.
    note: Option<String>,
    /// Whether it was released without a second person.
    is_broken: bool,
    /// Mail address of who has reviewed that.
    reviewed_by: Option<String>,
    /// When.
    reviewed_at: Option<DateTime<Utc>>,
    /// What they said.
    review_note: Option<String>,
}

/// What became of an approval.
#[derive(ToSchema)]
#[schema(as = ApprovalState)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "it is the schema of the model's list")]
enum ApprovalStateSchema {
    Waiting,
    Granted,
    BrokenGlass,
    Used,
    Denied,
    Lapsed,
    Void,
}

impl From<Approval> for ApprovalBody {
    fn from(approval: Approval) -> Self {
        let state: ApprovalState = approval.state;
        Self {
            export: approval.job.0,
            rule: approval.rule,
            state: state.slug(),
            definition_hash: approval.definition_hash,
            requested_at: moment(approval.requested_at),
            expires_at: moment(approval.expires_at),
            decided_by: approval.decided_name,
            decided_at: approval.decided_at.map(moment),
            note: approval.note,
            is_broken: approval.is_broken,
            reviewed_by: approval.reviewed_name,
            reviewed_at: approval.reviewed_at.map(moment),
            review_note: approval.review_note,
        }
    }
}

/// An approval with its export.
#[derive(Serialize, ToSchema)]
#[schema(as = ApprovalOfExport)]
pub(super) struct ApprovalLine {
    /// The approval.
    approval: ApprovalBody,
    /// The export, as the caller may see it.
    export: Export,
}

/// Everything about an export that waits.
#[derive(Serialize, ToSchema)]
#[schema(as = ApprovalStory)]
pub(super) struct ApprovalStoryBody {
    /// The approval.
    approval: ApprovalBody,
    /// The export, as the caller may see it.
    export: Export,
    /// Mail address of who asked.
    asked_by: String,
    /// Number of the last export of the subject by the same operator that became a file.
    compared_with: Option<i64>,
    /// What differs from that.
    differences: Vec<DifferenceBody>,
    /// What the same operator has taken within 30 days, of subjects that the caller may see.
    recent: RecentBody,
    /// Whether the caller has asked for it, has said what its schedule asks for, has that schedule
    /// or has given it away, or has started it: nobody decides about that.
    is_own: bool,
}

/// Something that an export asks for and an earlier one did not.
#[derive(Serialize, ToSchema)]
#[schema(as = Difference)]
struct DifferenceBody {
    /// What.
    what: &'static str,
    /// What it was; of fields those that are gone.
    was: Value,
    /// What it is; of fields those that were added.
    is: Value,
}

/// What somebody has taken lately.
#[derive(Serialize, ToSchema)]
#[schema(as = RecentUse)]
struct RecentBody {
    /// Exports that became files.
    exports: i64,
    /// Their rows.
    rows: i64,
    /// Their bytes.
    bytes: i64,
}

impl From<ApprovalStory> for ApprovalStoryBody {
    fn from(story: ApprovalStory) -> Self {
        let difference = |Difference { what, was, is }| DifferenceBody { what, was, is };
        Self {
            approval: story.approval.into(),
            export: Export::from(&story.job),
            asked_by: story.creator,
            compared_with: story.last.map(|job| job.id.0),
            differences: story.differences.into_iter().map(difference).collect(),
            recent: RecentBody {
                exports: story.recent.exports,
                rows: story.recent.rows,
                bytes: story.recent.bytes,
            },
            is_own: story.is_own,
        }
    }
}

/// Which are sought.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Those that wait, those to be reviewed, or those that are over; those that wait if absent.
    #[param(inline)]
    of: Option<Sought>,
}

/// Which approvals are sought.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Sought {
    /// Those that wait.
    #[default]
    Waiting,
    /// Those that were released without a second person, and not reviewed.
    ToReview,
    /// Those that are decided, or over.
    Past,
}

impl From<Sought> for ApprovalsOf {
    fn from(sought: Sought) -> Self {
        match sought {
            Sought::Waiting => Self::Waiting,
            Sought::ToReview => Self::ToReview,
            Sought::Past => Self::Past,
        }
    }
}

/// Exports that wait for a second person, of subjects that the caller may see.
#[utoipa::path(
    get, path = "/approvals", operation_id = "list_approvals", tag = "approvals",
    params(Which),
    responses((status = 200, description = "The approvals; at most 200", body = Vec<ApprovalLine>))
)]
pub(super) async fn list(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Params(which): Params<Which>,
) -> Result<Json<Vec<ApprovalLine>>, Problem> {
    let sought = [which.of.unwrap_or_default().into()];
    let [found] = edge.service.approvals(&caller, sought).await?;
    let line = |(approval, job): (Approval, Job)| ApprovalLine {
        approval: approval.into(),
        export: Export::from(&job),
    };
    Ok(Json(found.into_iter().map(line).collect()))
}

/// One export that waits: with what differs from the last one, and what its operator has taken.
#[utoipa::path(
    get, path = "/approvals/{id}", operation_id = "get_approval", tag = "approvals",
    params(("id" = i64, Path)),
    responses((status = 200, description = "The approval", body = ApprovalStoryBody))
)]
pub(super) async fn get(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<Json<ApprovalStoryBody>, Problem> {
    Ok(Json(edge.service.approval(&caller, JobId(id)).await?.into()))
}

/// What is said of a decision, if anything.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Remark {
    /// What is said of it.
    #[schema(max_length = 1000)]
    note: Option<String>,
}

/// What is said of a decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    /// What is said of it: it stands in the activity log, and whoever asked reads it.
    #[schema(min_length = 1, max_length = 1000)]
    note: String,
}

/// Why an export of one's own is released.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    /// Why it cannot wait.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// Lets an export of somebody else go on.
#[utoipa::path(
    post, path = "/approvals/{id}/grant", operation_id = "grant_approval", tag = "approvals",
    params(("id" = i64, Path)),
    request_body = Option<Remark>,
    responses(
        (status = 204, description = "It is built"),
        (status = 409, description = "It does not wait any more, or is not what was asked for"),
    )
)]
pub(super) async fn grant(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
    MaybeBody(sent): MaybeBody<Remark>,
) -> Result<StatusCode, Problem> {
    let note = sent.unwrap_or_default().note;
    edge.service.grant_approval(&caller, JobId(id), note.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses an export of somebody else.
#[utoipa::path(
    post, path = "/approvals/{id}/deny", operation_id = "deny_approval", tag = "approvals",
    params(("id" = i64, Path)),
    request_body = Note,
    responses(
        (status = 204, description = "It has failed"),
        (status = 409, description = "It does not wait any more"),
    )
)]
pub(super) async fn deny(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
    Body(sent): Body<Note>,
) -> Result<StatusCode, Problem> {
    edge.service.deny_approval(&caller, JobId(id), &sent.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Releases an export of one's own without a second person, where the site has it so. Security is
/// told, and somebody else has to review it.
#[utoipa::path(
    post, path = "/approvals/{id}/break", operation_id = "break_approval", tag = "approvals",
    params(("id" = i64, Path)),
    request_body = Why,
    responses(
        (status = 204, description = "It is built"),
        (status = 409, description = "It does not wait any more, or is not what was asked for"),
    )
)]
pub(super) async fn break_glass(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
    Body(sent): Body<Why>,
) -> Result<StatusCode, Problem> {
    edge.service.break_approval(&caller, JobId(id), &sent.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reviews what somebody else has released without a second person.
#[utoipa::path(
    post, path = "/approvals/{id}/review", operation_id = "review_approval", tag = "approvals",
    params(("id" = i64, Path)),
    request_body = Note,
    responses(
        (status = 204, description = "It is reviewed"),
        (status = 409, description = "There is nothing to review"),
    )
)]
pub(super) async fn review(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
    Body(sent): Body<Note>,
) -> Result<StatusCode, Problem> {
    edge.service.review_approval(&caller, JobId(id), &sent.note).await?;
    Ok(StatusCode::NO_CONTENT)
}
