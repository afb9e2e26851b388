//! Any value as plain text, for places that are not worth a kernel of their own.

use tidegate_batch::Value;

use super::{Out, binary, interval, number, time, zone::ZoneOffsets};

/// Writes a value as it stands in a file, without quotes or escapes; NULL is nothing.
pub(crate) fn plain(vec: &mut Vec<u8>, value: &Value<'_>, zone: &ZoneOffsets) {
    match *value {
        Value::Null => {}
        Value::Boolean(value) => on(vec, |out| number::boolean(out, value)),
        Value::Integer(value) => on(vec, |out| number::integer(out, value)),
        Value::Float32(value) => on(vec, |out| number::float32(out, value)),
        Value::Float64(value) => on(vec, |out| number::float64(out, value)),
        Value::Decimal(value) => on(vec, |out| number::decimal(out, &value)),
        Value::Date(days) => on(vec, |out| time::date(out, days)),
        Value::Time(micros) => on(vec, |out| time::time(out, micros)),
        Value::Timestamp(micros) => on(vec, |out| time::timestamp(out, micros)),
        Value::TimestampTz(micros) => on(vec, |out| time::instant(out, micros, zone)),
        Value::Uuid(octets) => on(vec, |out| binary::uuid(out, octets)),
        Value::Interval(value) => interval::interval(vec, value),
        Value::Bytes(octets) => binary::base64(vec, octets),
        Value::Text(text) | Value::Json(text) | Value::List(text) => vec.extend_from_slice(text),
    }
}

fn on(vec: &mut Vec<u8>, write: impl FnOnce(&mut Out<'_>)) {
    let mut out = Out::on(vec);
    write(&mut out);
    out.finish();
}

/// Writes a value as it stands in text that is nobody's in particular: instants in UTC, a number
/// without the zeros that a source adds behind its point. The same value of any source gives the
/// same text.
pub fn plain_text(vec: &mut Vec<u8>, value: &Value<'_>) {
    match *value {
        Value::TimestampTz(micros) => on(vec, |out| time::instant_utc(out, micros)),
        Value::Decimal(value) => {
            let from = vec.len();
            on(vec, |out| number::decimal(out, &value));
            if vec[from..].contains(&b'.') {
                let end = vec.iter().rposition(|&digit| digit != b'0').map_or(from, |at| at + 1);
                vec.truncate(if vec[end - 1] == b'.' { end - 1 } else { end });
            }
        }
        ref other => plain(vec, other, &ZoneOffsets::new(chrono_tz::Tz::UTC)),
    }
}
