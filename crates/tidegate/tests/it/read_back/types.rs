//! Every type of a source, in every format.

mod mariadb;
mod postgres;
mod sqlite;

use std::{cell::RefCell, collections::BTreeMap};

use tidegate_batch::DataType;
use tidegate_format::FORMATS;

use super::{
    cell::Cell,
    check::{Check, Content, compare},
    client::{Client, Maria, Psql, Sqlite},
    rule::{expected, text_of_hex},
};

/// Cells of (source type × format) that were held once; the number may only grow.
const CELLS: &str = include_str!("cells.txt");

/// A type of a source.
pub(super) struct Case {
    /// As a column declares it.
    native: &'static str,
    /// Our type for it.
    ours: &'static str,
    /// What the client selects; `{}` is the column.
    oracle: &'static str,
    /// What the client prints then.
    form: Form,
    /// Least, largest, special and ordinary values, as SQL.
    values: &'static [&'static str],
    /// Values that have no place in some format, where their export must fail.
    rare: &'static [&'static str],
    /// Values that are none of the type and must fail everywhere.
    wrong: &'static [&'static str],
}

/// What a client prints for a case.
#[derive(Clone, Copy)]
enum Form {
    /// The value as the rules want it.
    Plain,
    /// The value in hexadecimal.
    Hex,
    /// SQLite: how the value is stored, and its octets.
    Stored,
}

impl Case {
    const fn new(
        native: &'static str,
        ours: &'static str,
        values: &'static [&'static str],
    ) -> Self {
        let (oracle, form) = ("{}", Form::Plain);
        Self { native, ours, oracle, form, values, rare: &[], wrong: &[] }
    }

    const fn by(mut self, oracle: &'static str, form: Form) -> Self {
        self.oracle = oracle;
        self.form = form;
        self
    }

    const fn rare(mut self, values: &'static [&'static str]) -> Self {
        self.rare = values;
        self
    }

    const fn wrong(mut self, values: &'static [&'static str]) -> Self {
        self.wrong = values;
        self
    }

    fn data_type(&self) -> DataType {
        self.ours.parse().unwrap()
    }

    /// What the client printed, in the form that the rules want.
    fn canonical(&self, printed: &str) -> String {
        match self.form {
            Form::Plain => printed.to_owned(),
            Form::Hex => text_of_hex(printed),
            Form::Stored => sqlite::canonical(&self.data_type(), printed),
        }
    }
}

/// The table with a column for each case.
struct Fixture {
    check: Check,
    cases: &'static [Case],
    /// Names of the columns, the key first.
    names: Vec<String>,
    /// Rows by key: what the client printed, in canonical form.
    rows: BTreeMap<String, Vec<Option<String>>>,
    /// Keys of rows with a wrong value, and the column that has it.
    wrong: BTreeMap<String, usize>,
}

const TABLE: &str = "types";

impl Fixture {
    fn new(client: impl Client + 'static, own_types: &str, cases: &'static [Case]) -> Self {
        let check = Check::new(client);
        let names = std::iter::once("id".to_owned());
        let names: Vec<String> =
            names.chain((0..cases.len()).map(|at| format!("c{at:02}"))).collect();
        let columns =
            names[1..].iter().zip(cases).map(|(name, case)| format!("{name} {}", case.native));
        let columns: Vec<String> = columns.collect();
        let mut fixture =
            Self { check, cases, names, rows: BTreeMap::new(), wrong: BTreeMap::new() };
        let inserts = fixture.inserts();
        fixture.check.client.execute(&format!(
            "{own_types}\ncreate table {TABLE} (id integer primary key, {});\n{}",
            columns.join(", "),
            inserts.join("\n")
        ));
        fixture.ask_client();
        fixture
    }

    /// A row for the n-th values of all types, one for NULLs, and one for each value that has no
    /// place somewhere.
    fn inserts(&mut self) -> Vec<String> {
        let longest = self.cases.iter().map(|case| case.values.len()).max().unwrap_or(0);
        let cells = |row: usize| {
            let cell = move |(at, case): (usize, &Case)| Some((at, *case.values.get(row)?));
            self.cases.iter().enumerate().filter_map(cell).collect::<Vec<_>>()
        };
        let mut rows: Vec<Vec<(usize, &str)>> = (0..=longest).map(cells).collect();
        for (at, case) in self.cases.iter().enumerate() {
            rows.extend(case.rare.iter().map(|value| vec![(at, *value)]));
            for value in case.wrong {
                self.wrong.insert((rows.len() + 1).to_string(), at);
                rows.push(vec![(at, *value)]);
            }
        }
        let insert = |(row, cells): (usize, &Vec<(usize, &str)>)| {
            let names: Vec<&str> =
                cells.iter().map(|(at, _)| self.names[at + 1].as_str()).collect();
            let values: Vec<&str> = cells.iter().map(|(_, value)| *value).collect();
            let (names, values) = (comma_led(&names), comma_led(&values));
            format!("insert into {TABLE} (id{names}) values ({}{values});", row + 1)
        };
        rows.iter().enumerate().map(insert).collect()
    }

    fn ask_client(&mut self) {
        let oracle = |(case, name): (&Case, &String)| case.oracle.replace("{}", name);
        let oracles: Vec<String> = self.cases.iter().zip(&self.names[1..]).map(oracle).collect();
        let query = format!("select id, {} from {TABLE}", oracles.join(", "));
        for printed in self.check.client.cells(&query) {
            let key = printed[0].clone().unwrap();
            let is_wrong = self.wrong.contains_key(&key);
            let cell = |(case, printed): (&Case, &Option<String>)| {
                printed.as_deref().filter(|_| !is_wrong).map(|text| case.canonical(text))
            };
            let row = self.cases.iter().zip(&printed[1..]).map(cell).collect();
            self.rows.insert(key, row);
        }
    }

    /// The row in a file; none if it has no place there, and the column that is to blame.
    fn row(&self, key: &str, format: &str, reader: &str) -> Result<Vec<Cell>, usize> {
        let number = expected(&DataType::Integer, Some(key), format, reader);
        let mut cells = vec![number.expect("a key fits everywhere")];
        for (at, (case, text)) in self.cases.iter().zip(&self.rows[key]).enumerate() {
            cells.push(expected(&case.data_type(), text.as_deref(), format, reader).ok_or(at)?);
        }
        Ok(cells)
    }

    /// Exports all rows that have a place, and proves that the others fail.
    fn hold(&self, format: &'static str, place: usize) {
        let what = format!("{} as {format}", self.check.client.name());
        let unfit: BTreeMap<&String, usize> = self
            .rows
            .keys()
            .filter(|key| !self.wrong.contains_key(*key))
            .filter_map(|key| Some((key, self.row(key, format, format).err()?)))
            .collect();
        let left_out: Vec<&str> =
            unfit.keys().copied().chain(self.wrong.keys()).map(String::as_str).collect();
        let filter =
            format!("{{\"field\":\"id\",\"op\":\"not_in\",\"value\":[{}]}}", left_out.join(","));
        let more: &[&str] = if left_out.is_empty() { &[] } else { &["--where", &filter] };
        let file = self.check.table(TABLE, format, more);
        self.has_types(&file.manifest);
        let marked: Vec<String> = self.marked_names();
        let names: Vec<&str> = marked.iter().map(String::as_str).collect();
        let rows = |reader: &str| {
            let row = |key: &String| Some((key.clone(), self.row(key, format, reader).ok()?));
            let keys = self.rows.keys().filter(|key| !left_out.contains(&key.as_str()));
            keys.filter_map(row).collect()
        };
        compare(&what, &file, &Content { names: &names, rows: &rows });
        for (key, at) in unfit {
            self.refuses(key, at, format);
        }
        // What the source refuses does not depend on the format: each format gets its share.
        for (key, at) in self.wrong.iter().skip(place).step_by(FORMATS.len()) {
            self.refuses(key, *at, format);
        }
    }

    fn has_types(&self, manifest: &serde_json::Value) {
        for (field, case) in manifest["fields"].as_array().unwrap()[1..].iter().zip(self.cases) {
            assert_eq!(field["type"], case.ours, "{}", case.native);
        }
    }

    fn marked_names(&self) -> Vec<String> {
        let mark = |case: &Case| if case.ours.starts_with("list") { "[]" } else { "" };
        let marked = self.names[1..].iter().zip(self.cases);
        let marked = marked.map(|(name, case)| format!("{name}{}", mark(case)));
        std::iter::once("id".to_owned()).chain(marked).collect()
    }

    fn refuses(&self, key: &str, at: usize, format: &str) {
        let (name, native) = (&self.names[at + 1], self.cases[at].native);
        let fields = format!("id,{name}");
        let said = self.check.refused_table(TABLE, format, &["--ids", key, "--fields", &fields]);
        let place = format!("field `{name}` of the row with id {key}:");
        assert!(said.contains(&place), "{native} as {format}: {said}");
        // What is as short as `1` stands in every message.
        if let Some(value) = &self.rows[key][at]
            && value.len() > 3
        {
            assert!(!said.contains(value.as_str()), "{native} as {format}: {said}");
        }
    }

    /// Holds every format, then the number of cells.
    fn hold_all(&self) {
        let faults = RefCell::new(Vec::new());
        for (place, format) in FORMATS.iter().enumerate() {
            let held = std::panic::AssertUnwindSafe(|| self.hold(format.slug(), place));
            if std::panic::catch_unwind(held).is_err() {
                faults.borrow_mut().push(format.slug());
            }
        }
        assert!(faults.borrow().is_empty(), "these formats differ: {:?}", faults.borrow());
        let source = self.check.client.name();
        let cells = self.cases.len() * FORMATS.len();
        let once = CELLS.lines().filter_map(|line| line.split_once(' '));
        let once = once.filter(|(name, _)| *name == source).find_map(|(_, n)| n.parse().ok());
        let once: usize = once.expect("cells.txt has a line for each source");
        println!("{source}: {cells} cells of (source type × format)");
        assert!(cells >= once, "{cells} cells are held, {once} were; none may be lost");
        assert_eq!(cells, once, "more cells are held now: write {cells} into cells.txt");
    }
}

fn comma_led(words: &[&str]) -> String {
    words.iter().map(|word| format!(", {word}")).collect()
}

#[test]
fn every_type_of_sqlite_is_read_back_from_every_format() {
    Fixture::new(Sqlite::new(), "", sqlite::CASES).hold_all();
}

#[test]
fn every_type_of_mariadb_is_read_back_from_every_format() {
    Fixture::new(Maria::new(), "", mariadb::CASES).hold_all();
}

#[test]
fn every_type_of_postgres_is_read_back_from_every_format() {
    Fixture::new(Psql::new(), postgres::OWN_TYPES, postgres::CASES).hold_all();
}
