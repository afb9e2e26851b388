//! The activity log, its checkpoints, and how far it was streamed out.

use sea_orm::{QueryResult, Value};
use tidegate_model::{
    audit::{SignedCheckpoint, StoredEntry},
    ids::{JobId, OperatorId},
};

pub use tidegate_model::audit::EntryColumns;

use crate::{connection::Store, error::StoreError, sql::get};

/// Entries of a page at most.
pub(crate) const PAGE_ENTRIES_MAX: u32 = 1_000;

/// Which entries to list.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    /// By whom.
    pub operator: Option<OperatorId>,
    /// About which job.
    pub job: Option<JobId>,
    /// About which subject.
    pub subject: Option<String>,
    /// Of which action.
    pub action: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Not about these subjects.
    pub hidden_subjects: Vec<String>,
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

    /// Entries that fit a filter, newest first, before a number.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn find_entries(
        &self,
        filter: &EntryFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let mut values: Vec<Value> = Vec::new();
        let mut wanted = vec!["1 = 1".to_owned()];
        let mut want = |condition: &str, value: Value| {
            values.push(value);
            wanted.push(condition.replace("$?", &format!("${}", values.len())));
        };
        if let Some(operator) = filter.operator {
            want("operator_id = $?", operator.0.into());
        }
        if let Some(job) = filter.job {
            want("job_id = $?", job.0.into());
        }
        if let Some(subject) = &filter.subject {
            want("subject = $?", subject.clone().into());
        }
        if let Some(action) = &filter.action {
            want("action = $?", action.clone().into());
        }
        if let Some(tag) = &filter.tag {
            let letters = tag.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
            want(r"' ' || tags || ' ' like $? escape '\'", format!("% {letters} %").into());
        }
        for hidden in &filter.hidden_subjects {
            want("(subject is null or subject <> $?)", hidden.clone().into());
        }
        if let Some(before) = before {
            want("seq < $?", before.into());
        }
        values.push(i64::from(limit.clamp(1, PAGE_ENTRIES_MAX)).into());
        let sql = format!(
            "select * from activity where {} order by seq desc limit ${}",
            wanted.join(" and "),
            values.len()
        );
        self.ask(&sql, values).await?.iter().map(stored_of).collect()
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
