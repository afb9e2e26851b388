//! Runs use cases, worker and upkeep on real databases.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod artifacts;
mod check;
mod exports;
mod gate;
mod worker;
