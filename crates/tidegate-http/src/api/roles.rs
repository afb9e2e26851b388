//! Roles: named sets of capabilities.

use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::{
    mask::{MaskPolicy, MaskRule, MaskRules},
    role::{Role, RowLimit},
};
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
    /// What its operators are shown of personal data, by class, unless they hold `pii.unmask`; of a
    /// class that no mask speaks of, what the settings say.
    masks: Vec<MaskBody>,
}

/// What is shown of a class of personal data.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Mask)]
struct MaskBody {
    /// Class, as the configuration gives it to fields; `*` for all that have no mask of their own.
    #[schema(example = "email", min_length = 1, max_length = 63)]
    class: String,
    /// What is shown: the value, a keyed hash, a part, a blank, or no such field.
    #[schema(value_type = MaskPolicySchema)]
    policy: MaskPolicy,
}

/// What is shown of a value.
#[derive(ToSchema)]
#[schema(as = MaskPolicy)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it is the schema of the model's list")]
enum MaskPolicySchema {
    Show,
    Hash,
    Partial,
    Redact,
    Drop,
}

impl From<MaskRule> for MaskBody {
    fn from(MaskRule { class, policy }: MaskRule) -> Self {
        Self { class, policy }
    }
}

impl From<MaskBody> for MaskRule {
    fn from(MaskBody { class, policy }: MaskBody) -> Self {
        Self { class, policy }
    }
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
            masks: role.masks.0.into_iter().map(MaskBody::from).collect(),
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
    /// What its operators are shown of personal data, by class.
    #[serde(default)]
    masks: Vec<MaskBody>,
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
        masks: MaskRules(edit.masks.into_iter().map(MaskRule::from).collect()),
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
