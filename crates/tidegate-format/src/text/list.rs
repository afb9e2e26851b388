//! Lists: a JSON array from the source, read by the declared type of its items.

use tidegate_batch::{DataType, Decimal, Item, ItemField, Value};

use super::{
    class::ByteClass,
    json::{self, JsonStyle},
    parse,
    scan::Scanner,
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
    walk_text(text, item, DEPTH_MAX, sink)
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

const NO_ARRAY: &str = "no JSON array";
const NO_OBJECT: &str = "no JSON object";

fn bad(what: &'static str) -> CellFault {
    CellFault::BadList { what }
}

fn walk_text<'i>(
    text: &str,
    item: &'i Item,
    depth: usize,
    sink: &mut dyn ListSink<'i>,
) -> Result<(), CellFault> {
    let mut walk = Walk { scan: Scanner::new(text), sink, values: Vec::new() };
    walk.array(item, depth)?;
    if walk.scan.is_at_end() { Ok(()) } else { Err(bad(NO_ARRAY)) }
}

/// A list that is being read.
struct Walk<'t, 's, 'i> {
    scan: Scanner<'t>,
    sink: &'s mut dyn ListSink<'i>,
    /// The value of each field of a record, as it stands; kept to be used again.
    values: Vec<Option<&'t str>>,
}

impl<'i> Walk<'_, '_, 'i> {
    fn array(&mut self, item: &'i Item, depth: usize) -> Result<(), CellFault> {
        let depth = depth.checked_sub(1).ok_or_else(|| bad("arrays nested too deeply"))?;
        self.scan.take(b'[').ok_or_else(|| bad(NO_ARRAY))?;
        self.sink.begin_list();
        let mut is_open = self.scan.take(b']').is_none();
        while is_open {
            match (item, self.scan.peek()) {
                (Item::Scalar(_), Some(b'[')) if !holds_arrays(item) => self.array(item, depth)?,
                (Item::Record(fields), Some(b'{')) => self.record(fields, depth)?,
                (item, _) => self.item(item, depth)?,
            }
            is_open = self.scan.take(b',').is_some();
            if !is_open {
                self.scan.take(b']').ok_or_else(|| bad(NO_ARRAY))?;
            }
        }
        self.sink.end_list();
        Ok(())
    }

    fn item(&mut self, item: &'i Item, depth: usize) -> Result<(), CellFault> {
        match (self.scan.value().ok_or_else(|| bad(NO_ARRAY))?, item) {
            ("null", _) => self.sink.value(&Value::Null),
            (text, Item::Scalar(data_type)) => walk_value(text, data_type, depth, self.sink)?,
            (_, Item::Record(_)) => return Err(bad("an item that is no record")),
        }
        Ok(())
    }

    fn record(&mut self, fields: &'i [ItemField], depth: usize) -> Result<(), CellFault> {
        self.record_values(fields)?;
        self.sink.begin_record();
        for (field, value) in fields.iter().zip(&self.values) {
            self.sink.field(field);
            match value {
                // A field that is not there is NULL.
                None | Some("null") => self.sink.value(&Value::Null),
                Some(text) => walk_value(text, &field.data_type, depth, self.sink)?,
            }
        }
        self.sink.end_record();
        Ok(())
    }

    /// Takes the members of an object, in whatever order they come.
    fn record_values(&mut self, fields: &[ItemField]) -> Result<(), CellFault> {
        let broken = || bad(NO_OBJECT);
        self.values.clear();
        self.values.resize(fields.len(), None);
        self.scan.take(b'{').ok_or_else(broken)?;
        let mut is_open = self.scan.take(b'}').is_none();
        let mut expected = 0;
        while is_open {
            let key = self.scan.value().ok_or_else(broken)?;
            self.scan.take(b':').ok_or_else(broken)?;
            let value = self.scan.value().ok_or_else(broken)?;
            let place = place_of(key, fields, expected)?;
            if self.values[place].replace(value).is_some() {
                return Err(bad("a record with a field twice"));
            }
            expected = place + 1;
            is_open = self.scan.take(b',').is_some();
            if !is_open {
                self.scan.take(b'}').ok_or_else(broken)?;
            }
        }
        Ok(())
    }
}

/// Whether an array is itself an item. Otherwise it is one more dimension, as SQL arrays have them.
fn holds_arrays(item: &Item) -> bool {
    matches!(item, Item::Scalar(DataType::Json | DataType::List(_)))
}

/// Place of the field with this key; most come in their order.
fn place_of(key: &str, fields: &[ItemField], expected: usize) -> Result<usize, CellFault> {
    let mut unescaped = String::new();
    let key = string_content(key, &mut unescaped).ok_or_else(|| bad(NO_OBJECT))?;
    let undeclared = || bad("a record with a field that is not declared");
    match fields.get(expected) {
        Some(field) if field.slug == key => Ok(expected),
        Some(_) | None => fields.iter().position(|field| field.slug == key).ok_or_else(undeclared),
    }
}

/// What starts an escape in a string.
const ESCAPE: ByteClass<1, false> = ByteClass::new([b'\\']);

/// The content of a string with its quotes; `unescaped` holds it where it has escapes.
fn string_content<'t>(text: &'t str, unescaped: &'t mut String) -> Option<&'t str> {
    let plain = text.strip_prefix('"')?.strip_suffix('"')?;
    if ESCAPE.position(plain.as_bytes()).is_none() {
        return Some(plain);
    }
    *unescaped = serde_json::from_str(text).ok()?;
    Some(unescaped)
}

fn walk_value<'i>(
    text: &str,
    data_type: &'i DataType,
    depth: usize,
    sink: &mut dyn ListSink<'i>,
) -> Result<(), CellFault> {
    if let DataType::List(item) = data_type {
        return walk_text(text, item, depth, sink);
    }
    let mut unescaped = String::new();
    let content = match text.starts_with('"') {
        true => string_content(text, &mut unescaped).map(Token::Text),
        false => Some(Token::Bare(text)),
    };
    let content = content.ok_or_else(|| bad("a broken string"))?;
    let mut octets = Vec::new();
    let mut uuid = [0; 16];
    let value = match data_type {
        DataType::Text => content.text().map(|text| Value::Text(text.as_bytes())),
        DataType::Json => is_document(text).then_some(Value::Json(text.as_bytes())),
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
        DataType::Float32 => {
            let number = token.number()?;
            let value: f32 = number.parse().ok()?;
            (value.is_finite() || is_word(number)).then_some(Value::Float32(value))
        }
        DataType::Float64 => {
            let number = token.number()?;
            let value: f64 = number.parse().ok()?;
            (value.is_finite() || is_word(number)).then_some(Value::Float64(value))
        }
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
        DataType::Json => "an item that is no JSON document",
        DataType::List(_) => "an item that is no list",
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

/// Whether a number is one of those that no digits can stand for.
fn is_word(number: &str) -> bool {
    number.ends_with(|last: char| last.is_ascii_alphabetic())
}

/// Whether the text is a number of JSON.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let text = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(text);
    if whole == 0 || (whole > 1 && text.starts_with('0')) {
        return false;
    }
    let mut rest = &text[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    let Some(exponent) = rest.strip_prefix(['e', 'E']) else { return rest.is_empty() };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    !exponent.is_empty() && digits(exponent) == exponent.len()
}

/// Whether the text is a JSON document.
fn is_document(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
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
            r#"[{"sku" "secret"}]"#,
            r#"[{"sku":"secret",}]"#,
            r#"[{"sku":"secret"]"#,
            "[{}] secret",
            "[{},]",
            "[,{}]",
            "[",
            "[[{}]]",
        ] {
            refused(wrong, &lines());
        }
        for (data_type, wrong) in [
            (DataType::Integer, "[9223372036854775808]"),
            (DataType::Integer, "[1.5]"),
            (DataType::Integer, "[1 2]"),
            (DataType::Decimal(None), "[01]"),
            (DataType::Decimal(None), "[1.]"),
            (DataType::Decimal(None), "[.5]"),
            (DataType::Decimal(None), "[1e]"),
            (DataType::Decimal(None), "[+1]"),
            (DataType::Float64, "[1e999]"),
            (DataType::Float32, "[1e39]"),
            (DataType::Json, "[{\"secret\":}]"),
            (DataType::Json, "[secret]"),
            (DataType::Text, "[\"\\secret\"]"),
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
