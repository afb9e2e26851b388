//! Runs use cases, worker, upkeep and the artifact store on real servers.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod artifacts;
mod check;
mod exports;
mod gate;
mod manifest;
mod upkeep;
mod worker;
