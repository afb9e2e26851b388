//! Ends the retention of files whose time has come, unless the clock looks wrong.

use std::time::{Duration, Instant};

use tidegate_model::action::Action;
use tidegate_store::Change;

use super::{JOBS_PER_LOOK, Upkeep};
use crate::{error::ServiceError, exports::target_of};

/// Name of the task.
const TASK: &str = "expire";
/// How far the wall clock may run away from the steady one between two looks.
const JUMP_MAX: Duration = Duration::from_secs(10 * 60);
/// How long nothing expires after a jump: time for somebody to set the clock right.
const JUMP_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Holds expiry back after the clock has jumped: a wrong clock must not delete what people keep.
#[derive(Debug)]
pub struct PurgeGuard {
    wall_micros: i64,
    steady: Instant,
    held_until: Option<Instant>,
}

impl PurgeGuard {
    /// Begins to watch a clock that shows this time, in microseconds.
    pub fn new(wall_micros: i64) -> Self {
        Self { wall_micros, steady: Instant::now(), held_until: None }
    }

    /// Whether files may expire, now that the clock shows this time.
    pub fn admits(&mut self, wall_micros: i64) -> bool {
        self.admits_at(wall_micros, Instant::now())
    }

    fn admits_at(&mut self, wall_micros: i64, steady: Instant) -> bool {
        let passed = i64::try_from(steady.duration_since(self.steady).as_micros());
        let expected = self.wall_micros.saturating_add(passed.unwrap_or(i64::MAX));
        let jump = Duration::from_micros(wall_micros.abs_diff(expected));
        (self.wall_micros, self.steady) = (wall_micros, steady);
        if jump > JUMP_MAX {
            tracing::error!(
                seconds = jump.as_secs(),
                "the clock has jumped: nothing expires for an hour; set the clock right"
            );
            self.held_until = Some(steady + JUMP_PAUSE);
        }
        self.held_until.is_none_or(|until| steady >= until)
    }
}

impl Upkeep {
    /// One look.
    ///
    /// # Errors
    ///
    /// If the control database fails.
    pub async fn expire(&self, guard: &mut PurgeGuard) -> Result<(), ServiceError> {
        let now = self.service.store().now().await?;
        if !guard.admits(now) {
            return Ok(());
        }
        for job in self.service.store().jobs_to_expire(now, JOBS_PER_LOOK).await? {
            self.commit(TASK, Action::JobExpire, target_of(&job), Change::Expire).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_clock_that_jumps_holds_expiry_back_for_an_hour() {
        let mut guard = PurgeGuard::new(0);
        let start = guard.steady;
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        assert!(guard.admits_at(5 * SECOND, at(5)));
        let decade = 10 * 365 * 24 * 3600 * SECOND;
        assert!(!guard.admits_at(decade, at(10)));
        assert!(!guard.admits_at(decade + 60 * SECOND, at(70)));
        assert!(guard.admits_at(decade + 3600 * SECOND, at(3610)));
        assert!(!guard.admits_at(0, at(3615)), "a jump back is one, too");
    }
}
