//! One cell, decoded.

use crate::{Column, DataType, Decimal, Wire};

/// A timestamp or a date (as `i32::MAX`) after all others.
pub const TIME_INFINITY: i64 = i64::MAX;
/// A timestamp or a date (as `i32::MIN`) before all others.
pub const TIME_MINUS_INFINITY: i64 = i64::MIN;
/// Characters of a key that an error quotes.
const KEY_CHARACTERS_MAX: usize = 80;

/// A decoded cell, borrowed from its batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// True or false.
    Boolean(bool),
    /// Integer of up to 64 bits.
    Integer(i64),
    /// 32-bit floating point number.
    Float32(f32),
    /// 64-bit floating point number.
    Float64(f64),
    /// Exact number, NaN or ±infinity.
    Decimal(Decimal<'a>),
    /// UTF-8, as its source warrants.
    Text(&'a [u8]),
    /// Octets.
    Bytes(&'a [u8]),
    /// Days since 2000-01-01; `i32::MAX` and `i32::MIN` are ±infinity.
    Date(i32),
    /// Microseconds since midnight, up to 24:00:00.
    Time(i64),
    /// Microseconds since 2000-01-01 00:00:00 of an unnamed zone; see [`TIME_INFINITY`].
    Timestamp(i64),
    /// Microseconds since 2000-01-01 00:00:00 UTC; see [`TIME_INFINITY`].
    TimestampTz(i64),
    /// The sixteen octets of a UUID.
    Uuid(&'a [u8; 16]),
    /// A span of time.
    Interval(Interval),
    /// A JSON document in UTF-8.
    Json(&'a [u8]),
    /// A JSON array in UTF-8, its items as the column's type says.
    List(&'a [u8]),
}

/// A span of time whose parts do not add up to one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Whole months.
    pub months: i32,
    /// Whole days.
    pub days: i32,
    /// Microseconds.
    pub micros: i64,
}

/// A cell's bytes are no value of its column's type.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a cell of {bytes} bytes is no {data_type}")]
pub struct MalformedCell {
    /// Type that the column declares.
    pub data_type: DataType,
    /// Length of the cell.
    pub bytes: usize,
}

impl Value<'_> {
    /// Text of a key's value, by which an error names its row: a text up to its 80th character, a
    /// UUID in hexadecimal; none for types that nobody uses as a key.
    pub fn key_text(&self) -> Option<String> {
        match self {
            Self::Integer(number) => Some(number.to_string()),
            Self::Text(text) => {
                Some(String::from_utf8_lossy(text).chars().take(KEY_CHARACTERS_MAX).collect())
            }
            Self::Decimal(number) => {
                let mut digits = Vec::new();
                number.write_to(&mut digits);
                String::from_utf8(digits).ok()
            }
            Self::Uuid(octets) => Some(octets.iter().map(|octet| format!("{octet:02x}")).collect()),
            Self::Null
            | Self::Boolean(_)
            | Self::Float32(_)
            | Self::Float64(_)
            | Self::Bytes(_)
            | Self::Date(_)
            | Self::Time(_)
            | Self::Timestamp(_)
            | Self::TimestampTz(_)
            | Self::Interval(_)
            | Self::Json(_)
            | Self::List(_) => None,
        }
    }
}

impl Column {
    /// Decodes a cell of this column; `None` is NULL.
    ///
    /// # Errors
    ///
    /// If the bytes are no value of the column's type.
    #[inline]
    pub fn decode<'a>(&self, cell: Option<&'a [u8]>) -> Result<Value<'a>, MalformedCell> {
        let Some(cell) = cell else { return Ok(Value::Null) };
        self.decode_present(cell)
            .ok_or_else(|| MalformedCell { data_type: self.data_type.clone(), bytes: cell.len() })
    }

    #[inline]
    fn decode_present<'a>(&self, cell: &'a [u8]) -> Option<Value<'a>> {
        Some(match &self.data_type {
            DataType::Integer => Value::Integer(integer(cell)?),
            DataType::Text => Value::Text(cell),
            DataType::TimestampTz => Value::TimestampTz(i64::from_be_bytes(cell.try_into().ok()?)),
            DataType::Decimal(_) => Value::Decimal(match self.wire {
                Wire::Digits => Decimal::from_digits(cell),
                Wire::Binary | Wire::VersionedJson => Decimal::from_binary(cell)?,
            }),
            DataType::Boolean => Value::Boolean(*cell.first()? != 0),
            DataType::Json => Value::Json(self.document(cell)?),
            DataType::List(_) => Value::List(self.document(cell)?),
            DataType::Float32 => Value::Float32(f32::from_be_bytes(cell.try_into().ok()?)),
            DataType::Float64 => Value::Float64(f64::from_be_bytes(cell.try_into().ok()?)),
            DataType::Bytes => Value::Bytes(cell),
            DataType::Date => Value::Date(i32::from_be_bytes(cell.try_into().ok()?)),
            DataType::Time => Value::Time(i64::from_be_bytes(cell.try_into().ok()?)),
            DataType::Timestamp => Value::Timestamp(i64::from_be_bytes(cell.try_into().ok()?)),
            DataType::Uuid => Value::Uuid(cell.try_into().ok()?),
            DataType::Interval => Value::Interval(interval(cell)?),
        })
    }

    fn document<'a>(&self, cell: &'a [u8]) -> Option<&'a [u8]> {
        match self.wire {
            Wire::VersionedJson => cell.get(1..),
            Wire::Binary | Wire::Digits => Some(cell),
        }
    }
}

/// `int2`, `int4` or `int8`, told apart by their length.
#[inline]
fn integer(cell: &[u8]) -> Option<i64> {
    Some(match cell.len() {
        8 => i64::from_be_bytes(cell.try_into().ok()?),
        4 => i64::from(i32::from_be_bytes(cell.try_into().ok()?)),
        2 => i64::from(i16::from_be_bytes(cell.try_into().ok()?)),
        _ => return None,
    })
}

fn interval(cell: &[u8]) -> Option<Interval> {
    let cell: &[u8; 16] = cell.try_into().ok()?;
    Some(Interval {
        micros: i64::from_be_bytes(cell[..8].try_into().ok()?),
        days: i32::from_be_bytes(cell[8..12].try_into().ok()?),
        months: i32::from_be_bytes(cell[12..].try_into().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_the_wrong_length_is_malformed() {
        for data_type in [
            DataType::Integer,
            DataType::Float64,
            DataType::Date,
            DataType::TimestampTz,
            DataType::Uuid,
            DataType::Interval,
            DataType::Decimal(None),
        ] {
            let column = Column::new("x", data_type.clone());
            assert!(column.decode(Some(b"abc")).is_err(), "{data_type}");
        }
    }

    #[test]
    fn integers_of_each_width_are_sign_extended() {
        let column = Column::new("x", DataType::Integer);
        for (cell, value) in [
            (&(-2_i16).to_be_bytes()[..], -2),
            (&i32::MIN.to_be_bytes()[..], i64::from(i32::MIN)),
            (&i64::MAX.to_be_bytes()[..], i64::MAX),
        ] {
            assert_eq!(column.decode(Some(cell)), Ok(Value::Integer(value)));
        }
    }
}
