//! Runs the program as its users do.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod control;
mod demo;
mod edge;
mod export;
mod ledger;
mod memory;
mod progress;
mod read_back;
mod restore;
mod servers;
mod site;
mod stopping;
