//! When a checkpoint is due: soon after something happened, and rarer the longer nothing does.

use tidegate_store::{Store, StoreError};

use super::{ENTRIES_MAX, PERIOD_MICROS};
use crate::audit::Proven;

/// How often checkpoints are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointPace {
    /// Longest time that an entry waits for one, in microseconds.
    pub period_micros: u64,
    /// Longest time between two while nothing happens, in microseconds. The pause grows with the
    /// time that nothing has happened, so each is up to twice as long as the one before.
    pub idle_micros_max: u64,
}

impl Default for CheckpointPace {
    /// Once a minute, whatever happens.
    fn default() -> Self {
        Self { period_micros: PERIOD_MICROS, idle_micros_max: PERIOD_MICROS }
    }
}

impl CheckpointPace {
    /// Whether it is time. A head behind the last checkpoint is always worth a look.
    pub(super) async fn is_due(
        self,
        store: &Store,
        last: Option<&Proven>,
        head: i64,
        now: i64,
    ) -> Result<bool, StoreError> {
        let Some(Proven { says, .. }) = last else { return Ok(true) };
        let at = says.at_micros();
        // A clock that was set back must not put off the next one for as long.
        let pause = at.map_or(u64::MAX, |at| now.abs_diff(at));
        if head < says.seq || head - says.seq >= ENTRIES_MAX {
            return Ok(true);
        }
        if head > says.seq || pause < self.period_micros {
            return Ok(pause >= self.period_micros);
        }
        if pause >= self.idle_micros_max {
            return Ok(true);
        }
        // Whoever can change this column can put off a checkpoint no longer than that.
        let row = store.entries(says.seq.saturating_sub(1), 1).await?.into_iter().next();
        let entry_at = row.filter(|(stored, _)| stored.seq == says.seq).map(|(_, row)| row.at);
        let (Some(entry_at), Some(at)) = (entry_at, at) else { return Ok(true) };
        Ok(pause >= at.abs_diff(entry_at))
    }
}
