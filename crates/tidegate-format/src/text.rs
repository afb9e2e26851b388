//! Kernels that turn values into text, shared by every format.
//!
//! They write to an [`Out`], which makes room and then copies without further checks. How a value
//! looks is decided here and nowhere else; a format adds only what stands around it.

pub(crate) mod binary;
pub(crate) mod buffer;
pub(crate) mod class;
mod digits;
pub(crate) mod formula;
pub(crate) mod interval;
pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod number;
mod parse;
pub(crate) mod row;
mod scan;
pub(crate) mod time;
pub(crate) mod value;
pub(crate) mod xml;
pub(crate) mod zone;

pub(crate) use buffer::{Glue, Out};
