//! Which fires have come, and what becomes of each: one export at most.

use std::collections::VecDeque;

use super::{Missed, SECOND_MICROS, Timing};
use crate::ids::ScheduleId;

/// Seconds after which a fire that nobody was there for counts as missed: longer than a service
/// takes to start again, or its control database to be there again.
pub const LATE_SECONDS: i64 = 5 * 60;
/// Missed fires of one look that are noted each by itself; of more, the last ones are.
pub const FIRES_NOTED_MAX: usize = 100;
/// Missed fires that are gone through one by one: a year of one every five minutes.
const MISSED_MAX: u64 = 110_000;

/// What is to be done about the fires that have come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The fire to make an export for.
    pub fire: Option<i64>,
    /// The last of those that were missed, in order.
    pub missed: Vec<i64>,
    /// How many were missed.
    pub missed_count: u64,
    /// The fire after all of these.
    pub next: Option<i64>,
}

impl Timing {
    /// What is to be done at a moment, where `fire_at` is the next fire that is known.
    pub fn due(&self, schedule: ScheduleId, fire_at: i64, now: i64) -> Due {
        let late = now.saturating_sub(LATE_SECONDS * SECOND_MICROS);
        if self.due_at(schedule, fire_at) > now {
            return Due { next: Some(fire_at), ..Due::default() };
        }
        if self.due_at(schedule, fire_at) >= late {
            return Due { fire: Some(fire_at), next: self.next_after(fire_at), ..Due::default() };
        }
        // The last one is no missed one where it is made up for.
        let kept = FIRES_NOTED_MAX + usize::from(self.missed == Missed::Once);
        let mut missed = VecDeque::from([fire_at]);
        let mut missed_count = 1;
        let mut next = self.next_after(fire_at);
        while let Some(at) = next.filter(|at| self.due_at(schedule, *at) <= now) {
            if self.missed == Missed::Skip && self.due_at(schedule, at) >= late {
                break;
            }
            missed.push_back(at);
            missed_count += 1;
            if missed.len() > kept {
                missed.pop_front();
            }
            // A clock that is wrong by a century must not keep a scheduler busy for ever.
            next = match missed_count < MISSED_MAX {
                true => self.next_after(at),
                false => self.next_after(now),
            };
        }
        let fire = match self.missed {
            Missed::Skip => None,
            Missed::Once => missed.pop_back(),
        };
        let missed_count = missed_count - u64::from(fire.is_some());
        Due { fire, missed: missed.into(), missed_count, next }
    }
}
