//! What a run did, anchor by anchor.

use super::CheckpointError;
use crate::{audit::NotProven, keys::KeyError};

/// What a run did.
#[derive(Debug)]
pub struct CheckpointRun {
    /// Number of the checkpoint that was signed, if one was.
    pub signed: Option<i64>,
    /// Number of the newest checkpoint; 0 if there is none.
    pub newest: i64,
    /// Number of the entry that it vouches for.
    pub seq: i64,
    /// Entries that no checkpoint vouches for yet.
    pub entries_behind: i64,
    /// What became of each anchor.
    pub anchors: Vec<AnchorRun>,
}

/// What became of an anchor.
#[derive(Debug)]
pub struct AnchorRun {
    /// Its name.
    pub anchor: String,
    /// Number of the last checkpoint that it is known to hold.
    pub reached: Option<i64>,
    /// Why it was not written in this run, if it was tried.
    pub error: Option<CheckpointError>,
}

impl CheckpointError {
    /// Whether a checkpoint names a key that is not known here.
    pub(super) fn is_unknown_key(&self) -> bool {
        let Self::NotOurs { cause: NotProven::Key(cause), .. } = self else { return false };
        matches!(cause, KeyError::UnknownKey { .. })
    }
}
