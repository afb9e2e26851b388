//! Cron jobs: the schedules that whoever looks may see, and what the service does by itself.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use tidegate_model::{
    ids::ScheduleId,
    job::Job,
    schedule::{Schedule, ScheduleState},
};
use tidegate_service::{ScheduleLine, ScheduleListRequest, TaskRun};

use super::{
    exports,
    forms::Sought,
    parts::Pill,
    shell::Shell,
    words::{self, When},
};
use crate::{edge::Shared, problem::Problem};

/// Where they are.
pub(super) const PATH: &str = "/sg-admin/cron";

#[derive(Template)]
#[template(path = "cron.html")]
struct Cron<'a> {
    shell: &'a Shell,
    lines: Vec<Line>,
    /// Where the rest begins.
    more: Option<String>,
    tasks: Vec<TaskLine>,
    new: Option<String>,
}

/// A schedule in the list.
struct Line {
    id: i64,
    path: String,
    subject: String,
    format: String,
    has_pii: bool,
    words: String,
    zone: &'static str,
    next: Option<When>,
    last: Option<Last>,
    pill: Pill,
    reason: String,
    owner: String,
}

/// A run of a schedule.
pub(super) struct Last {
    pub(super) path: String,
    pub(super) id: i64,
    pub(super) at: When,
    pub(super) pill: Pill,
    pub(super) line: String,
}

struct TaskLine {
    name: &'static str,
    words: &'static str,
    pace: String,
    last: Option<When>,
    has_failed: bool,
}

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Part {
    behind: Option<i64>,
}

/// The list.
pub(super) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
    Sought(part): Sought<Part>,
) -> Result<Response, Problem> {
    let behind = part.behind.map(ScheduleId);
    let request = ScheduleListRequest { behind, ..ScheduleListRequest::default() };
    let (found, has_more) = edge.service.schedule_lines(&shell.caller, request).await?;
    let last = found.last().filter(|_| has_more).map(|line| line.schedule.id);
    let lines = found.into_iter().map(|line| Line::of(&shell, line)).collect();
    let tasks = edge.service.upkeep_tasks().iter().map(|run| task(&shell, run)).collect();
    let may_make = shell.holds("exports.schedule");
    let new = exports::offer::new_export(&shell).filter(|_| may_make);
    let cron = Cron {
        lines,
        more: last.map(|id| format!("{PATH}?behind={id}")),
        tasks,
        new: new.map(|path| path.to_owned()),
        shell: &shell,
    };
    Ok(shell.page(StatusCode::OK, &cron))
}

impl Line {
    fn of(shell: &Shell, line: ScheduleLine) -> Self {
        let ScheduleLine { schedule, owner, last_run } = line;
        Self {
            id: schedule.id.0,
            path: format!("{PATH}/{}", schedule.id),
            subject: shell.subject_label(&schedule.request.subject),
            format: words::format_label(&schedule.request.format),
            has_pii: schedule.has_pii,
            words: sentence_start(&schedule.timing.words()),
            zone: schedule.timing.recurrence.zone().name(),
            next: schedule.next_fire_at.map(|at| shell.when(at)),
            last: last_run.map(|run| Last::of(shell, &run)),
            pill: pill(&schedule),
            reason: schedule.state_reason.clone().unwrap_or_default(),
            owner,
        }
    }
}

impl Last {
    pub(super) fn of(shell: &Shell, run: &Job) -> Self {
        Self {
            path: format!("{}/{}", exports::PATH, run.id),
            id: run.id.0,
            at: shell.when(run.created_at),
            pill: Pill::of(run.status, run.hold.is_some()),
            line: run.error.as_ref().map(|error| error.detail.clone()).unwrap_or_default(),
        }
    }
}

/// The state of a schedule, as a pill.
pub(super) fn pill(schedule: &Schedule) -> Pill {
    let (class, icon, word) = match schedule.state {
        ScheduleState::Active => ("st-ready", "calendar-clock", "Active"),
        ScheduleState::Paused => ("st-approval", "pause", "Paused"),
        ScheduleState::Held => ("st-failed", "ban", "Held"),
        ScheduleState::Done => ("st-over", "check", "Done"),
        ScheduleState::Deleted => ("st-over", "trash-2", "Deleted"),
    };
    Pill { class, icon, word, spins: false }
}

pub(super) fn sentence_start(words: &str) -> String {
    let words = super::words::quoted(words);
    let mut letters = words.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

fn task(shell: &Shell, run: &TaskRun) -> TaskLine {
    let pause = run.task.pause;
    let pace = match pause.as_millis() {
        millis if millis < 1_000 => format!("every {millis} ms"),
        _ => format!("every {}", words::span(i64::try_from(pause.as_secs()).unwrap_or(i64::MAX))),
    };
    TaskLine {
        name: run.task.name,
        words: run.task.words,
        pace,
        last: run.last_run.map(|at| shell.when(at)),
        has_failed: run.has_failed,
    }
}
