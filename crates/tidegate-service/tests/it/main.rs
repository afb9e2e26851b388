//! Runs use cases, worker, upkeep and the proofs of the log on real databases.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod activity;
mod anchors;
mod approvals;
mod archives;
mod artifacts;
mod by_hand;
mod check;
mod checkpoints;
mod exports;
mod forger;
mod gate;
mod grants;
mod links;
mod loot;
mod manifest;
mod masks;
mod notices;
mod schedulers;
mod schedules;
mod site;
mod streams;
mod tampering;
mod truncation;
mod upkeep;
mod worker;
