//! Use cases of Tidegate: what operators, workers and upkeep do, each through the one door.

pub mod audit;
mod keys;
pub mod upkeep;

pub use keys::{KeyError, Keys, PublicKeys, Purpose};
