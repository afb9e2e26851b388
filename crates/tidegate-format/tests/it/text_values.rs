//! Values in the text formats: what goes in comes out of every reader.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use tidegate_batch::{Column, DataType, Interval};
use tidegate_format::{Format, by_slug};

use crate::{
    readers::{Read, csv_rows, json_rows, xml_rows},
    table::{Cell, Table, tables},
};

const TYPES: &[&str] = &[
    "boolean",
    "integer",
    "float32",
    "float",
    "decimal",
    "decimal(12,2)",
    "decimal(38,10)",
    "text",
    "bytes",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "uuid",
    "interval",
    "json",
    "list(integer)",
];

fn format(slug: &str) -> &'static dyn Format {
    by_slug(slug).expect("it is in the list")
}

fn epoch() -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(2000, 1, 1).unwrap().and_time(NaiveTime::MIN).and_utc()
}

/// A cell as chrono, std and serde_json write it.
fn expected(cell: &Cell, data_type: &DataType, zone: Tz) -> Read {
    Some(match cell {
        Cell::Null => return None,
        Cell::Boolean(value) => value.to_string(),
        Cell::Integer(value) => value.to_string(),
        Cell::Float32(value) => value.to_string().parse::<f32>().unwrap().to_string(),
        Cell::Float64(value) => value.to_string(),
        Cell::Decimal(digits, scale) => plain_decimal(*digits, (*scale).into()),
        Cell::Text(text) | Cell::Json(text) => text.clone(),
        Cell::Bytes(octets) => base64_by_hand(octets),
        Cell::Date(days) => {
            (epoch().date_naive() + TimeDelta::days((*days).into())).format("%Y-%m-%d").to_string()
        }
        Cell::Time(micros) => clock(NaiveTime::MIN + TimeDelta::microseconds(*micros)),
        Cell::Timestamp(micros) => {
            let utc = epoch() + TimeDelta::microseconds(*micros);
            match data_type {
                DataType::Timestamp => day_and_clock(utc.naive_utc()),
                _ if zone == Tz::UTC => day_and_clock(utc.naive_utc()) + "Z",
                _ => {
                    let local = utc.with_timezone(&zone);
                    let offset = local.format("%::z").to_string();
                    match offset.strip_suffix(":00") {
                        Some(offset) => day_and_clock(local.naive_local()) + offset,
                        None => day_and_clock(utc.naive_utc()) + "Z",
                    }
                }
            }
        }
        Cell::Uuid(value) => {
            let digits = format!("{value:032x}");
            let (a, b, c, d) = (&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20]);
            format!("{a}-{b}-{c}-{d}-{}", &digits[20..])
        }
        Cell::Interval(span) => duration(*span),
    })
}

fn plain_decimal(digits: i128, scale: usize) -> String {
    let text = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = text.split_at(text.len() - scale);
    let sign = if digits < 0 { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{fraction}")
}

fn clock(time: NaiveTime) -> String {
    let fraction = match time.nanosecond() / 1_000 {
        0 => String::new(),
        micros => format!(".{micros:06}").trim_end_matches('0').to_owned(),
    };
    time.format("%H:%M:%S").to_string() + &fraction
}

fn day_and_clock(at: chrono::NaiveDateTime) -> String {
    at.format("%Y-%m-%dT").to_string() + &clock(at.time())
}

fn base64_by_hand(octets: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    octets
        .chunks(3)
        .flat_map(|chunk| {
            let mut three = [0; 4];
            three[1..=chunk.len()].copy_from_slice(chunk);
            let bits = u32::from_be_bytes(three);
            (0..4).map(move |place| match place <= chunk.len() {
                true => char::from(LETTERS[(bits >> (18 - 6 * place) & 63) as usize]),
                false => '=',
            })
        })
        .collect()
}

/// An ISO 8601 duration, by a plain reading of the standard.
fn duration(span: Interval) -> String {
    let part = |count: i128, unit: &str| match count {
        0 => String::new(),
        count => format!("{count}{unit}"),
    };
    let micros = i128::from(span.micros);
    let day = part((span.months / 12).into(), "Y")
        + &part((span.months % 12).into(), "M")
        + &part(span.days.into(), "D");
    let rest = micros % 60_000_000;
    let seconds = plain_decimal(rest, 6).trim_end_matches('0').trim_end_matches('.').to_owned();
    let seconds = if rest == 0 { String::new() } else { seconds + "S" };
    let time = part(micros / 3_600_000_000, "H") + &part(micros / 60_000_000 % 60, "M") + &seconds;
    match (day.is_empty(), time.is_empty()) {
        (true, true) => "PT0S".to_owned(),
        (false, true) => format!("P{day}"),
        (_, false) => format!("P{day}T{time}"),
    }
}

fn expected_rows(table: &Table) -> Vec<Vec<Read>> {
    let cell =
        |(cell, column): (&Cell, &Column)| expected(cell, &column.data_type, table.time_zone);
    let row = |row: &Vec<Cell>| row.iter().zip(&table.columns).map(cell).collect();
    table.rows.iter().map(row).collect()
}

/// Floats are the same when they read as the same number.
fn assert_same(read: &[Vec<Read>], expected: &[Vec<Read>], table: &Table, what: &str) {
    assert_eq!(read.len(), expected.len(), "{what}: rows");
    for (read, expected) in read.iter().zip(expected) {
        assert_eq!(read.len(), expected.len(), "{what}: cells");
        for ((read, expected), column) in read.iter().zip(expected).zip(&table.columns) {
            let is_same = match (&column.data_type, read, expected) {
                (DataType::Float64, Some(read), Some(expected)) => {
                    read.parse::<f64>().unwrap().to_bits()
                        == expected.parse::<f64>().unwrap().to_bits()
                }
                (DataType::Float32, Some(read), Some(expected)) => {
                    read.parse::<f32>().unwrap().to_bits()
                        == expected.parse::<f32>().unwrap().to_bits()
                }
                _ => read == expected,
            };
            assert!(is_same, "{what}, {}: {read:?} for {expected:?}", column.data_type);
        }
    }
}

fn read_everywhere(table: &Table) {
    let names: Vec<&str> = table.columns.iter().map(Column::name).collect();
    let is_list: Vec<bool> =
        table.columns.iter().map(|c| matches!(c.data_type, DataType::List(_))).collect();
    let expected = expected_rows(table);
    let file = |slug: &str| table.file(format(slug), &[]).unwrap().bytes;

    assert_same(&json_rows(&file("json"), false, &names), &expected, table, "json");
    assert_same(&json_rows(&file("ndjson"), true, &names), &expected, table, "ndjson");
    assert_same(&xml_rows(&file("xml"), &names, &is_list), &expected, table, "xml");
    if table.columns.len() == 1 {
        // A reader of CSV takes an empty line for no row at all.
        return;
    }
    let (read_names, rows) = csv_rows(&file("csv"), b',');
    assert_eq!(read_names, names);
    let blank = |cell: &Read| cell.clone().filter(|text| !text.is_empty());
    let expected: Vec<Vec<Read>> =
        expected.iter().map(|row| row.iter().map(blank).collect()).collect();
    assert_same(&rows, &expected, table, "csv");
}

proptest! {
    #[test]
    fn any_table_reads_back_from_every_text_format(
        table in tables(TYPES),
        zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]),
        has_zone: bool,
    ) {
        let is_utc = ["UTC", "UCT", "Zulu", "Universal"].iter().any(|name| zone.name().ends_with(name));
        let time_zone = if has_zone && !is_utc { zone } else { Tz::UTC };
        read_everywhere(&Table { time_zone, ..table });
    }

    #[test]
    fn hostile_text_reads_back_from_every_text_format(
        texts in prop::collection::vec(hostile(), 2..40),
    ) {
        let table = Table::new(&[("n", "integer"), ("text", "text"), ("again", "text")]);
        let rows = texts.windows(2).map(|pair| {
            vec![Cell::Integer(7), Cell::Text(pair[0].clone()), Cell::Text(pair[1].clone())]
        });
        read_everywhere(&Table { rows: rows.collect(), ..table });
    }
}

/// Text of what formats and readers stumble over. What XML forbids has tests of its own.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "\"",
        "\"\"",
        ",",
        ";",
        "\n",
        "\r",
        "\r\n",
        "\t",
        "'",
        "\\",
        "\\n",
        "\\.",
        "/",
        "<",
        ">",
        "&",
        "&amp;",
        "]]>",
        "<!--",
        "<![CDATA[",
        "=1+1",
        "+1",
        "-1",
        "@x",
        "\u{FEFF}",
        "\u{202E}",
        "שלום",
        "مرحبا",
        "😀",
        "👩‍👩‍👧",
        "é",
        "e\u{301}",
        "\u{FFFD}",
        "＝",
        "田中",
        "\u{7F}",
        "\u{85}",
        "\u{2028}",
        "null",
        "NULL",
        "true",
        "0",
        " ",
        "   ",
        "a",
        "abcdefghijklmnopq",
        "{\"a\":1}",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

#[test]
fn the_extremes_of_every_type_read_back() {
    let max = 10_i128.pow(38) - 1;
    let table = Table::new(&[
        ("i", "integer"),
        ("d", "decimal(38,0)"),
        ("e", "decimal(38,38)"),
        ("f", "float"),
        ("g", "float32"),
        ("day", "date"),
        ("t", "time"),
        ("at", "timestamp"),
        ("tz", "timestamptz"),
        ("b", "bytes"),
    ]);
    let row = |sign: i128, i, f, g| {
        vec![
            Cell::Integer(i),
            Cell::Decimal(sign * max, 0),
            Cell::Decimal(sign * max, 38),
            Cell::Float64(f),
            Cell::Float32(g),
            Cell::Date(0),
            Cell::Time(86_399_999_999),
            Cell::Timestamp(0),
            Cell::Timestamp(1),
            Cell::Bytes(Vec::new()),
        ]
    };
    let rows = vec![
        row(1, i64::MAX, f64::MAX, f32::MAX),
        row(-1, i64::MIN, f64::MIN, f32::MIN),
        row(0, 0, f64::MIN_POSITIVE, f32::MIN_POSITIVE),
        row(0, -1, 5e-324, 1e-45),
        vec![Cell::Null; 10],
    ];
    read_everywhere(&Table { rows, ..table });
}

fn only_row(slug: &str, table: &Table, options: &[(&str, &str)]) -> String {
    let bytes = table.file(format(slug), options).unwrap().bytes;
    let text = String::from_utf8(bytes).unwrap();
    let skipped = match slug {
        "csv" | "json" => 1,
        "xml" => 2,
        _ => 0,
    };
    text.lines().nth(skipped).unwrap().to_owned()
}

#[test]
fn values_beyond_the_calendar_and_beyond_numbers_are_words_or_expanded() {
    let table = Table::new(&[
        ("f", "float"),
        ("g", "float32"),
        ("day", "date"),
        ("at", "timestamp"),
        ("tz", "timestamptz"),
    ]);
    let table = table.row([
        Cell::Float64(f64::NAN),
        Cell::Float32(f32::NEG_INFINITY),
        Cell::Date(i32::MAX),
        Cell::Timestamp(i64::MIN),
        Cell::Timestamp(9_223_371_331_199_999_999),
    ]);
    let berlin = Table { time_zone: Tz::Europe__Berlin, ..table.clone() };
    assert_eq!(
        only_row("csv", &table, &[]),
        "NaN,-Infinity,Infinity,-Infinity,+294276-12-31T23:59:59.999999Z"
    );
    assert_eq!(
        only_row("csv", &berlin, &[]),
        "NaN,-Infinity,Infinity,-Infinity,+294277-01-01T00:59:59.999999+01:00"
    );
    assert_eq!(
        only_row("ndjson", &table, &[]),
        r#"{"f":"NaN","g":"-Infinity","day":"Infinity","at":"-Infinity","tz":"+294276-12-31T23:59:59.999999Z"}"#
    );
    assert!(
        only_row("xml", &table, &[])
            .starts_with("<record><f>NaN</f><g>-Infinity</g><day>Infinity</day>")
    );
    let bc = Table::new(&[("day", "date"), ("t", "time")]);
    let bc = bc.row([Cell::Date(-746_117), Cell::Time(86_400_000_000)]);
    assert_eq!(only_row("csv", &bc, &[]), "-0043-03-15,24:00:00");
}

#[test]
fn decimals_that_are_none_are_words_and_strings() {
    let nan = Cell::Bytes(vec![0, 0, 0, 0, 0xC0, 0, 0, 0]);
    let infinity = Cell::Bytes(vec![0, 0, 0, 0, 0xD0, 0, 0, 0]);
    let table = Table::new(&[("d", "decimal"), ("e", "decimal")]).row([nan, infinity]);
    assert_eq!(only_row("csv", &table, &[]), "NaN,Infinity");
    for options in [&[][..], &[("numbers", "string")]] {
        assert_eq!(only_row("ndjson", &table, options), r#"{"d":"NaN","e":"Infinity"}"#);
    }
}

#[test]
fn decimals_in_digits_are_written_as_they_come() {
    let digits = tidegate_batch::Wire::Digits;
    let column = |name: &str| Column { wire: digits, ..Column::new(name, DataType::Decimal(None)) };
    let table = Table::of(vec![column("d"), column("e")])
        .row([Cell::Text("-12.50".to_owned()), Cell::Text("NaN".to_owned())]);
    assert_eq!(only_row("csv", &table, &[]), "-12.50,NaN");
    assert_eq!(only_row("ndjson", &table, &[]), r#"{"d":-12.50,"e":"NaN"}"#);
    assert_eq!(only_row("ndjson", &table, &[("numbers", "string")]), r#"{"d":"-12.50","e":"NaN"}"#);
}

#[test]
fn a_time_outside_a_day_is_refused() {
    for micros in [-1, 86_400_000_001] {
        let table = Table::new(&[("t", "time")]).row([Cell::Time(micros)]);
        for slug in ["csv", "json", "ndjson", "xml"] {
            assert_eq!(table.fault(format(slug)).column, 0);
        }
    }
}

#[test]
fn a_cell_that_is_no_value_of_its_column_is_refused_by_place() {
    for data_type in [
        "integer",
        "boolean",
        "float",
        "float32",
        "date",
        "time",
        "timestamp",
        "timestamptz",
        "uuid",
        "interval",
        "decimal",
        "list(integer)",
    ] {
        for slug in ["csv", "json", "ndjson", "xml"] {
            let table = Table::new(&[("text", "text"), ("x", data_type)])
                .row([Cell::Text("a".to_owned()), Cell::Null])
                .row([Cell::Text("secret".to_owned()), Cell::Text(String::new())]);
            let error = table.fault(format(slug));
            assert_eq!((error.row, error.column), (1, 1), "{data_type}");
            assert!(!error.to_string().contains("secret"));
        }
    }
}
