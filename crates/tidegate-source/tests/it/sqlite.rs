//! SQLite against the suite, and what SQLite alone can get wrong.

mod files;
mod readers;
mod values;

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;
use tidegate_batch::{DataType, RowBatch};
use tidegate_model::{
    catalog::{Relation, TableName},
    field::{Field, Origin},
    query::{Comparison, Literal, Predicate, Query, Selected, SortKey},
};
use tidegate_source::{
    Interrupt, Source, SourceError, SourceSettings, StreamOptions,
    conformance::{self, Cell, Site, Spelling, drain},
    connect,
};

/// A database file of its own, and the source on it.
struct Check {
    _folder: TempDir,
    path: PathBuf,
}

impl Check {
    fn new(journal_mode: &str, script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.db");
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "journal_mode", journal_mode).unwrap();
        connection.execute_batch(script).unwrap();
        Self { _folder: folder, path }
    }

    fn source(&self) -> Box<dyn Source> {
        source_at(&self.path).unwrap()
    }

    /// A client that is not ours, as far as SQLite's own library can be another.
    fn client(&self) -> Connection {
        let connection = Connection::open(&self.path).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
        connection.pragma_update(None, "synchronous", "off").unwrap();
        connection
    }

    /// All fields of a table, the types as the catalog has them, changed where `types` says so.
    fn query(&self, table: &str, types: &[(&str, &str)]) -> Query {
        let relation = Relation::Table(TableName { schema: None, name: table.to_owned() });
        let description = self.source().describe(&relation).unwrap();
        let fields: Vec<Field> = description
            .columns
            .iter()
            .map(|column| {
                let other = types.iter().find(|(name, _)| *name == column.name);
                let data_type = other.map(|(_, data_type)| data_type.parse().unwrap());
                field(&column.name, data_type.unwrap_or_else(|| column.data_type.clone()))
            })
            .collect();
        let is_key = |field: &&Field| description.key.contains(&field.slug);
        Query {
            relation,
            key: fields.iter().filter(is_key).cloned().collect(),
            fields: fields
                .into_iter()
                .map(|field| Selected { field, alias: None, is_hidden: false })
                .collect(),
            predicate: Predicate::everything(),
            sort: Vec::new(),
            is_consistent: true,
        }
    }

    fn rows(&self, query: &Query) -> Result<Vec<Vec<Cell>>, SourceError> {
        Ok(drain(self.source().stream(query, &options(4))?)?.rows)
    }

    fn error(&self, query: &Query) -> String {
        self.rows(query).unwrap_err().to_string()
    }
}

fn source_at(path: &Path) -> Result<Box<dyn Source>, SourceError> {
    connect(SourceSettings::new("shop", format!("sqlite:{}", path.display())))
}

fn field(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, Origin::Column(name.to_owned()))
}

fn options(readers: usize) -> StreamOptions {
    StreamOptions {
        application: "tidegate/test".to_owned(),
        readers,
        batch_bytes: 4 << 10,
        cell_bytes_max: 1 << 10,
        interrupt: Interrupt::default(),
    }
}

/// The message and those beneath it.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

fn spelling() -> Spelling {
    Spelling {
        quote: |name| format!("\"{}\"", name.replace('"', "\"\"")),
        type_name: |data_type| match data_type {
            DataType::Integer => "integer".to_owned(),
            // SQLite's numeric columns round to floating point numbers.
            DataType::Decimal(Some((precision, _))) if *precision > 15 => "text".to_owned(),
            DataType::Float64 => "real".to_owned(),
            DataType::Timestamp => "datetime".to_owned(),
            other => other.to_string(),
        },
        literal: |cell| match cell {
            Cell::Null => "null".to_owned(),
            Cell::Boolean(value) => value.to_string(),
            Cell::Integer(value) => match value {
                // -9223372036854775808 is minus a floating point number to SQLite.
                &i64::MIN => "-9223372036854775807 - 1".to_owned(),
                value => value.to_string(),
            },
            Cell::Float(value) => format!("{value:?}"),
            Cell::Decimal(digits) if digits.len() > 15 => format!("'{digits}'"),
            Cell::Decimal(digits) => digits.clone(),
            Cell::Text(text) => {
                let parts: Vec<String> = text
                    .split('\0')
                    .map(|part| format!("'{}'", part.replace('\'', "''")))
                    .collect();
                parts.join(" || char(0) || ")
            }
            Cell::Bytes(octets) => {
                let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
                format!("x'{hex}'")
            }
            Cell::Date(value) => format!("'{value}'"),
            Cell::Time(value) => format!("'{value}'"),
            Cell::Timestamp(value) => format!("'{value}'"),
            Cell::TimestampTz(value) => format!("'{}'", value.naive_utc()),
            Cell::Uuid(value) => format!("'{value}'"),
            Cell::Json(value) => format!("'{}'", value.to_string().replace('\'', "''")),
        },
        begin: "begin immediate",
        slow: "with recursive c(n) as (select 1 union all select n + 1 from c) \
               select n from c where n < 0",
        holds_nul: true,
    }
}

fn conforms(journal_mode: &str) {
    let check = Check::new(journal_mode, "");
    let source = check.source();
    let execute = |script: &str| check.client().execute_batch(script).unwrap();
    conformance::run(&Site { source: &*source, execute: &execute, spelling: spelling() });
}

#[test]
fn it_conforms_in_wal_mode() {
    conforms("wal");
}

#[test]
fn it_conforms_with_a_rollback_journal() {
    conforms("delete");
}

fn compare(name: &str, data_type: &str, comparison: Comparison, value: Literal) -> Predicate {
    let field = field(name, data_type.parse().unwrap());
    Predicate::Compare { field, comparison, value }
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

/// Values of the first column.
fn firsts(rows: &[Vec<Cell>]) -> Vec<i64> {
    rows.iter()
        .map(|row| match row[0] {
            Cell::Integer(id) => id,
            ref other => panic!("{other:?}"),
        })
        .collect()
}
