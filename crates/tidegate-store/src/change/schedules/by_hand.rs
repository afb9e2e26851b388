//! What people do with schedules.

use serde_json::json;
use tidegate_model::{
    ids::{OperatorId, ScheduleId},
    job::NewJob,
    policy::Permit,
    schedule::{NewSchedule, Schedule, ScheduleState, Timing},
};

use super::{ScheduleEdit, Turn, fire::refuse_other_run, makers, target, turn};
use crate::{
    change::{Applied, export},
    error::StoreError,
    sql::{Tx, get, json as text},
};

pub(super) async fn create(
    tx: &Tx,
    permit: &Permit,
    made: NewSchedule,
) -> Result<Applied, StoreError> {
    refuse_other_schedule(permit, &made)?;
    refuse_used_key(tx, &made).await?;
    let next = made.timing.next_after(tx.now);
    let next = next.ok_or(StoreError::ScheduleConflict { state: ScheduleState::Done })?;
    let id = insert_schedule(tx, &made, next).await?;
    if let Some(idempotency) = &made.idempotency {
        const KEEP: &str = "\
            insert into schedule_keys (operator_id, key, request_hash, schedule_id) \
            values ($1, $2, $3, $4)";
        let (key, hash) = (idempotency.key.clone(), idempotency.request_hash.clone());
        tx.execute(KEEP, [made.owner.0.into(), key.into(), hash.into(), id.0.into()]).await?;
    }
    let request = &made.request;
    let details = json!({
        "schedule": id,
        "kind": request.kind,
        "format": request.format,
        "fields": request.fields,
        "scope": made.scope_summary,
        "reason": request.reason,
        "timing": made.timing.document(),
    });
    Ok(Applied::one(permit.action(), None, details).made(id.0))
}

/// What the policy was asked about is what is made.
fn refuse_other_schedule(permit: &Permit, made: &NewSchedule) -> Result<(), StoreError> {
    let target = permit.target();
    let is_same = target.subject.as_ref() == Some(&made.request.subject)
        && target.has_pii == made.has_pii
        && permit.caller().operator() == Some(made.owner);
    match is_same {
        true => Ok(()),
        false => Err(StoreError::WrongPermit {
            permit: permit.action().slug(),
            change: "another schedule",
        }),
    }
}

async fn refuse_used_key(tx: &Tx, made: &NewSchedule) -> Result<(), StoreError> {
    const USED: &str = "select 1 as used from schedule_keys where operator_id = $1 and key = $2";
    let Some(idempotency) = &made.idempotency else { return Ok(()) };
    match tx.row(USED, [made.owner.0.into(), idempotency.key.clone().into()]).await? {
        Some(_) => Err(StoreError::Exists { what: "request" }),
        None => Ok(()),
    }
}

async fn insert_schedule(tx: &Tx, made: &NewSchedule, next: i64) -> Result<ScheduleId, StoreError> {
    const INSERT: &str = "\
        insert into schedules (subject, request, timing, has_pii, state, state_at, owner, \
            asked_by, created_at, next_fire_at, due_at) \
        values ($1, $2, $3, $4, 'active', $5, $6, $6, $5, $7, $7) \
        returning id";
    const DUE: &str = "update schedules set due_at = $2 where id = $1";
    let values = [
        made.request.subject.clone().into(),
        text(&made.request).into(),
        text(&made.timing.document()).into(),
        i64::from(made.has_pii).into(),
        tx.now.into(),
        made.owner.0.into(),
        next.into(),
    ];
    let row = tx.row(INSERT, values).await?.ok_or(StoreError::Corrupt { what: "new schedule" })?;
    let id = ScheduleId(get(&row, "id")?);
    // How long a fire is put off follows from the number.
    tx.execute(DUE, [id.0.into(), made.timing.due_at(id, next).into()]).await?;
    Ok(id)
}

pub(super) async fn edit(
    tx: &Tx,
    permit: &Permit,
    edit: ScheduleEdit,
) -> Result<Applied, StoreError> {
    const EDIT: &str = "\
        update schedules set request = $2, timing = $3, has_pii = $4, version = version + 1, \
            asked_by = coalesce($5, asked_by) \
        where id = $1";
    let schedule = target(tx, permit).await?;
    if schedule.version != edit.version {
        return Err(StoreError::Overtaken { what: "schedule" });
    }
    let details = json!({
        "schedule": schedule.id,
        "timing": edit.timing.as_ref().map(Timing::document),
        "request": edit.request.as_ref().map(|(request, _)| json!({
            "kind": request.kind,
            "format": request.format,
            "fields": request.fields,
            "scope": edit.scope_summary,
            "reason": request.reason,
        })),
    });
    // Who has said what it asks for; another time is no other request.
    let asked_by = edit.request.as_ref().and(permit.caller().operator());
    let timing = edit.timing.unwrap_or_else(|| schedule.timing.clone());
    let (request, has_pii) =
        edit.request.unwrap_or_else(|| (schedule.request.clone(), schedule.has_pii));
    if request.subject != schedule.request.subject {
        return Err(StoreError::WrongPermit { permit: "schedule", change: "another subject" });
    }
    let values = [
        schedule.id.0.into(),
        text(&request).into(),
        text(&timing.document()).into(),
        i64::from(has_pii).into(),
        asked_by.map(|operator| operator.0).into(),
    ];
    tx.execute(EDIT, values).await?;
    // One that is done has fires again; what rests for another reason goes on resting.
    if timing != schedule.timing
        && matches!(schedule.state, ScheduleState::Active | ScheduleState::Done)
    {
        begin(tx, &schedule, &timing).await?;
    }
    Ok(Applied::one(permit.action(), None, details))
}

pub(super) async fn pause(
    tx: &Tx,
    permit: &Permit,
    reason: Option<String>,
) -> Result<Applied, StoreError> {
    let schedule = target(tx, permit).await?;
    refuse_unless(&schedule, &[ScheduleState::Active, ScheduleState::Held])?;
    let by = permit.caller().operator();
    let details = json!({ "schedule": schedule.id, "reason": reason });
    let paused = Turn { state: ScheduleState::Paused, reason, by, next: None };
    turn(tx, &schedule, &schedule.timing, paused).await?;
    Ok(Applied::one(permit.action(), None, details))
}

pub(super) async fn resume(tx: &Tx, permit: &Permit) -> Result<Applied, StoreError> {
    let schedule = target(tx, permit).await?;
    refuse_unless(&schedule, &[ScheduleState::Paused, ScheduleState::Held])?;
    let next = begin(tx, &schedule, &schedule.timing).await?;
    let details = json!({ "schedule": schedule.id, "next_fire_at": next.map(super::said) });
    Ok(Applied::one(permit.action(), None, details))
}

pub(super) async fn reassign(
    tx: &Tx,
    permit: &Permit,
    owner: OperatorId,
) -> Result<Applied, StoreError> {
    const REASSIGN: &str = "\
        update schedules set owner = $2, version = version + 1, \
            asked_by = coalesce(asked_by, owner), given_by = $3 \
        where id = $1";
    let schedule = target(tx, permit).await?;
    let given_by = permit.caller().operator().map(|operator| operator.0);
    tx.execute(REASSIGN, [schedule.id.0.into(), owner.0.into(), given_by.into()]).await?;
    if schedule.state == ScheduleState::Held {
        begin(tx, &schedule, &schedule.timing).await?;
    }
    let details = json!({ "schedule": schedule.id, "from": schedule.owner, "to": owner });
    Ok(Applied::one(permit.action(), None, details))
}

pub(super) async fn delete(tx: &Tx, permit: &Permit) -> Result<Applied, StoreError> {
    let schedule = target(tx, permit).await?;
    let by = permit.caller().operator();
    let deleted = Turn { state: ScheduleState::Deleted, reason: None, by, next: None };
    turn(tx, &schedule, &schedule.timing, deleted).await?;
    Ok(Applied::one(permit.action(), None, json!({ "schedule": schedule.id })))
}

/// A run beside the times: it belongs to the owner, as every run does.
pub(super) async fn run(
    tx: &Tx,
    permit: &Permit,
    (version, job): (i64, NewJob),
    open_jobs_max: i64,
) -> Result<Applied, StoreError> {
    let schedule = target(tx, permit).await?;
    refuse_other_run(&schedule, version, &job)?;
    if permit.target().has_pii != job.has_pii {
        return Err(StoreError::WrongPermit { permit: "schedule", change: "another request" });
    }
    export::refuse_too_many(tx, job.created_by, open_jobs_max).await?;
    let (id, rule) = export::insert_job(tx, permit, &job).await?;
    makers::note(tx, id, schedule.id, permit.caller().operator()).await?;
    let mut details = export::details_of(&job, rule);
    details["schedule"] = schedule.id.0.into();
    details["owner"] = schedule.owner.0.into();
    Ok(Applied::one(permit.action(), Some(id), details).made(id.0))
}

/// Lets it fire from the next time on; what was in between is not made up for.
async fn begin(tx: &Tx, schedule: &Schedule, timing: &Timing) -> Result<Option<i64>, StoreError> {
    const FRESH: &str = "update schedules set failures = 0 where id = $1";
    tx.execute(FRESH, [schedule.id.0.into()]).await?;
    // A time that has fired once, by a clock that was ahead, does not fire again.
    let last = super::last_fire(tx, schedule.id).await?;
    let next = timing.next_after(last.map_or(tx.now, |last| last.max(tx.now)));
    let active = Turn { state: ScheduleState::Active, reason: None, by: None, next };
    turn(tx, schedule, timing, active).await?;
    Ok(next)
}

fn refuse_unless(schedule: &Schedule, states: &[ScheduleState]) -> Result<(), StoreError> {
    match states.contains(&schedule.state) {
        true => Ok(()),
        false => Err(StoreError::ScheduleConflict { state: schedule.state }),
    }
}
