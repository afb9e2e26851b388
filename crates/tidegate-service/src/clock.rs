//! The time of this host, for what people read. Leases and due times go by the database's clock.

use chrono::{DateTime, TimeDelta, Utc};
use tidegate_store::Clock;

/// Now, as far behind as the store is.
#[expect(clippy::disallowed_methods, reason = "the service's one clock")]
pub(crate) fn now(clock: &Clock) -> DateTime<Utc> {
    Utc::now() - TimeDelta::microseconds(clock.behind_micros())
}
