//! The activity log, its checkpoints, and how far it was streamed out.

use std::collections::BTreeMap;

use sea_orm::{QueryResult, Value};
use tidegate_model::{
    actor::Actor,
    audit::{Outcome, SignedCheckpoint, StoredEntry},
    ids::JobId,
};

pub use tidegate_model::audit::EntryColumns;

use crate::{
    connection::{Store, StoreKind},
    error::StoreError,
    query::{among, among_numbers},
    sql::get,
};

/// Entries of a page at most.
pub(crate) const PAGE_ENTRIES_MAX: u32 = 1_000;

/// Which entries to list.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    /// By whom: a kind of actor, or a name.
    pub actor: Option<String>,
    /// About which job.
    pub job: Option<JobId>,
    /// About which subject.
    pub subject: Option<String>,
    /// About an export of this field.
    pub field: Option<String>,
    /// Of which action, `export.created`, or group of actions, `export`.
    pub action: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Done or denied.
    pub outcome: Option<Outcome>,
    /// Not before this moment, in microseconds since 1970.
    pub from: Option<i64>,
    /// Before this moment.
    pub to: Option<i64>,
    /// About nothing else than these subjects, and jobs of them, or no subject at all. None means
    /// all.
    pub subjects_seen: Option<Vec<String>>,
}

/// Order of a list of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EntrySort {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

impl EntryFilter {
    /// The conditions, each with its values.
    fn conditions(&self, kind: StoreKind, values: &mut Vec<Value>) -> Vec<String> {
        let mut wanted = vec!["1 = 1".to_owned()];
        let mut want = |condition: &str, value: Value| {
            values.push(value);
            wanted.push(condition.replace("$?", &format!("${}", values.len())));
        };
        if let Some(actor) = &self.actor {
            // Without the alternative, an index finds the few entries of a name.
            match Actor::SLUGS.contains(&actor.as_str()) {
                true => want("(actor = $? or name = $?)", actor.clone().into()),
                false => want("name = $?", actor.clone().into()),
            }
        }
        if let Some(job) = self.job {
            want("job_id = $?", job.0.into());
        }
        if let Some(subject) = &self.subject {
            want("subject = $?", subject.clone().into());
        }
        if let Some(field) = &self.field {
            let has_field = has_field(kind, "jobs.fields");
            let of = format!(
                "exists (select 1 from jobs where jobs.id = activity.job_id and {has_field})"
            );
            want(&of, field.clone().into());
        }
        if let Some(action) = &self.action {
            match action.contains('.') {
                true => want("action = $?", action.clone().into()),
                false => want(LIKE_ACTION, format!("{}.%", letters(action)).into()),
            }
        }
        if let Some(tag) = &self.tag {
            want(LIKE_TAGS, format!("% {} %", letters(tag)).into());
        }
        if let Some(outcome) = self.outcome {
            want("outcome = $?", outcome.slug().into());
        }
        if let Some(from) = self.from {
            want("at >= $?", from.into());
        }
        if let Some(to) = self.to {
            want("at < $?", to.into());
        }
        if let Some(subjects) = &self.subjects_seen {
            let of_entry = among("subject", subjects.iter().map(String::as_str), values);
            let of_job = among("jobs.subject", subjects.iter().map(String::as_str), values);
            // Some entries name the job alone.
            wanted.push(format!(
                "(subject is null or {of_entry}) and (job_id is null or exists \
                 (select 1 from jobs where jobs.id = activity.job_id and {of_job}))"
            ));
        }
        wanted
    }
}

/// Whether a job's fields, a list as in a request, have one of the slug `$?`.
pub(crate) fn has_field(kind: StoreKind, fields: &str) -> String {
    match kind {
        StoreKind::Sqlite => format!(
            "exists (select 1 from json_each({fields}) field where case field.type \
             when 'object' then json_extract(field.value, '$.slug') else field.value end = $?)"
        ),
        StoreKind::Postgres => format!(
            "exists (select 1 from jsonb_array_elements(cast({fields} as jsonb)) field \
             where coalesce(field ->> 'slug', field #>> '{{}}') = $?)"
        ),
    }
}

/// Bytes that the entry of a download's end names. One that was made unreadable names none.
pub(crate) fn bytes_named(kind: StoreKind, entry: &str) -> String {
    match kind {
        StoreKind::Sqlite => format!(
            "case when json_valid({entry}) then json_extract({entry}, '$.details.bytes') end"
        ),
        StoreKind::Postgres => {
            format!(r#"cast(substring({entry} from '"bytes":([0-9]{{1,18}})[,}}]') as bigint)"#)
        }
    }
}

const LIKE_ACTION: &str = r"action like $? escape '\'";
/// Few entries have a tag, and an index has these alone.
const LIKE_TAGS: &str = r"tags <> '' and ' ' || tags || ' ' like $? escape '\'";

/// A text for `like` in which every letter is itself.
fn letters(text: &str) -> String {
    text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_")
}

/// The question for a list of entries.
pub(crate) fn list(
    kind: StoreKind,
    filter: &EntryFilter,
    (sort, behind): (EntrySort, Option<i64>),
    limit: u32,
) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = Vec::new();
    let mut wanted = filter.conditions(kind, &mut values);
    let (comparison, order) = match sort {
        EntrySort::Newest => ("<", "desc"),
        EntrySort::Oldest => (">", "asc"),
    };
    if let Some(behind) = behind {
        values.push(behind.into());
        wanted.push(format!("seq {comparison} ${}", values.len()));
    }
    values.push(i64::from(limit.clamp(1, PAGE_ENTRIES_MAX)).into());
    let sql = format!(
        "select * from activity where {} order by seq {order} limit ${}",
        wanted.join(" and "),
        values.len()
    );
    (sql, values)
}

impl Store {
    /// Entries behind a number, oldest first, with what their rows say.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn entries(
        &self,
        behind: i64,
        limit: u32,
    ) -> Result<Vec<(StoredEntry, EntryColumns)>, StoreError> {
        const ENTRIES: &str = "select * from activity where seq > $1 order by seq limit $2";
        let limit = i64::from(limit.clamp(1, PAGE_ENTRIES_MAX));
        let rows = self.ask(ENTRIES, [behind.into(), limit.into()]).await?;
        rows.iter().map(|row| Ok((stored_of(row)?, columns_of(row)?))).collect()
    }

    /// Entries that fit a filter, in this order, behind a number.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn list_entries(
        &self,
        filter: &EntryFilter,
        sort: EntrySort,
        behind: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let (sql, values) = list(self.inner.kind, filter, (sort, behind), limit);
        self.ask(&sql, values).await?.iter().map(stored_of).collect()
    }

    /// What was noted of downloads of a job's file, the newest first: that they began, and how they
    /// ended.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn download_entries(
        &self,
        job: JobId,
        limit: u32,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        const DOWNLOADS: &str = "\
            select * from activity \
            where job_id = $1 and action in ('download.started', 'download.finished') \
                and outcome = 'done' \
            order by seq desc limit $2";
        let limit = i64::from(limit.clamp(1, PAGE_ENTRIES_MAX));
        let rows = self.ask(DOWNLOADS, [job.0.into(), limit.into()]).await?;
        rows.iter().map(stored_of).collect()
    }

    /// How often downloads of these jobs' files began; none of it, no mention.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn download_counts(
        &self,
        jobs: &[JobId],
    ) -> Result<BTreeMap<JobId, i64>, StoreError> {
        let mut values: Vec<Value> = Vec::new();
        let wanted = among_numbers("job_id", jobs.iter().map(|job| job.0), &mut values);
        let sql = format!(
            "select job_id, count(*) as n from activity \
             where {wanted} and action = 'download.started' and outcome = 'done' group by job_id"
        );
        let rows = self.ask(&sql, values).await?;
        rows.iter().map(|row| Ok((JobId(get(row, "job_id")?), get(row, "n")?))).collect()
    }

    /// Number and hash of the last entry.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn head(&self) -> Result<(i64, String), StoreError> {
        const HEAD: &str = "select seq, hash from activity_head where id = 1";
        let row = self.ask_one(HEAD, []).await?;
        let row = row.ok_or(StoreError::Corrupt { what: "head of the activity log" })?;
        Ok((get(&row, "seq")?, get(&row, "hash")?))
    }

    /// Rows of the log that are numbered up to `seq`, or not numbered at all. The chain has that
    /// many entries; what is more does not belong to it.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn count_entries(&self, seq: i64) -> Result<i64, StoreError> {
        const COUNT: &str = "select count(*) as n from activity where seq is null or seq <= $1";
        let row = self.ask_one(COUNT, [seq.into()]).await?;
        get(&row.ok_or(StoreError::Corrupt { what: "count" })?, "n")
    }

    /// The checkpoint that was kept last.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn last_checkpoint(&self) -> Result<Option<SignedCheckpoint>, StoreError> {
        const LAST: &str = "\
            select document, key_id, signature from checkpoints order by number desc limit 1";
        self.ask_one(LAST, []).await?.as_ref().map(checkpoint_of).transpose()
    }

    /// The checkpoints that stand in the database behind a number, oldest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn checkpoints(
        &self,
        behind: i64,
        limit: u32,
    ) -> Result<Vec<(i64, SignedCheckpoint)>, StoreError> {
        const CHECKPOINTS: &str = "\
            select number, document, key_id, signature from checkpoints \
            where number > $1 order by number limit $2";
        let limit = i64::from(limit.clamp(1, PAGE_ENTRIES_MAX));
        let rows = self.ask(CHECKPOINTS, [behind.into(), limit.into()]).await?;
        rows.iter().map(|row| Ok((get(row, "number")?, checkpoint_of(row)?))).collect()
    }

    /// Number of the last entry that a sink is known to have.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn streamed(&self, sink: &str) -> Result<i64, StoreError> {
        const STREAMED: &str = "select seq from streamed where sink = $1";
        let row = self.ask_one(STREAMED, [sink.into()]).await?;
        row.map_or(Ok(0), |row| get(&row, "seq"))
    }
}

fn checkpoint_of(row: &QueryResult) -> Result<SignedCheckpoint, StoreError> {
    Ok(SignedCheckpoint {
        checkpoint: get(row, "document")?,
        key: get(row, "key_id")?,
        signature: get(row, "signature")?,
    })
}

fn stored_of(row: &QueryResult) -> Result<StoredEntry, StoreError> {
    Ok(StoredEntry {
        seq: get(row, "seq")?,
        prev: get(row, "prev")?,
        hash: get(row, "hash")?,
        text: get(row, "entry")?,
    })
}

fn columns_of(row: &QueryResult) -> Result<EntryColumns, StoreError> {
    Ok(EntryColumns {
        at: get(row, "at")?,
        commit: get(row, "commit_id")?,
        action: get(row, "action")?,
        outcome: get(row, "outcome")?,
        actor: get(row, "actor")?,
        operator: get(row, "operator_id")?,
        name: get(row, "name")?,
        subject: get(row, "subject")?,
        job: get(row, "job_id")?,
        tags: get(row, "tags")?,
    })
}
