//! Places in an order as text: SQLite sorts by what is stored, so its type must come along.

use rusqlite::types::ValueRef;

use super::cell::hex;
use crate::sql::Bind;

/// Writes a value with the letter of its type; NULL has no text.
pub(super) fn write(value: ValueRef<'_>) -> Option<String> {
    Some(match value {
        ValueRef::Null => return None,
        ValueRef::Integer(value) => format!("i{value}"),
        ValueRef::Real(value) => format!("r{:016x}", value.to_bits()),
        ValueRef::Text(octets) => match std::str::from_utf8(octets) {
            Ok(text) => format!("t{text}"),
            // No place that could be bound as text again; such a row is refused as it is read.
            Err(_) => "t".to_owned(),
        },
        ValueRef::Blob(octets) => format!("b{}", hex(octets)),
    })
}

/// Reads what [`write`] has written.
pub(super) fn read(text: &str) -> Option<Bind> {
    let rest = text.get(1..)?;
    match text.as_bytes()[0] {
        b'i' => rest.parse().ok().map(Bind::Integer),
        b'r' => u64::from_str_radix(rest, 16).ok().map(|bits| Bind::Float(f64::from_bits(bits))),
        b't' => Some(Bind::Text(rest.to_owned())),
        b'b' => {
            let pairs = rest.as_bytes().chunks(2);
            let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
            pairs.map(octet).collect::<Option<Vec<u8>>>().map(Bind::Bytes)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_with_its_type() {
        let there_and_back = |value| read(&write(value).unwrap()).unwrap();
        assert_eq!(there_and_back(ValueRef::Integer(i64::MIN)), Bind::Integer(i64::MIN));
        assert_eq!(there_and_back(ValueRef::Real(-0.1)), Bind::Float(-0.1));
        assert_eq!(there_and_back(ValueRef::Text("é\0".as_bytes())), Bind::Text("é\0".into()));
        assert_eq!(there_and_back(ValueRef::Blob(&[0, 255])), Bind::Bytes(vec![0, 255]));
        assert_eq!(write(ValueRef::Null), None);
        assert!(["", "é", "x1", "i1.5", "bg0"].iter().all(|text| read(text).is_none()));
    }
}
