//! The file around encoded rows: head, what stands between pieces, tail, and compression of it all.

use std::{io, sync::Arc};

use tidegate_batch::RowBatch;

use crate::{
    CellError, Counts, Encoder, FormatError, Framing, Options, Piece,
    compress::{Packer, Trailer},
    text::row::{Dialect, RowPlan},
};

/// What stands around the rows of a text file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// Before the first piece.
    pub(crate) head: Vec<u8>,
    /// Between two pieces, and at the end of each one as the encoder writes it.
    pub(crate) separator: Vec<u8>,
    /// Behind the last piece.
    pub(crate) tail: Vec<u8>,
    /// In place of `tail` where there was no row.
    pub(crate) tail_without_rows: Vec<u8>,
    /// What had to be changed in the head.
    pub(crate) counts: Counts,
}

/// Encoder of a text format.
pub(crate) struct TextEncoder<D> {
    rows: RowPlan,
    dialect: D,
    frame: Frame,
    packer: Arc<Packer>,
}

impl<D: Dialect> TextEncoder<D> {
    /// Puts the parts together; the compression is one of the options.
    pub(crate) fn new(rows: RowPlan, dialect: D, frame: Frame, options: &Options) -> Self {
        Self { rows, dialect, frame, packer: Arc::new(Packer::new(options)) }
    }
}

impl<D: Dialect + 'static> Encoder for TextEncoder<D> {
    fn encode(&self, batch: &RowBatch, piece: &mut Piece) -> Result<(), CellError> {
        piece.counts = self.rows.encode(batch, &self.dialect, &mut piece.bytes)?;
        if !batch.is_empty() {
            piece.bytes.truncate(piece.bytes.len() - self.frame.separator.len());
        }
        piece.rows = batch.len();
        self.packer.pack(piece);
        Ok(())
    }

    fn framing(&self) -> Box<dyn Framing> {
        Box::new(TextFraming {
            frame: self.frame.clone(),
            packer: Arc::clone(&self.packer),
            trailer: Trailer::default(),
            separator: self.packer.packed(&self.frame.separator),
            has_rows: false,
        })
    }
}

/// Puts pieces of text in order.
struct TextFraming {
    frame: Frame,
    packer: Arc<Packer>,
    trailer: Trailer,
    /// The packed separator.
    separator: Piece,
    has_rows: bool,
}

impl TextFraming {
    fn write(&mut self, piece: &Piece, out: &mut dyn io::Write) -> Result<(), FormatError> {
        self.trailer.add(piece);
        Ok(out.write_all(&piece.bytes)?)
    }
}

impl Framing for TextFraming {
    fn begin(&mut self, out: &mut dyn io::Write) -> Result<(), FormatError> {
        out.write_all(self.packer.header())?;
        // Packed even if empty: a file of no frames at all would be none of Zstandard's.
        let head = self.packer.packed(&self.frame.head);
        self.write(&head, out)
    }

    fn place(
        &mut self,
        _batch: &RowBatch,
        piece: &mut Piece,
        out: &mut dyn io::Write,
    ) -> Result<(), FormatError> {
        if piece.rows == 0 {
            return Ok(());
        }
        if self.has_rows && self.separator.plain_bytes > 0 {
            self.trailer.add(&self.separator);
            out.write_all(&self.separator.bytes)?;
        }
        self.has_rows = true;
        self.write(piece, out)
    }

    fn end(&mut self, out: &mut dyn io::Write) -> Result<(), FormatError> {
        let frame = &self.frame;
        let tail = if self.has_rows { &frame.tail } else { &frame.tail_without_rows };
        if !tail.is_empty() {
            let tail = self.packer.packed(tail);
            self.write(&tail, out)?;
        }
        Ok(out.write_all(&self.packer.trailer(&self.trailer))?)
    }

    fn counts(&self) -> Counts {
        self.frame.counts
    }
}
