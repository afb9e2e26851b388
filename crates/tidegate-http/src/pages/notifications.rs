//! What one is told of: the inbox, and how one is told of each family.

pub(super) mod delivery;
pub(super) mod template;
pub(super) mod webhook;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use tidegate_model::notice::Family;
use tidegate_service::{NoticeText, ReadNotices, ServiceError, Subscription};

use super::{
    flash::Flash,
    forms::{Sent, Sought},
    sentence,
    shell::Shell,
    words::When,
};
use crate::{
    edge::Shared,
    problem::{Problem, ProblemKind},
};

/// Where it is.
pub(super) const PATH: &str = "/sg-admin/notifications";
/// Notices of a page.
const PAGE: u32 = 30;

#[derive(Template)]
#[template(path = "notifications.html")]
struct Shown<'a> {
    shell: &'a Shell,
    tabs: Vec<Tab>,
    lines: Vec<Line>,
    /// The newest notice: all up to it were shown.
    newest: i64,
    has_unread: bool,
    next: Option<String>,
    families: Vec<FamilyLine>,
    has_mail: bool,
}

/// A part of the notifications.
pub(super) struct Tab {
    pub(super) path: &'static str,
    pub(super) label: &'static str,
    pub(super) is_here: bool,
}

/// A notice, to be drawn.
struct Line {
    path: String,
    icon: &'static str,
    title: String,
    line: String,
    at: When,
    is_unread: bool,
    is_security: bool,
}

/// How one is told of a family, to be drawn.
struct FamilyLine {
    slug: &'static str,
    label: &'static str,
    hint: &'static str,
    is_allowed: bool,
    by_mail: bool,
    in_inbox: bool,
}

/// Which part of the inbox.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Part {
    before: Option<i64>,
}

/// The parts, for whoever looks.
pub(super) fn tabs(shell: &Shell, here: &str) -> Vec<Tab> {
    let all = [
        (PATH, "Inbox"),
        (webhook::PATH, "Webhooks"),
        (delivery::PATH, "Deliveries"),
        (template::PATH, "Mail templates"),
    ];
    let shown = if shell.holds("notifications.manage") { all.len() } else { 0 };
    let tab =
        |&(path, label): &(&'static str, &'static str)| Tab { path, label, is_here: path == here };
    all[..shown].iter().map(tab).collect()
}

/// The page.
pub(super) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
    Sought(part): Sought<Part>,
) -> Result<Response, Problem> {
    let page = edge.service.notices(&shell.caller, part.before, PAGE).await?;
    let families = edge.service.own_subscriptions(&shell.caller).await?;
    let shown = Shown {
        tabs: tabs(&shell, PATH),
        newest: page.notices.first().map_or(0, |notice| notice.id),
        has_unread: shell.standing.unread > 0,
        next: page.next.map(|before| format!("{PATH}?before={before}")),
        lines: page.notices.into_iter().map(|notice| line(&shell, notice)).collect(),
        families: families
            .iter()
            .map(|state| FamilyLine {
                slug: state.family.slug(),
                label: label(state.family),
                hint: hint(state.family),
                is_allowed: state.is_allowed,
                by_mail: state.how.by_mail,
                in_inbox: state.how.in_inbox,
            })
            .collect(),
        has_mail: edge.service.sends_mail(),
        shell: &shell,
    };
    Ok(shell.page(StatusCode::OK, &shown))
}

fn line(shell: &Shell, notice: NoticeText) -> Line {
    let is_security = notice.topic.family() == Family::Security;
    Line {
        path: notice.path,
        icon: if is_security { "shield-alert" } else { "bell" },
        title: notice.title,
        line: notice.line,
        at: shell.when(notice.at),
        is_unread: notice.read_at.is_none(),
        is_security,
    }
}

fn label(family: Family) -> &'static str {
    match family {
        Family::Jobs => "Your exports",
        Family::Schedules => "Schedules",
        Family::Security => "Security",
    }
}

fn hint(family: Family) -> &'static str {
    match family {
        Family::Jobs => "Ready, failed, cancelled, and when a file has ended.",
        Family::Schedules => "Held, paused, and reassigned.",
        Family::Security => "Personal data that leaves is told here whatever you choose.",
    }
}

/// Which notices were read.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ReadUpTo {
    up_to: i64,
}

/// Marks everything as read that was shown.
pub(super) async fn read(
    State(edge): State<Shared>,
    shell: Shell,
    Sent(sent): Sent<ReadUpTo>,
) -> Result<Response, Problem> {
    edge.service.read_notices(&shell.caller, ReadNotices::UpTo(sent.up_to)).await?;
    Ok(shell.to(PATH, &Flash::new("All notices are marked as read")))
}

/// How one wants to be told: `family:way` of what is ticked.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Choices {
    family: Vec<String>,
    way: Vec<String>,
}

/// Takes how one wants to be told; each family that differs is changed.
pub(super) async fn subscribe(
    State(edge): State<Shared>,
    shell: Shell,
    Sent(sent): Sent<Choices>,
) -> Result<Response, Problem> {
    let mut changed = 0;
    for state in edge.service.own_subscriptions(&shell.caller).await? {
        let slug = state.family.slug();
        if !state.is_allowed || !sent.family.iter().any(|one| one == slug) {
            continue;
        }
        let has = |way: &str| sent.way.iter().any(|one| *one == format!("{slug}:{way}"));
        let how = Subscription { by_mail: has("mail"), in_inbox: has("inbox") };
        if how == state.how {
            continue;
        }
        match edge.service.subscribe(&shell.caller, state.family, how).await {
            Ok(()) => changed += 1,
            Err(ServiceError::Faults(faults)) => {
                let why = faults.0.first().map(|fault| sentence(&fault.detail));
                let flash = Flash::bad("It stays as it was").line(why.unwrap_or_default());
                return Ok(shell.to(PATH, &flash));
            }
            Err(other) => return Err(other.into()),
        }
    }
    let fact = if changed == 0 { "Nothing was changed" } else { "Your choice is kept" };
    Ok(shell.to(PATH, &Flash::new(fact)))
}

/// A page that is not there for whoever does not manage notices.
fn refuse_others(shell: &Shell) -> Result<(), Problem> {
    match shell.holds("notifications.manage") {
        true => Ok(()),
        false => Err(Problem::of(ProblemKind::NotAllowed)),
    }
}
