//! The end of the log's chain, and the entries that are appended to it.

use chrono::{DateTime, SecondsFormat};
use sea_orm::ConnectionTrait;
use serde_json::Value;
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    audit::{ENTRY_VERSION, Entry, Outcome, hash_of},
    ids::JobId,
    policy::{Denied, PII_TAG, Permit},
};

use crate::{
    connection::Connections,
    error::StoreError,
    sql::{Tx, get, statement},
};

/// An entry of a change, to be appended.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) action: Action,
    pub(crate) job: Option<JobId>,
    pub(crate) details: Value,
}

/// Member of an entry's details with the number of what was made.
pub(crate) const MADE: &str = "id";

/// What all entries of a commit have in common.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    caller: Caller,
    pub(crate) target: Target,
    outcome: Outcome,
    policy_version: i64,
    /// Random word by which a commit is found that was not confirmed.
    pub(crate) commit: String,
}

impl Stamp {
    pub(crate) fn of_permit(permit: &Permit, commit: String) -> Self {
        Self {
            caller: permit.caller().clone(),
            target: permit.target().clone(),
            outcome: Outcome::Done,
            policy_version: permit.policy_version(),
            commit,
        }
    }

    pub(crate) fn of_denied(denied: &Denied, commit: String) -> Self {
        Self {
            caller: denied.caller().clone(),
            target: denied.target().clone(),
            outcome: Outcome::Denied,
            policy_version: denied.policy_version(),
            commit,
        }
    }
}

/// The end of the chain, locked until the transaction ends.
#[derive(Clone)]
pub(crate) struct Head {
    pub(crate) seq: i64,
    hash: String,
}

impl Head {
    pub(crate) async fn lock(tx: &mut Tx, connections: &Connections) -> Result<Self, StoreError> {
        let sql = format!(
            "select seq, hash, {} as now from activity_head where id = 1{}",
            connections.now(),
            connections.kind.for_update(),
        );
        let row = tx.inner.query_one_raw(statement(&tx.inner, &sql, [])).await?;
        let row = row.ok_or(StoreError::Corrupt { what: "head of the activity log" })?;
        tx.now = get(&row, "now")?;
        let head = Self { seq: get(&row, "seq")?, hash: get(&row, "hash")? };
        tx.next_seq = head.seq + 1;
        Ok(head)
    }

    /// Appends an entry. The head itself is saved once, at the end.
    pub(crate) async fn append(
        &mut self,
        tx: &Tx,
        stamp: &Stamp,
        line: Line,
        id: Option<i64>,
    ) -> Result<(), StoreError> {
        const APPEND: &str = "\
            insert into activity (seq, prev, hash, at, commit_id, action, outcome, actor, \
                operator_id, name, subject, job_id, tags, entry) \
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
        let entry = self.entry_of(tx.now, stamp, line, id);
        let text = entry.text();
        let hash = hash_of(&text);
        let outcome = match entry.outcome {
            Outcome::Done => "done",
            Outcome::Denied => "denied",
        };
        let values = [
            entry.seq.into(),
            entry.prev.into(),
            hash.clone().into(),
            tx.now.into(),
            entry.commit.into(),
            entry.action.into(),
            outcome.into(),
            entry.actor.into(),
            entry.operator.into(),
            entry.name.into(),
            entry.subject.into(),
            entry.job.into(),
            entry.tags.join(" ").into(),
            text.into(),
        ];
        tx.execute(APPEND, values).await?;
        self.seq += 1;
        self.hash = hash;
        Ok(())
    }

    fn entry_of(&self, now: i64, stamp: &Stamp, line: Line, id: Option<i64>) -> Entry {
        let mut details = line.details;
        if let (Some(id), Value::Object(members)) = (id, &mut details) {
            members.insert(MADE.to_owned(), id.into());
        }
        let Stamp { caller, target, .. } = stamp;
        let at = DateTime::from_timestamp_micros(now).unwrap_or_default();
        Entry {
            v: ENTRY_VERSION,
            seq: self.seq + 1,
            prev: self.hash.clone(),
            at: at.to_rfc3339_opts(SecondsFormat::Micros, true),
            commit: stamp.commit.clone(),
            actor: caller.actor.slug().to_owned(),
            operator: caller.operator().map(|id| id.0),
            name: caller.name.clone(),
            role: caller.role.clone(),
            token: caller.actor.token().map(|id| id.0),
            via: caller.via.slug().to_owned(),
            address: caller.address.clone(),
            action: line.action.slug().to_owned(),
            outcome: stamp.outcome,
            subject: target.subject.clone(),
            job: line.job.or(target.job).map(|job| job.0),
            tags: if target.has_pii { vec![PII_TAG.to_owned()] } else { Vec::new() },
            policy: stamp.policy_version,
            details,
        }
    }

    pub(crate) async fn save(&self, tx: &Tx) -> Result<(), StoreError> {
        const SAVE: &str = "update activity_head set seq = $1, hash = $2 where id = 1";
        tx.execute(SAVE, [self.seq.into(), self.hash.clone().into()]).await?;
        Ok(())
    }
}
