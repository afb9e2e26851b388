//! Lists: a JSON array from the source, read by the declared type of its items.

use serde_json::value::RawValue;
use tidegate_batch::{DataType, Decimal, Item, ItemField, Value};

use super::{
    json::{self, JsonStyle},
    parse,
};
use crate::CellFault;

/// Arrays within arrays. PostgreSQL knows six dimensions.
const DEPTH_MAX: usize = 16;

/// Takes a list item by item. Lists can lie in lists, and in the fields of records.
pub(crate) trait ListSink<'i> {
    /// A list starts.
    fn begin_list(&mut self);
    /// A list ends.
    fn end_list(&mut self);
    /// A record starts, as an item.
    fn begin_record(&mut self);
    /// The next value or list belongs to this field of the record.
    fn field(&mut self, field: &'i ItemField);
    /// A record ends.
    fn end_record(&mut self);
    /// A value that is no list: an item, or a field of a record.
    fn value(&mut self, value: &Value<'_>);
}

/// Reads `list`, a JSON array, and gives its items to `sink`.
///
/// # Errors
///
/// If it is no array, or an item is not what `item` declares.
pub(crate) fn walk<'i>(
    list: &[u8],
    item: &'i Item,
    sink: &mut dyn ListSink<'i>,
) -> Result<(), CellFault> {
    let text = std::str::from_utf8(list).map_err(|_| bad("text that is not UTF-8"))?;
    walk_array(text, item, DEPTH_MAX, sink)
}

/// Writes `list` as JSON text, its values as they stand everywhere in a file.
///
/// # Errors
///
/// As for [`walk`].
pub(crate) fn render(
    vec: &mut Vec<u8>,
    list: &[u8],
    item: &Item,
    style: JsonStyle<'_>,
) -> Result<(), CellFault> {
    walk(list, item, &mut JsonList { vec, style, needs_comma: false })
}

fn bad(what: &'static str) -> CellFault {
    CellFault::BadList { what }
}

fn walk_array<'i>(
    text: &str,
    item: &'i Item,
    depth: usize,
    sink: &mut dyn ListSink<'i>,
) -> Result<(), CellFault> {
    let depth = depth.checked_sub(1).ok_or_else(|| bad("arrays nested too deeply"))?;
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| bad("no JSON array"))?;
    sink.begin_list();
    for raw in items {
        let text = raw.get();
        match (item, text.as_bytes()) {
            (_, b"null") => sink.value(&Value::Null),
            (Item::Scalar(_), [b'[', ..]) if !holds_arrays(item) => {
                walk_array(text, item, depth, sink)?;
            }
            (Item::Scalar(data_type), _) => walk_value(text, data_type, depth, sink)?,
            (Item::Record(fields), [b'{', ..]) => walk_record(text, fields, depth, sink)?,
            (Item::Record(_), _) => return Err(bad("an item that is no record")),
        }
    }
    sink.end_list();
    Ok(())
}

/// Whether an array is itself an item. Otherwise it is one more dimension, as SQL arrays have them.
fn holds_arrays(item: &Item) -> bool {
    matches!(item, Item::Scalar(DataType::Json | DataType::List(_)))
}

fn walk_record<'i>(
    text: &str,
    fields: &'i [ItemField],
    depth: usize,
    sink: &mut dyn ListSink<'i>,
) -> Result<(), CellFault> {
    let given: Record<'_> = serde_json::from_str(text).map_err(|_| bad("no JSON object"))?;
    if given.0.iter().any(|(key, _)| fields.iter().all(|field| field.slug != *key)) {
        return Err(bad("a record with a field that is not declared"));
    }
    sink.begin_record();
    for field in fields {
        sink.field(field);
        let mut values = given.0.iter().filter(|(key, _)| *key == field.slug);
        match (values.next().map(|(_, raw)| raw.get()), values.next()) {
            (None | Some("null"), None) => sink.value(&Value::Null),
            (Some(text), None) => walk_value(text, &field.data_type, depth, sink)?,
            (_, Some(_)) => return Err(bad("a record with a field twice")),
        }
    }
    sink.end_record();
    Ok(())
}

/// The members of a JSON object, in its order.
struct Record<'a>(Vec<(std::borrow::Cow<'a, str>, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Record<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> serde::de::Visitor<'de> for Members {
            type Value = Record<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Record(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

fn walk_value<'i>(
    text: &str,
    data_type: &'i DataType,
    depth: usize,
    sink: &mut dyn ListSink<'i>,
) -> Result<(), CellFault> {
    if let DataType::List(item) = data_type {
        return walk_array(text, item, depth, sink);
    }
    let mut unescaped = String::new();
    let content = match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Token::Text(plain),
        Some(_) => {
            unescaped = serde_json::from_str(text).map_err(|_| bad("a broken string"))?;
            Token::Text(&unescaped)
        }
        None => Token::Bare(text),
    };
    let mut octets = Vec::new();
    let mut uuid = [0; 16];
    let value = match data_type {
        DataType::Text => content.text().map(|text| Value::Text(text.as_bytes())),
        DataType::Json => Some(Value::Json(text.as_bytes())),
        DataType::Bytes => content.text().and_then(parse::octets).map(|found| {
            octets = found;
            Value::Bytes(&octets)
        }),
        DataType::Uuid => content.text().and_then(parse::uuid).map(|found| {
            uuid = found;
            Value::Uuid(&uuid)
        }),
        other => small_value(content, other),
    };
    _ = &unescaped;
    value.map(|value| sink.value(&value)).ok_or_else(|| bad(mismatch(data_type)))
}

/// A value that borrows no more than the token.
fn small_value<'a>(token: Token<'a>, data_type: &DataType) -> Option<Value<'a>> {
    match data_type {
        DataType::Boolean => match token {
            Token::Bare("true" | "1") => Some(Value::Boolean(true)),
            Token::Bare("false" | "0") => Some(Value::Boolean(false)),
            Token::Bare(_) | Token::Text(_) => None,
        },
        DataType::Integer => token.any().parse().ok().map(Value::Integer),
        DataType::Float32 => token.number()?.parse().ok().map(Value::Float32),
        DataType::Float64 => token.number()?.parse().ok().map(Value::Float64),
        DataType::Decimal(_) => token.number().map(|digits| match digits {
            "Infinity" => Value::Decimal(Decimal::Infinity),
            "-Infinity" => Value::Decimal(Decimal::MinusInfinity),
            digits => Value::Decimal(Decimal::from_digits(digits.as_bytes())),
        }),
        DataType::Date => parse::date(token.text()?).map(Value::Date),
        DataType::Time => parse::time(token.text()?).map(Value::Time),
        DataType::Timestamp => parse::timestamp(token.text()?).map(Value::Timestamp),
        DataType::TimestampTz => parse::timestamp(token.text()?).map(Value::TimestampTz),
        DataType::Interval => parse::interval(token.text()?).map(Value::Interval),
        DataType::Text | DataType::Json | DataType::Bytes | DataType::Uuid | DataType::List(_) => {
            None
        }
    }
}

/// What an item should have been, for people.
fn mismatch(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "an item that is no boolean",
        DataType::Integer => "an item that is no 64-bit integer",
        DataType::Float32 | DataType::Float64 => "an item that is no floating point number",
        DataType::Decimal(_) => "an item that is no exact number",
        DataType::Text => "an item that is no text",
        DataType::Bytes => "an item that is not octets in hexadecimal",
        DataType::Date => "an item that is no date",
        DataType::Time => "an item that is no time",
        DataType::Timestamp | DataType::TimestampTz => "an item that is no timestamp",
        DataType::Uuid => "an item that is no UUID",
        DataType::Interval => "an item that is no ISO 8601 duration",
        DataType::Json | DataType::List(_) => "an item that is no list",
    }
}

/// A JSON value that is neither array nor object, its string unescaped.
#[derive(Clone, Copy)]
enum Token<'a> {
    Text(&'a str),
    Bare(&'a str),
}

impl<'a> Token<'a> {
    fn any(self) -> &'a str {
        match self {
            Self::Text(text) | Self::Bare(text) => text,
        }
    }

    fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bare(_) => None,
        }
    }

    /// A number's digits, also out of a string; NaN and infinities as they are spelt here.
    fn number(self) -> Option<&'a str> {
        match self {
            Self::Bare(text) => is_number(text).then_some(text),
            Self::Text("NaN") => Some("NaN"),
            Self::Text("Infinity" | "infinity") => Some("Infinity"),
            Self::Text("-Infinity" | "-infinity") => Some("-Infinity"),
            Self::Text(text) => is_number(text).then_some(text),
        }
    }
}

/// Whether the text is a number of JSON.
fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        && serde_json::from_str::<&RawValue>(text).is_ok_and(|raw| raw.get() == text)
}

/// Writes what it is given as compact JSON.
struct JsonList<'a> {
    vec: &'a mut Vec<u8>,
    style: JsonStyle<'a>,
    needs_comma: bool,
}

impl JsonList<'_> {
    fn open(&mut self, bracket: u8) {
        self.separate();
        self.vec.push(bracket);
        self.needs_comma = false;
    }

    fn close(&mut self, bracket: u8) {
        self.vec.push(bracket);
        self.needs_comma = true;
    }

    fn separate(&mut self) {
        if self.needs_comma {
            self.vec.push(b',');
        }
    }
}

impl<'i> ListSink<'i> for JsonList<'_> {
    fn begin_list(&mut self) {
        self.open(b'[');
    }

    fn end_list(&mut self) {
        self.close(b']');
    }

    fn begin_record(&mut self) {
        self.open(b'{');
    }

    fn field(&mut self, field: &'i ItemField) {
        self.separate();
        json::string(self.vec, field.slug.as_bytes());
        self.vec.push(b':');
        self.needs_comma = false;
    }

    fn end_record(&mut self) {
        self.close(b'}');
    }

    fn value(&mut self, value: &Value<'_>) {
        self.separate();
        json::value(self.vec, value, self.style);
        self.needs_comma = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use chrono_tz::Tz;

    use crate::text::zone::ZoneOffsets;

    fn rendered_as(data_type: &str, list: &str, has_numbers_as_strings: bool) -> String {
        let DataType::List(item) = format!("list({data_type})").parse().unwrap() else {
            unreachable!("the type was built as a list")
        };
        render_item(list, &item, has_numbers_as_strings).unwrap()
    }

    fn render_item(list: &str, item: &Item, as_strings: bool) -> Result<String, CellFault> {
        let zone = ZoneOffsets::new(Tz::Europe__Berlin);
        let style = JsonStyle { zone: &zone, has_numbers_as_strings: as_strings };
        let mut bytes = Vec::new();
        render(&mut bytes, list.as_bytes(), item, style)?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    fn rendered(data_type: &str, list: &str) -> String {
        rendered_as(data_type, list, false)
    }

    #[test]
    fn items_are_written_by_their_declared_type() {
        assert_eq!(
            rendered("integer", "[ 1, null,-9223372036854775808 ]"),
            "[1,null,-9223372036854775808]"
        );
        assert_eq!(rendered("boolean", "[true,0,1,false]"), "[true,false,true,false]");
        assert_eq!(rendered("text", r#"["a\u00e5\n","\"",""]"#), r#"["aå\n","\"",""]"#);
        assert_eq!(rendered("bytes", r#"["\\x00ff","DEAD"]"#), r#"["AP8=","3q0="]"#);
        assert_eq!(
            rendered("date", r#"["2024-02-29","infinity"]"#),
            r#"["2024-02-29","Infinity"]"#
        );
        assert_eq!(rendered("time", r#"["01:02:03.100000"]"#), r#"["01:02:03.1"]"#);
        assert_eq!(
            rendered("timestamptz", r#"["2024-07-01T10:00:00+00:00","2024-01-01 10:00:00"]"#),
            r#"["2024-07-01T12:00:00+02:00","2024-01-01T11:00:00+01:00"]"#
        );
        assert_eq!(
            rendered("timestamp", r#"["2024-07-01 10:00:00"]"#),
            r#"["2024-07-01T10:00:00"]"#
        );
        assert_eq!(
            rendered("uuid", r#"["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"]"#),
            r#"["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]"#
        );
        assert_eq!(rendered("interval", r#"["P1Y2M"]"#), r#"["P1Y2M"]"#);
        assert_eq!(rendered("json", r#"[{"a": [1]}, [2], "x"]"#), r#"[{"a": [1]},[2],"x"]"#);
        assert_eq!(
            rendered("float", r#"[1.0,1e300,"NaN","-Infinity"]"#),
            r#"[1,1e+300,"NaN","-Infinity"]"#
        );
        assert_eq!(rendered("float", "[]"), "[]");
    }

    #[test]
    fn exact_numbers_keep_every_digit() {
        let digits = "12345678901234567890123456789012345678.10";
        let list = format!(r#"[{digits},"{digits}","NaN"]"#);
        assert_eq!(rendered("decimal", &list), format!(r#"[{digits},{digits},"NaN"]"#));
        let strings = format!(r#"["{digits}","{digits}","NaN"]"#);
        assert_eq!(rendered_as("decimal", &list, true), strings);
        assert_eq!(rendered_as("integer", "[1]", true), r#"["1"]"#);
        assert_eq!(rendered_as("float", "[1.5]", true), "[1.5]");
    }

    #[test]
    fn arrays_within_arrays_are_kept() {
        assert_eq!(rendered("integer", "[[1,2],[3,null]]"), "[[1,2],[3,null]]");
        assert_eq!(rendered("list(integer)", "[[1],[]]"), "[[1],[]]");
    }

    fn lines() -> Item {
        let field =
            |slug: &str, data_type: DataType| ItemField { slug: slug.to_owned(), data_type };
        Item::Record(vec![
            field("sku", DataType::Text),
            field("price", DataType::Decimal(None)),
            field("tags", "list(text)".parse().unwrap()),
        ])
    }

    #[test]
    fn records_have_their_fields_in_declared_order() {
        assert_eq!(
            render_item(
                r#"[{"tags":["a"],"price":1.50,"sk\u0075":"x"},null,{"sku":null}]"#,
                &lines(),
                false
            )
            .unwrap(),
            r#"[{"sku":"x","price":1.50,"tags":["a"]},null,{"sku":null,"price":null,"tags":null}]"#
        );
    }

    #[test]
    fn what_is_not_declared_is_refused_without_showing_it() {
        let refused = |list: &str, item: &Item| {
            let fault = render_item(list, item, false).unwrap_err().to_string();
            assert!(!fault.contains("secret"), "{fault}");
        };
        for wrong in [
            r#"[{"other":"secret"}]"#,
            r#"["secret"]"#,
            r#"{"sku":"secret"}"#,
            r#"[{"sku":"secret","sku":"b"}]"#,
            r#"[{"tags":"secret"}]"#,
            r#"[{"sku":1}]"#,
            "[",
            "[[{}]]",
        ] {
            refused(wrong, &lines());
        }
        for (data_type, wrong) in [
            (DataType::Integer, "[9223372036854775808]"),
            (DataType::Integer, "[1.5]"),
            (DataType::Boolean, "[2]"),
            (DataType::Text, "[1]"),
            (DataType::Decimal(None), r#"["secret"]"#),
            (DataType::Float64, r#"["nan(secret)"]"#),
            (DataType::Date, r#"["secret"]"#),
            (DataType::Uuid, r#"["secret"]"#),
            (DataType::Bytes, r#"["secret"]"#),
        ] {
            refused(wrong, &Item::Scalar(data_type));
        }
        refused(&"[".repeat(100_000), &Item::Scalar(DataType::Integer));
        let deep = "[".repeat(40) + &"]".repeat(40);
        refused(&deep, &Item::Scalar(DataType::Integer));
    }
}
