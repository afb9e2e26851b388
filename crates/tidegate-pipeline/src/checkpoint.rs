//! Where control meets data: between batches, and at least ten times a second.

/// What an export is told at its checkpoint, and what it tells.
pub trait Checkpoint: Sync {
    /// Whether to go on.
    fn verdict(&self) -> Verdict;

    /// Takes note of how far the export is.
    fn progress(&self, progress: Progress);
}

/// Answer of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Go,
    /// Stop and leave nothing behind: somebody asked for it.
    Cancelled,
}

/// How far an export is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows written.
    pub rows: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Units of the source's extent that are behind us.
    pub extent_done: u64,
    /// Units in all.
    pub extent_total: u64,
    /// Rows that are expected, where the source could tell.
    pub rows_estimated: Option<u64>,
}

impl Progress {
    /// Share of the work that is done, from 0 to 1. It is 1 only once the artifact is published,
    /// so this stays just below.
    pub fn share(&self) -> f64 {
        /// Highest share of an export that is not over yet.
        const SHARE_MAX: f64 = 0.99;
        if self.extent_total == 0 {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "a share needs few digits")]
        let share = self.extent_done as f64 / self.extent_total as f64;
        share.min(SHARE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_never_complete_before_the_artifact_is() {
        let progress = Progress { extent_done: 12, extent_total: 10, ..Progress::default() };
        assert!(progress.share() < 1.0);
        assert_eq!(Progress::default().share(), 0.0);
    }
}
