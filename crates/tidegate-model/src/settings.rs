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
    /// Days after which entries of the activity log move to signed files; none means never.
    pub activity_retention_days: Option<u32>,
    /// Jobs of one operator that may be open at a time.
    pub open_jobs_max: u32,
    /// Rows of an export at most.
    pub rows_max: Option<u64>,
    /// Bytes of an export at most.
    pub bytes_max: Option<u64>,
    /// Minutes that a download link lives.
    pub link_minutes: u32,
    /// Attempts that a job gets.
    pub attempts_max: u32,
    /// Exports that one worker builds at a time.
    pub builds_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retention_days: 7,
            activity_retention_days: None,
            open_jobs_max: 100,
            rows_max: None,
            bytes_max: None,
            link_minutes: 15,
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

    /// How long an entry stays in the log, in microseconds; none means for ever.
    pub fn activity_retention_micros(&self) -> Option<i64> {
        Some(i64::from(self.activity_retention_days?).saturating_mul(DAY_MICROS))
    }
}
