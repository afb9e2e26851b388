//! The registry of admin actions, and what a site pushes into it.

use axum::{
    Json,
    extract::{Path, State},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::registry::{AdminAction, Kind, Reach, Reconciled, SyncStep};
use tidegate_service::{ActionOrigin, ActionRun, ActionSummary, Agreed, RunRequest};
use utoipa::ToSchema;

use crate::{
    api::description::ScopeSchema,
    edge::Shared,
    input::{Body, IdempotencyKey, Signed},
    problem::Problem,
};

/// An action of the registry.
#[derive(Serialize, ToSchema)]
#[schema(as = Action)]
pub(super) struct ActionBody {
    /// Model that it belongs to.
    model: String,
    /// Stable name within the model.
    codename: String,
    /// Name that people read.
    name: String,
    /// `server` or `client`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// `row`, `bulk` or `list`.
    #[schema(value_type = String)]
    scope: &'static str,
    /// Slug of its subject.
    subject: String,
    /// The capability that it is.
    capability: String,
    /// The permission that it is in Django.
    permission: String,
    /// Whether it is not declared any more: it then grants nothing.
    is_retired: bool,
    /// Whether the caller may have it done.
    is_allowed: bool,
    /// Whether the site has an address that does it.
    can_run: bool,
}

impl From<ActionSummary> for ActionBody {
    fn from(summary: ActionSummary) -> Self {
        Self {
            model: summary.action.model,
            codename: summary.action.codename,
            name: summary.action.name,
            kind: summary.action.kind.slug(),
            scope: summary.action.scope.slug(),
            subject: summary.subject,
            capability: summary.capability,
            permission: summary.permission,
            is_retired: summary.is_retired,
            is_allowed: summary.is_allowed,
            can_run: summary.can_run,
        }
    }
}

/// The actions of the subjects that the caller may see.
#[utoipa::path(
    get, path = "/actions", operation_id = "list_actions", tag = "actions",
    responses((status = 200, description = "The actions", body = Vec<ActionBody>))
)]
pub(super) async fn list(
    State(edge): State<Shared>,
    Signed(caller): Signed,
) -> Result<Json<Vec<ActionBody>>, Problem> {
    let actions = edge.service.actions(&caller).await?;
    Ok(Json(actions.into_iter().map(ActionBody::from).collect()))
}

/// What a site declares: all that it declares, as what is missing is retired.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sync {
    /// The actions, as `ADMIN_ACTIONS` has them.
    actions: Vec<Declared>,
    /// Only say what would be done.
    #[serde(default)]
    dry_run: bool,
}

/// An action as it is declared.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeclaredAction)]
struct Declared {
    /// Model that it belongs to.
    model: String,
    /// Stable name within the model.
    codename: String,
    /// Name that people read.
    name: String,
    /// Where it is done: `server` or `client`.
    #[schema(value_type = KindWord)]
    kind: Kind,
    /// What it is done to.
    #[schema(value_type = ReachWord)]
    scope: Reach,
}

/// Where an action is done.
#[derive(ToSchema)]
#[schema(as = ActionKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "it is the schema of a word")]
enum KindWord {
    Server,
    Client,
}

/// What an action is done to.
#[derive(ToSchema)]
#[schema(as = ActionScope, rename_all = "snake_case")]
#[expect(dead_code, reason = "it is the schema of a word")]
enum ReachWord {
    Row,
    Bulk,
    List,
}

/// What a sync came to.
#[derive(Serialize, ToSchema)]
pub(super) struct Synced {
    /// What was done, or would be.
    steps: Vec<Step>,
    /// Actions that are as they were.
    unchanged: usize,
}

/// One thing that a sync does.
#[derive(Serialize, ToSchema)]
#[schema(as = SyncStep)]
struct Step {
    /// `add`, `change`, `revive` or `retire`.
    step: &'static str,
    /// Model.
    model: String,
    /// Codename.
    codename: String,
    /// Name that people read from now on.
    name: String,
    /// The capability that it is.
    capability: String,
}

impl From<&SyncStep> for Step {
    fn from(step: &SyncStep) -> Self {
        let one = step.action();
        Self {
            step: step.slug(),
            model: one.action.model.clone(),
            codename: one.action.codename.clone(),
            name: one.action.name.clone(),
            capability: one.capability.clone(),
        }
    }
}

impl From<Reconciled> for Synced {
    fn from(reconciled: Reconciled) -> Self {
        let steps = reconciled.steps.iter().map(Step::from).collect();
        Self { steps, unchanged: reconciled.unchanged }
    }
}

/// Makes the registry what the site declares.
#[utoipa::path(
    post, path = "/actions/sync", operation_id = "sync_actions", tag = "actions",
    request_body = Sync,
    responses((status = 200, description = "What was done", body = Synced))
)]
pub(super) async fn sync(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Body(sent): Body<Sync>,
) -> Result<Json<Synced>, Problem> {
    let declared = |one: Declared| AdminAction {
        model: one.model,
        codename: one.codename,
        name: one.name,
        kind: one.kind,
        scope: one.scope,
    };
    let actions: Vec<AdminAction> = sent.actions.into_iter().map(declared).collect();
    let origin = ActionOrigin::Pushed;
    let done = edge.service.sync_actions(&caller, origin, &actions, sent.dry_run).await?;
    Ok(Json(done.into()))
}

/// What is to be done to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    /// Kind of the subject.
    #[serde(default)]
    kind: Option<String>,
    /// Which records, as in an export: within the limits of the caller's role.
    #[schema(value_type = ScopeSchema)]
    scope: Value,
    /// Why; an action may ask for it.
    #[serde(default)]
    reason: Option<String>,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = ActionRun)]
pub(super) struct Ran {
    /// Number of its entry in the activity log; the webhook's id is `run_` and this.
    run: i64,
    /// Records that it is about.
    records: i64,
    /// `done`, `refused` by the site, `unreachable`, `unanswered` where it was sent and nobody
    /// knows what became of it, `address_refused`, or `underway`.
    #[schema(value_type = String)]
    outcome: &'static str,
    /// Status of the site's answer.
    status: Option<i64>,
}

impl From<ActionRun> for Ran {
    fn from(run: ActionRun) -> Self {
        let ActionRun { run, records, outcome, status, .. } = run;
        Self { run, records, outcome: outcome.slug(), status }
    }
}

/// Has an action done by the site.
#[utoipa::path(
    post, path = "/actions/{slug}/{codename}/runs", operation_id = "run_action",
    tag = "actions",
    params(
        ("slug" = String, Path, description = "Slug of the subject"),
        ("codename" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,255}$",
            description = "A repeated request with the same key has nothing done again"),
    ),
    request_body = Run,
    responses((status = 200, description = "What became of it", body = Ran))
)]
pub(super) async fn run(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Path((subject, codename)): Path<(String, String)>,
    IdempotencyKey(key): IdempotencyKey,
    Body(sent): Body<Run>,
) -> Result<Json<Ran>, Problem> {
    let Run { kind, scope, reason } = sent;
    let request = RunRequest { subject, codename, kind, scope, reason };
    let agreed = Agreed::Asked(key.as_deref());
    Ok(Json(edge.service.run_action(&caller, &request, agreed).await?.into()))
}
