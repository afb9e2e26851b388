//! The time of this host, for what people read. Leases and due times go by the database's clock.

use chrono::{DateTime, Utc};

/// Now.
#[expect(clippy::disallowed_methods, reason = "the service's one clock")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}
