//! CSV (RFC 4180).

use std::io;

use tidegate_batch::{RowBatch, Value};

use crate::{CellError, Encoder, Format, FormatError, Framing, Layout, OptionSpec, Piece};

/// Header and one row a record.
pub(crate) struct Csv;

impl Format for Csv {
    fn slug(&self) -> &'static str {
        "csv"
    }

    fn label(&self) -> &'static str {
        "CSV"
    }

    fn media_type(&self) -> &'static str {
        "text/csv; charset=utf-8"
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    fn encoder(&self, layout: Layout) -> Result<Box<dyn Encoder>, FormatError> {
        Ok(Box::new(CsvEncoder { layout }))
    }
}

struct CsvEncoder {
    layout: Layout,
}

impl Encoder for CsvEncoder {
    fn encode(&self, batch: &RowBatch, piece: &mut Piece) -> Result<(), CellError> {
        let columns = self.layout.schema.columns();
        for (row, cells) in batch.rows(columns.len()).enumerate() {
            for (column, cell) in cells.enumerate() {
                if columns[column].is_hidden {
                    break;
                }
                if column > 0 {
                    piece.bytes.push(b',');
                }
                let value = columns[column].decode(cell);
                match value.map_err(|fault| CellError { row, column, fault: fault.into() })? {
                    Value::Null => {}
                    Value::Integer(number) => piece.bytes.extend(number.to_string().bytes()),
                    Value::Text(text) => piece.bytes.extend_from_slice(text),
                    Value::Decimal(decimal) => decimal.write_to(&mut piece.bytes),
                    other => piece.bytes.extend(format!("{other:?}").bytes()),
                }
            }
            piece.bytes.push(b'\n');
        }
        piece.rows = batch.len();
        Ok(())
    }

    fn framing(&self) -> Box<dyn Framing> {
        let names: Vec<&str> = self.layout.schema.visible().iter().map(|c| c.name()).collect();
        Box::new(CsvFraming { head: names.join(",") + "\n" })
    }
}

struct CsvFraming {
    head: String,
}

impl Framing for CsvFraming {
    fn begin(&mut self, out: &mut dyn io::Write) -> Result<(), FormatError> {
        Ok(out.write_all(self.head.as_bytes())?)
    }

    fn place(
        &mut self,
        _batch: &RowBatch,
        piece: &mut Piece,
        out: &mut dyn io::Write,
    ) -> Result<(), FormatError> {
        Ok(out.write_all(&piece.bytes)?)
    }

    fn end(&mut self, _out: &mut dyn io::Write) -> Result<(), FormatError> {
        Ok(())
    }
}
