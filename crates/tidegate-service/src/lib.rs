//! Use cases of Tidegate: what operators, workers and upkeep do, each through the one door.

mod keys;

pub use keys::{KeyError, Keys, PublicKeys, Purpose};
