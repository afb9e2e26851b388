//! Attempts: what was tried for a job, and whose keys are still in use.

use std::collections::BTreeMap;

use sea_orm::{QueryResult, Value};
use serde::Serialize;
use tidegate_model::ids::JobId;

use super::among;
use crate::{connection::Store, error::StoreError, sql::get};

/// One attempt at a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The job.
    pub job: JobId,
    /// Its number, from 1 on.
    pub attempt: i64,
    /// Name of the worker.
    pub worker: String,
    /// Its host.
    pub host: String,
    /// Key that it wrote to. Never shown.
    #[serde(skip)]
    pub object_key: String,
    /// When it began, in microseconds since 1970.
    pub started_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// How it ended: a word.
    pub outcome: Option<String>,
    /// What happened.
    pub detail: Option<String>,
}

/// A lease that is held: who holds it, so that its holder's death can be looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLease {
    /// The job.
    pub job: JobId,
    /// Name of the worker.
    pub worker: String,
    /// The lease's token.
    pub token: String,
}

/// What an object is to the control state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectUse {
    /// Its job has it as its file: it is whole, and nobody writes to it any more.
    Shown,
    /// Its attempt may still be at work.
    Live,
    /// Its attempt has ended and nothing refers to it; nothing ever will again.
    Free,
    /// It is of no attempt, and somebody has to look at it, or has said that it stays.
    Kept,
    /// It is of no attempt, and somebody has deleted it.
    Dropped,
}

pub(crate) const HELD: &str = "\
    select id, worker, lease_token from jobs \
    where status in ('pending', 'building') and lease_token is not null and host = $1";

impl Store {
    /// The attempts at a job, in their order.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn attempts(&self, job: JobId) -> Result<Vec<Attempt>, StoreError> {
        const ATTEMPTS: &str = "select * from attempts where job_id = $1 order by attempt";
        self.ask(ATTEMPTS, [job.0.into()]).await?.iter().map(attempt_of).collect()
    }

    /// What objects are, by their keys, all at one moment. Of a key that is not in the answer
    /// nothing is known here.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn object_uses(
        &self,
        object_keys: &[String],
    ) -> Result<BTreeMap<String, ObjectUse>, StoreError> {
        let mut values: Vec<Value> = Vec::new();
        let wanted = among("a.object_key", object_keys.iter().map(String::as_str), &mut values);
        let sql = format!(
            "select a.object_key, \
                 case when j.artifact_key = a.object_key and j.purged_at is null then 'shown' \
                     when j.status = 'building' and j.lease_token = a.lease_token then 'live' \
                     else 'free' end as object_use \
             from attempts a join jobs j on j.id = a.job_id where {wanted}"
        );
        let wanted = wanted.replace("a.object_key", "q.object_key");
        let sql = format!(
            "{sql} union all \
             select q.object_key, \
                 case when q.outcome = 'deleted' then 'dropped' else 'kept' end as object_use \
             from quarantine q where {wanted} \
                 and not exists (select 1 from attempts a where a.object_key = q.object_key)"
        );
        let rows = self.ask(&sql, values).await?;
        let uses = rows.iter().map(|row| {
            let object_use = match get::<String>(row, "object_use")?.as_str() {
                "free" => ObjectUse::Free,
                "kept" => ObjectUse::Kept,
                "dropped" => ObjectUse::Dropped,
                "shown" => ObjectUse::Shown,
                _ => ObjectUse::Live,
            };
            Ok((get(row, "object_key")?, object_use))
        });
        uses.collect()
    }

    /// Live leases of workers of a host.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn leases_of_host(&self, host: &str) -> Result<Vec<HeldLease>, StoreError> {
        let rows = self.ask(HELD, [host.into()]).await?;
        let held = rows.iter().map(|row| {
            Ok(HeldLease {
                job: JobId(get(row, "id")?),
                worker: get(row, "worker")?,
                token: get(row, "lease_token")?,
            })
        });
        held.collect()
    }
}

fn attempt_of(row: &QueryResult) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        job: JobId(get(row, "job_id")?),
        attempt: get(row, "attempt")?,
        worker: get(row, "worker")?,
        host: get(row, "host")?,
        object_key: get(row, "object_key")?,
        started_at: get(row, "started_at")?,
        ended_at: get(row, "ended_at")?,
        outcome: get(row, "outcome")?,
        detail: get(row, "detail")?,
    })
}
