//! What can go wrong with a source.

use std::error::Error;

/// An error of a driver or of the system, kept as the cause.
pub type Cause = Box<dyn Error + Send + Sync>;

/// A source failed.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The URL cannot be used.
    #[error("the URL of source `{source_name}` is wrong: {detail}")]
    BadUrl {
        /// Name in the configuration.
        source_name: String,
        /// What is wrong; never the URL itself, which may carry a password.
        detail: String,
    },
    /// The database does not answer, or refuses the account.
    #[error("cannot reach source `{source_name}`")]
    Unreachable {
        /// Name in the configuration.
        source_name: String,
        /// What the driver said.
        #[source]
        cause: Cause,
    },
    /// No such table, or no right to see it.
    #[error(
        "table `{table}` is not in source `{source_name}`, or its account may not read it{hint}"
    )]
    UnknownTable {
        /// Name in the configuration.
        source_name: String,
        /// Table that was named.
        table: String,
        /// The nearest table, as a question; or nothing.
        hint: String,
    },
    /// No such column.
    #[error("column `{column}` is not in `{table}`; it has {known}")]
    UnknownColumn {
        /// Column that was named.
        column: String,
        /// Where it was sought.
        table: String,
        /// Columns that are there.
        known: String,
    },
    /// The table cannot be read from one snapshot.
    #[error(
        "`{table}` has no consistent snapshot ({why}); set `consistent = false` to accept that"
    )]
    NotConsistent {
        /// The table.
        table: String,
        /// Why not.
        why: String,
    },
    /// The database refused a statement.
    #[error("source `{source_name}` refused to {doing}")]
    Refused {
        /// Name in the configuration.
        source_name: String,
        /// What was being done: "read `orders`".
        doing: String,
        /// What the database said, without values of rows.
        #[source]
        cause: Cause,
    },
    /// The connection broke, or the stream ended without its proof of being whole.
    #[error("source `{source_name}` was lost in mid-stream")]
    Lost {
        /// Name in the configuration.
        source_name: String,
        /// What the driver said.
        #[source]
        cause: Cause,
    },
    /// A value is not of its column's type, or cannot be carried.
    #[error("field `{field}` of the row with {row}: {detail}")]
    BadValue {
        /// Slug of the field.
        field: String,
        /// Key of the row, or its ordinal: "id 7", "ordinal 12".
        row: String,
        /// What is wrong; never the value.
        detail: String,
    },
    /// A page begins at a row of another order.
    #[error("the page begins at a row of another order; begin with the first page")]
    WrongAnchor,
    /// The export was stopped on purpose.
    #[error("the export was stopped")]
    Interrupted,
    /// A statement ran longer than the source allows.
    #[error(
        "a statement ran longer than {seconds} s (`statement_seconds_max` of the source, or what \
         somebody may be kept waiting for a look)"
    )]
    StatementTooLong {
        /// The limit.
        seconds: u64,
    },
}
