//! What stops a task of upkeep.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    policy::{Denied, Permit, authorize},
};
use tidegate_store::{Change, Store, StoreError};

use crate::artifacts::ArtifactError;

/// A task of upkeep stopped.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The control database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The artifact store failed.
    #[error(transparent)]
    Artifacts(#[from] ArtifactError),
    /// Upkeep may not do it: a fault of the program.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A sweep would take so much that something else must be wrong.
    #[error(
        "a sweep would delete {doomed} of {found} files: is this the control database of this \
         artifact store? Nothing was deleted; force the sweep if it is meant"
    )]
    TooManyDoomed {
        /// Files that nothing refers to.
        doomed: u64,
        /// Files of ours in all.
        found: u64,
    },
    /// So many files are missing that something else must be wrong.
    #[error(
        "{missing} of {checked} files are missing: is this the artifact store of this control \
         database? No job was marked"
    )]
    TooManyMissing {
        /// Files that are missing.
        missing: u64,
        /// Files that were looked at.
        checked: u64,
    },
}

/// Commits a change in the name of upkeep; says whether it was still the case.
pub(super) async fn commit(
    store: &Store,
    task: &str,
    (action, target): (Action, Target),
    change: Change,
) -> Result<bool, UpkeepError> {
    let permit = permit::<UpkeepError>(store, task, action, target).await?;
    match store.commit(permit, change).await {
        Ok(_) => Ok(true),
        // Somebody was faster.
        Err(StoreError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Asks the policy in the name of upkeep.
pub(super) async fn permit<E: From<StoreError> + From<Denied>>(
    store: &Store,
    task: &str,
    action: Action,
    target: Target,
) -> Result<Permit, E> {
    let policy = store.policy().await?;
    Ok(authorize(&policy, &Caller::upkeep(task), action, target)?)
}
