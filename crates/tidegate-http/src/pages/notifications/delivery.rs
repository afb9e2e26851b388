//! What became of mails and webhooks, and what was given up and can be sent again.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use tidegate_model::{
    ids::{DeliveryId, WebhookId},
    notice::{Channel, DeliveryState},
};
use tidegate_service::{Delivery, DeliveryFilter, ServiceError};

use super::{
    super::{
        flash::Flash,
        forms::Sought,
        shell::Shell,
        words::{self, When},
    },
    Tab, tabs,
};
use crate::{edge::Shared, input::Number, problem::Problem};

/// Where they are.
pub(in crate::pages) const PATH: &str = "/sg-admin/notifications/deliveries";
/// Deliveries of a page.
const PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "notification_deliveries.html")]
struct Shown<'a> {
    shell: &'a Shell,
    tabs: Vec<Tab>,
    lines: Vec<Line>,
    states: Vec<(&'static str, &'static str, bool)>,
    webhook: Option<i64>,
    next: Option<String>,
}

/// A delivery, to be drawn.
struct Line {
    again: String,
    recipient: String,
    topic: String,
    message: String,
    at: When,
    class: &'static str,
    icon: &'static str,
    word: &'static str,
    tries: String,
    error: String,
    is_dead: bool,
}

/// Which of them.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Which {
    webhook: Option<i64>,
    state: String,
    before: Option<i64>,
}

fn line(shell: &Shell, delivery: Delivery) -> Line {
    let (class, icon, word) = match delivery.state {
        DeliveryState::Pending => ("st-approval", "hourglass", "Waits"),
        DeliveryState::Sent => ("st-ready", "circle-check", "Sent"),
        DeliveryState::Dead => ("st-failed", "circle-x", "Given up"),
        DeliveryState::Dropped => ("st-over", "ban", "Dropped"),
    };
    let recipient = match delivery.to.channel {
        Channel::Mail => delivery.to.recipient,
        Channel::Webhook => format!("Webhook {}", delivery.to.recipient),
    };
    let (state, tries) = (delivery.state, delivery.attempts);
    let tries = match state {
        DeliveryState::Pending if tries > 0 => {
            let next = shell.clock(delivery.next_at);
            format!("{}, next at {next}", words::plural(tries, "attempt"))
        }
        _ => words::plural(tries, "attempt"),
    };
    Line {
        again: format!("{PATH}/{}/redeliver", delivery.id),
        recipient,
        topic: delivery.told.topic.title(),
        message: delivery.message,
        at: shell.when(delivery.told.at),
        class,
        icon,
        word,
        tries,
        error: delivery.last_error.unwrap_or_default(),
        is_dead: state == DeliveryState::Dead,
    }
}

/// The page.
pub(in crate::pages) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
    Sought(which): Sought<Which>,
) -> Result<Response, Problem> {
    let state = DeliveryState::find(&which.state);
    let filter =
        DeliveryFilter { webhook: which.webhook.map(WebhookId), state, before: which.before };
    let page = edge.service.deliveries(&shell.caller, &filter, PAGE).await?;
    let of_webhook = which.webhook.map(|id| format!("&webhook={id}")).unwrap_or_default();
    let next = page.next.map(|before| {
        format!("{PATH}?before={before}&state={}{of_webhook}", state.map_or("", |it| it.slug()))
    });
    let choice = |(slug, label): (&'static str, &'static str)| {
        (slug, label, state.map_or("", DeliveryState::slug) == slug)
    };
    let shown = Shown {
        tabs: tabs(&shell, PATH),
        lines: page.deliveries.into_iter().map(|one| line(&shell, one)).collect(),
        states: [
            ("", "All"),
            ("pending", "Waiting"),
            ("sent", "Sent"),
            ("dead", "Given up"),
            ("dropped", "Dropped"),
        ]
        .map(choice)
        .to_vec(),
        webhook: which.webhook,
        next,
        shell: &shell,
    };
    Ok(shell.page(StatusCode::OK, &shown))
}

/// Sends again what was given up.
pub(in crate::pages) async fn redeliver(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let flash = match edge.service.repeat_delivery(&shell.caller, DeliveryId(id)).await {
        Ok(()) => Flash::new("It is on its way again"),
        Err(ServiceError::NotFound) => Flash::bad("It stays as it is")
            .line("It was not given up, or its webhook is off or removed."),
        Err(other) => return Err(other.into()),
    };
    Ok(shell.to(PATH, &flash))
}
