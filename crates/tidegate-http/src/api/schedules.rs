//! Schedules: exports that are made again and again, or later.

pub(super) mod body;
pub(super) mod change;
pub(super) mod get;
