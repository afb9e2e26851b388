//! Row batches in, files out.
//!
//! A [`Format`] is asked for its slug, options and an [`Encoder`]. The encoder turns a batch into a
//! [`Piece`] on any thread; its [`Framing`] puts the pieces in order, on one. [`FORMATS`] lists
//! them all, and is the only place that does.

mod compress;
mod flatten;
mod format;
mod formats;
mod framing;
mod options;
mod text;

pub use compress::Compression;
pub use format::{
    BATCH_BYTES, CellError, CellFault, Counts, Encoder, Format, FormatError, Framing, Layout, Piece,
};
pub use formats::{FORMATS, by_slug};
pub use options::{OptionFault, OptionKind, OptionSpec, Options};
pub use text::value::plain_text;
