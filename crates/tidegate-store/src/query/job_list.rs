//! Pages of jobs: filtered, sorted, and counted, over what the caller may see.

use std::{collections::BTreeMap, ops::Range};

use sea_orm::{QueryResult, Value};
use serde::Serialize;
use tidegate_model::{
    ids::{JobId, OperatorId},
    job::Job,
    status::Status,
};

use super::{
    among,
    job_order::{JobCursor, JobOrder, JobSort, Place},
    jobs::{job_of, status_of},
};
use crate::{
    connection::{Store, StoreKind},
    error::StoreError,
    sql::get,
};

/// Jobs of a page at most.
pub(crate) const PAGE_JOBS_MAX: u32 = 200;
/// Matches that are counted exactly: more of them nobody leafs through, and counting takes time.
const COUNT_MAX: i64 = 10_000;

/// Which jobs to list.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Whose jobs may be seen; none means everybody's.
    pub owner: Option<OperatorId>,
    /// Of which subjects: those that the caller may see. None means all.
    pub subjects: Option<Vec<String>>,
    /// Whose jobs are wanted.
    pub creator: Option<Creator>,
    /// In which states; empty means all.
    pub statuses: Vec<Status>,
    /// Made within one of these times; empty means ever.
    pub created: Vec<Range<i64>>,
    /// With personal data, or without.
    pub has_pii: Option<bool>,
    /// With this text in number, subject, format, or their creator's name or mail address,
    /// whatever its case.
    pub text: Option<String>,
}

/// Who made a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Creator {
    /// The operator of this number.
    Id(OperatorId),
    /// The operator of this mail address.
    Email(String),
}

/// Jobs that match, on all pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Matching {
    /// How many.
    pub count: u64,
    /// Whether there are no more.
    pub is_exact: bool,
}

/// A page of jobs.
#[derive(Clone, Debug)]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// Where the next page begins. None where there is none.
    pub next: Option<JobCursor>,
    /// Where the page before ends. None where there is none.
    pub previous: Option<JobCursor>,
}

/// Conditions with their values.
#[derive(Default)]
struct Wanted {
    conditions: Vec<String>,
    values: Vec<Value>,
    /// Whether a condition is about whoever made the jobs.
    asks_who: bool,
}

impl Wanted {
    fn of(filter: &JobFilter) -> Self {
        let mut wanted = Self::default();
        if let Some(owner) = filter.owner {
            wanted.want("j.created_by = $?", owner.0.into());
        }
        match &filter.creator {
            Some(Creator::Id(id)) => wanted.want("j.created_by = $?", id.0.into()),
            Some(Creator::Email(email)) => {
                wanted.asks_who = true;
                wanted.want("lower(o.email) = lower($?)", email.as_str().into());
            }
            None => {}
        }
        if let Some(subjects) = &filter.subjects {
            let slugs = subjects.iter().map(String::as_str);
            wanted.conditions.push(among("j.subject", slugs, &mut wanted.values));
        }
        if !filter.statuses.is_empty() {
            let slugs = filter.statuses.iter().map(|status| status.slug());
            wanted.conditions.push(among("j.status", slugs, &mut wanted.values));
        }
        if !filter.created.is_empty() {
            wanted.want_created(&filter.created);
        }
        if let Some(has_pii) = filter.has_pii {
            wanted.want("j.has_pii = $?", i64::from(has_pii).into());
        }
        if let Some(text) = &filter.text {
            wanted.want_text(text);
        }
        wanted
    }

    /// Adds a condition about a value, which stands in it as `$?`.
    fn want(&mut self, condition: &str, value: Value) {
        self.values.push(value);
        self.conditions.push(condition.replace("$?", &format!("${}", self.values.len())));
    }

    /// Made within one of these times: each from a moment on, and before another one.
    fn want_created(&mut self, times: &[Range<i64>]) {
        let within = times.iter().map(|time| {
            self.values.extend([time.start.into(), time.end.into()]);
            let end = self.values.len();
            format!("j.created_at >= ${} and j.created_at < ${end}", end - 1)
        });
        let any = within.collect::<Vec<_>>().join(" or ");
        self.conditions.push(format!("({any})"));
    }

    /// `%` and `_` are letters. The database makes both sides small, so that what it cannot make
    /// small still equals itself.
    fn want_text(&mut self, text: &str) {
        const COLUMNS: [&str; 5] =
            ["cast(j.id as text)", "j.subject", "j.format", "o.email", "o.name"];
        self.asks_who = true;
        let has = COLUMNS.map(|column| format!(r"lower({column}) like lower($?) escape '\'"));
        let letters = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
        self.want(&format!("({})", has.join(" or ")), format!("%{letters}%").into());
    }

    fn want_beyond(&mut self, cursor: &JobCursor, expression: &str) {
        let than = if cursor.sort.is_descending == cursor.is_before { ">" } else { "<" };
        let id: Value = cursor.id.0.into();
        match &cursor.place {
            // The number is the order.
            _ if cursor.sort.by == JobOrder::Created => {
                self.want(&format!("j.id {than} $?"), id);
            }
            place => {
                self.values.push(match place {
                    Place::Number(number) => (*number).into(),
                    Place::Word(word) => word.as_str().into(),
                });
                let at = self.values.len();
                let beyond = format!(
                    "({expression} {than} ${at} or {expression} = ${at} and j.id {than} $?)"
                );
                self.want(&beyond, id);
            }
        }
    }

    /// What to look at: whoever made the jobs only where it is asked who that is.
    fn tables(&self) -> &'static str {
        match self.asks_who {
            true => "jobs j join operators o on o.id = j.created_by",
            false => "jobs j",
        }
    }

    fn text(&self) -> String {
        let all = ["1 = 1"].into_iter().chain(self.conditions.iter().map(String::as_str));
        all.collect::<Vec<_>>().join(" and ")
    }
}

/// The question for a page of jobs, and one more.
pub(crate) fn page(
    kind: StoreKind,
    filter: &JobFilter,
    (sort, from): (JobSort, Option<&JobCursor>),
    limit: u32,
) -> (String, Vec<Value>) {
    let expression = sort.expression(kind);
    let mut wanted = Wanted::of(filter);
    if let Some(cursor) = from {
        wanted.want_beyond(cursor, &expression);
    }
    let is_before = from.is_some_and(|cursor| cursor.is_before);
    let direction = if sort.is_descending == is_before { "asc" } else { "desc" };
    wanted.values.push((i64::from(limit) + 1).into());
    let sql = format!(
        "select j.*, {expression} as place from {} where {} \
         order by {expression} {direction}, j.id {direction} limit ${}",
        wanted.tables(),
        wanted.text(),
        wanted.values.len()
    );
    (sql, wanted.values)
}

/// The question for the number of jobs that match.
pub(crate) fn count(filter: &JobFilter) -> (String, Vec<Value>) {
    let (found, values) = counted(filter);
    (format!("select count(*) as n from {found}"), values)
}

/// The states of jobs that match, as many as are counted and one more, as a table.
fn counted(filter: &JobFilter) -> (String, Vec<Value>) {
    let mut wanted = Wanted::of(filter);
    wanted.values.push((COUNT_MAX + 1).into());
    let sql = format!(
        "(select j.status from {} where {} limit ${}) found",
        wanted.tables(),
        wanted.text(),
        wanted.values.len()
    );
    (sql, wanted.values)
}

impl Store {
    /// A page of jobs: the first, or the one behind or before a place.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn jobs(
        &self,
        filter: &JobFilter,
        sort: JobSort,
        from: Option<&JobCursor>,
        limit: u32,
    ) -> Result<JobPage, StoreError> {
        let limit = limit.clamp(1, PAGE_JOBS_MAX);
        let is_before = from.is_some_and(|cursor| cursor.is_before);
        let (sql, values) = page(self.inner.kind, filter, (sort, from), limit);
        let mut rows = self.ask(&sql, values).await?;
        let has_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        if is_before {
            rows.reverse();
        }
        let jobs: Vec<Job> = rows.iter().map(job_of).collect::<Result<_, _>>()?;
        let at = |row: Option<&QueryResult>, is_before| match row {
            Some(row) => {
                let (place, id) = (sort.place(row)?, JobId(get(row, "id")?));
                Ok::<_, StoreError>(Some(JobCursor { is_before, sort, place, id }))
            }
            None => Ok(None),
        };
        let has_next = is_before || has_more;
        let has_previous = if is_before { has_more } else { from.is_some() };
        Ok(JobPage {
            next: at(rows.last().filter(|_| has_next), false)?,
            previous: at(rows.first().filter(|_| has_previous), true)?,
            jobs,
        })
    }

    /// How many jobs match in each state, whatever states the filter names; none where there are
    /// more than are counted.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn count_jobs_by_status(
        &self,
        filter: &JobFilter,
    ) -> Result<Option<BTreeMap<Status, u64>>, StoreError> {
        let filter = JobFilter { statuses: Vec::new(), ..filter.clone() };
        let (found, values) = counted(&filter);
        let sql = format!("select status, count(*) as n from {found} group by status");
        let mut counts = BTreeMap::new();
        for row in self.ask(&sql, values).await? {
            let count: i64 = get(&row, "n")?;
            counts.insert(status_of(&row)?, count.unsigned_abs());
        }
        let is_exact = counts.values().sum::<u64>() <= COUNT_MAX.unsigned_abs();
        Ok(is_exact.then_some(counts))
    }

    /// How many jobs match, on all pages.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn count_jobs(&self, filter: &JobFilter) -> Result<Matching, StoreError> {
        let (sql, values) = count(filter);
        let row = self.ask_one(&sql, values).await?;
        let count: i64 = get(&row.ok_or(StoreError::Corrupt { what: "count" })?, "n")?;
        let is_exact = count <= COUNT_MAX;
        Ok(Matching { count: count.min(COUNT_MAX).unsigned_abs(), is_exact })
    }
}
