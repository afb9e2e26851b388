//! Parquet, read back by the Arrow reader.

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{
        Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int64Type,
        Time64MicrosecondType, TimestampMicrosecondType,
    },
};
use arrow_schema::{DataType as Arrow, TimeUnit};
use parquet::{
    arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
    file::{
        metadata::ParquetMetaData,
        reader::{FileReader, SerializedFileReader},
    },
};
use proptest::prelude::*;
use tidegate_batch::{Column, DataType, Interval, Item, ItemField, Wire};
use tidegate_format::{CellFault, Format, FormatError, by_slug};

use crate::table::{Cell, Table, tables};

const DAYS_1970_TO_2000: i32 = 10_957;
const MICROS_1970_TO_2000: i64 = 946_684_800_000_000;

fn format() -> &'static dyn Format {
    by_slug("parquet").expect("it is in the list")
}

/// The file's rows and metadata, as others read them.
fn read(table: &Table) -> (Vec<RecordBatch>, ParquetMetaData) {
    let bytes = bytes::Bytes::from(table.file(format(), &[]).unwrap().bytes);
    let metadata = SerializedFileReader::new(bytes.clone()).unwrap().metadata().clone();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    (reader.map(Result::unwrap).collect(), metadata)
}

fn rows(table: &Table) -> Vec<Vec<Cell>> {
    let cells = |batch: &RecordBatch, row: usize| {
        batch.columns().iter().map(|array| cell(array, row)).collect()
    };
    let (batches, _) = read(table);
    batches.iter().flat_map(|b| (0..b.num_rows()).map(move |row| cells(b, row))).collect()
}

fn cell(array: &dyn Array, row: usize) -> Cell {
    if array.is_null(row) {
        return Cell::Null;
    }
    match array.data_type() {
        Arrow::Boolean => Cell::Boolean(array.as_boolean().value(row)),
        Arrow::Int64 => Cell::Integer(array.as_primitive::<Int64Type>().value(row)),
        Arrow::Float32 => Cell::Float32(array.as_primitive::<Float32Type>().value(row)),
        Arrow::Float64 => Cell::Float64(array.as_primitive::<Float64Type>().value(row)),
        Arrow::Decimal128(_, scale) => {
            let digits = array.as_primitive::<Decimal128Type>().value(row);
            Cell::Decimal(digits, u16::try_from(*scale).unwrap())
        }
        Arrow::Utf8 => Cell::Text(array.as_string::<i32>().value(row).to_owned()),
        Arrow::Binary => Cell::Bytes(array.as_binary::<i32>().value(row).to_owned()),
        Arrow::Date32 => {
            Cell::Date(array.as_primitive::<Date32Type>().value(row) - DAYS_1970_TO_2000)
        }
        Arrow::Time64(TimeUnit::Microsecond) => {
            Cell::Time(array.as_primitive::<Time64MicrosecondType>().value(row))
        }
        Arrow::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            Cell::Timestamp(micros - MICROS_1970_TO_2000)
        }
        Arrow::List(_) => {
            let items = array.as_list::<i32>().value(row);
            let items: Vec<Option<i64>> = items.as_primitive::<Int64Type>().iter().collect();
            Cell::Json(serde_json::to_string(&items).unwrap())
        }
        other => panic!("no {other} was expected"),
    }
}

/// What a reader should find: text where Parquet has no type.
fn expected(cell: &Cell, data_type: &DataType) -> Cell {
    match (cell, data_type) {
        (Cell::Json(text), DataType::Json) => Cell::Text(text.clone()),
        (Cell::Uuid(uuid), _) => {
            let digits = format!("{uuid:032x}");
            let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20]];
            Cell::Text(format!("{}-{}", parts.join("-"), &digits[20..]))
        }
        (Cell::Decimal(digits, scale), DataType::Decimal(None)) => {
            let scale = usize::from(*scale);
            let text = format!("{:0>1$}", digits.unsigned_abs(), scale + 1);
            let (whole, fraction) = text.split_at(text.len() - scale);
            Cell::Text(format!("{}{whole}.{fraction}", if *digits < 0 { "-" } else { "" }))
        }
        (cell, _) => cell.clone(),
    }
}

/// Equal, floating point numbers bit by bit.
fn same(left: &Cell, right: &Cell) -> bool {
    match (left, right) {
        (Cell::Float32(l), Cell::Float32(r)) => l.to_bits() == r.to_bits(),
        (Cell::Float64(l), Cell::Float64(r)) => l.to_bits() == r.to_bits(),
        (left, right) => left == right,
    }
}

proptest! {
    #[test]
    fn any_table_reads_back_the_same(table in tables(&[
        "boolean", "integer", "float32", "float", "decimal(5,2)", "decimal(18,0)",
        "decimal(25,25)", "decimal(38,10)", "decimal", "text", "bytes", "date", "time",
        "timestamp", "timestamptz", "uuid", "json", "list(integer)",
    ])) {
        let found = rows(&table);
        prop_assert_eq!(found.len(), table.rows.len());
        for (found, row) in found.iter().zip(&table.rows) {
            for ((found, cell), column) in found.iter().zip(row).zip(&table.columns) {
                let expected = expected(cell, &column.data_type);
                prop_assert!(same(found, &expected), "{:?} is not {:?}", found, expected);
            }
        }
    }
}

#[test]
fn readers_see_the_types_of_the_specification() {
    let names = [
        ("boolean", Arrow::Boolean),
        ("integer", Arrow::Int64),
        ("float32", Arrow::Float32),
        ("float", Arrow::Float64),
        ("decimal(12,2)", Arrow::Decimal128(12, 2)),
        ("decimal(50,4)", Arrow::Decimal256(50, 4)),
        ("decimal", Arrow::Utf8),
        ("text", Arrow::Utf8),
        ("bytes", Arrow::Binary),
        ("date", Arrow::Date32),
        ("time", Arrow::Time64(TimeUnit::Microsecond)),
        ("timestamp", Arrow::Timestamp(TimeUnit::Microsecond, None)),
        ("timestamptz", Arrow::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
        ("uuid", Arrow::Utf8),
        ("interval", Arrow::Utf8),
        ("json", Arrow::Utf8),
    ];
    let columns: Vec<(&str, &str)> = names.iter().map(|(name, _)| (*name, *name)).collect();
    let table = Table::new(&columns).row(vec![Cell::Null; names.len()]);
    let (batches, metadata) = read(&table);
    for (field, (name, arrow)) in batches[0].schema().fields().iter().zip(&names) {
        assert_eq!((field.data_type(), field.is_nullable()), (arrow, true), "{name}");
    }
    let created_by = metadata.file_metadata().created_by().unwrap();
    assert!(created_by.starts_with("tidegate version "), "{created_by}");
}

#[test]
fn an_empty_table_is_a_file_with_its_schema() {
    let bytes = Table::new(&[("id", "integer"), ("a.b", "text")]).file(format(), &[]).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes.bytes)).unwrap();
    assert_eq!(reader.schema().fields().len(), 2);
    assert_eq!(reader.build().unwrap().count(), 0);
}

#[test]
fn each_batch_is_a_row_group() {
    let mut table = Table::new(&[("id", "integer")]);
    table.rows = (0..25).map(|id| vec![Cell::Integer(id)]).collect();
    table.rows_per_batch = 10;
    let (_, metadata) = read(&table);
    let groups: Vec<i64> = metadata.row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(groups, [10, 10, 5]);
    let statistics = metadata.row_group(1).column(0).statistics().unwrap();
    assert_eq!(statistics.min_bytes_opt(), Some(&10_i64.to_le_bytes()[..]));
    assert_eq!(statistics.max_bytes_opt(), Some(&19_i64.to_le_bytes()[..]));
}

#[test]
fn dotted_slugs_become_structs_and_aliases_stay_whole() {
    let mut table = Table::new(&[
        ("ship.city", "text"),
        ("id", "integer"),
        ("ship.geo.lat", "float"),
        ("ship.zip", "text"),
    ])
    .row([Cell::Text("Lyon".to_owned()), Cell::Integer(7), Cell::Float64(45.75), Cell::Null]);
    table.columns[3].alias = Some("Zip. code".to_owned());
    let (batches, _) = read(&table);
    let names: Vec<&str> =
        batches[0].schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["ship", "id", "Zip. code"]);
    let ship = batches[0].column(0).as_struct();
    assert_eq!(ship.column_names(), ["city", "geo"]);
    assert_eq!(cell(ship.column(0), 0), Cell::Text("Lyon".to_owned()));
    assert_eq!(cell(ship.column(1).as_struct().column(0), 0), Cell::Float64(45.75));
}

#[test]
fn order_lines_become_a_list_of_structs() {
    let field = |slug: &str, name: &str| ItemField {
        slug: slug.to_owned(),
        data_type: name.parse().unwrap(),
    };
    let item = Item::Record(vec![
        field("sku", "text"),
        field("price", "decimal(12,2)"),
        field("picked_at", "timestamptz"),
        field("photo", "bytes"),
    ]);
    let mut lines = Column::new("lines", DataType::List(Box::new(item)));
    lines.wire = Wire::VersionedJson;
    let json = "\u{1}[{\"sku\":\"a\\\"1\",\"price\":1234567890.10,\
                \"picked_at\":\"2026-11-21T19:05:00.5+01:00\",\"photo\":\"\\\\x00ff\"},{\"sku\":null}]";
    let table = Table::of(vec![lines])
        .row([Cell::Text(json.to_owned())])
        .row([Cell::Null])
        .row([Cell::Text("\u{1}[]".to_owned())]);
    let (batches, _) = read(&table);
    let lists = batches[0].column(0).as_list::<i32>();
    assert_eq!(lists.value_offsets(), [0, 2, 2, 2]);
    assert!(lists.is_null(1) && lists.is_valid(2));
    let records = lists.values().as_struct();
    assert_eq!(cell(records.column(0), 0), Cell::Text("a\"1".to_owned()));
    assert_eq!(cell(records.column(1), 0), Cell::Decimal(123_456_789_010, 2));
    let micros = 1_795_284_300_500_000 - MICROS_1970_TO_2000;
    assert_eq!(cell(records.column(2), 0), Cell::Timestamp(micros));
    assert_eq!(cell(records.column(3), 0), Cell::Bytes(vec![0, 255]));
    assert!((0..4).all(|column| records.column(column).is_null(1)));
}

#[test]
fn digits_beyond_38_take_256_bits_and_beyond_76_text() {
    let mut columns = vec![
        Column::new("wide", "decimal(76,1)".parse().unwrap()),
        Column::new("widest", "decimal(80,0)".parse().unwrap()),
    ];
    columns.iter_mut().for_each(|column| column.wire = Wire::Digits);
    let (wide, widest) = (format!("-{}.9", "9".repeat(75)), "8".repeat(80));
    let table = Table::of(columns).row([Cell::Text(wide.clone()), Cell::Text(widest.clone())]);
    let (batches, _) = read(&table);
    let digits = batches[0].column(0).as_primitive::<Decimal256Type>().value_as_string(0);
    assert_eq!(digits, wide);
    assert_eq!(cell(batches[0].column(1), 0), Cell::Text(widest));
}

#[test]
fn special_numbers_stay_in_floats_and_unconstrained_decimals() {
    let nan = [0, 0, 0, 0, 0xC0, 0, 0, 0];
    let table = Table::new(&[("f", "float"), ("d", "decimal")])
        .row([Cell::Float64(f64::NAN), Cell::Bytes(nan.to_vec())])
        .row([Cell::Float64(f64::NEG_INFINITY), Cell::Decimal(-5, 3)]);
    let found = rows(&table);
    assert!(same(&found[0][0], &Cell::Float64(f64::NAN)));
    assert_eq!(found[0][1], Cell::Text("NaN".to_owned()));
    assert_eq!(found[1], [Cell::Float64(f64::NEG_INFINITY), Cell::Text("-0.005".to_owned())]);
}

#[test]
fn intervals_are_iso_durations() {
    let span = Interval { months: 14, days: -3, micros: 1_500_000 };
    let table = Table::new(&[("i", "interval")]).row([Cell::Interval(span)]);
    assert_eq!(rows(&table), [[Cell::Text("P1Y2M-3DT1.5S".to_owned())]]);
}

#[test]
fn what_parquet_has_no_place_for_fails_with_its_row_and_column() {
    let nan = Cell::Bytes(vec![0, 0, 0, 0, 0xC0, 0, 0, 0]);
    for (data_type, cell, what) in [
        ("date", Cell::Date(i32::MAX), "an infinite date"),
        ("timestamp", Cell::Timestamp(i64::MIN), "an infinite timestamp"),
        ("timestamptz", Cell::Timestamp(i64::MAX), "an infinite timestamp"),
        ("time", Cell::Time(86_400_000_000), "a time that ends its day"),
        ("decimal(12,2)", nan, "a decimal that is no number"),
        (
            "decimal(3,1)",
            Cell::Decimal(1000, 1),
            "a decimal with more digits than its column declares",
        ),
    ] {
        let table = Table::new(&[("id", "integer"), ("x", data_type)])
            .row([Cell::Integer(1), Cell::Null])
            .row([Cell::Integer(2), cell]);
        let error = table.fault(format());
        assert_eq!((error.row, error.column), (1, 1), "{data_type}");
        match error.fault {
            CellFault::Unrepresentable { what: found, .. } => assert_eq!(found, what),
            other => panic!("{data_type}: {other}"),
        }
    }
}

#[test]
fn a_column_that_is_also_a_group_is_refused() {
    let table = Table::new(&[("customer", "text"), ("customer.email", "text")]);
    assert!(matches!(table.file(format(), &[]), Err(FormatError::PrefixColumn { .. })));
}

#[test]
fn hidden_columns_stay_out_of_the_file() {
    let mut table =
        Table::new(&[("name", "text"), ("id", "integer")]).row([Cell::Null, Cell::Integer(1)]);
    table.columns[1].is_hidden = true;
    assert_eq!(rows(&table), [[Cell::Null]]);
}

#[test]
fn high_and_low_cardinality_read_back_alike() {
    let mut table = Table::new(&[("status", "text"), ("email", "text"), ("rate", "float")]);
    table.rows = (0..3_000)
        .map(|n| {
            let status = ["paid", "open", ""][n % 3].to_owned();
            let email = format!("{n}@example.com");
            vec![Cell::Text(status), Cell::Text(email), Cell::Float64((n % 7) as f64 / 3.0)]
        })
        .collect();
    table.rows_per_batch = 3_000;
    assert_eq!(rows(&table), table.rows);
    let (_, metadata) = read(&table);
    let has_dictionary: Vec<bool> = metadata
        .row_group(0)
        .columns()
        .iter()
        .map(|chunk| chunk.dictionary_page_offset().is_some())
        .collect();
    assert_eq!(has_dictionary, [true, false, true]);
}
