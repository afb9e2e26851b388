//! What a format is, and what its encoder owes.

use std::{any::Any, io, sync::Arc};

use chrono_tz::Tz;
use tidegate_batch::{MalformedCell, RowBatch, Schema};

use crate::{Compression, OptionSpec, Options};

/// Cells in a batch of a row-wise format: a few thousand rows, and small enough to stay in cache.
pub const BATCH_BYTES: usize = 512 << 10;

/// A file format. One file in `formats/` and one line in [`crate::FORMATS`] add one.
pub trait Format: Send + Sync {
    /// Name in requests, manifests and file names.
    fn slug(&self) -> &'static str;

    /// Name that people read.
    fn label(&self) -> &'static str;

    /// Extension of its files, without the dot.
    fn extension(&self) -> &'static str {
        self.slug()
    }

    /// Extension of a file made with these options: compression adds its own.
    fn file_extension(&self, options: &Options) -> String {
        format!("{}{}", self.extension(), Compression::of(options).suffix())
    }

    /// Media type of its files.
    fn media_type(&self) -> &'static str;

    /// Whether people can read its files as text.
    fn is_text(&self) -> bool {
        true
    }

    /// Options it takes; those that compress are among them.
    fn options(&self) -> &'static [OptionSpec];

    /// Bytes of cells that one batch should hold.
    fn batch_bytes(&self) -> usize {
        BATCH_BYTES
    }

    /// Makes the encoder of one file.
    ///
    /// # Errors
    ///
    /// If the format cannot hold the schema.
    fn encoder(&self, layout: Layout) -> Result<Box<dyn Encoder>, FormatError>;
}

/// All that an encoder knows before the first row.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Columns of the file, and hidden ones that it skips.
    pub schema: Arc<Schema>,
    /// Options, checked against the format.
    pub options: Options,
    /// Zone in which instants are written.
    pub time_zone: Tz,
    /// Slug of the subject: root element, sheet name.
    pub title: String,
}

/// Turns batches into pieces, on many threads at once.
pub trait Encoder: Send + Sync {
    /// Encodes one batch, without knowing what comes before or after.
    ///
    /// # Errors
    ///
    /// If a value cannot be represented: nothing is dropped or bent silently.
    fn encode(&self, batch: &RowBatch, piece: &mut Piece) -> Result<(), CellError>;

    /// Makes the one that puts the pieces in order.
    fn framing(&self) -> Box<dyn Framing>;
}

/// Writes a file from pieces in their order, with all that stands around and between them.
pub trait Framing: Send {
    /// Writes what stands before the first piece.
    ///
    /// # Errors
    ///
    /// If `out` does.
    fn begin(&mut self, out: &mut dyn io::Write) -> Result<(), FormatError>;

    /// Writes the next piece. `batch` is what it was encoded from.
    ///
    /// # Errors
    ///
    /// If `out` does.
    fn place(
        &mut self,
        batch: &RowBatch,
        piece: &mut Piece,
        out: &mut dyn io::Write,
    ) -> Result<(), FormatError>;

    /// Writes what stands after the last piece.
    ///
    /// # Errors
    ///
    /// If `out` does.
    fn end(&mut self, out: &mut dyn io::Write) -> Result<(), FormatError>;

    /// What had to be changed in that which stands around the pieces, such as headers.
    fn counts(&self) -> Counts {
        Counts::default()
    }
}

/// An encoded batch. Its buffers are used again for the next one.
#[derive(Default)]
pub struct Piece {
    /// Encoded bytes, ready to be written behind the piece before.
    pub bytes: Vec<u8>,
    /// Second buffer, for what is compressed.
    pub scratch: Vec<u8>,
    /// Bytes before compression.
    pub plain_bytes: u64,
    /// CRC-32 of the bytes before compression, where the format wants it.
    pub crc: u32,
    /// Rows in the piece.
    pub rows: usize,
    /// What had to be changed.
    pub counts: Counts,
    /// What only the format that made it understands (Parquet: the chunks of a row group).
    pub native: Option<Box<dyn Any + Send>>,
}

impl Piece {
    /// Forgets the content, keeps the buffers.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.scratch.clear();
        self.plain_bytes = 0;
        self.crc = 0;
        self.rows = 0;
        self.counts = Counts::default();
        self.native = None;
    }
}

/// How many cells were changed on the way, by rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Text cells that a spreadsheet would have run, now with a leading apostrophe.
    pub neutralised: u64,
    /// Characters that XML 1.0 forbids, now U+FFFD.
    pub replaced: u64,
    /// Text cells cut to the format's limit, on request.
    pub truncated: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.neutralised += other.neutralised;
        self.replaced += other.replaced;
        self.truncated += other.truncated;
    }
}

/// A value that cannot be written, and where it stands. Never the value itself.
#[derive(Debug, thiserror::Error)]
#[error("row {row} of the batch, column {column}: {fault}")]
pub struct CellError {
    /// Row in the batch, from 0.
    pub row: usize,
    /// Column in the schema, from 0.
    pub column: usize,
    /// What is wrong with the value.
    pub fault: CellFault,
}

/// Why a value cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum CellFault {
    /// The source sent bytes that are no value of the column's type.
    #[error(transparent)]
    Malformed(#[from] MalformedCell),
    /// The format has no place for this value.
    #[error("{format} cannot hold {what}")]
    Unrepresentable {
        /// Label of the format.
        format: &'static str,
        /// Kind of value, in words: "an infinite date".
        what: &'static str,
    },
    /// The text is longer than a cell may be.
    #[error("text of {characters} characters; a cell holds {characters_max} (or set {remedy})")]
    TooLong {
        /// Length found.
        characters: usize,
        /// Length allowed.
        characters_max: usize,
        /// Option that cuts instead.
        remedy: &'static str,
    },
    /// A list's JSON does not match its declared items.
    #[error("the list does not hold what its field declares: {what}")]
    BadList {
        /// What was found.
        what: &'static str,
    },
}

/// A file cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// Too many columns for the format.
    #[error("{format} holds at most {columns_max} columns; there are {columns}")]
    TooManyColumns {
        /// Label of the format.
        format: &'static str,
        /// Columns of the schema.
        columns: usize,
        /// Columns allowed.
        columns_max: usize,
    },
    /// Two columns would have the same name in the file.
    #[error("two columns are named `{name}`")]
    DuplicateColumn {
        /// The name.
        name: String,
    },
    /// A name is a prefix of another (`a` and `a.b`), so they cannot nest.
    #[error("`{name}` cannot be both a value and the parent of `{nested}`")]
    PrefixColumn {
        /// The shorter name.
        name: String,
        /// The longer name.
        nested: String,
    },
    /// A value met while placing a piece cannot be written.
    #[error(transparent)]
    Cell(#[from] CellError),
    /// The output failed.
    #[error("cannot write the file")]
    Write(#[from] io::Error),
    /// A library that encodes failed.
    #[error("{format} encoder failed")]
    Library {
        /// Label of the format.
        format: &'static str,
        /// What it said.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}
