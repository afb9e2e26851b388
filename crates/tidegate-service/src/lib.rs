//! Use cases of Tidegate: what operators, workers and upkeep do, each through the one door.

mod activity;
pub mod artifacts;
pub mod audit;
mod backup;
mod clock;
mod error;
mod exports;
mod gate;
mod keys;
pub mod link;
pub mod manifest;
mod operators;
mod roles;
mod service;
mod settings;
mod setup;
mod tokens;
pub mod upkeep;
mod vault;
mod worker;

pub use activity::{ACTIVITY_PAGE_MAX, ActivityPage, ActivityRequest, ActivitySort};
pub use error::ServiceError;
pub use exports::{Created, ListPage, ListRequest, NewLink, Sending};
pub use keys::{KeyError, Keys, NextKeys, PublicKeys, Purpose};
pub use service::{EXPORTS_MAX, Service, Site};
pub use tidegate_store::{
    Creator, CursorFault, JobCursor, JobOrder, JobSort, Matching, Quarantined, SortFault,
};
pub use tokens::NewToken;
pub use upkeep::{PurgeGuard, SweepSettings, Upkeep, UpkeepSettings};
pub use worker::{Worker, WorkerSettings};
