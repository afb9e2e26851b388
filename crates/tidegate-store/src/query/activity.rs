//! The activity log, its checkpoints, and how far it was streamed out.

use sea_orm::{ConnectionTrait, QueryResult, Value};
use tidegate_model::{
    audit::{SignedCheckpoint, StoredEntry},
    ids::{JobId, OperatorId},
};

use crate::{
    connection::Store,
    error::StoreError,
    sql::{get, statement},
};

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

/// What an entry's row says beside its text: to be compared with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryColumns {
    /// When, in microseconds.
    pub at: i64,
    /// Commit.
    pub commit: String,
    /// Action.
    pub action: String,
    /// `done` or `denied`.
    pub outcome: String,
    /// Kind of actor.
    pub actor: String,
    /// Operator.
    pub operator: Option<i64>,
    /// Name.
    pub name: String,
    /// Subject.
    pub subject: Option<String>,
    /// Job.
    pub job: Option<i64>,
    /// Tags, with spaces between.
    pub tags: String,
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
            want("' ' || tags || ' ' like $?", format!("% {tag} %").into());
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

    /// Keeps a signed checkpoint beside the log. What counts is the copy outside the database.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn keep_checkpoint(
        &self,
        seq: i64,
        signed: &SignedCheckpoint,
    ) -> Result<(), StoreError> {
        let now = self.inner.kind.now();
        let sql = format!(
            "insert into checkpoints (seq, at, document, key_id, signature) \
             values ($1, {now}, $2, $3, $4)"
        );
        let values = [
            seq.into(),
            signed.checkpoint.clone().into(),
            signed.key.clone().into(),
            signed.signature.clone().into(),
        ];
        let writer = &self.inner.writer;
        writer.execute_raw(statement(writer, &sql, values)).await?;
        Ok(())
    }

    /// The checkpoints that stand in the database, oldest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn checkpoints(&self) -> Result<Vec<SignedCheckpoint>, StoreError> {
        const CHECKPOINTS: &str = "select document, key_id, signature from checkpoints order by id";
        let rows = self.ask(CHECKPOINTS, []).await?;
        let signed = rows.iter().map(|row| {
            Ok(SignedCheckpoint {
                checkpoint: get(row, "document")?,
                key: get(row, "key_id")?,
                signature: get(row, "signature")?,
            })
        });
        signed.collect()
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

    /// Notes that a sink has all entries up to a number.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn note_streamed(&self, sink: &str, seq: i64) -> Result<(), StoreError> {
        const NOTE: &str = "\
            insert into streamed (sink, seq) values ($1, $2) \
            on conflict (sink) do update set seq = excluded.seq";
        let writer = &self.inner.writer;
        writer.execute_raw(statement(writer, NOTE, [sink.into(), seq.into()])).await?;
        Ok(())
    }
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
