//! What the artifact store refuses, or cannot do.

use std::{error::Error, io, path::PathBuf};

use tidegate_model::job::FailureReason;

/// The fault of a job whose file is not there.
pub const FAULT_MISSING: &str = "artifact_missing";
/// The fault of a job whose file is not what was written.
pub const FAULT_CORRUPT: &str = "artifact_corrupt";

/// Something went wrong with the artifact store.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The URL is of no kind that files can be kept in.
    #[error("`[artifacts] url` must be `file:FOLDER` or `s3://BUCKET[/PREFIX]`")]
    UnknownKind,
    /// The options do not make a store.
    #[error("the artifact store cannot be used: {detail}")]
    Unfit {
        /// What is wrong with them.
        detail: String,
    },
    /// Others could change what is in the folder.
    #[error(
        "the folder of artifacts `{path}` can be written to by others; give it to the account that \
         Tidegate runs under, and run `chmod 700` on it"
    )]
    Exposed {
        /// The folder.
        path: PathBuf,
    },
    /// It does not hold the word of the control database: what is not in it is not missing.
    #[error(
        "the artifact store is not the one of this control database (not mounted?); if it is meant \
         to be, run `tidegate artifacts adopt`"
    )]
    Foreign,
    /// There is nothing of that name.
    #[error("`{name}` is not in the artifact store")]
    Missing {
        /// Name of the object.
        name: String,
    },
    /// It is not as long as it was.
    #[error("`{name}` has {found} bytes in the artifact store and should have {expected}")]
    WrongSize {
        /// Name of the object.
        name: String,
        /// Bytes that were written.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// It is as long as it was, and something else.
    #[error("`{name}` does not have the checksum that it was written with")]
    WrongHash {
        /// Name of the object.
        name: String,
    },
    /// Something has the name: nothing is ever written over.
    #[error("there is something else of the name `{name}` in the artifact store")]
    Exists {
        /// Name of the object.
        name: String,
    },
    /// No space.
    #[error("there is no space for `{name}` in the artifact store")]
    Full {
        /// Name of the object.
        name: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// More than an upload can hold.
    #[error(
        "`{name}` has more than {parts_max} parts of {part_bytes} bytes; raise `part_bytes` in \
         `[artifacts.s3]`"
    )]
    TooLarge {
        /// Name of the object.
        name: String,
        /// Parts at most.
        parts_max: usize,
        /// Bytes of each.
        part_bytes: usize,
    },
    /// The store did not do it.
    #[error("the artifact store did not {effort} `{name}`")]
    Unavailable {
        /// What was tried.
        effort: &'static str,
        /// Name of the object.
        name: String,
        /// What it said.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
}

impl ArtifactError {
    /// The store, or the way to it, failed.
    pub(crate) fn unavailable(
        effort: &'static str,
        name: impl ToString,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { effort, name: name.to_string(), cause: cause.into() }
    }

    /// The system failed; that there is no space is told apart.
    pub(super) fn of_system(effort: &'static str, name: impl ToString, cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { name: name.to_string(), cause }
            }
            io::ErrorKind::NotFound => Self::Missing { name: name.to_string() },
            io::ErrorKind::AlreadyExists => Self::Exists { name: name.to_string() },
            _ => Self::unavailable(effort, name, cause),
        }
    }

    /// Why a job fails for it.
    pub fn reason(&self) -> FailureReason {
        match self {
            Self::Full { .. } => FailureReason::DiskFull,
            Self::TooLarge { .. } => FailureReason::OverLimit,
            Self::UnknownKind
            | Self::Unfit { .. }
            | Self::Exposed { .. }
            | Self::Foreign
            | Self::Missing { .. }
            | Self::WrongSize { .. }
            | Self::WrongHash { .. }
            | Self::Exists { .. }
            | Self::Unavailable { .. } => FailureReason::StoreUnavailable,
        }
    }

    /// What is wrong with the file itself, where it is that: a word for the job.
    pub fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Missing { .. } => Some(FAULT_MISSING),
            Self::WrongSize { .. } | Self::WrongHash { .. } => Some(FAULT_CORRUPT),
            Self::UnknownKind
            | Self::Unfit { .. }
            | Self::Exposed { .. }
            | Self::Foreign
            | Self::Exists { .. }
            | Self::Full { .. }
            | Self::TooLarge { .. }
            | Self::Unavailable { .. } => None,
        }
    }
}

impl From<ArtifactError> for io::Error {
    fn from(error: ArtifactError) -> Self {
        let kind = match &error {
            ArtifactError::Full { cause, .. } => cause.kind(),
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
