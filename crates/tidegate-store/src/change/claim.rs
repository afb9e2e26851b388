//! Begins the work on a job, or takes it over from a worker that is gone.

use std::collections::BTreeMap;

use serde_json::json;
use tidegate_model::{action::Action, ids::JobId, pause::pause_of, status::Status};

use super::{Applied, approvals::use_up, end_attempt, note_transition, pause::pauses};
use crate::{
    error::StoreError,
    lease::may_run,
    sql::{Tx, get},
};

/// Rows up to which an export is small: it is over within seconds.
const SMALL_ROWS_MAX: i64 = 100_000;
/// Microseconds after which a job goes before all younger ones, whatever it is.
const STARVED_MICROS: i64 = 10 * 60 * 1_000_000;

/// Who wants to work, and on what.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// Name of the worker, unique among all that ever ran.
    pub worker: String,
    /// Host it runs on.
    pub host: String,
    /// Token of the lease, 128 random bits, never used before.
    pub lease_token: String,
    /// Random part of the object key.
    pub object_nonce: String,
    /// Life of the lease in microseconds.
    pub lease_micros: i64,
    /// Whether only a small or interactive job will do, as the last free place is kept for those.
    pub only_small: bool,
    /// One job and no other, where the caller made it for itself.
    pub only: Option<JobId>,
    /// The sources that the worker knows. Jobs of other subjects are left to those who do.
    pub sources: Vec<SourceShare>,
}

/// A source, as far as claims have to know it.
#[derive(Clone, Debug)]
pub struct SourceShare {
    /// Slugs of its subjects.
    pub subjects: Vec<String>,
    /// Exports that may read it at a time, over all workers.
    pub exports_max: i64,
}

/// Picks one job: whoever waited too long first, then operators with few builds, then people
/// before schedules, then small before large. Builds are counted once, not for each job that waits.
pub(crate) fn pick() -> String {
    let may_run = may_run("$1");
    format!(
        "\
        with builds as ( \
            select created_by, count(*) as n from jobs \
            where status in ('pending', 'building') and lease_expires > $1 group by created_by) \
        select id, status, attempt from jobs j left join builds b on b.created_by = j.created_by \
        where status in ('pending', 'building') and (lease_expires is null or lease_expires < $1) \
            and hold is null \
            and not exists (select 1 from approvals a where a.job_id = j.id and a.state <> 'used' \
                and (a.state not in ('granted', 'broken_glass') or a.expires_at <= $1)) \
            and {may_run} and attempts_spent < attempts_max \
            and cancel_requested = 0 \
            and ($2 is null or id = $2) \
            and ($3 = 0 or (via <> 'schedule' and coalesce(rows_estimated, 0) <= $4)) \
            and replace($6, '|' || subject || '|', '') <> $6 \
        order by case when created_at < $1 - $5 then 0 else 1 end, \
            coalesce(b.n, 0), \
            case when via = 'schedule' then 1 else 0 end, \
            case when coalesce(rows_estimated, $4) <= $4 then 0 else 1 end, \
            id \
        limit 1"
    )
}

/// Builds under way, by subject.
pub(crate) const BUILDS: &str = "\
    select subject, count(*) as n from jobs \
    where status in ('pending', 'building') and lease_expires > $1 group by subject";

const TAKE: &str = "\
    update jobs set status = 'building', lease_token = $2, lease_expires = $3, worker = $4, \
        host = $5, attempt = attempt + 1, attempts_spent = attempts_spent + 1, \
        progress = 0, rows_done = 0, started_at = coalesce(started_at, $6) \
    where id = $1";

const BEGIN: &str = "\
    insert into attempts (job_id, attempt, lease_token, object_key, worker, host, started_at) \
    values ($1, $2, $3, $4, $5, $6, $7)";

pub(super) async fn claim(tx: &Tx, request: ClaimRequest) -> Result<Applied, StoreError> {
    let picked = tx
        .row(
            &pick(),
            [
                tx.now.into(),
                request.only.map(|job| job.0).into(),
                i64::from(request.only_small).into(),
                SMALL_ROWS_MAX.into(),
                STARVED_MICROS.into(),
                claimable(tx, &request.sources).await?.into(),
            ],
        )
        .await?
        .ok_or(StoreError::Missing { what: "job that waits" })?;
    let job = JobId(get(&picked, "id")?);
    let attempt = get::<i64>(&picked, "attempt")? + 1;
    let is_taken_over = get::<String>(&picked, "status")? == Status::Building.slug();
    if is_taken_over {
        end_attempt(tx, job, "lost", None).await?;
    } else {
        note_transition(tx, job, Status::Pending, Status::Building).await?;
    }
    use_up(tx, job).await?;
    let expires = tx.now + request.lease_micros;
    let taken = [
        job.0.into(),
        request.lease_token.clone().into(),
        expires.into(),
        request.worker.clone().into(),
        request.host.clone().into(),
        tx.now.into(),
    ];
    tx.execute(TAKE, taken).await?;
    let object_key = format!("{job}/{attempt}-{}", request.object_nonce);
    let begun = [
        job.0.into(),
        attempt.into(),
        request.lease_token.into(),
        object_key.into(),
        request.worker.clone().into(),
        request.host.clone().into(),
        tx.now.into(),
    ];
    tx.execute(BEGIN, begun).await?;
    let details = json!({
        "attempt": attempt,
        "worker": request.worker,
        "host": request.host,
        "taken_over": is_taken_over,
    });
    Ok(Applied::one(Action::JobClaim, Some(job), details))
}

/// The subjects of the sources that one more export may read and that no pause holds back, each
/// between two bars: a list that both databases can look into.
async fn claimable(tx: &Tx, sources: &[SourceShare]) -> Result<String, StoreError> {
    let pauses = pauses(tx).await?;
    let mut builds: BTreeMap<String, i64> = BTreeMap::new();
    for row in tx.rows(BUILDS, [tx.now.into()]).await? {
        builds.insert(get(&row, "subject")?, get(&row, "n")?);
    }
    let is_free = |source: &&SourceShare| {
        let of = |subject: &String| builds.get(subject).copied().unwrap_or_default();
        source.subjects.iter().map(of).sum::<i64>() < source.exports_max
    };
    let subjects = sources.iter().filter(is_free).flat_map(|source| &source.subjects);
    let subjects = subjects.filter(|subject| pause_of(&pauses, subject).is_none());
    Ok(subjects.map(|subject| format!("|{subject}|")).collect())
}

/// Takes the lease from a worker that is known to be gone; the next claim takes the job.
pub(super) async fn rescue(tx: &Tx, job: JobId, token: String) -> Result<Applied, StoreError> {
    const RESCUE: &str = "\
        update jobs set lease_token = null, lease_expires = null \
        where id = $1 and lease_token = $2 and status = 'building'";
    if tx.execute(RESCUE, [job.0.into(), token.into()]).await? == 0 {
        return Err(StoreError::LeaseLost);
    }
    end_attempt(tx, job, "lost", None).await?;
    Ok(Applied::one(Action::JobRescue, Some(job), json!({})))
}
