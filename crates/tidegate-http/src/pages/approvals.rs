//! Exports that wait for a second person: what waits, what is to be reviewed, what has waited.

pub(super) mod one;
pub(super) mod rules;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use tidegate_model::{
    approval::{Approval, ApprovalState},
    job::Job,
};
use tidegate_service::{ApprovalsOf, Beside};

use super::{
    scope_words,
    shell::Shell,
    words::{self, When},
};
use crate::{edge::Shared, problem::Problem};

/// Where it is.
pub(super) const PATH: &str = "/sg-admin/approvals";

#[derive(Template)]
#[template(path = "approvals.html")]
struct Page<'a> {
    shell: &'a Shell,
    waiting: Vec<Line>,
    to_review: Vec<Line>,
    past: Vec<Line>,
    may_change: bool,
}

/// An export that waits, or has.
struct Line {
    path: String,
    id: i64,
    what: String,
    scope: String,
    has_pii: bool,
    rows: String,
    by: String,
    is_own: bool,
    reason: Option<String>,
    rule: String,
    asked: When,
    until: When,
    state: Verdict,
}

/// What became of it.
pub(super) struct Verdict {
    pub(super) class: &'static str,
    pub(super) icon: &'static str,
    pub(super) word: &'static str,
    /// Who has decided, and what they said.
    pub(super) line: String,
}

impl Verdict {
    pub(super) fn of(approval: &Approval) -> Self {
        let (class, icon, word) = match approval.state {
            ApprovalState::Waiting => ("st-approval", "hand", "Waits"),
            ApprovalState::Granted => ("st-ready", "check-check", "Approved"),
            ApprovalState::BrokenGlass => ("st-failed", "triangle-alert", "Released alone"),
            ApprovalState::Used if approval.is_broken => {
                ("st-failed", "triangle-alert", "Released alone")
            }
            ApprovalState::Used => ("st-ready", "check-check", "Approved"),
            ApprovalState::Denied => ("st-failed", "ban", "Refused"),
            ApprovalState::Lapsed => ("st-over", "hourglass", "Lapsed"),
            ApprovalState::Void => ("st-over", "unlink", "Void"),
        };
        let by = approval.decided_name.as_ref().map(|name| format!("by {name}"));
        let parts = [by, approval.note.clone()];
        let line = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
        Self { class, icon, word, line }
    }
}

impl Line {
    fn of(shell: &Shell, (approval, job): &(Approval, Job), beside: &Beside) -> Self {
        let is_own = shell.caller.operator() == Some(job.created_by);
        Self {
            path: format!("{PATH}/{}", job.id.0),
            id: job.id.0,
            what: what(shell, job),
            scope: scope_words::of(&job.scope),
            has_pii: job.has_pii,
            rows: job.rows_estimated.map_or_else(|| "not known".to_owned(), words::about),
            by: beside.creators.get(&job.created_by).cloned().unwrap_or_default(),
            is_own,
            reason: job.reason.clone(),
            rule: approval.rule.clone(),
            asked: shell.when(approval.requested_at),
            until: shell.when(approval.expires_at),
            state: Verdict::of(approval),
        }
    }
}

/// What is exported: `Orders as CSV`.
fn what(shell: &Shell, job: &Job) -> String {
    let kind = job.kind.as_ref().map(|kind| format!(" ({kind})")).unwrap_or_default();
    let format = words::format_label(&job.format);
    format!("{}{kind} as {format}", shell.subject_label(&job.subject))
}

/// The page.
pub(super) async fn show(State(edge): State<Shared>, shell: Shell) -> Result<Response, Problem> {
    let service = &edge.service;
    let sought = [ApprovalsOf::Waiting, ApprovalsOf::ToReview, ApprovalsOf::Past];
    let [waiting, to_review, past] = service.approvals(&shell.caller, sought).await?;
    let all = [&waiting, &to_review, &past].into_iter().flatten();
    let jobs: Vec<Job> = all.map(|(_, job)| job.clone()).collect();
    let beside = service.beside(&jobs).await?;
    let lines = |found: &[(Approval, Job)]| -> Vec<Line> {
        found.iter().map(|one| Line::of(&shell, one, &beside)).collect()
    };
    let page = Page {
        waiting: lines(&waiting),
        to_review: lines(&to_review),
        past: lines(&past),
        may_change: shell.holds("settings.manage"),
        shell: &shell,
    };
    Ok(shell.page(StatusCode::OK, &page))
}
