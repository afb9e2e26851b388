//! How the values of a type are stored in Parquet.

use std::sync::Arc;

use arrow_schema::{DataType as Arrow, Field, Fields, TimeUnit};
use tidegate_batch::{DataType, Item};

/// Digits that a 32-bit, 64-bit, 128-bit and 256-bit decimal hold.
const DIGITS_I32: u8 = 9;
const DIGITS_I64: u8 = 18;
const DIGITS_I128: u8 = 38;
const DIGITS_I256: u8 = 76;

/// Storage of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leaf {
    Boolean,
    Integer,
    Float32,
    Float64,
    /// UTF-8: text, and all that has no storage of its own.
    Text,
    Bytes,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Decimal(Shape),
    List(Box<Nested>),
}

/// What a list holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Nested {
    Scalar(Leaf),
    Record(Vec<(String, Leaf)>),
}

/// Digits of a decimal, in all and behind the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) precision: u8,
    pub(super) scale: u8,
}

/// Integer that holds a decimal's digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    I32,
    I64,
    I128,
    I256,
}

impl Shape {
    /// The shape of `numeric(precision, scale)`, if Parquet has it.
    fn declared(precision: u16, scale: u16) -> Option<Self> {
        // PostgreSQL allows numeric(3,5), whose values have up to five digits; Parquet does not.
        let precision = u8::try_from(precision.max(scale).max(1)).ok()?;
        let scale = u8::try_from(scale).ok()?;
        (precision <= DIGITS_I256).then_some(Self { precision, scale })
    }

    pub(super) fn width(self) -> Width {
        match self.precision {
            precision if precision <= DIGITS_I32 => Width::I32,
            precision if precision <= DIGITS_I64 => Width::I64,
            precision if precision <= DIGITS_I128 => Width::I128,
            _ => Width::I256,
        }
    }

    /// The shape as Arrow spells it.
    pub(super) fn arrow(self) -> (u8, i8) {
        (self.precision, i8::try_from(self.scale).expect("a scale is at most 76"))
    }
}

impl Leaf {
    pub(super) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Boolean,
            DataType::Integer => Self::Integer,
            DataType::Float32 => Self::Float32,
            DataType::Float64 => Self::Float64,
            DataType::Decimal(Some((precision, scale))) => {
                Shape::declared(*precision, *scale).map_or(Self::Text, Self::Decimal)
            }
            DataType::Decimal(None)
            | DataType::Text
            | DataType::Uuid
            | DataType::Interval
            | DataType::Json => Self::Text,
            DataType::Bytes => Self::Bytes,
            DataType::Date => Self::Date,
            DataType::Time => Self::Time,
            DataType::Timestamp => Self::Timestamp,
            DataType::TimestampTz => Self::TimestampTz,
            DataType::List(item) => Self::List(Box::new(Nested::of(item))),
        }
    }

    /// The type that readers see.
    pub(super) fn logical(&self) -> Arrow {
        match self {
            Self::Boolean => Arrow::Boolean,
            Self::Integer => Arrow::Int64,
            Self::Float32 => Arrow::Float32,
            Self::Float64 => Arrow::Float64,
            Self::Text => Arrow::Utf8,
            Self::Bytes => Arrow::Binary,
            Self::Date => Arrow::Date32,
            Self::Time => Arrow::Time64(TimeUnit::Microsecond),
            Self::Timestamp => Arrow::Timestamp(TimeUnit::Microsecond, None),
            Self::TimestampTz => Arrow::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Decimal(shape) => match (shape.width(), shape.arrow()) {
                (Width::I256, (precision, scale)) => Arrow::Decimal256(precision, scale),
                (_, (precision, scale)) => Arrow::Decimal128(precision, scale),
            },
            Self::List(nested) => Arrow::List(nested.field(Self::logical)),
        }
    }

    /// The type of the arrays that we make: numbers as they are stored, text as octets.
    ///
    /// Sources warrant that text is UTF-8, so arrays of octets spare a second validation.
    pub(super) fn physical(&self) -> Arrow {
        match self {
            Self::Date => Arrow::Int32,
            Self::Time | Self::Timestamp | Self::TimestampTz => Arrow::Int64,
            // 64-bit offsets: a batch may hold a single cell near 2 GiB beside others.
            Self::Text | Self::Bytes => Arrow::LargeBinary,
            Self::Decimal(shape) => match shape.width() {
                Width::I32 => Arrow::Int32,
                Width::I64 => Arrow::Int64,
                Width::I128 | Width::I256 => self.logical(),
            },
            Self::List(nested) => Arrow::List(nested.field(Self::physical)),
            Self::Boolean | Self::Integer | Self::Float32 | Self::Float64 => self.logical(),
        }
    }

    /// Primitive columns that the type takes.
    pub(super) fn columns(&self) -> usize {
        match self {
            Self::List(nested) => match &**nested {
                Nested::Scalar(leaf) => leaf.columns(),
                Nested::Record(fields) => fields.iter().map(|(_, leaf)| leaf.columns()).sum(),
            },
            _ => 1,
        }
    }
}

impl Nested {
    pub(super) fn of(item: &Item) -> Self {
        match item {
            Item::Scalar(data_type) => Self::Scalar(Leaf::of(data_type)),
            Item::Record(fields) => Self::Record(
                fields.iter().map(|f| (f.slug.clone(), Leaf::of(&f.data_type))).collect(),
            ),
        }
    }

    /// The field of the list's elements; `of` says which view of a type is wanted.
    pub(super) fn field(&self, of: fn(&Leaf) -> Arrow) -> Arc<Field> {
        let data_type = match self {
            Self::Scalar(leaf) => of(leaf),
            Self::Record(fields) => Arrow::Struct(record_fields(fields, of)),
        };
        // The name that the Parquet specification prescribes.
        Arc::new(Field::new("element", data_type, true))
    }
}

/// Fields of a list's records.
pub(super) fn record_fields(fields: &[(String, Leaf)], of: fn(&Leaf) -> Arrow) -> Fields {
    fields.iter().map(|(slug, leaf)| Field::new(slug, of(leaf), true)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(name: &str) -> Leaf {
        Leaf::of(&name.parse().unwrap())
    }

    #[test]
    fn decimals_take_the_smallest_integer_that_holds_their_digits() {
        for (name, logical, physical) in [
            ("decimal(9,2)", Arrow::Decimal128(9, 2), Arrow::Int32),
            ("decimal(18,2)", Arrow::Decimal128(18, 2), Arrow::Int64),
            ("decimal(38,0)", Arrow::Decimal128(38, 0), Arrow::Decimal128(38, 0)),
            ("decimal(76,76)", Arrow::Decimal256(76, 76), Arrow::Decimal256(76, 76)),
            ("decimal(3,5)", Arrow::Decimal128(5, 5), Arrow::Int32),
            ("decimal(77,0)", Arrow::Utf8, Arrow::LargeBinary),
            ("decimal", Arrow::Utf8, Arrow::LargeBinary),
        ] {
            assert_eq!((leaf(name).logical(), leaf(name).physical()), (logical, physical));
        }
    }
}
