//! Brings a stored value into the form of its field's type, or says why it cannot be done.

use std::borrow::Cow;

use rusqlite::types::ValueRef;
use tidegate_batch::{DataType, Item, RowBatch};

use super::{
    iso::{self, IsoFault},
    number,
    types::BOOLEAN_TEXTS,
};

/// Why a value cannot be what its field declares. Never the value itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CellFault {
    /// Another kind of value is stored.
    #[error("{found} is stored where the field is {wanted}; type `text` takes it as it is")]
    Mismatch {
        /// What is stored.
        found: &'static str,
        /// Type of the field.
        wanted: DataType,
    },
    /// A text that is not written as the type demands.
    #[error("the text stored is no {wanted}{remark}; type `text` takes it as it is")]
    Malformed {
        /// Type of the field.
        wanted: DataType,
        /// More on the form that is expected.
        remark: &'static str,
    },
    /// A text that a part should be taken of.
    #[error("the text stored in its column is no JSON")]
    NoDocument,
    /// A time with digits below the microsecond.
    #[error("the time stored is finer than a microsecond; type `text` takes it as it is")]
    TooFine,
    /// A number that the type cannot hold exactly.
    #[error("the number stored is not exactly representable as {wanted}")]
    Inexact {
        /// Type of the field.
        wanted: DataType,
    },
    /// Text that is no text.
    #[error("the text stored is not UTF-8; type `bytes` takes it as it is")]
    NotUtf8,
    /// A large cell.
    #[error("a cell of {bytes} bytes; at most {bytes_max} are allowed")]
    TooLarge {
        /// Size found.
        bytes: usize,
        /// Size allowed.
        bytes_max: usize,
    },
}

/// Brings the values of one column into the form of a batch.
#[derive(Clone, Debug)]
pub(super) struct Converter {
    form: Form,
    /// Whether octets are the mark of a document that is none.
    is_part: bool,
    data_type: DataType,
    cell_bytes_max: usize,
}

/// What a column's cells become; small, so that the choice for each cell is cheap.
#[derive(Clone, Copy, Debug)]
enum Form {
    Boolean,
    Integer,
    Float32,
    Float64,
    Decimal { scale: Option<u16> },
    Text { takes_octets: bool },
    Bytes,
    Date,
    Time,
    Instant,
    Uuid,
    Json,
    Array,
    Lines,
    Nothing,
}

impl Converter {
    /// For a field of that type. `takes_octets` says that a text column was not declared as text,
    /// so that octets in it are shown in hexadecimal and are no fault.
    pub(super) fn new(data_type: &DataType, takes_octets: bool, cell_bytes_max: usize) -> Self {
        let form = match data_type {
            DataType::Boolean => Form::Boolean,
            DataType::Integer => Form::Integer,
            DataType::Float32 => Form::Float32,
            DataType::Float64 => Form::Float64,
            DataType::Decimal(shape) => Form::Decimal { scale: shape.map(|(_, scale)| scale) },
            DataType::Text => Form::Text { takes_octets },
            DataType::Bytes => Form::Bytes,
            DataType::Date => Form::Date,
            DataType::Time => Form::Time,
            DataType::Timestamp | DataType::TimestampTz => Form::Instant,
            DataType::Uuid => Form::Uuid,
            DataType::Interval => Form::Nothing,
            DataType::Json => Form::Json,
            DataType::List(item) => match &**item {
                Item::Scalar(_) => Form::Array,
                Item::Record(_) => Form::Lines,
            },
        };
        Self { form, is_part: false, data_type: data_type.clone(), cell_bytes_max }
    }

    /// For a field of that type that is a part of a JSON document. What the dialect gives for it is
    /// never octets, unless there is no such document.
    pub(super) fn of_part(data_type: &DataType, cell_bytes_max: usize) -> Self {
        let whole = Self::new(data_type, false, cell_bytes_max);
        let form = match whole.form {
            // The octets of a text.
            Form::Bytes => Form::Text { takes_octets: false },
            other => other,
        };
        Self { form, is_part: true, ..whole }
    }

    /// Type of the column.
    pub(super) fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// Appends the value to the batch.
    #[inline]
    pub(super) fn put(&self, value: ValueRef<'_>, batch: &mut RowBatch) -> Result<(), CellFault> {
        match (self.form, value) {
            (_, ValueRef::Null) => batch.put_null(),
            (Form::Text { .. }, ValueRef::Text(text)) => {
                batch.put_bytes(checked_text(self.bounded(text)?)?);
            }
            (Form::Integer, ValueRef::Integer(value)) => batch.put_i64(value),
            (Form::Instant, ValueRef::Text(text)) => {
                batch.put_i64(iso::instant(text).map_err(|fault| self.iso(fault))?);
            }
            (Form::Boolean, ValueRef::Integer(value @ 0..=1)) => batch.put_bool(value == 1),
            (Form::Decimal { scale }, ValueRef::Integer(value)) => {
                batch.put_with(|out| {
                    write_integer(value, scale, out);
                    Ok(())
                })?;
            }
            (Form::Decimal { scale }, ValueRef::Real(value)) => {
                batch.put_with(|out| self.write_real(value, scale, out))?;
            }
            (Form::Float64, ValueRef::Real(value)) => batch.put_f64(value),
            (Form::Bytes, ValueRef::Blob(octets) | ValueRef::Text(octets)) => {
                batch.put_bytes(self.bounded(octets)?);
            }
            (_, value) => self.put_rare(value, batch)?,
        }
        Ok(())
    }

    /// What is not stored in the usual form of its type.
    #[inline(never)]
    fn put_rare(&self, value: ValueRef<'_>, batch: &mut RowBatch) -> Result<(), CellFault> {
        if self.is_part && matches!(value, ValueRef::Blob(_)) {
            return Err(CellFault::NoDocument);
        }
        match self.form {
            Form::Boolean => batch.put_bool(self.boolean(value)?),
            Form::Integer => batch.put_i64(self.integer(value)?),
            Form::Float64 => batch.put_f64(self.float(value)?),
            Form::Float32 => {
                #[expect(clippy::cast_possible_truncation, reason = "the field asks for it")]
                let value = self.float(value)? as f32;
                batch.put_bytes(&value.to_be_bytes());
            }
            Form::Decimal { scale } => match value {
                ValueRef::Text(text) => batch.put_with(|out| {
                    let text = self.bounded(text)?;
                    number::write_plain(text, scale, out).map_err(|_| self.malformed(""))
                })?,
                other => return Err(self.mismatch(other)),
            },
            Form::Text { takes_octets } => {
                batch.put_bytes(self.text(value, takes_octets)?.as_bytes());
            }
            Form::Date => match value {
                ValueRef::Text(text) => {
                    batch.put_i32(iso::date(text).map_err(|fault| self.iso(fault))?);
                }
                other => return Err(self.mismatch(other)),
            },
            Form::Time => match value {
                ValueRef::Text(text) => {
                    batch.put_i64(iso::time(text).map_err(|fault| self.iso(fault))?);
                }
                other => return Err(self.mismatch(other)),
            },
            Form::Uuid => batch.put_bytes(&self.uuid(value)?),
            Form::Json => batch.put_bytes(&self.json(value)?),
            Form::Array => match self.json(value)?.trim_ascii_start() {
                array @ [b'[', ..] => batch.put_bytes(array),
                _ => return Err(self.malformed(": it is not a JSON array")),
            },
            // Our own function made it, and made it well.
            Form::Lines => match value {
                ValueRef::Text(text) => batch.put_bytes(self.bounded(text)?),
                other => return Err(self.mismatch(other)),
            },
            Form::Instant | Form::Bytes | Form::Nothing => return Err(self.mismatch(value)),
        }
        Ok(())
    }

    /// A boolean from 0, 1 or one of [`BOOLEAN_TEXTS`].
    pub(super) fn boolean(&self, value: ValueRef<'_>) -> Result<bool, CellFault> {
        match value {
            ValueRef::Integer(value @ 0..=1) => Ok(value == 1),
            ValueRef::Text(text) => BOOLEAN_TEXTS
                .iter()
                .find(|(known, _)| known.as_bytes() == text)
                .map(|(_, meaning)| *meaning)
                .ok_or_else(|| self.malformed("")),
            ValueRef::Integer(_) => Err(self.mismatch_of("a number beside 0 and 1")),
            other => Err(self.mismatch(other)),
        }
    }

    pub(super) fn integer(&self, value: ValueRef<'_>) -> Result<i64, CellFault> {
        /// Below it, every whole number is one floating point number and no other's.
        const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
        match value {
            ValueRef::Integer(value) => Ok(value),
            #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
            ValueRef::Real(value) if value.fract() == 0.0 && value.abs() < EXACT_MAX => {
                Ok(value as i64)
            }
            ValueRef::Real(_) => Err(self.inexact()),
            ValueRef::Text(text) => std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| self.malformed("")),
            other => Err(self.mismatch(other)),
        }
    }

    pub(super) fn float(&self, value: ValueRef<'_>) -> Result<f64, CellFault> {
        match value {
            ValueRef::Real(value) => Ok(value),
            ValueRef::Integer(value) => {
                #[expect(clippy::cast_precision_loss, reason = "checked in the next line")]
                let float = value as f64;
                #[expect(clippy::cast_possible_truncation, reason = "it came from an integer")]
                let is_exact = float as i64 == value && value != i64::MAX;
                is_exact.then_some(float).ok_or_else(|| self.inexact())
            }
            ValueRef::Text(text) => std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| self.malformed("")),
            other => Err(self.mismatch(other)),
        }
    }

    /// The value as text: numbers in their shortest form, octets in hexadecimal if they are taken.
    pub(super) fn text<'v>(
        &self,
        value: ValueRef<'v>,
        takes_octets: bool,
    ) -> Result<Cow<'v, str>, CellFault> {
        match value {
            ValueRef::Text(text) => {
                let text = checked_text(self.bounded(text)?)?;
                Ok(Cow::Borrowed(std::str::from_utf8(text).map_err(|_| CellFault::NotUtf8)?))
            }
            ValueRef::Integer(value) => Ok(Cow::Owned(value.to_string())),
            ValueRef::Real(value) => Ok(Cow::Owned(shortest(value))),
            ValueRef::Blob(octets) if takes_octets => Ok(Cow::Owned(hex(self.bounded(octets)?))),
            ValueRef::Blob(_) | ValueRef::Null => Err(self.mismatch(value)),
        }
    }

    pub(super) fn uuid(&self, value: ValueRef<'_>) -> Result<[u8; 16], CellFault> {
        match value {
            ValueRef::Blob(octets) => octets.try_into().map_err(|_| self.malformed("")),
            ValueRef::Text(text) => uuid_of_text(text).ok_or_else(|| self.malformed("")),
            other => Err(self.mismatch(other)),
        }
    }

    /// A JSON document, checked.
    pub(super) fn json<'v>(&self, value: ValueRef<'v>) -> Result<Cow<'v, [u8]>, CellFault> {
        match value {
            ValueRef::Text(text) => {
                let text = self.bounded(text)?;
                serde_json::from_slice::<serde::de::IgnoredAny>(text)
                    .map_err(|_| self.malformed(""))?;
                Ok(Cow::Borrowed(checked_text(text)?))
            }
            ValueRef::Integer(value) => Ok(Cow::Owned(value.to_string().into_bytes())),
            ValueRef::Real(value) if value.is_finite() => {
                Ok(Cow::Owned(shortest(value).into_bytes()))
            }
            other => Err(self.mismatch(other)),
        }
    }

    /// Digits of a floating point number: the fewest that mean it, and zeros up to the scale.
    fn write_real(
        &self,
        value: f64,
        scale: Option<u16>,
        out: &mut Vec<u8>,
    ) -> Result<(), CellFault> {
        if let Some(units) = scale.and_then(|scale| units_of(value, scale)) {
            write_units(units, scale.unwrap_or(0), out);
            return Ok(());
        }
        let mut buffer = zmij::Buffer::new();
        if !value.is_finite() {
            let word = if value > 0.0 { "Infinity" } else { "-Infinity" };
            out.extend_from_slice(word.as_bytes());
            return Ok(());
        }
        let digits = buffer.format_finite(value);
        match digits.split_once('.') {
            Some((whole, fraction)) if value != 0.0 && !fraction.contains('e') => {
                out.extend_from_slice(whole.as_bytes());
                let fraction = if fraction == "0" { "" } else { fraction };
                write_fraction(fraction.as_bytes(), scale, out);
                Ok(())
            }
            _ => number::write_plain(digits.as_bytes(), scale, out).map_err(|_| self.inexact()),
        }
    }

    #[inline]
    fn bounded<'v>(&self, cell: &'v [u8]) -> Result<&'v [u8], CellFault> {
        if cell.len() > self.cell_bytes_max {
            return Err(CellFault::TooLarge { bytes: cell.len(), bytes_max: self.cell_bytes_max });
        }
        Ok(cell)
    }

    #[cold]
    pub(super) fn iso(&self, fault: IsoFault) -> CellFault {
        match fault {
            IsoFault::TooFine => CellFault::TooFine,
            IsoFault::Malformed => self.malformed(" in ISO 8601"),
        }
    }

    #[cold]
    fn malformed(&self, remark: &'static str) -> CellFault {
        CellFault::Malformed { wanted: self.data_type.clone(), remark }
    }

    #[cold]
    fn inexact(&self) -> CellFault {
        CellFault::Inexact { wanted: self.data_type.clone() }
    }

    #[cold]
    pub(super) fn mismatch(&self, value: ValueRef<'_>) -> CellFault {
        self.mismatch_of(match value {
            ValueRef::Null => "nothing",
            ValueRef::Integer(_) => "an integer",
            ValueRef::Real(_) => "a floating point number",
            ValueRef::Text(_) => "a text",
            ValueRef::Blob(_) => "a blob",
        })
    }

    #[cold]
    fn mismatch_of(&self, found: &'static str) -> CellFault {
        CellFault::Mismatch { found, wanted: self.data_type.clone() }
    }
}

#[inline]
fn checked_text(text: &[u8]) -> Result<&[u8], CellFault> {
    // Most cells are short and ASCII, which is told faster than UTF-8 is checked.
    if text.is_ascii() || simdutf8::basic::from_utf8(text).is_ok() {
        Ok(text)
    } else {
        Err(CellFault::NotUtf8)
    }
}

/// The number in units of its scale, if it is a whole number of them. With at most 15 digits, no
/// other number of that scale is as near, so that these are the digits that mean it.
#[inline]
fn units_of(value: f64, scale: u16) -> Option<i64> {
    /// Powers of ten that are floating point numbers and leave room for a whole part.
    const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
    const UNITS_MAX: f64 = 1e15;
    let power = POWERS.get(usize::from(scale))?;
    let units = (value * power).round();
    #[expect(clippy::float_cmp, reason = "the very same number or none")]
    let is_whole = units.abs() < UNITS_MAX && units / power == value;
    #[expect(clippy::cast_possible_truncation, reason = "whole, with at most 15 digits")]
    is_whole.then_some(units as i64)
}

/// A whole number of units as digits with a point.
#[inline]
fn write_units(units: i64, scale: u16, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(units.unsigned_abs()).as_bytes();
    if units < 0 {
        out.push(b'-');
    }
    let scale = usize::from(scale);
    let whole = digits.len().saturating_sub(scale);
    out.extend_from_slice(if whole == 0 { b"0" } else { &digits[..whole] });
    if scale > 0 {
        out.push(b'.');
        out.resize(out.len() + scale.saturating_sub(digits.len()), b'0');
        out.extend_from_slice(&digits[whole..]);
    }
}

fn write_integer(value: i64, scale: Option<u16>, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    write_fraction(b"", scale, out);
}

/// The point and what is behind it, filled up with zeros; nothing if nothing is behind it.
fn write_fraction(digits: &[u8], scale: Option<u16>, out: &mut Vec<u8>) {
    let width = digits.len().max(scale.map_or(0, usize::from));
    if width > 0 {
        out.push(b'.');
        out.extend_from_slice(digits);
        out.resize(out.len() + width - digits.len(), b'0');
    }
}

/// The fewest digits that mean the number.
pub(super) fn shortest(value: f64) -> String {
    match value {
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        value => zmij::Buffer::new().format(value).to_owned(),
    }
}

/// Octets in hexadecimal.
pub(super) fn hex(octets: &[u8]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    octets.iter().flat_map(|octet| [digit(octet >> 4), digit(*octet)]).collect()
}

/// A UUID with or without hyphens, in letters of either case.
fn uuid_of_text(text: &[u8]) -> Option<[u8; 16]> {
    let is_hyphenated = text.len() == 36 && [8, 13, 18, 23].iter().all(|at| text[*at] == b'-');
    if !is_hyphenated && text.len() != 32 {
        return None;
    }
    let mut digits = text
        .iter()
        .filter(|byte| **byte != b'-')
        .map(|byte| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()));
    let mut octets = [0; 16];
    for octet in &mut octets {
        *octet = digits.next()?? << 4 | digits.next()??;
    }
    digits.next().is_none().then_some(octets)
}

#[cfg(test)]
mod tests {
    use tidegate_batch::{Column, Value, Wire};

    use super::*;

    /// The value as a batch gives it back, printed.
    fn convert(data_type: &str, value: ValueRef<'_>) -> Result<String, CellFault> {
        let data_type: DataType = data_type.parse().unwrap();
        let mut batch = RowBatch::with_capacity(64);
        Converter::new(&data_type, true, 100).put(value, &mut batch)?;
        batch.end_row();
        batch.seal();
        let column = Column { wire: Wire::Digits, ..Column::new("x", data_type) };
        let cell = batch.rows(1).next().unwrap().next().unwrap();
        Ok(match column.decode(cell).unwrap() {
            Value::Text(text) | Value::Json(text) | Value::List(text) => {
                String::from_utf8(text.to_vec()).unwrap()
            }
            Value::Decimal(decimal) => {
                let mut out = Vec::new();
                decimal.write_to(&mut out);
                String::from_utf8(out).unwrap()
            }
            other => format!("{other:?}"),
        })
    }

    fn text(text: &str) -> ValueRef<'_> {
        ValueRef::Text(text.as_bytes())
    }

    #[test]
    fn values_take_the_form_of_their_field() {
        use ValueRef::{Blob, Integer, Null, Real};
        for (data_type, value, expected) in [
            ("boolean", Integer(1), "Boolean(true)"),
            ("boolean", text("False"), "Boolean(false)"),
            ("integer", Integer(i64::MIN), "Integer(-9223372036854775808)"),
            ("integer", Real(7.0), "Integer(7)"),
            ("integer", text("-7"), "Integer(-7)"),
            ("float", Real(f64::INFINITY), "Float64(inf)"),
            ("float", Integer(3), "Float64(3.0)"),
            ("float", text("1e3"), "Float64(1000.0)"),
            ("float32", Real(0.5), "Float32(0.5)"),
            ("decimal(12,2)", Integer(-5), "-5.00"),
            ("decimal(12,2)", Real(19.5), "19.50"),
            ("decimal(12,2)", Real(-0.0), "0.00"),
            ("decimal(12,2)", Real(1e300), &format!("1{}.00", "0".repeat(300))),
            ("decimal(12,2)", Real(0.1 + 0.2), "0.30000000000000004"),
            ("decimal(12,2)", text("1.5"), "1.50"),
            ("decimal", Real(1e-7), "0.0000001"),
            ("decimal", Integer(7), "7"),
            ("text", Integer(7), "7"),
            ("text", Real(1.0), "1.0"),
            ("text", text("a\0b"), "a\0b"),
            ("text", Blob(&[0xDE, 0xAD]), "dead"),
            ("bytes", Blob(&[1, 2]), "Bytes([1, 2])"),
            ("bytes", text("a"), "Bytes([97])"),
            ("date", text("2000-01-02"), "Date(1)"),
            ("time", text("00:00:01"), "Time(1000000)"),
            ("timestamptz", text("2000-01-01 01:00+01"), "TimestampTz(0)"),
            ("timestamp", text("2000-01-01"), "Timestamp(0)"),
            ("json", text(" {\"a\": 1}"), " {\"a\": 1}"),
            ("json", Integer(5), "5"),
            ("list(text)", text(" [\"a\"]"), "[\"a\"]"),
            ("integer", Null, "Null"),
        ] {
            assert_eq!(convert(data_type, value).as_deref(), Ok(expected), "{data_type} {value:?}");
        }
        let uuid = convert("uuid", text("0123ABCD-0000-4000-8000-00000000000f")).unwrap();
        assert_eq!(convert("uuid", text("0123abcd00004000800000000000000f")), Ok(uuid));
    }

    #[test]
    fn the_short_way_to_the_digits_of_a_number_agrees_with_the_long_one() {
        let mut value = 1.0_f64;
        for step in 0..20_000_i32 {
            value = (value * 1.37 + f64::from(step)) % 1e7;
            for value in [value, (value * 100.0).round() / 100.0, -value.trunc(), value / 1e7] {
                for scale in [0, 2, 9] {
                    let digits = zmij::Buffer::new().format(value).to_owned();
                    let digits = digits.trim_end_matches(".0");
                    let mut long = Vec::new();
                    number::write_plain(digits.as_bytes(), Some(scale), &mut long).unwrap();
                    let Some(units) = units_of(value, scale) else { continue };
                    let mut short = Vec::new();
                    write_units(units, scale, &mut short);
                    assert_eq!(String::from_utf8(short), String::from_utf8(long), "{value}");
                }
            }
        }
        assert_eq!(units_of(f64::INFINITY, 2), None);
        assert_eq!(units_of(f64::NAN, 2), None);
        assert_eq!(units_of(0.1 + 0.2, 2), None);
        assert_eq!(units_of(0.07, 2), Some(7));
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        use ValueRef::{Blob, Integer, Real};
        for (data_type, value) in [
            ("boolean", Integer(2)),
            ("boolean", text("yes")),
            ("integer", text("seven")),
            ("integer", text("7.0")),
            ("integer", Real(7.5)),
            ("integer", Real(1e19)),
            ("integer", Blob(b"7")),
            ("float", Integer(i64::MAX)),
            ("float", text("")),
            ("decimal", text("1,5")),
            ("decimal", Blob(b"1")),
            ("text", ValueRef::Text(&[0xFF])),
            ("bytes", Integer(1)),
            ("date", Integer(20_000)),
            ("date", text("2026-11-21 00:00:00")),
            ("time", text("25:00")),
            ("timestamptz", Real(2_451_544.5)),
            ("timestamptz", text("2026-11-21 12:00:00.1234567")),
            ("uuid", text("0123")),
            ("uuid", Blob(b"0123")),
            ("json", text("{a: 1}")),
            ("json", Real(f64::INFINITY)),
            ("list(text)", text("{}")),
            ("interval", text("P1D")),
            ("text", ValueRef::Text(&[b'x'; 101])),
            ("bytes", Blob(&[0; 101])),
        ] {
            let fault = convert(data_type, value).unwrap_err().to_string();
            assert!(!fault.contains("seven"), "{fault}");
        }
    }
}
