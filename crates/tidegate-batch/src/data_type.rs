//! The types that a field can have, one list for every source and every format.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Type of a column's values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DataType {
    /// True or false.
    Boolean,
    /// Signed integer of up to 64 bits.
    Integer,
    /// IEEE 754 number of 32 bits.
    Float32,
    /// IEEE 754 number of 64 bits.
    Float64,
    /// Exact number; precision and scale where the source declares them.
    Decimal(Option<(u16, u16)>),
    /// UTF-8 text. Also enumerations, bit strings, network addresses and whatever has no type here.
    Text,
    /// Octets.
    Bytes,
    /// Day of the proleptic Gregorian calendar, or ±infinity.
    Date,
    /// Time of day, in microseconds.
    Time,
    /// Date and time without a zone, in microseconds, or ±infinity.
    Timestamp,
    /// Instant, in microseconds, or ±infinity.
    TimestampTz,
    /// 128-bit identifier.
    Uuid,
    /// Span of months, days and microseconds.
    Interval,
    /// A JSON document.
    Json,
    /// Values that belong to one record, such as the lines of an order; travels as a JSON array.
    List(Box<Item>),
}

/// What a list holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    /// Plain values (an SQL array).
    Scalar(DataType),
    /// Records with named fields (a one-to-many relation).
    Record(Vec<ItemField>),
}

/// One field of a list's records.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ItemField {
    /// Key of the field in the JSON object.
    pub slug: String,
    /// Type of the field; never a list of records.
    pub data_type: DataType,
}

/// The text names no type.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is not a type; there are boolean, integer, float32, float, decimal, decimal(p,s), text, \
     bytes, date, time, timestamp, timestamptz, uuid, interval, json and list(type)"
)]
pub struct UnknownDataType(String);

impl DataType {
    /// Whether values are numbers.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Integer | Self::Float32 | Self::Float64 | Self::Decimal(_))
    }

    /// Whether values lie on the calendar, so that relative dates apply.
    pub fn is_temporal(&self) -> bool {
        matches!(self, Self::Date | Self::Timestamp | Self::TimestampTz)
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::Integer => f.write_str("integer"),
            Self::Float32 => f.write_str("float32"),
            Self::Float64 => f.write_str("float"),
            Self::Decimal(None) => f.write_str("decimal"),
            Self::Decimal(Some((precision, scale))) => write!(f, "decimal({precision},{scale})"),
            Self::Text => f.write_str("text"),
            Self::Bytes => f.write_str("bytes"),
            Self::Date => f.write_str("date"),
            Self::Time => f.write_str("time"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::TimestampTz => f.write_str("timestamptz"),
            Self::Uuid => f.write_str("uuid"),
            Self::Interval => f.write_str("interval"),
            Self::Json => f.write_str("json"),
            Self::List(item) => match &**item {
                Item::Scalar(data_type) => write!(f, "list({data_type})"),
                Item::Record(_) => f.write_str("list(record)"),
            },
        }
    }
}

impl FromStr for DataType {
    type Err = UnknownDataType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownDataType(text.to_owned());
        Ok(match text.trim() {
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "float32" => Self::Float32,
            "float" => Self::Float64,
            "decimal" => Self::Decimal(None),
            "text" => Self::Text,
            "bytes" => Self::Bytes,
            "date" => Self::Date,
            "time" => Self::Time,
            "timestamp" => Self::Timestamp,
            "timestamptz" => Self::TimestampTz,
            "uuid" => Self::Uuid,
            "interval" => Self::Interval,
            "json" => Self::Json,
            other => match other.split_once('(') {
                Some(("decimal", rest)) => parse_decimal(rest).ok_or_else(unknown)?,
                Some(("list", rest)) => {
                    let inner = rest.strip_suffix(')').ok_or_else(unknown)?;
                    Self::List(Box::new(Item::Scalar(inner.parse()?)))
                }
                _ => return Err(unknown()),
            },
        })
    }
}

impl TryFrom<String> for DataType {
    type Error = UnknownDataType;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DataType> for String {
    fn from(data_type: DataType) -> Self {
        data_type.to_string()
    }
}

fn parse_decimal(rest: &str) -> Option<DataType> {
    let (precision, scale) = rest.strip_suffix(')')?.split_once(',')?;
    Some(DataType::Decimal(Some((precision.trim().parse().ok()?, scale.trim().parse().ok()?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_as_its_type() {
        for name in [
            "boolean",
            "integer",
            "float32",
            "float",
            "decimal",
            "decimal(12,2)",
            "text",
            "bytes",
            "date",
            "time",
            "timestamp",
            "timestamptz",
            "uuid",
            "interval",
            "json",
            "list(text)",
            "list(decimal(38,10))",
        ] {
            assert_eq!(name.parse::<DataType>().unwrap().to_string(), name);
        }
        assert!("money".parse::<DataType>().is_err());
        assert!("decimal(1".parse::<DataType>().is_err());
    }
}
