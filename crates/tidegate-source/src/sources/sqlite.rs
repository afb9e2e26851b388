//! SQLite.

pub(crate) mod dialect;
mod types;
