//! The sources against real databases.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod mysql;
mod postgres;
mod sqlite;
