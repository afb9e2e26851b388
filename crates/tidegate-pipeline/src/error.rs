//! Why an export ends without an artifact.

use tidegate_format::{CellFault, FormatError, OptionFault};
use tidegate_source::SourceError;

/// An export failed; nothing stands under the artifact's name.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Somebody asked for it to stop.
    #[error("the export was cancelled")]
    Cancelled,
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The options do not fit the format.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Options(Vec<OptionFault>),
    /// The file cannot be made.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A value cannot be written.
    #[error("field `{field}` of the row with {row}: {fault}")]
    Cell {
        /// Slug of the field.
        field: String,
        /// Key of the row, or its ordinal.
        row: String,
        /// What is wrong with the value, without the value.
        fault: CellFault,
    },
    /// The artifact cannot be written: disk full, no right, no folder.
    #[error("cannot write `{name}`")]
    Artifact {
        /// Name as the user gave it.
        name: String,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// The snapshot lived too long.
    #[error(
        "snapshot_too_old: the export held its snapshot for more than {seconds} s \
         (`snapshot_seconds_max` of the source); narrow the scope or raise the limit"
    )]
    SnapshotTooOld {
        /// The limit.
        seconds: u64,
    },
    /// A ceiling of the site was reached.
    #[error("the export has more than {limit} {unit}: narrow the scope, or raise `{setting}`")]
    OverLimit {
        /// The ceiling.
        limit: u64,
        /// Of what.
        unit: &'static str,
        /// Setting that holds it.
        setting: &'static str,
    },
    /// The source's readers ended before the last batch of a chunk.
    #[error("the source ended before its last row; nothing was written")]
    Truncated,
    /// A thread of the export panicked; its message is on stderr.
    #[error("the export stopped for an internal fault in its {thread} thread")]
    Panicked {
        /// Which one.
        thread: &'static str,
    },
}

impl RunError {
    /// Machine-readable reason.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Cancelled | Self::Source(SourceError::Interrupted) => "cancelled",
            Self::Source(SourceError::Lost { .. }) => "source_lost",
            Self::Source(SourceError::Unreachable { .. }) => "source_unreachable",
            Self::Source(_) => "source_refused",
            Self::Options(_) => "bad_options",
            Self::Format(_) => "format",
            Self::Cell { .. } => "bad_value",
            Self::Artifact { cause, .. } if is_disk_full(cause) => "disk_full",
            Self::Artifact { .. } => "artifact_unwritable",
            Self::SnapshotTooOld { .. } => "snapshot_too_old",
            Self::OverLimit { .. } => "over_limit",
            Self::Truncated => "source_truncated",
            Self::Panicked { .. } => "internal",
        }
    }
}

fn is_disk_full(cause: &std::io::Error) -> bool {
    matches!(cause.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}
