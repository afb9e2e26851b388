//! PostgreSQL, against a real server and its own client.

mod catalog;
mod check;
mod conformance;
mod faults;
mod filter;
mod limits;
mod scan;
mod session;
mod snapshot;
mod standby;
mod types;

use std::{sync::Arc, thread};

use tidegate_batch::{Column, RowBatch, Schema, Value};
use tidegate_model::{
    catalog::{Relation, TableName},
    field::{Field, Origin},
    query::{Predicate, Query, Selected},
};
use tidegate_source::{
    Interrupt, Reader, RowStream, Source, SourceError, SourceSettings, StreamOptions, Ticket,
    connect,
};
use tidegate_testkit::postgres::{Postgres, PostgresDatabase};

/// Bytes of a batch: small, so that even a small table needs several.
const BATCH_BYTES: usize = 16 << 10;
const CELL_BYTES_MAX: usize = 8 << 20;

/// A database with something in it, and the source on it.
struct Check {
    database: PostgresDatabase<'static>,
    source: Box<dyn Source>,
}

/// A row, each cell as `psql` would print it.
type Row = Vec<Option<String>>;

/// All that a stream gave.
struct Read {
    schema: Arc<Schema>,
    rows: Vec<Row>,
    tickets: Vec<Ticket>,
    readers: usize,
    extent: u64,
    unit: &'static str,
    rows_estimated: Option<u64>,
    warnings: Vec<String>,
}

impl Check {
    /// A fresh database after these statements.
    fn new(statements: &str) -> Self {
        let database = Postgres::shared().database();
        if !statements.is_empty() {
            database.execute(statements);
        }
        let source = source(&database.url());
        Self { database, source }
    }

    /// A role with these rights on the database, which other databases of the server know too.
    fn role(&self, rights: &str) -> String {
        let role = format!("r_{}", self.database.name());
        self.database.execute(&format!("create role {role} login password 'p'"));
        if !rights.is_empty() {
            self.database.execute(&rights.replace("ROLE", &role));
        }
        role
    }

    /// Every column of a table, under its own name and type.
    fn query(&self, table: &str) -> Query {
        let relation = table_relation(table);
        let description = self.source.describe(&relation).unwrap();
        let fields: Vec<Field> = description
            .columns
            .into_iter()
            .map(|column| field(&column.name, column.data_type))
            .collect();
        let key = fields.iter().filter(|field| description.key.contains(&field.slug));
        Query { key: key.cloned().collect(), ..query(relation, fields) }
    }

    /// The stream of a query, read to its end by as many readers as there are.
    fn read(&self, query: &Query) -> Result<Read, SourceError> {
        read(self.source.stream(query, &options())?)
    }

    /// The rows of a table, in the order of their text.
    fn sorted(&self, table: &str) -> Vec<Row> {
        let mut rows = self.read(&self.query(table)).unwrap().rows;
        rows.sort();
        rows
    }

    /// The same by `psql`.
    fn psql_sorted(&self, table: &str) -> Vec<Row> {
        let mut rows = self.database.cells(&format!("select * from {table}"));
        rows.sort();
        rows
    }

    /// Sessions in this database but the asking one, and the one that a source keeps for its next
    /// question.
    fn sessions(&self, columns: &str) -> String {
        self.database.query(&format!(
            "select {columns} from pg_stat_activity \
             where datname = current_database() and pid <> pg_backend_pid() \
               and backend_type = 'client backend' \
               and (application_name, state) <> ('tidegate', 'idle')"
        ))
    }

    /// Waits until something is so, which the server is bound to bring about.
    fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        for _ in 0..2000 {
            if is_so() {
                return;
            }
            thread::yield_now();
        }
        panic!("it never came to pass: {what}; sessions: {}", self.sessions("state, query"));
    }

    fn wait_until_left_alone(&self) {
        self.wait_until("nobody is connected", || self.sessions("pid").is_empty());
    }
}

fn source(url: &str) -> Box<dyn Source> {
    connect(SourceSettings::new("shop", url)).unwrap()
}

fn options() -> StreamOptions {
    StreamOptions {
        application: "tidegate/export".to_owned(),
        readers: 4,
        batch_bytes: BATCH_BYTES,
        cell_bytes_max: CELL_BYTES_MAX,
        interrupt: Interrupt::default(),
    }
}

fn table_relation(table: &str) -> Relation {
    Relation::Table(TableName::parse(table))
}

fn field(column: &str, data_type: tidegate_batch::DataType) -> Field {
    Field::new(column, data_type, Origin::Column(column.to_owned()))
}

fn query(relation: Relation, fields: Vec<Field>) -> Query {
    let selected = |field| Selected { field, alias: None, is_hidden: false };
    Query {
        relation,
        fields: fields.into_iter().map(selected).collect(),
        key: Vec::new(),
        predicate: Predicate::everything(),
        sort: Vec::new(),
        is_consistent: true,
    }
}

/// Drives each reader on a thread, and puts the batches in the order of their tickets.
fn read(stream: RowStream) -> Result<Read, SourceError> {
    let schema = Arc::clone(&stream.schema);
    let readers = stream.readers.len();
    let batches = thread::scope(|scope| {
        let schema = &schema;
        let driven: Vec<_> = stream
            .readers
            .into_iter()
            .map(|mut reader| scope.spawn(move || read_one(&mut *reader, schema)))
            .collect();
        let ended = driven.into_iter().map(|thread| thread.join().unwrap());
        ended.collect::<Result<Vec<_>, SourceError>>()
    })?;
    let mut batches: Vec<(Ticket, Vec<Row>)> = batches.into_iter().flatten().collect();
    batches.sort_by_key(|(ticket, _)| (ticket.chunk, ticket.part));
    let tickets = batches.iter().map(|(ticket, _)| *ticket).collect();
    let rows = batches.into_iter().flat_map(|(_, rows)| rows).collect();
    let (extent, unit) = (stream.extent.total, stream.extent.unit);
    let (rows_estimated, warnings) = (stream.rows_estimated, stream.warnings);
    Ok(Read { schema, rows, tickets, readers, extent, unit, rows_estimated, warnings })
}

fn read_one(
    reader: &mut dyn Reader,
    schema: &Schema,
) -> Result<Vec<(Ticket, Vec<Row>)>, SourceError> {
    let mut batches = Vec::new();
    let mut batch = RowBatch::with_capacity(BATCH_BYTES);
    while let Some(ticket) = reader.read(&mut batch)? {
        batch.seal();
        batches.push((ticket, rows_of(&batch, schema)));
        batch.clear(BATCH_BYTES);
    }
    assert_eq!(reader.read(&mut batch)?, None, "the end stays the end");
    Ok(batches)
}

fn rows_of(batch: &RowBatch, schema: &Schema) -> Vec<Row> {
    let row = |cells: tidegate_batch::Cells<'_>| {
        cells.zip(schema.columns()).map(|(cell, column)| printed(column, cell)).collect()
    };
    batch.rows(schema.width()).map(row).collect()
}

/// A cell as `psql` prints it, but for floating point numbers, which all have one form here.
fn printed(column: &Column, cell: Option<&[u8]>) -> Option<String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Some(match column.decode(cell).unwrap() {
        Value::Null => return None,
        Value::Boolean(value) => if value { "t" } else { "f" }.to_owned(),
        Value::Integer(value) => value.to_string(),
        Value::Float32(value) => value.to_string(),
        Value::Float64(value) => value.to_string(),
        Value::Decimal(value) => {
            let mut out = Vec::new();
            value.write_to(&mut out);
            text(&out)
        }
        Value::Text(value) | Value::Json(value) | Value::List(value) => text(value),
        Value::Bytes(value) => format!("\\x{}", hex(value)),
        Value::Date(i32::MAX) => "infinity".to_owned(),
        Value::Date(i32::MIN) => "-infinity".to_owned(),
        Value::Date(days) => day(days.into(), ""),
        Value::Time(micros) => clock(micros),
        Value::Timestamp(micros) => timestamp(micros, ""),
        Value::TimestampTz(micros) => timestamp(micros, "+00"),
        Value::Uuid(value) => {
            let hex = hex(value);
            let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
            parts.join("-")
        }
        Value::Interval(value) => {
            format!("{} {} {}", value.months, value.days, value.micros)
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn timestamp(micros: i64, zone: &str) -> String {
    const DAY_MICROS: i64 = 86_400_000_000;
    match micros {
        i64::MAX => "infinity".to_owned(),
        i64::MIN => "-infinity".to_owned(),
        _ => {
            let time = clock(micros.rem_euclid(DAY_MICROS));
            day(micros.div_euclid(DAY_MICROS), &format!(" {time}{zone}"))
        }
    }
}

/// Days since 2000-01-01 as a date, years before Christ with their mark behind what follows.
fn day(days: i64, rest: &str) -> String {
    // Years begin in March, so that the leap day is the last of a year.
    let day = days + 730_425;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    match year {
        1.. => format!("{year:04}-{month:02}-{day:02}{rest}"),
        _ => format!("{:04}-{month:02}-{day:02}{rest} BC", 1 - year),
    }
}

fn clock(micros: i64) -> String {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    match fraction {
        0 => text,
        _ => format!("{text}.{}", format!("{fraction:06}").trim_end_matches('0')),
    }
}
