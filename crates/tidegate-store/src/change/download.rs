//! Links to files, and what is sent by them.

use serde_json::json;
use tidegate_model::{
    action::Action,
    ids::{JobId, LinkId},
    policy::Permit,
    settings::Settings,
    status::Status,
};

use super::{Applied, outbox::tell_pii, pause::refuse_paused, status_of, target_job};
use crate::{
    error::StoreError,
    sql::{Tx, get, get_json},
};

/// Microseconds within which one link is told of once: a download that is resumed is one.
const TOLD_MICROS: i64 = 60_000_000;

/// A change of links.
#[derive(Clone, Debug)]
pub enum LinkChange {
    /// Makes a link for the caller.
    Make {
        /// 128 random bits that the link carries.
        nonce: String,
        /// Microseconds that it lives; it never outlives the file.
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
            let file_ends = refuse_unless_whole(tx, job).await?;
            if is_bearer && life_micros > bearer_life_max(tx).await? {
                return Err(StoreError::Missing { what: "setting for such bearer links" });
            }
            let operator =
                permit.caller().operator().ok_or(StoreError::Missing { what: "operator" })?;
            let expires_at = tx.now.saturating_add(life_micros).min(file_ends);
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

/// Microseconds that a bearer link may live by the settings of now; 0 where they are off.
async fn bearer_life_max(tx: &Tx) -> Result<i64, StoreError> {
    const SETTINGS: &str = "select document from settings where id = 1";
    let row = tx.row(SETTINGS, []).await?.ok_or(StoreError::Corrupt { what: "row of settings" })?;
    let settings: Settings = get_json(&row, "document", "document of settings")?;
    Ok(settings.bearer_link_hours_max.map_or(0, |hours| hours.micros()))
}

/// Takes all bearer links back, as they were switched off; says how many there were.
pub(super) async fn revoke_bearers(tx: &Tx) -> Result<u64, StoreError> {
    const REVOKE: &str =
        "update links set revoked_at = $1 where is_bearer = 1 and revoked_at is null";
    Ok(tx.execute(REVOKE, [tx.now.into()]).await?)
}

/// A file that is ready, and in which no fault was found; says when its time is over.
async fn refuse_unless_whole(tx: &Tx, job: JobId) -> Result<i64, StoreError> {
    const WHOLE: &str =
        "select expires_at from jobs where id = $1 and status = 'ready' and fault is null";
    match tx.row(WHOLE, [job.0.into()]).await? {
        Some(row) => Ok(get::<Option<i64>>(&row, "expires_at")?.unwrap_or(i64::MAX)),
        None => Err(match status_of(tx, job).await? {
            Status::Ready => StoreError::Missing { what: "whole file" },
            status => StoreError::Conflict { status },
        }),
    }
}

/// Durable before the first byte is sent. A bearer link lives no longer than the settings of now
/// allow, whatever they were when it was made.
pub(super) async fn started(
    tx: &Tx,
    permit: &Permit,
    link: i64,
    range: Option<(u64, u64)>,
) -> Result<Applied, StoreError> {
    const ALIVE: &str = "\
        select is_bearer from links \
        where id = $1 and job_id = $2 and operator_id = $3 and revoked_at is null \
            and expires_at > $4 and (is_bearer = 0 or created_at + $5 > $4)";
    const TOLD: &str = "\
        update links set told_at = $2 \
        where id = $1 and (told_at is null or told_at not between $2 - $3 and $2)";
    let job = target_job(permit)?;
    let operator = permit.caller().operator().ok_or(StoreError::Missing { what: "operator" })?;
    refuse_unless_whole(tx, job).await?;
    refuse_paused(tx, permit.target().subject.as_deref().unwrap_or_default()).await?;
    let life_max = bearer_life_max(tx).await?;
    let values = [link.into(), job.0.into(), operator.0.into(), tx.now.into(), life_max.into()];
    let alive = tx.row(ALIVE, values).await?.ok_or(StoreError::Missing { what: "link" })?;
    let is_bearer = get::<i64>(&alive, "is_bearer")? == 1;
    if tx.execute(TOLD, [link.into(), tx.now.into(), TOLD_MICROS.into()]).await? > 0 {
        tell_pii(tx, permit, job, Action::DownloadStart).await?;
    }
    let details = json!({ "link": link, "range": range, "is_bearer": is_bearer });
    Ok(Applied::one(Action::DownloadStart, Some(job), details))
}
