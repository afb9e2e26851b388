//! Every type, its extremes and its special values, as `psql` prints them.

use tidegate_batch::DataType;
use tidegate_model::{
    field::{Field, Origin},
    query::{Place, Predicate, Query},
};

use super::{Check, Row, field, query, table_relation};

/// How a type's cells are compared with what `psql` prints.
#[derive(Clone, Copy)]
enum Oracle {
    /// The printed cell.
    Printed,
    /// The printed cell, as a number.
    Number,
    /// The cell that an expression of `x` prints.
    Expression(&'static str),
}

/// A type, what it is to us, and literals of it: least, greatest, special, ordinary.
#[derive(Clone, Copy)]
struct Case {
    native: &'static str,
    ours: &'static str,
    literals: &'static [&'static str],
    oracle: Oracle,
}

const fn case(native: &'static str, ours: &'static str, literals: &'static [&'static str]) -> Case {
    Case { native, ours, literals, oracle: Oracle::Printed }
}

const fn case_by(
    native: &'static str,
    ours: &'static str,
    literals: &'static [&'static str],
    oracle: Oracle,
) -> Case {
    Case { native, ours, literals, oracle }
}

/// Months, days and microseconds, which an interval keeps apart.
const INTERVAL: Oracle = Oracle::Expression(
    "(extract(year from x) * 12 + extract(month from x))::int8 || ' ' || extract(day from x) \
     || ' ' || ((extract(hour from x) * 3600 + extract(minute from x) * 60) * 1000000 \
     + extract(microseconds from x))::int8",
);
const AS_JSON: Oracle = Oracle::Expression("to_json(x)");

/// Types that the tests make.
const OWN_TYPES: &str = "
    create type mood as enum ('sad', 'so \"so\"', 'glücklich');
    create type address as (street text, number int, tags text[]);
    create domain positive as int8 check (value > 0);
    create domain price as numeric(12, 2);
    create domain net as inet;
    create domain nested as positive;
    create domain tags as text[];";

const NUMBERS: &[Case] = &[
    case("boolean", "boolean", &["true", "false"]),
    case("smallint", "integer", &["-32768", "32767", "0"]),
    case("integer", "integer", &["-2147483648", "2147483647", "-1"]),
    case("bigint", "integer", &["-9223372036854775808", "9223372036854775807", "42"]),
    case("oid", "text", &["0", "4294967295"]),
    case_by(
        "real",
        "float32",
        &["NaN", "Infinity", "-Infinity", "-0", "1e-45", "3.4028235e38", "1.1", "16777216"],
        Oracle::Number,
    ),
    case_by(
        "double precision",
        "float",
        &["NaN", "Infinity", "-Infinity", "-0", "5e-324", "1.7976931348623157e308", "0.1", "1e20"],
        Oracle::Number,
    ),
    case(
        "numeric",
        "decimal",
        &[
            "NaN",
            "Infinity",
            "-Infinity",
            "0",
            "0.000",
            "-0.00000005",
            "99999999999999999999999999999999999999",
            "-99999999999999999999999999999999999999.99999999999999999999",
            "1e100",
            "1e-100",
            "12345.678900",
            "10000",
        ],
    ),
    case(
        "numeric(12,2)",
        "decimal(12,2)",
        &["NaN", "-9999999999.99", "9999999999.99", "0", "1.5", "-0.01"],
    ),
    case("numeric(38,0)", "decimal(38,0)", &["99999999999999999999999999999999999999", "-1"]),
    case("numeric(1000,1000)", "decimal(1000,1000)", &["0.1", "-1e-1000", "NaN"]),
    case("numeric(5,-2)", "decimal", &["9999900", "-100", "149"]),
    case("numeric(2,4)", "decimal", &["0.0099", "-0.0001"]),
];

const TEXTS: &[Case] = &[
    case("money", "text", &["-92233720368547758.08", "92233720368547758.07", "0"]),
    case(
        "text",
        "text",
        &[
            "",
            " ",
            "a\tb\nc\r\n",
            "\"'\\,;",
            "=1+1",
            "žluťoučký 田中 😀",
            "שלום",
            "\u{1}\u{7f}\u{feff}",
        ],
    ),
    case("character varying(20)", "text", &["", "varchar  "]),
    case("character(5)", "text", &["", "ab", "åäöüñ"]),
    case("bpchar", "text", &["ab  ", ""]),
    case("name", "text", &["pg_class", ""]),
    case("\"char\"", "text", &["a", ""]),
    case("mood", "text", &["sad", "so \"so\"", "glücklich"]),
    case("bytea", "bytes", &["", "\\x00ff", "\\xdeadbeef", "text"]),
    case("uuid", "uuid", UUIDS),
    case("json", "json", &["null", "{\"b\" : 1,\"a\":[ ]}", "\"\\u0000\"", "1e400", "[]"]),
    case("jsonb", "json", &["null", "{\"b\": 1, \"a\": [1.10, \"ü\"]}", "\"\"", "1e400", "{}"]),
];

const UUIDS: &[&str] = &[
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
];

const TIMES: &[Case] = &[
    case(
        "date",
        "date",
        &["infinity", "-infinity", "4713-11-24 BC", "5874897-12-31", "0001-12-31 BC", "2000-02-29"],
    ),
    case("time", "time", &["00:00:00", "24:00:00", "23:59:59.999999", "12:34:56.7"]),
    case("time(0)", "time", &["12:34:56"]),
    case("time with time zone", "text", &["00:00:00+15:59", "24:00:00-15:59", "12:00:00.5+02"]),
    case(
        "timestamp",
        "timestamp",
        &[
            "infinity",
            "-infinity",
            "4713-11-24 00:00:00 BC",
            "294276-12-31 23:59:59.999999",
            "1999-12-31 23:59:59.999999",
            "2024-03-31 02:30:00",
        ],
    ),
    case("timestamp(3)", "timestamp", &["2024-03-31 02:30:00.123"]),
    case(
        "timestamp with time zone",
        "timestamptz",
        &[
            "infinity",
            "-infinity",
            "4713-11-24 00:00:00+00 BC",
            "294276-12-31 23:59:59.999999+00",
            "2024-03-31 02:30:00+02",
            "1900-01-01 00:00:00.000001-05",
        ],
    ),
    case_by(
        "interval",
        "interval",
        &[
            "0",
            "178000000 years",
            "-178000000 years",
            "2147483647 days",
            "-2147483648 days",
            "2562047788:00:54.775807",
            "-2562047788:00:54.775807",
            "1 year -2 months 3 days -04:05:06.789",
        ],
        INTERVAL,
    ),
    case_by("interval day to second(0)", "interval", &["3 days 04:05:06"], INTERVAL),
];

const OTHERS: &[Case] = &[
    case("bit(3)", "text", &["000", "111", "101"]),
    case("bit varying(5)", "text", &["", "10101"]),
    case("inet", "text", &["0.0.0.0/0", "192.168.0.1", "192.168.0.1/24", "::1", "ffff::/16"]),
    case("cidr", "text", &["0.0.0.0/0", "192.168.0.0/24", "::/0", "10.0.0.1/32"]),
    case("macaddr", "text", &["08:00:2b:01:02:03"]),
    case("macaddr8", "text", &["08:00:2b:01:02:03:04:05"]),
    case("xml", "text", &["<a>1 &lt; 2</a>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>"]),
    case("tsvector", "text", &["'a':1 'b':2A", ""]),
    case("tsquery", "text", &["'a' & !'b'"]),
    case("point", "text", &["(1.5,-2)"]),
    case("polygon", "text", &["((0,0),(1,1),(1,0))"]),
    case("int4range", "text", &["empty", "[1,10)", "(,)"]),
    case("tstzrange", "text", &["[2024-01-01 00:00:00+00,infinity)"]),
    case("int4multirange", "text", &["{[1,3),[5,7)}"]),
    case("pg_lsn", "text", &["16/B374D848"]),
    case("regclass", "text", &["pg_class"]),
    case("oidvector", "text", &["1 2 3", ""]),
];

const DOMAINS_AND_LISTS: &[Case] = &[
    case("positive", "integer", &["1", "9223372036854775807"]),
    case("nested", "integer", &["7"]),
    case("price", "decimal(12,2)", &["12.50", "NaN"]),
    case("net", "text", &["192.168.0.1", "10.0.0.0/8"]),
    case_by("address", "json", &["(\"Long \"\"Street\"\"\",7,\"{a,b}\")", "(,,)"], AS_JSON),
    case_by("integer[]", "list(integer)", &["{}", "{1,NULL,-2}", "{{1,2},{3,4}}"], AS_JSON),
    case_by("text[]", "list(text)", &["{}", "{NULL,\"\",\"a,\\\"b\\\"\",ü}"], AS_JSON),
    case_by("tags", "list(text)", &["{x}"], AS_JSON),
    case_by("numeric(12,2)[]", "list(decimal(12,2))", &["{1.5,NaN}", "{-0.01}"], AS_JSON),
    case_by("numeric[]", "list(decimal)", &["{Infinity,1e30,0.10}"], AS_JSON),
    case_by("double precision[]", "list(float)", &["{NaN,-Infinity,0.1,-0}"], AS_JSON),
    case_by("boolean[]", "list(boolean)", &["{t,f,NULL}"], AS_JSON),
    case_by("bytea[]", "list(bytes)", &["{\"\\\\\\\\x00ff\",NULL,\"\"}"], AS_JSON),
    case_by("date[]", "list(date)", &["{2024-01-01,infinity}"], AS_JSON),
    case_by("timestamptz[]", "list(timestamptz)", &["{2024-01-01 00:00:00+02}"], AS_JSON),
    case_by("uuid[]", "list(uuid)", &["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"], AS_JSON),
    case_by("mood[]", "list(text)", &["{sad,\"so \\\"so\\\"\"}"], AS_JSON),
    case_by("inet[]", "list(text)", &["{192.168.0.1,::1/64}"], AS_JSON),
    case_by("jsonb[]", "list(json)", &["{\"{\\\"a\\\": [1]}\",NULL}"], AS_JSON),
    case_by("positive[]", "list(integer)", &["{1,2}"], AS_JSON),
    case_by("tags[]", "list(json)", &["{\"{a,b}\",\"{c}\"}"], AS_JSON),
    case_by("address[]", "list(json)", &["{\"(a,1,{x})\"}"], AS_JSON),
];

fn table_of(case: &Case) -> String {
    let rows: Vec<String> = case
        .literals
        .iter()
        .enumerate()
        .map(|(id, literal)| format!("({id}, '{}')", literal.replace('\'', "''")))
        .collect();
    format!(
        "create table t (id int, x {}); insert into t values {}, ({}, null);",
        case.native,
        rows.join(", "),
        rows.len()
    )
}

/// Floating point numbers in the one form that they have in these tests.
fn normalised(rows: Vec<Row>, data_type: &str) -> Vec<Row> {
    let number = |text: String| match data_type {
        "float32" => text.parse::<f32>().unwrap().to_string(),
        _ => text.parse::<f64>().unwrap().to_string(),
    };
    let row = |mut row: Row| {
        row[1] = row[1].take().map(number);
        row
    };
    rows.into_iter().map(row).collect()
}

#[test]
fn every_number_reads_as_psql_prints_it() {
    assert_as_psql_prints(NUMBERS);
}

#[test]
fn every_text_and_document_reads_as_psql_prints_it() {
    assert_as_psql_prints(TEXTS);
}

#[test]
fn every_time_reads_as_psql_prints_it() {
    assert_as_psql_prints(TIMES);
}

#[test]
fn every_other_type_reads_as_psql_prints_it() {
    assert_as_psql_prints(OTHERS);
}

#[test]
fn every_domain_and_list_reads_as_psql_prints_it() {
    assert_as_psql_prints(DOMAINS_AND_LISTS);
}

fn assert_as_psql_prints(cases: &[Case]) {
    let check = Check::new(OWN_TYPES);
    let mut cells = 0;
    for case in cases {
        check.database.execute(&format!("drop table if exists t; {}", table_of(case)));
        let query = check.query("t");
        let data_type = query.fields[1].field.data_type.to_string();
        assert_eq!(data_type, case.ours, "{}", case.native);
        let read = check.read(&query).unwrap_or_else(|error| panic!("{}: {error:?}", case.native));
        let by_psql = |x: &str| check.database.cells(&format!("select id, {x} from t order by id"));
        let expected = match case.oracle {
            Oracle::Printed => by_psql("x"),
            Oracle::Number => normalised(by_psql("x"), case.ours),
            Oracle::Expression(x) => by_psql(x),
        };
        assert_eq!(read.rows, expected, "{}", case.native);
        let (page, batch) = check.source.rows(&query, &crate::page(0, 100)).unwrap();
        assert_eq!(super::rows_of(&batch, &page), expected, "a page of {}", case.native);
        cells += expected.len();
    }
    println!("{} types, {cells} cells", cases.len());
}

#[test]
fn the_reference_page_has_a_line_for_every_type() {
    let page = include_str!("../../../../../docs/reference/postgres.md");
    let types = page.split("## Types").nth(1).unwrap();
    let own = ["mood", "positive", "nested", "price", "net", "address", "tags"];
    let plain = [NUMBERS, TEXTS, TIMES, OTHERS, DOMAINS_AND_LISTS].concat();
    for case in plain.iter().filter(|case| !own.contains(&case.native.trim_end_matches("[]"))) {
        let bare = case.native.split('(').next().unwrap().replace(" day to second", "");
        let (names, ours) = match case.native.ends_with("[]") {
            true => (["arrays".to_owned(), "arrays".to_owned()], "list"),
            false => ([format!("`{bare}`"), format!("`{bare}(")], case.ours),
        };
        let ours = ours.split('(').next().unwrap();
        let has_line = types.lines().any(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let is_named = || names.iter().any(|name| cells[1].contains(name));
            cells.len() > 2 && is_named() && cells[2].starts_with(ours)
        });
        assert!(has_line, "`{}` is {} and has no line", case.native, case.ours);
    }
}

#[test]
fn a_declared_type_wins_over_the_catalogs() {
    let check = Check::new(
        "create table t (i int, one int, d text, ts timestamp, n numeric, f real, ip inet, j text, b bytea);
         insert into t values (7, 1, '2024-02-29', '2024-01-01 12:00:00', 12, 1.1, '10.0.0.1',
                               '{\"a\": [1]}', '\\x00ff')",
    );
    for (column, declared, expected) in [
        ("i", "text", "7"),
        ("i", "decimal", "7"),
        ("i", "float", "7"),
        ("one", "boolean", "t"),
        ("d", "date", "2024-02-29"),
        ("d", "timestamptz", "2024-02-29 00:00:00+00"),
        ("d", "bytes", "\\x323032342d30322d3239"),
        ("ts", "timestamptz", "2024-01-01 12:00:00+00"),
        ("ts", "text", "2024-01-01 12:00:00"),
        ("ts", "date", "2024-01-01"),
        ("n", "integer", "12"),
        ("n", "text", "12"),
        ("f", "float", "1.1"),
        ("ip", "text", "10.0.0.1"),
        ("j", "json", "{\"a\": [1]}"),
        ("b", "text", "\\x00ff"),
    ] {
        let declared: DataType = declared.parse().unwrap();
        let query = query(table_relation("t"), vec![field(column, declared.clone())]);
        let read = check.read(&query).unwrap_or_else(|error| panic!("{column}: {error:?}"));
        assert_eq!(read.rows, [[Some(expected.to_owned())]], "{column} as {declared}");
    }
}

#[test]
fn a_value_that_does_not_fit_its_declared_type_fails_and_is_not_quoted() {
    let check = Check::new(
        "create table t (n numeric, s text); insert into t values (1.5, 'secret-value')",
    );
    for (column, declared) in
        [("n", "integer"), ("s", "integer"), ("s", "uuid"), ("s", "json"), ("s", "timestamptz")]
    {
        let query = query(table_relation("t"), vec![field(column, declared.parse().unwrap())]);
        let error = check.read(&query).err().expect("the value does not fit");
        let told = format!("{error:?} {error}");
        assert!(told.contains("SQLSTATE") || told.contains("22"), "{told}");
        assert!(!told.contains("secret") && !told.contains("1.5"), "{told}");
    }
}

#[test]
fn a_nul_anywhere_in_a_json_document_stays_what_it_is() {
    // In each document only one more thing is of interest, so that none hides another.
    let check = Check::new(
        r#"create table t (id int primary key, doc json, body text);
           insert into t (id, doc) values
             (1, '{"a": "x", "other": "\u0000"}'),
             (2, '{"a": "p\u0000\u0000q\\\u0000"}'),
             (3, '{"a": "\\u0000 is no NUL, \\\\u0000 neither"}'),
             (4, '{"a": {"b\u0000": ["\u0000", 1.50]}}'),
             (5, '{"\u0000": 1}'), (6, null);
           update t set body = doc::text"#,
    );
    let a = |data_type: &str, column: &str| {
        let origin = Origin::JsonPath { column: column.to_owned(), path: vec!["a".to_owned()] };
        Field::new("a", data_type.parse().unwrap(), origin)
    };
    for column in ["doc", "body"] {
        let id = field("id", DataType::Integer);
        let fields = vec![id.clone(), a("text", column)];
        let asked = Query { key: vec![id], ..query(table_relation("t"), fields) };
        let mut rows = check.read(&asked).unwrap().rows;
        rows.sort();
        let second =
            |rows: Vec<Row>| -> Row { rows.into_iter().map(|row| row[1].clone()).collect() };
        let text = |text: &str| Some(text.to_owned());
        let nested = r#"{"b\u0000": ["\u0000", 1.50]}"#;
        let expected = [
            text("x"),
            text("p\0\0q\\\0"),
            text(r"\u0000 is no NUL, \\u0000 neither"),
            text(nested),
            None,
            None,
        ];
        assert_eq!(second(rows), expected, "{column}");

        let (_, mut page) = check.source.rows(&asked, &crate::page(1, 1)).unwrap();
        page.seal();
        let cells: Vec<_> = page.rows(2).flatten().collect();
        assert_eq!(cells[1], Some(&b"p\0\0q\\\0"[..]), "{column}");

        let fields = vec![field("id", DataType::Integer), a("json", column)];
        let mut rows = check.read(&query(table_relation("t"), fields)).unwrap().rows;
        rows.sort();
        let expected = [
            text(r#""x""#),
            text(r#""p\u0000\u0000q\\\u0000""#),
            text(r#""\\u0000 is no NUL, \\\\u0000 neither""#),
            text(nested),
            None,
            None,
        ];
        assert_eq!(second(rows), expected, "{column}");

        let predicate = Predicate::Matches {
            field: a("text", column),
            place: Place::Start,
            text: "p".to_owned(),
        };
        let found = check.read(&Query { predicate, ..asked }).unwrap().rows;
        assert_eq!(found.len(), 1, "{column}");
    }
}
