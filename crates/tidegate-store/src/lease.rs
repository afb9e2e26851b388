//! The time between claim and end: a lease renews and reports, and cannot touch a status.

use sea_orm::ConnectionTrait;
use tidegate_model::{action::Action, ids::JobId, job::Job, policy::Permit};

use crate::{
    change::{Change, ClaimRequest},
    chaos::{self, Point},
    connection::Store,
    error::StoreError,
    query::jobs::job_of,
    sql::{get, statement},
};

/// The right to work on a job. There is one for each attempt, and it cannot be copied.
#[derive(Debug)]
pub struct Lease {
    job: JobId,
    attempt: i64,
    token: String,
    object_key: String,
}

/// What a change shows to prove a lease. The database compares it with the one it knows.
#[derive(Clone, Debug)]
pub struct Proof {
    pub(crate) job: JobId,
    pub(crate) attempt: i64,
    pub(crate) token: String,
}

/// A job that was claimed.
#[derive(Debug)]
pub struct Claimed {
    /// The right to work on it.
    pub lease: Lease,
    /// The job as it was then.
    pub job: Job,
}

/// What a worker has to know of its jobs while it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    /// Whether cancellation was asked for.
    pub is_cancelled: bool,
    /// Version of the policy.
    pub policy_version: i64,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressReport {
    /// 0 to 99.
    pub percent: i64,
    /// Rows so far.
    pub rows: i64,
    /// Rows that are expected, where the source could tell.
    pub rows_estimated: Option<i64>,
}

/// Longest pause before a job is tried again, in microseconds. What is further ahead was written
/// down by a clock that has gone back since, and nobody waits for that.
const RETRY_MICROS_MAX: i64 = 10 * 60 * 1_000_000;

/// A pause before a job is tried again that nobody takes for one by a wrong clock.
pub(crate) fn retry_micros(pause_micros: i64) -> i64 {
    pause_micros.clamp(0, RETRY_MICROS_MAX)
}

/// Whether a job's pause is over, by a clock of the database. One that was never tried has none,
/// even where the clock was ahead when it was made.
pub(crate) fn may_run(now: &str) -> String {
    format!(
        "(run_after <= {now} or run_after <= created_at or run_after > {now} + {RETRY_MICROS_MAX})"
    )
}

/// Jobs that a worker may claim, by a clock of the database.
pub(crate) fn waiting(now: &str) -> String {
    let may_run = may_run(now);
    format!(
        "select 1 as waits from jobs \
         where status in ('pending', 'building') \
             and (lease_expires is null or lease_expires < {now}) \
             and hold is null and {may_run} and attempts_spent < attempts_max \
             and cancel_requested = 0 \
         limit 1"
    )
}

pub(crate) const FLAGS: &str = "\
    select id, cancel_requested, (select version from policy where id = 1) as policy_version \
    from jobs \
    where status in ('pending', 'building') and lease_token is not null and worker = $1";

impl Lease {
    /// The job.
    pub fn job(&self) -> JobId {
        self.job
    }

    /// Number of the attempt.
    pub fn attempt(&self) -> i64 {
        self.attempt
    }

    /// The only key that this attempt may write to.
    pub fn object_key(&self) -> &str {
        &self.object_key
    }

    /// Proves the lease to a change.
    pub fn proof(&self) -> Proof {
        Proof { job: self.job, attempt: self.attempt, token: self.token.clone() }
    }
}

impl Store {
    /// Claims a job that waits, if there is one.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn claim(
        &self,
        permit: Permit,
        request: ClaimRequest,
    ) -> Result<Option<Claimed>, StoreError> {
        // A look first: an idle worker must not take the writer's lock every second.
        if permit.action() == Action::JobClaim && !self.has_waiting_job().await? {
            return Ok(None);
        }
        let token = request.lease_token.clone();
        let committed = match self.commit(permit, Change::Claim(request)).await {
            Ok(committed) => committed,
            Err(StoreError::Missing { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        chaos::stop_at(Point::Claim);
        let id = committed.job.ok_or(StoreError::Corrupt { what: "claim" })?;
        self.claimed(id, token).await.map(Some)
    }

    async fn has_waiting_job(&self) -> Result<bool, StoreError> {
        Ok(self.ask_one(&waiting(&self.inner.now()), []).await?.is_some())
    }

    async fn claimed(&self, id: JobId, token: String) -> Result<Claimed, StoreError> {
        const CLAIMED: &str = "\
            select j.*, a.object_key as claimed_key, a.attempt as claimed_attempt \
            from jobs j join attempts a on a.job_id = j.id and a.lease_token = $2 \
            where j.id = $1";
        let reader = &self.inner.reader;
        let values = [id.0.into(), token.clone().into()];
        let row = reader.query_one_raw(statement(reader, CLAIMED, values)).await?;
        let row = row.ok_or(StoreError::LeaseLost)?;
        let lease = Lease {
            job: id,
            attempt: get(&row, "claimed_attempt")?,
            token,
            object_key: get(&row, "claimed_key")?,
        };
        Ok(Claimed { lease, job: job_of(&row)? })
    }

    /// Renews a lease for so many microseconds from now.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`] if it is another's by now.
    pub async fn renew(&self, lease: &Lease, lease_micros: i64) -> Result<Flags, StoreError> {
        let now = self.inner.now();
        let sql = format!(
            "update jobs set lease_expires = {now} + $3 \
             where id = $1 and lease_token = $2 and status = 'building' \
             returning cancel_requested, \
                 (select version from policy where id = 1) as policy_version"
        );
        let values = [lease.job.0.into(), lease.token.clone().into(), lease_micros.into()];
        let writer = &self.inner.writer;
        let row = writer.query_one_raw(statement(writer, &sql, values)).await?;
        flags_of(&row.ok_or(StoreError::LeaseLost)?)
    }

    /// Reports how far a job is; progress of an attempt never goes back.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`] if it is another's by now.
    pub async fn report(&self, lease: &Lease, progress: ProgressReport) -> Result<(), StoreError> {
        const REPORT: &str = "\
            update jobs set progress = case when progress > $3 then progress else $3 end, \
                rows_done = case when rows_done > $4 then rows_done else $4 end, \
                rows_estimated = coalesce($5, rows_estimated) \
            where id = $1 and lease_token = $2 and status = 'building'";
        let percent = progress.percent.clamp(0, 99);
        let values = [
            lease.job.0.into(),
            lease.token.clone().into(),
            percent.into(),
            progress.rows.into(),
            progress.rows_estimated.into(),
        ];
        let writer = &self.inner.writer;
        match writer.execute_raw(statement(writer, REPORT, values)).await?.rows_affected() {
            0 => Err(StoreError::LeaseLost),
            _ => Ok(()),
        }
    }

    /// The flags of all jobs of a worker, in one query.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn flags(&self, worker: &str) -> Result<Vec<(JobId, Flags)>, StoreError> {
        let rows = self.ask(FLAGS, [worker.into()]).await?;
        rows.iter().map(|row| Ok((JobId(get(row, "id")?), flags_of(row)?))).collect()
    }
}

fn flags_of(row: &sea_orm::QueryResult) -> Result<Flags, StoreError> {
    Ok(Flags {
        is_cancelled: get::<i64>(row, "cancel_requested")? == 1,
        policy_version: get(row, "policy_version")?,
    })
}
