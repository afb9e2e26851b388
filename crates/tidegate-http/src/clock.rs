//! Moments as the API writes them.

use chrono::{DateTime, Utc};

/// A moment of the control state: microseconds since 1970.
pub(crate) fn moment(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}
