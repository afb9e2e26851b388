//! The control state on real databases: SQLite and PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod abandoned;
mod ambiguous;
mod check;
mod conformance;
mod migration;
mod opening;
mod race;
mod released;
mod schema;
