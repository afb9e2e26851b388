//! Links to files, and what is sent by them.

use serde_json::json;
use tidegate_model::{
    action::Action,
    ids::{JobId, LinkId},
    policy::Permit,
    status::Status,
};

use super::{Applied, status_of, target_job};
use crate::{
    error::StoreError,
    sql::{Tx, get},
};

/// A change of links.
#[derive(Clone, Debug)]
pub enum LinkChange {
    /// Makes a link for the caller.
    Make {
        /// 128 random bits that the link carries.
        nonce: String,
        /// Microseconds that it lives.
        life_micros: i64,
        /// Whether whoever holds it may use it.
        is_bearer: bool,
    },
    /// Takes a link back.
    Revoke(LinkId),
}

pub(super) async fn link(
    tx: &Tx,
    permit: &Permit,
    change: LinkChange,
) -> Result<Applied, StoreError> {
    let job = target_job(permit)?;
    match change {
        LinkChange::Make { nonce, life_micros, is_bearer } => {
            refuse_unless_whole(tx, job).await?;
            let operator =
                permit.caller().operator().ok_or(StoreError::Missing { what: "operator" })?;
            let expires_at = tx.now.saturating_add(life_micros);
            const MAKE: &str = "\
                insert into links (job_id, operator_id, nonce, is_bearer, created_at, expires_at) \
                values ($1, $2, $3, $4, $5, $6) returning id";
            let values = [
                job.0.into(),
                operator.0.into(),
                nonce.into(),
                i64::from(is_bearer).into(),
                tx.now.into(),
                expires_at.into(),
            ];
            let row = tx.row(MAKE, values).await?.ok_or(StoreError::Corrupt { what: "link" })?;
            let details =
                json!({ "is_bearer": is_bearer, "life_seconds": life_micros / 1_000_000 });
            Ok(Applied::one(Action::DownloadLink, Some(job), details).made(get(&row, "id")?))
        }
        LinkChange::Revoke(link) => {
            const REVOKE: &str = "\
                update links set revoked_at = $3 \
                where id = $1 and job_id = $2 and revoked_at is null";
            if tx.execute(REVOKE, [link.0.into(), job.0.into(), tx.now.into()]).await? == 0 {
                return Err(StoreError::Missing { what: "link" });
            }
            let details = json!({ "revoked": link });
            Ok(Applied::one(Action::DownloadLink, Some(job), details))
        }
    }
}

/// A file that is ready, and in which no fault was found.
async fn refuse_unless_whole(tx: &Tx, job: JobId) -> Result<(), StoreError> {
    const WHOLE: &str =
        "select 1 as whole from jobs where id = $1 and status = 'ready' and fault is null";
    match tx.row(WHOLE, [job.0.into()]).await? {
        Some(_) => Ok(()),
        None => Err(match status_of(tx, job).await? {
            Status::Ready => StoreError::Missing { what: "whole file" },
            status => StoreError::Conflict { status },
        }),
    }
}

/// Durable before the first byte is sent.
pub(super) async fn started(
    tx: &Tx,
    job: JobId,
    link: i64,
    range: Option<(u64, u64)>,
) -> Result<Applied, StoreError> {
    const ALIVE: &str = "\
        select 1 as alive from links \
        where id = $1 and job_id = $2 and revoked_at is null and expires_at > $3";
    refuse_unless_whole(tx, job).await?;
    if tx.row(ALIVE, [link.into(), job.0.into(), tx.now.into()]).await?.is_none() {
        return Err(StoreError::Missing { what: "link" });
    }
    let details = json!({ "link": link, "range": range });
    Ok(Applied::one(Action::DownloadStart, Some(job), details))
}
