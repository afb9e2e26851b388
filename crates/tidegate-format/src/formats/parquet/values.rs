//! Collects single values into arrays: the items of lists, one by one.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Decimal128Array, Decimal256Array, Int32Array, Int64Array,
    builder::{
        ArrayBuilder, BooleanBuilder, Float32Builder, Float64Builder, Int32Builder, Int64Builder,
        LargeBinaryBuilder,
    },
};
use arrow_buffer::i256;
use tidegate_batch::Value;

use super::{
    decimals::{floor_of, unscaled},
    leaf::{Leaf, Shape, Width},
    lists::ListBuilder,
    times, words,
};
use crate::CellFault;

/// Values of one type.
pub(super) enum Values {
    Boolean(BooleanBuilder),
    Integer(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Octets(LargeBinaryBuilder),
    Date(Int32Builder),
    Time(Int64Builder),
    Decimal(Vec<Option<i256>>, Shape),
    List(Box<ListBuilder>),
}

impl Values {
    pub(super) fn of(leaf: &Leaf) -> Self {
        match leaf {
            Leaf::Boolean => Self::Boolean(BooleanBuilder::new()),
            Leaf::Integer => Self::Integer(Int64Builder::new()),
            Leaf::Float32 => Self::Float32(Float32Builder::new()),
            Leaf::Float64 => Self::Float64(Float64Builder::new()),
            Leaf::Text | Leaf::Bytes => Self::Octets(LargeBinaryBuilder::new()),
            Leaf::Date => Self::Date(Int32Builder::new()),
            Leaf::Time | Leaf::Timestamp | Leaf::TimestampTz => Self::Time(Int64Builder::new()),
            Leaf::Decimal(shape) => Self::Decimal(Vec::new(), *shape),
            Leaf::List(nested) => Self::List(Box::new(ListBuilder::of(nested))),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Boolean(values) => values.len(),
            Self::Integer(values) | Self::Time(values) => values.len(),
            Self::Float32(values) => values.len(),
            Self::Float64(values) => values.len(),
            Self::Octets(values) => values.len(),
            Self::Date(values) => values.len(),
            Self::Decimal(values, _) => values.len(),
            Self::List(lists) => lists.len(),
        }
    }

    pub(super) fn append_null(&mut self) {
        match self {
            Self::Boolean(values) => values.append_null(),
            Self::Integer(values) | Self::Time(values) => values.append_null(),
            Self::Float32(values) => values.append_null(),
            Self::Float64(values) => values.append_null(),
            Self::Octets(values) => values.append_null(),
            Self::Date(values) => values.append_null(),
            Self::Decimal(values, _) => values.push(None),
            Self::List(lists) => lists.append_null(),
        }
    }

    /// Appends a value.
    ///
    /// # Errors
    ///
    /// If the file has no place for it, or it is of another type.
    pub(super) fn append(&mut self, value: &Value<'_>) -> Result<(), CellFault> {
        match (self, value) {
            (values, Value::Null) => values.append_null(),
            (Self::Boolean(values), Value::Boolean(is_true)) => values.append_value(*is_true),
            (Self::Integer(values), Value::Integer(number)) => values.append_value(*number),
            (Self::Float32(values), Value::Float32(number)) => values.append_value(*number),
            (Self::Float64(values), Value::Float64(number)) => values.append_value(*number),
            (Self::Date(values), Value::Date(days)) => values.append_value(times::date(*days)?),
            (Self::Time(values), Value::Time(micros)) => values.append_value(times::time(*micros)?),
            (Self::Time(values), Value::Timestamp(micros) | Value::TimestampTz(micros)) => {
                values.append_value(times::timestamp(*micros)?);
            }
            (Self::Decimal(values, shape), Value::Decimal(decimal)) => {
                values.push(Some(unscaled(decimal, *shape, floor_of(shape.precision))?));
            }
            (Self::Octets(values), value) => {
                let mut octets = Vec::new();
                words::write(&mut octets, value).ok_or(OF_ANOTHER_TYPE)?;
                values.append_value(octets);
            }
            _ => return Err(OF_ANOTHER_TYPE),
        }
        Ok(())
    }

    pub(super) fn finish(self) -> ArrayRef {
        match self {
            Self::Boolean(mut values) => Arc::new(values.finish()),
            Self::Integer(mut values) | Self::Time(mut values) => Arc::new(values.finish()),
            Self::Float32(mut values) => Arc::new(values.finish()),
            Self::Float64(mut values) => Arc::new(values.finish()),
            Self::Octets(mut values) => Arc::new(values.finish()),
            Self::Date(mut values) => Arc::new(values.finish()),
            Self::Decimal(values, shape) => decimals(values, shape),
            Self::List(lists) => lists.finish(),
        }
    }
}

const OF_ANOTHER_TYPE: CellFault = CellFault::BadList { what: "an item of another type" };

fn decimals(values: Vec<Option<i256>>, shape: Shape) -> ArrayRef {
    let (precision, scale) = shape.arrow();
    // The precision, already checked, bounds what each width is given.
    let narrow = values.iter().map(|value| value.map(i256::as_i128));
    match shape.width() {
        Width::I32 => Arc::new(narrow.map(|n| n.map(|n| n as i32)).collect::<Int32Array>()),
        Width::I64 => Arc::new(narrow.map(|n| n.map(|n| n as i64)).collect::<Int64Array>()),
        Width::I128 => {
            let array = narrow.collect::<Decimal128Array>();
            Arc::new(array.with_precision_and_scale(precision, scale).expect("precision fits"))
        }
        Width::I256 => {
            let array = Decimal256Array::from_iter(values);
            Arc::new(array.with_precision_and_scale(precision, scale).expect("precision fits"))
        }
    }
}
