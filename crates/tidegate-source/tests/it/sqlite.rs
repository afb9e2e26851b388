//! SQLite against the suite, and what SQLite alone can get wrong.

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
    Page, Source, SourceError, SourceSettings, StreamOptions,
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
    Field {
        slug: name.to_owned(),
        label: name.to_owned(),
        data_type,
        origin: Origin::Column(name.to_owned()),
        is_default: true,
        is_internal: false,
        pii: None,
    }
}

fn options(readers: usize) -> StreamOptions {
    StreamOptions {
        application: "tidegate/test".to_owned(),
        readers,
        batch_bytes: 4 << 10,
        cell_bytes_max: 1 << 10,
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

#[test]
fn a_file_that_cannot_be_read_is_named_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.db");
    let error = chain(&source_at(&missing).err().unwrap());
    assert!(error.contains("there is no file") && error.contains("missing.db"), "{error}");
    assert!(!missing.exists(), "a database was created");
    let error = chain(&source_at(folder.path()).err().unwrap());
    assert!(error.contains("is a folder"), "{error}");
    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, "this is not a database, it is a text of some length\n".repeat(99))
        .unwrap();
    let error = chain(&source_at(&garbage).unwrap().tables().unwrap_err());
    assert!(error.contains("is not a SQLite database"), "{error}");
    let empty = folder.path().join("empty.db");
    std::fs::write(&empty, "").unwrap();
    assert!(source_at(&empty).unwrap().tables().unwrap().is_empty());
}

#[test]
fn nothing_is_written_whatever_the_configuration_selects() {
    let check = Check::new("delete", "create table t (id integer primary key);");
    let before = std::fs::read(&check.path).unwrap();
    for statement in ["delete from t returning id", "insert into t default values returning id"] {
        let relation = Relation::Statement(statement.to_owned());
        assert!(check.source().describe(&relation).is_err(), "{statement}");
    }
    assert_eq!(check.rows(&check.query("t", &[])).unwrap().len(), 0);
    assert_eq!(std::fs::read(&check.path).unwrap(), before);
}

#[test]
fn a_wrong_value_is_told_by_field_and_key_and_never_shown() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, n integer, at datetime, name text);
         insert into t values (1, 5, '2026-01-01', 'a'), (7, 'secret', '2026-01-01', 'b'),
                              (8, 6, 'secret', 'c'), (9, 7, '2026-01-01', cast(x'FF' as text));",
    );
    let only = |columns: &[&str]| {
        let mut query = check.query("t", &[]);
        query.fields.retain(|selected| columns.contains(&&*selected.field.slug));
        query
    };
    let error = check.error(&only(&["id", "n"]));
    assert!(
        error.starts_with("field `n` of the row with id 7: a text is")
            || error.starts_with("field `n` of the row with id 7: the text"),
        "{error}"
    );
    assert!(!error.contains("secret") && error.contains("type `text`"), "{error}");
    let error = check.error(&only(&["id", "at"]));
    assert!(error.starts_with("field `at` of the row with id 8: the text stored"), "{error}");
    let error = check.error(&only(&["id", "name"]));
    assert!(error.starts_with("field `name` of the row with id 9: "), "{error}");
    assert!(error.contains("UTF-8"), "{error}");
    // Without its key among the columns, or with a personal one, the row has an ordinal.
    let error = check.error(&only(&["n"]));
    assert!(error.starts_with("field `n` of the row with ordinal 2: "), "{error}");
    let mut personal = only(&["id", "at"]);
    personal.key[0].pii = Some("customer".to_owned());
    let error = check.error(&personal);
    assert!(error.starts_with("field `at` of the row with ordinal 3: "), "{error}");
    let sorted = Query {
        sort: vec![SortKey { field: field("id", DataType::Integer), is_descending: true }],
        ..personal
    };
    let error = check.error(&sorted);
    assert!(error.starts_with("field `at` of the row with ordinal 2: "), "{error}");
}

#[test]
fn a_field_declared_as_text_takes_whatever_is_stored() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, n integer, any_, real_ real);
         insert into t values (1, 5, 1.5, 1), (2, 'five', x'00FF', 1e300), (3, 2.5, 'x', null);",
    );
    let query = check.query("t", &[("n", "text"), ("real_", "text")]);
    let row = |id, n: &str, any: &str, real| vec![Cell::Integer(id), text(n), text(any), real];
    let expected = [
        row(1, "5", "1.5", text("1.0")),
        row(2, "five", "00ff", text("1e+300")),
        row(3, "2.5", "x", Cell::Null),
    ];
    assert_eq!(check.rows(&query).unwrap(), expected);
    for (name, sought, id) in
        [("n", "5", 1), ("n", "2.5", 3), ("any_", "1.5", 1), ("any_", "00ff", 2)]
    {
        let predicate = compare(name, "text", Comparison::Eq, Literal::Text(sought.to_owned()));
        let found = check.rows(&Query { predicate, ..query.clone() }).unwrap();
        assert_eq!(firsts(&found), [id], "{name} {sought}");
    }
}

#[test]
fn special_numbers_keep_their_digits() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, total decimal(12,2), ratio double, exact text);
         insert into t values
            (1, 20, 9e999, '12345678901234567890123456789012345678'),
            (2, 19.5, -9e999, '-0.00000000000000000000000000000000000001'),
            (3, 0.1, 5e-324, '1e3'), (4, -0.0, 1.7976931348623157e308, '0.10'),
            (5, 9007199254740993, 0.1, '+5'), (6, null, null, null);",
    );
    let query = check.query("t", &[("exact", "decimal")]);
    let found = check.rows(&query).unwrap();
    let column = |at: usize| found.iter().map(|row| row[at].clone()).collect::<Vec<_>>();
    let decimals = |digits: &[&str]| -> Vec<Cell> {
        digits.iter().map(|digits| Cell::decimal(digits)).chain([Cell::Null]).collect()
    };
    assert_eq!(column(1), decimals(&["20", "19.5", "0.1", "0", "9007199254740993"]));
    let floats = [f64::INFINITY, f64::NEG_INFINITY, 5e-324, f64::MAX, 0.1];
    let floats: Vec<Cell> = floats.into_iter().map(Cell::Float).chain([Cell::Null]).collect();
    assert_eq!(column(2), floats);
    let exact = [
        "12345678901234567890123456789012345678",
        "-0.00000000000000000000000000000000000001",
        "1000",
        "0.1",
        "5",
    ];
    assert_eq!(column(3), decimals(&exact));
    let above = compare("exact", "decimal", Comparison::Gt, Literal::Decimal("999.5".to_owned()));
    let found = check.rows(&Query { predicate: above, ..query }).unwrap();
    assert_eq!(firsts(&found), [1, 3]);
}

#[test]
fn instants_and_identifiers_are_found_however_they_are_written() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, at datetime, token uuid, flag boolean, clock time);
         create index t_at on t (at);
         insert into t values
            (1, '2026-11-21 12:00:00', '0123abcd-0000-4000-8000-00000000000f', 1, '12:00'),
            (2, '2026-11-21T13:00:00+01:00', '0123ABCD-0000-4000-8000-00000000000F', 't', '12:00:00'),
            (3, '2026-11-21 12:00Z', '0123abcd00004000800000000000000f', 'TRUE', '12:00:00.000'),
            (4, '2026-11-22 01:00:00 +1300', x'0123ABCD00004000800000000000000F', 'true', '11:59:59.999999'),
            (5, '2026-11-21 12:00:00.000001', '0123abcd-0000-4000-8000-000000000000', 'false', '12:01'),
            (6, '2026-11-20', null, 0, null), (7, null, null, null, null);",
    );
    let query = check.query("t", &[]);
    let found = |predicate| {
        let mut found = firsts(&check.rows(&Query { predicate, ..query.clone() }).unwrap());
        found.sort_unstable();
        found
    };
    let noon = || {
        let noon = chrono::DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").unwrap();
        Literal::TimestampTz(noon.to_utc())
    };
    let at = |comparison| compare("at", "timestamptz", comparison, noon());
    assert_eq!(found(at(Comparison::Eq)), [1, 2, 3, 4]);
    assert_eq!(found(at(Comparison::Gt)), [5]);
    assert_eq!(found(at(Comparison::Gte)), [1, 2, 3, 4, 5]);
    assert_eq!(found(at(Comparison::Lt)), [6]);
    assert_eq!(found(at(Comparison::Lte)), [1, 2, 3, 4, 6]);
    let uuid = || Literal::Uuid("0123abcd-0000-4000-8000-00000000000f".to_owned());
    assert_eq!(found(compare("token", "uuid", Comparison::Eq, uuid())), [1, 2, 3, 4]);
    let others = (0..200).map(|n| Literal::Uuid(format!("ffffffff-0000-4000-8000-{n:012}")));
    let values = others.chain([uuid()]).collect();
    let token = field("token", DataType::Uuid);
    assert_eq!(found(Predicate::In { field: token, values }), [1, 2, 3, 4]);
    let flag = |value| compare("flag", "boolean", Comparison::Eq, Literal::Boolean(value));
    assert_eq!(found(flag(true)), [1, 2, 3, 4]);
    assert_eq!(found(flag(false)), [5, 6]);
    let clock = Literal::Time(chrono::NaiveTime::from_hms_opt(12, 0, 0).unwrap());
    assert_eq!(found(compare("clock", "time", Comparison::Eq, clock)), [1, 2, 3]);
}

#[test]
fn collations_sort_but_do_not_decide_equality() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, word text collate nocase);
         create index t_word on t (word);
         insert into t values (1, 'b'), (2, 'A'), (3, 'a'), (4, 'C');",
    );
    let query = check.query("t", &[]);
    let predicate = compare("word", "text", Comparison::Eq, Literal::Text("a".to_owned()));
    assert_eq!(firsts(&check.rows(&Query { predicate, ..query.clone() }).unwrap()), [3]);
    let word = || field("word", DataType::Text);
    let sort = |field| SortKey { field, is_descending: false };
    let sort = vec![sort(word()), sort(field("id", DataType::Integer))];
    assert_eq!(firsts(&check.rows(&Query { sort, ..query }).unwrap()), [2, 3, 1, 4]);
}

#[test]
fn tables_without_row_ids_and_views_are_read_by_one_reader() {
    let check = Check::new(
        "wal",
        "create table t (a text, b int, primary key (b, a)) without rowid;
         create table u (rowid, _rowid_, oid);
         create view v as select b, a || '!' as loud from t;
         insert into t values ('x', 2), ('y', 1); insert into u values (1, 2, 3);",
    );
    for table in ["t", "u", "v"] {
        let query = check.query(table, &[]);
        let stream = check.source().stream(&query, &options(4)).unwrap();
        assert_eq!(stream.readers.len(), 1, "{table}");
    }
    let found = check.rows(&check.query("v", &[])).unwrap();
    assert_eq!(found, [[Cell::Integer(1), text("y!")], [Cell::Integer(2), text("x!")]]);
    let description = check.source().describe(&check.query("t", &[]).relation).unwrap();
    assert_eq!(description.key, ["b", "a"]);
}

#[test]
fn rows_come_in_the_order_of_their_row_ids_from_all_readers() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, filler text);
         insert into t with recursive c(n) as (select 1 union all select n + 1 from c where n < 5000)
            select n * 1000003 - 2500000000, hex(zeroblob(n % 200)) from c;
         insert into t values (9223372036854775807, 'last'), (-9223372036854775808, 'first');",
    );
    let query = check.query("t", &[]);
    let stream = check.source().stream(&query, &options(4)).unwrap();
    assert_eq!(stream.readers.len(), 4);
    let drained = drain(stream).unwrap();
    let ids = firsts(&drained.rows);
    assert_eq!(ids.len(), 5002);
    assert!(ids.is_sorted());
    let done: u128 = drained.tickets.iter().map(|ticket| u128::from(ticket.extent_done)).sum();
    assert!(done <= u128::from(drained.extent.total) + 1);
    assert!(drained.tickets.len() < 1000, "{}", drained.tickets.len());
}

#[test]
fn progress_of_a_dense_table_follows_its_rows() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, filler text);
         insert into t with recursive c(n) as (select 1 union all select n + 1 from c where n < 9000)
            select n, hex(zeroblob(n % 100)) from c;",
    );
    let stream = check.source().stream(&check.query("t", &[]), &options(1)).unwrap();
    let (total, mut done, mut rows) = (stream.extent.total as f64, 0, 0);
    let mut reader = stream.readers.into_iter().next().unwrap();
    loop {
        let mut batch = RowBatch::default();
        let Some(ticket) = reader.read(&mut batch).unwrap() else { break };
        done += ticket.extent_done;
        rows += batch.len();
        let distance = (done as f64 / total - rows as f64 / 9000.0).abs();
        assert!(distance < 0.1, "{done} of {total} after {rows} rows");
    }
    assert_eq!((done as f64, rows), (total, 9000));
}

#[test]
fn a_selection_of_few_rows_goes_through_its_index() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, email text);
         create index t_email on t (email);
         insert into t with recursive c(n) as (select 1 union all select n + 1 from c where n < 5000)
            select n, 'u' || n || '@example.com' from c;",
    );
    let query = check.query("t", &[]);
    let one = Literal::Text("u77@example.com".to_owned());
    let predicate = compare("email", "text", Comparison::Eq, one);
    let narrow = Query { predicate, ..query.clone() };
    let stream = check.source().stream(&narrow, &options(4)).unwrap();
    assert_eq!((stream.readers.len(), stream.extent.total), (1, 1));
    assert_eq!(firsts(&drain(stream).unwrap().rows), [77]);
    let late = compare("email", "text", Comparison::Gt, Literal::Text("u".to_owned()));
    let stream = check.source().stream(&Query { predicate: late, ..query }, &options(4)).unwrap();
    assert_eq!(drain(stream).unwrap().rows.len(), 5000);
}

#[test]
fn a_cell_beyond_its_limit_is_refused_and_a_row_beyond_the_batch_is_not() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, a text, b text, c text, d text, e text);
         insert into t select 1, z, z, z, z, z from (select hex(zeroblob(500)) as z);
         insert into t (id, a) values (2, 'small');",
    );
    let query = check.query("t", &[]);
    assert_eq!(check.rows(&query).unwrap().len(), 2);
    check.client().execute("update t set b = hex(zeroblob(600)) where id = 2", []).unwrap();
    let error = check.error(&query);
    assert!(error.starts_with("field `b` of the row with id 2: a cell of 1200 bytes"), "{error}");
}

#[test]
fn the_snapshot_has_a_name_that_changes_with_every_commit() {
    for journal_mode in ["wal", "delete"] {
        let check = Check::new(journal_mode, "create table t (id integer primary key);");
        let query = check.query("t", &[]);
        let source = check.source();
        let name = || source.stream(&query, &options(2)).unwrap().snapshot.identity;
        let first = name();
        assert_eq!(name(), first);
        let client = check.client();
        client.execute("insert into t default values", []).unwrap();
        let second = name();
        assert_ne!(second, first, "{journal_mode}");
        if journal_mode == "wal" {
            assert!(second.contains("wal "), "{second}");
        }
    }
}

#[test]
fn what_is_committed_after_the_snapshot_is_not_read() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key);
         insert into t with recursive c(n) as (select 1 union all select n + 1 from c where n < 3000)
            select n from c;",
    );
    let stream = check.source().stream(&check.query("t", &[]), &options(4)).unwrap();
    check.client().execute_batch("delete from t; insert into t values (99999)").unwrap();
    assert_eq!(drain(stream).unwrap().rows.len(), 3000);
    assert_eq!(firsts(&check.rows(&check.query("t", &[])).unwrap()), [99999]);
}

#[test]
fn a_file_that_is_deleted_or_cut_in_mid_stream_gives_all_rows_or_an_error() {
    let fill = "create table t (id integer primary key, filler text);
         insert into t with recursive c(n) as (select 1 union all select n + 1 from c where n < 20000)
            select n, hex(zeroblob(100)) from c;";
    let check = Check::new("delete", fill);
    let stream = check.source().stream(&check.query("t", &[]), &options(2)).unwrap();
    std::fs::remove_file(&check.path).unwrap();
    // The open descriptor still has it.
    assert_eq!(drain(stream).unwrap().rows.len(), 20_000);

    let check = Check::new("delete", fill);
    let stream = check.source().stream(&check.query("t", &[]), &options(2)).unwrap();
    // Not opened and closed here, which would drop the locks of this process.
    let cut = std::process::Command::new("truncate")
        .args(["-s", "100000"])
        .arg(&check.path)
        .status()
        .unwrap();
    assert!(cut.success());
    match drain(stream) {
        Err(SourceError::Lost { source_name, .. }) => assert_eq!(source_name, "shop"),
        other => panic!("{:?}", other.map(|drained| drained.rows.len())),
    }
}

#[test]
fn a_statement_beyond_its_time_is_ended() {
    let check = Check::new("wal", "");
    let mut settings = SourceSettings::new("shop", format!("sqlite:{}", check.path.display()));
    settings.statement_seconds_max = Some(0);
    let source = connect(settings).unwrap();
    let query = Query {
        relation: Relation::Statement(spelling().slow.to_owned()),
        fields: vec![Selected {
            field: field("n", DataType::Integer),
            alias: None,
            is_hidden: false,
        }],
        key: Vec::new(),
        predicate: Predicate::everything(),
        sort: Vec::new(),
        is_consistent: true,
    };
    let outcome = drain(source.stream(&query, &options(1)).unwrap());
    assert!(matches!(outcome, Err(SourceError::StatementTooLong { seconds: 0 })), "{outcome:?}");
}

#[test]
fn a_check_tells_how_the_file_is_written() {
    let check = Check::new("delete", "create table t (id);");
    let table = TableName { schema: None, name: "t".to_owned() };
    let report = check.source().check(std::slice::from_ref(&table)).unwrap();
    assert!(report.version.starts_with("SQLite 3."), "{report:?}");
    assert!(report.warnings.iter().any(|warning| warning.contains("journal_mode = wal")));
    assert!(report.warnings.iter().any(|warning| warning.contains("may write")));
    check.client().pragma_update(None, "journal_mode", "wal").unwrap();
    let report = check.source().check(&[]).unwrap();
    assert!(!report.warnings.iter().any(|warning| warning.contains("journal_mode")));
    let gone = TableName { schema: None, name: "tt".to_owned() };
    assert!(matches!(check.source().check(&[gone]), Err(SourceError::UnknownTable { .. })));
}

#[test]
fn a_page_of_a_database_in_use_does_not_wait_for_its_writer() {
    let check =
        Check::new("wal", "create table t (id integer primary key); insert into t values (1);");
    let writer = check.client();
    writer.execute_batch("begin immediate; insert into t values (2)").unwrap();
    let query = check.query("t", &[]);
    let (_, batch) = check.source().rows(&query, Page { offset: 0, limit: 10 }).unwrap();
    assert_eq!(batch.len(), 1);
    assert_eq!(check.rows(&query).unwrap().len(), 1);
}
