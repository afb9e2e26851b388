//! What a session may do, how long, and how it is stopped.

use std::{io::Write, process::Stdio, sync::mpsc};

use tidegate_batch::{DataType, RowBatch};
use tidegate_model::{
    catalog::Relation,
    query::{Literal, Predicate, Query},
};
use tidegate_source::{Source, SourceError, SourceSettings, StreamOptions, connect};

use super::{Check, field, options, query, read, table_relation};

const MANY_ROWS: &str = "\
    create table t (id int auto_increment primary key, name varchar(200)); \
    insert into t (name) select repeat('x', 200) from seq_1_to_50000";

fn statement(text: &str) -> Query {
    let relation = Relation::Statement(text.to_owned());
    query(relation, vec![field("v", DataType::Integer)])
}

/// The error with all its causes.
fn told(error: &SourceError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[test]
fn a_session_cannot_write() {
    let check = Check::new("create table t (id int); insert into t values (1)");
    let function = "create function f() returns int deterministic modifies sql data \
                    begin insert into t values (2); return 1; end";
    let mut client = check.database.client();
    client.args(["--delimiter=//", "--execute", function]);
    assert!(client.status().unwrap().success());
    let error = check.read(&statement("select f() as v from t")).unwrap_err();
    assert!(told(&error).contains("READ ONLY"), "{}", told(&error));
    assert_eq!(check.database.query("select count(*) from t").trim(), "1");
}

#[test]
fn a_session_bears_its_name() {
    let check = Check::new(MANY_ROWS);
    let mut stream = check.source.stream(&check.query("t"), &options()).unwrap();
    stream.readers[0].read(&mut RowBatch::default()).unwrap();
    assert_eq!(check.sessions("/* tidegate/export */"), 1);
}

#[test]
fn a_statement_that_takes_too_long_is_told_with_its_limit() {
    let check = Check::new("create table t (id int); insert into t values (1)");
    let settings = SourceSettings {
        statement_seconds_max: Some(1),
        ..SourceSettings::new("shop", check.database.url())
    };
    let source = connect(settings).unwrap();
    let stream = source.stream(&statement("select sleep(60) as v from t"), &options()).unwrap();
    assert!(matches!(read(stream), Err(SourceError::StatementTooLong { seconds: 1 })));
    check.wait_until_left_alone();
}

/// Statements that give no row for a long time: one that waits, one that works, which does not
/// notice that nobody listens any more.
const SLOW: [&str; 2] = [
    "select sleep(600) as v from t",
    "select a.seq as v from seq_1_to_1000000 as a, seq_1_to_1000000 as b where a.seq + b.seq < 0",
];

#[test]
fn an_interrupt_ends_a_statement_that_is_silent() {
    for slow in SLOW {
        let check = Check::new("create table t (id int); insert into t values (1)");
        let options = options();
        let mut stream = check.source.stream(&statement(slow), &options).unwrap();
        let (sender, receiver) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            sender.send(stream.readers[0].read(&mut RowBatch::default())).unwrap();
        });
        while check.sessions(slow) == 0 {
            std::thread::yield_now();
        }
        options.interrupt.interrupt();
        options.interrupt.interrupt();
        assert!(matches!(receiver.recv().unwrap(), Err(SourceError::Interrupted)));
        reader.join().unwrap();
        check.wait_until_left_alone();
    }
}

#[test]
fn an_interrupt_before_the_first_read_and_between_two_counts() {
    let check = Check::new(MANY_ROWS);
    let query = check.query("t");
    for reads in 0..3 {
        let options = options();
        let mut stream = check.source.stream(&query, &options).unwrap();
        let mut batch = RowBatch::default();
        for _ in 0..reads {
            stream.readers[0].read(&mut batch).unwrap().unwrap();
        }
        options.interrupt.interrupt();
        let error = stream.readers[0].read(&mut batch);
        assert!(matches!(error, Err(SourceError::Interrupted)), "{reads}: {error:?}");
        check.wait_until_left_alone();
    }
}

#[test]
fn a_stream_that_is_dropped_leaves_nothing_on_the_server() {
    let check = Check::new(MANY_ROWS);
    let query = check.query("t");
    let mut stream = check.source.stream(&query, &options()).unwrap();
    stream.readers[0].read(&mut RowBatch::default()).unwrap().unwrap();
    drop(stream);
    check.wait_until_left_alone();
    drop(check.source.stream(&query, &options()).unwrap());
    check.wait_until_left_alone();
    read(check.source.stream(&query, &options()).unwrap()).unwrap();
    check.wait_until_left_alone();
}

#[test]
fn an_error_of_the_server_says_no_value() {
    let check = Check::new(
        "create table t (id bigint, secret varchar(40)); \
         insert into t values (9223372036854775807, '8446744073709551000')",
    );
    let error = check.read(&statement("select id * (secret + 0e0 > 1) * id as v from t"));
    let told = told(&error.unwrap_err());
    assert!(told.contains("1690") && told.contains("shop"), "{told}");
    assert!(!told.contains("922") && !told.contains("844"), "{told}");
}

#[test]
fn a_cell_beyond_the_limit_fails_with_its_row() {
    let check = Check::new(
        "create table t (id int primary key, name text); \
         insert into t values (1, 'short'), (2, repeat('x', 2000))",
    );
    let options = StreamOptions { cell_bytes_max: 1000, ..options() };
    let stream = check.source.stream(&check.query("t"), &options).unwrap();
    let error = read(stream).unwrap_err().to_string();
    assert!(error.contains("field `name` of the row with id 2"), "{error}");
    assert!(error.contains("1000 bytes"), "{error}");
}

#[test]
fn a_key_that_is_personal_does_not_name_its_row() {
    let check = Check::new(
        "create table t (email varchar(40) primary key, flag tinyint(1)); \
         insert into t values ('ada@example.com', 1), ('bob@example.com', 7)",
    );
    let mut query = check.query("t");
    assert!(check.read(&query).unwrap_err().to_string().contains("email bob@example.com"));
    query.key[0].pii = Some("email".to_owned());
    let error = check.read(&query).unwrap_err().to_string();
    assert!(error.contains("ordinal 2") && !error.contains("bob"), "{error}");
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let check = Check::new("create table orders (id int primary key, total int)");
    let error = check.source.describe(&table_relation("order")).unwrap_err().to_string();
    assert!(error.contains("did you mean `orders`?"), "{error}");
    let fields = vec![field("totl", DataType::Integer)];
    let error = check.read(&query(table_relation("orders"), fields)).unwrap_err().to_string();
    assert!(error.contains("`totl`") && error.contains("id, total"), "{error}");
    let source = check.as_account("usage on *.*");
    assert!(source.describe(&table_relation("orders")).is_err());
}

#[test]
fn a_selection_beyond_what_a_statement_takes_is_refused() {
    let check = Check::new("create table t (v int primary key)");
    let mut query = check.query("t");
    let value = |n| Literal::Integer(n);
    query.predicate = Predicate::In {
        field: query.fields[0].field.clone(),
        values: (0..70_000).map(value).collect(),
    };
    let error = check.source.count(&query, crate::PATIENCE).unwrap_err();
    assert!(told(&error).contains("select fewer keys"), "{}", told(&error));
}

#[test]
fn a_wrong_password_and_a_closed_port_are_told_without_the_password() {
    let check = Check::new("");
    let wrong = check.database.url_as("root", "guess");
    let closed = "mysql://root:guess@127.0.0.1:1/db".to_owned();
    for url in [wrong, closed] {
        let source: Box<dyn Source> = connect(SourceSettings::new("shop", url)).unwrap();
        let error = source.tables().unwrap_err();
        assert!(matches!(error, SourceError::Unreachable { .. }), "{error:?}");
        assert!(!told(&error).contains("guess"), "{}", told(&error));
    }
}

#[test]
fn an_interrupt_ends_the_wait_for_a_locked_table() {
    let check = Check::new("create table t (id int primary key)");
    let query = check.query("t");
    let mut client = check.database.client().stdin(Stdio::piped()).spawn().unwrap();
    writeln!(client.stdin.as_mut().unwrap(), "lock tables t write; select sleep(600);").unwrap();
    while check.sessions("select sleep(600)") == 0 {
        std::thread::yield_now();
    }
    let options = options();
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| check.source.stream(&query, &options).map(drop));
        let waiting = "select count(*) from information_schema.processlist
                       where db = database() and state like 'Waiting for table%'";
        while check.database.query(waiting).trim() == "0" {
            std::thread::yield_now();
        }
        options.interrupt.interrupt();
        let outcome = opening.join().unwrap();
        assert!(matches!(outcome, Err(SourceError::Interrupted)), "{outcome:?}");
    });
    assert_eq!(check.sessions("/* tidegate"), 0);
    client.kill().unwrap();
    client.wait().unwrap();
}

#[test]
fn an_interrupt_ends_the_wait_for_a_server_that_says_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = super::source(&format!("mysql://u:p@127.0.0.1:{port}/d"));
    let query = query(table_relation("t"), vec![field("id", DataType::Integer)]);
    let options = options();
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| silent.stream(&query, &options).map(drop));
        let _connected = listener.accept().unwrap();
        options.interrupt.interrupt();
        let outcome = opening.join().unwrap();
        assert!(matches!(outcome, Err(SourceError::Interrupted)), "{outcome:?}");
    });
}
