//! Ends the life of a file: the state first, the object after that.

use serde_json::json;
use tidegate_model::{action::Action, ids::JobId, notice::Topic, status::Status};

use super::{Applied, note_transition, outbox::tell, status_of};
use crate::{error::StoreError, sql::Tx};

/// From the commit on, nobody can download it, and links to it are dead.
pub(super) async fn delete(tx: &Tx, job: JobId) -> Result<Applied, StoreError> {
    const REVOKE: &str =
        "update links set revoked_at = $2 where job_id = $1 and revoked_at is null";
    end(tx, job, Status::Deleted).await?;
    tx.execute(REVOKE, [job.0.into(), tx.now.into()]).await?;
    Ok(Applied::one(Action::ArtifactDelete, Some(job), json!({})))
}

/// Only a file whose time has come by the database's clock, too.
pub(super) async fn expire(tx: &Tx, job: JobId) -> Result<Applied, StoreError> {
    end(tx, job, Status::Expired).await?;
    tell(tx, Topic::ExportExpired, Some(job), json!({})).await?;
    Ok(Applied::one(Action::JobExpire, Some(job), json!({})))
}

async fn end(tx: &Tx, job: JobId, to: Status) -> Result<(), StoreError> {
    const END: &str = "\
        update jobs set status = $2 \
        where id = $1 and status = 'ready' and ($2 <> 'expired' or expires_at <= $3)";
    let status = status_of(tx, job).await?;
    if tx.execute(END, [job.0.into(), to.slug().into(), tx.now.into()]).await? == 0 {
        return Err(StoreError::Conflict { status });
    }
    note_transition(tx, job, Status::Ready, to).await
}

pub(super) async fn purged(tx: &Tx, job: JobId) -> Result<Applied, StoreError> {
    const PURGED: &str = "\
        update jobs set purged_at = $2 \
        where id = $1 and status in ('expired', 'deleted') and purged_at is null";
    if tx.execute(PURGED, [job.0.into(), tx.now.into()]).await? == 0 {
        return Err(StoreError::Conflict { status: status_of(tx, job).await? });
    }
    Ok(Applied::one(Action::ArtifactPurge, Some(job), json!({})))
}

pub(super) async fn fault(tx: &Tx, job: JobId, fault: String) -> Result<Applied, StoreError> {
    const FAULT: &str = "\
        update jobs set fault = $2 where id = $1 and status = 'ready' and fault is null";
    if tx.execute(FAULT, [job.0.into(), fault.clone().into()]).await? == 0 {
        return Err(StoreError::Conflict { status: status_of(tx, job).await? });
    }
    tell(tx, Topic::ArtifactFault, Some(job), json!({ "fault": fault })).await?;
    Ok(Applied::one(Action::ArtifactFault, Some(job), json!({ "fault": fault })))
}
