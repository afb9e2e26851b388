//! What a cell of a file should be, by the type of its field and what the client printed.
//!
//! The rules are those of the documentation's table of formats, spelt out anew here. What a client
//! prints is brought into one form first (`Case::canonical`):
//!
//! | type | the client's text |
//! | --- | --- |
//! | boolean | `true`, `t`, `1`, `false`, `f`, `0` |
//! | integer, decimal | plain digits, or `NaN`, `Infinity`, `-Infinity` |
//! | float, float32 | any notation that names the number |
//! | text, json | as it is |
//! | bytes | hexadecimal, with or without `\x` |
//! | date, time, timestamp, timestamptz | `2024-02-29 23:59:59.5`, in UTC; `BC`; `infinity` |
//! | uuid | hexadecimal, with or without hyphens |
//! | interval | an ISO 8601 duration |
//! | list | a JSON array of such texts, or of documents if it is a list of JSON |

use tidegate_batch::{DataType, Item};

use super::{
    cell::{Cell, Float},
    moment::{Moment, clock_text, time_to_millisecond},
};

/// Digits that a spreadsheet keeps of a number.
const SHEET_DIGITS_MAX: usize = 15;
/// UTF-16 units that a cell of a spreadsheet holds.
pub(super) const SHEET_UNITS_MAX: usize = 32_767;
/// Digits that a decimal of Parquet holds.
const PARQUET_DIGITS_MAX: u16 = 76;
/// Digits beyond which DuckDB reads a decimal as a double, and that wrongly where its octets are no
/// multiple of eight.
const DUCKDB_DIGITS_MAX: u16 = 38;

/// A value, read from what a client printed.
#[derive(Clone, Debug)]
enum Value {
    Boolean(bool),
    Integer(String),
    Decimal(String, Option<(u16, u16)>),
    Float(f64, bool),
    Text(String),
    Bytes(Vec<u8>),
    Date(Moment),
    Time(String),
    Timestamp(Moment),
    Instant(Moment),
    Json(String),
    List(Vec<Option<Self>>),
    Record(Vec<(String, Option<Self>)>),
}

/// What the cell should be in a file of that format, as `reader` gives it. None: it has no place
/// there, so that the export must fail.
pub(super) fn expected(
    data_type: &DataType,
    client: Option<&str>,
    format: &str,
    reader: &str,
) -> Option<Cell> {
    let Some(text) = client else { return Some(Cell::Null) };
    Value::read(data_type, text).in_format(format, reader)
}

/// The same for a list of records, each with the texts of its fields.
pub(super) fn expected_records(
    fields: &[(&str, &str)],
    records: &[Vec<Option<String>>],
    format: &str,
    reader: &str,
) -> Option<Cell> {
    let member = |((name, data_type), text): (&(&str, &str), &Option<String>)| {
        let value = text.as_deref().map(|text| Value::read(&data_type.parse().unwrap(), text));
        ((*name).to_owned(), value)
    };
    let record = |texts: &Vec<Option<String>>| {
        Some(Value::Record(fields.iter().zip(texts).map(member).collect()))
    };
    Value::List(records.iter().map(record).collect()).in_format(format, reader)
}

impl Value {
    fn read(data_type: &DataType, text: &str) -> Self {
        let own = text.to_owned();
        match data_type {
            DataType::Boolean => Self::Boolean(match text {
                "true" | "t" | "1" => true,
                "false" | "f" | "0" => false,
                other => panic!("`{other}` is no boolean"),
            }),
            DataType::Integer => Self::Integer(own),
            DataType::Decimal(shape) => Self::Decimal(own, *shape),
            DataType::Float64 => Self::Float(text.parse().expect("a float"), false),
            DataType::Float32 => Self::Float(text.parse::<f32>().expect("a float").into(), true),
            DataType::Text | DataType::Interval => Self::Text(own),
            DataType::Uuid => Self::Text(hyphenated(text)),
            DataType::Bytes => Self::Bytes(octets(text)),
            DataType::Date => Self::Date(Moment::of_client(text)),
            DataType::Time => Self::Time(Moment::of_client(text).0),
            DataType::Timestamp => Self::Timestamp(Moment::of_client(text)),
            DataType::TimestampTz => Self::Instant(Moment::of_client(text)),
            DataType::Json => Self::Json(own),
            DataType::List(item) => match &**item {
                Item::Scalar(item) => Self::list(item, &Cell::of_json(text).expect("JSON")),
                Item::Record(_) => panic!("records are compared where they are declared"),
            },
        }
    }

    fn in_format(&self, format: &str, reader: &str) -> Option<Cell> {
        match format {
            "csv" => Some(self.in_text()),
            "xml" => Some(self.in_xml()),
            "json" | "ndjson" => Some(self.in_json()),
            "xlsx" => self.in_sheet(),
            "parquet" => self.in_parquet(reader),
            other => panic!("there is no rule for {other}: write what a cell of it should be"),
        }
    }

    fn list(item: &DataType, list: &Cell) -> Self {
        let Cell::List(items) = list else { panic!("{list:?} is no list") };
        Self::List(items.iter().map(|cell| Self::item(item, cell)).collect())
    }

    fn item(data_type: &DataType, cell: &Cell) -> Option<Self> {
        match (data_type, cell) {
            (_, Cell::Null) => None,
            (DataType::Json, cell) => Some(Self::Json(json_text(cell))),
            (_, Cell::List(_)) => Some(Self::list(data_type, cell)),
            (_, Cell::Text(text)) => Some(Self::read(data_type, text)),
            (_, other) => panic!("{other:?} is no text of an item"),
        }
    }

    /// As it stands in every text, floats and lists apart.
    fn plain(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(text) | Self::Decimal(text, _) | Self::Text(text) | Self::Time(text) => {
                text.clone()
            }
            Self::Json(text) => text.clone(),
            Self::Bytes(octets) => base64(octets),
            Self::Date(moment) | Self::Timestamp(moment) => moment.0.clone(),
            Self::Instant(moment) if moment.is_infinite() => moment.0.clone(),
            Self::Instant(moment) => format!("{}Z", moment.0),
            Self::Float(..) | Self::List(_) | Self::Record(_) => {
                unreachable!("they have rules of their own")
            }
        }
    }

    fn float(&self, is_number: bool) -> Option<Cell> {
        let Self::Float(value, is_32_bit) = *self else { return None };
        Some(Cell::Float(Float { value, is_32_bit, is_number, has_one_zero: false }))
    }

    /// CSV: text, lists as JSON.
    fn in_text(&self) -> Cell {
        match self {
            Self::Float(..) => self.float(false).expect("it is one"),
            Self::List(_) => Cell::JsonText(Box::new(self.in_json())),
            other => Cell::Text(other.plain()),
        }
    }

    fn in_json(&self) -> Cell {
        match self {
            Self::Boolean(value) => Cell::Boolean(*value),
            Self::Integer(digits) => Cell::Number(digits.clone()),
            Self::Decimal(digits, _) if is_finite(digits) => Cell::Number(digits.clone()),
            Self::Float(value, _) if value.is_finite() => self.float(true).expect("it is one"),
            Self::Float(value, _) => Cell::text(word(*value)),
            Self::Json(text) => Cell::of_json(text).expect("the database checks its JSON"),
            Self::List(items) => Cell::List(each(items, Self::in_json)),
            Self::Record(members) => record(members, Self::in_json),
            other => Cell::Text(other.plain()),
        }
    }

    /// XML: text, lists as repeated tags, dimensions of a list as `<item>` in them.
    fn in_xml(&self) -> Cell {
        match self {
            Self::Float(..) => self.float(false).expect("it is one"),
            Self::List(items) => Cell::List(each(items, Self::xml_item)),
            other => Cell::Text(in_xml_1_0(&other.plain())),
        }
    }

    fn xml_item(&self) -> Cell {
        let items = match self {
            Self::List(items) => items,
            Self::Json(_) => return Cell::JsonText(Box::new(self.in_json())),
            Self::Record(members) => return record(members, Self::xml_item),
            other => return other.in_xml(),
        };
        let mut items = each(items, Self::xml_item);
        let one_or_many = if items.len() == 1 { items.remove(0) } else { Cell::List(items) };
        Cell::Record([("item".to_owned(), one_or_many)].into())
    }

    /// XLSX by openpyxl, which rounds times to the millisecond.
    fn in_sheet(&self) -> Option<Cell> {
        let text = match self {
            Self::Boolean(value) => return Some(Cell::Boolean(*value)),
            Self::Integer(digits) | Self::Decimal(digits, _) if fits_sheet(digits) => {
                return Some(Cell::Number(short_digits(digits)));
            }
            Self::Float(value, is_32_bit) if value.is_normal() || *value == 0.0 => {
                let (value, is_32_bit) = (*value, *is_32_bit);
                let float = Float { value, is_32_bit, is_number: true, has_one_zero: true };
                return Some(Cell::Float(float));
            }
            // A subnormal number of 32 bits is an ordinary one of 64.
            Self::Float(..) => return Some(self.sheet_text()),
            Self::Date(day) if day.is_in_sheet() => return Some(Cell::Date(day.0.clone())),
            Self::Time(text) if text != "24:00:00" => return Some(sheet_time(text)),
            Self::Timestamp(moment) | Self::Instant(moment) if moment.is_in_sheet() => {
                return Some(sheet_timestamp(moment));
            }
            Self::List(_) => return Some(Cell::JsonText(Box::new(self.in_json()))),
            other => other.plain(),
        };
        (text.encode_utf16().count() <= SHEET_UNITS_MAX).then(|| Cell::Text(in_sheet_text(&text)))
    }

    fn sheet_text(&self) -> Cell {
        self.float(false).expect("only floats are asked")
    }

    fn in_parquet(&self, reader: &str) -> Option<Cell> {
        Some(match self {
            Self::Boolean(value) => Cell::Boolean(*value),
            Self::Integer(digits) => Cell::Number(digits.clone()),
            Self::Float(..) => self.float(true).expect("it is one"),
            Self::Decimal(digits, Some((precision, scale))) if *precision <= PARQUET_DIGITS_MAX => {
                if !is_finite(digits) || !fits(digits, *precision, *scale) {
                    return None;
                }
                match reader.starts_with("duckdb") && *precision > DUCKDB_DIGITS_MAX {
                    true => Cell::Unseen,
                    false => Cell::Number(digits.clone()),
                }
            }
            Self::Bytes(_) => Cell::Bytes(self.plain()),
            Self::Date(day) if day.is_infinite() => return None,
            Self::Date(day) => Cell::Date(day.0.clone()),
            Self::Time(text) if text == "24:00:00" => return None,
            Self::Time(text) => Cell::Time(text.clone()),
            Self::Timestamp(moment) | Self::Instant(moment) if !moment.is_in_parquet() => {
                return None;
            }
            Self::Timestamp(_) | Self::Instant(_) => Cell::Timestamp(self.plain()),
            Self::Decimal(..) | Self::Text(_) | Self::Json(_) => Cell::Text(self.plain()),
            Self::List(items) => {
                let item = |item: &Option<Self>| Self::parquet_item(item.as_ref(), reader);
                Cell::List(items.iter().map(item).collect::<Option<_>>()?)
            }
            Self::Record(members) => {
                let member = |(name, value): &(String, Option<Self>)| {
                    Some((name.clone(), Self::parquet_item(value.as_ref(), reader)?))
                };
                Cell::Record(members.iter().map(member).collect::<Option<_>>()?)
            }
        })
    }

    fn parquet_item(item: Option<&Self>, reader: &str) -> Option<Cell> {
        match item {
            None => Some(Cell::Null),
            // A list of lists has another type than a list.
            Some(Self::List(_)) => None,
            Some(value @ Self::Json(_)) => Some(Cell::JsonText(Box::new(value.in_json()))),
            Some(value) => value.in_parquet(reader).map(Cell::into_list_item),
        }
    }
}

impl Cell {
    /// As a reader gives it inside of a list of Parquet: everything that is no number as text.
    fn into_list_item(self) -> Self {
        match self {
            Self::Bytes(text) | Self::Date(text) => Self::Text(text),
            Self::Time(text) | Self::Timestamp(text) => Self::Text(with_micros(&text)),
            Self::Float(float) if !float.value.is_finite() => Self::text(word(float.value)),
            other => other,
        }
    }
}

fn each(items: &[Option<Value>], rule: fn(&Value) -> Cell) -> Vec<Cell> {
    items.iter().map(|item| item.as_ref().map_or(Cell::Null, rule)).collect()
}

fn record(members: &[(String, Option<Value>)], rule: fn(&Value) -> Cell) -> Cell {
    let cell = |value: &Option<Value>| value.as_ref().map_or(Cell::Null, rule);
    Cell::Record(members.iter().map(|(name, value)| (name.clone(), cell(value))).collect())
}

/// A time with no fraction, or one of six digits, as Python writes it.
fn with_micros(text: &str) -> String {
    let (text, zone) = text.strip_suffix('Z').map_or((text, ""), |text| (text, "Z"));
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{fraction:0<6}{zone}"),
        None => format!("{text}{zone}"),
    }
}

fn is_finite(digits: &str) -> bool {
    !matches!(digits, "NaN" | "Infinity" | "-Infinity")
}

fn word(value: f64) -> &'static str {
    match value {
        value if value.is_nan() => "NaN",
        value if value > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

/// Whether a decimal has the digits of its type; SQLite does not see to that.
fn fits(digits: &str, precision: u16, scale: u16) -> bool {
    let digits = digits.trim_start_matches('-');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    whole.len() + usize::from(scale) <= usize::from(precision)
        && fraction.len() <= usize::from(scale)
}

fn fits_sheet(digits: &str) -> bool {
    let short = short_digits(digits);
    let bare = short.replace(['-', '.'], "");
    let digits_count = bare.trim_start_matches('0').len();
    // What no ordinary double can hold would be read as zero.
    let is_held = short
        .parse()
        .is_ok_and(|value: f64| value == 0.0 && digits_count == 0 || value.is_normal());
    is_finite(digits) && is_held && digits_count <= SHEET_DIGITS_MAX
}

/// Digits without the zeros that end a fraction.
fn short_digits(digits: &str) -> String {
    let short = match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => digits,
    };
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// Time 23:59:59.9996 is midnight to openpyxl, which then takes it for a day: number 1.
fn sheet_time(text: &str) -> Cell {
    match time_to_millisecond(text) {
        Some(time) => Cell::Time(clock_text(time)),
        None => Cell::text("the time that openpyxl takes for a day"),
    }
}

/// The last millisecond of year 9999 has no next one: openpyxl says that there is no value.
fn sheet_timestamp(moment: &Moment) -> Cell {
    match moment.to_millisecond() {
        Some(rounded) => {
            Cell::Timestamp(format!("{}T{}", rounded.date(), clock_text(rounded.time())))
        }
        None => Cell::text("#VALUE!"),
    }
}

/// Text with U+FFFD for what XML 1.0 forbids.
pub(super) fn in_xml_1_0(text: &str) -> String {
    let allowed = |c: char| match c {
        '\t' | '\n' | '\r' => c,
        '\0'..='\x1F' | '\u{FFFE}' | '\u{FFFF}' => char::REPLACEMENT_CHARACTER,
        other => other,
    };
    text.chars().map(allowed).collect()
}

/// Text in a sheet, as openpyxl gives it: it leaves the escape of Office Open XML as it is, so that
/// the underscore of what looks like one is told by its code. LibreOffice takes it off again.
pub(super) fn in_sheet_text(text: &str) -> String {
    let text = in_xml_1_0(text);
    let mut escaped = String::new();
    for (at, character) in text.char_indices() {
        let rest = text.as_bytes()[at..].get(..7);
        let is_escape = rest.is_some_and(|rest| {
            rest.starts_with(b"_x")
                && rest[6] == b'_'
                && rest[2..6].iter().all(u8::is_ascii_hexdigit)
        });
        escaped.push_str(if is_escape { "_x005F" } else { "" });
        escaped.push(character);
    }
    escaped
}

/// RFC 4648, section 4, by a plain reading.
fn base64(octets: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let quartet = |chunk: &[u8]| {
        let octet = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
        let letter =
            move |place: usize| char::from(LETTERS[(bits >> (18 - 6 * place) & 63) as usize]);
        let length = chunk.len();
        (0..4)
            .map(move |place| if place <= length { letter(place) } else { '=' })
            .collect::<String>()
    };
    octets.chunks(3).map(quartet).collect()
}

fn octets(hex: &str) -> Vec<u8> {
    let hex = hex.strip_prefix("\\x").unwrap_or(hex);
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("two digits")).collect()
}

/// Octets that a client printed in hexadecimal, as text.
pub(super) fn text_of_hex(hex: &str) -> String {
    String::from_utf8(octets(hex)).expect("the text of a database is UTF-8")
}

fn hyphenated(uuid: &str) -> String {
    let digits = uuid.replace('-', "").to_lowercase();
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

/// The document again, without white space between its tokens.
fn json_text(cell: &Cell) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Boolean(value) => value.to_string(),
        Cell::Number(digits) => digits.clone(),
        Cell::Text(text) => serde_json::to_string(text).expect("text is JSON"),
        Cell::List(items) => {
            format!("[{}]", items.iter().map(json_text).collect::<Vec<_>>().join(","))
        }
        Cell::Record(members) => {
            let member = |(key, value): (&String, &Cell)| {
                format!("{}:{}", serde_json::to_string(key).expect("text"), json_text(value))
            };
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
        }
        other => panic!("{other:?} does not come out of JSON"),
    }
}
