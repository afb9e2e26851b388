//! Parquet, one row group a batch.

mod columns;
mod decimals;
mod leaf;
mod lists;
mod row_groups;
mod times;
mod tree;
mod values;
mod words;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use parquet::{errors::ParquetError, file::writer::SerializedFileWriter};
use tidegate_batch::RowBatch;

use self::{
    row_groups::{FileShape, RowGroup, RowGroupEncoder},
    tree::Tree,
};
use crate::{CellError, Encoder, Format, FormatError, Framing, Layout, OptionSpec, Piece};

const LABEL: &str = "Parquet";

/// Cells in a batch, and so in a row group.
const BATCH_BYTES: usize = 8 << 20;

/// Columns, typed and compressed.
pub(crate) struct Parquet;

impl Format for Parquet {
    fn slug(&self) -> &'static str {
        "parquet"
    }

    fn label(&self) -> &'static str {
        LABEL
    }

    fn is_text(&self) -> bool {
        false
    }

    fn media_type(&self) -> &'static str {
        "application/vnd.apache.parquet"
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    fn batch_bytes(&self) -> usize {
        BATCH_BYTES
    }

    fn encoder(&self, layout: Layout) -> Result<Box<dyn Encoder>, FormatError> {
        let tree = Tree::of(&layout.schema)?;
        let (encoder, shape) = RowGroupEncoder::of(layout.schema, tree).map_err(failed)?;
        Ok(Box::new(ParquetEncoder { encoder, shape }))
    }
}

struct ParquetEncoder {
    encoder: RowGroupEncoder,
    shape: FileShape,
}

/// What `encode` leaves in a piece.
type Native = Result<Vec<RowGroup>, ParquetError>;

impl Encoder for ParquetEncoder {
    fn encode(&self, batch: &RowBatch, piece: &mut Piece) -> Result<(), CellError> {
        let native: Native = self.encoder.encode(batch)?;
        piece.native = Some(Box::new(native));
        piece.rows = batch.len();
        Ok(())
    }

    fn framing(&self) -> Box<dyn Framing> {
        Box::new(ParquetFraming {
            shape: self.shape.clone(),
            buffer: Buffer::default(),
            file: None,
        })
    }
}

struct ParquetFraming {
    shape: FileShape,
    buffer: Buffer,
    file: Option<SerializedFileWriter<Buffer>>,
}

impl ParquetFraming {
    fn file(&mut self) -> &mut SerializedFileWriter<Buffer> {
        self.file.as_mut().expect("a file is begun before pieces are placed")
    }
}

impl Framing for ParquetFraming {
    fn begin(&mut self, out: &mut dyn io::Write) -> Result<(), FormatError> {
        let FileShape { schema, properties } = self.shape.clone();
        let file = SerializedFileWriter::new(self.buffer.clone(), schema, properties);
        self.file = Some(file.map_err(failed)?);
        self.buffer.drain_into(out)
    }

    fn place(
        &mut self,
        _batch: &RowBatch,
        piece: &mut Piece,
        out: &mut dyn io::Write,
    ) -> Result<(), FormatError> {
        let native = piece.native.take().expect("a piece comes from this format's encoder");
        let native = native.downcast::<Native>().expect("a piece comes from this encoder");
        for RowGroup(chunks) in native.map_err(failed)? {
            let mut group = self.file().next_row_group().map_err(failed)?;
            for chunk in chunks {
                chunk.append_to_row_group(&mut group).map_err(failed)?;
            }
            group.close().map_err(failed)?;
        }
        self.buffer.drain_into(out)
    }

    fn end(&mut self, out: &mut dyn io::Write) -> Result<(), FormatError> {
        self.file().finish().map_err(failed)?;
        self.buffer.drain_into(out)
    }
}

/// Bytes on their way from the library's writer, which owns its output, to ours.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        // Bytes are whole even if another thread panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drain_into(&self, out: &mut dyn io::Write) -> Result<(), FormatError> {
        let mut bytes = self.bytes();
        out.write_all(&bytes)?;
        bytes.clear();
        Ok(())
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn failed(cause: ParquetError) -> FormatError {
    FormatError::Library { format: LABEL, cause: Box::new(cause) }
}
