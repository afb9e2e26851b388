//! Writes the records of a list as JSON, each value in the form that its type demands.

use chrono::DateTime;
use rusqlite::types::ValueRef;
use tidegate_batch::DataType;

use super::{
    cell::{CellFault, Converter, hex, shortest},
    iso::{self, EPOCH_MICROS},
    number,
};

/// Appends the value as JSON.
pub(super) fn write_value(
    converter: &Converter,
    value: ValueRef<'_>,
    out: &mut Vec<u8>,
) -> Result<(), CellFault> {
    if matches!(value, ValueRef::Null) {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    match converter.data_type() {
        DataType::Boolean => {
            let word: &[u8] = if converter.boolean(value)? { b"true" } else { b"false" };
            out.extend_from_slice(word);
        }
        DataType::Integer => {
            let value = converter.integer(value)?;
            out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        }
        DataType::Float32 | DataType::Float64 => {
            let value = converter.float(value)?;
            write_number(&shortest(value), value.is_finite(), out);
        }
        DataType::Decimal(shape) => {
            let text = converter.text(value, false)?;
            let from = out.len();
            number::write_plain(text.as_bytes(), shape.map(|(_, scale)| scale), out)
                .map_err(|_| converter.mismatch(value))?;
            if matches!(&out[from..], [b'N' | b'I', ..] | [b'-', b'I', ..]) {
                out.insert(from, b'"');
                out.push(b'"');
            }
        }
        DataType::Text => write_text(&converter.text(value, true)?, out),
        DataType::Bytes => match value {
            ValueRef::Blob(octets) | ValueRef::Text(octets) => write_text(&hex(octets), out),
            other => return Err(converter.mismatch(other)),
        },
        DataType::Date | DataType::Time => {
            let text = converter.text(value, false)?;
            let check = match converter.data_type() {
                DataType::Date => iso::date(text.as_bytes()).map(drop),
                _ => iso::time(text.as_bytes()).map(drop),
            };
            check.map_err(|fault| converter.iso(fault))?;
            write_text(&text, out);
        }
        DataType::Timestamp | DataType::TimestampTz => {
            let text = converter.text(value, false)?;
            let micros = iso::instant(text.as_bytes()).map_err(|fault| converter.iso(fault))?;
            let instant = DateTime::from_timestamp_micros(micros + EPOCH_MICROS)
                .ok_or_else(|| converter.mismatch(value))?;
            let zone =
                if matches!(converter.data_type(), DataType::TimestampTz) { "Z" } else { "" };
            write_text(&format!("{:?}{zone}", instant.naive_utc()), out);
        }
        DataType::Uuid => write_text(&hex(&converter.uuid(value)?), out),
        DataType::Interval => return Err(converter.mismatch(value)),
        DataType::Json | DataType::List(_) => out.extend_from_slice(&converter.json(value)?),
    }
    Ok(())
}

/// A JSON string.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("a vector takes every byte");
}

/// A number where JSON has one, text where it has none.
fn write_number(text: &str, is_finite: bool, out: &mut Vec<u8>) {
    if is_finite { out.extend_from_slice(text.as_bytes()) } else { write_text(text, out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(data_type: &str, value: ValueRef<'_>) -> Result<String, CellFault> {
        let mut out = Vec::new();
        let converter = Converter::new(&data_type.parse().unwrap(), true, 1000);
        write_value(&converter, value, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn text(text: &str) -> ValueRef<'_> {
        ValueRef::Text(text.as_bytes())
    }

    #[test]
    fn items_are_written_as_their_type_demands() {
        use ValueRef::{Blob, Integer, Null, Real};
        for (data_type, value, expected) in [
            ("text", Null, "null"),
            ("text", text("a\"\n\0é"), r#""a\"\n\u0000é""#),
            ("text", Integer(7), r#""7""#),
            ("boolean", Integer(1), "true"),
            ("integer", Integer(i64::MAX), "9223372036854775807"),
            ("float", Real(0.1), "0.1"),
            ("float", Real(f64::NEG_INFINITY), r#""-Infinity""#),
            ("decimal(12,2)", Real(1.5), "1.50"),
            ("decimal", text("12345678901234567890.123"), "12345678901234567890.123"),
            ("decimal", Real(f64::INFINITY), r#""Infinity""#),
            ("bytes", Blob(&[0, 255]), r#""00ff""#),
            ("date", text("2026-11-21"), r#""2026-11-21""#),
            ("time", text("19:05"), r#""19:05""#),
            ("timestamptz", text("2026-11-21 19:05:00.25+01"), r#""2026-11-21T18:05:00.250Z""#),
            ("timestamp", text("2026-11-21"), r#""2026-11-21T00:00:00""#),
            ("json", text(r#"{"a":[1.50]}"#), r#"{"a":[1.50]}"#),
        ] {
            assert_eq!(json(data_type, value).as_deref(), Ok(expected), "{data_type} {value:?}");
        }
        assert!(json("integer", text("x")).is_err());
        assert!(json("date", text("today")).is_err());
    }
}
