//! Words and rules: subjects, fields, scopes and requests. No I/O, no async, no clock.

pub mod catalog;
pub mod fault;
pub mod field;
pub mod query;
pub mod subject;

pub use tidegate_batch::DataType;
