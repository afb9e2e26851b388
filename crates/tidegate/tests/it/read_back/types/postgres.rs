//! The types of PostgreSQL.

use super::{Case, Form};

/// Types that the tests make.
pub(super) const OWN_TYPES: &str = "
    create type mood as enum ('sad', 'so \"so\"', 'glücklich');
    create type address as (street text, number int, tags text[]);
    create domain positive as int8 check (value > 0);
    create domain price as numeric(12, 2);
    create domain net as inet;
    create domain tags as text[];";

/// A type whose values hold neither tabs nor line ends when they are printed.
const fn case(native: &'static str, ours: &'static str, values: &'static [&'static str]) -> Case {
    Case::new(native, ours, values)
}

const fn text(native: &'static str, values: &'static [&'static str]) -> Case {
    case(native, "text", values).by(TEXT, Form::Hex)
}

const fn json(native: &'static str, values: &'static [&'static str]) -> Case {
    case(native, "json", values).by(TEXT, Form::Hex)
}

/// A list: each item as text, in an array of JSON.
const fn list(native: &'static str, ours: &'static str, values: &'static [&'static str]) -> Case {
    case(native, ours, values).by(ITEMS, Form::Hex)
}

/// A list of documents.
const fn documents(native: &'static str, values: &'static [&'static str]) -> Case {
    case(native, "list(json)", values).by(TO_JSON, Form::Hex)
}

const TEXT: &str = "encode(convert_to({}::text, 'UTF8'), 'hex')";
const ITEMS: &str = "encode(convert_to(to_json({}::text[])::text, 'UTF8'), 'hex')";
const TO_JSON: &str = "encode(convert_to(to_json({})::text, 'UTF8'), 'hex')";

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    case("boolean", "boolean", &["true", "false"]),
    case("smallint", "integer", &["-32768", "32767", "0"]),
    case("integer", "integer", &["-2147483648", "2147483647", "-1"]),
    case("bigint", "integer", &["-9223372036854775808", "9223372036854775807", "999999999999999", "1000000000000000", "100000000000"]),
    case("oid", "text", &["0", "4294967295"]),
    case("real", "float32", &["'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "1e-45", "3.4028235e38", "1.1", "16777216"]),
    case("double precision", "float", &["'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "5e-324", "1.7976931348623157e308", "0.1", "1e20", "-1.5"]),
    case("numeric", "decimal", &["'NaN'", "'Infinity'", "'-Infinity'", "0", "0.000", "-0.00000005", "99999999999999999999999999999999999999", "-99999999999999999999999999999999999999.99999999999999999999", "1e100", "1e-100", "12345.678900", "10000", "9999999999999999999999999999999999999999999999999999999999999999999999999999"]),
    case("numeric(12,2)", "decimal(12,2)", &["-9999999999.99", "9999999999.99", "0", "1.5", "-0.01"]).rare(&["'NaN'"]),
    case("numeric(18,4)", "decimal(18,4)", &["-99999999999999.9999", "0.0001"]).rare(&["'NaN'"]),
    case("numeric(38,0)", "decimal(38,0)", &["-99999999999999999999999999999999999999", "99999999999999999999999999999999999999"]),
    case("numeric(38,38)", "decimal(38,38)", &["-0.99999999999999999999999999999999999999", "0.00000000000000000000000000000000000001"]),
    case("numeric(76,0)", "decimal(76,0)", &["-9999999999999999999999999999999999999999999999999999999999999999999999999999", "9999999999999999999999999999999999999999999999999999999999999999999999999999"]),
    case("numeric(76,38)", "decimal(76,38)", &["99999999999999999999999999999999999999.99999999999999999999999999999999999999", "0"]),
    case("numeric(1000,1000)", "decimal(1000,1000)", &["0.1", "-1e-1000", "'NaN'"]),
    case("numeric(5,-2)", "decimal", &["9999900", "-100", "149"]),
    case("numeric(2,4)", "decimal", &["0.0099", "-0.0001"]),
    case("money", "text", &["'-92233720368547758.08'", "'92233720368547758.07'", "'0'"]),
    text("text", &["''", "' '", "E'a\\tb\\nc\\r\\n'", "E'\"\\'\\\\,;'", "'=1+1'", "'žluťoučký 田中 😀'", "'שלום'", "E'\\u0001\\u007f\\ufeff'"]).rare(&["repeat('ü', 32768)", "repeat('☃', 1000000)"]),
    text("character varying(20)", &["''", "'varchar  '"]),
    text("character(5)", &["''", "'ab'", "'åäöüñ'"]).by("encode(convert_to(rpad({}::text, 5), 'UTF8'), 'hex')", Form::Hex),
    text("bpchar", &["'ab'", "''"]),
    text("name", &["'pg_class'", "''"]),
    text("\"char\"", &["'a'", "''"]),
    text("mood", &["'sad'", "'so \"so\"'", "'glücklich'"]),
    case("bytea", "bytes", &["''", "'\\x00ff'", "'\\xdeadbeef'", "'text'"]),
    case("date", "date", &["'4714-11-24 BC'", "'5874897-12-31'", "'0001-12-31 BC'", "'2000-02-29'", "'1900-02-28'", "'1900-03-01'", "'9999-12-31'", "'10000-01-01'"]).rare(&["'infinity'", "'-infinity'"]),
    case("time", "time", &["'00:00:00'", "'23:59:59.999'", "'12:34:56.7'", "'00:00:00.000001'"]).rare(&["'24:00:00'"]),
    case("time(0)", "time", &["'12:34:56'"]),
    case("time with time zone", "text", &["'00:00:00+15:59'", "'24:00:00-15:59'", "'12:00:00.5+02'"]),
    case("timestamp", "timestamp", &["'4714-11-24 00:00:00 BC'", "'1999-12-31 23:59:59.999999'", "'2024-03-31 02:30:00'", "'9999-12-31 23:59:59.999999'", "'10000-01-01'", "'294246-12-31 23:59:59.999999'"]).rare(&["'infinity'", "'-infinity'", "'294276-12-31 23:59:59.999999'"]),
    case("timestamp(3)", "timestamp", &["'2024-03-31 02:30:00.123'"]),
    case("timestamp with time zone", "timestamptz", &["'4714-11-24 00:00:00+00 BC'", "'2024-03-31 02:30:00+02'", "'1900-01-01 00:00:00.000001-05'", "'0001-01-01 00:00:00+00'"]).rare(&["'infinity'", "'-infinity'", "'294276-12-31 23:59:59.999999+00'"]),
    case("interval", "interval", &["'0'", "'178000000 years'", "'-178000000 years'", "'2147483647 days'", "'-2147483648 days'", "'2562047788:00:54.775807'", "'-2562047788:00:54.775807'", "'1 year -2 months 3 days -04:05:06.789'", "'-1 mons 1 day 00:00:00.5'"]),
    case("interval day to second(0)", "interval", &["'3 days 04:05:06'"]),
    case("uuid", "uuid", &["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"]),
    json("json", &["'null'", "'{\"b\" : 1,\"a\":[ ]}'", "'\"\\u0000\"'", "'[]'", "'12345678901234567890.123'"]),
    json("jsonb", &["'null'", "'{\"b\": 1, \"a\": [1.10, \"ü\"]}'", "'\"\"'", "'{}'", "'true'"]),
    json("address", &["row('Long \"Street\"', 7, '{a,b}')", "row(null, null, null)"]).by(TO_JSON, Form::Hex),
    case("bit(3)", "text", &["B'000'", "B'111'", "B'101'"]),
    text("bit varying(5)", &["B''", "B'10101'"]),
    case("inet", "text", &["'0.0.0.0/0'", "'192.168.0.1'", "'192.168.0.1/24'", "'::1'", "'ffff::/16'"]),
    case("cidr", "text", &["'0.0.0.0/0'", "'192.168.0.0/24'", "'::/0'", "'10.0.0.1/32'"]),
    case("macaddr", "text", &["'08:00:2b:01:02:03'"]),
    case("macaddr8", "text", &["'08:00:2b:01:02:03:04:05'"]),
    text("xml", &["'<a>1 &lt; 2</a>'"]),
    text("tsvector", &["'''a'':1 ''b'':2A'", "''"]),
    case("point", "text", &["'(1.5,-2)'"]),
    case("int4range", "text", &["'empty'", "'[1,10)'", "'(,)'"]),
    case("int8range", "text", &["'[-9223372036854775808,9223372036854775807)'"]),
    case("numrange", "text", &["'[0.10,1.5]'"]),
    case("daterange", "text", &["'[2024-01-01,infinity)'"]),
    case("tsrange", "text", &["'[2024-01-01 00:00:00,2024-01-02 00:00:00)'"]),
    case("tstzrange", "text", &["'[2024-01-01 00:00:00+00,infinity)'"]),
    case("int4multirange", "text", &["'{[1,3),[5,7)}'"]),
    case("positive", "integer", &["1", "9223372036854775807"]),
    case("price", "decimal(12,2)", &["12.50"]).rare(&["'NaN'"]),
    case("net", "text", &["'192.168.0.1'", "'10.0.0.0/8'"]),
    list("integer[]", "list(integer)", &["'{}'", "'{1,NULL,-2}'", "'{NULL}'", "'{2147483647}'"]).rare(&["'{{1,2},{3,4}}'", "'{{1},{2}}'"]),
    list("bigint[]", "list(integer)", &["'{-9223372036854775808,9223372036854775807}'"]),
    list("text[]", "list(text)", &["'{}'", "E'{NULL,\"\",\"a,\\\\\"b\\\\\"\",ü,\"\\n\\t\"}'", "'{\"=1+1\"}'"]).rare(&["'{{a,b},{c,NULL}}'"]),
    list("tags", "list(text)", &["'{x}'"]),
    list("numeric(12,2)[]", "list(decimal(12,2))", &["'{-0.01,NULL,9999999999.99}'", "'{}'"]).rare(&["'{1.5,NaN}'"]),
    list("numeric[]", "list(decimal)", &["'{Infinity,1e30,0.10,NaN}'"]),
    list("real[]", "list(float32)", &["'{NaN,-Infinity,0.1,NULL}'"]),
    list("double precision[]", "list(float)", &["'{NaN,-Infinity,0.1,-0,1e300}'"]),
    list("boolean[]", "list(boolean)", &["'{t,f,NULL}'"]),
    list("bytea[]", "list(bytes)", &["array['\\x00ff'::bytea, null, '']", "'{}'"]),
    list("date[]", "list(date)", &["'{2024-01-01,0001-01-01,9999-12-31}'"]).rare(&["'{2024-01-01,infinity}'"]),
    list("time[]", "list(time)", &["'{00:00:00,23:59:59.999999}'"]).rare(&["'{24:00:00}'"]),
    list("timestamp[]", "list(timestamp)", &["'{2024-03-31 02:30:00.5,NULL}'"]),
    list("timestamptz[]", "list(timestamptz)", &["'{2024-01-01 00:00:00+02,NULL,9999-01-01 00:00:00.000001+00}'"]).rare(&["'{-infinity}'"]),
    list("interval[]", "list(interval)", &["'{1 year -2 months 3 days -04:05:06.789,0}'"]),
    list("uuid[]", "list(uuid)", &["'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'"]),
    list("mood[]", "list(text)", &["'{sad,\"so \\\"so\\\"\"}'"]),
    list("inet[]", "list(text)", &["'{192.168.0.1,::1/64}'"]).by(TO_JSON, Form::Hex),
    documents("jsonb[]", &["array['{\"a\": [1]}'::jsonb, null, '7']"]),
    documents("address[]", &["array[row('a', 1, '{x}')::address]"]),
];
