//! The REST API: each file an operation or a few, each operation with its description.

mod activity;
mod description;
mod egress;
mod exports;
mod keys;
mod me;
mod operators;
mod roles;
mod second_factor;
mod sessions;
mod settings;
mod subjects;
mod tokens;

pub use description::document;
pub(crate) use description::{PREFIX, open_operations, routes};
pub(crate) use second_factor::QR_LABEL;
pub(crate) use sessions::{refused, visitor};
