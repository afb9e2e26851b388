//! The types of MariaDB and MySQL.

use super::{Case, Form};

const fn case(native: &'static str, ours: &'static str, values: &'static [&'static str]) -> Case {
    Case::new(native, ours, values)
}

const fn text(native: &'static str, values: &'static [&'static str]) -> Case {
    case(native, "text", values).by("hex(convert({} using utf8mb4))", Form::Hex)
}

const fn octets(native: &'static str, values: &'static [&'static str]) -> Case {
    case(native, "bytes", values).by("hex({})", Form::Plain)
}

const fn bits(native: &'static str, oracle: &'static str, values: &'static [&'static str]) -> Case {
    case(native, "text", values).by(oracle, Form::Plain)
}

/// The client prints a `float` with six digits only, and a double with all that it takes.
const fn float(values: &'static [&'static str]) -> Case {
    case("float", "float32", values).by("{} + 0e0", Form::Plain)
}

const TEXTS: &[&str] =
    &["''", "' a '", "'å\\n\\t\\r\\0\\\\\"'''", "'=1+1'", "'مرحبا 日本 🏳️‍🌈'", "repeat('x', 200)"];
const OCTETS: &[&str] = &["''", "x'00'", "x'00ff0a0d1a5c27'", "x'fffe'"];

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    case("tinyint", "integer", &["-128", "127", "0"]),
    case("tinyint unsigned", "integer", &["0", "255"]),
    case("tinyint(1)", "boolean", &["0", "1"]).wrong(&["2"]),
    case("bool", "boolean", &["false", "true"]),
    case("smallint", "integer", &["-32768", "32767"]),
    case("smallint unsigned", "integer", &["0", "65535"]),
    case("mediumint", "integer", &["-8388608", "8388607"]),
    case("mediumint unsigned", "integer", &["0", "16777215"]),
    case("int", "integer", &["-2147483648", "2147483647"]),
    case("int unsigned", "integer", &["0", "4294967295"]),
    case("int(8) zerofill", "integer", &["0", "42"]).by("{} + 0", Form::Plain),
    case("bigint", "integer", &["-9223372036854775808", "9223372036854775807", "999999999999999", "1000000000000000"]),
    case("bigint unsigned", "decimal(20,0)", &["0", "9223372036854775808", "18446744073709551615"]),
    case("year", "integer", &["1901", "2155", "0"]).by("{} + 0", Form::Plain),
    case("decimal(5,0)", "decimal(5,0)", &["-99999", "99999", "0"]),
    case("decimal(10,2)", "decimal(10,2)", &["-99999999.99", "99999999.99", "0.05", "-0.05", "0"]),
    case("decimal(10,2) zerofill", "decimal(10,2)", &["0", "12.5"]).by("cast({} as decimal(10,2))", Form::Plain),
    case("decimal(38,10)", "decimal(38,10)", &["-9999999999999999999999999999.9999999999", "9999999999999999999999999999.9999999999"]),
    case("decimal(65,30)", "decimal(65,30)", &["-99999999999999999999999999999999999.999999999999999999999999999999", "99999999999999999999999999999999999.999999999999999999999999999999", "0.000000000000000000000000000001"]),
    case("decimal(30,30)", "decimal(30,30)", &["-0.999999999999999999999999999999", "0.5"]),
    float(&["3.4028234e38", "-3.4028234e38", "1.17549435e-38", "0.1", "0", "16777216"]),
    case("double", "float", &["1.7976931348623157e308", "-1.7976931348623157e308", "2.2250738585072014e-308", "0.1", "-1e-300", "123456789.123456789", "0"]),
    bits("bit(1)", "lpad(bin({}), 1, '0')", &["0", "1"]),
    bits("bit(10)", "lpad(bin({}), 10, '0')", &["0", "5", "1023"]),
    bits("bit(64)", "lpad(bin({}), 64, '0')", &["0", "18446744073709551615"]),
    case("date", "date", &["'1000-01-01'", "'9999-12-31'", "'0001-01-01'", "'2024-02-29'", "'1900-02-28'", "'1900-03-01'"])
        .wrong(&["'0000-00-00'", "'2024-00-10'"]),
    case("datetime", "timestamp", &["'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'", "'2024-03-31 02:30:00'"])
        .wrong(&["'0000-00-00 00:00:00'"]),
    case("datetime(3)", "timestamp", &["'2024-03-31 02:30:00.123'", "'1969-12-31 23:59:59.999'"]),
    case("datetime(6)", "timestamp", &["'0001-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'"]),
    case("timestamp null", "timestamptz", &["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'"]).wrong(&["'0000-00-00 00:00:00'"]),
    case("timestamp(6) null", "timestamptz", &["'1970-01-01 00:00:01.000001'", "'2038-01-19 03:14:07.999999'", "'2024-10-27 01:30:00'"]),
    case("time", "time", &["'00:00:00'", "'23:59:59'"]).rare(&["'24:00:00'"]).wrong(&["'24:00:01'", "'-00:00:01'", "'838:59:59'"]),
    case("time(6)", "time", &["'00:00:00.000001'", "'23:59:59.999'", "'12:34:56.7'"]),
    text("char(200)", TEXTS),
    text("varchar(200)", TEXTS),
    text("varchar(200) character set utf8mb3", &["''", "'日本'"]),
    text("varchar(200) character set latin1", &["''", "'café €'"]),
    text("varchar(200) character set utf16", &["''", "'🙂'"]),
    text("varchar(20) character set ascii", &["'~'"]),
    text("varchar(20) character set cp1251", &["'Катя'"]),
    text("tinytext", TEXTS),
    text("text", TEXTS).rare(&["repeat('ü', 32768)"]),
    text("mediumtext", &["repeat('ü', 32767)"]).rare(&["repeat('🙂', 16384)"]),
    text("longtext", &["''"]).rare(&["repeat('☃', 1000000)"]),
    text("enum('a','b c','å,''')", &["'a'", "'b c'", "'å,'''", "1"]),
    text("set('a','b','ö')", &["''", "'a,ö'", "'a,b,ö'"]),
    octets("binary(4)", &["''", "x'00ff'", "x'ffffffff'"]),
    octets("varbinary(300)", OCTETS),
    octets("tinyblob", OCTETS),
    octets("blob", OCTETS).rare(&["repeat(x'ff00', 20000)"]),
    octets("mediumblob", &["repeat(x'ff00', 10000)"]),
    octets("longblob", OCTETS),
    case("json", "json", &["'{\"a\": [1, 2.50, null], \"ö\": \"\\\\n\"}'", "'null'", "'\"x\"'", "'[]'", "'12345678901234567890.123'"])
        .by("hex(convert({} using utf8mb4))", Form::Hex),
    case("uuid", "uuid", &["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'123e4567-e89b-12d3-a456-426655440000'"]),
    case("inet4", "text", &["'0.0.0.0'", "'255.255.255.255'"]),
    case("inet6", "text", &["'::'", "'2001:db8::ff00:42:8329'", "'::ffff:192.0.2.1'"]),
    octets("geometry", &["st_geomfromtext('polygon((0 0,1 0,1 1,0 0))')"]).by("hex(st_aswkb({}))", Form::Plain),
];
