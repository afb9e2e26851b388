//! Why a use case did not do what it was asked.

use tidegate_model::{fault::Faults, policy::Denied, status::Status};
use tidegate_source::SourceError;
use tidegate_store::StoreError;

use crate::{artifacts::ArtifactError, keys::KeyError};

/// A use case failed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It is not there; or may not be seen, which is the same.
    #[error("there is nothing of that name")]
    NotFound,
    /// It may be seen, but not this.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Nobody is known by this name, token or password.
    #[error("sign-in failed: there is no such operator, or it is disabled")]
    Unknown,
    /// The request is wrong.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// The job is in a state in which this cannot be done.
    #[error("the export is {status}: this cannot be done any more")]
    Conflict {
        /// Its state.
        status: Status,
    },
    /// The file is corrupt or missing.
    #[error("the file of this export is damaged ({fault}); run the export again")]
    Damaged {
        /// What is wrong.
        fault: String,
    },
    /// The artifact store failed.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The control state failed, or refused.
    #[error(transparent)]
    Store(StoreError),
    /// The keys cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { status } => Self::Conflict { status },
            other => Self::Store(other),
        }
    }
}
