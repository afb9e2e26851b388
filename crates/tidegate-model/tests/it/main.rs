//! Tests of the model through its public doors.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing where it did")]

mod bind;
mod calendar;
mod documents;
mod operators;
mod policy;
mod properties;
mod request;
mod schedule;
mod scope;
mod selection;
mod shop;
