//! How an export stands: one sentence, and the few numbers that matter now.

use std::collections::BTreeSet;

use tidegate_model::{job::Job, status::Status};
use tidegate_service::Story;

use crate::pages::{
    exports::{pace::Pace, row},
    shell::Shell,
    words,
};

/// Said while something is still to come.
const LEAVE: &str = "You can leave this page.";
/// Said where the file is gone.
const STAYS: &str = "The record stays; the same export can be made again with today’s data.";

/// A label over a value, and a line below it.
pub(in crate::pages) struct Fact {
    pub(in crate::pages) label: &'static str,
    pub(in crate::pages) value: String,
    pub(in crate::pages) line: String,
}

/// A bold fact, and what else there is to know.
pub(in crate::pages) fn says(shell: &Shell, story: &Story) -> (String, String) {
    let job = &story.job;
    match job.status {
        _ if job.cancel_requested && job.status.is_open() => {
            ("Stopping.".to_owned(), "Its worker stops within a second.".to_owned())
        }
        Status::Pending => (format!("{}.", row::waiting(shell, job)), LEAVE.to_owned()),
        Status::Building => (building(shell, story), LEAVE.to_owned()),
        Status::Ready => match &job.fault {
            Some(fault) => (
                "The file is damaged.".to_owned(),
                format!("{} Run the export again.", words::sentence(fault)),
            ),
            None => (ready(job), built(job)),
        },
        Status::Failed => {
            let detail = job.error.as_ref().map(|error| words::sentence(&error.detail));
            ("There is no file.".to_owned(), detail.unwrap_or_default())
        }
        Status::Cancelled => ("Somebody stopped it.".to_owned(), "Nothing was kept.".to_owned()),
        Status::Expired => {
            let at = job.expires_at.map(|at| words::day(at, shell.now, shell.zone));
            let fact = format!("The file was removed on {}.", at.unwrap_or_default());
            (fact, format!("Its time was over. {STAYS}"))
        }
        Status::Deleted => ("The file was deleted.".to_owned(), STAYS.to_owned()),
    }
}

fn building(shell: &Shell, story: &Story) -> String {
    let job = &story.job;
    if job.run_after > shell.now {
        let again = shell.when(job.run_after).words;
        return format!("Attempt {} of {} begins {again}.", job.attempt + 1, job.attempts_max);
    }
    match pace(shell, story).left_words() {
        Some(left) => words::sentence(&left),
        None => "Rows are read and written.".to_owned(),
    }
}

fn ready(job: &Job) -> String {
    let size = words::size(job.size_bytes.unwrap_or(0));
    match job.rows_done {
        0 => format!("No row matched: the file holds no record, {size}."),
        rows => format!("{}, {size}.", words::plural(rows, "row")),
    }
}

fn built(job: &Job) -> String {
    match (job.started_at, job.completed_at) {
        (Some(from), Some(to)) => format!("Built in {}.", words::span_of(to - from)),
        _ => String::new(),
    }
}

/// When the attempt of now began.
fn begun(story: &Story) -> Option<i64> {
    story.attempts.iter().rev().find(|one| one.ended_at.is_none()).map(|one| one.started_at)
}

fn pace(shell: &Shell, story: &Story) -> Pace {
    let begun = begun(story).unwrap_or(shell.now);
    Pace::of(story.job.rows_done, story.job.progress, begun, shell.now)
}

/// The numbers that matter in this state.
pub(in crate::pages) fn facts(shell: &Shell, story: &Story) -> Vec<Fact> {
    let job = &story.job;
    let attempt = format!("attempt {} of {}", job.attempt.max(1), job.attempts_max);
    let rows = || fact("Rows", words::count(job.rows_done), String::new());
    match job.status {
        Status::Pending => {
            let rows = job.rows_estimated.map_or("not known".to_owned(), words::about);
            vec![fact("Rows expected", rows, String::new())]
        }
        Status::Building => {
            let pace = pace(shell, story);
            let expected = job.rows_estimated.filter(|expected| *expected > job.rows_done);
            let expected = expected.map(|one| format!("of {}", words::about(one)));
            let rate = pace.rate_words().map(|rate| format!("{rate} rows/s"));
            let seconds = begun(story).map_or(0, |begun| (shell.now - begun) / 1_000_000);
            vec![
                fact("Rows written", words::count(job.rows_done), expected.unwrap_or_default()),
                fact("Rate", rate.unwrap_or("–".to_owned()), String::new()),
                fact("Running for", words::span(seconds), attempt),
            ]
        }
        Status::Failed | Status::Cancelled => {
            vec![fact("Rows read until then", words::count(job.rows_done), attempt)]
        }
        Status::Ready | Status::Expired | Status::Deleted => {
            vec![file(job), rows(), downloads(story)]
        }
    }
}

fn fact(label: &'static str, value: String, line: String) -> Fact {
    Fact { label, value, line }
}

fn file(job: &Job) -> Fact {
    let name = job.file_name.clone().unwrap_or_default();
    fact("File", name, job.size_bytes.map(words::size).unwrap_or_default())
}

fn downloads(story: &Story) -> Fact {
    let people: BTreeSet<&str> = story.downloads.iter().map(|one| one.by.as_str()).collect();
    let by = match people.len() {
        0 => String::new(),
        1 => "by 1 person".to_owned(),
        people => format!("by {people} people"),
    };
    let more = if story.has_more_downloads { "over " } else { "" };
    let count = words::count_of(story.downloads.len() as u64);
    fact("Downloads", format!("{more}{count}"), by)
}
