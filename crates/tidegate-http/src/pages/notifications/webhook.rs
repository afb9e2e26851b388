//! Webhooks: added with their secret, changed, tested, switched on and off, removed.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use tidegate_model::{
    fault::Fault,
    ids::WebhookId,
    notice::{Family, Topic},
};
use tidegate_service::{ServiceError, Webhook, WebhookEdit};

use super::{
    super::{
        flash::Flash,
        forms::Sent,
        question::{self, Question},
        secret::{self, Secret},
        sentence,
        shell::Shell,
        words::When,
    },
    Tab, tabs,
};
use crate::{
    edge::{Edge, Shared},
    input::Number,
    problem::Problem,
};

/// Where they are.
pub(in crate::pages) const PATH: &str = "/sg-admin/notifications/webhooks";

#[derive(Template)]
#[template(path = "notification_webhooks.html")]
struct Shown<'a> {
    shell: &'a Shell,
    tabs: Vec<Tab>,
    lines: Vec<Line>,
    families: Vec<(&'static str, bool)>,
    sent: &'a NewWebhook,
    faults: Vec<(&'static str, String)>,
}

impl Shown<'_> {
    fn fault(&self, name: &str) -> Option<&str> {
        self.faults.iter().find(|(one, _)| *one == name).map(|(_, words)| words.as_str())
    }
}

/// A webhook, to be drawn.
struct Line {
    path: String,
    deliveries: String,
    menu: String,
    url: String,
    topics: String,
    since: When,
    is_enabled: bool,
    reason: String,
    is_failing: bool,
}

fn line(shell: &Shell, webhook: Webhook) -> Line {
    Line {
        path: format!("{PATH}/{}", webhook.id),
        deliveries: format!("{}?webhook={}", super::delivery::PATH, webhook.id),
        menu: format!("webhook-{}", webhook.id),
        url: webhook.url,
        topics: webhook.topics.join(", "),
        since: shell.when(webhook.created_at),
        is_enabled: webhook.disabled.is_none(),
        reason: webhook.disabled.map(|(_, reason)| reason).unwrap_or_default(),
        is_failing: webhook.failing_since.is_some(),
    }
}

/// The page.
pub(in crate::pages) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
) -> Result<Response, Problem> {
    page(&edge, &shell, &NewWebhook::default(), Vec::new()).await
}

async fn page(
    edge: &Edge,
    shell: &Shell,
    sent: &NewWebhook,
    faults: Vec<(&'static str, String)>,
) -> Result<Response, Problem> {
    let webhooks = edge.service.webhooks(&shell.caller).await?;
    let is_chosen = |slug: &str| sent.topic.iter().any(|one| one == slug);
    let family = |one: &Family| (one.slug(), is_chosen(one.slug()));
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shown = Shown {
        tabs: tabs(shell, PATH),
        lines: webhooks.into_iter().map(|webhook| line(shell, webhook)).collect(),
        families: Family::ALL.iter().map(family).collect(),
        sent,
        faults,
        shell,
    };
    Ok(shell.page(status, &shown))
}

/// A new webhook.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct NewWebhook {
    url: String,
    topic: Vec<String>,
}

/// Adds one, and shows its secret, once.
pub(in crate::pages) async fn add(
    State(edge): State<Shared>,
    shell: Shell,
    Sent(sent): Sent<NewWebhook>,
) -> Result<Response, Problem> {
    let url = sent.url.trim().to_owned();
    let edit = WebhookEdit { url, topics: sent.topic.clone(), is_enabled: true };
    match edge.service.add_webhook(&shell.caller, edit).await {
        Ok(made) => Ok(shown_once(&shell, "The webhook was added", &made.secret)),
        Err(ServiceError::Faults(faults)) => {
            page(&edge, &shell, &sent, faults.0.into_iter().map(named).collect()).await
        }
        Err(other) => Err(other.into()),
    }
}

fn shown_once(shell: &Shell, title: &str, secret: &str) -> Response {
    let shown = Secret {
        title,
        line: "What it receives is signed with this secret, as Standard Webhooks say. It is shown \
               only now.",
        label: "Secret",
        secret,
        back: PATH,
        from: "To the webhooks",
    };
    secret::show(shell, &shown)
}

/// Gives one a new secret, and shows it, once.
pub(in crate::pages) async fn rotate(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let made = edge.service.rotate_webhook(&shell.caller, WebhookId(id)).await?;
    Ok(shown_once(&shell, "The webhook has a new secret", &made.secret))
}

/// Sends one a test notice.
pub(in crate::pages) async fn test(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    edge.service.test_webhook(&shell.caller, WebhookId(id)).await?;
    let flash = Flash::new("A test notice is on its way")
        .link("See what becomes of it", format!("{}?webhook={id}", super::delivery::PATH));
    Ok(shell.to(PATH, &flash))
}

/// Switches one on, or off.
pub(in crate::pages) async fn toggle(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let found = edge.service.webhook(&shell.caller, WebhookId(id)).await?;
    let is_enabled = found.disabled.is_some();
    let edit = WebhookEdit { url: found.url, topics: found.topics, is_enabled };
    edge.service.change_webhook(&shell.caller, WebhookId(id), edit).await?;
    let fact = if is_enabled { "The webhook is on" } else { "The webhook is off" };
    Ok(shell.to(PATH, &Flash::new(fact)))
}

/// Asks before one is removed.
pub(in crate::pages) async fn ask_remove(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let found = edge.service.webhook(&shell.caller, WebhookId(id)).await?;
    let asked = Question {
        title: "Remove the webhook?",
        line: &format!("Nothing is sent to {} any more, and its secret is gone.", found.url),
        back: PATH,
        from: "Webhooks",
        keep: "Keep it",
        action: &format!("{PATH}/{id}/remove"),
        icon: "trash-2",
        verb: "Remove the webhook",
    };
    Ok(question::ask(&shell, &asked))
}

/// Removes one.
pub(in crate::pages) async fn remove(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    edge.service.remove_webhook(&shell.caller, WebhookId(id)).await?;
    Ok(shell.to(PATH, &Flash::new("The webhook was removed")))
}

#[derive(Template)]
#[template(path = "notification_webhook.html")]
struct One<'a> {
    shell: &'a Shell,
    tabs: Vec<Tab>,
    path: String,
    deliveries: String,
    /// Why it is off, if it is.
    off: Option<String>,
    sent: &'a NewWebhook,
    families: Vec<Ticks>,
    faults: Vec<(&'static str, String)>,
}

impl One<'_> {
    fn fault(&self, name: &str) -> Option<&str> {
        self.faults.iter().find(|(one, _)| *one == name).map(|(_, words)| words.as_str())
    }
}

/// A family to tick, and its topics: slug, words, and whether it is ticked.
struct Ticks {
    slug: &'static str,
    is_chosen: bool,
    topics: Vec<(&'static str, String, bool)>,
}

/// The page of one.
pub(in crate::pages) async fn show_one(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let found = edge.service.webhook(&shell.caller, WebhookId(id)).await?;
    let sent = NewWebhook { url: found.url.clone(), topic: found.topics.clone() };
    Ok(one(&shell, &found, &sent, Vec::new()))
}

fn one(
    shell: &Shell,
    found: &Webhook,
    sent: &NewWebhook,
    faults: Vec<(&'static str, String)>,
) -> Response {
    let is_chosen = |slug: &str| sent.topic.iter().any(|one| one == slug);
    let ticks = |family: &Family| Ticks {
        slug: family.slug(),
        is_chosen: is_chosen(family.slug()),
        topics: Topic::ALL
            .iter()
            .filter(|topic| topic.family() == *family && **topic != Topic::Test)
            .map(|topic| (topic.slug(), topic.title(), is_chosen(topic.slug())))
            .collect(),
    };
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shown = One {
        tabs: tabs(shell, PATH),
        path: format!("{PATH}/{}", found.id),
        deliveries: format!("{}?webhook={}", super::delivery::PATH, found.id),
        off: found.disabled.as_ref().map(|(_, reason)| reason.clone()),
        families: Family::ALL.iter().map(ticks).collect(),
        sent,
        faults,
        shell,
    };
    shell.page(status, &shown)
}

/// Changes where one is and what it is told of.
pub(in crate::pages) async fn save(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
    Sent(sent): Sent<NewWebhook>,
) -> Result<Response, Problem> {
    let found = edge.service.webhook(&shell.caller, WebhookId(id)).await?;
    let is_enabled = found.disabled.is_none();
    let url = sent.url.trim().to_owned();
    let edit = WebhookEdit { url, topics: sent.topic.clone(), is_enabled };
    match edge.service.change_webhook(&shell.caller, WebhookId(id), edit).await {
        Ok(()) => Ok(shell.to(PATH, &Flash::new("The webhook was changed"))),
        Err(ServiceError::Faults(faults)) => {
            Ok(one(&shell, &found, &sent, faults.0.into_iter().map(named).collect()))
        }
        Err(other) => Err(other.into()),
    }
}

/// What is wrong, by the field that it is wrong in.
fn named(fault: Fault) -> (&'static str, String) {
    match fault.pointer.as_str() {
        "/url" => ("url", sentence(&fault.detail)),
        _ => ("topics", sentence(&fault.detail)),
    }
}
