//! The REST API: each file an operation or a few, each operation with its description.

mod actions;
mod activity;
mod approvals;
mod budgets;
mod description;
mod egress;
mod exports;
mod hand_overs;
mod keys;
mod mail_templates;
mod me;
mod notifications;
mod operators;
mod pause;
mod roles;
mod schedules;
mod second_factor;
mod sessions;
mod settings;
mod subjects;
mod tokens;
mod webhooks;

pub use description::document;
pub(crate) use description::{PREFIX, open_operations, routes};
pub(crate) use second_factor::QR_LABEL;
pub(crate) use sessions::{refused, visitor};
