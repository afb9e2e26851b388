//! Exports with who took their files: what a report of the log is made from.

use std::ops::Range;

use sea_orm::Value;
use tidegate_model::{ids::JobId, job::Job};

use super::{
    activity::{bytes_named, has_field},
    among,
    jobs::job_of,
};
use crate::{connection::Store, error::StoreError, sql::get};

/// Which exports.
#[derive(Clone, Debug)]
pub struct TakenFilter {
    /// Of these subjects.
    pub subjects: Vec<String>,
    /// Asked for, or downloaded, by whom: a mail address.
    pub person: Option<String>,
    /// With this field.
    pub field: Option<String>,
    /// This one.
    pub job: Option<JobId>,
    /// With personal data, or without.
    pub has_pii: Option<bool>,
    /// Asked for within this time.
    pub created: Range<i64>,
}

/// An export, and who took its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// The export.
    pub job: Job,
    /// Mail address of whoever asked for it.
    pub asked_by: String,
    /// Text of the entry that it was asked for by; none where that was archived.
    pub entry: Option<String>,
    /// Downloads that began.
    pub downloads: i64,
    /// Bytes that were sent.
    pub bytes_sent: i64,
    /// When the first download began, and the last one.
    pub between: Option<(i64, i64)>,
    /// Mail addresses of whoever downloaded it.
    pub taken_by: Vec<String>,
}

/// Downloads of each job, as one row.
const DOWNLOADS: &str = "\
    select job_id, \
        sum(case when action = 'download.started' then 1 else 0 end) as downloads, \
        min(case when action = 'download.started' then at end) as first_at, \
        max(case when action = 'download.started' then at end) as last_at, \
        coalesce(sum(case when action = 'download.finished' then {bytes} end), 0) as bytes_sent, \
        {names} as taken_by \
    from activity \
    where action in ('download.started', 'download.finished') and outcome = 'done' \
    group by job_id";

impl Store {
    /// Exports with who took their files, by number, from one on.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn taken(&self, filter: &TakenFilter, limit: u32) -> Result<Vec<Taken>, StoreError> {
        let kind = self.inner.kind;
        // Addresses have no space.
        let names = match kind {
            crate::StoreKind::Sqlite => "group_concat(name, ' ')",
            crate::StoreKind::Postgres => "string_agg(name, ' ')",
        };
        let downloads =
            DOWNLOADS.replace("{bytes}", &bytes_named(kind, "entry")).replace("{names}", names);
        let (wanted, mut values) = self.wanted(filter);
        values.push(i64::from(limit).into());
        let sql = format!(
            "select j.*, o.email as asked_by, \
                 (select a.entry from activity a where a.job_id = j.id \
                     and a.action in ('export.created', 'schedule.fired', 'schedule.run') \
                     and a.outcome = 'done' \
                     order by a.seq limit 1) as asked, \
                 cast(coalesce(d.downloads, 0) as bigint) as downloads, \
                 cast(coalesce(d.bytes_sent, 0) as bigint) as bytes_sent, \
                 d.first_at, d.last_at, d.taken_by \
             from jobs j join operators o on o.id = j.created_by \
                 left join ({downloads}) d on d.job_id = j.id \
             where {wanted} order by j.id limit ${}",
            values.len()
        );
        let rows = self.ask(&sql, values).await?;
        let taken = rows.iter().map(|row| {
            let at = |column| get::<Option<i64>>(row, column);
            let names: Option<String> = get(row, "taken_by")?;
            let mut taken_by: Vec<String> =
                names.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
            taken_by.sort();
            taken_by.dedup();
            Ok(Taken {
                job: job_of(row)?,
                asked_by: get(row, "asked_by")?,
                entry: get(row, "asked")?,
                downloads: get(row, "downloads")?,
                bytes_sent: get(row, "bytes_sent")?,
                between: at("first_at")?.zip(at("last_at")?),
                taken_by,
            })
        });
        taken.collect()
    }

    fn wanted(&self, filter: &TakenFilter) -> (String, Vec<Value>) {
        let mut values: Vec<Value> = Vec::new();
        let slugs = filter.subjects.iter().map(String::as_str);
        let mut wanted = vec![among("j.subject", slugs, &mut values)];
        let mut want = |condition: &str, value: Value| {
            values.push(value);
            wanted.push(condition.replace("$?", &format!("${}", values.len())));
        };
        want("j.created_at >= $?", filter.created.start.into());
        want("j.created_at < $?", filter.created.end.into());
        if let Some(job) = filter.job {
            want("j.id = $?", job.0.into());
        }
        if let Some(has_pii) = filter.has_pii {
            want("j.has_pii = $?", i64::from(has_pii).into());
        }
        if let Some(field) = &filter.field {
            want(&has_field(self.inner.kind, "j.fields"), field.as_str().into());
        }
        if let Some(person) = &filter.person {
            const BY: &str = "(o.email = $? or exists (select 1 from activity a \
                where a.job_id = j.id and a.name = $? and a.action = 'download.started' \
                    and a.outcome = 'done'))";
            want(BY, person.as_str().into());
        }
        (wanted.join(" and "), values)
    }
}
