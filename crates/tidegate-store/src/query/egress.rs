//! What went out, added up: exports asked for, files made, bytes sent.

use std::ops::Range;

use sea_orm::{QueryResult, Value};
use tidegate_model::ids::OperatorId;

use super::{activity::bytes_named, among, among_numbers};
use crate::{connection::Store, error::StoreError, sql::get};

/// Sums that are given at most: far more than a quarter of a year has hours, subjects and people
/// who do anything in them.
const SUMS_MAX: i64 = 100_000;

/// Of what to add up.
#[derive(Clone, Debug)]
pub struct EgressFilter {
    /// Whose exports may be seen; none means everybody's.
    pub owner: Option<OperatorId>,
    /// Of which subjects: those that the caller may see.
    pub subjects: Vec<String>,
    /// When: exports by the moment they were asked for, downloads by the moment they ended.
    pub within: Range<i64>,
}

/// What is added up by itself.
#[derive(Clone, Debug, Default)]
pub struct EgressSplit {
    /// By whose, or by what.
    pub by: EgressBy,
    /// By spans of so many microseconds, which begin at a multiple of them since 1970.
    pub step_micros: Option<i64>,
}

/// By whose, or by what, is added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EgressBy {
    /// By nothing.
    #[default]
    Nothing,
    /// By subject.
    Subject,
    /// By operator: of an export who asked for it, of a download who got it.
    Operator,
    /// The same for these; all others are one, without a number.
    SomeOperators(Vec<OperatorId>),
}

/// A sum. What has personal data and what has none are always two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EgressSum {
    /// Beginning of the span, in microseconds since 1970, where spans were asked for.
    pub at: Option<i64>,
    /// Slug of the subject, where subjects were asked for.
    pub subject: Option<String>,
    /// The operator, where operators were asked for.
    pub operator: Option<OperatorId>,
    /// Whether personal data is in it.
    pub has_pii: bool,
    /// How much.
    pub amounts: EgressAmounts,
}

/// How much went out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EgressAmounts {
    /// Exports that were asked for.
    pub exports: i64,
    /// Those of them that failed.
    pub failed: i64,
    /// Those of them that made a file, whether it is still there or not.
    pub files: i64,
    /// Rows in these files.
    pub rows: i64,
    /// Bytes of these files.
    pub bytes: i64,
    /// Downloads that ended, whole or not.
    pub downloads: i64,
    /// Bytes that they sent.
    pub bytes_sent: i64,
}

/// A statement that adds up, and its values.
struct Adding<'a> {
    filter: &'a EgressFilter,
    split: &'a EgressSplit,
    values: Vec<Value>,
}

impl Adding<'_> {
    /// The columns that a sum is of: span, subject, operator, and whether there is personal data.
    fn keys(&mut self, at: &str, operator: &str) -> String {
        let span = match self.split.step_micros {
            Some(step) => {
                self.values.push(step.max(1).into());
                let step = format!("${}", self.values.len());
                format!("{at} - {at} % {step}")
            }
            None => "cast(null as bigint)".to_owned(),
        };
        let subject = match self.split.by {
            EgressBy::Subject => "j.subject",
            EgressBy::Nothing | EgressBy::Operator | EgressBy::SomeOperators(_) => {
                "cast(null as text)"
            }
        };
        let operator = match &self.split.by {
            EgressBy::Nothing | EgressBy::Subject => "cast(null as bigint)".to_owned(),
            EgressBy::Operator => operator.to_owned(),
            EgressBy::SomeOperators(some) => {
                let numbers = some.iter().map(|one| one.0);
                let is_one = among_numbers(operator, numbers, &mut self.values);
                format!("case when {is_one} then {operator} end")
            }
        };
        format!("{span} as at, {subject} as subject, {operator} as operator, j.has_pii as has_pii")
    }

    /// The conditions: what may be seen, and when it was.
    fn conditions(&mut self, at: &str) -> String {
        let EgressFilter { owner, subjects, within } = self.filter;
        let slugs = subjects.iter().map(String::as_str);
        let mut wanted = vec![among("j.subject", slugs, &mut self.values)];
        let mut want = |condition: &str, value: i64| {
            self.values.push(value.into());
            wanted.push(format!("{condition} ${}", self.values.len()));
        };
        want(&format!("{at} >="), within.start);
        want(&format!("{at} <"), within.end);
        if let Some(owner) = owner {
            want("j.created_by =", owner.0);
        }
        wanted.join(" and ")
    }
}

impl Store {
    /// Exports that were asked for, added up; and the files that they made.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn exports_made(
        &self,
        filter: &EgressFilter,
        split: &EgressSplit,
    ) -> Result<Vec<EgressSum>, StoreError> {
        let mut adding = Adding { filter, split, values: Vec::new() };
        let keys = adding.keys("j.created_at", "j.created_by");
        let wanted = adding.conditions("j.created_at");
        let sql = format!(
            "select {keys}, count(*) as exports, \
                 cast(sum(case when j.status = 'failed' then 1 else 0 end) as bigint) as failed, \
                 cast(sum(case when j.artifact_key is null then 0 else 1 end) as bigint) as files, \
                 cast(sum(case when j.artifact_key is null then 0 else j.rows_done end) as bigint) \
                     as rows_out, \
                 cast(sum(coalesce(j.size_bytes, 0)) as bigint) as bytes_out \
             from jobs j where {wanted} group by 1, 2, 3, 4 order by 1, 2, 3, 4 limit {SUMS_MAX}"
        );
        let made = |row: &QueryResult| -> Result<_, StoreError> {
            Ok(EgressAmounts {
                exports: get(row, "exports")?,
                failed: get(row, "failed")?,
                files: get(row, "files")?,
                rows: get(row, "rows_out")?,
                bytes: get(row, "bytes_out")?,
                ..EgressAmounts::default()
            })
        };
        let rows = self.ask(&sql, adding.values).await?;
        rows.iter().map(|row| sum_of(row, made(row)?)).collect()
    }

    /// Downloads that ended, added up: as far back as the activity log goes.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn downloads_ended(
        &self,
        filter: &EgressFilter,
        split: &EgressSplit,
    ) -> Result<Vec<EgressSum>, StoreError> {
        let bytes = bytes_named(self.inner.kind, "a.entry");
        let mut adding = Adding { filter, split, values: Vec::new() };
        let keys = adding.keys("a.at", "a.operator_id");
        let wanted = adding.conditions("a.at");
        let sql = format!(
            "select {keys}, count(*) as downloads, \
                 cast(coalesce(sum({bytes}), 0) as bigint) as bytes_sent \
             from activity a join jobs j on j.id = a.job_id \
             where a.action = 'download.finished' and a.outcome = 'done' and {wanted} \
             group by 1, 2, 3, 4 order by 1, 2, 3, 4 limit {SUMS_MAX}"
        );
        let sent = |row: &QueryResult| -> Result<_, StoreError> {
            Ok(EgressAmounts {
                downloads: get(row, "downloads")?,
                bytes_sent: get(row, "bytes_sent")?,
                ..EgressAmounts::default()
            })
        };
        let rows = self.ask(&sql, adding.values).await?;
        rows.iter().map(|row| sum_of(row, sent(row)?)).collect()
    }

    /// When the oldest entry was made that is still in the log, where older ones were archived.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn log_begins(&self) -> Result<Option<i64>, StoreError> {
        const FIRST: &str = "select seq, at from activity order by seq limit 1";
        let Some(row) = self.ask_one(FIRST, []).await? else { return Ok(None) };
        Ok((get::<i64>(&row, "seq")? > 1).then_some(get(&row, "at")?))
    }
}

fn sum_of(row: &QueryResult, amounts: EgressAmounts) -> Result<EgressSum, StoreError> {
    Ok(EgressSum {
        at: get(row, "at")?,
        subject: get(row, "subject")?,
        operator: get::<Option<i64>>(row, "operator")?.map(OperatorId),
        has_pii: get::<i64>(row, "has_pii")? == 1,
        amounts,
    })
}
