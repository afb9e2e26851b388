//! What happened to an export, newest first, and what comes next.

use tidegate_model::{actor::Via, job::Job, status::Status};
use tidegate_service::{Attempt, Story, TransitionRow};

use crate::{
    clock::moment,
    pages::{shell::Shell, words},
};

/// Something that happened, or is about to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pages) struct Step {
    /// Class of its dot.
    pub(in crate::pages) dot: &'static str,
    /// None for what is about to happen.
    pub(in crate::pages) icon: Option<&'static str>,
    pub(in crate::pages) spins: bool,
    pub(in crate::pages) fact: String,
    pub(in crate::pages) line: String,
    /// Time of day, and the same for programs.
    pub(in crate::pages) clock: String,
    pub(in crate::pages) iso: String,
}

struct Happened {
    at: i64,
    step: Step,
}

/// The steps.
pub(in crate::pages) fn steps(shell: &Shell, story: &Story, by: &str) -> Vec<Step> {
    let job = &story.job;
    let mut happened = vec![created(shell, job, by)];
    for attempt in &story.attempts {
        happened.extend(attempt_steps(shell, job, attempt));
    }
    happened.extend(story.transitions.iter().filter_map(|one| transition(shell, job, one)));
    if let Some(at) = job.purged_at {
        let line = "The artifact store was asked, and has it no more.";
        happened.push(event(shell, at, ("", "check"), "File seen gone", line));
    }
    // Of what happened at the same moment, what was noted later stands above.
    happened.sort_by_key(|one| one.at);
    next(job).into_iter().chain(happened.into_iter().rev().map(|one| one.step)).collect()
}

fn created(shell: &Shell, job: &Job, by: &str) -> Happened {
    let via = match job.via {
        Via::Cli => "on the command line",
        Via::Api => "by the API",
        Via::Admin => "on these pages",
        Via::Schedule => "by a schedule",
        Via::Link => "by a link",
        Via::Internal => "by the program",
    };
    let again = job.rerun_of.map(|id| format!(" It is #{} again.", id.0)).unwrap_or_default();
    let line = format!("By {by}, {via}.{again}");
    event(shell, job.created_at, ("", "plus"), "Created, pending", line)
}

fn attempt_steps(shell: &Shell, job: &Job, attempt: &Attempt) -> Vec<Happened> {
    let number = attempt.attempt;
    let is_running = attempt.ended_at.is_none() && job.status == Status::Building;
    let fact = match is_running {
        true => format!("Attempt {number} is building"),
        false => format!("Attempt {number} began"),
    };
    let from = if number > 1 { " It begins with the first row, in a new snapshot." } else { "" };
    let line = format!("Worker {}.{from}", attempt.worker);
    let icon = if is_running { "loader-circle" } else { "play" };
    let mut begun = event(shell, attempt.started_at, ("dot-tide", icon), fact, line);
    begun.step.spins = is_running;
    let mut steps = vec![begun];
    if let (Some(at), Some(outcome)) = (attempt.ended_at, attempt.outcome.as_deref()) {
        // The last one's failure is that of the export, which says it itself.
        let is_last = job.status == Status::Failed && job.completed_at == Some(at);
        steps.extend(ended(shell, attempt, at, outcome).filter(|_| !is_last));
    }
    steps
}

/// How an attempt ended, where the export's own end does not say it.
fn ended(shell: &Shell, attempt: &Attempt, at: i64, outcome: &str) -> Option<Happened> {
    let number = attempt.attempt;
    let (fact, line) = match outcome {
        "published" | "cancelled" => return None,
        "lost" => (
            format!("Attempt {number} lost its worker"),
            format!("{} stopped answering. Its partial file is removed.", attempt.worker),
        ),
        "handed_back" => (
            format!("Attempt {number} was handed back"),
            format!("{} was told to end. Its partial file is removed.", attempt.worker),
        ),
        _ => (
            format!("Attempt {number} failed"),
            words::sentence(attempt.detail.as_deref().unwrap_or(outcome)),
        ),
    };
    Some(event(shell, at, ("dot-bad", "refresh-cw"), fact, line))
}

fn transition(shell: &Shell, job: &Job, one: &TransitionRow) -> Option<Happened> {
    let (mark, fact, line): ((&str, &str), &str, String) = match one.to {
        // What creation and attempts say.
        Status::Pending | Status::Building => return None,
        Status::Ready => {
            let line = "The last row is written and the file is checked.";
            (("dot-good", "circle-check"), "Ready", line.to_owned())
        }
        Status::Failed => {
            let detail = job.error.as_ref().map(|error| words::sentence(&error.detail));
            (("dot-bad", "circle-x"), "Failed", detail.unwrap_or_default())
        }
        Status::Cancelled => (("", "ban"), "Cancelled", "What was written is removed.".to_owned()),
        Status::Expired => {
            (("", "hourglass"), "Expired", "Its time was over. The record stays.".to_owned())
        }
        Status::Deleted => {
            (("", "trash-2"), "File deleted", "Before its time. The record stays.".to_owned())
        }
    };
    Some(event(shell, one.at, mark, fact, line))
}

/// What is expected.
fn next(job: &Job) -> Option<Step> {
    let (fact, line) = match job.status {
        _ if job.cancel_requested && job.status.is_open() => {
            ("Cancelled", "Its worker stops within a second.")
        }
        Status::Pending => ("Building", "Rows are read in one snapshot, then written."),
        Status::Building => ("Ready", "When its last row is written and checked."),
        Status::Ready | Status::Failed | Status::Cancelled | Status::Expired | Status::Deleted => {
            return None;
        }
    };
    Some(Step {
        dot: "dot-next",
        icon: None,
        spins: false,
        fact: fact.to_owned(),
        line: line.to_owned(),
        clock: String::new(),
        iso: String::new(),
    })
}

fn event(
    shell: &Shell,
    at: i64,
    (dot, icon): (&'static str, &'static str),
    fact: impl Into<String>,
    line: impl Into<String>,
) -> Happened {
    let step = Step {
        dot,
        icon: Some(icon),
        spins: false,
        fact: fact.into(),
        line: line.into(),
        clock: shell.clock(at),
        iso: moment(at).format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    };
    Happened { at, step }
}
