//! PostgreSQL.

pub(crate) mod dialect;
