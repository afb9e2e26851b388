//! Writes one cell of the driver's as a cell of a batch, exactly or not at all.

use mysql_async::{Column, Value, consts::ColumnType};
use serde::de::IgnoredAny;
use tidegate_batch::{DataType, RowBatch};

use super::{calendar, digits, geometry};

/// Character set of octets.
const BINARY_CHARSET: u16 = 63;

/// Stands for a part of a document that is none. No text of people's holds control characters.
pub(super) const NO_DOCUMENT: &str = "\u{1}tidegate:no document\u{1}";

/// Why a value cannot be carried; never the value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unfit(pub(super) String);

impl Unfit {
    pub(super) fn because(detail: &str) -> Self {
        Self(detail.to_owned())
    }
}

/// What the bytes of a cell are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Octets {
    /// Text, digits, JSON.
    Text,
    /// Octets as such.
    Raw,
    /// A bit string of that many bits.
    Bits(u32),
    /// A geometry in the server's own form.
    Geometry,
}

/// How a column's cells get from the driver into a batch.
#[derive(Debug)]
pub(super) struct CellWriter {
    target: DataType,
    octets: Octets,
    is_day: bool,
    fraction_digits: u8,
    bytes_max: usize,
    is_part: bool,
}

impl CellWriter {
    /// A writer of the column's values as values of a type.
    pub(super) fn new(target: &DataType, column: &Column, bytes_max: usize) -> Self {
        let column_type = column.column_type();
        let octets = match column_type {
            ColumnType::MYSQL_TYPE_BIT => Octets::Bits(column.column_length()),
            ColumnType::MYSQL_TYPE_GEOMETRY => Octets::Geometry,
            _ if column.character_set() == BINARY_CHARSET => Octets::Raw,
            _ => Octets::Text,
        };
        let is_day =
            matches!(column_type, ColumnType::MYSQL_TYPE_DATE | ColumnType::MYSQL_TYPE_NEWDATE);
        let fraction_digits = column.decimals();
        let target = target.clone();
        Self { target, octets, is_day, fraction_digits, bytes_max, is_part: false }
    }

    /// The same, of parts of a JSON document if they are.
    pub(super) fn of_parts(self, is_part: bool) -> Self {
        Self { is_part, ..self }
    }

    /// Appends the value to the batch.
    ///
    /// # Errors
    ///
    /// If it is not, exactly, a value of the column's type. The batch may then hold a half cell.
    #[inline]
    pub(super) fn put(&self, value: &Value, batch: &mut RowBatch) -> Result<(), Unfit> {
        if let Value::Bytes(bytes) = value
            && bytes.len() > self.bytes_max
        {
            let bytes_max = self.bytes_max;
            return Err(Unfit(format!("is larger than {bytes_max} bytes (`cell_bytes_max`)")));
        }
        if *value == Value::NULL {
            batch.put_null();
            return Ok(());
        }
        if self.is_part && matches!(value, Value::Bytes(text) if text == NO_DOCUMENT.as_bytes()) {
            return Err(Unfit::because("is part of a document that is no JSON"));
        }
        match &self.target {
            DataType::Integer => batch.put_i64(self.integer(value)?),
            DataType::Text => self.put_text(value, batch)?,
            DataType::Decimal(_) => batch.put_with(|out| self.write_decimal(value, out))?,
            DataType::TimestampTz => batch.put_i64(calendar::instant(value)?),
            DataType::Timestamp => batch.put_i64(calendar::moment(value)?),
            DataType::Date => batch.put_i32(calendar::day(value)?),
            DataType::Time => batch.put_i64(calendar::time_of_day(value)?),
            DataType::Interval => put_interval(calendar::span(value)?, batch),
            DataType::Boolean => batch.put_bool(self.boolean(value)?),
            DataType::Float32 => put_f32(self.float32(value)?, batch),
            DataType::Float64 => batch.put_f64(self.float64(value)?),
            DataType::Bytes => self.put_octets(value, batch)?,
            DataType::Json => batch.put_bytes(document(value, |_| true)?),
            DataType::List(_) => batch.put_bytes(document(value, |first| first == b'[')?),
            DataType::Uuid => batch.put_bytes(&self.uuid(value)?),
        }
        Ok(())
    }

    fn integer(&self, value: &Value) -> Result<i64, Unfit> {
        let too_large = || Unfit::because("is beyond 64 bits; declare the field `decimal`");
        match value {
            Value::Int(value) => Ok(*value),
            Value::UInt(value) => i64::try_from(*value).map_err(|_| too_large()),
            Value::Bytes(bytes) => match self.octets {
                Octets::Bits(_) => i64::try_from(bits(bytes)).map_err(|_| too_large()),
                Octets::Text | Octets::Raw => digits::integer(bytes),
                Octets::Geometry => Err(Unfit::because("is no whole number")),
            },
            Value::Float(value) => digits::whole(f64::from(*value)),
            Value::Double(value) => digits::whole(*value),
            Value::NULL | Value::Date(..) | Value::Time(..) => {
                Err(Unfit::because("is no whole number"))
            }
        }
    }

    fn boolean(&self, value: &Value) -> Result<bool, Unfit> {
        let number = match value {
            Value::Bytes(bytes) if matches!(self.octets, Octets::Text | Octets::Raw) => {
                match bytes.as_slice() {
                    b"0" | b"false" => Some(0),
                    b"1" | b"true" => Some(1),
                    _ => None,
                }
            }
            other => self.integer(other).ok(),
        };
        match number {
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            _ => Err(Unfit::because("is neither 0 nor 1; declare the field `integer`")),
        }
    }

    fn float64(&self, value: &Value) -> Result<f64, Unfit> {
        match value {
            Value::Double(value) => Ok(*value),
            Value::Float(value) => Ok(f64::from(*value)),
            Value::Int(_) | Value::UInt(_) | Value::Bytes(_) => {
                let mut text = Vec::new();
                self.write_decimal(value, &mut text)?;
                digits::float(&text)
            }
            Value::NULL | Value::Date(..) | Value::Time(..) => Err(Unfit::because("is no number")),
        }
    }

    fn float32(&self, value: &Value) -> Result<f32, Unfit> {
        match value {
            Value::Float(value) => Ok(*value),
            // The subject asks for 32 bits, so the nearest such number is what it gets.
            #[allow(clippy::cast_possible_truncation)]
            other => Ok(self.float64(other)? as f32),
        }
    }

    fn write_decimal(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), Unfit> {
        match value {
            Value::Bytes(bytes) => match self.octets {
                Octets::Text | Octets::Raw => digits::write_decimal(bytes, out)?,
                Octets::Bits(_) => out.extend_from_slice(bits(bytes).to_string().as_bytes()),
                Octets::Geometry => return Err(Unfit::because("is no number")),
            },
            Value::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Value::UInt(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Value::Float(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Value::Double(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Value::NULL | Value::Date(..) | Value::Time(..) => {
                return Err(Unfit::because("is no number"));
            }
        }
        Ok(())
    }

    #[inline]
    fn put_text(&self, value: &Value, batch: &mut RowBatch) -> Result<(), Unfit> {
        if let (Value::Bytes(bytes), Octets::Text | Octets::Raw) = (value, self.octets) {
            if simdutf8::basic::from_utf8(bytes).is_err() {
                return Err(Unfit::because("is no UTF-8; declare the field `bytes`"));
            }
            batch.put_bytes(bytes);
            return Ok(());
        }
        batch.put_with(|out| self.write_text(value, out))
    }

    fn write_text(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), Unfit> {
        match value {
            Value::Bytes(bytes) => match self.octets {
                Octets::Text | Octets::Raw => out.extend_from_slice(bytes),
                Octets::Bits(width) => write_bits(bytes, width, out),
                Octets::Geometry => {
                    return Err(Unfit::because(
                        "is a geometry; declare the field `bytes`, or select `st_astext(…)`",
                    ));
                }
            },
            Value::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Value::UInt(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Value::Float(value) => digits::write_float32(*value, out),
            Value::Double(value) => digits::write_float64(*value, out),
            Value::Date(..) => calendar::write_date(value, self.is_day, self.fraction_digits, out),
            Value::Time(..) => calendar::write_time(value, self.fraction_digits, out),
            Value::NULL => {}
        }
        Ok(())
    }

    fn put_octets(&self, value: &Value, batch: &mut RowBatch) -> Result<(), Unfit> {
        match (value, self.octets) {
            (Value::Bytes(bytes), Octets::Geometry) => {
                batch.put_with(|out| geometry::write_ewkb(bytes, out))
            }
            (Value::Bytes(bytes), Octets::Text | Octets::Raw | Octets::Bits(_)) => {
                batch.put_bytes(bytes);
                Ok(())
            }
            _ => Err(Unfit::because("is no octets")),
        }
    }

    fn uuid(&self, value: &Value) -> Result<[u8; 16], Unfit> {
        let unfit = || Unfit::because("is no uuid; declare the field `text` or `bytes`");
        let Value::Bytes(bytes) = value else { return Err(unfit()) };
        if let (Octets::Raw, Ok(octets)) = (self.octets, bytes.as_slice().try_into()) {
            return Ok(octets);
        }
        digits::uuid(bytes).ok_or_else(unfit)
    }
}

/// The bytes of a JSON document whose first character suits.
fn document(value: &Value, suits: impl Fn(u8) -> bool) -> Result<&[u8], Unfit> {
    let unfit = || Unfit::because("is no JSON of the field's type; declare the field `text`");
    let Value::Bytes(bytes) = value else { return Err(unfit()) };
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let is_whole = serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
    // `from_slice` passes over strings that it ignores without a look at their encoding.
    let is_text = is_whole && simdutf8::basic::from_utf8(bytes).is_ok();
    if is_text && first.is_some_and(|first| suits(*first)) { Ok(bytes) } else { Err(unfit()) }
}

fn put_f32(value: f32, batch: &mut RowBatch) {
    batch.put_bytes(&value.to_be_bytes());
}

fn put_interval(micros: i64, batch: &mut RowBatch) {
    let mut cell = [0; 16];
    cell[..8].copy_from_slice(&micros.to_be_bytes());
    batch.put_bytes(&cell);
}

/// The number that a bit string of up to 64 bits stands for.
fn bits(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn write_bits(bytes: &[u8], width: u32, out: &mut Vec<u8>) {
    let number = bits(bytes);
    out.extend((0..width).rev().map(|place| if number >> place & 1 == 1 { b'1' } else { b'0' }));
}

#[cfg(test)]
mod tests {
    use tidegate_batch::Wire;

    use super::*;

    /// A column with a cell in it, ready to be read as some type.
    struct Check {
        column: Column,
        value: Value,
    }

    impl Check {
        fn new(column_type: ColumnType, value: impl Into<Value>) -> Self {
            Self { column: Column::new(column_type), value: value.into() }
        }

        fn text(text: &str) -> Self {
            let mut check = Self::new(ColumnType::MYSQL_TYPE_VAR_STRING, text);
            check.column = check.column.with_character_set(45);
            check
        }

        /// The cell as the format crate will see it, printed.
        fn read_as(&self, target: &str) -> Result<String, String> {
            let data_type: DataType = target.parse().unwrap();
            let mut batch = RowBatch::default();
            let writer = CellWriter::new(&data_type, &self.column, 1000);
            writer.put(&self.value, &mut batch).map_err(|unfit| unfit.0)?;
            batch.end_row();
            batch.seal();
            let mut column = tidegate_batch::Column::new("x", data_type);
            column.wire = Wire::Digits;
            let cell = batch.rows(1).next().unwrap().next().unwrap();
            Ok(match column.decode(cell).unwrap() {
                tidegate_batch::Value::Text(text) | tidegate_batch::Value::Json(text) => {
                    String::from_utf8(text.to_vec()).unwrap()
                }
                tidegate_batch::Value::Decimal(decimal) => {
                    let mut out = Vec::new();
                    decimal.write_to(&mut out);
                    String::from_utf8(out).unwrap()
                }
                other => format!("{other:?}"),
            })
        }
    }

    #[test]
    fn a_small_integer_is_true_or_false_or_refused() {
        let tiny = |value: i64| Check::new(ColumnType::MYSQL_TYPE_TINY, value);
        assert_eq!(tiny(1).read_as("boolean").unwrap(), "Boolean(true)");
        assert_eq!(tiny(0).read_as("boolean").unwrap(), "Boolean(false)");
        assert!(tiny(2).read_as("boolean").unwrap_err().contains("`integer`"));
        assert_eq!(tiny(2).read_as("integer").unwrap(), "Integer(2)");
        assert_eq!(Check::text("true").read_as("boolean").unwrap(), "Boolean(true)");
        assert!(Check::text("yes").read_as("boolean").is_err());
    }

    #[test]
    fn the_largest_unsigned_integer_keeps_its_digits() {
        let huge = Check::new(ColumnType::MYSQL_TYPE_LONGLONG, u64::MAX);
        assert_eq!(huge.read_as("decimal(20,0)").unwrap(), "18446744073709551615");
        assert_eq!(huge.read_as("text").unwrap(), "18446744073709551615");
        assert!(huge.read_as("integer").unwrap_err().contains("`decimal`"));
    }

    #[test]
    fn bit_strings_are_digits_or_numbers() {
        let mut check = Check::new(ColumnType::MYSQL_TYPE_BIT, &[0b1, 0b0000_0101][..]);
        check.column = check.column.with_column_length(10);
        assert_eq!(check.read_as("text").unwrap(), "0100000101");
        assert_eq!(check.read_as("integer").unwrap(), "Integer(261)");
    }

    #[test]
    fn text_is_json_or_a_list_only_if_it_is() {
        assert_eq!(Check::text(" {\"a\": [1]}").read_as("json").unwrap(), " {\"a\": [1]}");
        for broken in ["", "{\"a\":", "[1,2", "{} {}", "\"a\nb\""] {
            assert!(Check::text(broken).read_as("json").is_err(), "{broken}");
        }
        assert!(Check::text("{}").read_as("list(text)").is_err());
        assert!(Check::text("[1]").read_as("list(integer)").is_ok());
    }

    #[test]
    fn octets_that_are_no_text_are_refused_as_text() {
        let check = Check::new(ColumnType::MYSQL_TYPE_BLOB, &[0xff, 0xfe][..]);
        assert!(check.read_as("text").unwrap_err().contains("`bytes`"));
        assert!(check.read_as("json").is_err());
        assert_eq!(check.read_as("bytes").unwrap(), "Bytes([255, 254])");
    }

    #[test]
    fn a_cell_beyond_the_limit_is_refused() {
        let long = Check::text(&"x".repeat(1001));
        assert!(long.read_as("text").unwrap_err().contains("1000 bytes"));
    }

    #[test]
    fn uuids_come_as_text_or_as_sixteen_octets() {
        let text = Check::text("00112233-4455-6677-8899-AABBCCDDEEFF");
        let octets = [0, 17, 34, 51, 68, 85, 102, 119, 136, 153, 170, 187, 204, 221, 238, 255];
        let mut raw = Check::new(ColumnType::MYSQL_TYPE_STRING, &octets[..]);
        raw.column = raw.column.with_character_set(BINARY_CHARSET);
        assert_eq!(text.read_as("uuid"), raw.read_as("uuid"));
        assert!(Check::text("00112233-4455-6677-8899-AABBCCDDEEF").read_as("uuid").is_err());
    }

    #[test]
    fn floats_keep_their_shortest_digits() {
        let float = Check::new(ColumnType::MYSQL_TYPE_FLOAT, 0.1_f32);
        assert_eq!(float.read_as("text").unwrap(), "0.1");
        assert_eq!(float.read_as("float32").unwrap(), "Float32(0.1)");
        let double = Check::new(ColumnType::MYSQL_TYPE_DOUBLE, 1e300);
        assert_eq!(double.read_as("text").unwrap(), "1e300");
        assert_eq!(Check::text("1e2").read_as("float").unwrap(), "Float64(100.0)");
    }
}
