//! Roles: named sets of capabilities.

use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::role::{Role, RowLimit};
use utoipa::ToSchema;

use crate::{
    api::description::FilterSchema,
    edge::Shared,
    input::{Body, Signed, Slug},
    problem::Problem,
};

/// A role.
#[derive(Serialize, ToSchema)]
#[schema(as = Role)]
pub(super) struct RoleBody {
    /// Stable name.
    slug: String,
    /// Name that people read.
    label: String,
    /// What its operators may do.
    capabilities: Vec<String>,
    /// Records that its operators may see, by subject.
    limits: Vec<LimitBody>,
}

/// A filter that is put over everything an operator sees of a subject.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RowLimit)]
struct LimitBody {
    /// Slug of the subject.
    subject: String,
    /// A filter, as in a scope.
    #[schema(value_type = FilterSchema)]
    r#where: Value,
}

impl From<Role> for RoleBody {
    fn from(role: Role) -> Self {
        let limit = |RowLimit { subject, filter }| LimitBody { subject, r#where: filter };
        Self {
            slug: role.slug,
            label: role.label,
            capabilities: role.capabilities.into_iter().collect(),
            limits: role.limits.into_iter().map(limit).collect(),
        }
    }
}

/// All roles.
#[utoipa::path(
    get, path = "/roles", operation_id = "list_roles", tag = "people",
    responses((status = 200, description = "The roles", body = Vec<RoleBody>))
)]
pub(super) async fn list(
    State(edge): State<Shared>,
    Signed(caller): Signed,
) -> Result<Json<Vec<RoleBody>>, Problem> {
    let roles = edge.service.roles(&caller).await?;
    Ok(Json(roles.into_iter().map(RoleBody::from).collect()))
}

/// What a role is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleEdit {
    /// Name that people read.
    #[serde(default)]
    label: String,
    /// What its operators may do.
    capabilities: Vec<String>,
    /// Records that its operators may see, by subject.
    #[serde(default)]
    limits: Vec<LimitBody>,
}

/// Adds a role, or replaces the one of that name.
#[utoipa::path(
    put, path = "/roles/{slug}", operation_id = "put_role", tag = "people",
    params(("slug" = String, Path)),
    request_body = RoleEdit,
    responses(
        (status = 204, description = "The role is as it was sent"),
        (status = 409, description = "The site would be left without an administrator"),
    )
)]
pub(super) async fn put(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Slug(slug): Slug,
    Body(edit): Body<RoleEdit>,
) -> Result<StatusCode, Problem> {
    let limit = |LimitBody { subject, r#where }| RowLimit { subject, filter: r#where };
    let role = Role {
        slug,
        label: edit.label,
        capabilities: edit.capabilities.into_iter().collect(),
        limits: edit.limits.into_iter().map(limit).collect(),
    };
    edge.service.put_role(&caller, role).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a role that no operator has.
#[utoipa::path(
    delete, path = "/roles/{slug}", operation_id = "remove_role", tag = "people",
    params(("slug" = String, Path)),
    responses(
        (status = 204, description = "It is removed"),
        (status = 409, description = "Somebody has it"),
    )
)]
pub(super) async fn remove(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Slug(slug): Slug,
) -> Result<StatusCode, Problem> {
    edge.service.remove_role(&caller, &slug).await?;
    Ok(StatusCode::NO_CONTENT)
}
