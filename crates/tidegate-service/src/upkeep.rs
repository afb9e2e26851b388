//! What is done again and again, without anybody asking: one file each.

pub mod checkpoint;
pub mod stream;
