//! Tables as tests know them: columns and cells, their batches, their files.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use tidegate_batch::{Column, DataType, Interval, RowBatch, Schema};
use tidegate_format::{CellError, Counts, Format, FormatError, Layout, Options, Piece};

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Boolean(bool),
    Integer(i64),
    Float32(f32),
    Float64(f64),
    /// Digits without the point, and how many stand behind it.
    Decimal(i128, u16),
    Text(String),
    Bytes(Vec<u8>),
    Date(i32),
    Time(i64),
    /// With or without a zone, as the column says.
    Timestamp(i64),
    Uuid(u128),
    Interval(Interval),
    /// JSON text, of a document or a list.
    Json(String),
}

/// Columns and rows.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
    pub(crate) title: String,
    pub(crate) time_zone: chrono_tz::Tz,
    pub(crate) rows_per_batch: usize,
}

/// A finished file.
pub(crate) struct Made {
    pub(crate) bytes: Vec<u8>,
    pub(crate) counts: Counts,
    /// What was changed in that which stands around the rows.
    pub(crate) counts_around: Counts,
}

impl Table {
    /// A table of columns given as name and type.
    pub(crate) fn new(columns: &[(&str, &str)]) -> Self {
        let column = |(name, data_type): &(&str, &str)| {
            Column::new(*name, data_type.parse().expect("a type's name"))
        };
        Self::of(columns.iter().map(column).collect())
    }

    pub(crate) fn of(columns: Vec<Column>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
            title: "orders".to_owned(),
            time_zone: chrono_tz::UTC,
            rows_per_batch: 1_000,
        }
    }

    pub(crate) fn row(mut self, cells: impl Into<Vec<Cell>>) -> Self {
        self.rows.push(cells.into());
        self
    }

    pub(crate) fn batches(&self) -> Vec<RowBatch> {
        self.rows.chunks(self.rows_per_batch).map(batch).collect()
    }

    /// The file in `format`, one piece a batch.
    pub(crate) fn file(
        &self,
        format: &dyn Format,
        options: &[(&str, &str)],
    ) -> Result<Made, FormatError> {
        let given: BTreeMap<String, String> =
            options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let encoder = format.encoder(Layout {
            schema: Arc::new(Schema::new(self.columns.clone())),
            options: Options::check(format.options(), &given).expect("options of the format"),
            time_zone: self.time_zone,
            title: self.title.clone(),
        })?;
        let mut framing = encoder.framing();
        let mut made =
            Made { bytes: Vec::new(), counts: Counts::default(), counts_around: Counts::default() };
        let mut piece = Piece::default();
        framing.begin(&mut made.bytes)?;
        for batch in self.batches() {
            piece.clear();
            encoder.encode(&batch, &mut piece)?;
            assert_eq!(piece.rows, batch.len());
            made.counts += piece.counts;
            framing.place(&batch, &mut piece, &mut made.bytes)?;
        }
        framing.end(&mut made.bytes)?;
        made.counts_around = framing.counts();
        Ok(made)
    }

    /// The fault of the first value that the format refuses.
    pub(crate) fn fault(&self, format: &dyn Format) -> CellError {
        match self.file(format, &[]) {
            Err(FormatError::Cell(error)) => error,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("nothing was refused"),
        }
    }
}

fn batch(rows: &[Vec<Cell>]) -> RowBatch {
    let mut batch = RowBatch::default();
    for row in rows {
        row.iter().for_each(|cell| put(&mut batch, cell));
        batch.end_row();
    }
    batch.seal();
    batch
}

fn put(batch: &mut RowBatch, cell: &Cell) {
    match cell {
        Cell::Null => batch.put_null(),
        Cell::Boolean(value) => batch.put_bool(*value),
        Cell::Integer(value) | Cell::Time(value) | Cell::Timestamp(value) => batch.put_i64(*value),
        Cell::Float32(value) => batch.put_bytes(&value.to_be_bytes()),
        Cell::Float64(value) => batch.put_f64(*value),
        Cell::Decimal(digits, scale) => batch.put_bytes(&numeric(*digits, *scale)),
        Cell::Text(text) | Cell::Json(text) => batch.put_bytes(text.as_bytes()),
        Cell::Bytes(octets) => batch.put_bytes(octets),
        Cell::Date(days) => batch.put_i32(*days),
        Cell::Uuid(uuid) => batch.put_bytes(&uuid.to_be_bytes()),
        Cell::Interval(span) => {
            let mut cell = span.micros.to_be_bytes().to_vec();
            cell.extend(span.days.to_be_bytes());
            cell.extend(span.months.to_be_bytes());
            batch.put_bytes(&cell);
        }
    }
}

/// PostgreSQL's binary `numeric`: groups of four digits around the point, zeros at the ends cut.
pub(crate) fn numeric(digits: i128, scale: u16) -> Vec<u8> {
    let padding = (4 - scale % 4) % 4;
    let text = format!("{}{}", digits.unsigned_abs(), "0".repeat(padding.into()));
    let text = format!("{}{text}", "0".repeat((4 - text.len() % 4) % 4));
    let mut groups: Vec<u16> =
        (0..text.len() / 4).map(|at| text[4 * at..4 * at + 4].parse().unwrap()).collect();
    let behind = i16::try_from((scale + padding) / 4).unwrap();
    let mut weight = i16::try_from(groups.len()).unwrap() - behind - 1;
    while groups.first() == Some(&0) {
        groups.remove(0);
        weight -= 1;
    }
    while groups.last() == Some(&0) {
        groups.pop();
    }
    let sign = if digits < 0 { 0x4000 } else { 0 };
    let weight = if groups.is_empty() { 0 } else { weight };
    let header = [u16::try_from(groups.len()).unwrap(), weight.cast_unsigned(), sign, scale];
    header.iter().chain(&groups).flat_map(|part| part.to_be_bytes()).collect()
}

/// Any table of these types.
pub(crate) fn tables(types: &'static [&'static str]) -> impl Strategy<Value = Table> {
    let data_types = prop::collection::vec(prop::sample::select(types), 1..7);
    (data_types, 0..40_usize, 1..9_usize).prop_flat_map(|(types, rows, rows_per_batch)| {
        let types: Vec<DataType> = types.iter().map(|name| name.parse().unwrap()).collect();
        let row: Vec<_> = types.iter().map(cells).collect();
        let columns = types.into_iter().enumerate();
        let columns = columns.map(|(i, t)| Column::new(format!("c{i}"), t)).collect();
        prop::collection::vec(row, rows).prop_map(move |rows| {
            let mut table = Table::of(Vec::clone(&columns));
            table.rows = rows;
            table.rows_per_batch = rows_per_batch;
            table
        })
    })
}

/// Any cell of a type, one in five NULL.
fn cells(data_type: &DataType) -> BoxedStrategy<Cell> {
    let present = match data_type {
        DataType::Boolean => any::<bool>().prop_map(Cell::Boolean).boxed(),
        DataType::Integer => any::<i64>().prop_map(Cell::Integer).boxed(),
        DataType::Float32 => any::<f32>().prop_map(Cell::Float32).boxed(),
        DataType::Float64 => any::<f64>().prop_map(Cell::Float64).boxed(),
        DataType::Decimal(shape) => {
            let (precision, scale) = shape.unwrap_or((38, 9));
            let end = 10_i128.pow(precision.into());
            // Small numbers too, or all would have as many digits as there may be.
            let digits = (1 - end..end, 0..u32::from(precision));
            digits.prop_map(move |(n, cut)| Cell::Decimal(n / 10_i128.pow(cut), scale)).boxed()
        }
        DataType::Text => texts().prop_map(Cell::Text).boxed(),
        DataType::Bytes => any::<Vec<u8>>().prop_map(Cell::Bytes).boxed(),
        DataType::Date => (-2_451_545..2_000_000).prop_map(Cell::Date).boxed(),
        DataType::Time => (0..86_400_000_000_i64).prop_map(Cell::Time).boxed(),
        DataType::Timestamp | DataType::TimestampTz => {
            (-211_813_488_000_000_000..9_223_371_331_200_000_i64).prop_map(Cell::Timestamp).boxed()
        }
        DataType::Uuid => any::<u128>().prop_map(Cell::Uuid).boxed(),
        DataType::Interval => any::<(i32, i32, i64)>()
            .prop_map(|(months, days, micros)| Cell::Interval(Interval { months, days, micros }))
            .boxed(),
        DataType::Json => any::<Vec<i32>>().prop_map(|n| Cell::Json(format!("{n:?}"))).boxed(),
        DataType::List(_) => prop::collection::vec(prop::option::of(any::<i64>()), 0..5)
            .prop_map(|items| Cell::Json(serde_json::to_string(&items).unwrap()))
            .boxed(),
    };
    prop_oneof![1 => Just(Cell::Null), 4 => present].boxed()
}

/// Any text that XML allows, half of it put together from what formats stumble over.
fn texts() -> BoxedStrategy<String> {
    let pieces = [
        "_x000D_",
        "_x005F_",
        "_",
        "x000",
        " ",
        "  ",
        "\n",
        "\r",
        "\t",
        "<",
        ">",
        "&",
        "]]>",
        "\"",
        "'",
        "=1+1",
        "@",
        "\u{7F}",
        "\u{85}",
        "\u{2028}",
        "\u{FFFD}",
        "\u{1F980}",
        "\u{5D0}",
        "a",
        "0",
        "é",
    ];
    let hostile = prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..12);
    prop_oneof![any::<String>(), hostile.prop_map(|pieces| pieces.concat())].boxed()
}
