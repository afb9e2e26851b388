//! Notices: one's inbox, what one is told of, and what became of deliveries.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::{
    ids::{DeliveryId, WebhookId},
    notice::{DeliveryState, Family},
};
use tidegate_service::{
    Delivery, DeliveryFilter, FamilyState, NoticeText, ReadNotices, Subscription,
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    clock::moment,
    edge::Shared,
    input::{Body, Number, Params, Signed},
    problem::Problem,
};

/// Notices and deliveries of a page unless the request says otherwise.
const PAGE: u32 = 50;
/// Notices and deliveries of a page at most.
const PAGE_MAX: u32 = 100;

/// Which part of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageParams {
    /// Number before which the page begins: `next` of the page before.
    #[param(minimum = 1)]
    before: Option<i64>,
    /// How many.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// A notice.
#[derive(Serialize, ToSchema)]
#[schema(as = Notice)]
pub(super) struct NoticeBody {
    /// Number.
    id: i64,
    /// What it is, such as `export.ready`.
    topic: String,
    /// Family of the topic.
    family: String,
    /// What happened.
    title: String,
    /// What, whose and why, in one line.
    line: String,
    /// The export that it is about.
    export: Option<i64>,
    /// What else there is to say.
    #[schema(value_type = Object)]
    details: Value,
    /// Page about it.
    path: String,
    /// When it happened.
    at: DateTime<Utc>,
    /// When it was read.
    read_at: Option<DateTime<Utc>>,
}

impl From<NoticeText> for NoticeBody {
    fn from(notice: NoticeText) -> Self {
        Self {
            id: notice.id,
            topic: notice.topic.slug().to_owned(),
            family: notice.topic.family().slug().to_owned(),
            title: notice.title,
            line: notice.line,
            export: notice.job.map(|id| id.0),
            details: notice.details,
            path: notice.path,
            at: moment(notice.at),
            read_at: notice.read_at.map(moment),
        }
    }
}

/// A page of notices, the newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct Inbox {
    /// The notices.
    items: Vec<NoticeBody>,
    /// How many were not read, on this page or another.
    unread: i64,
    /// `before` of the next page; null where there is none.
    next: Option<i64>,
}

/// The caller's notices.
#[utoipa::path(
    get, path = "/notifications", operation_id = "list_notifications", tag = "notifications",
    params(PageParams),
    responses((status = 200, description = "A page of notices", body = Inbox))
)]
pub(super) async fn list(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Params(params): Params<PageParams>,
) -> Result<Json<Inbox>, Problem> {
    let limit = limit_of(params.limit)?;
    let before = number_of("/before", params.before)?;
    let page = edge.service.notices(&caller, before, limit).await?;
    let unread = edge.service.unread_notices(&caller).await?;
    let items = page.notices.into_iter().map(NoticeBody::from).collect();
    Ok(Json(Inbox { items, unread, next: page.next }))
}

fn limit_of(limit: Option<u32>) -> Result<u32, Problem> {
    let limit = limit.unwrap_or(PAGE);
    match (1..=PAGE_MAX).contains(&limit) {
        true => Ok(limit),
        false => Err(Problem::fault("/limit", format!("a page has 1 to {PAGE_MAX} entries"))),
    }
}

/// Numbers begin at one.
fn number_of(pointer: &str, number: Option<i64>) -> Result<Option<i64>, Problem> {
    match number {
        Some(..1) => Err(Problem::fault(pointer, "a number begins at 1")),
        number => Ok(number),
    }
}

/// Which notices were read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadNotifications {
    /// Their numbers; absent if all up to one.
    #[schema(max_items = 500)]
    ids: Option<Vec<i64>>,
    /// All up to this number.
    up_to: Option<i64>,
}

/// Notes that the caller has read notices.
#[utoipa::path(
    post, path = "/notifications/read", operation_id = "read_notifications",
    tag = "notifications",
    request_body = ReadNotifications,
    responses((status = 204, description = "They count as read"))
)]
pub(super) async fn read(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Body(sent): Body<ReadNotifications>,
) -> Result<StatusCode, Problem> {
    let which = match (sent.ids, sent.up_to) {
        (Some(ids), None) if ids.len() <= 500 => ReadNotices::These(ids),
        (None, Some(up_to)) => ReadNotices::UpTo(up_to),
        (Some(_), None) => return Err(Problem::fault("/ids", "there are 500 at most")),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::fault("", "say either `ids` or `up_to`"));
        }
    };
    edge.service.read_notices(&caller, which).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How one is told of a family.
#[derive(Serialize, ToSchema)]
#[schema(as = Subscription)]
pub(super) struct SubscriptionBody {
    /// `jobs`, `schedules` or `security`.
    family: String,
    /// Whether one may hear of it.
    is_allowed: bool,
    /// Whether by mail.
    by_mail: bool,
    /// Whether in the pages.
    in_inbox: bool,
}

impl From<FamilyState> for SubscriptionBody {
    fn from(state: FamilyState) -> Self {
        Self {
            family: state.family.slug().to_owned(),
            is_allowed: state.is_allowed,
            by_mail: state.how.by_mail,
            in_inbox: state.how.in_inbox,
        }
    }
}

/// How the caller is told of each family.
#[utoipa::path(
    get, path = "/notifications/subscriptions", operation_id = "list_subscriptions",
    tag = "notifications",
    responses((status = 200, description = "Each family", body = Vec<SubscriptionBody>))
)]
pub(super) async fn subscriptions(
    State(edge): State<Shared>,
    Signed(caller): Signed,
) -> Result<Json<Vec<SubscriptionBody>>, Problem> {
    let states = edge.service.own_subscriptions(&caller).await?;
    Ok(Json(states.into_iter().map(SubscriptionBody::from).collect()))
}

/// How one wants to be told of a family.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionEdit {
    /// `jobs`, `schedules` or `security`.
    family: String,
    /// Whether by mail.
    by_mail: bool,
    /// Whether in the pages. What is compulsory is told there all the same.
    in_inbox: bool,
}

/// Says how the caller is told of a family.
#[utoipa::path(
    put, path = "/notifications/subscriptions", operation_id = "put_subscription",
    tag = "notifications",
    request_body = SubscriptionEdit,
    responses((status = 204, description = "It is as it was sent"))
)]
pub(super) async fn subscribe(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Body(sent): Body<SubscriptionEdit>,
) -> Result<StatusCode, Problem> {
    let family = Family::find(&sent.family)
        .ok_or_else(|| Problem::fault("/family", "a family is jobs, schedules or security"))?;
    let how = Subscription { by_mail: sent.by_mail, in_inbox: sent.in_inbox };
    edge.service.subscribe(&caller, family, how).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which deliveries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveryParams {
    /// Of one webhook.
    #[param(minimum = 1)]
    webhook: Option<i64>,
    /// In one state.
    #[param(inline)]
    state: Option<StateParam>,
    /// Number before which the page begins: `next` of the page before.
    #[param(minimum = 1)]
    before: Option<i64>,
    /// How many.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// What became of a delivery.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StateParam {
    /// It is tried, or will be again.
    Pending,
    /// It was taken.
    Sent,
    /// It was tried as often as it is.
    Dead,
    /// Whoever it was for may not be told of it any more.
    Dropped,
}

impl From<StateParam> for DeliveryState {
    fn from(state: StateParam) -> Self {
        match state {
            StateParam::Pending => Self::Pending,
            StateParam::Sent => Self::Sent,
            StateParam::Dead => Self::Dead,
            StateParam::Dropped => Self::Dropped,
        }
    }
}

/// A notice on its way to one recipient.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(super) struct DeliveryBody {
    /// Number.
    id: i64,
    /// `mail` or `webhook`.
    channel: String,
    /// Mail address, or number of the webhook.
    recipient: String,
    /// What it is about, such as `export.ready`.
    topic: String,
    /// The export that it is about.
    export: Option<i64>,
    /// Name under which it goes: `webhook-id`, and what stands before the @ of `Message-ID`.
    message: String,
    /// `pending`, `sent`, `dead` or `dropped`.
    state: String,
    /// How often it was tried.
    attempts: i64,
    /// What went wrong the last time.
    error: Option<String>,
    /// When what it is about happened.
    at: DateTime<Utc>,
    /// When it is tried next, while it is pending.
    next_at: Option<DateTime<Utc>>,
    /// When it came to its end.
    ended_at: Option<DateTime<Utc>>,
}

impl From<Delivery> for DeliveryBody {
    fn from(delivery: Delivery) -> Self {
        let waits = delivery.state == DeliveryState::Pending;
        Self {
            id: delivery.id.0,
            channel: delivery.to.channel.slug().to_owned(),
            recipient: delivery.to.recipient,
            topic: delivery.told.topic.slug().to_owned(),
            export: delivery.told.job.map(|id| id.0),
            message: delivery.message,
            state: delivery.state.slug().to_owned(),
            attempts: delivery.attempts,
            error: delivery.last_error,
            at: moment(delivery.told.at),
            next_at: waits.then(|| moment(delivery.next_at)),
            ended_at: delivery.ended_at.map(moment),
        }
    }
}

/// A page of deliveries, the newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct Deliveries {
    /// The deliveries.
    items: Vec<DeliveryBody>,
    /// `before` of the next page; null where there is none.
    next: Option<i64>,
}

/// Lists what became of mails and webhooks.
#[utoipa::path(
    get, path = "/notifications/deliveries", operation_id = "list_deliveries",
    tag = "notifications",
    params(DeliveryParams),
    responses((status = 200, description = "A page of deliveries", body = Deliveries))
)]
pub(super) async fn deliveries(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Params(params): Params<DeliveryParams>,
) -> Result<Json<Deliveries>, Problem> {
    let limit = limit_of(params.limit)?;
    let filter = DeliveryFilter {
        webhook: number_of("/webhook", params.webhook)?.map(WebhookId),
        state: params.state.map(DeliveryState::from),
        before: number_of("/before", params.before)?,
    };
    let page = edge.service.deliveries(&caller, &filter, limit).await?;
    let items = page.deliveries.into_iter().map(DeliveryBody::from).collect();
    Ok(Json(Deliveries { items, next: page.next }))
}

/// Sends again what was given up.
#[utoipa::path(
    post, path = "/notifications/deliveries/{id}/redeliver", operation_id = "redeliver",
    tag = "notifications",
    params(("id" = i64, Path, minimum = 1)),
    responses(
        (status = 202, description = "It is on its way"),
        (status = 409, description = "It was not given up, or its webhook is off"),
    )
)]
pub(super) async fn redeliver(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<StatusCode, Problem> {
    edge.service.repeat_delivery(&caller, DeliveryId(id)).await?;
    Ok(StatusCode::ACCEPTED)
}
