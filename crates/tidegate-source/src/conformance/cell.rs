//! A value of the suite, put in by the client and got back through the source.

use std::cmp::Ordering;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use tidegate_batch::Value;
use tidegate_model::query::Literal;

/// A value of the suite.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// True or false.
    Boolean(bool),
    /// Integer.
    Integer(i64),
    /// Floating point number.
    Float(f64),
    /// Exact number, without zeros at its end.
    Decimal(String),
    /// Text.
    Text(String),
    /// Octets.
    Bytes(Vec<u8>),
    /// Day.
    Date(NaiveDate),
    /// Time of day.
    Time(NaiveTime),
    /// Date and time without a zone.
    Timestamp(NaiveDateTime),
    /// Instant.
    TimestampTz(DateTime<Utc>),
    /// UUID in lower case with hyphens.
    Uuid(String),
    /// JSON document.
    Json(serde_json::Value),
}

impl Cell {
    /// What a batch gave.
    ///
    /// # Panics
    ///
    /// If it is no value of ours.
    pub fn from_value(value: Value<'_>) -> Self {
        let text = |text: &[u8]| String::from_utf8(text.to_vec()).expect("text is UTF-8");
        match value {
            Value::Null => Self::Null,
            Value::Boolean(value) => Self::Boolean(value),
            Value::Integer(value) => Self::Integer(value),
            Value::Float32(value) => Self::Float(value.into()),
            Value::Float64(value) => Self::Float(value),
            Value::Decimal(value) => {
                let mut digits = Vec::new();
                value.write_to(&mut digits);
                Self::decimal(&text(&digits))
            }
            Value::Text(value) => Self::Text(text(value)),
            Value::Bytes(value) => Self::Bytes(value.to_vec()),
            Value::Date(days) => Self::Date(day(days)),
            Value::Time(micros) => {
                let since = TimeDelta::microseconds(micros);
                Self::Time(NaiveTime::MIN.overflowing_add_signed(since).0)
            }
            Value::Timestamp(micros) => Self::Timestamp(instant(micros).naive_utc()),
            Value::TimestampTz(micros) => Self::TimestampTz(instant(micros)),
            Value::Uuid(octets) => {
                let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
                let (a, b, c, d, e) =
                    (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
                Self::Uuid(format!("{a}-{b}-{c}-{d}-{e}"))
            }
            Value::Json(document) | Value::List(document) => {
                Self::Json(serde_json::from_slice(document).expect("documents are JSON"))
            }
            Value::Interval(_) => panic!("the suite has no intervals"),
        }
    }

    /// An exact number; zeros at its end say nothing.
    pub fn decimal(digits: &str) -> Self {
        let trimmed = match digits.split_once('.') {
            Some(_) => digits.trim_end_matches('0').trim_end_matches('.'),
            None => digits,
        };
        Self::Decimal(if trimmed == "-0" { "0" } else { trimmed }.to_owned())
    }

    /// The value as a filter has it; none for types that filters do not compare.
    pub(super) fn literal(&self) -> Option<Literal> {
        Some(match self {
            Self::Boolean(value) => Literal::Boolean(*value),
            Self::Integer(value) => Literal::Integer(*value),
            Self::Float(value) => Literal::Float(*value),
            Self::Decimal(value) => Literal::Decimal(value.clone()),
            Self::Text(value) => Literal::Text(value.clone()),
            Self::Date(value) => Literal::Date(*value),
            Self::Time(value) => Literal::Time(*value),
            Self::Timestamp(value) => Literal::Timestamp(*value),
            Self::TimestampTz(value) => Literal::TimestampTz(*value),
            Self::Uuid(value) => Literal::Uuid(value.clone()),
            Self::Null | Self::Bytes(_) | Self::Json(_) => return None,
        })
    }

    /// How two values of one type compare; none if one of them is NULL.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Boolean(left), Self::Boolean(right)) => Some(left.cmp(right)),
            (Self::Integer(left), Self::Integer(right)) => Some(left.cmp(right)),
            (Self::Float(left), Self::Float(right)) => left.partial_cmp(right),
            (Self::Decimal(left), Self::Decimal(right)) => Some(scaled(left).cmp(&scaled(right))),
            (Self::Text(left), Self::Text(right)) | (Self::Uuid(left), Self::Uuid(right)) => {
                Some(left.cmp(right))
            }
            (Self::Date(left), Self::Date(right)) => Some(left.cmp(right)),
            (Self::Time(left), Self::Time(right)) => Some(left.cmp(right)),
            (Self::Timestamp(left), Self::Timestamp(right)) => Some(left.cmp(right)),
            (Self::TimestampTz(left), Self::TimestampTz(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }
}

/// Says at which row two tables differ first, for tables too long to be shown.
pub(super) fn assert_same(found: &[Vec<Cell>], expected: &[Vec<Cell>], context: &str) {
    let first = found.iter().zip(expected).position(|(found, expected)| found != expected);
    if let Some(at) = first {
        panic!("{context}\nrow {at} is {:?}\nexpected {:?}", found[at], expected[at]);
    }
    assert_eq!(found.len(), expected.len(), "{context}: rows found, rows expected");
}

/// The suite's decimals have up to 28 digits before the point and 10 behind it.
fn scaled(digits: &str) -> i128 {
    const SCALE: usize = 10;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let text = format!("{whole}{fraction:0<SCALE$}");
    text.parse().expect("decimals of the suite fit 38 digits")
}

fn day(days: i32) -> NaiveDate {
    let epoch = NaiveDate::from_ymd_opt(2000, 1, 1).expect("it is a day");
    let distance = Days::new(days.unsigned_abs().into());
    let day = if days < 0 { epoch - distance } else { epoch + distance };
    assert!(days != i32::MIN && days != i32::MAX, "the suite has no infinite dates");
    day
}

fn instant(micros: i64) -> DateTime<Utc> {
    /// Microseconds from 1970 to 2000.
    const EPOCH: i64 = 946_684_800_000_000;
    DateTime::from_timestamp_micros(micros + EPOCH).expect("the suite has no infinite times")
}
