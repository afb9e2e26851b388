//! Begins an action that a site is asked to do, and ends it: one that is asked for twice is one.

use serde_json::Value;
use tidegate_model::{job::Idempotency, policy::Permit};

use super::{Applied, pause::refuse_paused};
use crate::{
    error::StoreError,
    sql::{Tx, get},
};

/// Microseconds for which a run is known beside the log: 90 days.
const KEPT_MICROS: i64 = 90 * 24 * 3_600 * 1_000_000;

/// An action, before it is begun.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Name that people read.
    pub name: String,
    /// Records that it is about.
    pub records: i64,
    /// What makes a second request the same one.
    pub idempotency: Option<Idempotency>,
    /// What its entry says.
    pub details: Value,
}

/// What became of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// In a word.
    pub outcome: &'static str,
    /// Status of the site's answer.
    pub status: Option<u16>,
}

pub(super) async fn begin(tx: &Tx, permit: &Permit, run: NewRun) -> Result<Applied, StoreError> {
    const USED: &str = "select 1 as used from action_runs where operator_id = $1 and key = $2";
    const FORGET: &str = "delete from action_runs where created_at < $1";
    const BEGIN: &str = "\
        insert into action_runs (activity_seq, operator_id, key, request_hash, subject, codename, \
            name, records, created_at) \
        select seq + 1, $1, $2, $3, $4, $5, $6, $7, $8 from activity_head where id = 1 \
        returning id";
    let missing = |what| StoreError::Missing { what };
    let operator = permit.caller().operator().ok_or(missing("operator"))?;
    let target = permit.target();
    let subject = target.subject.clone().ok_or(missing("subject"))?;
    let codename = target.codename.clone().ok_or(missing("action"))?;
    refuse_paused(tx, &subject).await?;
    tx.execute(FORGET, [tx.now.saturating_sub(KEPT_MICROS).into()]).await?;
    let (mut key, mut request_hash) = (None, None);
    if let Some(known) = run.idempotency {
        if tx.row(USED, [operator.0.into(), known.key.clone().into()]).await?.is_some() {
            return Err(StoreError::Exists { what: "request" });
        }
        (key, request_hash) = (Some(known.key), Some(known.request_hash));
    }
    let values = [
        operator.0.into(),
        key.into(),
        request_hash.into(),
        subject.into(),
        codename.into(),
        run.name.into(),
        run.records.into(),
        tx.now.into(),
    ];
    let row = tx.row(BEGIN, values).await?.ok_or(StoreError::Corrupt { what: "new run" })?;
    Ok(Applied::one(permit.action(), None, run.details).made(get(&row, "id")?))
}

/// Notes what became of it.
pub(crate) async fn end(tx: &Tx, seq: i64, end: RunEnd) -> Result<(), StoreError> {
    const END: &str = "\
        update action_runs set outcome = $2, status = $3, ended_at = $4 \
        where activity_seq = $1 and outcome is null";
    let status = end.status.map(i64::from);
    let values = [seq.into(), end.outcome.to_owned().into(), status.into(), tx.now.into()];
    tx.execute(END, values).await?;
    Ok(())
}
