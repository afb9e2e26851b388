//! Makes, changes and fires schedules. Each fire is one row, so whoever fires, it happens once.

mod by_hand;
mod fire;
mod makers;

use serde_json::{Value, json};
use tidegate_model::{
    action::Action,
    ids::{JobId, OperatorId, ScheduleId},
    job::NewJob,
    notice::Topic,
    policy::Permit,
    request::ExportRequest,
    schedule::{Due, FAILURES_MAX, FireOutcome, NewSchedule, Schedule, ScheduleState, Timing},
};

pub(super) use self::{
    fire::{note_failed, note_ready},
    makers::refuse_maker,
};
use super::Applied;
use crate::{
    error::StoreError,
    query::schedules::{SCHEDULE, schedule_of},
    sql::Tx,
};

/// A change to a schedule.
#[derive(Debug)]
pub enum ScheduleChange {
    /// Makes one.
    Create(Box<NewSchedule>),
    /// Changes when it fires, or what it asks for, where it still is of that version.
    Edit(Box<ScheduleEdit>),
    /// Pauses it.
    Pause {
        /// Why, in the words of whoever does.
        reason: Option<String>,
    },
    /// Lets it fire again, from the next time on.
    Resume,
    /// Gives it to somebody else, and lets it fire again where it was held.
    Reassign {
        /// To whom.
        owner: OperatorId,
    },
    /// Deletes it; the record of it stays.
    Delete,
    /// Makes a run beside its times.
    Run {
        /// The version of the schedule that it is made from.
        version: i64,
        /// The run.
        job: Box<NewJob>,
        /// Open jobs of the owner at most.
        open_jobs_max: i64,
    },
    /// Makes the run of a fire.
    Fire(Box<NewFire>),
    /// Notes fires that were missed and that nothing makes up for.
    Miss(Due, i64),
    /// Notes a fire that makes no run.
    Skip(SkippedFires),
}

/// What becomes of a schedule by hand.
#[derive(Debug)]
pub struct ScheduleEdit {
    /// The version that was seen.
    pub version: i64,
    /// When it fires from now on.
    pub timing: Option<Timing>,
    /// What it asks for from now on, and whether personal data is in it.
    pub request: Option<(ExportRequest, bool)>,
    /// Scope of the new request, as the activity log may show it.
    pub scope_summary: Value,
}

/// A fire that makes a run.
#[derive(Debug)]
pub struct NewFire {
    /// The version of the schedule that the run is made from.
    pub version: i64,
    /// The next fire, as it was known.
    pub known_fire_at: i64,
    /// What has come.
    pub due: Due,
    /// The run.
    pub job: NewJob,
    /// Open jobs of the owner at most.
    pub open_jobs_max: i64,
}

/// A fire that makes no run: the owner may not have it, or the request does not fit any more.
#[derive(Debug)]
pub struct SkippedFires {
    /// The next fire, as it was known.
    pub known_fire_at: i64,
    /// What has come.
    pub due: Due,
    /// Held or refused.
    pub outcome: FireOutcome,
    /// Why.
    pub detail: String,
}

impl ScheduleChange {
    /// What it takes.
    pub(super) fn actions(&self) -> &'static [Action] {
        match self {
            Self::Create(_) => &[Action::ScheduleCreate],
            Self::Edit(_) => &[Action::ScheduleChange],
            Self::Pause { .. } => &[Action::SchedulePause],
            Self::Resume => &[Action::ScheduleResume],
            Self::Reassign { .. } => &[Action::ScheduleReassign],
            Self::Delete => &[Action::ScheduleDelete],
            Self::Run { .. } => &[Action::ScheduleRun],
            Self::Fire(_) => &[Action::ScheduleFire],
            Self::Miss(..) => &[Action::ScheduleMiss],
            Self::Skip(skipped) => match skipped.outcome {
                FireOutcome::Held => &[Action::ScheduleHold],
                FireOutcome::Refused => &[Action::ScheduleFail],
                FireOutcome::Made | FireOutcome::Missed => &[],
            },
        }
    }
}

pub(super) async fn schedule(
    tx: &Tx,
    permit: &Permit,
    change: ScheduleChange,
) -> Result<Applied, StoreError> {
    match change {
        ScheduleChange::Create(made) => by_hand::create(tx, permit, *made).await,
        ScheduleChange::Edit(edit) => by_hand::edit(tx, permit, *edit).await,
        ScheduleChange::Pause { reason } => by_hand::pause(tx, permit, reason).await,
        ScheduleChange::Resume => by_hand::resume(tx, permit).await,
        ScheduleChange::Reassign { owner } => by_hand::reassign(tx, permit, owner).await,
        ScheduleChange::Delete => by_hand::delete(tx, permit).await,
        ScheduleChange::Run { version, job, open_jobs_max } => {
            by_hand::run(tx, permit, (version, *job), open_jobs_max).await
        }
        ScheduleChange::Fire(fire) => fire::fire(tx, permit, *fire).await,
        ScheduleChange::Miss(due, known_fire_at) => {
            fire::miss(tx, permit, due, known_fire_at).await
        }
        ScheduleChange::Skip(skipped) => fire::skip(tx, permit, skipped).await,
    }
}

/// The schedule that a permit is for; the transaction holds the lock of all writers, so it stays
/// as it is read.
async fn target(tx: &Tx, permit: &Permit) -> Result<Schedule, StoreError> {
    let missing = StoreError::Missing { what: "schedule" };
    let Some(id) = permit.target().schedule else { return Err(missing) };
    let schedule = read(tx, id).await?;
    // What the policy was asked about is what is changed.
    let target = permit.target();
    let is_same = target.subject.as_ref() == Some(&schedule.request.subject);
    match is_same && schedule.state != ScheduleState::Deleted {
        true => Ok(schedule),
        false => Err(missing),
    }
}

async fn read(tx: &Tx, id: ScheduleId) -> Result<Schedule, StoreError> {
    let row = tx.row(SCHEDULE, [id.0.into()]).await?;
    schedule_of(&row.ok_or(StoreError::Missing { what: "schedule" })?)
}

/// Where a schedule goes.
struct Turn {
    state: ScheduleState,
    reason: Option<String>,
    by: Option<OperatorId>,
    next: Option<i64>,
}

/// Brings a schedule into a state. One that is to be active and has no fire any more is done.
async fn turn(tx: &Tx, schedule: &Schedule, timing: &Timing, to: Turn) -> Result<(), StoreError> {
    const TURN: &str = "\
        update schedules set state = $2, state_reason = $3, state_by = $4, \
            state_at = case when state = $2 then state_at else $5 end, \
            next_fire_at = $6, due_at = $7 \
        where id = $1";
    let state = match (to.state, to.next) {
        (ScheduleState::Active, None) => ScheduleState::Done,
        (state, _) => state,
    };
    let next = to.next.filter(|_| state == ScheduleState::Active);
    let values = [
        schedule.id.0.into(),
        state.slug().into(),
        to.reason.into(),
        to.by.map(|id| id.0).into(),
        tx.now.into(),
        next.into(),
        next.map(|at| timing.due_at(schedule.id, at)).into(),
    ];
    tx.execute(TURN, values).await?;
    Ok(())
}

/// Leaves word of a schedule that came to rest by itself.
async fn tell(tx: &Tx, topic: Topic, schedule: &Schedule, reason: &str) -> Result<(), StoreError> {
    let payload = json!({
        "schedule": schedule.id,
        "subject": schedule.request.subject,
        "owner": schedule.owner,
        "reason": reason,
    });
    super::outbox::tell(tx, topic, None, payload).await
}

/// Counts a failure. Says why the schedule has to pause, once there were too many in a row.
async fn count_failure(tx: &Tx, schedule: &Schedule) -> Result<Option<String>, StoreError> {
    const COUNT: &str = "update schedules set failures = failures + 1 where id = $1";
    tx.execute(COUNT, [schedule.id.0.into()]).await?;
    let failures = schedule.failures + 1;
    let is_too_many = failures >= FAILURES_MAX && schedule.state == ScheduleState::Active;
    Ok(is_too_many.then(|| format!("{failures} runs failed in a row")))
}

/// A moment, as entries say it.
fn said(micros: i64) -> String {
    let at = chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default();
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

async fn note_fire(
    tx: &Tx,
    schedule: ScheduleId,
    fire_at: i64,
    (outcome, job, detail): (FireOutcome, Option<JobId>, Option<&str>),
) -> Result<(), StoreError> {
    const NOTE: &str = "\
        insert into fires (schedule_id, fire_at, outcome, job_id, detail, noted_at) \
        values ($1, $2, $3, $4, $5, $6)";
    let values = [
        schedule.0.into(),
        fire_at.into(),
        outcome.slug().into(),
        job.map(|id| id.0).into(),
        detail.into(),
        tx.now.into(),
    ];
    tx.execute(NOTE, values).await?;
    Ok(())
}

/// The last fire of which there is a note.
async fn last_fire(tx: &Tx, schedule: ScheduleId) -> Result<Option<i64>, StoreError> {
    const LAST: &str = "select max(fire_at) as last from fires where schedule_id = $1";
    let row = tx.row(LAST, [schedule.0.into()]).await?;
    row.map_or(Ok(None), |row| crate::sql::get(&row, "last"))
}
