//! Budgets: how much may leave within a day, and how much of that has.

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Serialize;
use tidegate_model::budget::{Amounts, Budget, Budgets, Per};
use tidegate_service::Versioned;
use utoipa::ToSchema;

use crate::{
    edge::Shared,
    input::{Body, Signed},
    problem::Problem,
    version::{IfMatch, versioned},
};

/// The budgets of the site.
#[derive(ToSchema)]
#[schema(as = Budgets)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is the schema of the model's budgets")]
pub(super) struct BudgetsSchema {
    /// Time zone whose days count.
    #[serde(default)]
    #[schema(default = "UTC")]
    time_zone: String,
    /// Each of them holds; none is off.
    #[serde(default)]
    #[schema(max_items = 50)]
    budgets: Vec<BudgetSchema>,
}

/// How much may leave within a day of what fits all that it says.
#[derive(ToSchema)]
#[schema(as = Budget)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is the schema of the model's budgets")]
struct BudgetSchema {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Slug of the subject; absent is any.
    subject: Option<String>,
    /// Slug of the role of whoever exports; absent is any.
    role: Option<String>,
    /// Mail address of whoever exports; absent is anybody.
    operator: Option<String>,
    /// Whether each operator has it for themselves, or all share it.
    #[serde(default)]
    per: PerSchema,
    /// Rows at most.
    #[schema(maximum = 9007199254740991_u64)]
    rows: Option<u64>,
    /// Bytes of files at most.
    #[schema(maximum = 9007199254740991_u64)]
    bytes: Option<u64>,
    /// Exports at most.
    #[schema(maximum = 9007199254740991_u64)]
    exports: Option<u64>,
}

/// Whose a budget is.
#[derive(Default, ToSchema)]
#[schema(as = Per)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it is the schema of a word")]
enum PerSchema {
    #[default]
    Operator,
    All,
}

/// The budgets, with what is used of them today.
#[derive(Serialize, ToSchema)]
#[schema(as = BudgetsToday)]
pub(super) struct Today {
    /// The budgets, as they were set.
    #[schema(value_type = BudgetsSchema)]
    budgets: Budgets,
    /// What is used of each, in their order: by everybody together, or, where each operator has it,
    /// by the caller.
    used: Vec<UsedBody>,
}

/// What is used of a budget today, with what is on its way.
#[derive(Serialize, ToSchema)]
#[schema(as = BudgetUsed)]
struct UsedBody {
    /// Name of the budget.
    name: String,
    /// Whether it is what everybody together has used.
    is_shared: bool,
    /// Rows.
    rows: u64,
    /// Bytes of files.
    bytes: u64,
    /// Exports.
    exports: u64,
}

impl UsedBody {
    fn of(budget: &Budget, used: Amounts) -> Self {
        let Amounts { rows, bytes, exports } = used;
        let is_shared = budget.per == Per::All;
        Self { name: budget.name.clone(), is_shared, rows, bytes, exports }
    }
}

/// The budgets, with what is used of them today.
#[utoipa::path(
    get, path = "/budgets", operation_id = "get_budgets", tag = "approvals",
    responses((
        status = 200, description = "The budgets, and their version", body = Today,
        headers(("ETag" = String)),
    ))
)]
pub(super) async fn get(
    State(edge): State<Shared>,
    Signed(caller): Signed,
) -> Result<Response, Problem> {
    let Versioned { version, document: budgets } = edge.service.budgets(&caller).await?;
    let used = edge.service.budgets_used(&caller, &budgets).await?;
    let used = budgets.budgets.iter().zip(used);
    let used = used.map(|(budget, amounts)| UsedBody::of(budget, amounts)).collect();
    Ok(versioned(version, Today { budgets, used }))
}

/// Sets all budgets. They count from the next export on, with what has left today.
#[utoipa::path(
    put, path = "/budgets", operation_id = "put_budgets", tag = "approvals",
    params((
        "If-Match" = Option<String>, Header,
        description = "The `ETag` that was read: where they are others by now, nothing is changed",
    )),
    request_body = BudgetsSchema,
    responses((status = 204, description = "They are as they were sent"))
)]
pub(super) async fn put(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    IfMatch(version): IfMatch,
    Body(budgets): Body<Budgets>,
) -> Result<StatusCode, Problem> {
    edge.service.set_budgets(&caller, budgets, version).await?;
    Ok(StatusCode::NO_CONTENT)
}
