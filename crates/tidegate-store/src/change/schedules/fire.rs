//! What becomes of fires and of their runs.

use serde_json::json;
use tidegate_model::{
    action::Action,
    ids::JobId,
    notice::Topic,
    policy::Permit,
    schedule::{Due, FireOutcome, Schedule, ScheduleState},
};

use super::{
    NewFire, SkippedFires, Turn, count_failure, makers, note_fire, read, said, target, tell, turn,
};
use crate::{
    chain::Line,
    change::{Applied, SinceRun, export},
    error::StoreError,
    sql::{Tx, get},
};

/// The run of a fire: the row of the fire, the job and the next fire, or nothing.
pub(super) async fn fire(tx: &Tx, permit: &Permit, fire: NewFire) -> Result<Applied, StoreError> {
    let NewFire { version, known_fire_at, due, job, open_jobs_max } = fire;
    let schedule = due_target(tx, permit, known_fire_at).await?;
    let fire_at = due.fire.ok_or(StoreError::Missing { what: "fire" })?;
    export::refuse_other_request(permit, &job)?;
    refuse_other_run(&schedule, version, &job)?;
    export::refuse_too_many(tx, job.created_by, open_jobs_max).await?;
    let (id, rule) = export::insert_job(tx, permit, &job).await?;
    makers::note(tx, id, schedule.id, None).await?;
    note_missed(tx, &schedule, &due).await?;
    note_fire(tx, schedule.id, fire_at, (FireOutcome::Made, Some(id), None)).await?;
    go_on(tx, &schedule, due.next).await?;
    let mut details = export::details_of(&job, rule);
    details["schedule"] = schedule.id.0.into();
    details["fire_at"] = said(fire_at).into();
    details["missed"] = due.missed_count.into();
    Ok(Applied::one(Action::ScheduleFire, Some(id), details).made(id.0))
}

/// A run is one of this schedule as it stands, and its owner's.
pub(super) fn refuse_other_run(
    schedule: &Schedule,
    version: i64,
    job: &tidegate_model::job::NewJob,
) -> Result<(), StoreError> {
    // What it asks for, or whose it is, has changed since the run was made from it.
    if schedule.version != version {
        return Err(StoreError::Overtaken { what: "schedule" });
    }
    let is_its = job.schedule == Some(schedule.id)
        && job.created_by == schedule.owner
        && job.subject == schedule.request.subject;
    match is_its {
        true => Ok(()),
        false => Err(StoreError::WrongPermit { permit: "schedule", change: "another request" }),
    }
}

pub(super) async fn miss(
    tx: &Tx,
    permit: &Permit,
    due: Due,
    known_fire_at: i64,
) -> Result<Applied, StoreError> {
    let schedule = due_target(tx, permit, known_fire_at).await?;
    note_missed(tx, &schedule, &due).await?;
    go_on(tx, &schedule, due.next).await?;
    let details = json!({
        "schedule": schedule.id,
        "fire_at": said(known_fire_at),
        "missed": due.missed_count,
    });
    Ok(Applied::one(Action::ScheduleMiss, None, details))
}

pub(super) async fn skip(
    tx: &Tx,
    permit: &Permit,
    skipped: SkippedFires,
) -> Result<Applied, StoreError> {
    let SkippedFires { known_fire_at, due, outcome, detail } = skipped;
    let schedule = due_target(tx, permit, known_fire_at).await?;
    let fire_at = due.fire.ok_or(StoreError::Missing { what: "fire" })?;
    note_missed(tx, &schedule, &due).await?;
    note_fire(tx, schedule.id, fire_at, (outcome, None, Some(&detail))).await?;
    let details = json!({
        "schedule": schedule.id,
        "fire_at": said(fire_at),
        "missed": due.missed_count,
        "detail": detail,
    });
    let mut applied = Applied::one(permit.action(), None, details);
    if outcome == FireOutcome::Held {
        tell(tx, Topic::ScheduleHeld, &schedule, &detail).await?;
        let held = Turn { state: ScheduleState::Held, reason: Some(detail), by: None, next: None };
        turn(tx, &schedule, &schedule.timing, held).await?;
        return Ok(applied);
    }
    match count_failure(tx, &schedule).await? {
        Some(reason) => applied.lines.push(pause(tx, &schedule, reason).await?),
        None => go_on(tx, &schedule, due.next).await?,
    }
    Ok(applied)
}

/// A run has become ready: the row of failures ends, and `since_last` goes on from there.
pub(in crate::change) async fn note_ready(
    tx: &Tx,
    job: JobId,
    since: SinceRun,
) -> Result<(), StoreError> {
    const READY: &str = "\
        update schedules set failures = 0, \
            watermark = case when watermark > $2 then watermark else $2 end \
        where id = (select schedule_id from jobs where id = $1) \
            and ($3 = 0 or watermark is not distinct from $4)";
    let values =
        [job.0.into(), since.until.into(), i64::from(since.is_bound).into(), since.from.into()];
    match tx.execute(READY, values).await? {
        0 => Err(StoreError::Overtaken { what: "last run of the schedule" }),
        _ => Ok(()),
    }
}

/// A run has failed: gives the entry of the pause, where it was one too many.
pub(in crate::change) async fn note_failed(
    tx: &Tx,
    job: JobId,
) -> Result<Option<Line>, StoreError> {
    const OF: &str = "select schedule_id from jobs where id = $1 and schedule_id is not null";
    let Some(row) = tx.row(OF, [job.0.into()]).await? else { return Ok(None) };
    let id = tidegate_model::ids::ScheduleId(get(&row, "schedule_id")?);
    let schedule = read(tx, id).await?;
    match count_failure(tx, &schedule).await? {
        Some(reason) => Ok(Some(pause(tx, &schedule, reason).await?)),
        None => Ok(None),
    }
}

async fn pause(tx: &Tx, schedule: &Schedule, reason: String) -> Result<Line, StoreError> {
    tell(tx, Topic::SchedulePaused, schedule, &reason).await?;
    let details = json!({ "schedule": schedule.id, "reason": reason });
    let paused = Turn { state: ScheduleState::Paused, reason: Some(reason), by: None, next: None };
    turn(tx, schedule, &schedule.timing, paused).await?;
    Ok(Line { action: Action::SchedulePause, job: None, details })
}

/// The schedule, if its next fire is still the one that whoever fires has seen.
async fn due_target(tx: &Tx, permit: &Permit, fire_at: i64) -> Result<Schedule, StoreError> {
    let schedule = target(tx, permit).await?;
    match schedule.next_fire_at == Some(fire_at) {
        true => Ok(schedule),
        false => Err(StoreError::Overtaken { what: "schedule" }),
    }
}

async fn note_missed(tx: &Tx, schedule: &Schedule, due: &Due) -> Result<(), StoreError> {
    for fire_at in &due.missed {
        note_fire(tx, schedule.id, *fire_at, (FireOutcome::Missed, None, None)).await?;
    }
    Ok(())
}

async fn go_on(tx: &Tx, schedule: &Schedule, next: Option<i64>) -> Result<(), StoreError> {
    let on = Turn { state: ScheduleState::Active, reason: None, by: None, next };
    turn(tx, schedule, &schedule.timing, on).await
}
