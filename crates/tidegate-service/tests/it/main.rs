//! Tests of the service on real databases.

mod loot;
mod site;
mod tampering;
