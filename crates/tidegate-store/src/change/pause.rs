//! Begins and ends pauses of egress; what a pause holds back is not made, claimed or sent.

use sea_orm::SqlErr;
use serde_json::json;
use tidegate_model::{
    action::Action,
    notice::Topic,
    pause::{Pause, pause_of},
    policy::Permit,
};

use super::{Applied, outbox::tell, people::raise_policy};
use crate::{
    error::StoreError,
    query::pauses::pause_of_row,
    sql::{Tx, get, get_json, json as text},
};

/// A change of pauses. The subject is the permit's; without one it is about everything.
#[derive(Clone, Debug)]
pub enum PauseChange {
    /// Begins one: what is being built is cancelled.
    Begin {
        /// Why.
        reason: String,
    },
    /// Ends the one that there is.
    End,
}

impl PauseChange {
    pub(super) fn actions(&self) -> &'static [Action] {
        match self {
            Self::Begin { .. } => &[Action::EgressPause],
            Self::End => &[Action::EgressResume],
        }
    }
}

pub(super) async fn pause(
    tx: &Tx,
    permit: &Permit,
    change: PauseChange,
) -> Result<Applied, StoreError> {
    match change {
        PauseChange::Begin { reason } => begin(tx, permit, reason).await,
        PauseChange::End => end(tx, permit).await,
    }
}

async fn begin(tx: &Tx, permit: &Permit, reason: String) -> Result<Applied, StoreError> {
    const BEGIN: &str = "\
        insert into pauses (subject, reason, paused_by, paused_at) values ($1, $2, $3, $4) \
        returning id";
    // Whoever builds hears of it within a heartbeat; what nobody builds, upkeep ends.
    const CANCEL: &str = "\
        update jobs set cancel_requested = 1 \
        where status = 'building' and cancel_requested = 0 and ($1 is null or subject = $1)";
    let subject = permit.target().subject.clone();
    let operator = permit.caller().operator().ok_or(StoreError::Missing { what: "operator" })?;
    let values = [subject.clone().into(), reason.clone().into(), operator.0.into(), tx.now.into()];
    let made = tx.row(BEGIN, values).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::Exists { what: "pause" },
        _ => error.into(),
    })?;
    let id: i64 = get(&made.ok_or(StoreError::Corrupt { what: "new pause" })?, "id")?;
    keep_beside_policy(tx).await?;
    let cancelled = tx.execute(CANCEL, [subject.clone().into()]).await?;
    let payload = json!({ "subject": subject, "reason": reason, "by": permit.caller().name });
    tell(tx, Topic::EgressPaused, None, payload).await?;
    let details = json!({ "reason": reason, "cancelled": cancelled });
    Ok(Applied::one(permit.action(), None, details).made(id))
}

async fn end(tx: &Tx, permit: &Permit) -> Result<Applied, StoreError> {
    const END: &str = "\
        update pauses set ended_by = $2, ended_at = $3 \
        where coalesce(subject, '') = $1 and ended_at is null returning id, reason, paused_at";
    let subject = permit.target().subject.clone();
    let operator = permit.caller().operator().ok_or(StoreError::Missing { what: "operator" })?;
    let values = [subject.clone().unwrap_or_default().into(), operator.0.into(), tx.now.into()];
    let ended = tx.row(END, values).await?.ok_or(StoreError::Missing { what: "pause" })?;
    keep_beside_policy(tx).await?;
    let payload = json!({ "subject": subject, "by": permit.caller().name });
    tell(tx, Topic::EgressResumed, None, payload).await?;
    let details = json!({
        "pause": get::<i64>(&ended, "id")?,
        "reason": get::<String>(&ended, "reason")?,
        "paused_at": get::<i64>(&ended, "paused_at")?,
    });
    Ok(Applied::one(permit.action(), None, details))
}

/// Writes the pauses beside the policy's version, and raises that: whoever was asked before has to
/// ask again, workers and downloads among them.
async fn keep_beside_policy(tx: &Tx) -> Result<(), StoreError> {
    const OPEN: &str = "\
        select p.id, p.subject, p.reason, p.paused_by, o.email, p.paused_at \
        from pauses p join operators o on o.id = p.paused_by \
        where p.ended_at is null order by p.id";
    const KEEP: &str = "update policy set pauses = $1 where id = 1";
    let mut open = Vec::new();
    for row in tx.rows(OPEN, []).await? {
        open.push(pause_of_row(&row)?);
    }
    tx.execute(KEEP, [text(&open).into()]).await?;
    raise_policy(tx).await
}

/// The pauses of this moment.
pub(crate) async fn pauses(tx: &Tx) -> Result<Vec<Pause>, StoreError> {
    let row = tx.row("select pauses from policy where id = 1", []).await?;
    get_json(&row.ok_or(StoreError::Corrupt { what: "policy" })?, "pauses", "list of pauses")
}

/// Refuses what was allowed before a pause began that holds it back.
pub(crate) async fn refuse_paused(tx: &Tx, subject: &str) -> Result<(), StoreError> {
    match pause_of(&pauses(tx).await?, subject) {
        None => Ok(()),
        Some(_) => Err(StoreError::PolicyChanged),
    }
}
