//! Settings of the site.

use axum::{Json, extract::State, response::Response};
use http::HeaderMap;
use tidegate_model::settings::Settings;

use crate::{
    edge::Shared,
    input::{Body, Signed},
    problem::Problem,
    tagged::tagged,
};

/// The settings.
#[utoipa::path(
    get, path = "/settings", operation_id = "get_settings", tag = "site",
    responses((status = 200, description = "The settings", body = serde_json::Value,
        headers(("ETag" = String))))
)]
pub(super) async fn get(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let settings = edge.service.settings(&caller).await?;
    Ok(tagged(&headers, &settings))
}

/// Sets all settings: those that are absent are what they are at first.
#[utoipa::path(
    put, path = "/settings", operation_id = "put_settings", tag = "site",
    request_body = serde_json::Value,
    responses((status = 200, description = "The settings", body = serde_json::Value))
)]
pub(super) async fn put(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Body(settings): Body<Settings>,
) -> Result<Json<Settings>, Problem> {
    edge.service.set_settings(&caller, settings).await?;
    Ok(Json(edge.service.settings(&caller).await?))
}
