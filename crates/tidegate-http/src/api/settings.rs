//! Settings of the site.

use axum::{Json, extract::State, response::Response};
use http::HeaderMap;
use tidegate_model::settings::Settings;

use crate::{
    api::description::SettingsSchema,
    edge::Shared,
    input::{Body, Signed},
    problem::Problem,
    tagged::tagged,
};

/// The settings.
#[utoipa::path(
    get, path = "/settings", operation_id = "get_settings", tag = "site",
    params(("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, description = "The settings", body = SettingsSchema,
            headers(("ETag" = String))),
        (status = 304, description = "They are as they were"),
    )
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
    request_body = SettingsSchema,
    responses((status = 200, description = "The settings", body = SettingsSchema))
)]
pub(super) async fn put(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Body(settings): Body<Settings>,
) -> Result<Json<Settings>, Problem> {
    edge.service.set_settings(&caller, settings).await?;
    Ok(Json(edge.service.settings(&caller).await?))
}
