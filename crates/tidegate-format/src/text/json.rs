//! Text and documents in JSON.

use tidegate_batch::{PaddedCell, Value};

use super::{Out, class::ByteClass, value, zone::ZoneOffsets};

/// Bytes that must be escaped in a string.
const STRING: ByteClass<2, true> = ByteClass::new(*b"\"\\");

/// Bytes that would break a line. Of them, a valid document has only white space.
const WHITE: ByteClass<0, true> = ByteClass::new([]);

/// Digits of a `\u` escape.
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes text as the inside of a string, without its quotes.
#[inline(always)]
pub(crate) fn text(out: &mut Out<'_>, cell: PaddedCell<'_>) {
    let plain = out.while_plain(cell, &STRING);
    if plain < cell.len() {
        let rest = cell.skip(plain).expect("not more than the cell's bytes are plain");
        out.with_vec(|vec| escape(vec, rest));
    }
}

/// Writes text that starts with a byte to be escaped.
#[cold]
#[inline(never)]
fn escape(vec: &mut Vec<u8>, mut cell: PaddedCell<'_>) {
    let mut out = Out::on(vec);
    while let [byte, ..] = *cell.bytes() {
        match byte {
            b'"' | b'\\' => out.array(&[b'\\', byte]),
            b'\n' => out.array(b"\\n"),
            b'\r' => out.array(b"\\r"),
            b'\t' => out.array(b"\\t"),
            other => {
                let (high, low) = (HEX[usize::from(other >> 4)], HEX[usize::from(other & 15)]);
                out.array(&[b'\\', b'u', b'0', b'0', high, low]);
            }
        }
        cell = cell.skip(1).expect("the byte was just seen");
        let plain = out.while_plain(cell, &STRING);
        cell = cell.skip(plain).expect("not more than the cell's bytes are plain");
    }
    out.finish();
}

/// Writes a document on one line: line ends and tabs between its tokens become spaces.
#[inline(always)]
pub(crate) fn document(out: &mut Out<'_>, cell: PaddedCell<'_>) {
    let plain = out.while_plain(cell, &WHITE);
    if plain < cell.len() {
        let rest = cell.skip(plain).expect("not more than the cell's bytes are plain");
        out.with_vec(|vec| one_line(vec, rest));
    }
}

#[cold]
#[inline(never)]
fn one_line(vec: &mut Vec<u8>, mut cell: PaddedCell<'_>) {
    let mut out = Out::on(vec);
    while !cell.is_empty() {
        out.byte(b' ');
        cell = cell.skip(1).expect("the cell has a byte");
        let plain = out.while_plain(cell, &WHITE);
        cell = cell.skip(plain).expect("not more than the cell's bytes are plain");
    }
    out.finish();
}

/// How values are written where JSON leaves a choice.
#[derive(Clone, Copy)]
pub(crate) struct JsonStyle<'a> {
    /// Offsets of the zone in which instants are written.
    pub(crate) zone: &'a ZoneOffsets,
    /// Whether integers and exact numbers are strings, for readers that know only doubles.
    pub(crate) has_numbers_as_strings: bool,
}

/// Writes a string with its quotes.
pub(crate) fn string(vec: &mut Vec<u8>, content: &[u8]) {
    let mut out = Out::on(vec);
    out.byte(b'"');
    text(&mut out, content.into());
    out.byte(b'"');
    out.finish();
}

/// Writes any value but a list.
pub(crate) fn value(vec: &mut Vec<u8>, content: &Value<'_>, style: JsonStyle<'_>) {
    let is_bare = match content {
        Value::Null => return vec.extend_from_slice(b"null"),
        Value::Text(content) => return string(vec, content),
        Value::Json(content) | Value::List(content) => {
            let mut out = Out::on(vec);
            document(&mut out, (*content).into());
            return out.finish();
        }
        Value::Boolean(_) => true,
        Value::Float32(number) => number.is_finite(),
        Value::Float64(number) => number.is_finite(),
        Value::Integer(_) => !style.has_numbers_as_strings,
        Value::Decimal(number) => number.is_finite() && !style.has_numbers_as_strings,
        Value::Bytes(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::Timestamp(_)
        | Value::TimestampTz(_)
        | Value::Uuid(_)
        | Value::Interval(_) => false,
    };
    let quote: &[u8] = if is_bare { b"" } else { b"\"" };
    vec.extend_from_slice(quote);
    value::plain(vec, content, style.zone);
    vec.extend_from_slice(quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_parser_reads_strings_back(content in ".{0,80}|[\\PC\0-\x1F\"\\\\]{0,80}") {
            let mut bytes = Vec::new();
            string(&mut bytes, content.as_bytes());
            prop_assert!(bytes.iter().all(|byte| *byte >= b' '));
            prop_assert_eq!(serde_json::from_slice::<String>(&bytes).unwrap(), content);
        }
    }

    #[test]
    fn a_document_is_written_on_one_line() {
        let pretty = "{\r\n\t\"a\": [1,\n2],\n\"b\\n\": \"x\"\n}";
        let mut bytes = Vec::new();
        let mut out = Out::on(&mut bytes);
        document(&mut out, pretty.as_bytes().into());
        out.finish();
        assert_eq!(bytes, b"{   \"a\": [1, 2], \"b\\n\": \"x\" }");
    }
}
