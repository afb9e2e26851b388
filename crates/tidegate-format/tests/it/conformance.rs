//! What every format owes the pipeline, whoever wrote it.

use std::{collections::BTreeMap, io::Read, sync::Arc};

use calamine::Reader;
use parquet::file::reader::{FileReader, SerializedFileReader};
use tidegate_batch::{Column, DataType, RowBatch, Schema};
use tidegate_format::{
    Encoder, FORMATS, Format, FormatError, Layout, OptionKind, Options, Piece, by_slug,
};

use crate::table::{Cell, Table};

/// Rows of every kind that all formats can hold.
fn sample(rows: i64) -> Table {
    let table = Table::new(&[
        ("id", "integer"),
        ("who.name", "text"),
        ("total", "decimal(12,2)"),
        ("who.city", "text"),
        ("at", "timestamptz"),
        ("day", "date"),
        ("done", "boolean"),
        ("tags", "list(integer)"),
    ]);
    let row = |id: i64| {
        vec![
            Cell::Integer(id),
            Cell::Text(format!("Ada {id}\n\"<&,")),
            Cell::Decimal(i128::from(id) * 101, 2),
            if id % 3 == 0 { Cell::Null } else { Cell::Text("Kraków".to_owned()) },
            Cell::Timestamp(id * 1_234_567_891_011),
            Cell::Date(i32::try_from(id).unwrap()),
            Cell::Boolean(id % 2 == 0),
            Cell::Json(format!("[{id},null]")),
        ]
    };
    Table { rows: (0..rows).map(row).collect(), ..table }
}

/// Ways to use a format: its defaults, and each choice of each option.
fn uses() -> Vec<(&'static dyn Format, Options)> {
    let check = |format: &dyn Format, given: &[(&str, &str)]| {
        let given: BTreeMap<String, String> =
            given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Options::check(format.options(), &given).expect("its own values")
    };
    let mut uses = Vec::new();
    for format in FORMATS {
        uses.push((*format, check(*format, &[])));
        for option in format.options() {
            let values: &[&str] = match option.kind {
                OptionKind::Choice(values) => values,
                OptionKind::Flag => &["true", "false"],
                OptionKind::Character => &[";", "\t"],
                OptionKind::XmlName => &["name"],
            };
            uses.extend(
                values.iter().map(|value| (*format, check(*format, &[(option.slug, value)]))),
            );
        }
    }
    uses
}

fn encoder(format: &dyn Format, options: &Options, columns: &[Column]) -> Box<dyn Encoder> {
    let schema = Arc::new(Schema::new(columns.to_vec()));
    let (options, time_zone) = (options.clone(), chrono_tz::Europe::Berlin);
    format.encoder(Layout { schema, options, time_zone, title: "orders".to_owned() }).unwrap()
}

fn encode(encoder: &dyn Encoder, batch: &RowBatch) -> Piece {
    let mut piece = Piece::default();
    encoder.encode(batch, &mut piece).unwrap();
    assert_eq!(piece.rows, batch.len());
    piece
}

/// The file of these batches, which are encoded in the given order.
fn file(encoder: &dyn Encoder, batches: &[RowBatch], order: &[usize]) -> Vec<u8> {
    let mut pieces: BTreeMap<usize, Piece> =
        order.iter().map(|index| (*index, encode(encoder, &batches[*index]))).collect();
    let mut framing = encoder.framing();
    let mut out = Vec::new();
    framing.begin(&mut out).unwrap();
    for (batch, piece) in batches.iter().zip(pieces.values_mut()) {
        framing.place(batch, piece, &mut out).unwrap();
    }
    framing.end(&mut out).unwrap();
    out
}

/// Content of a file of this extension, so that two files of the same rows can be compared.
fn content(extension: &str, bytes: &[u8]) -> Vec<String> {
    let name = extension.split_once('.');
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    match (name, extension) {
        (Some((_, "gz")), _) => {
            let mut plain = Vec::new();
            // Reads one member; what follows it would be missing.
            flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
            vec![text(&plain)]
        }
        (Some((_, "zst")), _) => vec![text(&zstd::decode_all(bytes).unwrap())],
        (None, "csv" | "json" | "ndjson" | "xml") => vec![text(bytes)],
        (None, "parquet") => parquet_rows(bytes),
        (None, "xlsx") => sheet_rows(bytes),
        other => panic!("a reader is missing for {other:?}"),
    }
}

fn parquet_rows(bytes: &[u8]) -> Vec<String> {
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes)).unwrap();
    let schema = format!("{:?}", reader.metadata().file_metadata().schema());
    let rows = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string());
    std::iter::once(schema).chain(rows).collect()
}

fn sheet_rows(bytes: &[u8]) -> Vec<String> {
    let mut book = calamine::Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
    let sheets = book.worksheets();
    sheets
        .iter()
        .flat_map(|(name, range)| range.rows().map(move |row| format!("{name}: {row:?}")))
        .collect()
}

#[test]
fn slugs_and_options_are_spelt_alike_and_found_again() {
    for format in FORMATS {
        assert_eq!(by_slug(format.slug()).unwrap().label(), format.label());
        let slugs = FORMATS.iter().filter(|other| other.slug() == format.slug());
        assert_eq!(slugs.count(), 1);
        for option in format.options() {
            let name = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(option.slug.chars().all(name), "{}", option.slug);
            assert!(option.help.ends_with('.'), "{}: {}", option.slug, option.help);
        }
    }
    assert!(by_slug("none").is_none());
}

#[test]
fn batches_do_not_show_in_the_file() {
    for (format, options) in uses() {
        let extension = format.file_extension(&options);
        for rows in [0, 1, 2, 23] {
            let table = sample(rows);
            let encoder = encoder(format, &options, &table.columns);
            let whole = Table { rows_per_batch: 1_000, ..table.clone() }.batches();
            let expected = content(&extension, &file(&*encoder, &whole, &[0][..whole.len()]));
            for rows_per_batch in [1, 5] {
                let batches = Table { rows_per_batch, ..table.clone() }.batches();
                let order: Vec<usize> = (0..batches.len()).collect();
                let read = content(&extension, &file(&*encoder, &batches, &order));
                assert_eq!(read, expected, "{extension} of {rows} rows by {rows_per_batch}");
            }
        }
    }
}

#[test]
fn batches_without_rows_change_nothing() {
    let empty = || {
        let mut batch = RowBatch::default();
        batch.seal();
        batch
    };
    for (format, options) in uses() {
        let extension = format.file_extension(&options);
        let table = sample(2);
        let encoder = encoder(format, &options, &table.columns);
        let one = |table: &Table| table.batches().pop().unwrap();
        let expected = content(&extension, &file(&*encoder, &[one(&table)], &[0]));
        let batches = [empty(), one(&table), empty()];
        assert_eq!(content(&extension, &file(&*encoder, &batches, &[0, 1, 2])), expected);
        let nothing = content(&extension, &file(&*encoder, &[], &[]));
        assert_eq!(content(&extension, &file(&*encoder, &[empty(), empty()], &[0, 1])), nothing);
    }
}

#[test]
fn pieces_may_be_encoded_in_any_order() {
    for (format, options) in uses() {
        let table = Table { rows_per_batch: 4, ..sample(23) };
        let encoder = encoder(format, &options, &table.columns);
        let batches = table.batches();
        let forward = file(&*encoder, &batches, &[0, 1, 2, 3, 4, 5]);
        let backward = file(&*encoder, &batches, &[5, 3, 4, 1, 0, 2]);
        assert!(forward == backward, "{}", format.file_extension(&options));
    }
}

#[test]
fn pieces_may_be_encoded_on_any_thread_in_buffers_used_before() {
    for (format, options) in uses() {
        let table = Table { rows_per_batch: 3, ..sample(30) };
        let encoder = encoder(format, &options, &table.columns);
        let batches = table.batches();
        let expected: Vec<Vec<u8>> = batches.iter().map(|b| encode(&*encoder, b).bytes).collect();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut piece = Piece::default();
                    for (batch, expected) in batches.iter().zip(&expected) {
                        piece.clear();
                        encoder.encode(batch, &mut piece).unwrap();
                        assert!(piece.bytes == *expected, "{}", format.slug());
                    }
                });
            }
        });
    }
}

#[test]
fn hidden_columns_are_not_written() {
    for (format, options) in uses() {
        let extension = format.file_extension(&options);
        let table = sample(5);
        let mut with_key = table.clone();
        let hidden = Column { is_hidden: true, ..Column::new("secret_key", DataType::Text) };
        // The name of a hidden column is nobody's business either.
        let hidden_id = Column { is_hidden: true, ..Column::new("id", DataType::Integer) };
        with_key.columns.extend([hidden, hidden_id]);
        for row in &mut with_key.rows {
            row.extend([Cell::Text("secret".to_owned()), Cell::Integer(5)]);
        }
        let plain = encoder(format, &options, &table.columns);
        let keyed = encoder(format, &options, &with_key.columns);
        let expected = content(&extension, &file(&*plain, &table.batches(), &[0]));
        assert_eq!(content(&extension, &file(&*keyed, &with_key.batches(), &[0])), expected);
    }
}

#[test]
fn a_column_that_comes_twice_is_refused() {
    for format in FORMATS {
        let table = Table::new(&[("a", "text"), ("b", "text"), ("a", "text")]);
        let refused = table.file(*format, &[]).err().expect("two columns of one name");
        assert!(matches!(refused, FormatError::DuplicateColumn { .. }), "{}", format.slug());
    }
}

#[test]
fn one_column_and_five_hundred_are_held() {
    for format in FORMATS {
        for width in [1, 500] {
            let columns: Vec<Column> =
                (0..width).map(|i| Column::new(format!("c{i}"), DataType::Integer)).collect();
            let row: Vec<Cell> = (0..width).map(Cell::Integer).collect();
            let file = Table::of(columns).row(row).file(*format, &[]);
            assert!(file.is_ok(), "{} with {width} columns", format.slug());
        }
    }
}

#[test]
fn a_fault_names_its_row_and_column() {
    for format in FORMATS {
        let table = Table::new(&[("a", "text"), ("n", "integer")])
            .row([Cell::Null, Cell::Integer(1)])
            .row([Cell::Null, Cell::Text("secret".to_owned())]);
        let error = table.fault(*format);
        assert_eq!((error.row, error.column), (1, 1), "{}", format.slug());
        assert!(!error.to_string().contains("secret"));
    }
}
