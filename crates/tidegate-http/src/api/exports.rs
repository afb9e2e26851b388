//! Exports: jobs and their files.

pub(super) mod body;
pub(super) mod change;
pub(super) mod create;
pub(super) mod events;
pub(super) mod get;
pub(super) mod list;
pub(super) mod look;
