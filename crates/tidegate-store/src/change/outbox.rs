//! Leaves word for whoever tells people, in the transaction of the change: it is never forgotten.

use serde_json::{Value, json};
use tidegate_model::{action::Action, ids::JobId, notice::Topic, policy::Permit};

use crate::{
    error::StoreError,
    sql::{Tx, get, json as text},
};

/// Leaves word of something that happened. The payload holds no value of a row and no secret.
pub(crate) async fn tell(
    tx: &Tx,
    topic: Topic,
    job: Option<JobId>,
    payload: Value,
) -> Result<(), StoreError> {
    const TELL: &str =
        "insert into outbox (topic, job_id, payload, created_at) values ($1, $2, $3, $4)";
    let values =
        [topic.slug().into(), job.map(|id| id.0).into(), text(&payload).into(), tx.now.into()];
    tx.execute(TELL, values).await?;
    Ok(())
}

/// Leaves word that personal data leaves, where it does: who does it, and what.
pub(crate) async fn tell_pii(
    tx: &Tx,
    permit: &Permit,
    job: JobId,
    what: Action,
) -> Result<(), StoreError> {
    let target = permit.target();
    if !target.has_pii {
        return Ok(());
    }
    let caller = permit.caller();
    let payload = json!({
        "subject": target.subject,
        "what": what.slug(),
        "operator": caller.operator(),
        "name": caller.name,
        "via": caller.via,
    });
    tell(tx, Topic::EgressPii, Some(job), payload).await
}

/// Leaves word of something that is handed out by hand, to those whom the caller names.
pub(crate) async fn tell_only(tx: &Tx, topic: Topic, payload: Value) -> Result<i64, StoreError> {
    const TELL: &str = "\
        insert into outbox (topic, job_id, payload, created_at, fanned_at) \
        values ($1, null, $2, $3, $3) returning id";
    let row = tx.row(TELL, [topic.slug().into(), text(&payload).into(), tx.now.into()]).await?;
    get(&row.ok_or(StoreError::Corrupt { what: "new notice" })?, "id")
}
