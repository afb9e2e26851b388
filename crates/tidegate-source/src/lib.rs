//! Databases in, row batches out.
//!
//! A [`Source`] describes its tables, counts, gives a page, and opens a [`RowStream`]: readers that
//! share one snapshot and are driven on a thread each. [`SOURCES`] lists the kinds of source; the
//! scheme of a URL picks one.

pub mod conformance;
pub mod error;
mod interrupt;
pub mod look;
mod settings;
mod source;
mod sources;
mod sql;

pub use error::SourceError;
pub use interrupt::{Interrupt, Interruptible};
pub use settings::{SourceSettings, StreamOptions};
pub use source::{
    Anchor, Extent, Page, Reader, Report, RowStream, Seek, Snapshot, Source, SourceKind, Start,
    Stretch, Ticket,
};
pub use sources::{SOURCES, connect};
