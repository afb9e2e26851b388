//! What a source is, and what it owes.

use std::{sync::Arc, time::Duration};

use tidegate_batch::{RowBatch, Schema};
use tidegate_model::{
    catalog::{Description, Relation, TableName},
    query::Query,
};

use crate::{SourceError, SourceSettings, StreamOptions};

/// A kind of source: one folder in `sources/` and one line in [`crate::SOURCES`] add one.
pub trait SourceKind: Send + Sync {
    /// Name in manifests: `postgres`.
    fn slug(&self) -> &'static str;

    /// Schemes of the URLs that it takes, the preferred one first.
    fn schemes(&self) -> &'static [&'static str];

    /// A URL to show as an example.
    fn example_url(&self) -> &'static str;

    /// Makes a source. Reaches the database only where that is cheap and tells a wrong URL at once.
    ///
    /// # Errors
    ///
    /// If the URL is wrong.
    fn connect(&self, settings: SourceSettings) -> Result<Box<dyn Source>, SourceError>;
}

/// A database that rows can be read from. Nothing here writes to it.
pub trait Source: Send + Sync {
    /// Name of the kind of source.
    fn kind(&self) -> &'static str;

    /// Tables and views that the account can read, in the order of their names.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached.
    fn tables(&self) -> Result<Vec<TableName>, SourceError>;

    /// Columns and key of a relation.
    ///
    /// # Errors
    ///
    /// If the relation does not exist or cannot be read.
    fn describe(&self, relation: &Relation) -> Result<Description, SourceError>;

    /// References of a table to others, for `init`.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached.
    fn references(
        &self,
        table: &TableName,
    ) -> Result<Vec<tidegate_model::field::Reference>, SourceError>;

    /// Opens one consistent snapshot and readers on it. That may take as long as somebody locks a
    /// table; the interrupt of the options ends the wait.
    ///
    /// # Errors
    ///
    /// If the query cannot be run, or the interrupt came; nothing has been read then.
    fn stream(&self, query: &Query, options: &StreamOptions) -> Result<RowStream, SourceError>;

    /// Rows that match, counted.
    ///
    /// # Errors
    ///
    /// If the query cannot be run, or takes longer than `patience`
    /// ([`SourceError::StatementTooLong`]).
    fn count(&self, query: &Query, patience: Duration) -> Result<u64, SourceError>;

    /// Rows that the database expects to match, without looking at them; none if it cannot say.
    ///
    /// # Errors
    ///
    /// If the query cannot be planned.
    fn expected(&self, query: &Query) -> Result<Option<u64>, SourceError>;

    /// One page of rows, for people to look at. A page that is sought by the order of the rows has
    /// their anchors behind all other columns; see [`crate::look::seek`].
    ///
    /// # Errors
    ///
    /// If the query cannot be run, or takes longer than [`crate::look::LOOK_SECONDS_MAX`].
    fn rows(&self, query: &Query, page: &Page) -> Result<(Arc<Schema>, RowBatch), SourceError>;

    /// What an administrator should know: can it be reached, is the account too powerful, is the
    /// database set up for parallel snapshots.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached.
    fn check(&self, tables: &[TableName]) -> Result<Report, SourceError>;
}

/// A page of rows.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where it begins.
    pub start: Start,
    /// Rows to give.
    pub limit: u64,
}

/// Where a page begins.
#[derive(Clone, Debug)]
pub enum Start {
    /// Behind so many rows, which the database walks over.
    Skip(u64),
    /// At a place in the order, which an index leads to.
    Seek(Seek),
}

/// A part of the rows in the order of a query that has one.
#[derive(Clone, Debug)]
pub struct Seek {
    /// Which stretch of the order.
    pub stretch: Stretch,
    /// The row that is not given any more, but those behind it; none begins at the end.
    pub anchor: Option<Anchor>,
    /// From the last row to the first.
    pub is_backward: bool,
}

/// The two stretches of an order: an index leads into each of them, and rarely into both at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// Rows with a value in the first field of the sort.
    Values,
    /// Rows without one, which come last.
    Nulls,
}

/// Place of a row in an order: for each key of the sort what it compares, in the source's own
/// words; none is NULL.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Anchor(pub Vec<Option<String>>);

/// Findings about a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Product and version, as the server says it.
    pub version: String,
    /// What should be mended, each with its remedy.
    pub warnings: Vec<String>,
    /// Statements that create an account which suffices.
    pub grants: Vec<String>,
}

/// An open export: one snapshot, one or more readers.
pub struct RowStream {
    /// Columns, hidden ones last.
    pub schema: Arc<Schema>,
    /// The point in time.
    pub snapshot: Snapshot,
    /// How much there is to scan.
    pub extent: Extent,
    /// Rows that are expected, where the source tells without reading them: an estimate.
    pub rows_estimated: Option<u64>,
    /// Readers, each to be driven on a thread of its own.
    pub readers: Vec<Box<dyn Reader>>,
    /// What the user should know about this export.
    pub warnings: Vec<String>,
}

/// The point in time that rows are read at.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Snapshot {
    /// Identity in the database's own terms: `pg_current_snapshot()`, …
    pub identity: String,
    /// Time of the snapshot by the database's clock, RFC 3339.
    pub taken_at: String,
    /// Whether all rows come from that point.
    pub is_consistent: bool,
}

/// Size of a scan, in units of the source: pages, row ids, rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Units in all.
    pub total: u64,
    /// What a unit is: `pages`.
    pub unit: &'static str,
}

/// Reads a share of a snapshot's rows.
pub trait Reader: Send {
    /// Fills an empty batch, which whoever drives the reader then seals. `None` means that this
    /// reader has nothing more; its connection is then closed and the end was proven, not assumed.
    ///
    /// # Errors
    ///
    /// If the source fails, is interrupted, or sends a value that is not of its column's type.
    fn read(&mut self, batch: &mut RowBatch) -> Result<Option<Ticket>, SourceError>;
}

/// Place of a batch in the export's order. Every chunk ends with a batch that is its last, if need
/// be an empty one; chunks count from 0 without gaps over all readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Chunk of the scan.
    pub chunk: u64,
    /// Batch in the chunk, from 0.
    pub part: u64,
    /// Whether the chunk ends here.
    pub is_last: bool,
    /// Units of the extent that this batch has used up.
    pub extent_done: u64,
}
