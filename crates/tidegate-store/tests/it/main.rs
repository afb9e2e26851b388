//! The control state on real databases: SQLite and PostgreSQL, each test on both.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod check;
mod conformance;
mod race;
