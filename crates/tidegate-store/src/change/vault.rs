//! The artifact store: whose it is, and the files in it that this database does not know.

use serde_json::json;
use tidegate_model::{action::Action, policy::Permit};

use super::Applied;
use crate::{error::StoreError, sql::Tx};

/// Names of files that an entry holds at most.
const NAMES_MAX: usize = 20;

/// A file that this database does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownObject {
    /// Its key.
    pub key: String,
    /// Its size.
    pub bytes: i64,
}

/// A change of whose the artifact store is.
#[derive(Clone, Debug)]
pub enum StoreOwnership {
    /// The store holds the word of this database.
    Claim,
    /// Another store is to hold another word, from now on.
    Adopt {
        /// That word.
        identity: String,
        /// What that store holds now.
        found: Option<String>,
    },
}

impl StoreOwnership {
    pub(super) fn actions(&self) -> &'static [Action] {
        match self {
            Self::Claim => &[Action::StoreClaim],
            Self::Adopt { .. } => &[Action::StoreAdopt],
        }
    }
}

pub(super) async fn own(
    tx: &Tx,
    permit: &Permit,
    change: StoreOwnership,
) -> Result<Applied, StoreError> {
    let details = match change {
        StoreOwnership::Claim => {
            const CLAIM: &str =
                "update artifact_store set claimed_at = $1 where id = 1 and claimed_at is null";
            if tx.execute(CLAIM, [tx.now.into()]).await? == 0 {
                return Err(StoreError::Exists { what: "artifact store" });
            }
            json!({})
        }
        StoreOwnership::Adopt { identity, found } => {
            const ADOPT: &str =
                "update artifact_store set identity = $1, claimed_at = null where id = 1";
            tx.execute(ADOPT, [identity.into()]).await?;
            json!({ "found": found })
        }
    };
    Ok(Applied::one(permit.action(), None, details))
}

/// Many files are one change: after a backup was restored there may be thousands.
pub(super) async fn quarantine(
    tx: &Tx,
    permit: &Permit,
    objects: Vec<UnknownObject>,
) -> Result<Applied, StoreError> {
    const KEEP: &str = "\
        insert into quarantine (object_key, bytes, found_at) values ($1, $2, $3) \
        on conflict (object_key) do nothing";
    let mut kept = Vec::new();
    for UnknownObject { key, bytes } in objects {
        let values = [key.clone().into(), bytes.into(), tx.now.into()];
        if tx.execute(KEEP, values).await? > 0 {
            kept.push(key);
        }
    }
    // Another process found all of them first: no effect, no entry.
    if kept.is_empty() {
        return Err(StoreError::Exists { what: "file in quarantine" });
    }
    let details = json!({ "files": kept.len(), "first": &kept[..kept.len().min(NAMES_MAX)] });
    Ok(Applied::one(permit.action(), None, details))
}

/// Ends the quarantine of a file: it is released, or deleted.
pub(super) async fn end_quarantine(
    tx: &Tx,
    permit: &Permit,
    key: String,
) -> Result<Applied, StoreError> {
    const END: &str = "\
        update quarantine set outcome = $2, ended_at = $3 \
        where object_key = $1 and outcome is null";
    let is_deleted = permit.action() == Action::QuarantineDelete;
    let outcome = if is_deleted { "deleted" } else { "released" };
    let values = [key.clone().into(), outcome.into(), tx.now.into()];
    if tx.execute(END, values).await? == 0 {
        return Err(StoreError::Missing { what: "file in quarantine" });
    }
    Ok(Applied::one(permit.action(), None, json!({ "file": key })))
}
