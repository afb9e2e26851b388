//! Runs exports, from a source made of numbers and from real ones, into artifacts that may fail.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod artifact_file;
mod cancelling;
mod fake;
mod order_and_memory;
mod stopping;
