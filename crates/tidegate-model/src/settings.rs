//! Settings of a site: what can be changed while it runs.

use serde::{Deserialize, Serialize};

/// Microseconds of a day.
const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// Settings of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Days that a file is kept after it was made.
    pub retention_days: u32,
    /// Jobs of one operator that may be open at a time.
    pub open_jobs_max: u32,
    /// Rows of an export at most.
    pub rows_max: Option<u64>,
    /// Bytes of an export at most.
    pub bytes_max: Option<u64>,
    /// Rows of personal subjects that an operator may look at on list pages within an hour.
    pub view_rows_max: u32,
    /// Minutes that a download link lives.
    pub link_minutes: u32,
    /// Minutes without a request after which a sign-in has ended.
    pub session_idle_minutes: u32,
    /// Hours after which a sign-in has ended in any case.
    pub session_hours_max: u32,
    /// Attempts that a job gets.
    pub attempts_max: u32,
    /// Exports that one worker builds at a time.
    pub builds_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retention_days: 7,
            open_jobs_max: 100,
            rows_max: None,
            bytes_max: None,
            view_rows_max: 5_000,
            link_minutes: 15,
            session_idle_minutes: 60,
            session_hours_max: 12,
            attempts_max: 3,
            builds_max: 4,
        }
    }
}

impl Settings {
    /// How long a file is kept, in microseconds.
    pub fn retention_micros(&self) -> i64 {
        i64::from(self.retention_days).saturating_mul(DAY_MICROS)
    }
}
