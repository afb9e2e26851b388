//! XLSX: sheet XML, deflated on all cores and written as one zip stream.

mod cells;
mod deflate;
mod huffman;
mod names;
mod parts;
mod serial;
mod sheet;
mod sheets;
mod styles;
mod text;
mod widths;
mod workbook;
mod zip;

use std::sync::Arc;

use tidegate_batch::RowBatch;

use self::{sheets::Sheets, workbook::WorkbookFraming};
use crate::{
    CellError, Encoder, Format, FormatError, Framing, Layout, OptionKind, OptionSpec, Piece,
    flatten,
};

const LABEL: &str = "XLSX";

/// Columns that Excel can hold.
const COLUMNS_MAX: usize = 16_384;

/// Where a sheet ends and the next one begins.
#[derive(Clone, Copy, Debug)]
struct SheetLimits {
    /// Rows, the header among them.
    rows: usize,
    /// Bytes of XML.
    bytes: u64,
}

/// What Excel can hold, and what its archive can without 64-bit sizes.
const LIMITS: SheetLimits = SheetLimits { rows: 1_048_576, bytes: zip::PART_BYTES_MAX };

const OPTIONS: &[OptionSpec] = &[OptionSpec {
    slug: "overflow",
    label: "Long text",
    help: "What to do with text over 32,767 characters, which no cell can hold.",
    kind: OptionKind::Choice(&["fail", "truncate"]),
    default: "fail",
}];

/// A workbook that people like to open.
pub(crate) struct Xlsx {
    limits: SheetLimits,
}

impl Xlsx {
    pub(crate) const fn new() -> Self {
        Self { limits: LIMITS }
    }
}

impl Format for Xlsx {
    fn slug(&self) -> &'static str {
        "xlsx"
    }

    fn label(&self) -> &'static str {
        LABEL
    }

    fn is_text(&self) -> bool {
        false
    }

    fn media_type(&self) -> &'static str {
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    }

    fn options(&self) -> &'static [OptionSpec] {
        OPTIONS
    }

    fn encoder(&self, layout: Layout) -> Result<Box<dyn Encoder>, FormatError> {
        let columns = layout.schema.visible().len();
        if columns > COLUMNS_MAX {
            return Err(FormatError::TooManyColumns {
                format: LABEL,
                columns,
                columns_max: COLUMNS_MAX,
            });
        }
        flatten::check_flat_names(&layout.schema)?;
        Ok(Box::new(XlsxEncoder(Arc::new(Sheets::new(&layout, self.limits)))))
    }
}

struct XlsxEncoder(Arc<Sheets>);

impl Encoder for XlsxEncoder {
    fn encode(&self, batch: &RowBatch, piece: &mut Piece) -> Result<(), CellError> {
        self.0.encode(batch, 0..batch.len(), piece)
    }

    fn framing(&self) -> Box<dyn Framing> {
        Box::new(WorkbookFraming::new(Arc::clone(&self.0)))
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, io::Cursor};

    use calamine::{Data, Reader};
    use tidegate_batch::{Column, DataType, Schema};

    use super::*;
    use crate::Options;

    /// Sheets with their names and numbers, of a column of numbers in batches of these sizes.
    fn sheets(limits: SheetLimits, batches: &[i64]) -> Vec<(String, Vec<i64>)> {
        let layout = Layout {
            schema: Arc::new(Schema::new(vec![Column::new("id", DataType::Integer)])),
            options: Options::check(OPTIONS, &BTreeMap::new()).unwrap(),
            time_zone: chrono_tz::UTC,
            title: "orders".to_owned(),
        };
        let encoder = Xlsx { limits }.encoder(layout).unwrap();
        let (mut framing, mut piece, mut out) = (encoder.framing(), Piece::default(), Vec::new());
        framing.begin(&mut out).unwrap();
        let mut next = 0;
        for rows in batches {
            let mut batch = RowBatch::default();
            for id in next..next + rows {
                batch.put_i64(id);
                batch.end_row();
            }
            batch.seal();
            next += rows;
            piece.clear();
            encoder.encode(&batch, &mut piece).unwrap();
            framing.place(&batch, &mut piece, &mut out).unwrap();
        }
        framing.end(&mut out).unwrap();
        read(out)
    }

    fn read(file: Vec<u8>) -> Vec<(String, Vec<i64>)> {
        let mut workbook: calamine::Xlsx<_> =
            calamine::open_workbook_from_rs(Cursor::new(file)).unwrap();
        let names = workbook.sheet_names();
        let ids = |range: calamine::Range<Data>| {
            let mut cells = range.rows().map(|row| row[0].clone());
            assert_eq!(cells.next(), Some(Data::String("id".to_owned())), "the header");
            cells
                .map(|cell| match cell {
                    Data::Float(id) => id as i64,
                    other => panic!("{other:?}"),
                })
                .collect()
        };
        names
            .into_iter()
            .map(|name| {
                let range = workbook.worksheet_range(&name).unwrap();
                (name, ids(range))
            })
            .collect()
    }

    fn named(sheets: &[&[i64]]) -> Vec<(String, Vec<i64>)> {
        let name = |index| match index {
            0 => "orders".to_owned(),
            index => format!("orders ({})", index + 1),
        };
        sheets.iter().enumerate().map(|(index, ids)| (name(index), ids.to_vec())).collect()
    }

    const FOUR_ROWS: SheetLimits = SheetLimits { rows: 4, ..LIMITS };

    #[test]
    fn a_new_sheet_begins_exactly_at_the_limit() {
        assert_eq!(sheets(FOUR_ROWS, &[]), named(&[&[]]));
        assert_eq!(sheets(FOUR_ROWS, &[3]), named(&[&[0, 1, 2]]));
        assert_eq!(sheets(FOUR_ROWS, &[3, 0, 1]), named(&[&[0, 1, 2], &[3]]));
        assert_eq!(sheets(FOUR_ROWS, &[1, 2, 3]), named(&[&[0, 1, 2], &[3, 4, 5]]));
    }

    #[test]
    fn a_batch_that_crosses_the_limit_is_split() {
        assert_eq!(sheets(FOUR_ROWS, &[2, 2]), named(&[&[0, 1, 2], &[3]]));
        let in_four: &[&[i64]] = &[&[0, 1, 2], &[3, 4, 5], &[6, 7, 8], &[9, 10]];
        assert_eq!(sheets(FOUR_ROWS, &[10, 1]), named(in_four));
        assert_eq!(sheets(FOUR_ROWS, &[2, 9]), named(in_four));
    }

    #[test]
    fn a_new_sheet_begins_before_a_part_grows_too_large() {
        let found = sheets(SheetLimits { bytes: 5_000, ..LIMITS }, &[50, 50, 50]);
        assert_eq!(found.len(), 2);
        let ids: Vec<i64> = found.into_iter().flat_map(|(_, ids)| ids).collect();
        assert_eq!(ids, (0..150).collect::<Vec<i64>>());
    }
}
