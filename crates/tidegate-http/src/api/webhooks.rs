//! Webhooks: listed, added, changed, given a new secret, tested, removed.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_model::ids::WebhookId;
use tidegate_service::{NewWebhook, Webhook, WebhookEdit};
use utoipa::ToSchema;

use crate::{
    clock::moment,
    edge::Shared,
    input::{Body, Number, Signed, at_most},
    problem::Problem,
};

/// A webhook, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(super) struct WebhookBody {
    /// Number.
    id: i64,
    /// Where to.
    url: String,
    /// Families and topics that it is told of.
    topics: Vec<String>,
    /// Whether it is on.
    is_enabled: bool,
    /// Why it is off.
    disabled_reason: Option<String>,
    /// Since when it fails.
    failing_since: Option<DateTime<Utc>>,
    /// Number of the operator who answers for it: it hears what that operator may hear.
    operator: i64,
    /// When added.
    created_at: DateTime<Utc>,
}

impl From<Webhook> for WebhookBody {
    fn from(webhook: Webhook) -> Self {
        Self {
            id: webhook.id.0,
            url: webhook.url,
            topics: webhook.topics,
            is_enabled: webhook.disabled.is_none(),
            disabled_reason: webhook.disabled.map(|(_, reason)| reason),
            failing_since: webhook.failing_since.map(moment),
            operator: webhook.created_by.0,
            created_at: moment(webhook.created_at),
        }
    }
}

/// What a webhook is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookRequest {
    /// Where to: https, at a public address or in a network that the site lists.
    #[serde(deserialize_with = "at_most::<_, 2000>")]
    #[schema(min_length = 1, max_length = 2000)]
    url: String,
    /// Families (`jobs`, `schedules`, `security`) and topics (`export.ready`) that it is told of.
    #[schema(min_items = 1)]
    topics: Vec<String>,
    /// Whether it is on.
    #[serde(default = "on")]
    #[schema(default = true)]
    is_enabled: bool,
}

fn on() -> bool {
    true
}

impl From<WebhookRequest> for WebhookEdit {
    fn from(WebhookRequest { url, topics, is_enabled }: WebhookRequest) -> Self {
        Self { url, topics, is_enabled }
    }
}

/// A webhook that was added, or has a new secret.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookSecret {
    /// Number.
    id: i64,
    /// What its requests are signed with, as Standard Webhooks say. It is shown this once.
    secret: String,
}

impl From<NewWebhook> for WebhookSecret {
    fn from(NewWebhook { id, secret }: NewWebhook) -> Self {
        Self { id: id.0, secret }
    }
}

/// The webhooks of the site.
#[utoipa::path(
    get, path = "/webhooks", operation_id = "list_webhooks", tag = "notifications",
    responses((status = 200, description = "The webhooks", body = Vec<WebhookBody>))
)]
pub(super) async fn list(
    State(edge): State<Shared>,
    Signed(caller): Signed,
) -> Result<Json<Vec<WebhookBody>>, Problem> {
    let webhooks = edge.service.webhooks(&caller).await?;
    Ok(Json(webhooks.into_iter().map(WebhookBody::from).collect()))
}

/// A webhook.
#[utoipa::path(
    get, path = "/webhooks/{id}", operation_id = "get_webhook", tag = "notifications",
    params(("id" = i64, Path, minimum = 1)),
    responses((status = 200, description = "The webhook", body = WebhookBody))
)]
pub(super) async fn get(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<Json<WebhookBody>, Problem> {
    Ok(Json(edge.service.webhook(&caller, WebhookId(id)).await?.into()))
}

/// Adds a webhook.
#[utoipa::path(
    post, path = "/webhooks", operation_id = "add_webhook", tag = "notifications",
    request_body = WebhookRequest,
    responses((status = 201, description = "The webhook", body = WebhookSecret))
)]
pub(super) async fn add(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Body(sent): Body<WebhookRequest>,
) -> Result<Response, Problem> {
    let made = edge.service.add_webhook(&caller, sent.into()).await?;
    Ok((StatusCode::CREATED, Json(WebhookSecret::from(made))).into_response())
}

/// Changes a webhook. Whoever does answers for it from then on.
#[utoipa::path(
    put, path = "/webhooks/{id}", operation_id = "put_webhook", tag = "notifications",
    params(("id" = i64, Path, minimum = 1)),
    request_body = WebhookRequest,
    responses((status = 204, description = "It is as it was sent"))
)]
pub(super) async fn put(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
    Body(sent): Body<WebhookRequest>,
) -> Result<StatusCode, Problem> {
    edge.service.change_webhook(&caller, WebhookId(id), sent.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a webhook a new secret. For a day its requests are signed with both.
#[utoipa::path(
    post, path = "/webhooks/{id}/rotate", operation_id = "rotate_webhook", tag = "notifications",
    params(("id" = i64, Path, minimum = 1)),
    responses((status = 200, description = "The new secret", body = WebhookSecret))
)]
pub(super) async fn rotate(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<Json<WebhookSecret>, Problem> {
    Ok(Json(edge.service.rotate_webhook(&caller, WebhookId(id)).await?.into()))
}

/// A delivery that was begun.
#[derive(Serialize, ToSchema)]
pub(super) struct BegunDelivery {
    /// Number of the delivery.
    delivery: i64,
}

/// Sends a webhook a test notice. What becomes of it is among the deliveries.
#[utoipa::path(
    post, path = "/webhooks/{id}/test", operation_id = "test_webhook", tag = "notifications",
    params(("id" = i64, Path, minimum = 1)),
    responses((status = 202, description = "It is on its way", body = BegunDelivery))
)]
pub(super) async fn test(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<Response, Problem> {
    let delivery = edge.service.test_webhook(&caller, WebhookId(id)).await?;
    let begun = BegunDelivery { delivery: delivery.0 };
    Ok((StatusCode::ACCEPTED, Json(begun)).into_response())
}

/// Removes a webhook. What waits for it is given up.
#[utoipa::path(
    delete, path = "/webhooks/{id}", operation_id = "remove_webhook", tag = "notifications",
    params(("id" = i64, Path, minimum = 1)),
    responses((status = 204, description = "It is told nothing any more"))
)]
pub(super) async fn remove(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<StatusCode, Problem> {
    edge.service.remove_webhook(&caller, WebhookId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
