//! Builds the Arrow array of one column of a batch.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, LargeBinaryArray, PrimitiveArray,
    types::{
        ArrowPrimitiveType, Decimal128Type, Decimal256Type, DecimalType, Float32Type, Float64Type,
        Int32Type, Int64Type,
    },
};
use arrow_buffer::{BooleanBufferBuilder, NullBufferBuilder, OffsetBuffer, i256};
use tidegate_batch::{Column, DataType, MalformedCell, PaddedCells, RowBatch, Value};

use super::{
    decimals::{Unscaled, floor_of, unscaled},
    leaf::{Leaf, Nested, Shape, Width},
    lists::ListBuilder,
    times, words,
};
use crate::{CellError, CellFault};

/// A batch, cut into groups of rows.
pub(super) struct BatchColumns<'a> {
    columns: &'a [Column],
    cells: PaddedCells<'a>,
    rows_left: usize,
    rows_before: usize,
}

/// Some rows of a batch, read column by column.
pub(super) struct Columns<'a> {
    columns: &'a [Column],
    /// Where each row goes on.
    rows: Vec<PaddedCells<'a>>,
    /// Rows of the batch before these.
    rows_before: usize,
    /// Bytes of all cells of each column.
    bytes: Vec<usize>,
    next: usize,
}

/// The cells of one column, each at the front of its row.
struct Cells<'a, 'b> {
    column: &'a Column,
    index: usize,
    rows_before: usize,
    bytes: usize,
    rows: &'b mut [PaddedCells<'a>],
}

impl<'a> BatchColumns<'a> {
    pub(super) fn of(batch: &'a RowBatch, columns: &'a [Column]) -> Self {
        Self { columns, cells: batch.cells(), rows_left: batch.len(), rows_before: 0 }
    }

    /// The next rows, at most so many.
    pub(super) fn next_rows(&mut self, rows_max: usize) -> Option<Columns<'a>> {
        let count = self.rows_left.min(rows_max);
        let mut rows = Vec::with_capacity(count);
        let mut bytes = vec![0; self.columns.len()];
        for _ in 0..count {
            rows.push(self.cells.clone());
            for bytes in &mut bytes {
                *bytes += self.cells.next_cell().map_or(0, |cell| cell.len());
            }
        }
        let rows_before = self.rows_before;
        self.rows_left -= count;
        self.rows_before += count;
        (count > 0).then_some(Columns { columns: self.columns, rows, rows_before, bytes, next: 0 })
    }
}

impl Columns<'_> {
    /// The array of the next column, stored as `leaf` says.
    ///
    /// # Errors
    ///
    /// If the file has no place for a value.
    pub(super) fn next_array(&mut self, leaf: &Leaf) -> Result<ArrayRef, CellError> {
        let index = self.next;
        self.next += 1;
        let cells = Cells {
            column: &self.columns[index],
            index,
            rows_before: self.rows_before,
            bytes: self.bytes[index],
            rows: &mut self.rows,
        };
        match leaf {
            Leaf::Boolean => cells.booleans(),
            Leaf::Integer => cells.primitives::<Int64Type>(integer),
            Leaf::Float32 => cells.primitives::<Float32Type>(float32),
            Leaf::Float64 => cells.primitives::<Float64Type>(float64),
            Leaf::Date => cells.primitives::<Int32Type>(date),
            Leaf::Time => cells.primitives::<Int64Type>(time),
            Leaf::Timestamp | Leaf::TimestampTz => cells.primitives::<Int64Type>(timestamp),
            Leaf::Decimal(shape) => cells.decimals(*shape),
            Leaf::Text | Leaf::Bytes => cells.octets(),
            Leaf::List(nested) => cells.lists(nested),
        }
    }
}

impl<'a> Cells<'a, '_> {
    /// Gives each cell of the column to `take`.
    #[inline(always)]
    fn each(
        self,
        mut take: impl FnMut(&'a Column, Option<&'a [u8]>) -> Result<(), CellFault>,
    ) -> Result<(), CellError> {
        let Self { column, index, rows, .. } = self;
        for (row, cells) in (self.rows_before..).zip(rows) {
            let cell = cells.next_cell().map(|cell| cell.bytes());
            take(column, cell).map_err(|fault| CellError { row, column: index, fault })?;
        }
        Ok(())
    }

    #[inline(always)]
    fn primitives<T: ArrowPrimitiveType>(
        self,
        read: impl Fn(&Column, &[u8]) -> Result<T::Native, CellFault>,
    ) -> Result<ArrayRef, CellError> {
        Ok(Arc::new(self.numbers::<T>(read)?))
    }

    #[inline(always)]
    fn numbers<T: ArrowPrimitiveType>(
        self,
        read: impl Fn(&Column, &[u8]) -> Result<T::Native, CellFault>,
    ) -> Result<PrimitiveArray<T>, CellError> {
        let mut values = Vec::with_capacity(self.rows.len());
        let mut nulls = NullBufferBuilder::new(self.rows.len());
        self.each(|column, cell| {
            nulls.append(cell.is_some());
            values.push(match cell {
                Some(cell) => read(column, cell)?,
                None => T::Native::default(),
            });
            Ok(())
        })?;
        Ok(PrimitiveArray::new(values.into(), nulls.finish()))
    }

    fn booleans(self) -> Result<ArrayRef, CellError> {
        let mut values = BooleanBufferBuilder::new(self.rows.len());
        let mut nulls = NullBufferBuilder::new(self.rows.len());
        self.each(|column, cell| {
            nulls.append(cell.is_some());
            values.append(column.decode(cell)? == Value::Boolean(true));
            Ok(())
        })?;
        Ok(Arc::new(BooleanArray::new(values.finish(), nulls.finish())))
    }

    fn decimals(self, shape: Shape) -> Result<ArrayRef, CellError> {
        let (precision, scale) = shape.arrow();
        Ok(match shape.width() {
            Width::I32 => {
                let floor = floor_of::<i64>(shape.precision);
                self.primitives::<Int32Type>(|column, cell| {
                    let number = decimal(column, cell, shape, floor)?;
                    Ok(i32::try_from(number).expect("nine digits fit 32 bits"))
                })?
            }
            Width::I64 => {
                let floor = floor_of::<i64>(shape.precision);
                self.primitives::<Int64Type>(|column, cell| decimal(column, cell, shape, floor))?
            }
            Width::I128 => {
                let floor = floor_of::<i128>(shape.precision);
                let read = |column: &Column, cell: &[u8]| decimal(column, cell, shape, floor);
                labelled(self.numbers::<Decimal128Type>(read)?, precision, scale)
            }
            Width::I256 => {
                let floor = floor_of::<i256>(shape.precision);
                let read = |column: &Column, cell: &[u8]| decimal(column, cell, shape, floor);
                labelled(self.numbers::<Decimal256Type>(read)?, precision, scale)
            }
        })
    }

    fn lists(self, nested: &Nested) -> Result<ArrayRef, CellError> {
        let mut lists = ListBuilder::of(nested);
        self.each(|column, cell| {
            match (column.decode(cell)?, &column.data_type) {
                (Value::List(json), DataType::List(item)) => lists.append(json, item)?,
                (Value::Null, _) => lists.append_null(),
                _ => return Err(malformed(column, cell.unwrap_or_default())),
            }
            Ok(())
        })?;
        Ok(lists.finish())
    }

    fn octets(self) -> Result<ArrayRef, CellError> {
        let mut values = Vec::with_capacity(self.bytes);
        let mut ends = Vec::with_capacity(self.rows.len() + 1);
        let mut nulls = NullBufferBuilder::new(self.rows.len());
        ends.push(0);
        self.each(|column, cell| {
            nulls.append(cell.is_some());
            match (&column.data_type, cell) {
                (DataType::Text | DataType::Bytes, cell) => {
                    values.extend_from_slice(cell.unwrap_or_default());
                }
                (_, None) => {}
                (_, Some(octets)) => words::write(&mut values, &column.decode(cell)?)
                    .ok_or_else(|| malformed(column, octets))?,
            }
            ends.push(i64::try_from(values.len()).expect("a buffer is smaller than 2^63 bytes"));
            Ok(())
        })?;
        let offsets = OffsetBuffer::new(ends.into());
        Ok(Arc::new(LargeBinaryArray::new(offsets, values.into(), nulls.finish())))
    }
}

fn labelled<T: DecimalType>(array: PrimitiveArray<T>, precision: u8, scale: i8) -> ArrayRef {
    let array = array.with_precision_and_scale(precision, scale);
    Arc::new(array.expect("the width was chosen for this precision"))
}

#[cold]
fn malformed(column: &Column, cell: &[u8]) -> CellFault {
    MalformedCell { data_type: column.data_type.clone(), bytes: cell.len() }.into()
}

fn integer(column: &Column, cell: &[u8]) -> Result<i64, CellFault> {
    match column.decode(Some(cell))? {
        Value::Integer(number) => Ok(number),
        _ => Err(malformed(column, cell)),
    }
}

fn float32(column: &Column, cell: &[u8]) -> Result<f32, CellFault> {
    match column.decode(Some(cell))? {
        Value::Float32(number) => Ok(number),
        _ => Err(malformed(column, cell)),
    }
}

fn float64(column: &Column, cell: &[u8]) -> Result<f64, CellFault> {
    match column.decode(Some(cell))? {
        Value::Float64(number) => Ok(number),
        _ => Err(malformed(column, cell)),
    }
}

fn date(column: &Column, cell: &[u8]) -> Result<i32, CellFault> {
    match column.decode(Some(cell))? {
        Value::Date(days) => times::date(days),
        _ => Err(malformed(column, cell)),
    }
}

fn time(column: &Column, cell: &[u8]) -> Result<i64, CellFault> {
    match column.decode(Some(cell))? {
        Value::Time(micros) => times::time(micros),
        _ => Err(malformed(column, cell)),
    }
}

fn timestamp(column: &Column, cell: &[u8]) -> Result<i64, CellFault> {
    match column.decode(Some(cell))? {
        Value::Timestamp(micros) | Value::TimestampTz(micros) => times::timestamp(micros),
        _ => Err(malformed(column, cell)),
    }
}

#[inline(always)]
fn decimal<T: Unscaled>(
    column: &Column,
    cell: &[u8],
    shape: Shape,
    floor: T,
) -> Result<T, CellFault> {
    match column.decode(Some(cell))? {
        Value::Decimal(decimal) => unscaled(&decimal, shape, floor),
        _ => Err(malformed(column, cell)),
    }
}
