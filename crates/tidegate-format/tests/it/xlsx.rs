//! XLSX, read back by calamine.

use std::io::Cursor;

use calamine::{Data, ExcelDateTime, Reader, Xlsx};
use proptest::prelude::*;
use tidegate_batch::{Column, DataType};
use tidegate_format::{CellFault, Format, FormatError, by_slug};

use crate::table::{Cell, Table, tables};

/// Serial of 2000-01-01, and microseconds of a day.
const DAY_2000: f64 = 36_526.0;
const DAY_MICROS: f64 = 86_400_000_000.0;

fn format() -> &'static dyn Format {
    by_slug("xlsx").expect("it is in the list")
}

/// The rows of the first sheet, header first.
fn rows(bytes: &[u8]) -> Vec<Vec<Data>> {
    let mut workbook: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes)).unwrap();
    let range = workbook.worksheet_range_at(0).unwrap().unwrap();
    range.rows().map(<[Data]>::to_vec).collect()
}

fn file(table: &Table) -> Vec<u8> {
    table.file(format(), &[]).unwrap().bytes
}

/// The only cell below the header.
fn cell(data_type: &str, cell: Cell) -> Data {
    let table = Table::new(&[("x", data_type)]).row([cell]);
    rows(&file(&table)).remove(1).remove(0)
}

fn text(text: &str) -> Data {
    Data::String(text.to_owned())
}

/// The sheet's XML, as `unzip` would give it.
fn sheet_xml(bytes: &[u8]) -> String {
    part(bytes, "xl/worksheets/sheet1.xml")
}

fn part(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    std::io::read_to_string(archive.by_name(name).unwrap()).unwrap()
}

/// What a reader should find.
fn expected(cell: &Cell, data_type: &DataType) -> Data {
    match cell {
        Cell::Null => Data::Empty,
        Cell::Boolean(is_true) => Data::Bool(*is_true),
        Cell::Integer(number) if number.unsigned_abs() < 10_u64.pow(15) => {
            Data::Float(*number as f64)
        }
        Cell::Integer(number) => text(&number.to_string()),
        // The digits that people know the number by, not those of a double next to it.
        Cell::Float32(number) if number.is_finite() => {
            Data::Float(number.to_string().parse().unwrap())
        }
        Cell::Float64(number) if number.is_normal() || *number == 0.0 => Data::Float(*number),
        Cell::Float32(number) => text(word(f64::from(*number))),
        Cell::Float64(number) if !number.is_finite() => text(word(*number)),
        Cell::Float64(number) => text(&format!("{number:e}")),
        Cell::Decimal(digits, scale) => decimal(*digits, *scale),
        Cell::Text(content) => text(&without_forbidden(content)),
        Cell::Date(days) => serial(f64::from(*days), data_type),
        Cell::Timestamp(micros) => serial(*micros as f64 / DAY_MICROS, data_type),
        Cell::Time(micros) => Data::DateTime(ExcelDateTime::new(
            *micros as f64 / DAY_MICROS,
            calamine::ExcelDateTimeType::DateTime,
            false,
        )),
        // A document is kept as it is; a list is written anew.
        Cell::Json(json) if *data_type == DataType::Json => text(json),
        Cell::Json(json) => text(&json.replace(' ', "")),
        Cell::Bytes(_) | Cell::Uuid(_) | Cell::Interval(_) => panic!("not in the property"),
    }
}

fn word(number: f64) -> &'static str {
    match number {
        number if number.is_nan() => "NaN",
        number if number > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

fn decimal(digits: i128, scale: u16) -> Data {
    let scale = usize::from(scale);
    let plain = format!("{:0>1$}", digits.unsigned_abs(), scale + 1);
    let (whole, fraction) = plain.split_at(plain.len() - scale);
    let sign = if digits < 0 { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    let number = format!("{sign}{whole}{point}{fraction}");
    let significant = format!("{whole}{}", fraction.trim_end_matches('0'));
    match significant.trim_start_matches('0').len() {
        ..=15 => Data::Float(number.parse().unwrap()),
        _ => text(&number),
    }
}

fn without_forbidden(content: &str) -> String {
    let forbidden = |c| matches!(c, '\0'..='\x08' | '\x0B' | '\x0C' | '\x0E'..='\x1F' | '\u{FFFE}' | '\u{FFFF}');
    content.replace(forbidden, "\u{FFFD}")
}

fn serial(days: f64, data_type: &DataType) -> Data {
    let serial = days + DAY_2000;
    match serial {
        61.0..2_958_466.0 => {
            Data::DateTime(ExcelDateTime::new(serial, calamine::ExcelDateTimeType::DateTime, false))
        }
        // Text, as in the other formats; which one is not checked here.
        _ => text(&data_type.to_string()),
    }
}

/// Equal; days to the precision of a double, text of dates not compared here.
fn same(found: &Data, expected: &Data, data_type: &DataType) -> bool {
    match (found, expected) {
        (Data::DateTime(found), Data::DateTime(expected)) => {
            (found.as_f64() - expected.as_f64()).abs()
                < 2e-11 * expected.as_f64().max(1.0).log2().max(1.0)
        }
        (Data::String(found), Data::String(_)) if data_type.is_temporal() => {
            found.contains('-') || found.starts_with('+')
        }
        // Two decimals may be as short, and as close to the number.
        (Data::Float(found), Data::Float(expected)) if *data_type == DataType::Float32 => {
            *found as f32 == *expected as f32
        }
        (found, expected) => found == expected,
    }
}

proptest! {
    #[test]
    fn any_table_reads_back_the_same(table in tables(&[
        "boolean", "integer", "float32", "float", "decimal(12,2)", "decimal(38,10)",
        "decimal(15,15)", "decimal", "text", "date", "time", "timestamp", "timestamptz", "json",
        "list(integer)",
    ])) {
        let found = rows(&file(&table));
        prop_assert!(found.len() <= table.rows.len() + 1);
        for (row, cells) in table.rows.iter().enumerate() {
            for (index, (cell, column)) in cells.iter().zip(&table.columns).enumerate() {
                // A reader's range ends with the last cell that holds something.
                let found = found.get(row + 1).and_then(|row| row.get(index));
                let found = found.unwrap_or(&Data::Empty);
                let expected = expected(cell, &column.data_type);
                let is_same = same(found, &expected, &column.data_type);
                prop_assert!(is_same, "{:?} is not {:?}", found, expected);
            }
        }
    }
}

#[test]
fn text_stays_what_it_was() {
    for content in [
        "_x000D_",
        "_x000D_x000A_",
        "__x005F_x0041_",
        "_X0041_",
        "  spaces  ",
        " ",
        "\n",
        "a\r\nb",
        "\ttab",
        "<b>&amp;]]>",
        "=SUM(A1)",
        "-1",
        "0123",
        "TRUE",
        "1e5",
        "\u{1F980}\u{200D}",
        "\u{202E}rtl",
        "a\u{85}b\u{2028}",
    ] {
        assert_eq!(cell("text", Cell::Text(content.to_owned())), text(content), "{content:?}");
    }
}

#[test]
fn formulas_are_never_written() {
    let mut table = Table::new(&[("=1+1", "text"), ("json", "json")]);
    table.rows = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0", "<f>1+1</f>"]
        .map(|payload| vec![Cell::Text(payload.to_owned()), Cell::Json(payload.to_owned())])
        .to_vec();
    let bytes = file(&table);
    assert!(!sheet_xml(&bytes).contains("<f>"));
    let mut workbook: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(&bytes)).unwrap();
    let formulas = workbook.worksheet_formula("orders").unwrap();
    assert!(formulas.cells().all(|(_, _, formula)| formula.is_empty()));
}

#[test]
fn characters_that_xml_forbids_are_replaced_and_counted() {
    let table =
        Table::new(&[("a\u{1}", "text")]).row([Cell::Text("\0x\u{1F}\u{FFFE}\r".to_owned())]);
    let made = table.file(format(), &[]).unwrap();
    assert_eq!((made.counts_around.replaced, made.counts.replaced), (1, 3));
    let rows = rows(&made.bytes);
    assert_eq!(rows[0], [text("a\u{FFFD}")]);
    assert_eq!(rows[1], [text("\u{FFFD}x\u{FFFD}\u{FFFD}\r")]);
}

#[test]
fn text_over_the_limit_fails_unless_it_may_be_cut() {
    let long = "\u{1F980}".repeat(16_384);
    let table = Table::new(&[("id", "integer"), ("note", "text"), ("more", "json")])
        .row([Cell::Integer(1), Cell::Null, Cell::Null])
        .row([Cell::Integer(2), Cell::Text(long.clone()), Cell::Json("x".repeat(40_000))]);
    let error = table.fault(format());
    assert_eq!((error.row, error.column), (1, 1));
    assert!(matches!(error.fault, CellFault::TooLong { characters: 32_768, .. }));
    let made = table.file(format(), &[("overflow", "truncate")]).unwrap();
    assert_eq!(made.counts.truncated, 2);
    let rows = rows(&made.bytes);
    assert_eq!(rows[2][1], text(&"\u{1F980}".repeat(16_383)));
    assert_eq!(rows[2][2], text(&"x".repeat(32_767)));
    let fits = cell("text", Cell::Text(long[4..].to_owned() + "x"));
    assert_eq!(fits, text(&(long[4..].to_owned() + "x")));
}

#[test]
fn numbers_beyond_15_digits_are_text() {
    for (number, expected) in [
        (999_999_999_999_999, Data::Float(999_999_999_999_999.0)),
        (-999_999_999_999_999, Data::Float(-999_999_999_999_999.0)),
        (1_000_000_000_000_000, text("1000000000000000")),
        (i64::MIN, text("-9223372036854775808")),
        (i64::MAX, text("9223372036854775807")),
    ] {
        assert_eq!(cell("integer", Cell::Integer(number)), expected);
    }
    assert_eq!(cell("float", Cell::Float64(-0.0)), Data::Float(-0.0));
    assert_eq!(cell("float", Cell::Float64(1e300)), Data::Float(1e300));
    assert_eq!(cell("float", Cell::Float64(f64::MAX)), Data::Float(f64::MAX));
    assert_eq!(cell("float", Cell::Float64(f64::NAN)), text("NaN"));
    assert_eq!(cell("float", Cell::Float64(5e-324)), text("5e-324"));
    assert_eq!(cell("float32", Cell::Float32(0.1)), Data::Float(0.1));
    assert_eq!(cell("decimal", Cell::Bytes(vec![0, 0, 0, 0, 0xC0, 0, 0, 0])), text("NaN"));
}

#[test]
fn dates_outside_the_calendar_of_excel_are_text() {
    let day = |days| cell("date", Cell::Date(days));
    let number = |serial| {
        Data::DateTime(ExcelDateTime::new(serial, calamine::ExcelDateTimeType::DateTime, false))
    };
    assert_eq!(day(61 - 36_526), number(61.0));
    assert_eq!(day(60 - 36_526), text("1900-02-28"));
    assert_eq!(day(2_921_939), number(2_958_465.0));
    assert_eq!(day(2_921_940), text("+10000-01-01"));
    assert_eq!(day(i32::MAX), text("Infinity"));
    assert_eq!(cell("timestamptz", Cell::Timestamp(i64::MIN)), text("-Infinity"));
    assert_eq!(cell("time", Cell::Time(86_400_000_000)), text("24:00:00"));
}

#[test]
fn instants_are_shown_in_the_zone_of_the_request() {
    let mut table = Table::new(&[("at", "timestamptz")]);
    table.time_zone = chrono_tz::Europe::Berlin;
    // Both sides of the night in which summer time begins.
    let march = 796_003_200_000_000;
    table.rows = [march, march + 3_600_000_000].map(|at| vec![Cell::Timestamp(at)]).to_vec();
    let found: Vec<String> = rows(&file(&table))[1..]
        .iter()
        .map(|row| match &row[0] {
            Data::DateTime(at) => {
                let (year, month, day, hour, minute, ..) = at.to_ymd_hms_milli();
                format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}")
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, ["2025-03-23 01:00", "2025-03-23 02:00"]);
}

#[test]
fn octets_uuids_and_lists_are_text() {
    assert_eq!(cell("bytes", Cell::Bytes(vec![0, 255, 16])), text("AP8Q"));
    assert_eq!(
        cell("uuid", Cell::Uuid(0x0123_4567_89AB_CDEF_0123_4567_89AB_CDEF)),
        text("01234567-89ab-cdef-0123-456789abcdef")
    );
    assert_eq!(
        cell("list(text)", Cell::Json("[\"a\", null, \"<\\\"\"]".to_owned())),
        text("[\"a\",null,\"<\\\"\"]")
    );
}

#[test]
fn null_and_the_empty_string_are_told_apart_by_their_cells() {
    let table = Table::new(&[("a", "text"), ("b", "text"), ("c", "text")]).row([
        Cell::Null,
        Cell::Text(String::new()),
        Cell::Null,
    ]);
    let xml = sheet_xml(&file(&table));
    let row = "<row><c/><c t=\"inlineStr\"><is><t></t></is></c></row></sheetData>";
    assert!(xml.contains(row), "{xml}");
}

#[test]
fn a_person_finds_a_frozen_header_a_filter_and_widths() {
    let mut table = Table::new(&[("id", "integer"), ("placed at", "timestamptz")])
        .row([Cell::Integer(1), Cell::Timestamp(0)]);
    table.title = "or/ders".to_owned();
    table.columns[0].alias = Some("Number".to_owned());
    let bytes = file(&table);
    let xml = sheet_xml(&bytes);
    for part in [
        "<pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/>",
        "<col min=\"2\" max=\"2\" width=\"20.71\" customWidth=\"1\"/>",
        "<c s=\"1\" t=\"inlineStr\"><is><t>Number</t></is></c>",
        "<autoFilter ref=\"A1:B2\"/>",
    ] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
    assert!(part(&bytes, "xl/workbook.xml").contains("'or_ders'!$A$1:$B$2"));
    assert!(part(&bytes, "xl/styles.xml").contains("yyyy\\-mm\\-dd\\ hh:mm:ss"));
}

#[test]
fn a_table_without_rows_has_its_header() {
    let table = Table::new(&[("id", "integer"), ("name", "text")]);
    assert_eq!(rows(&file(&table)), [[text("id"), text("name")]]);
}

#[test]
fn as_many_columns_as_excel_holds_and_no_more() {
    let columns = |count: usize| {
        let column = |n| Column::new(format!("c{n}"), DataType::Integer);
        Table::of((0..count).map(column).collect())
    };
    let mut table = columns(16_384);
    table.rows.push(vec![Cell::Integer(7); 16_384]);
    assert_eq!(rows(&file(&table))[1], vec![Data::Float(7.0); 16_384]);
    match columns(16_385).file(format(), &[]) {
        Err(FormatError::TooManyColumns { columns, columns_max, .. }) => {
            assert_eq!((columns, columns_max), (16_385, 16_384));
        }
        _ => panic!("it must be refused"),
    }
}

#[test]
fn hidden_columns_stay_out_of_the_sheet() {
    let mut table = Table::new(&[("name", "text"), ("id", "integer")])
        .row([Cell::Null, Cell::Integer(1)])
        .row([Cell::Text("b".to_owned()), Cell::Integer(2)]);
    table.columns[1].is_hidden = true;
    assert_eq!(rows(&file(&table)), [[text("name")], [Data::Empty], [text("b")]]);
}
