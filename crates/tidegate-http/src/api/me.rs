//! Who the caller is, and what it may do.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{edge::Shared, input::Signed, problem::Problem};

/// The caller.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    /// Number of the operator.
    operator: Option<i64>,
    /// Mail address.
    email: String,
    /// Slug of the role.
    role: Option<String>,
    /// Number of the token, where the request came with one.
    token: Option<i64>,
    /// What the caller may do: the capabilities of the role that the token admits.
    capabilities: Vec<String>,
}

/// The caller.
#[utoipa::path(
    get, path = "/me", operation_id = "get_me", tag = "people",
    responses((status = 200, description = "The caller", body = Me))
)]
pub(super) async fn get(
    State(edge): State<Shared>,
    Signed(caller): Signed,
) -> Result<Json<Me>, Problem> {
    let capabilities = edge.service.capabilities_of(&caller).await?;
    Ok(Json(Me {
        operator: caller.operator().map(|id| id.0),
        email: caller.name,
        role: caller.role,
        token: caller.actor.token().map(|id| id.0),
        capabilities,
    }))
}
