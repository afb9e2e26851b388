//! Connections that end before the rows do.

use tidegate_batch::RowBatch;
use tidegate_source::{RowStream, SourceError};
use tidegate_testkit::fault_proxy::{Break, FaultProxy};

use super::{Check, options, read, source};

const ROWS: &str = "\
    create table t (id int auto_increment primary key, name varchar(200)); \
    insert into t (name) select repeat('x', 200) from seq_1_to_50000";

/// The number of the stream's connection, which has to have sent rows already.
fn connection(check: &Check) -> String {
    let list = check.database.query(
        "select id from information_schema.processlist \
         where db = database() and info like '/* tidegate/export */%'",
    );
    list.trim().to_owned()
}

fn started(check: &Check) -> RowStream {
    let mut stream = check.source.stream(&check.query("t"), &options()).unwrap();
    stream.readers[0].read(&mut RowBatch::default()).unwrap().unwrap();
    stream
}

#[test]
fn a_connection_that_is_killed_is_lost_not_ended() {
    for kind in ["connection", "query"] {
        let check = Check::new(ROWS);
        let mut stream = started(&check);
        check.database.execute(&format!("kill {kind} {}", connection(&check)));
        let error = read_on(&mut stream).unwrap_err();
        assert!(matches!(error, SourceError::Lost { .. }), "{kind}: {error:?}");
        check.wait_until_left_alone();
    }
}

/// Reads the rest of a stream.
fn read_on(stream: &mut RowStream) -> Result<u64, SourceError> {
    let mut rows = 0;
    let mut batch = RowBatch::default();
    while stream.readers[0].read(&mut batch)?.is_some() {
        rows += batch.len() as u64;
        batch.clear(super::BATCH_BYTES);
    }
    Ok(rows)
}

#[test]
fn a_table_cannot_be_altered_under_an_open_stream() {
    for key in ["int auto_increment", "varchar(40)"] {
        let check = Check::new(&format!(
            "create table t (id {key} primary key); insert into t (id) values (1), (2)"
        ));
        let stream = check.source.stream(&check.query("t"), &options()).unwrap();
        let mut alter = check.database.client();
        alter
            .args(["--execute", "set lock_wait_timeout = 1; alter table t add column n int first"]);
        let output = alter.output().unwrap();
        assert!(String::from_utf8_lossy(&output.stderr).contains("1205"), "{key}: {output:?}");
        assert_eq!(read(stream).unwrap().len(), 2);
        check.database.execute("alter table t add column n int first");
    }
}

#[test]
fn a_stream_cut_at_any_byte_is_lost_not_ended() {
    let check = Check::new(
        "create table t (id int auto_increment primary key, name varchar(300)); \
         insert into t (name) select repeat('x', seq % 300) from seq_1_to_400",
    );
    let proxy = FaultProxy::start(check.database.server().port());
    let server = format!(":{}/", check.database.server().port());
    let url = check.database.url().replace(&server, &format!(":{}/", proxy.port()));
    let source = source(&url);
    let query = check.query("t");
    let mut stream = source.stream(&query, &options()).unwrap();
    let before = proxy.passed();
    assert_eq!(read_on(&mut stream).unwrap(), 400);
    let bytes = proxy.passed() - before;
    // All over the rows, and each byte of the last packets, which say that this was the end.
    let cuts = (0..180).map(|at| at * bytes / 180).chain(bytes - 20..bytes);
    for cut in cuts {
        proxy.mend();
        let mut stream = source.stream(&query, &options()).unwrap();
        proxy.break_after(cut, Break::Close);
        let error = read_on(&mut stream).unwrap_err();
        assert!(matches!(error, SourceError::Lost { .. }), "cut at {cut} of {bytes}: {error:?}");
        let again = stream.readers[0].read(&mut RowBatch::default());
        assert!(again.is_err(), "a loss is no end");
    }
    proxy.mend();
    let mut stream = source.stream(&query, &options()).unwrap();
    proxy.break_after(bytes, Break::Close);
    assert_eq!(read_on(&mut stream).unwrap(), 400);
    check.wait_until_left_alone();
}
