//! Rows as sheet XML, from the cells of a batch.

use std::ops::Range;

use tidegate_batch::{
    Column, DataType, Decimal, MalformedCell, PaddedCell, PaddedCells, RowBatch, Value, Wire,
};

use super::{
    deflate::Mark,
    serial::Serial,
    styles::{Style, Styles},
    text::{AFTER, TextCells},
};
use crate::{
    CellError, CellFault, Counts, Layout,
    text::{Glue, Out, json::JsonStyle, list, number, value, zone::ZoneOffsets},
};

/// Significant digits that Excel keeps of a number.
const DIGITS_MAX: usize = 15;
/// Integers from here on have more digits than that.
const INTEGER_END: u64 = 1_000_000_000_000_000;
/// Integers from here on are shown with an exponent, unless they have a format.
const GENERAL_END: u64 = 100_000_000_000;

/// Height of a line of text, and the most lines that a row is made high for.
const LINE_POINTS: usize = 15;
const LINES_MAX: usize = 10;

const ROW: &[u8; 5] = b"<row>";
const ROW_END: &[u8; 6] = b"</row>";
const NULL: &[u8; 4] = b"<c/>";
const NUMBER_END: &[u8; 8] = b"</v></c>";

/// Bytes around an average cell.
const AROUND_BYTES: usize = 24;

/// Writes rows; all that is known of them before the first one.
pub(super) struct RowWriter {
    columns: Vec<CellColumn>,
    /// Columns of the batch that are not written.
    hidden: usize,
    zone: ZoneOffsets,
    text: TextCells,
}

struct CellColumn {
    column: Column,
    kind: Kind,
    /// Stands before a number.
    before: Glue,
    /// Stands before an integer that would be shown with an exponent.
    before_long: Glue,
    /// Bytes behind a value.
    after_bytes: usize,
}

/// How a column's cells are written, chosen once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
    Instant,
    /// A decimal whose digits are always few enough.
    ShortDecimal,
    Json,
    VersionedJson,
    Boolean,
    /// All that is not worth a kernel of its own.
    Other,
}

impl Kind {
    fn of(column: &Column) -> Self {
        match (&column.data_type, column.wire) {
            (DataType::Text, _) => Self::Text,
            (DataType::Integer, _) => Self::Integer,
            (DataType::TimestampTz, _) => Self::Instant,
            (DataType::Decimal(Some((precision, scale))), Wire::Binary)
                if usize::from(*precision.max(scale)) <= DIGITS_MAX =>
            {
                Self::ShortDecimal
            }
            (DataType::Json, Wire::VersionedJson) => Self::VersionedJson,
            (DataType::Json, Wire::Binary | Wire::Digits) => Self::Json,
            (DataType::Boolean, _) => Self::Boolean,
            (
                DataType::Decimal(_)
                | DataType::Float32
                | DataType::Float64
                | DataType::Bytes
                | DataType::Date
                | DataType::Time
                | DataType::Timestamp
                | DataType::Uuid
                | DataType::Interval
                | DataType::List(_),
                _,
            ) => Self::Other,
        }
    }
}

impl Kind {
    /// Whether a value may repeat something of other ones.
    fn is_searched(self) -> bool {
        match self {
            Self::Text | Self::Json | Self::VersionedJson => true,
            Self::Integer | Self::Instant | Self::ShortDecimal | Self::Boolean | Self::Other => {
                false
            }
        }
    }
}

impl RowWriter {
    pub(super) fn new(layout: &Layout, text: TextCells, styles: &Styles) -> Self {
        let before = |style: Style| match style {
            Style::Normal => Glue::new(b"<c><v>"),
            Style::Boolean => {
                let index = styles.index(style);
                Glue::new(format!("<c s=\"{index}\" t=\"b\"><v>").as_bytes())
            }
            style => Glue::new(format!("<c s=\"{}\"><v>", styles.index(style)).as_bytes()),
        };
        let columns = layout.schema.visible().iter().map(|column| CellColumn {
            column: column.clone(),
            kind: Kind::of(column),
            before: before(Style::of(&column.data_type)),
            before_long: before(Style::Integer),
            after_bytes: if Kind::of(column).is_searched() {
                AFTER.len()
            } else {
                NUMBER_END.len()
            },
        });
        Self {
            columns: columns.collect(),
            hidden: layout.schema.width() - layout.schema.visible().len(),
            zone: ZoneOffsets::new(layout.time_zone),
            text,
        }
    }

    /// Offsets of the zone in which instants are written.
    pub(super) fn zone(&self) -> &ZoneOffsets {
        &self.zone
    }

    /// Appends some rows of a batch, and marks where their values end.
    ///
    /// # Errors
    ///
    /// If a value has no place in a cell.
    pub(super) fn write(
        &self,
        batch: &RowBatch,
        rows: Range<usize>,
        bytes: &mut Vec<u8>,
        marks: &mut Vec<Mark>,
    ) -> Result<Counts, CellError> {
        marks.clear();
        marks.reserve(rows.len() * self.columns.len());
        let mut cells = batch.cells();
        for _ in 0..rows.start * (self.columns.len() + self.hidden) {
            cells.next_cell();
        }
        let mut out = Out::on(bytes);
        let share = batch.bytes_len() / batch.len().max(1) * rows.len();
        out.reserve(share + rows.len() * self.columns.len() * AROUND_BYTES);
        let mut writer =
            CellWriter { plan: self, counts: Counts::default(), lines: 1, scratch: Vec::new() };
        for row in rows {
            writer.row(&mut out, &mut cells, marks).map_err(|(column, fault)| CellError {
                row,
                column,
                fault: *fault,
            })?;
        }
        out.finish();
        Ok(writer.counts)
    }
}

/// Writes the cells of one batch.
struct CellWriter<'a> {
    plan: &'a RowWriter,
    counts: Counts,
    /// Lines of the row's highest cell.
    lines: usize,
    /// Text of a value before it is escaped.
    scratch: Vec<u8>,
}

impl CellWriter<'_> {
    #[inline(always)]
    fn row(
        &mut self,
        out: &mut Out<'_>,
        cells: &mut PaddedCells<'_>,
        marks: &mut Vec<Mark>,
    ) -> Result<(), (usize, Box<CellFault>)> {
        let plan = self.plan;
        // A row ends with its last value; the cells of NULLs before that only hold the place.
        let mut nulls = 0;
        out.array(ROW);
        for (index, column) in plan.columns.iter().enumerate() {
            let Some(cell) = cells.next_cell() else {
                nulls += 1;
                continue;
            };
            for _ in 0..std::mem::take(&mut nulls) {
                out.array(NULL);
            }
            self.cell(out, column, cell).map_err(|fault| (index, fault))?;
            let end = out.written() - column.after_bytes;
            marks.push(Mark::new(end, index, column.kind.is_searched()));
        }
        out.array(ROW_END);
        if self.lines > 1 {
            let lines = std::mem::replace(&mut self.lines, 1);
            out.with_vec(|vec| raise_row(vec, lines));
        }
        for _ in 0..plan.hidden {
            cells.next_cell();
        }
        Ok(())
    }

    #[inline(always)]
    fn cell(
        &mut self,
        out: &mut Out<'_>,
        column: &CellColumn,
        cell: PaddedCell<'_>,
    ) -> Result<(), Box<CellFault>> {
        match column.kind {
            Kind::Text => {
                let lines = self.plan.text.write(out, cell, &mut self.counts)?;
                self.lines = self.lines.max(lines);
            }
            Kind::Json => self.plan.text.write_document(out, cell, &mut self.counts)?,
            Kind::VersionedJson => match cell.skip(1) {
                Some(document) => self.plan.text.write_document(out, document, &mut self.counts)?,
                None => return Err(malformed(column, cell)),
            },
            Kind::Integer => match column.column.decode(Some(cell.bytes())) {
                Ok(Value::Integer(value)) if value.unsigned_abs() < GENERAL_END => {
                    out.glue(&column.before);
                    number::integer(out, value);
                    out.array(NUMBER_END);
                }
                _ => out.with_vec(|vec| self.other(vec, column, cell))?,
            },
            Kind::Instant => match cell.bytes().first_chunk().filter(|_| cell.len() == 8) {
                Some(bytes) => self.instant(out, column, i64::from_be_bytes(*bytes))?,
                None => return Err(malformed(column, cell)),
            },
            Kind::ShortDecimal => match Decimal::from_binary(cell.bytes()) {
                Some(value @ Decimal::Groups { .. }) => {
                    out.glue(&column.before);
                    number::decimal(out, &value);
                    out.array(NUMBER_END);
                }
                _ => out.with_vec(|vec| self.other(vec, column, cell))?,
            },
            Kind::Boolean => {
                let Some(byte) = cell.bytes().first() else { return Err(malformed(column, cell)) };
                out.glue(&column.before);
                out.byte(b'0' + u8::from(*byte != 0));
                out.array(NUMBER_END);
            }
            Kind::Other => out.with_vec(|vec| self.other(vec, column, cell))?,
        }
        Ok(())
    }

    #[inline(always)]
    fn instant(
        &mut self,
        out: &mut Out<'_>,
        column: &CellColumn,
        micros: i64,
    ) -> Result<(), Box<CellFault>> {
        let offset =
            if self.plan.zone.is_utc() { 0 } else { self.plan.zone.offset_seconds(micros) };
        let Some(serial) = Serial::of_instant(micros, offset) else {
            return out.with_vec(|vec| self.words(vec, &Value::TimestampTz(micros)));
        };
        out.glue(&column.before);
        serial.write(out);
        out.array(NUMBER_END);
        Ok(())
    }

    /// Writes any value, in the way that is right for it.
    #[inline(never)]
    fn other(
        &mut self,
        vec: &mut Vec<u8>,
        column: &CellColumn,
        cell: PaddedCell<'_>,
    ) -> Result<(), Box<CellFault>> {
        let value = column.column.decode(Some(cell.bytes()));
        let value = value.map_err(|fault| Box::new(CellFault::from(fault)))?;
        let serial = match value {
            Value::Date(days) => Serial::of_day(days),
            Value::Time(micros) => Serial::of_time(micros),
            Value::Timestamp(micros) => Serial::of_timestamp(micros),
            Value::List(json) => return self.list(vec, column, json),
            _ => None,
        };
        if let Some(serial) = serial {
            numeric(vec, &column.before, |out| serial.write(out));
            return Ok(());
        }
        self.scratch.clear();
        value::plain(&mut self.scratch, &value, &self.plan.zone);
        match value {
            Value::Integer(number) if number.unsigned_abs() < INTEGER_END => {
                numeric(vec, &column.before_long, |out| out.slice(&self.scratch));
            }
            Value::Decimal(number) if number.is_finite() && is_cell_number(&self.scratch) => {
                numeric(vec, &column.before, |out| out.slice(&self.scratch));
            }
            Value::Float64(number) if is_kept(number) => {
                numeric(vec, &column.before, |out| out.slice(&self.scratch));
            }
            Value::Float32(number) if number.is_finite() => {
                numeric(vec, &column.before, |out| out.slice(&self.scratch));
            }
            _ => return self.scratch_as_text(vec),
        }
        Ok(())
    }

    /// Writes a list as JSON text.
    fn list(
        &mut self,
        vec: &mut Vec<u8>,
        column: &CellColumn,
        json: &[u8],
    ) -> Result<(), Box<CellFault>> {
        let DataType::List(item) = &column.column.data_type else {
            unreachable!("a list comes from a column of lists")
        };
        self.scratch.clear();
        let style = JsonStyle { zone: &self.plan.zone, has_numbers_as_strings: false };
        list::render(&mut self.scratch, json, item, style)?;
        self.scratch_as_text(vec)
    }

    /// Writes a value as it stands in the other formats.
    #[inline(never)]
    fn words(&mut self, vec: &mut Vec<u8>, value: &Value<'_>) -> Result<(), Box<CellFault>> {
        self.scratch.clear();
        value::plain(&mut self.scratch, value, &self.plan.zone);
        self.scratch_as_text(vec)
    }

    fn scratch_as_text(&mut self, vec: &mut Vec<u8>) -> Result<(), Box<CellFault>> {
        let mut out = Out::on(vec);
        let cell = self.scratch.as_slice().into();
        let written = self.plan.text.write_document(&mut out, cell, &mut self.counts);
        out.finish();
        written
    }
}

/// Makes the last row high enough for its lines: LibreOffice does not do it by itself.
#[cold]
fn raise_row(vec: &mut Vec<u8>, lines: usize) {
    let row = memchr::memmem::rfind(vec, ROW).expect("a row was written");
    let height = lines.min(LINES_MAX) * LINE_POINTS;
    let attributes = format!(" ht=\"{height}\" customHeight=\"1\"");
    let at = row + ROW.len() - 1;
    vec.splice(at..at, attributes.into_bytes());
}

/// Writes a cell with a number.
fn numeric(vec: &mut Vec<u8>, before: &Glue, write: impl FnOnce(&mut Out<'_>)) {
    let mut out = Out::on(vec);
    out.glue(before);
    write(&mut out);
    out.array(NUMBER_END);
    out.finish();
}

/// Whether Excel keeps the number; what is below its smallest one becomes zero there.
fn is_kept(number: f64) -> bool {
    number.is_finite() && !number.is_subnormal()
}

/// Whether a cell keeps a number in plain notation: few enough digits, and neither so large nor so
/// small that a double loses it.
fn is_cell_number(number: &[u8]) -> bool {
    /// Fewer characters than these cannot leave a double's range of 10^±307.
    const RANGE_CHARACTERS: usize = 300;
    let significant = digits(number);
    if significant > DIGITS_MAX || number.len() < RANGE_CHARACTERS {
        return significant <= DIGITS_MAX;
    }
    let text = std::str::from_utf8(number).unwrap_or_default();
    text.parse::<f64>().is_ok_and(|double| is_kept(double) && (double != 0.0) == (significant > 0))
}

/// Significant digits of a number in plain notation: zeros at the ends of it do not count, unless
/// they stand before the point.
fn digits(number: &[u8]) -> usize {
    let number = number.strip_prefix(b"-").unwrap_or(number);
    let point = number.iter().position(|byte| *byte == b'.').unwrap_or(number.len());
    let (whole, fraction) = number.split_at(point);
    let fraction = fraction.strip_prefix(b".").unwrap_or(fraction);
    let behind = fraction.iter().rposition(|byte| *byte != b'0').map_or(0, |last| last + 1);
    let all = whole.iter().chain(&fraction[..behind]);
    all.skip_while(|byte| **byte == b'0').count()
}

#[cold]
fn malformed(column: &CellColumn, cell: PaddedCell<'_>) -> Box<CellFault> {
    let data_type = column.column.data_type.clone();
    Box::new(MalformedCell { data_type, bytes: cell.len() }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_that_carry_value_are_counted() {
        for (number, expected) in [
            ("0", 0),
            ("-0.000", 0),
            ("123456789012345", 15),
            ("-123456789012345.000", 15),
            ("1234567890123450", 16),
            ("0.000123", 3),
            ("100.5", 4),
        ] {
            assert_eq!(digits(number.as_bytes()), expected, "{number}");
        }
    }
}
