//! The sources against real databases.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::time::Duration;

use tidegate_source::{Page, Start};

mod mysql;
mod postgres;
mod sqlite;

/// Longest wait for a count.
const PATIENCE: Duration = Duration::from_secs(10);

/// A page behind so many rows.
fn page(skip: u64, limit: u64) -> Page {
    Page { start: Start::Skip(skip), limit }
}
