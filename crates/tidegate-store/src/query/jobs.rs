//! Jobs: one, and those that wait for upkeep.

use std::collections::BTreeMap;

use sea_orm::{QueryResult, Value};
use tidegate_model::{
    actor::Via,
    exposure::Exposure,
    ids::{JobId, OperatorId, ScheduleId},
    job::{Failure, FailureReason, Job},
    status::Status,
    trace::TraceParent,
};

use crate::{
    connection::Store,
    error::StoreError,
    sql::{get, get_json},
};

pub(crate) const DUE: &str = "\
    select * from jobs where status = 'ready' and expires_at <= $1 order by expires_at limit $2";

pub(crate) const ENDED: &str = "\
    select * from jobs where status in ('expired', 'deleted') and purged_at is null \
        and id > $1 \
    order by id limit $2";

/// Jobs that only upkeep can end, by a clock of the database.
pub(crate) fn left_behind(now: &str) -> String {
    format!(
        "select * from jobs where status in ('pending', 'building') and status = 'building' \
             and (lease_expires is null or lease_expires < {now}) \
             and (cancel_requested = 1 or attempts_spent >= attempts_max) \
         order by id limit $1"
    )
}

impl Store {
    /// A job.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        const JOB: &str = "select * from jobs where id = $1";
        self.ask_one(JOB, [id.0.into()]).await?.as_ref().map(job_of).transpose()
    }

    /// The job that a request with this idempotency key made, with the hash of that request.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn job_of_key(
        &self,
        operator: OperatorId,
        key: &str,
    ) -> Result<Option<(JobId, String)>, StoreError> {
        const USED: &str = "\
            select job_id, request_hash from idempotency where operator_id = $1 and key = $2";
        let row = self.ask_one(USED, [operator.0.into(), key.into()]).await?;
        row.map(|row| Ok((JobId(get(&row, "job_id")?), get(&row, "request_hash")?))).transpose()
    }

    /// When each operator last made an export of each subject, in microseconds since 1970.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn exports_used(&self) -> Result<BTreeMap<(OperatorId, String), i64>, StoreError> {
        const USED: &str = "\
            select created_by, subject, max(created_at) as used_at from jobs \
            group by created_by, subject";
        let rows = self.ask(USED, []).await?;
        let used = |row| {
            let whose = (OperatorId(get(row, "created_by")?), get(row, "subject")?);
            Ok((whose, get(row, "used_at")?))
        };
        rows.iter().map(used).collect()
    }

    /// Jobs whose file's time has come.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn jobs_to_expire(&self, now: i64, limit: u32) -> Result<Vec<Job>, StoreError> {
        self.jobs_by(DUE, [now.into(), i64::from(limit).into()]).await
    }

    /// Jobs whose file has ended and was not yet seen gone, behind a number: one that cannot be
    /// removed does not stand in the way of the next.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn jobs_to_purge(&self, behind: JobId, limit: u32) -> Result<Vec<Job>, StoreError> {
        self.jobs_by(ENDED, [behind.0.into(), i64::from(limit).into()]).await
    }

    /// Jobs that nobody will ever claim again: cancelled, or out of attempts, without a live lease.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn jobs_left_behind(&self, limit: u32) -> Result<Vec<Job>, StoreError> {
        let sql = left_behind(&self.inner.now());
        self.jobs_by(&sql, [i64::from(limit).into()]).await
    }

    /// Jobs with a file, behind a number: for whoever looks whether the files are still whole.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn jobs_with_file(&self, behind: JobId, limit: u32) -> Result<Vec<Job>, StoreError> {
        const READY: &str = "\
            select * from jobs where status = 'ready' and fault is null and id > $1 \
            order by id limit $2";
        self.jobs_by(READY, [behind.0.into(), i64::from(limit).into()]).await
    }

    /// The last runs of a schedule, newest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn runs_of(&self, schedule: ScheduleId, limit: u32) -> Result<Vec<Job>, StoreError> {
        const RUNS: &str = "\
            select * from jobs where schedule_id = $1 order by id desc limit $2";
        self.jobs_by(RUNS, [schedule.0.into(), i64::from(limit).into()]).await
    }

    /// The last run of each of these schedules that has one.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn last_runs(&self, schedules: &[ScheduleId]) -> Result<Vec<Job>, StoreError> {
        let mut values = Vec::new();
        let numbers = schedules.iter().map(|id| id.0);
        let of_these = super::among_numbers("schedule_id", numbers, &mut values);
        let sql = format!(
            "select * from jobs where id in \
                 (select max(id) from jobs where {of_these} group by schedule_id)"
        );
        self.ask(&sql, values).await?.iter().map(job_of).collect()
    }

    async fn jobs_by<const N: usize>(
        &self,
        sql: &str,
        values: [Value; N],
    ) -> Result<Vec<Job>, StoreError> {
        self.ask(sql, values).await?.iter().map(job_of).collect()
    }
}

/// Reads a job from its row.
pub(crate) fn job_of(row: &QueryResult) -> Result<Job, StoreError> {
    Ok(Job {
        id: JobId(get(row, "id")?),
        subject: get(row, "subject")?,
        kind: get(row, "kind")?,
        scope: get_json(row, "scope", "scope")?,
        fields: get_json(row, "fields", "list of fields")?,
        format: get(row, "format")?,
        options: get_json(row, "options", "set of options")?,
        status: status_of(row)?,
        has_pii: get::<i64>(row, "has_pii")? == 1,
        is_unmasked: get::<i64>(row, "is_unmasked")? == 1,
        exposure: exposure_of(row)?,
        progress: get(row, "progress")?,
        rows_done: get(row, "rows_done")?,
        rows_estimated: get(row, "rows_estimated")?,
        size_bytes: get(row, "size_bytes")?,
        sha256: get(row, "sha256")?,
        file_name: get(row, "file_name")?,
        artifact_key: get(row, "artifact_key")?,
        notify_email: get(row, "notify_email")?,
        time_zone: get(row, "time_zone")?,
        reason: get(row, "reason")?,
        via: via_of(&get::<String>(row, "via")?)?,
        cancel_requested: get::<i64>(row, "cancel_requested")? == 1,
        hold: get(row, "hold")?,
        run_after: get(row, "run_after")?,
        attempt: get(row, "attempt")?,
        attempts_max: get(row, "attempts_max")?,
        error: failure_of(row)?,
        fault: get(row, "fault")?,
        rerun_of: get::<Option<i64>>(row, "rerun_of")?.map(JobId),
        schedule_id: get::<Option<i64>>(row, "schedule_id")?.map(ScheduleId),
        created_by: OperatorId(get(row, "created_by")?),
        created_at: get(row, "created_at")?,
        started_at: get(row, "started_at")?,
        completed_at: get(row, "completed_at")?,
        expires_at: get(row, "expires_at")?,
        purged_at: get(row, "purged_at")?,
        // A trace is no part of what was asked for: one that cannot be read is none.
        trace: get::<Option<String>>(row, "trace")?.and_then(|text| TraceParent::parse(&text)),
    })
}

/// Reads the state of a job from its row.
pub(crate) fn status_of(row: &QueryResult) -> Result<Status, StoreError> {
    let word: String = get(row, "status")?;
    word.parse().map_err(|_| StoreError::Corrupt { what: "status" })
}

fn via_of(word: &str) -> Result<Via, StoreError> {
    let via = Via::ALL.into_iter().find(|via| via.slug() == word);
    via.ok_or(StoreError::Corrupt { what: "surface" })
}

fn exposure_of(row: &QueryResult) -> Result<Option<Exposure>, StoreError> {
    let Some(text) = get::<Option<String>>(row, "exposure")? else { return Ok(None) };
    let read = serde_json::from_str(&text);
    read.map(Some).map_err(|_| StoreError::Corrupt { what: "exposure of a file" })
}

fn failure_of(row: &QueryResult) -> Result<Option<Failure>, StoreError> {
    let Some(word) = get::<Option<String>>(row, "error_reason")? else { return Ok(None) };
    let reason = FailureReason::ALL.into_iter().find(|reason| reason.slug() == word);
    let detail: Option<String> = get(row, "error_detail")?;
    Ok(Some(Failure {
        reason: reason.ok_or(StoreError::Corrupt { what: "reason of a failure" })?,
        detail: detail.unwrap_or_default(),
    }))
}
