//! One schedule: when it fires, what becomes of it, and its runs.

use askama::Template;
use axum::{
    extract::{RawForm, RawQuery, State},
    response::Response,
};
use http::StatusCode;
use serde::Deserialize;
use tidegate_model::{
    fault::Faults,
    ids::{OperatorId, ScheduleId},
    schedule::{FireOutcome, Schedule},
};
use tidegate_service::{ScheduleCall, ScheduleStory, ScheduleWish, ServiceError};
use url::form_urlencoded;

use super::{
    cron::{self, Last, PATH},
    flash::Flash,
    forms::Sent,
    parts::Pill,
    question::{self, Question},
    scope_words,
    shell::Shell,
    timing::{self, TimingForm},
    words,
};
use crate::{edge::Shared, input::Number, problem::Problem};

#[derive(Template)]
#[template(path = "schedule.html")]
struct Page<'a> {
    shell: &'a Shell,
    schedule: &'a Schedule,
    path: String,
    title: String,
    words: String,
    pill: Pill,
    owner: String,
    scope: String,
    next: Vec<String>,
    form: TimingForm,
    runs: Vec<Last>,
    fires: Vec<FireLine>,
    /// Who else could own it, by number; none where it may not be given away.
    owners: Vec<(i64, String, bool)>,
    may_change: bool,
    /// Whether what its runs hold is nothing that whoever looks could not have.
    may_define: bool,
    /// Where the wizard begins with what it asks for.
    edit: Option<String>,
}

/// A fire that made no export.
struct FireLine {
    at: String,
    words: &'static str,
    detail: String,
}

impl Page<'_> {
    fn is(&self, word: &str) -> bool {
        self.schedule.state.slug() == word
    }

    /// Whether the owner is one of those who may have it.
    fn owner_may(&self) -> bool {
        self.owners.iter().any(|(_, _, is_owner)| *is_owner)
    }
}

/// The page; with inputs in its address, with the times that they would mean.
pub(super) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let pairs = form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes());
    let sent = TimingForm::sent(pairs.into_owned());
    shown(&edge, &shell, id, sent).await
}

/// Changes when it fires.
pub(super) async fn send(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
    RawForm(body): RawForm,
) -> Result<Response, Problem> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let version = pairs.iter().find(|(name, _)| name == "version");
    let version = version.and_then(|(_, value)| value.parse().ok());
    let form = TimingForm::sent(pairs);
    let wish = ScheduleWish { timing: Some(form.document()), request: None, version };
    match edge.service.change_schedule(&shell.caller, ScheduleId(id), wish).await {
        Ok(changed) => {
            let flash = Flash::new(format!(
                "Schedule #{id} fires {}",
                words::quoted(&changed.timing.words())
            ));
            Ok(shell.to(&format!("{PATH}/{id}"), &flash))
        }
        Err(ServiceError::Faults(_)) => shown(&edge, &shell, id, form).await,
        Err(error) => Err(error.into()),
    }
}

async fn shown(
    edge: &Shared,
    shell: &Shell,
    id: i64,
    sent: TimingForm,
) -> Result<Response, Problem> {
    let story = edge.service.schedule_story(&shell.caller, ScheduleId(id)).await?;
    let ScheduleStory { schedule, next_fires, fires, runs } = &story;
    let is_asked = sent.is_sent();
    let mut form = match is_asked {
        true => sent,
        false => TimingForm::of(&schedule.timing.document(), shell.zone_name()),
    };
    if form.is_sent() {
        form.look_ahead(edge).await?;
    }
    if !is_asked {
        // A moment that has been is none to put right.
        form.faults.clear();
    }
    let status = match form.faults.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let is_own = shell.caller.operator() == Some(schedule.owner);
    let gives = shell.holds("exports.schedule.any");
    let owners = match gives {
        true => edge.service.schedule_owners(&shell.caller, schedule).await?,
        false => Vec::new(),
    };
    let named = |one: &tidegate_service::Operator| match one.name.is_empty() {
        true => one.email.clone(),
        false => one.name.clone(),
    };
    let may_change = gives || is_own && shell.holds("exports.schedule");
    let may_define =
        may_change && shell.subject(&schedule.request.subject).is_some_and(|one| one.may_export);
    let page = Page {
        title: format!(
            "{} as {}",
            shell.subject_label(&schedule.request.subject),
            words::format_label(&schedule.request.format)
        ),
        path: format!("{PATH}/{id}"),
        words: cron::sentence_start(&schedule.timing.words()),
        pill: cron::pill(schedule),
        owner: edge.service.owner_name(schedule).await?,
        scope: scope_words::of(&schedule.request.scope),
        next: timing::shown(&schedule.timing, next_fires),
        runs: runs.iter().map(|run| Last::of(shell, run)).collect(),
        fires: fires
            .iter()
            .filter(|fire| fire.outcome != FireOutcome::Made)
            .map(|fire| line(&schedule.timing, fire))
            .collect(),
        owners: owners.iter().map(|one| (one.id.0, named(one), one.id == schedule.owner)).collect(),
        edit: may_define.then(|| format!("{}?of={id}", super::wizard::PATH)),
        may_change,
        may_define,
        form,
        shell,
        schedule,
    };
    Ok(shell.page(status, &page))
}

fn line(
    timing: &tidegate_model::schedule::Timing,
    fire: &tidegate_model::schedule::Fire,
) -> FireLine {
    let words = match fire.outcome {
        FireOutcome::Made => "Made an export",
        FireOutcome::Missed => "Missed",
        FireOutcome::Refused => "Could not run",
        FireOutcome::Held => "Held",
    };
    FireLine {
        at: timing::shown(timing, &[fire.fire_at]).concat(),
        words,
        detail: fire.detail.clone().unwrap_or_default(),
    }
}

/// Why it pauses.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reason {
    reason: Option<String>,
}

/// Whose it is to be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Owner {
    owner: i64,
}

/// Pauses it.
pub(super) async fn pause(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
    Sent(Reason { reason }): Sent<Reason>,
) -> Result<Response, Problem> {
    let flash = Flash::new(format!("Schedule #{id} is paused"));
    let flash = flash.line("What it does not make meanwhile is not made up for.");
    done(&edge, &shell, id, ScheduleCall::Pause(reason), flash).await
}

/// Lets it fire again.
pub(super) async fn resume(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let flash = Flash::new(format!("Schedule #{id} goes on"));
    done(&edge, &shell, id, ScheduleCall::Resume, flash).await
}

/// Gives it to somebody else.
pub(super) async fn reassign(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
    Sent(Owner { owner }): Sent<Owner>,
) -> Result<Response, Problem> {
    let flash = Flash::new(format!("Schedule #{id} has another owner"));
    let flash = flash.line("Its runs are made in that name, with what that operator may do.");
    done(&edge, &shell, id, ScheduleCall::Reassign(OperatorId(owner)), flash).await
}

/// Runs it now.
pub(super) async fn run(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    match edge.service.run_schedule(&shell.caller, ScheduleId(id)).await {
        Ok(job) => {
            let flash = Flash::new(format!("Export #{job} was asked for"));
            let flash = flash.line(format!("It is a run of schedule #{id}, beside its times."));
            Ok(shell.to(&format!("{PATH}/{id}"), &flash))
        }
        Err(error) => told(&shell, id, error),
    }
}

/// Asks before it is deleted.
pub(super) async fn ask_delete(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let schedule = edge.service.schedule(&shell.caller, ScheduleId(id)).await?;
    let path = format!("{PATH}/{id}");
    let asked = Question {
        title: &format!("Delete schedule #{id}?"),
        line: "It does not fire any more, for good. Its exports, their files and the log stay.",
        back: &path,
        from: &format!("{} #{id}", shell.subject_label(&schedule.request.subject)),
        keep: "Keep it",
        action: &format!("{path}/delete"),
        icon: "trash-2",
        verb: "Delete the schedule",
    };
    Ok(question::ask(&shell, &asked))
}

/// Deletes it.
pub(super) async fn delete(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    edge.service.call_schedule(&shell.caller, ScheduleId(id), ScheduleCall::Delete).await?;
    Ok(shell.to(PATH, &Flash::new(format!("Schedule #{id} was deleted"))))
}

async fn done(
    edge: &Shared,
    shell: &Shell,
    id: i64,
    call: ScheduleCall,
    flash: Flash,
) -> Result<Response, Problem> {
    match edge.service.call_schedule(&shell.caller, ScheduleId(id), call).await {
        Ok(()) => Ok(shell.to(&format!("{PATH}/{id}"), &flash)),
        Err(error) => told(shell, id, error),
    }
}

/// What cannot be done is told on the page of the schedule.
fn told(shell: &Shell, id: i64, error: ServiceError) -> Result<Response, Problem> {
    let detail = match &error {
        ServiceError::Faults(Faults(faults)) => {
            faults.iter().map(|fault| fault.detail.clone()).collect::<Vec<_>>().join("; ")
        }
        ServiceError::OwnerMayNot
        | ServiceError::ScheduleConflict { .. }
        | ServiceError::TooManyOpen { .. } => error.to_string(),
        _ => return Err(error.into()),
    };
    let flash = Flash::new("Nothing was done").line(super::sentence(&detail));
    Ok(shell.to(&format!("{PATH}/{id}"), &flash))
}
