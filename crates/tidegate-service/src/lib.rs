//! Use cases of Tidegate: what operators, workers and upkeep do, each through the one door.

mod activity;
pub mod artifacts;
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
mod tokens;

pub use error::ServiceError;
pub use exports::{Created, ListRequest, ListSort};
pub use keys::{KeyError, Keys, NextKeys, PublicKeys, Purpose};
pub use service::{Service, Site};
pub use tokens::NewToken;
