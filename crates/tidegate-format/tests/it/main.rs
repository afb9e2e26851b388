//! Files of every format, read back by readers that others wrote.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod compression;
mod conformance;
mod parquet;
mod readers;
mod table;
mod text_shapes;
mod text_values;
mod xlsx;
