//! Operators: listed, added, given another role, shut out, let in again.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_model::ids::OperatorId;
use tidegate_service::Operator;
use utoipa::ToSchema;

use crate::{
    clock::moment,
    edge::Shared,
    input::{Body, Number, Signed},
    problem::{Problem, ProblemKind},
};

/// An operator.
#[derive(Serialize, ToSchema)]
#[schema(as = Operator)]
pub(super) struct OperatorBody {
    /// Number.
    id: i64,
    /// Mail address.
    email: String,
    /// Name that people read.
    name: String,
    /// Slug of the role.
    role: String,
    /// When added.
    created_at: DateTime<Utc>,
    /// Whether shut out.
    is_disabled: bool,
    /// Whether a sign-in by password asks for a code, too.
    has_second_factor: bool,
}

impl From<Operator> for OperatorBody {
    fn from(operator: Operator) -> Self {
        Self {
            id: operator.id.0,
            email: operator.email,
            name: operator.name,
            role: operator.role,
            created_at: moment(operator.created_at),
            is_disabled: operator.is_disabled,
            has_second_factor: operator.has_second_factor,
        }
    }
}

/// All operators.
#[utoipa::path(
    get, path = "/operators", operation_id = "list_operators", tag = "people",
    responses((status = 200, description = "The operators", body = Vec<OperatorBody>))
)]
pub(super) async fn list(
    State(edge): State<Shared>,
    Signed(caller): Signed,
) -> Result<Json<Vec<OperatorBody>>, Problem> {
    let operators = edge.service.operators(&caller).await?;
    Ok(Json(operators.into_iter().map(OperatorBody::from).collect()))
}

/// Who is to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOperator {
    /// Mail address: the name one signs in with.
    #[schema(format = "email", max_length = 254)]
    email: String,
    /// Slug of the role.
    role: String,
}

/// Adds an operator. A password is set by whom it belongs to.
#[utoipa::path(
    post, path = "/operators", operation_id = "add_operator", tag = "people",
    request_body = NewOperator,
    responses(
        (status = 201, description = "The operator", body = OperatorBody),
        (status = 409, description = "There is one of that address"),
    )
)]
pub(super) async fn add(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Body(sent): Body<NewOperator>,
) -> Result<Response, Problem> {
    let id = edge.service.add_operator(&caller, &sent.email, &sent.role, None).await?;
    let operators = edge.service.operators(&caller).await?;
    let added = operators.into_iter().find(|operator| operator.id == id);
    let added = added.ok_or_else(|| Problem::of(ProblemKind::NotFound))?;
    Ok((StatusCode::CREATED, Json(OperatorBody::from(added))).into_response())
}

/// What is to be changed about an operator; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorEdit {
    /// Slug of another role.
    role: Option<String>,
    /// Whether to shut it out.
    is_disabled: Option<bool>,
}

/// Gives an operator another role, shuts it out, or lets it in again: one of these at a time.
#[utoipa::path(
    patch, path = "/operators/{id}", operation_id = "change_operator", tag = "people",
    params(("id" = i64, Path, minimum = 1)),
    request_body = OperatorEdit,
    responses(
        (status = 200, description = "The operator", body = OperatorBody),
        (status = 409, description = "It is the last administrator"),
    )
)]
pub(super) async fn change(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
    Body(edit): Body<OperatorEdit>,
) -> Result<Json<OperatorBody>, Problem> {
    let mut operator = edge.service.operator_to_change(&caller, OperatorId(id)).await?;
    match (edit.role, edit.is_disabled) {
        (Some(role), None) => {
            edge.service.set_role(&caller, &operator.email, &role).await?;
            operator.role = role;
        }
        (None, Some(is_disabled)) if is_disabled == operator.is_disabled => {}
        (None, Some(is_disabled)) => {
            edge.service.set_disabled(&caller, &operator.email, is_disabled).await?;
            operator.is_disabled = is_disabled;
        }
        // Each is an action with an entry of its own: half of two must not happen.
        _ => return Err(Problem::fault("", "send one of `role` and `is_disabled`")),
    }
    // Not asked for again: whoever has given up the right by this was still allowed to.
    Ok(Json(operator.into()))
}
