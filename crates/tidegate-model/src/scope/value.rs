//! Reads a value of a filter as its field's type.

use chrono::{DateTime, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use serde_json::Value;

use super::{limits::TEXT_CHARACTERS_MAX, number};
use crate::{DataType, fault::shown, field::Field, query::Literal};

/// A checked value. What a bare date or a time without a zone stands for depends on the zone of
/// the job, which is known when the scope is resolved.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A value as the source has it.
    Exact(Literal),
    /// A whole day, against a timestamp with or without a zone.
    Day(NaiveDate),
    /// A time on the wall, against a timestamp with a zone.
    Local(NaiveDateTime),
}

impl Operand {
    /// Reads `sent` as a value of `field`.
    ///
    /// # Errors
    ///
    /// What the field takes instead, in words.
    pub(super) fn read(field: &Field, sent: &Value) -> Result<Self, String> {
        if sent.is_null() {
            return Err("null is no value to compare with; use the operator `is_null`".to_owned());
        }
        let read = match (&field.data_type, sent) {
            (DataType::Boolean, Value::Bool(value)) => Some(exact(Literal::Boolean(*value))),
            (DataType::Integer, _) => return Ok(exact(number::integer(&field.slug, sent)?)),
            (DataType::Float64 | DataType::Float32, Value::Number(_)) => {
                return Ok(exact(number::float(field, sent)?));
            }
            (DataType::Decimal(_), _) => return Ok(exact(number::decimal(&field.slug, sent)?)),
            (DataType::Text, Value::String(text)) => {
                return text_value(text).map(|text| exact(Literal::Text(text)));
            }
            (DataType::Uuid, Value::String(text)) => uuid(text).map(Literal::Uuid).map(exact),
            (DataType::Date, Value::String(text)) => date(text).map(Literal::Date).map(exact),
            (DataType::Time, Value::String(text)) => time(text).map(Literal::Time).map(exact),
            (DataType::Timestamp, Value::String(text)) => timestamp(field, text)?,
            (DataType::TimestampTz, Value::String(text)) => timestamp_tz(text),
            (_, _) => return Err(refusal(field, kind_of(sent))),
        };
        read.ok_or_else(|| refusal(field, "this text"))
    }

    /// A word of a free text search as a value of `field`, if it is one.
    pub(crate) fn of_word(field: &Field, word: &str) -> Option<Self> {
        Self::read(field, &Value::String(word.to_owned())).ok()
    }

    /// Whether this value lies above another one, as far as that is certain without a zone.
    pub(super) fn is_above(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(one), Self::Exact(other)) if wall(self, false).is_none() => {
                is_literal_above(one, other)
            }
            _ => match (wall(self, false), wall(other, true)) {
                // A day ends where the next one begins.
                (Some(start), Some(end)) if matches!(other, Self::Day(_)) => start >= end,
                (Some(start), Some(end)) => start > end,
                _ => false,
            },
        }
    }
}

/// A text that is compared or sought.
pub(super) fn text_value(text: &str) -> Result<String, String> {
    if text.contains('\0') {
        return Err("a text holds no NUL character".to_owned());
    }
    if text.chars().count() > TEXT_CHARACTERS_MAX {
        return Err(format!("a text has at most {TEXT_CHARACTERS_MAX} characters"));
    }
    Ok(text.to_owned())
}

/// What a JSON value is, in words.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn exact(literal: Literal) -> Operand {
    Operand::Exact(literal)
}

fn refusal(field: &Field, found: &str) -> String {
    let takes = match field.data_type {
        DataType::Boolean => "true or false",
        DataType::Integer => "a whole number",
        DataType::Float32 | DataType::Float64 => "a number",
        DataType::Decimal(_) => "a decimal number",
        DataType::Text => "text",
        DataType::Date => "a date such as \"2026-03-31\"",
        DataType::Time => "a time of day such as \"14:30:00\"",
        DataType::Timestamp => {
            "a date, or a date and time without a zone such as \"2026-03-31T14:30:00\""
        }
        DataType::TimestampTz => "a date, or a date and time such as \"2026-03-31T14:30:00+02:00\"",
        DataType::Uuid => "a UUID such as \"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"",
        DataType::Bytes | DataType::Interval | DataType::Json | DataType::List(_) => "no value",
    };
    format!("`{}` takes {takes}, not {found}", shown(&field.slug))
}

/// A day of the years 1 to 9999: `2026-03-31`.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = digits(&text[..4])?;
    let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, digits(&text[5..7])?, {
        digits(&text[8..])?
    })?;
    (year > 0).then_some(date)
}

/// A time of day to the microsecond: `14:30`, `14:30:05`, `14:30:05.25`.
fn time(text: &str) -> Option<NaiveTime> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let bytes = clock.as_bytes();
    let has_seconds = bytes.len() == 8 && bytes[5] == b':';
    if !(has_seconds || bytes.len() == 5 && !text.contains('.')) || bytes[2] != b':' {
        return None;
    }
    if fraction.is_empty() || fraction.len() > 6 {
        return None;
    }
    let seconds = if has_seconds { digits(clock.get(6..)?)? } else { 0 };
    let micros = digits(&format!("{fraction:0<6}"))?;
    NaiveTime::from_hms_micro_opt(
        digits(clock.get(..2)?)?,
        digits(clock.get(3..5)?)?,
        seconds,
        micros,
    )
}

/// A number of ASCII digits only.
fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A date and a time, and whatever stands behind them.
fn date_time(text: &str) -> Option<(NaiveDateTime, &str)> {
    let (day, rest) = text.split_at_checked(10)?;
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let end = clock.find(|c: char| !matches!(c, '0'..='9' | ':' | '.')).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(end);
    Some((date(day)?.and_time(time(clock)?), zone))
}

fn offset(zone: &str) -> Option<FixedOffset> {
    if matches!(zone, "Z" | "z") {
        return FixedOffset::east_opt(0);
    }
    let (sign, clock) = zone.split_at_checked(1)?;
    let (hours, minutes) = clock.split_once(':')?;
    let is_whole = hours.len() == 2 && minutes.len() == 2;
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    if !is_whole || hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i32::try_from(hours * 3_600 + minutes * 60).ok()?;
    match sign {
        "+" => FixedOffset::east_opt(seconds),
        "-" => FixedOffset::west_opt(seconds),
        _ => None,
    }
}

fn timestamp(field: &Field, text: &str) -> Result<Option<Operand>, String> {
    if let Some(day) = date(text) {
        return Ok(Some(Operand::Day(day)));
    }
    match date_time(text) {
        Some((local, "")) => Ok(Some(exact(Literal::Timestamp(local)))),
        Some((_, zone)) if offset(zone).is_some() => Err(format!(
            "the times of `{}` have no zone; write them without one, such as \
             \"2026-03-31T14:30:00\"",
            shown(&field.slug)
        )),
        Some(_) | None => Ok(None),
    }
}

fn timestamp_tz(text: &str) -> Option<Operand> {
    if let Some(day) = date(text) {
        return Some(Operand::Day(day));
    }
    let (local, zone) = date_time(text)?;
    if zone.is_empty() {
        return Some(Operand::Local(local));
    }
    let instant = local.and_local_timezone(offset(zone)?).single()?.with_timezone(&Utc);
    Some(exact(Literal::TimestampTz(clamped(instant))))
}

/// Keeps an instant within the years 1 to 9999 in UTC, which every source can hold. An offset or a
/// zone can push the very first and last day beyond.
pub(crate) fn clamped(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant.clamp(first_moment().and_utc(), last_moment().and_utc())
}

/// The first moment of the year 1.
pub(crate) fn first_moment() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(1, 1, 1).expect("a day of the calendar").and_time(NaiveTime::MIN)
}

/// The last microsecond of the year 9999.
pub(crate) fn last_moment() -> NaiveDateTime {
    let day = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a day of the calendar");
    let next = day.checked_add_days(Days::new(1)).expect("chrono goes far beyond the year 9999");
    next.and_time(NaiveTime::MIN) - TimeDelta::microseconds(1)
}

/// The canonical form of a UUID.
pub(super) fn uuid(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_plain = bytes.len() == 32;
    let is_grouped = bytes.len() == 36 && [8, 13, 18, 23].iter().all(|at| bytes[*at] == b'-');
    let hex: String = match (is_plain, is_grouped) {
        (true, _) => text.to_ascii_lowercase(),
        (false, true) => text.replace('-', "").to_ascii_lowercase(),
        (false, false) => return None,
    };
    if hex.len() != 32 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

/// The time on the wall that an operand begins or ends with.
fn wall(operand: &Operand, is_end: bool) -> Option<NaiveDateTime> {
    match operand {
        Operand::Day(day) => {
            let day = if is_end { day.checked_add_days(Days::new(1))? } else { *day };
            Some(day.and_time(NaiveTime::MIN))
        }
        Operand::Local(local) | Operand::Exact(Literal::Timestamp(local)) => Some(*local),
        Operand::Exact(_) => None,
    }
}

fn is_literal_above(one: &Literal, other: &Literal) -> bool {
    match (one, other) {
        (Literal::Integer(one), Literal::Integer(other)) => one > other,
        (Literal::Float(one), Literal::Float(other)) => one > other,
        // Rounding to doubles keeps the order, so that above means above.
        (Literal::Decimal(one), Literal::Decimal(other)) => {
            matches!((one.parse::<f64>(), other.parse::<f64>()), (Ok(a), Ok(b)) if a > b)
        }
        (Literal::Date(one), Literal::Date(other)) => one > other,
        (Literal::Time(one), Literal::Time(other)) => one > other,
        (Literal::TimestampTz(one), Literal::TimestampTz(other)) => one > other,
        // The order of texts is the source's.
        _ => false,
    }
}
