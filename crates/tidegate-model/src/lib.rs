//! Words and rules: subjects, fields, scopes and requests. No I/O, no async, no clock.
//!
//! What an operator sends is checked once, at the edge, and every fault is told at once:
//!
//! 1. [`declaration`] is what `tidegate.toml` says; [`bind`] types it by the source's [`catalog`]
//!    and makes a [`subject`].
//! 2. [`request`] is what is asked for: a [`scope`] (which records), a [`selection`] (which
//!    fields), a format. Checking it against its subject gives a `CheckedRequest`.
//! 3. [`resolve`] makes its relative dates absolute, at one moment and in one time zone, which
//!    gives the [`query`] that a source runs.
//!
//! Who may ask is decided here, too: an [`action`] by an [`actor`] becomes a permit only in
//! [`policy`]; what may happen to a [`job`] stands in [`status`]; what is written down about it, in
//! [`audit`].

pub mod action;
pub mod actor;
pub mod approval;
pub mod audit;
pub mod bind;
pub mod budget;
pub mod capability;
pub mod catalog;
pub mod declaration;
pub mod exposure;
pub mod fault;
pub mod field;
pub mod ids;
pub mod job;
pub mod known;
pub mod mask;
pub mod nearest;
mod nesting;
pub mod notice;
pub mod pause;
pub mod pointer;
pub mod policy;
pub mod query;
pub mod registry;
pub mod request;
pub mod resolve;
pub mod role;
pub mod schedule;
pub mod scope;
pub mod selection;
pub mod settings;
pub mod sight;
pub mod status;
pub mod subject;
pub mod trace;

pub use tidegate_batch::DataType;
