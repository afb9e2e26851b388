//! A batch and the piece it becomes, passed from thread to thread and used again.

use tidegate_batch::RowBatch;
use tidegate_format::{CellError, Piece};
use tidegate_source::Ticket;

/// Room that a batch has beyond its aim, so that the last row does not make it grow.
const SLACK_BYTES: usize = 16 << 10;

/// One unit of work.
pub(crate) struct Slab {
    /// Reader that it belongs to, and returns to.
    pub(crate) reader: usize,
    /// Rows.
    pub(crate) batch: RowBatch,
    /// Rows, encoded.
    pub(crate) piece: Piece,
    /// Place in the order.
    pub(crate) ticket: Ticket,
    /// What encoding met, if it failed. It travels in order, so that the first fault wins.
    pub(crate) fault: Option<CellError>,
    batch_bytes: usize,
}

impl Slab {
    /// An empty slab of a reader.
    pub(crate) fn new(reader: usize, batch_bytes: usize) -> Self {
        Self {
            reader,
            batch: RowBatch::with_capacity(batch_bytes + SLACK_BYTES),
            piece: Piece::default(),
            ticket: Ticket { chunk: 0, part: 0, is_last: false, extent_done: 0 },
            fault: None,
            batch_bytes,
        }
    }

    /// Bytes of rows that a batch aims at.
    pub(crate) fn batch_bytes(&self) -> usize {
        self.batch_bytes
    }

    /// Makes it ready for the next batch; gives back what an outsize row made it grow.
    pub(crate) fn clear(&mut self) {
        self.batch.clear(self.batch_bytes + SLACK_BYTES);
        self.piece.clear();
        /// Growth of a piece over its batch that is kept: XML tags around short cells.
        const PIECE_GROWTH_MAX: usize = 8;
        self.piece.bytes.shrink_to(self.batch_bytes * PIECE_GROWTH_MAX);
        self.piece.scratch.shrink_to(self.batch_bytes * PIECE_GROWTH_MAX);
        self.fault = None;
    }
}

/// Slabs for each reader: enough that encoders and writer have work while it reads.
pub(crate) fn slabs_per_reader(readers: usize, encoders: usize) -> usize {
    /// One that is read into, one that is encoded or waits for its turn.
    const SLABS_MIN: usize = 2;
    (2 * encoders).div_ceil(readers.max(1)).max(SLABS_MIN)
}
