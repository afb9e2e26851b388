//! Tables without rows, of one column and of five hundred, and with names that need quotes.

use std::collections::BTreeMap;

use tidegate_batch::DataType;
use tidegate_format::FORMATS;

use super::{
    cell::Cell,
    check::{Check, Content, NO_KEY, compare},
    client::{Client, Maria, Psql, Sqlite},
    rule::expected,
};

/// Columns of the widest table.
const COLUMNS_MAX: usize = 500;

/// A table that nobody should make.
const ODD_TABLE: &str = "Odd 'table', of: 100% <x>.y";

/// Names of columns that are keywords, have dots, letters of all kinds, and what languages mark
/// their texts with. The first is the key.
const ODD_NAMES: &[&str] = &[
    "Id",
    "select",
    "UPPER",
    "two words",
    "it's \"quoted\"",
    "back`tick",
    "back\\slash",
    "a.b",
    "a.c.d",
    "größe",
    "日本語",
    "🦀",
    "1st",
    "-x",
    "=1+1",
    "@home",
    "<tag>",
    "&amp;",
    "comma, semicolon;",
    "_x0041_",
    "%s {} $1 ?1 :name",
    "[]()",
    "field",
    "record",
    "xml",
    "ns:name",
    "#hash/*comment*/--",
];

fn number(text: Option<&str>, format: &str, reader: &str) -> Cell {
    expected(&DataType::Integer, text, format, reader).unwrap()
}

/// Makes a table of integers. Each row holds 1, 2, 3 and so on from the key on; the last is NULL
/// behind its key.
fn fill(client: &dyn Client, table: &str, names: &[&str], rows: usize) {
    let columns: Vec<String> = names[1..].iter().map(|name| client.quoted(name)).collect();
    let columns: String = columns.iter().map(|name| format!(", {name} bigint")).collect();
    let (table, key) = (client.quoted(table), client.quoted(names[0]));
    client.execute(&format!("create table {table} ({key} integer primary key{columns})"));
    for row in 1..=rows {
        let cell = |at: usize| match row == rows && at > 0 {
            true => "null".to_owned(),
            false => (row + at).to_string(),
        };
        let cells: Vec<String> = (0..names.len()).map(cell).collect();
        client.execute(&format!("insert into {table} values ({})", cells.join(", ")));
    }
}

/// Exports the table in every format and compares it with what the client prints.
fn hold(check: &Check, table: &str, names: &[&str]) {
    let printed = check.client.cells(&format!("select * from {}", check.client.quoted(table)));
    for format in FORMATS {
        let slug = format.slug();
        let file = check.table(table, slug, &[]);
        assert_eq!(file.manifest["rows"], printed.len(), "{table} as {slug}");
        let rows = |reader: &str| {
            let row = |row: &Vec<Option<String>>| {
                let cells = row.iter().map(|cell| number(cell.as_deref(), slug, reader)).collect();
                (row[0].clone().unwrap(), cells)
            };
            printed.iter().map(row).collect()
        };
        let what = format!("{table} of {} as {slug}", check.client.name());
        compare(&what, &file, &Content { names, rows: &rows });
    }
}

/// One column with a NULL, which is an empty line in CSV.
fn hold_one_nullable(check: &Check) {
    check.client.execute("create table lonely (v bigint); insert into lonely values (7), (null)");
    for format in FORMATS {
        let slug = format.slug();
        let file = check.table("lonely", slug, &[]);
        let rows = |reader: &str| {
            let nothing = if reader == "python-csv" { "" } else { NO_KEY };
            let seven = number(Some("7"), slug, reader);
            BTreeMap::from([("7".into(), vec![seven]), (nothing.into(), vec![Cell::Null])])
        };
        let what = format!("one column of {} as {slug}", check.client.name());
        compare(&what, &file, &Content { names: &["v"], rows: &rows });
    }
}

fn hold_all(client: impl Client + 'static) {
    let check = Check::new(client);
    let wide: Vec<String> = (0..COLUMNS_MAX).map(|at| format!("column_{at}")).collect();
    let wide: Vec<&str> = wide.iter().map(String::as_str).collect();
    // MariaDB has no name beyond the basic plane.
    let is_held =
        |name: &&&str| check.client.name() != "mysql" || name.chars().all(|c| c <= '\u{FFFF}');
    let odd: Vec<&str> = ODD_NAMES.iter().filter(is_held).copied().collect();
    let tables: [(&str, &[&str], usize); 5] = [
        ("empty", &["id", "a", "b"], 0),
        ("one", &["id"], 3),
        ("wide", &wide, 3),
        ("wide_empty", &wide, 0),
        (ODD_TABLE, &odd, 2),
    ];
    for (table, names, rows) in tables {
        fill(&*check.client, table, names, rows);
        hold(&check, table, names);
    }
    hold_one_nullable(&check);
}

#[test]
fn tables_of_sqlite_of_every_shape_are_read_back_from_every_format() {
    hold_all(Sqlite::new());
}

#[test]
fn tables_of_mariadb_of_every_shape_are_read_back_from_every_format() {
    hold_all(Maria::new());
}

#[test]
fn tables_of_postgres_of_every_shape_are_read_back_from_every_format() {
    hold_all(Psql::new());
}
