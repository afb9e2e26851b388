//! Puts pieces of sheet XML in order: the sheets, and the workbook around them.

use std::{io::Write, sync::Arc};

use tidegate_batch::RowBatch;

use super::{
    deflate::LAST_BLOCK,
    parts::{self, Workbook},
    sheet,
    sheets::Sheets,
    widths::widths,
    zip::{Sizes, Zip},
};
use crate::{Counts, FormatError, Framing, Piece};

/// Room that is kept for the end of a sheet.
const TAIL_BYTES: u64 = 1 << 10;

/// Writes the workbook as a stream: what lists the sheets comes after them.
pub(super) struct WorkbookFraming {
    sheets: Arc<Sheets>,
    zip: Zip,
    /// Widths of the columns, once there was a batch to look at.
    widths: Vec<usize>,
    open: Option<OpenSheet>,
    /// Rows of each sheet that is done, its header among them.
    done: Vec<usize>,
    /// For what stands around the rows, and for rows that have to go to another sheet.
    piece: Piece,
}

/// The sheet that takes the next rows.
#[derive(Default)]
struct OpenSheet {
    rows: usize,
    crc: crc32fast::Hasher,
    packed: u64,
    plain: u64,
}

impl WorkbookFraming {
    pub(super) fn new(sheets: Arc<Sheets>) -> Self {
        Self {
            sheets,
            zip: Zip::default(),
            widths: Vec::new(),
            open: None,
            done: Vec::new(),
            piece: Piece::default(),
        }
    }

    /// Rows that the open sheet still takes; opens one if there is none.
    fn room(
        &mut self,
        batch: Option<&RowBatch>,
        out: &mut dyn Write,
    ) -> Result<usize, FormatError> {
        if self.open.is_none() {
            self.open_sheet(batch, out)?;
        }
        let rows = self.open.as_ref().map_or(0, |sheet| sheet.rows);
        Ok(self.sheets.limits().rows - rows)
    }

    fn open_sheet(
        &mut self,
        batch: Option<&RowBatch>,
        out: &mut dyn Write,
    ) -> Result<(), FormatError> {
        let is_first = self.done.is_empty();
        if is_first {
            self.widths = widths(self.sheets.schema(), batch, self.sheets.zone());
        }
        self.zip.begin_deflated(out, &parts::sheet_part(self.done.len() + 1))?;
        self.open = Some(OpenSheet { rows: 1, ..OpenSheet::default() });
        let head = sheet::head(&self.widths, self.sheets.header(), is_first);
        self.around(&head, out)
    }

    fn close_sheet(&mut self, out: &mut dyn Write) -> Result<(), FormatError> {
        let rows = self.open.as_ref().map_or(0, |sheet| sheet.rows);
        let tail = sheet::tail(&self.widths, rows);
        self.around(&tail, out)?;
        self.zip.write(out, &LAST_BLOCK)?;
        let sheet = self.open.take().expect("a sheet that is closed was open");
        let packed = sheet.packed + LAST_BLOCK.len() as u64;
        let sizes = Sizes { crc: sheet.crc.finalize(), packed, plain: sheet.plain };
        self.zip.end_deflated(out, sizes)?;
        self.done.push(sheet.rows);
        Ok(())
    }

    /// Writes what stands around the rows.
    fn around(&mut self, xml: &[u8], out: &mut dyn Write) -> Result<(), FormatError> {
        let mut piece = std::mem::take(&mut self.piece);
        piece.clear();
        piece.scratch.extend_from_slice(xml);
        self.sheets.pack(&mut piece);
        let written = self.write(&piece, out);
        self.piece = piece;
        written
    }

    /// Writes a piece to the open sheet.
    fn write(&mut self, piece: &Piece, out: &mut dyn Write) -> Result<(), FormatError> {
        self.zip.write(out, &piece.bytes)?;
        let sheet = self.open.as_mut().expect("pieces are written to an open sheet");
        sheet.rows += piece.rows;
        let crc = crc32fast::Hasher::new_with_initial_len(piece.crc, piece.plain_bytes);
        sheet.crc.combine(&crc);
        sheet.packed += piece.bytes.len() as u64;
        sheet.plain += piece.plain_bytes;
        Ok(())
    }

    /// Whether the open sheet stays small enough for a part of the archive with this piece.
    fn fits(&self, piece: &Piece) -> bool {
        self.open.as_ref().is_none_or(|sheet| {
            let plain = sheet.plain + piece.plain_bytes;
            let packed = sheet.packed + piece.bytes.len() as u64;
            plain.max(packed) + TAIL_BYTES <= self.sheets.limits().bytes
        })
    }
}

impl Framing for WorkbookFraming {
    fn begin(&mut self, out: &mut dyn Write) -> Result<(), FormatError> {
        self.zip.part(out, parts::ROOT_RELATIONS, &parts::root_relations())?;
        self.zip.part(out, parts::APP, &parts::app_properties())?;
        self.zip.part(out, parts::CORE, &parts::core_properties(self.sheets.title()))?;
        Ok(self.zip.part(out, parts::STYLES, &self.sheets.styles_part())?)
    }

    fn place(
        &mut self,
        batch: &RowBatch,
        piece: &mut Piece,
        out: &mut dyn Write,
    ) -> Result<(), FormatError> {
        if piece.rows == 0 {
            return Ok(());
        }
        if !self.fits(piece) {
            self.close_sheet(out)?;
        }
        if piece.rows <= self.room(Some(batch), out)? {
            return self.write(piece, out);
        }
        // The sheet ends within the piece. This is rare, so its rows are simply encoded again.
        let mut next = 0;
        while next < batch.len() {
            let end = batch.len().min(next + self.room(Some(batch), out)?);
            piece.clear();
            self.sheets.encode(batch, next..end, piece)?;
            self.write(piece, out)?;
            if end < batch.len() {
                self.close_sheet(out)?;
            }
            next = end;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<(), FormatError> {
        // A table without rows still has a header.
        if self.done.is_empty() || self.open.is_some() {
            self.room(None, out)?;
            self.close_sheet(out)?;
        }
        let columns = self.sheets.schema().visible().len();
        let workbook = Workbook { title: self.sheets.title(), columns, sheet_rows: &self.done };
        self.zip.part(out, parts::WORKBOOK, &workbook.part())?;
        self.zip.part(out, parts::WORKBOOK_RELATIONS, &workbook.relations())?;
        self.zip.part(out, parts::CONTENT_TYPES, &workbook.content_types())?;
        Ok(self.zip.finish(out)?)
    }

    fn counts(&self) -> Counts {
        self.sheets.header_counts()
    }
}
