//! One export, one point in time: also when tables are emptied or rewritten beside it.

use std::{io::Write, process::Stdio, thread};

use super::{Check, options, query, read, table_relation};

const ROWS: &str = "
    create table t as select i as id, repeat('x', 200) as note from generate_series(1, 5000) as i";

/// Sessions that wait for a lock and run something like this.
fn waits(check: &Check, what: &str) -> bool {
    check
        .sessions("wait_event_type, query")
        .lines()
        .any(|session| session.starts_with("Lock|") && session.contains(what))
}

#[test]
fn every_reader_sees_all_rows_of_its_share_while_a_truncate_waits() {
    let check = Check::new(ROWS);
    let stream = check.source.stream(&check.query("t"), &options()).unwrap();
    thread::scope(|scope| {
        let truncate = scope.spawn(|| check.database.execute("truncate t"));
        check.wait_until("the truncate waits", || waits(&check, "truncate"));
        assert_eq!(read(stream).unwrap().rows.len(), 5000);
        truncate.join().unwrap();
    });
}

/// Runs `change` while an export waits for it, between its snapshot and its locks.
fn rows_beside(
    check: &Check,
    lock: &str,
    change: &str,
    asked: &tidegate_model::query::Query,
) -> usize {
    let mut client = check.database.psql().stdin(Stdio::piped()).spawn().unwrap();
    let mut script = client.stdin.take().unwrap();
    writeln!(script, "begin; {lock};").unwrap();
    script.flush().unwrap();
    check.wait_until("the client has its lock", || check.sessions("state").contains("idle in tr"));
    let rows = thread::scope(|scope| {
        let reading = scope.spawn(|| check.read(asked).unwrap().rows.len());
        check.wait_until("the export waits", || waits(check, "SELECT"));
        writeln!(script, "{change}; commit;").unwrap();
        drop(script);
        reading.join().unwrap()
    });
    assert!(client.wait().unwrap().success());
    rows
}

#[test]
fn a_table_that_is_emptied_or_rewritten_before_it_is_locked_is_read_as_it_is_then() {
    for (lock, change, rows) in [
        ("truncate t", "insert into t select 1 from generate_series(1, 3)", 3),
        ("alter table t alter id type bigint using id", "select 1", 5000),
        ("alter table t rename to old", "create table t as select * from old limit 7", 7),
    ] {
        let check = Check::new(ROWS);
        let asked =
            query(table_relation("t"), vec![super::field("id", tidegate_batch::DataType::Integer)]);
        assert_eq!(rows_beside(&check, lock, change, &asked), rows, "{lock}");
    }
}

#[test]
fn a_materialized_view_that_is_refreshed_before_it_is_locked_is_read_as_it_is_then() {
    let check = Check::new(&format!("{ROWS}; create materialized view m as select * from t"));
    let asked = check.query("m");
    check.database.execute("delete from t where id > 10");
    assert_eq!(rows_beside(&check, "refresh materialized view m", "select 1", &asked), 10);
}
