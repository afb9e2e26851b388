//! Use cases of Tidegate: what operators, workers and upkeep do, each through the one door.

mod error;
mod exports;
mod gate;
mod keys;
mod service;

pub use error::ServiceError;
pub use exports::{Created, ListRequest, ListSort};
pub use keys::{KeyError, Keys, PublicKeys, Purpose};
pub use service::{Service, Site};
