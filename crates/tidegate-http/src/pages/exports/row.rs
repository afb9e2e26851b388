//! An export as a row of the list: one line for what it is, one for what there is to know now.

use tidegate_model::{job::Job, status::Status};
use tidegate_service::Beside;

use super::{offer::Offer, pace::Pace};
use crate::pages::{
    parts::Pill,
    scope_words,
    shell::Shell,
    words::{self, Left, When},
};

/// A row.
pub(in crate::pages) struct Row {
    pub(in crate::pages) id: i64,
    pub(in crate::pages) path: String,
    pub(in crate::pages) subject: String,
    pub(in crate::pages) kind: Option<String>,
    pub(in crate::pages) has_pii: bool,
    pub(in crate::pages) scope: String,
    pub(in crate::pages) format: String,
    /// How it is compressed.
    pub(in crate::pages) packed: Option<String>,
    pub(in crate::pages) created: When,
    pub(in crate::pages) by: String,
    pub(in crate::pages) pill: Pill,
    /// The one thing to know beside the state.
    pub(in crate::pages) line: String,
    /// Share of the work that is done, while it is built.
    pub(in crate::pages) progress: Option<i64>,
    pub(in crate::pages) size: Option<String>,
    pub(in crate::pages) left: Option<Left>,
    pub(in crate::pages) offer: Offer,
    /// Whether it is past.
    pub(in crate::pages) is_over: bool,
}

impl Row {
    /// The row of an export.
    pub(in crate::pages) fn of(shell: &Shell, job: &Job, beside: &Beside) -> Self {
        let is_own = shell.caller.operator() == Some(job.created_by);
        let name = beside.creators.get(&job.created_by).cloned().unwrap_or_default();
        let taken = beside.downloads.get(&job.id).copied().unwrap_or(0);
        let is_over = matches!(job.status, Status::Cancelled | Status::Expired | Status::Deleted);
        Self {
            id: job.id.0,
            path: format!("/sg-admin/exports/{}", job.id.0),
            subject: shell.subject_label(&job.subject),
            kind: job.kind.clone(),
            has_pii: job.has_pii,
            scope: scope_words::of(&job.scope),
            format: words::format_label(&job.format),
            packed: job.options.get("compress").filter(|how| *how != "none").cloned(),
            created: shell.when(job.created_at),
            by: if is_own { "you".to_owned() } else { name },
            pill: pill(job),
            line: line(shell, job, taken),
            progress: (job.status == Status::Building).then_some(job.progress),
            size: job.size_bytes.map(words::size),
            left: left(shell, job),
            offer: Offer::of(shell, job),
            is_over,
        }
    }
}

/// The state of an export.
pub(in crate::pages) fn pill(job: &Job) -> Pill {
    Pill::of(job.status, job.hold.is_some())
}

/// What is left of its file's retention.
pub(in crate::pages) fn left(shell: &Shell, job: &Job) -> Option<Left> {
    let until = job.expires_at.filter(|_| job.status == Status::Ready)?;
    Some(shell.left(job.completed_at.unwrap_or(job.created_at), until))
}

/// How often a file was taken.
pub(in crate::pages) fn taken_words(count: i64) -> String {
    match count {
        0 => "not downloaded yet".to_owned(),
        1 => "downloaded once".to_owned(),
        count => format!("downloaded {} times", words::count(count)),
    }
}

/// The one thing to know beside the state: who can act, what is next, how many, or the cause.
fn line(shell: &Shell, job: &Job, taken: i64) -> String {
    match job.status {
        _ if job.cancel_requested && job.status.is_open() => "Stopping".to_owned(),
        Status::Pending => waiting(shell, job),
        Status::Building => building(shell, job),
        Status::Ready => match &job.fault {
            Some(_) => "The file is damaged: run the export again".to_owned(),
            None if job.rows_done == 0 => "No row matched".to_owned(),
            None => format!("{} · {}", words::plural(job.rows_done, "row"), taken_words(taken)),
        },
        Status::Failed => {
            job.error.as_ref().map(|it| words::sentence(&it.detail)).unwrap_or_default()
        }
        Status::Cancelled => "Nothing was kept".to_owned(),
        Status::Expired => match job.expires_at {
            Some(at) => {
                format!("File removed {} · record kept", words::day(at, shell.now, shell.zone))
            }
            None => "File removed · record kept".to_owned(),
        },
        Status::Deleted => "File deleted · record kept".to_owned(),
    }
}

/// Why it has not begun.
pub(in crate::pages) fn waiting(shell: &Shell, job: &Job) -> String {
    match job.run_after > shell.now {
        true => format!("Begins {}", shell.when(job.run_after).words),
        false if job.hold.is_some() => "Somebody else has to approve it".to_owned(),
        false => "Begins when a worker is free".to_owned(),
    }
}

fn building(shell: &Shell, job: &Job) -> String {
    if job.run_after > shell.now {
        let again = shell.when(job.run_after).words;
        return format!("Attempt {} of {} begins {again}", job.attempt + 1, job.attempts_max);
    }
    if job.rows_done == 0 {
        return "Reading begins".to_owned();
    }
    let rows = match job.rows_estimated.filter(|expected| *expected > job.rows_done) {
        Some(expected) => {
            format!("{} of {} rows", words::count(job.rows_done), words::about(expected))
        }
        None => words::plural(job.rows_done, "row"),
    };
    // Where this is not the first attempt, a list does not know when it began.
    let begun = job.started_at.filter(|_| job.attempt == 1).unwrap_or(shell.now);
    let pace = Pace::of(job.rows_done, job.progress, begun, shell.now);
    let rate = pace.rate_words().map(|rate| format!("{rate}/s"));
    [Some(rows), rate, pace.left_words()].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
