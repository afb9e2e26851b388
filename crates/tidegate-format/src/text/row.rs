//! The loop that turns a batch into rows of text, one for all row-wise text formats.

use tidegate_batch::{
    Column, DataType, Decimal, Interval, Item, MalformedCell, PaddedCell, RowBatch, Value, Wire,
};

use super::{Glue, Out, binary, interval, number, time, zone::ZoneOffsets};
use crate::{CellError, CellFault, Counts, Layout};

/// What a format adds to the values that all formats write alike.
pub(crate) trait Dialect: Send + Sync {
    /// Writes text.
    fn text(&self, out: &mut Out<'_>, cell: PaddedCell<'_>, counts: &mut Counts);

    /// Writes a JSON document.
    fn document(&self, out: &mut Out<'_>, cell: PaddedCell<'_>, counts: &mut Counts);

    /// Writes octets.
    fn octets(&self, vec: &mut Vec<u8>, octets: &[u8], counts: &mut Counts);

    /// Writes a list.
    ///
    /// # Errors
    ///
    /// If an item is not what the column declares.
    fn list(
        &self,
        vec: &mut Vec<u8>,
        list: ListCell<'_>,
        counts: &mut Counts,
    ) -> Result<(), CellFault>;
}

/// A list, and what is known of it.
pub(crate) struct ListCell<'a> {
    /// The JSON array.
    pub(crate) json: &'a [u8],
    /// What it holds.
    pub(crate) item: &'a Item,
    /// Column in the schema, from 0.
    pub(crate) column: usize,
    /// Offsets of the zone in which instants are written.
    pub(crate) zone: &'a ZoneOffsets,
    /// A buffer to work in.
    pub(crate) scratch: &'a mut Vec<u8>,
}

/// Where a column's values stand in a row, and between what.
pub(crate) struct Place {
    /// Column in the schema, from 0.
    pub(crate) column: usize,
    /// Stands before a value.
    pub(crate) before: Glue,
    /// Stands behind a value.
    pub(crate) after: Glue,
    /// Stands for NULL, with all around it.
    pub(crate) null: Glue,
    /// Put around a number that is none (NaN, infinity), where numbers stand bare.
    pub(crate) word_quote: Option<u8>,
}

/// All that is known of a row before the first one.
pub(crate) struct RowPlan {
    columns: Vec<Column>,
    places: Vec<(Kind, Place)>,
    /// Whether places follow the columns, so that cells can be written as they come.
    is_in_order: bool,
    end: Glue,
    zone: ZoneOffsets,
    /// What a row is longer than its cells, about.
    extra_bytes: usize,
}

/// How a column's cells are decoded and written, chosen once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Boolean,
    Integer,
    Float32,
    Float64,
    Decimal,
    Digits,
    Text,
    Bytes,
    Date,
    Time,
    Timestamp,
    InstantUtc,
    Instant,
    Uuid,
    Interval,
    Json,
    VersionedJson,
    List,
    VersionedList,
}

impl Kind {
    fn of(column: &Column, zone: &ZoneOffsets) -> Self {
        match (&column.data_type, column.wire) {
            (DataType::Boolean, _) => Self::Boolean,
            (DataType::Integer, _) => Self::Integer,
            (DataType::Float32, _) => Self::Float32,
            (DataType::Float64, _) => Self::Float64,
            (DataType::Decimal(_), Wire::Digits) => Self::Digits,
            (DataType::Decimal(_), Wire::Binary | Wire::VersionedJson) => Self::Decimal,
            (DataType::Text, _) => Self::Text,
            (DataType::Bytes, _) => Self::Bytes,
            (DataType::Date, _) => Self::Date,
            (DataType::Time, _) => Self::Time,
            (DataType::Timestamp, _) => Self::Timestamp,
            (DataType::TimestampTz, _) if zone.is_utc() => Self::InstantUtc,
            (DataType::TimestampTz, _) => Self::Instant,
            (DataType::Uuid, _) => Self::Uuid,
            (DataType::Interval, _) => Self::Interval,
            (DataType::Json, Wire::VersionedJson) => Self::VersionedJson,
            (DataType::Json, Wire::Binary | Wire::Digits) => Self::Json,
            (DataType::List(_), Wire::VersionedJson) => Self::VersionedList,
            (DataType::List(_), Wire::Binary | Wire::Digits) => Self::List,
        }
    }

    /// What a value is longer as text than in the batch, about.
    fn extra_bytes(self) -> usize {
        match self {
            Self::Date | Self::Time | Self::Boolean => 4,
            Self::Integer | Self::Float32 | Self::Float64 => 8,
            Self::Timestamp | Self::InstantUtc | Self::Instant | Self::Uuid => 24,
            Self::Bytes | Self::Decimal => 8,
            Self::Digits
            | Self::Text
            | Self::Interval
            | Self::Json
            | Self::VersionedJson
            | Self::List
            | Self::VersionedList => 0,
        }
    }
}

impl RowPlan {
    /// Plans rows of these places; `end` stands behind the last one.
    pub(crate) fn new(layout: &Layout, places: Vec<Place>, end: &[u8]) -> Self {
        let columns = layout.schema.columns().to_vec();
        let zone = ZoneOffsets::new(layout.time_zone);
        let is_in_order = places.iter().enumerate().all(|(index, place)| index == place.column);
        let places: Vec<(Kind, Place)> =
            places.into_iter().map(|p| (Kind::of(&columns[p.column], &zone), p)).collect();
        let extra = |(kind, place): &(Kind, Place)| {
            place.before.len() + place.after.len() + kind.extra_bytes()
        };
        let extra_bytes = places.iter().map(extra).sum::<usize>() + end.len();
        Self { columns, places, is_in_order, end: Glue::new(end), zone, extra_bytes }
    }

    /// Appends the rows of `batch`.
    ///
    /// # Errors
    ///
    /// If a cell is no value of its column.
    pub(crate) fn encode<D: Dialect>(
        &self,
        batch: &RowBatch,
        dialect: &D,
        bytes: &mut Vec<u8>,
    ) -> Result<Counts, CellError> {
        let mut out = Out::on(bytes);
        out.reserve(batch.bytes_len() + batch.len() * self.extra_bytes);
        let mut writer = CellWriter {
            plan: self,
            dialect,
            counts: Counts::default(),
            list_fault: None,
            scratch: Vec::new(),
        };
        match self.is_in_order {
            true => writer.rows_in_order(batch, &mut out)?,
            false => writer.rows_out_of_order(batch, &mut out)?,
        }
        out.finish();
        Ok(writer.counts)
    }
}

/// Writes the cells of one batch.
struct CellWriter<'a, D> {
    plan: &'a RowPlan,
    dialect: &'a D,
    counts: Counts,
    /// What was wrong with the list that was written last.
    list_fault: Option<CellFault>,
    scratch: Vec<u8>,
}

impl<D: Dialect> CellWriter<'_, D> {
    #[inline(always)]
    fn rows_in_order(&mut self, batch: &RowBatch, out: &mut Out<'_>) -> Result<(), CellError> {
        let plan = self.plan;
        let hidden = plan.columns.len() - plan.places.len();
        let mut cells = batch.cells();
        for row in 0..batch.len() {
            for (kind, place) in &plan.places {
                self.place(out, *kind, place, cells.next_cell())
                    .map_err(|fault| at(row, place, *fault))?;
            }
            for _ in 0..hidden {
                _ = cells.next_cell();
            }
            out.glue(&plan.end);
        }
        Ok(())
    }

    /// Nesting may bring a column before one that comes earlier in the batch.
    #[inline(always)]
    fn rows_out_of_order(&mut self, batch: &RowBatch, out: &mut Out<'_>) -> Result<(), CellError> {
        let plan = self.plan;
        let mut cells = batch.cells();
        let mut row_cells = vec![None; plan.columns.len()];
        for row in 0..batch.len() {
            row_cells.fill_with(|| cells.next_cell());
            for (kind, place) in &plan.places {
                self.place(out, *kind, place, row_cells[place.column])
                    .map_err(|fault| at(row, place, *fault))?;
            }
            out.glue(&plan.end);
        }
        Ok(())
    }

    #[inline(always)]
    fn place(
        &mut self,
        out: &mut Out<'_>,
        kind: Kind,
        place: &Place,
        cell: Option<PaddedCell<'_>>,
    ) -> Result<(), Box<CellFault>> {
        let Some(cell) = cell else {
            out.glue(&place.null);
            return Ok(());
        };
        out.glue(&place.before);
        if self.cell(out, kind, place, cell).is_none() {
            return Err(self.fault(place, cell));
        }
        if !place.after.is_empty() {
            out.glue(&place.after);
        }
        Ok(())
    }

    /// Writes a cell, or finds that it is no value of its column.
    // No closure may borrow the cell here: it would move from registers to memory for all kinds.
    #[inline(always)]
    fn cell(
        &mut self,
        out: &mut Out<'_>,
        kind: Kind,
        place: &Place,
        cell: PaddedCell<'_>,
    ) -> Option<()> {
        match kind {
            Kind::Text => self.dialect.text(out, cell, &mut self.counts),
            Kind::Integer => number::integer(out, integer(cell)?),
            Kind::InstantUtc => time::instant_utc(out, eight(cell)?),
            Kind::Instant => time::instant(out, eight(cell)?, &self.plan.zone),
            Kind::Timestamp => time::timestamp(out, eight(cell)?),
            Kind::Date => time::date(out, four(cell)?.cast_signed()),
            Kind::Time => time::time(out, time_of_day(cell)?),
            Kind::Decimal => decimal(out, place, &Decimal::from_binary(cell.bytes())?),
            Kind::Digits => decimal(out, place, &Decimal::from_digits(cell.bytes())),
            Kind::Boolean => number::boolean(out, *cell.bytes().first()? != 0),
            Kind::Float64 => {
                let value = f64::from_bits(eight(cell)?.cast_unsigned());
                worded(out, place, value.is_finite(), |out| number::float64(out, value));
            }
            Kind::Float32 => {
                let value = f32::from_bits(four(cell)?);
                worded(out, place, value.is_finite(), |out| number::float32(out, value));
            }
            Kind::Uuid => binary::uuid(out, cell.bytes().as_array()?),
            Kind::Json => self.dialect.document(out, cell, &mut self.counts),
            Kind::VersionedJson => self.dialect.document(out, cell.skip(1)?, &mut self.counts),
            Kind::Interval => {
                let value = self.interval(place, cell)?;
                out.with_vec(|vec| interval::interval(vec, value));
            }
            Kind::Bytes => {
                let (dialect, counts, octets) = (self.dialect, &mut self.counts, cell.bytes());
                out.with_vec(|vec| dialect.octets(vec, octets, counts));
            }
            Kind::List => self.list(out, place, cell)?,
            Kind::VersionedList => self.list(out, place, cell.skip(1)?)?,
        }
        Some(())
    }

    #[inline(always)]
    fn list(&mut self, out: &mut Out<'_>, place: &Place, cell: PaddedCell<'_>) -> Option<()> {
        let json = cell.bytes();
        match out.with_vec(|vec| self.list_on(vec, place, json)) {
            Ok(()) => Some(()),
            Err(fault) => {
                self.list_fault = Some(fault);
                None
            }
        }
    }

    #[inline(never)]
    fn list_on(&mut self, vec: &mut Vec<u8>, place: &Place, json: &[u8]) -> Result<(), CellFault> {
        let column = place.column;
        let DataType::List(item) = &self.plan.columns[column].data_type else {
            unreachable!("lists are written for columns of lists")
        };
        let (zone, scratch) = (&self.plan.zone, &mut self.scratch);
        let list = ListCell { json, item, column, zone, scratch };
        self.dialect.list(vec, list, &mut self.counts)
    }

    #[inline(never)]
    fn interval(&self, place: &Place, cell: PaddedCell<'_>) -> Option<Interval> {
        match self.plan.columns[place.column].decode(Some(cell.bytes())) {
            Ok(Value::Interval(value)) => Some(value),
            Ok(_) | Err(_) => None,
        }
    }

    #[cold]
    #[inline(never)]
    fn fault(&mut self, place: &Place, cell: PaddedCell<'_>) -> Box<CellFault> {
        let malformed = || {
            let data_type = self.plan.columns[place.column].data_type.clone();
            MalformedCell { data_type, bytes: cell.len() }.into()
        };
        Box::new(self.list_fault.take().unwrap_or_else(malformed))
    }
}

#[cold]
fn at(row: usize, place: &Place, fault: CellFault) -> CellError {
    CellError { row, column: place.column, fault }
}

#[inline(always)]
fn decimal(out: &mut Out<'_>, place: &Place, value: &Decimal<'_>) {
    worded(out, place, value.is_finite(), |out| number::decimal(out, value));
}

/// Writes a number; where it is a word (NaN, infinity), in the quotes of its place.
#[inline(always)]
fn worded(out: &mut Out<'_>, place: &Place, is_finite: bool, write: impl FnOnce(&mut Out<'_>)) {
    let quote = if is_finite { None } else { place.word_quote };
    let Some(quote) = quote else { return write(out) };
    out.byte(quote);
    write(out);
    out.byte(quote);
}

/// A big-endian number of two, four or eight bytes.
#[inline(always)]
fn integer(cell: PaddedCell<'_>) -> Option<i64> {
    match cell.len() {
        8 => eight(cell),
        4 => Some(four(cell)?.cast_signed().into()),
        2 => Some(i16::from_be_bytes(*cell.tail().first_chunk()?).into()),
        _ => None,
    }
}

#[inline(always)]
fn eight(cell: PaddedCell<'_>) -> Option<i64> {
    let bytes = cell.tail().first_chunk().filter(|_| cell.len() == 8)?;
    Some(i64::from_be_bytes(*bytes))
}

/// Microseconds since midnight. MySQL's `TIME` can lie outside a day, and is no time of day then.
#[inline(always)]
fn time_of_day(cell: PaddedCell<'_>) -> Option<i64> {
    eight(cell).filter(|micros| (0..=time::DAY_MICROS).contains(micros))
}

#[inline(always)]
fn four(cell: PaddedCell<'_>) -> Option<u32> {
    let bytes = cell.tail().first_chunk().filter(|_| cell.len() == 4)?;
    Some(u32::from_be_bytes(*bytes))
}
