//! The text of values that Parquet has no type for.

use tidegate_batch::Value;

use crate::text::{Out, binary, interval, number};

/// Appends octets as they are, and what has no storage of its own as text.
///
/// `None` is a value that has storage of its own.
pub(super) fn write(out: &mut Vec<u8>, value: &Value<'_>) -> Option<()> {
    match value {
        Value::Text(octets) | Value::Bytes(octets) | Value::Json(octets) => {
            out.extend_from_slice(octets);
        }
        Value::Decimal(decimal) => run(out, |out| number::decimal(out, decimal)),
        Value::Uuid(uuid) => run(out, |out| binary::uuid(out, uuid)),
        Value::Interval(span) => interval::interval(out, *span),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float32(_)
        | Value::Float64(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::Timestamp(_)
        | Value::TimestampTz(_)
        | Value::List(_) => return None,
    }
    Some(())
}

fn run(vec: &mut Vec<u8>, kernel: impl FnOnce(&mut Out<'_>)) {
    let mut out = Out::on(vec);
    kernel(&mut out);
    out.finish();
}
