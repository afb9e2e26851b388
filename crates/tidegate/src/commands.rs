//! The commands, one file each.

pub mod approvals;
pub mod artifacts;
pub mod audit;
pub mod backup;
pub mod check;
pub mod demo;
pub mod export;
mod governed;
pub mod init;
pub mod jobs;
pub mod keys;
pub mod manifest;
pub mod operators;
pub mod pause;
mod place;
mod request;
pub mod roles;
pub mod schedules;
pub mod serve;
pub mod sync_actions;
pub mod tokens;
