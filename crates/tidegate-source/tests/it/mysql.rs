//! MySQL and MariaDB, against a real MariaDB server and its own client.

mod check;
mod conformance;
mod consistency;
mod faults;
mod limits;
mod lists;
mod progress;
mod tls;
mod types;

use std::sync::Arc;

use tidegate_batch::{Column, DataType, RowBatch, Schema, Value};
use tidegate_model::{
    catalog::{Relation, TableName},
    field::{Field, Origin},
    query::{Predicate, Query, Selected},
};
use tidegate_source::{
    Interrupt, RowStream, Source, SourceError, SourceSettings, StreamOptions, connect,
};
use tidegate_testkit::mariadb::{MariaDb, MariaDbDatabase};

/// Bytes of a batch: small, so that even a small table needs several.
const BATCH_BYTES: usize = 4 << 10;
const CELL_BYTES_MAX: usize = 8 << 20;

/// A database with something in it, and the source on it.
struct Check {
    database: MariaDbDatabase,
    source: Box<dyn Source>,
}

/// All rows of a stream, each cell as the tests print it.
type Rows = Vec<Vec<Option<String>>>;

impl Check {
    /// A fresh database after these statements.
    fn new(statements: &str) -> Self {
        let database = MariaDb::shared().database();
        if !statements.is_empty() {
            database.execute(statements);
        }
        let source = source(&database.url());
        Self { database, source }
    }

    /// The same database, seen by an account that has been granted just this.
    fn as_account(&self, rights: &str) -> Box<dyn Source> {
        let user = format!("u_{}", self.database.name());
        self.database.execute(&format!(
            "create or replace user {user}@'127.0.0.1' identified by 'p'; \
             grant {rights} to {user}@'127.0.0.1'"
        ));
        source(&self.database.url_as(&user, "p"))
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

    /// The stream of a query, read to its end.
    fn read(&self, query: &Query) -> Result<Rows, SourceError> {
        read(self.source.stream(query, &options())?)
    }

    /// Connections to this database that run something like that, as the server lists them.
    fn sessions(&self, name: &str) -> usize {
        let list = self.database.query(&format!(
            "select count(*) from information_schema.processlist \
             where db = database() and info like '%{name}%' and id <> connection_id()"
        ));
        list.trim().parse().unwrap()
    }

    /// Waits until the server has no connection of this database but the client's own.
    fn wait_until_left_alone(&self) {
        let count = format!(
            "select count(*) from information_schema.processlist \
             where db = '{}' and id <> connection_id()",
            self.database.name()
        );
        for _ in 0..500 {
            if self.database.query(&count).trim() == "0" {
                return;
            }
            std::thread::yield_now();
        }
        panic!("left on the server: {}", self.database.query("show full processlist"));
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

fn table_name(table: &str) -> TableName {
    TableName { schema: None, name: table.to_owned() }
}

fn table_relation(table: &str) -> Relation {
    Relation::Table(table_name(table))
}

fn field(column: &str, data_type: DataType) -> Field {
    Field::new(column, data_type, Origin::Column(column.to_owned()))
}

fn query(relation: Relation, fields: Vec<Field>) -> Query {
    Query {
        relation,
        fields: fields
            .into_iter()
            .map(|field| Selected { field, alias: None, is_hidden: false })
            .collect(),
        key: Vec::new(),
        predicate: Predicate::everything(),
        sort: Vec::new(),
        is_consistent: true,
    }
}

fn read(mut stream: RowStream) -> Result<Rows, SourceError> {
    let mut rows = Vec::new();
    let mut batch = RowBatch::with_capacity(BATCH_BYTES);
    let mut chunk = 0;
    for reader in &mut stream.readers {
        while let Some(ticket) = reader.read(&mut batch)? {
            assert_eq!((ticket.chunk, ticket.is_last), (chunk, true));
            chunk += 1;
            rows.extend(print_batch(&stream.schema, &batch));
            batch.clear(BATCH_BYTES);
        }
        assert_eq!(reader.read(&mut batch)?, None, "the end is the end");
    }
    Ok(rows)
}

fn print_batch(schema: &Arc<Schema>, batch: &RowBatch) -> Rows {
    batch
        .rows(schema.width())
        .map(|row| row.zip(schema.columns()).map(|(cell, column)| print(cell, column)).collect())
        .collect()
}

/// A cell as MariaDB's client prints it; text and octets as hexadecimal digits.
fn print(cell: Option<&[u8]>, column: &Column) -> Option<String> {
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02X}")).collect();
    Some(match column.decode(cell).unwrap() {
        Value::Null => return None,
        Value::Boolean(value) => u8::from(value).to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float32(value) => f64::from(value).to_string(),
        Value::Float64(value) => value.to_string(),
        Value::Decimal(value) => {
            let mut digits = Vec::new();
            value.write_to(&mut digits);
            String::from_utf8(digits).unwrap()
        }
        Value::Text(text) | Value::Json(text) | Value::List(text) => hex(text),
        Value::Bytes(octets) => hex(octets),
        Value::Date(days) => date(days.into()).format("%Y-%m-%d").to_string(),
        Value::Time(micros) => moment(micros).format("%H:%M:%S%.6f").to_string(),
        Value::Timestamp(micros) | Value::TimestampTz(micros) => {
            moment(micros).format("%Y-%m-%d %H:%M:%S%.6f").to_string()
        }
        Value::Uuid(octets) => hex(octets),
        Value::Interval(interval) => format!("{} µs", interval.micros),
    })
}

fn date(days: i64) -> chrono::NaiveDate {
    let epoch = chrono::NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
    epoch + chrono::TimeDelta::days(days)
}

fn moment(micros: i64) -> chrono::NaiveDateTime {
    date(0).and_time(chrono::NaiveTime::MIN) + chrono::TimeDelta::microseconds(micros)
}
