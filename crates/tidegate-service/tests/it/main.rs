//! Tests of the service on real databases.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod by_hand;
mod checkpoints;
mod forger;
mod loot;
mod site;
mod streams;
mod tampering;
