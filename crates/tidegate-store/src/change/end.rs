//! Ends the work on a job: with a file, without one, or for now.

use serde_json::json;
use tidegate_model::{
    action::Action, exposure::Exposure, ids::JobId, job::Failure, notice::Topic, status::Status,
};

use super::{
    Applied, end_attempt, governance::refuse_ungoverned, note_transition, outbox::tell, schedules,
    status_of,
};
use crate::{
    error::StoreError,
    lease::{Proof, retry_micros},
    sql::{Tx, get, json as text},
};

/// The file of a job, whole and durable.
#[derive(Clone, Debug)]
pub struct NewArtifact {
    /// Key in the artifact store; the one of this attempt.
    pub object_key: String,
    /// Name for whoever downloads it.
    pub file_name: String,
    /// Its size.
    pub bytes: i64,
    /// Rows in it.
    pub rows: i64,
    /// Rows that were expected, where the source could tell.
    pub rows_estimated: Option<i64>,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// Microseconds that it is kept.
    pub retention_micros: i64,
    /// What it shows, for whoever asks for it.
    pub exposure: Exposure,
    /// Policy under which its creator was asked about once more.
    pub policy_version: i64,
    /// What `since_last` meant to it, where it is a run of a schedule.
    pub since: Option<SinceRun>,
}

/// From where to where a run of a schedule went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SinceRun {
    /// Where the last one had ended; none where there was none.
    pub from: Option<i64>,
    /// Where this one ended.
    pub until: i64,
    /// Whether its rows depend on that: then no other run may have ended in between.
    pub is_bound: bool,
}

/// How a job ends without a file.
#[derive(Debug)]
pub struct FailJob {
    /// Proof of the lease; without one, only a job that has no live lease is failed.
    pub proof: Option<Proof>,
    /// Why.
    pub failure: Failure,
}

/// Nothing but a lease that is still held: the clock does not matter, as nobody took it over.
const IS_HELD: &str = "id = $1 and lease_token = $2 and status = 'building'";

pub(super) async fn publish(
    tx: &Tx,
    proof: Proof,
    made: NewArtifact,
) -> Result<Applied, StoreError> {
    refuse_other_policy(tx, made.policy_version).await?;
    refuse_ungoverned(tx, proof.job, (made.rows, made.bytes)).await?;
    let publish = format!(
        "update jobs set rows_estimated = coalesce($10, rows_estimated), \
            status = 'ready', progress = 100, artifact_key = $3, file_name = $4, \
            size_bytes = $5, rows_done = $6, sha256 = $7, completed_at = $8, expires_at = $9, \
            exposure = $11, \
            lease_token = null, lease_expires = null \
         where {IS_HELD} and cancel_requested = 0 \
            and exists (select 1 from attempts a \
                where a.job_id = $1 and a.lease_token = $2 and a.object_key = $3)"
    );
    let expires_at = tx.now.saturating_add(made.retention_micros);
    let values = [
        proof.job.0.into(),
        proof.token.into(),
        made.object_key.clone().into(),
        made.file_name.into(),
        made.bytes.into(),
        made.rows.into(),
        made.sha256.clone().into(),
        tx.now.into(),
        expires_at.into(),
        made.rows_estimated.into(),
        text(&made.exposure).into(),
    ];
    if tx.execute(&publish, values).await? == 0 {
        return Err(StoreError::LeaseLost);
    }
    if let Some(since) = made.since {
        schedules::note_ready(tx, proof.job, since).await?;
    }
    note_transition(tx, proof.job, Status::Building, Status::Ready).await?;
    end_attempt(tx, proof.job, "published", None).await?;
    tell(tx, Topic::ExportReady, Some(proof.job), json!({})).await?;
    let details = json!({
        "attempt": proof.attempt,
        "bytes": made.bytes,
        "rows": made.rows,
        "sha256": made.sha256,
    });
    Ok(Applied::one(Action::JobPublish, Some(proof.job), details))
}

/// The creator was asked about under a policy: it must still be the one.
pub(super) async fn refuse_other_policy(tx: &Tx, version: i64) -> Result<(), StoreError> {
    const VERSION: &str = "select version from policy where id = 1";
    let row = tx.row(VERSION, []).await?.ok_or(StoreError::Corrupt { what: "policy" })?;
    let now: i64 = get(&row, "version")?;
    if now == version { Ok(()) } else { Err(StoreError::PolicyChanged) }
}

pub(super) async fn fail(tx: &Tx, job: JobId, fail: FailJob) -> Result<Applied, StoreError> {
    let from = status_of(tx, job).await?;
    let set = "update jobs set status = 'failed', error_reason = $3, error_detail = $4, \
                   completed_at = $5, lease_token = null, lease_expires = null";
    let FailJob { proof, failure } = fail;
    let (sql, token) = match proof {
        Some(proof) => (format!("{set} where {IS_HELD}"), proof.token),
        None => {
            // The empty text is no token: it only keeps the parameters in their places.
            let free = "id = $1 and $2 = '' and (status = 'pending' or (status = 'building' \
                            and (lease_expires is null or lease_expires < $5)))";
            (format!("{set} where {free}"), String::new())
        }
    };
    let values = [
        job.0.into(),
        token.into(),
        failure.reason.slug().into(),
        failure.detail.clone().into(),
        tx.now.into(),
    ];
    if tx.execute(&sql, values).await? == 0 {
        return Err(StoreError::LeaseLost);
    }
    note_transition(tx, job, from, Status::Failed).await?;
    end_attempt(tx, job, failure.reason.slug(), Some(&failure.detail)).await?;
    tell(tx, Topic::ExportFailed, Some(job), json!({})).await?;
    let details = json!({ "reason": failure.reason, "detail": failure.detail });
    let mut applied = Applied::one(Action::JobFail, Some(job), details);
    applied.lines.extend(schedules::note_failed(tx, job).await?);
    Ok(applied)
}

pub(super) async fn retry(
    tx: &Tx,
    proof: Proof,
    failure: Failure,
    pause_micros: i64,
) -> Result<Applied, StoreError> {
    let retry = format!(
        "update jobs set lease_token = null, lease_expires = null, run_after = $3 \
         where {IS_HELD} and cancel_requested = 0 and attempts_spent < attempts_max"
    );
    let pause_micros = retry_micros(pause_micros);
    let run_after = tx.now.saturating_add(pause_micros);
    let values = [proof.job.0.into(), proof.token.into(), run_after.into()];
    if tx.execute(&retry, values).await? == 0 {
        return Err(StoreError::LeaseLost);
    }
    end_attempt(tx, proof.job, failure.reason.slug(), Some(&failure.detail)).await?;
    let details = json!({
        "attempt": proof.attempt,
        "reason": failure.reason,
        "detail": failure.detail,
        "pause_seconds": pause_micros / 1_000_000,
    });
    Ok(Applied::one(Action::JobRetry, Some(proof.job), details))
}

pub(super) async fn hand_back(tx: &Tx, proof: Proof) -> Result<Applied, StoreError> {
    let hand_back = format!(
        "update jobs set lease_token = null, lease_expires = null, \
            attempts_spent = attempts_spent - 1 \
         where {IS_HELD}"
    );
    if tx.execute(&hand_back, [proof.job.0.into(), proof.token.into()]).await? == 0 {
        return Err(StoreError::LeaseLost);
    }
    end_attempt(tx, proof.job, "handed_back", None).await?;
    let details = json!({ "attempt": proof.attempt });
    Ok(Applied::one(Action::JobHandBack, Some(proof.job), details))
}

pub(super) async fn cancelled(
    tx: &Tx,
    job: JobId,
    proof: Option<Proof>,
) -> Result<Applied, StoreError> {
    let set = "update jobs set status = 'cancelled', completed_at = $3, lease_token = null, \
                   lease_expires = null";
    let (whose, token) = match proof {
        Some(proof) => (IS_HELD, proof.token),
        None => {
            let free = "id = $1 and $2 = '' and status = 'building' \
                            and (lease_expires is null or lease_expires < $3)";
            (free, String::new())
        }
    };
    let sql = format!("{set} where {whose} and cancel_requested = 1");
    if tx.execute(&sql, [job.0.into(), token.into(), tx.now.into()]).await? == 0 {
        return Err(StoreError::LeaseLost);
    }
    note_transition(tx, job, Status::Building, Status::Cancelled).await?;
    end_attempt(tx, job, "cancelled", None).await?;
    tell(tx, Topic::ExportCancelled, Some(job), json!({})).await?;
    Ok(Applied::one(Action::JobCancel, Some(job), json!({})))
}
