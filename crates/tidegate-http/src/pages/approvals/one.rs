//! One export that waits: everything that whoever decides needs, and the decision.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tidegate_model::{
    approval::{ApprovalState, Difference},
    fault::Faults,
    ids::JobId,
    job::Job,
};
use tidegate_service::{ApprovalStory, ServiceError};

use super::{
    super::{
        flash::Flash,
        forms::Sent,
        scope_words, sentence,
        shell::Shell,
        words::{self, When},
    },
    PATH, Verdict, what,
};
use crate::{
    edge::{Edge, Shared},
    input::Number,
    problem::{Problem, ProblemKind},
};

/// Fields that a difference names before the rest is counted.
const FIELDS_NAMED: usize = 20;

#[derive(Template)]
#[template(path = "approval.html")]
struct Page<'a> {
    shell: &'a Shell,
    job: &'a Job,
    path: String,
    what: String,
    by: String,
    rule: &'a str,
    hash: &'a str,
    scope: String,
    order: Option<String>,
    fields: String,
    format: String,
    rows: String,
    asked: When,
    until: When,
    verdict: Verdict,
    /// The one that it is compared with, and when that was.
    last: Option<(i64, When)>,
    differences: Vec<(String, String, String)>,
    recent: [(&'static str, String); 3],
    preview: Preview,
    is_waiting: bool,
    is_own: bool,
    may_break: bool,
    wants_review: bool,
    review: Option<String>,
    faults: Vec<(&'static str, String)>,
    sent: Words,
}

/// The first rows.
enum Preview {
    /// As they would be written, with the masks of whoever looks.
    Text(String),
    /// None matches.
    Empty,
    /// Why there are none to be seen.
    Not(String),
}

/// What is said of a decision.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Words {
    note: String,
}

/// The page.
pub(in crate::pages) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    page(&edge, &shell, id, (Words::default(), Vec::new())).await
}

async fn page(
    edge: &Edge,
    shell: &Shell,
    id: i64,
    (sent, faults): (Words, Vec<(&'static str, String)>),
) -> Result<Response, Problem> {
    let story = edge.service.approval(&shell.caller, JobId(id)).await?;
    let ApprovalStory { approval, job, .. } = &story;
    let is_waiting = approval.state == ApprovalState::Waiting;
    let preview = match is_waiting {
        true => preview(edge, shell, job).await?,
        false => Preview::Not("It does not wait any more.".to_owned()),
    };
    let review = approval
        .reviewed_name
        .as_ref()
        .map(|name| format!("{name}: {}", approval.review_note.as_deref().unwrap_or_default()));
    let page = Page {
        path: format!("{PATH}/{id}"),
        what: what(shell, job),
        by: if shell.caller.operator() == Some(job.created_by) {
            "you".to_owned()
        } else {
            story.creator.clone()
        },
        rule: &approval.rule,
        hash: &approval.definition_hash,
        scope: scope_words::of(&job.scope),
        order: scope_words::order(&job.scope),
        fields: field_names(&job.fields),
        format: words::format_label(&job.format),
        rows: job.rows_estimated.map_or_else(|| "not known".to_owned(), words::about),
        asked: shell.when(approval.requested_at),
        until: shell.when(approval.expires_at),
        verdict: Verdict::of(approval),
        last: story.last.as_ref().map(|last| (last.id.0, shell.when(last.created_at))),
        differences: story.differences.iter().map(difference).collect(),
        recent: [
            ("Exports", words::count(story.recent.exports)),
            ("Rows", words::many(story.recent.rows)),
            ("Size", words::size(story.recent.bytes)),
        ],
        preview,
        is_waiting,
        is_own: story.is_own,
        may_break: story.may_break,
        wants_review: approval.wants_review(),
        review,
        sent,
        shell,
        job,
        faults: faults.clone(),
    };
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(shell.page(status, &page))
}

/// With the masks and the row limit of whoever looks, if they may export it themselves.
async fn preview(edge: &Edge, shell: &Shell, job: &Job) -> Result<Preview, Problem> {
    if !shell.subject(&job.subject).is_some_and(|subject| subject.may_export) {
        return Ok(Preview::Not("Your role does not include exports of this.".to_owned()));
    }
    match edge.service.preview_approval(&shell.caller, job.id).await {
        Ok(preview) if preview.rows == 0 => Ok(Preview::Empty),
        Ok(preview) => Ok(Preview::Text(preview.text)),
        Err(error) => {
            let problem = Problem::from(error);
            match problem.kind() {
                ProblemKind::LookTooLong
                | ProblemKind::UnreadableValue
                | ProblemKind::InvalidRequest
                | ProblemKind::EgressPaused
                | ProblemKind::SourceUnavailable => Ok(Preview::Not(sentence(problem.detail()))),
                _ => Err(problem),
            }
        }
    }
}

fn field_names(fields: &Value) -> String {
    let items = fields.as_array().map(Vec::as_slice).unwrap_or_default();
    let name = |item: &Value| item.get("slug").unwrap_or(item).as_str().map(str::to_owned);
    let names: Vec<String> = items.iter().filter_map(name).collect();
    named(&names)
}

fn named(names: &[String]) -> String {
    let first = names[..names.len().min(FIELDS_NAMED)].join(", ");
    match names.len().saturating_sub(FIELDS_NAMED) {
        0 => first,
        others => format!("{first} and {others} more"),
    }
}

/// What differs, what it was, and what it is.
fn difference(difference: &Difference) -> (String, String, String) {
    let Difference { what, was, is } = difference;
    let said = |value: &Value| match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if *what == "fields" => {
            let names: Vec<String> =
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            if names.is_empty() { "–".to_owned() } else { named(&names) }
        }
        Value::Array(items) if what.ends_with("ids") => {
            words::plural(i64::try_from(items.len()).unwrap_or(i64::MAX), "chosen record")
        }
        filter if *what == "filter" => scope_words::of(&serde_json::json!({ "filter": filter })),
        other => other.to_string(),
    };
    let label = match *what {
        "fields" => "Fields: gone, added".to_owned(),
        other => words::title(other),
    };
    (label, said(was), said(is))
}

/// Lets it go on.
pub(in crate::pages) async fn grant(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
    Sent(sent): Sent<Words>,
) -> Result<Response, Problem> {
    let note = Some(sent.note.as_str());
    let done = edge.service.grant_approval(&shell.caller, JobId(id), note).await;
    let flash = Flash::new(format!("Export #{id} is approved")).line("It is built now.");
    decided(&edge, &shell, id, (sent, flash, done)).await
}

/// Refuses it.
pub(in crate::pages) async fn deny(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
    Sent(sent): Sent<Words>,
) -> Result<Response, Problem> {
    let done = edge.service.deny_approval(&shell.caller, JobId(id), &sent.note).await;
    let flash = Flash::new(format!("Export #{id} is refused")).line("Whoever asked is told why.");
    decided(&edge, &shell, id, (sent, flash, done)).await
}

/// Releases one's own.
pub(in crate::pages) async fn break_glass(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
    Sent(sent): Sent<Words>,
) -> Result<Response, Problem> {
    let done = edge.service.break_approval(&shell.caller, JobId(id), &sent.note).await;
    let flash = Flash::new(format!("Export #{id} is released without a second person"));
    let flash = flash.line("Security is told, and somebody else has to review it.");
    decided(&edge, &shell, id, (sent, flash, done)).await
}

/// Reviews what somebody else has released.
pub(in crate::pages) async fn review(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
    Sent(sent): Sent<Words>,
) -> Result<Response, Problem> {
    let done = edge.service.review_approval(&shell.caller, JobId(id), &sent.note).await;
    let flash = Flash::new(format!("The release of export #{id} is reviewed"));
    decided(&edge, &shell, id, (sent, flash, done)).await
}

async fn decided(
    edge: &Edge,
    shell: &Shell,
    id: i64,
    (sent, flash, done): (Words, Flash, Result<(), ServiceError>),
) -> Result<Response, Problem> {
    match done {
        Ok(()) => Ok(shell.to(PATH, &flash)),
        Err(ServiceError::Faults(Faults(faults))) => {
            let faults = faults.into_iter().map(|fault| ("note", sentence(&fault.detail)));
            page(edge, shell, id, (sent, faults.collect())).await
        }
        Err(ServiceError::Denied(denied)) if denied.is_conflict() => {
            let flash = Flash::bad("Nothing was done").line(sentence(&denied.to_string()));
            Ok(shell.to(&format!("{PATH}/{id}"), &flash))
        }
        Err(other) => Err(other.into()),
    }
}
