//! All that is known of the sheets before the first row, shared by all threads.

use std::{ops::Range, sync::Arc};

use tidegate_batch::{RowBatch, Schema};

use super::{
    SheetLimits,
    cells::RowWriter,
    deflate::{Deflater, Packer},
    styles::{Style, Styles},
    text::TextCells,
};
use crate::{CellError, Counts, Layout, Piece, text::zone::ZoneOffsets};

/// The sheets of a workbook: what their rows and headers look like.
pub(super) struct Sheets {
    schema: Arc<Schema>,
    title: String,
    styles: Styles,
    rows: RowWriter,
    deflater: Deflater,
    /// Cells of the header.
    header: Vec<u8>,
    header_counts: Counts,
    limits: SheetLimits,
}

impl Sheets {
    /// Sheets within these limits.
    pub(super) fn new(layout: &Layout, limits: SheetLimits) -> Self {
        let styles = Styles::of(&layout.schema);
        let start = |style| format!("<c s=\"{}\"", styles.index(style)).into_bytes();
        let is_cut = layout.options.is("overflow", "truncate");
        let text = TextCells { is_cut, lines_start: start(Style::Lines) };
        // A name that is too long for a cell is too long to be meant.
        let names = TextCells { is_cut: true, ..text.clone() };
        let (mut header, mut header_counts) = (Vec::new(), Counts::default());
        for column in layout.schema.visible() {
            let name = column.name().as_bytes();
            names
                .write_with_care(&mut header, &start(Style::Header), name, &mut header_counts)
                .expect("what may be cut is never too long");
        }
        let rows = RowWriter::new(layout, text, &styles);
        Self {
            schema: Arc::clone(&layout.schema),
            title: layout.title.clone(),
            styles,
            rows,
            deflater: Deflater::default(),
            header,
            header_counts,
            limits,
        }
    }

    /// Encodes some rows of a batch.
    ///
    /// # Errors
    ///
    /// If a value has no place in a cell.
    pub(super) fn encode(
        &self,
        batch: &RowBatch,
        rows: Range<usize>,
        piece: &mut Piece,
    ) -> Result<(), CellError> {
        piece.rows = rows.len();
        self.deflater.with(|packer| {
            let (xml, marks) = (&mut piece.scratch, &mut packer.marks);
            piece.counts = self.rows.write(batch, rows, xml, marks)?;
            pack(packer, piece);
            Ok(())
        })
    }

    /// Packs the XML in the piece's second buffer into its first one.
    pub(super) fn pack(&self, piece: &mut Piece) {
        self.deflater.with(|packer| {
            packer.marks.clear();
            pack(packer, piece);
        });
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(super) fn title(&self) -> &str {
        &self.title
    }

    pub(super) fn header(&self) -> &[u8] {
        &self.header
    }

    pub(super) fn header_counts(&self) -> Counts {
        self.header_counts
    }

    pub(super) fn limits(&self) -> SheetLimits {
        self.limits
    }

    pub(super) fn styles_part(&self) -> String {
        self.styles.part()
    }

    pub(super) fn zone(&self) -> &ZoneOffsets {
        self.rows.zone()
    }
}

fn pack(packer: &mut Packer, piece: &mut Piece) {
    piece.crc = crc32fast::hash(&piece.scratch);
    piece.plain_bytes = piece.scratch.len() as u64;
    packer.pack(&piece.scratch, &mut piece.bytes);
}
