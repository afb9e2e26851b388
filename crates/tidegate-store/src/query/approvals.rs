//! Approvals: one, those that wait, and those to be reviewed.

use sea_orm::{QueryResult, Value};
use tidegate_model::{
    approval::{Approval, ApprovalState},
    ids::{JobId, OperatorId},
    job::Job,
};

use super::jobs::job_of;
use crate::{connection::Store, error::StoreError, sql::get};

/// With the names of those who have decided and reviewed.
const COLUMNS: &str = "\
    a.job_id, a.rule, a.definition_hash, a.requested_at, a.expires_at, a.state, \
    a.decided_by, d.email as decided_name, a.decided_at, a.note, a.is_broken, \
    a.reviewed_by, r.email as reviewed_name, a.reviewed_at, a.review_note \
    from approvals a left join operators d on d.id = a.decided_by \
        left join operators r on r.id = a.reviewed_by";

/// Which approvals are sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalsOf {
    /// Those that wait for somebody, the oldest first.
    Waiting,
    /// Those that were released without a second person and not reviewed, the oldest first.
    ToReview,
    /// Those that are decided or have ended, the newest first.
    Past,
}

impl ApprovalsOf {
    fn condition(self) -> &'static str {
        match self {
            Self::Waiting => "a.state = 'waiting'",
            Self::ToReview => "a.is_broken = 1 and a.reviewed_by is null",
            Self::Past => "a.state <> 'waiting'",
        }
    }

    fn order(self) -> &'static str {
        match self {
            Self::Waiting | Self::ToReview => "a.job_id",
            Self::Past => "a.job_id desc",
        }
    }

    /// Those of several lists that are of this one.
    fn list_of(self, found: &[(Approval, Job)], limit: u32) -> Vec<(Approval, Job)> {
        let is_sought = |approval: &Approval| match self {
            Self::Waiting => approval.state == ApprovalState::Waiting,
            Self::ToReview => approval.wants_review(),
            Self::Past => approval.state != ApprovalState::Waiting,
        };
        let mut list: Vec<_> = found.iter().filter(|(one, _)| is_sought(one)).cloned().collect();
        list.sort_by_key(|(approval, _)| match self {
            Self::Waiting | Self::ToReview => approval.job.0,
            Self::Past => -approval.job.0,
        });
        list.truncate(limit as usize);
        list
    }
}

/// What somebody has taken lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecentUse {
    /// Exports that became files.
    pub exports: i64,
    /// Their rows.
    pub rows: i64,
    /// Their bytes.
    pub bytes: i64,
}

/// Whether somebody has had a hand in a job, or has its schedule by now.
pub(crate) const IS_MAKER: &str = "\
    select 1 as is_maker from job_makers where job_id = $1 and operator_id = $2 \
    union all \
    select 1 from jobs join schedules on schedules.id = jobs.schedule_id \
    where jobs.id = $1 and schedules.owner = $2 \
    limit 1";

impl Store {
    /// Whether an operator has had a hand in a run of a schedule: has said what it asks for, has
    /// that schedule or has given it away, or has started it.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn is_maker(&self, job: JobId, operator: OperatorId) -> Result<bool, StoreError> {
        Ok(self.ask_one(IS_MAKER, [job.0.into(), operator.0.into()]).await?.is_some())
    }

    /// The approval of a job, if it waits for one or has.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn approval(&self, job: JobId) -> Result<Option<Approval>, StoreError> {
        let sql = format!("select {COLUMNS} where a.job_id = $1");
        self.ask_one(&sql, [job.0.into()]).await?.as_ref().map(approval_of).transpose()
    }

    /// Approvals of jobs of these subjects: a list for each that is sought, of `limit` at most. Two
    /// questions, however many lists there are.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn approvals(
        &self,
        sought: &[ApprovalsOf],
        subjects: &[String],
        limit: u32,
    ) -> Result<Vec<Vec<(Approval, Job)>>, StoreError> {
        let mut values: Vec<Value> = vec![i64::from(limit).into()];
        let of = super::among("j.subject", subjects.iter().map(String::as_str), &mut values);
        let lists = sought.iter().map(|which| {
            let (condition, order) = (which.condition(), which.order());
            format!(
                "select * from (select {COLUMNS} join jobs j on j.id = a.job_id \
                     where {condition} and {of} order by {order} limit $1) l"
            )
        });
        let sql = lists.collect::<Vec<_>>().join(" union ");
        let found = self.with_jobs(&sql, values).await?;
        Ok(sought.iter().map(|which| which.list_of(&found, limit)).collect())
    }

    /// Approvals that have lapsed by a clock, and nobody has noted it.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn approvals_to_lapse(
        &self,
        now: i64,
        limit: u32,
    ) -> Result<Vec<(Approval, Job)>, StoreError> {
        let sql = format!(
            "select {COLUMNS} where a.state in ('waiting', 'granted', 'broken_glass') \
                 and a.expires_at <= $2 order by a.expires_at limit $1"
        );
        self.with_jobs(&sql, [i64::from(limit).into(), now.into()]).await
    }

    /// Approvals that nobody has used or decided, behind a job.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn open_approvals(
        &self,
        behind: JobId,
        limit: u32,
    ) -> Result<Vec<(Approval, Job)>, StoreError> {
        let sql = format!(
            "select {COLUMNS} where a.state in ('waiting', 'granted', 'broken_glass') \
                 and a.job_id > $2 order by a.job_id limit $1"
        );
        self.with_jobs(&sql, [i64::from(limit).into(), behind.0.into()]).await
    }

    /// The last export of a subject by somebody that became a file, before a job.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn last_file_before(&self, job: &Job) -> Result<Option<Job>, StoreError> {
        const LAST: &str = "\
            select * from jobs where created_by = $1 and subject = $2 and id < $3 \
                and status in ('ready', 'expired', 'deleted') \
            order by id desc limit 1";
        let values = [job.created_by.0.into(), job.subject.clone().into(), job.id.0.into()];
        self.ask_one(LAST, values).await?.as_ref().map(job_of).transpose()
    }

    /// What somebody has taken of these subjects since a moment.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn taken_since(
        &self,
        operator: OperatorId,
        since: i64,
        subjects: &[String],
    ) -> Result<RecentUse, StoreError> {
        let mut values: Vec<Value> = vec![operator.0.into(), since.into()];
        let of = super::among("subject", subjects.iter().map(String::as_str), &mut values);
        let sql = format!(
            "select count(*) as exports, cast(coalesce(sum(rows_done), 0) as bigint) as taken, \
                 cast(coalesce(sum(size_bytes), 0) as bigint) as bytes \
             from jobs where created_by = $1 and created_at >= $2 \
                 and status in ('ready', 'expired', 'deleted') and {of}"
        );
        let row = self.ask_one(&sql, values).await?;
        let row = row.ok_or(StoreError::Corrupt { what: "sum" })?;
        Ok(RecentUse {
            exports: get(&row, "exports")?,
            rows: get(&row, "taken")?,
            bytes: get(&row, "bytes")?,
        })
    }

    /// Two questions, however many there are: a joined row would have two columns of one name.
    async fn with_jobs(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<(Approval, Job)>, StoreError> {
        let found = self.ask(sql, values).await?;
        let approvals: Vec<Approval> = found.iter().map(approval_of).collect::<Result<_, _>>()?;
        let mut values = Vec::new();
        let ids = approvals.iter().map(|approval| approval.job.0);
        let of_these = super::among_numbers("id", ids, &mut values);
        let sql = format!("select * from jobs where {of_these}");
        let jobs = self.ask(&sql, values).await?;
        let jobs: Vec<Job> = jobs.iter().map(job_of).collect::<Result<_, _>>()?;
        let with_job = |approval: Approval| {
            let job = jobs.iter().find(|job| job.id == approval.job)?.clone();
            Some((approval, job))
        };
        Ok(approvals.into_iter().filter_map(with_job).collect())
    }
}

fn approval_of(row: &QueryResult) -> Result<Approval, StoreError> {
    let whose = |column| -> Result<Option<OperatorId>, StoreError> {
        Ok(get::<Option<i64>>(row, column)?.map(OperatorId))
    };
    let state = ApprovalState::find(&get::<String>(row, "state")?);
    Ok(Approval {
        job: JobId(get(row, "job_id")?),
        rule: get(row, "rule")?,
        definition_hash: get(row, "definition_hash")?,
        requested_at: get(row, "requested_at")?,
        expires_at: get(row, "expires_at")?,
        state: state.ok_or(StoreError::Corrupt { what: "state of an approval" })?,
        decided_by: whose("decided_by")?,
        decided_name: get(row, "decided_name")?,
        decided_at: get(row, "decided_at")?,
        note: get(row, "note")?,
        is_broken: get::<i64>(row, "is_broken")? == 1,
        reviewed_by: whose("reviewed_by")?,
        reviewed_name: get(row, "reviewed_name")?,
        reviewed_at: get(row, "reviewed_at")?,
        review_note: get(row, "review_note")?,
    })
}
