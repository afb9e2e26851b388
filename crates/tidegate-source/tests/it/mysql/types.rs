//! Every type, with its least, largest and special values, against the server's own client.

use tidegate_batch::DataType;

use super::{Check, field, query, table_relation};

/// A type of the server.
struct Case {
    /// As a column declares it.
    ddl: &'static str,
    /// Our type for it.
    ours: &'static str,
    /// What the client has to select to print what we print; `v` is the column.
    oracle: &'static str,
    /// Values as SQL.
    values: &'static [&'static str],
}

const fn case(
    ddl: &'static str,
    ours: &'static str,
    oracle: &'static str,
    values: &'static [&'static str],
) -> Case {
    Case { ddl, ours, oracle, values }
}

const TEXT: &str = "hex(convert(v using utf8mb4))";
const MICROS: &str = "date_format(v, '%Y-%m-%d %H:%i:%s.%f')";
const HOSTILE: &[&str] =
    &["''", "' a '", "'å\\n\\t\\r\\0\\\\\"'''", "'=1+1'", "'مرحبا 日本 🏳️‍🌈'", "repeat('x', 200)"];
const OCTETS: &[&str] = &["''", "x'00'", "x'00ff0a0d1a5c27'", "x'fffe'"];

#[rustfmt::skip]
const CASES: &[Case] = &[
    case("tinyint", "integer", "v", &["-128", "127", "0"]),
    case("tinyint unsigned", "integer", "v", &["0", "255"]),
    case("tinyint(1)", "boolean", "v", &["0", "1"]),
    case("bool", "boolean", "v", &["false", "true"]),
    case("smallint", "integer", "v", &["-32768", "32767"]),
    case("smallint unsigned", "integer", "v", &["0", "65535"]),
    case("mediumint", "integer", "v", &["-8388608", "8388607"]),
    case("mediumint unsigned", "integer", "v", &["0", "16777215"]),
    case("int", "integer", "v", &["-2147483648", "2147483647"]),
    case("int unsigned", "integer", "v", &["0", "4294967295"]),
    case("int(8) zerofill", "integer", "v + 0", &["0", "42"]),
    case("bigint", "integer", "v", &["-9223372036854775808", "9223372036854775807"]),
    case("bigint unsigned", "decimal(20,0)", "v", &["0", "9223372036854775808", "18446744073709551615"]),
    case("year", "integer", "v + 0", &["1901", "2155", "0"]),
    case("decimal(5,0)", "decimal(5,0)", "v", &["-99999", "99999", "0"]),
    case("decimal(10,2)", "decimal(10,2)", "v", &["-99999999.99", "99999999.99", "0.05", "-0.05"]),
    case("decimal(10,2) zerofill", "decimal(10,2)", "cast(v as decimal(10,2))", &["0", "12.5"]),
    case("decimal(38,10)", "decimal(38,10)", "v", &["-9999999999999999999999999999.9999999999", "9999999999999999999999999999.9999999999"]),
    case("decimal(65,30)", "decimal(65,30)", "v", &["-99999999999999999999999999999999999.999999999999999999999999999999", "99999999999999999999999999999999999.999999999999999999999999999999", "0.000000000000000000000000000001"]),
    case("decimal(30,30)", "decimal(30,30)", "v", &["-0.999999999999999999999999999999", "0.5"]),
    case("bit(1)", "text", "hex(lpad(bin(v), 1, '0'))", &["0", "1"]),
    case("bit(10)", "text", "hex(lpad(bin(v), 10, '0'))", &["0", "5", "1023"]),
    case("bit(64)", "text", "hex(lpad(bin(v), 64, '0'))", &["0", "18446744073709551615"]),
    case("date", "date", "v", &["'1000-01-01'", "'9999-12-31'", "'0001-01-01'", "'2024-02-29'", "'1999-12-31'"]),
    case("datetime", "timestamp", MICROS, &["'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'"]),
    case("datetime(3)", "timestamp", MICROS, &["'2024-03-31 02:30:00.123'", "'1969-12-31 23:59:59.999'"]),
    case("datetime(6)", "timestamp", MICROS, &["'0001-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'"]),
    case("timestamp", "timestamptz", MICROS, &["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'"]),
    case("timestamp(6)", "timestamptz", MICROS, &["'1970-01-01 00:00:01.000001'", "'2038-01-19 03:14:07.999999'", "'2024-10-27 01:30:00'"]),
    case("time", "time", "date_format(v, '%H:%i:%s.%f')", &["'00:00:00'", "'23:59:59'"]),
    case("time(6)", "time", "date_format(v, '%H:%i:%s.%f')", &["'00:00:00.000001'", "'23:59:59.999999'"]),
    case("char(200)", "text", TEXT, HOSTILE),
    case("varchar(200)", "text", TEXT, HOSTILE),
    case("varchar(200) character set utf8mb3", "text", TEXT, &["''", "'日本'"]),
    case("varchar(200) character set latin1", "text", TEXT, &["''", "'café €'"]),
    case("varchar(200) character set utf16", "text", TEXT, &["''", "'🙂'"]),
    case("varchar(20) character set ascii", "text", TEXT, &["'~'"]),
    case("varchar(20) character set cp1251", "text", TEXT, &["'Катя'"]),
    case("tinytext", "text", TEXT, HOSTILE),
    case("text", "text", TEXT, HOSTILE),
    case("mediumtext", "text", TEXT, &["repeat('ü', 100000)"]),
    case("longtext", "text", TEXT, &["repeat('☃', 1000000)"]),
    case("enum('a','b c','å,''')", "text", TEXT, &["'a'", "'b c'", "'å,'''", "1"]),
    case("set('a','b','ö')", "text", TEXT, &["''", "'a,ö'", "'a,b,ö'"]),
    case("binary(4)", "bytes", "hex(v)", OCTETS_4),
    case("varbinary(300)", "bytes", "hex(v)", OCTETS),
    case("tinyblob", "bytes", "hex(v)", OCTETS),
    case("blob", "bytes", "hex(v)", OCTETS),
    case("mediumblob", "bytes", "hex(v)", &["repeat(x'ff00', 50000)"]),
    case("longblob", "bytes", "hex(v)", OCTETS),
    case("json", "json", TEXT, &["'{\"a\": [1, 2.50, null], \"ö\": \"\\\\n\"}'", "'null'", "'\"x\"'", "'[]'", "'12345678901234567890.123'"]),
    case("uuid", "uuid", "hex(cast(v as binary(16)))", &["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'123e4567-e89b-12d3-a456-426655440000'"]),
    case("inet4", "text", "hex(cast(v as char))", &["'0.0.0.0'", "'255.255.255.255'"]),
    case("inet6", "text", "hex(cast(v as char))", &["'::'", "'2001:db8::ff00:42:8329'", "'::ffff:192.0.2.1'"]),
    case("point", "bytes", "hex(st_aswkb(v))", &["point(1, 2)"]),
    case("geometry", "bytes", "hex(st_aswkb(v))", &["st_geomfromtext('polygon((0 0,1 0,1 1,0 0))')"]),
];
const OCTETS_4: &[&str] = &["''", "x'00ff'", "x'ffffffff'"];

/// Reads a table of one column next to its key, and what the client prints for it.
fn compare(check: &Check, index: usize, case: &Case) {
    let table = format!("t{index}");
    let ddl = case.ddl;
    let rows: Vec<String> = case
        .values
        .iter()
        .chain(&["null"])
        .enumerate()
        .map(|(at, value)| format!("({at}, {value})"))
        .collect();
    // A timestamp column is `not null` unless it says otherwise.
    let create = format!("create table {table} (id int primary key, v {ddl} null)");
    let insert = format!("insert into {table} values {}", rows.join(", "));
    check.database.execute(&format!(
        "set time_zone = '+00:00', names utf8mb4, sql_mode = 'NO_ZERO_DATE,STRICT_ALL_TABLES'; \
         {create}; {insert}"
    ));
    let description = check.source.describe(&table_relation(&table)).unwrap();
    assert_eq!(description.columns[1].data_type.to_string(), case.ours, "{ddl}");
    assert_eq!(description.key, ["id"], "{ddl}");
    let printed = check.database.query(&format!(
        "set time_zone = '+00:00'; select {} from {table} order by id",
        case.oracle
    ));
    let expected: Vec<&str> = printed.lines().collect();
    assert_eq!(expected.len(), case.values.len() + 1, "{ddl}: {printed}");
    let found = check.read(&check.query(&table)).unwrap();
    let found: Vec<&str> = found.iter().map(|row| row[1].as_deref().unwrap_or("NULL")).collect();
    assert_eq!(found, expected, "{ddl}");
}

#[test]
fn every_type_reads_as_the_client_prints_it() {
    let check = Check::new("");
    for (index, case) in CASES.iter().enumerate() {
        compare(&check, index, case);
    }
}

#[test]
fn the_reference_page_has_a_line_for_every_type() {
    let page = include_str!("../../../../../docs/reference/mysql.md");
    let types = page.split("## Types").nth(1).unwrap();
    for case in CASES {
        let bare = case.ddl.split([' ', '(']).next().unwrap();
        let name = match case.ours {
            "decimal(20,0)" => "bigint unsigned",
            "boolean" if bare == "tinyint" => "tinyint(1)",
            _ => bare,
        };
        let ours = case.ours.split('(').next().unwrap();
        let has_line = types.lines().any(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            cells.len() > 2 && cells[1].contains(&format!("`{name}`")) && cells[2].starts_with(ours)
        });
        assert!(has_line, "`{}` is {} and has no line", case.ddl, case.ours);
    }
}

#[test]
fn floats_are_the_same_numbers_to_the_last_bit() {
    let check = Check::new(
        "create table t (id int primary key, f float, d double); insert into t values \
         (1, 3.4028234e38, 1.7976931348623157e308), (2, -3.4028234e38, 2.2250738585072014e-308), \
         (3, 1.17549435e-38, 0.1), (4, 0.1, -1e-300), (5, 0, 123456789.123456789), (6, null, null)",
    );
    let found = check.read(&check.query("t")).unwrap();
    // The client prints six digits of a float, and all digits of a double.
    let printed = check.database.query("select f + 0e0, d from t order by id");
    for (line, row) in printed.lines().zip(&found) {
        for (expected, found) in line.split('\t').zip(&row[1..]) {
            let expected = expected.parse::<f64>().ok().map(f64::to_bits);
            let found = found.as_ref().map(|text| text.parse::<f64>().unwrap().to_bits());
            assert_eq!(found, expected, "{line}");
        }
    }
    assert_eq!(printed.lines().count(), found.len());
}

#[test]
fn dates_that_are_none_fail_with_the_row_and_read_as_text() {
    let check = Check::new(
        "set sql_mode = 'ALLOW_INVALID_DATES'; \
         create table t (id int primary key, day date, at datetime(3), stamp timestamp null); \
         insert into t values (1, '2024-01-01', '2024-01-01', '2024-01-01 00:00:01'), \
         (7, '0000-00-00', null, null), (8, null, '2024-00-05 10:00:00.5', null), \
         (9, null, null, '0000-00-00 00:00:00'), (10, '2023-02-31', null, null)",
    );
    for (column, row) in [("day", "id 7"), ("at", "id 8"), ("stamp", "id 9")] {
        let mut query = check.query("t");
        query.fields.retain(|selected| ["id", column].contains(&selected.field.slug.as_str()));
        let error = check.read(&query).unwrap_err().to_string();
        assert!(error.contains(&format!("field `{column}`")), "{error}");
        assert!(error.contains(row) && error.contains("declare the field `text`"), "{error}");
        query.fields[1].field.data_type = DataType::Text;
        let found = check.read(&query).unwrap();
        let printed = check
            .database
            .query(&format!("set time_zone = '+00:00'; select hex({column}) from t order by id"));
        let found: Vec<&str> =
            found.iter().map(|row| row[1].as_deref().unwrap_or("NULL")).collect();
        assert_eq!(found, printed.lines().collect::<Vec<_>>());
    }
}

#[test]
fn times_beyond_a_day_are_spans_or_text_but_no_times() {
    let check = Check::new(
        "create table t (id int primary key, v time(6)); insert into t values \
         (1, '-838:59:59.999999'), (2, '838:59:59.999999'), (3, '-00:00:00.000001'), (4, '24:00:00')",
    );
    let error = check.read(&check.query("t")).unwrap_err().to_string();
    assert!(error.contains("id 1") && error.contains("`interval` or `text`"), "{error}");
    assert!(!error.contains("838"), "{error}");
    let mut query = check.query("t");
    query.fields[1].field.data_type = DataType::Text;
    let printed = check.database.query("select id, hex(v) from t order by id");
    let found = check.read(&query).unwrap();
    let found: Vec<String> = found.iter().map(|row| joined(row)).collect();
    assert_eq!(found, printed.lines().collect::<Vec<_>>());
    query.fields[1].field.data_type = DataType::Interval;
    let spans: Vec<_> = check.read(&query).unwrap().into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(spans[0].as_deref(), Some("-3020399999999 µs"));
    assert_eq!(spans[3].as_deref(), Some("86400000000 µs"));
}

#[test]
fn a_declared_type_is_kept_exactly_or_refused() {
    let check = Check::new(
        "create table t (id int primary key, flag tinyint(1), words varchar(40), huge bigint unsigned); \
         insert into t values (1, 1, '12.50', 1), (2, 2, '7e1', 18446744073709551615)",
    );
    let read = |column: &str, data_type: &str| {
        let fields = vec![field(column, data_type.parse().unwrap())];
        let rows = check.read(&query(table_relation("t"), fields)).map_err(|e| e.to_string())?;
        Ok::<_, String>(rows.into_iter().map(|row| row[0].clone().unwrap()).collect::<Vec<_>>())
    };
    assert!(read("flag", "boolean").unwrap_err().contains("ordinal 2"));
    assert_eq!(read("flag", "integer").unwrap(), ["1", "2"]);
    assert_eq!(read("words", "decimal").unwrap(), ["12.50", "70"]);
    assert_eq!(read("words", "float").unwrap(), ["12.5", "70"]);
    // A cast of the server would have made 12 of it.
    assert!(read("words", "integer").unwrap_err().contains("ordinal 1"));
    assert!(read("words", "date").is_err() && read("words", "uuid").is_err());
    assert!(read("huge", "integer").unwrap_err().contains("`decimal`"));
    assert_eq!(read("huge", "text").unwrap()[1], hex("18446744073709551615"));
    assert_eq!(read("huge", "float").unwrap(), ["1", "18446744073709552000"]);
}

#[test]
fn names_that_need_quotes_are_quoted() {
    let check = Check::new(
        "create table `a ``b.c?:d` (`select` int primary key, `x``y` int, `ö \"q\"` int, `p:q?` json); \
         insert into `a ``b.c?:d` values (1, 2, 3, '{\"a\": 1}')",
    );
    let rows = check.read(&check.query("a `b.c?:d")).unwrap();
    assert_eq!(rows[0][..3], ["1", "2", "3"].map(|cell| Some(cell.to_owned())));
    let description = check.source.describe(&table_relation("a `b.c?:d")).unwrap();
    let types: Vec<String> =
        description.columns.iter().map(|column| column.data_type.to_string()).collect();
    assert_eq!(types, ["integer", "integer", "integer", "json"]);
}

#[test]
fn generated_and_invisible_columns_are_columns() {
    let check = Check::new(
        "create table t (id int primary key, a int, b int as (a * 2) stored, c int as (a * 3) virtual, \
         hidden int invisible default 9); insert into t (id, a) values (1, 5)",
    );
    let rows = check.read(&check.query("t")).unwrap();
    assert_eq!(joined(&rows[0]), "1\t5\t10\t15\t9");
}

#[test]
fn a_statement_is_described_by_its_result() {
    let check = Check::new(
        "create table t (id bigint unsigned primary key, flag tinyint(1), price decimal(12,4), \
         raw varbinary(9), at timestamp(6) null, name varchar(9)); \
         insert into t values (1, 1, 2.5, x'ff', '2024-01-01 00:00:00', 'a')",
    );
    let statement =
        "select t.*, count(*) over () as n, price * 2 as twice, 'x' as lit from t -- all";
    let relation = tidegate_model::catalog::Relation::Statement(statement.to_owned());
    let described = check.source.describe(&relation).unwrap();
    let types: Vec<String> = described
        .columns
        .iter()
        .map(|column| format!("{} {}", column.name, column.data_type))
        .collect();
    assert_eq!(
        types,
        [
            "id decimal(20,0)",
            "flag boolean",
            "price decimal(12,4)",
            "raw bytes",
            "at timestamptz",
            "name text",
            "n integer",
            "twice decimal(13,4)",
            "lit text"
        ]
    );
    let fields = described
        .columns
        .iter()
        .map(|column| field(&column.name, column.data_type.clone()))
        .collect();
    let rows = check.read(&query(relation, fields)).unwrap();
    assert_eq!(joined(&rows[0]), "1\t1\t2.5000\tFF\t2024-01-01 00:00:00.000000\t61\t1\t5.0000\t78");
}

fn joined(row: &[Option<String>]) -> String {
    let cells: Vec<&str> = row.iter().map(|cell| cell.as_deref().unwrap_or("NULL")).collect();
    cells.join("\t")
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02X}")).collect()
}
