//! Makes an export job, and cancels one.

use sea_orm::Value;
use serde_json::json;
use tidegate_model::{
    action::Action,
    ids::{JobId, OperatorId},
    job::{Idempotency, NewJob},
    notice::Topic,
    policy::Permit,
    status::Status,
};

use super::{
    Applied, end_attempt,
    governance::{ask_approval, refuse_over_budget},
    note_transition,
    outbox::{tell, tell_pii},
    pause::refuse_paused,
    status_of,
};
use crate::{
    chain::Line,
    error::StoreError,
    sql::{Tx, get, json as text},
};

pub(super) async fn create(
    tx: &Tx,
    permit: &Permit,
    job: NewJob,
    open_jobs_max: i64,
) -> Result<Applied, StoreError> {
    refuse_other_request(permit, &job)?;
    refuse_used_key(tx, &job).await?;
    refuse_too_many(tx, job.created_by, open_jobs_max).await?;
    let (id, rule) = insert_job(tx, permit, &job).await?;
    if let Some(idempotency) = &job.idempotency {
        keep_key(tx, id, job.created_by, idempotency).await?;
    }
    let details = details_of(&job, rule);
    Ok(Applied::one(permit.action(), Some(id), details).made(id.0))
}

/// What the entry of a new job says of it, and the rule by which it waits.
pub(super) fn details_of(job: &NewJob, rule: Option<String>) -> serde_json::Value {
    let mut details = json!({
        "kind": job.kind,
        "format": job.format,
        "fields": job.fields,
        "scope": job.scope_summary,
        "rows_estimated": job.rows_estimated,
        "rerun_of": job.rerun_of,
        "reason": job.reason,
        "via": job.via,
    });
    if let Some(rule) = rule {
        details["waits_by_rule"] = rule.into();
    }
    details
}

/// What the policy was asked about is what is made: of that subject, with personal data or
/// without, and by whoever asked.
pub(super) fn refuse_other_request(permit: &Permit, job: &NewJob) -> Result<(), StoreError> {
    let target = permit.target();
    let is_same = target.subject.as_ref() == Some(&job.subject)
        && target.has_pii == job.has_pii
        && permit.caller().operator() == Some(job.created_by);
    match is_same {
        true => Ok(()),
        false => Err(StoreError::WrongPermit {
            permit: permit.action().slug(),
            change: "another request",
        }),
    }
}

/// The service looks the key up first, and gives back the job it made; here two requests at the
/// same moment are told apart.
async fn refuse_used_key(tx: &Tx, job: &NewJob) -> Result<(), StoreError> {
    const USED: &str = "select 1 as used from idempotency where operator_id = $1 and key = $2";
    let Some(idempotency) = &job.idempotency else { return Ok(()) };
    let values = [job.created_by.0.into(), idempotency.key.clone().into()];
    match tx.row(USED, values).await? {
        Some(_) => Err(StoreError::Exists { what: "request" }),
        None => Ok(()),
    }
}

pub(super) async fn refuse_too_many(
    tx: &Tx,
    operator: OperatorId,
    limit: i64,
) -> Result<(), StoreError> {
    const OPEN: &str = "\
        select count(*) as open from jobs \
        where created_by = $1 and status in ('pending', 'building')";
    let row = tx.row(OPEN, [operator.0.into()]).await?;
    let open: i64 = get(&row.ok_or(StoreError::Corrupt { what: "count" })?, "open")?;
    if open >= limit { Err(StoreError::TooManyOpen { open, limit }) } else { Ok(()) }
}

/// Makes the row, unless a pause holds it back or a budget has no room, and leaves word where
/// personal data is in it. Gives the rule by which it waits for a second person, too.
pub(super) async fn insert_job(
    tx: &Tx,
    permit: &Permit,
    job: &NewJob,
) -> Result<(JobId, Option<String>), StoreError> {
    const INSERT: &str = "\
        insert into jobs (subject, kind, scope, fields, format, options, status, has_pii, \
            rows_estimated, notify_email, time_zone, reason, via, run_after, attempts_max, \
            rerun_of, created_by, created_at, trace, is_unmasked, exposure, schedule_id) \
        values ($1, $2, $3, $4, $5, $6, 'pending', $7, $8, $9, $10, $11, $12, $13, $14, $15, \
            $16, $13, $17, $18, $19, $20) \
        returning id";
    let values: [Value; 20] = [
        job.subject.clone().into(),
        job.kind.clone().into(),
        text(&job.scope).into(),
        text(&job.fields).into(),
        job.format.clone().into(),
        text(&job.options).into(),
        i64::from(job.has_pii).into(),
        job.rows_estimated.into(),
        job.notify_email.clone().into(),
        job.time_zone.clone().into(),
        job.reason.clone().into(),
        job.via.slug().into(),
        tx.now.into(),
        job.attempts_max.into(),
        job.rerun_of.map(|id| id.0).into(),
        job.created_by.0.into(),
        job.trace.map(|trace| trace.to_string()).into(),
        i64::from(job.is_unmasked).into(),
        text(&job.exposure).into(),
        job.schedule.map(|id| id.0).into(),
    ];
    refuse_paused(tx, &job.subject).await?;
    refuse_over_budget(tx, job).await?;
    let row = tx.row(INSERT, values).await?.ok_or(StoreError::Corrupt { what: "new job" })?;
    let id = JobId(get(&row, "id")?);
    tell_pii(tx, permit, id, permit.action()).await?;
    let rule = ask_approval(tx, permit, id).await?;
    Ok((id, rule))
}

async fn keep_key(
    tx: &Tx,
    job: JobId,
    operator: OperatorId,
    idempotency: &Idempotency,
) -> Result<(), StoreError> {
    const KEEP: &str = "\
        insert into idempotency (operator_id, key, request_hash, job_id, created_at) \
        values ($1, $2, $3, $4, $5)";
    let values = [
        operator.0.into(),
        idempotency.key.clone().into(),
        idempotency.request_hash.clone().into(),
        job.0.into(),
        tx.now.into(),
    ];
    tx.execute(KEEP, values).await?;
    Ok(())
}

/// Cancels at once where nobody works on the job; else its worker hears of it and does.
pub(super) async fn cancel(tx: &Tx, job: JobId) -> Result<Applied, StoreError> {
    const ASK: &str = "update jobs set cancel_requested = 1 where id = $1";
    const END: &str = "\
        update jobs set status = 'cancelled', cancel_requested = 1, completed_at = $2, \
            lease_token = null, lease_expires = null \
        where id = $1 and (status = 'pending' or (status = 'building' \
            and (lease_expires is null or lease_expires < $2)))";
    let status = status_of(tx, job).await?;
    if !status.is_open() {
        return Err(StoreError::Conflict { status });
    }
    let is_over = tx.execute(END, [job.0.into(), tx.now.into()]).await? == 1;
    let asked = json!({ "status": status.slug() });
    let mut lines = vec![Line { action: Action::ExportCancel, job: Some(job), details: asked }];
    if is_over {
        note_transition(tx, job, status, Status::Cancelled).await?;
        tell(tx, Topic::ExportCancelled, Some(job), json!({})).await?;
        end_attempt(tx, job, "cancelled", None).await?;
        lines.push(Line { action: Action::JobCancel, job: Some(job), details: json!({}) });
    } else {
        tx.execute(ASK, [job.0.into()]).await?;
    }
    Ok(Applied { lines, id: None })
}
