//! The types that SQLite's columns declare, and what is stored in them.

use tidegate_batch::DataType;

use super::{Case, Form};

/// How a value is stored (its type's first letter) and its octets; of a real number, its bits.
const STORED: &str = "case typeof({}) when 'null' then null \
    when 'real' then 'r' || hex(ieee754_to_blob({})) else substr(typeof({}), 1, 1) || hex({}) end";
/// By SQLite's own calendar, which knows milliseconds.
const CALENDAR: &str = "strftime('%Y-%m-%d %H:%M:%f', {})";
/// The shell prints NULL in hexadecimal as nothing.
const OCTETS_HEX: &str = "case when {} is null then null else hex({}) end";

const fn stored(native: &'static str, ours: &'static str, values: &'static [&'static str]) -> Case {
    Case::new(native, ours, values).by(STORED, Form::Stored)
}

const INTEGERS: &[&str] = &["-9223372036854775808", "9223372036854775807", "0", "'-7'", "42.0"];
const REALS: &[&str] = &[
    "-1.7976931348623157e308",
    "1.7976931348623157e308",
    "5e-324",
    "0.1",
    "-0.0",
    "9e999",
    "-9e999",
    "7",
    "'2.5'",
    "123456789.123456789",
];
const TEXTS: &[&str] = &[
    "''",
    "' '",
    "'a\"b,c;d''e'",
    "'x' || char(10) || char(13) || 'y'",
    "'Kraków 日本 🙂'",
    "7",
    "-0.5",
];
const OCTETS: &[&str] = &["x''", "x'00'", "x'00ff0a0d1a5c27'", "x'fffefd'", "'text'"];

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    stored("integer", "integer", INTEGERS).wrong(&["'many'", "x'01'", "1e300", "0.5"]),
    stored("int", "integer", INTEGERS),
    stored("tinyint", "integer", &["-128", "127"]),
    stored("smallint", "integer", &["-32768", "32767"]),
    stored("mediumint", "integer", &["-8388608", "8388607"]),
    stored("bigint", "integer", INTEGERS),
    stored("unsigned big int", "integer", &["0", "9223372036854775807"]).wrong(&["18446744073709551615"]),
    stored("int8", "integer", INTEGERS),
    stored("boolean", "boolean", &["0", "1", "true", "false", "'t'", "'FALSE'", "'True'"]).wrong(&["2", "'yes'"]),
    stored("text", "text", TEXTS).wrong(&["x'00'", "cast(x'ff' as text)"]),
    stored("varchar(20)", "text", TEXTS),
    stored("native character(70)", "text", TEXTS),
    stored("clob", "text", TEXTS),
    stored("", "text", &["7", "1.5", "'x'", "x'dead00'", "''", "x''", "-9223372036854775808"]),
    stored("any", "text", &["7", "'07'", "x'dead00'"]),
    stored("interval", "text", &["'P1D'", "5"]),
    stored("inet", "text", &["'::1'", "'10.0.0.1'"]),
    stored("blob", "bytes", OCTETS).wrong(&["7"]),
    stored("varbinary(16)", "bytes", OCTETS),
    stored("real", "float", REALS).wrong(&["'much'", "x'01'"]),
    stored("double precision", "float", REALS),
    stored("float", "float", REALS),
    stored("numeric", "decimal", &["0", "9223372036854775807", "1e-7", "12345.678", "-0.5", "1e20", "9e999"]),
    stored("decimal(12,2)", "decimal(12,2)", &["0", "-9999999999.99", "9999999999.99", "19.5", "'1.10'", "-0.0", "5"])
        .rare(&["0.125", "1e300", "9e999", "-9e999", "99999999999"]).wrong(&["'much'", "x'01'"]),
    stored("numeric(38,10)", "decimal(38,10)", &["0", "-0.0000000001", "9223372036854775807"]).rare(&["1e30"]),
    stored("decimal(76,0)", "decimal(76,0)", &["1", "-9223372036854775808", "1e22"]),
    stored("decimal(77,1)", "decimal(77,1)", &["1.5"]),
    stored("money", "decimal", &["12.5", "-0.01"]),
    stored("date", "date", &["'1900-03-01'", "'1900-02-28'", "'9999-12-31'", "'2024-02-29'", "'0001-01-01'", "'0000-01-01'"])
        .by("{}", Form::Plain).wrong(&["'2023-02-29'", "'soon'", "0"]),
    stored("time", "time", &["'00:00:00'", "'23:59:59.999'", "'12:34'", "'01:02:03.5'"])
        .by("strftime('%H:%M:%f', {})", Form::Plain).wrong(&["'25:00'"]),
    stored("datetime", "timestamptz", &["'2024-02-29'", "'2024-02-29 12:00'", "'2024-02-29T12:00:00.5Z'", "'2024-03-31 03:00:00+02:00'", "'1899-12-31 23:59:59'", "'9999-12-31 23:59:59'", "'0001-01-01 00:00:00.001'"])
        .by(CALENDAR, Form::Plain).wrong(&["'never'", "1700000000", "'2024-02-30 00:00'"]),
    stored("timestamp", "timestamptz", &["'1970-01-01 00:00:00.000001'", "'2024-12-31 23:59:59.999999'", "'0000-01-01 00:00:00'"])
        .by("{}", Form::Plain).wrong(&["'2024-01-01 00:00:00.1234567'"]),
    stored("timestamptz", "timestamptz", &["'2024-10-27 02:30:00+02:00'", "'2024-10-27 02:30:00+01:00'"]).by(CALENDAR, Form::Plain),
    stored("uuid", "uuid", &["'00000000-0000-0000-0000-000000000000'", "'FFFFFFFF-ffff-FFFF-ffff-ffffffffffff'", "'123e4567e89b12d3a456426655440000'"])
        .by("{}", Form::Plain).wrong(&["'123e4567'"]),
    stored("guid", "uuid", &["x'00112233445566778899aabbccddeeff'"]).by(OCTETS_HEX, Form::Plain).wrong(&["x'00'"]),
    stored("json", "json", &["'null'", "'{\"a\": [1, 2.50, null], \"ö\": \"\\u0000\\n\"}'", "'\"x\"'", "'[]'", "'{}'", "'{\"n\": 12345678901234567890.123}'", "1.5", "'true'", "' [ 1 ,\t{} ] '"])
        .wrong(&["'{'"]),
    stored("jsonb", "json", &["'[1]'"]),
];

/// A stored value in the form that the rules want, by what it has to become.
pub(super) fn canonical(data_type: &DataType, printed: &str) -> String {
    let (kind, hex) = printed.split_at(1);
    let octets = || super::text_of_hex(hex);
    match (kind, data_type) {
        (_, DataType::Bytes) => hex.to_owned(),
        ("b", _) => hex.to_lowercase(),
        ("r", DataType::Decimal(shape)) => decimal(&plain_real(hex), shape.map(|(_, scale)| scale)),
        ("r", DataType::Integer) => plain_real(hex),
        ("r", _) => format!("{:?}", real(hex)),
        ("i" | "t", DataType::Decimal(shape)) => decimal(&octets(), shape.map(|(_, scale)| scale)),
        ("i" | "t", DataType::Boolean) => octets().to_lowercase(),
        ("i" | "t", _) => octets(),
        (other, _) => panic!("`{other}` is no kind of value"),
    }
}

fn real(bits: &str) -> f64 {
    f64::from_bits(u64::from_str_radix(bits, 16).expect("sixteen digits"))
}

/// The fewest digits that mean the number, without exponent; there are no two zeros among them.
fn plain_real(bits: &str) -> String {
    match real(bits) {
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        0.0 => "0".to_owned(),
        value => value.to_string(),
    }
}

/// Digits with as many behind the point as the type has, or more where there are more.
fn decimal(digits: &str, scale: Option<u16>) -> String {
    let scale = scale.map_or(0, usize::from);
    if scale == 0 || digits.ends_with("Infinity") {
        return digits.to_owned();
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    format!("{whole}.{fraction:0<scale$}")
}
