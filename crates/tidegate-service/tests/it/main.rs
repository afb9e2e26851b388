//! Tests of the service on real databases.

mod checkpoints;
mod loot;
mod site;
mod tampering;
