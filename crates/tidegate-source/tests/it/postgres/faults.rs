//! Broken connections, ended sessions and interrupts: told, and nothing left at the server.

use std::{
    io::Write,
    net::TcpListener,
    process::{Child, Stdio},
    thread,
};

use tidegate_batch::RowBatch;
use tidegate_source::{RowStream, SourceError, StreamOptions};
use tidegate_testkit::fault_proxy::{Break, FaultProxy};

use super::{Check, field, options, query, read, source, table_relation};

const ROWS: &str = "
    create table t as select i as id, repeat('x', i % 300) as note
    from generate_series(1, 5000) as i";
/// A view that sleeps for ever on its 101st row, after which nothing has been sent yet.
const SLOW: &str = "
    create function wait(i int) returns int language plpgsql as
      $$ begin if i > 100 then perform pg_sleep(600); end if; return i; end $$;
    create view slow as select wait(i) as id from generate_series(1, 1000) as i";

/// Bytes that come from the server for a whole export.
fn bytes_of_export(check: &Check, proxy: &FaultProxy, options: &StreamOptions) -> u64 {
    let before = proxy.passed();
    let through = source(&check.database.url_by(proxy.port()));
    read(through.stream(&check.query("t"), options).unwrap()).unwrap();
    proxy.passed() - before
}

#[test]
fn a_stream_that_breaks_anywhere_is_never_taken_for_the_end() {
    let check = Check::new(ROWS);
    let proxy = FaultProxy::start(check.database.server().port());
    let query = check.query("t");
    for (readers, cuts, last_cuts) in [(1, 130, 20), (4, 40, 10)] {
        let options = StreamOptions { readers, ..options() };
        let bytes = bytes_of_export(&check, &proxy, &options);
        // Cuts over the whole length, the last ones within the end itself.
        let last_cuts = (1..=last_cuts).map(|back| bytes - back);
        let cuts = (0..cuts).map(|part| bytes * part / cuts).chain(last_cuts);
        for cut in cuts {
            let through = source(&check.database.url_by(proxy.port()));
            proxy.break_after(cut, Break::Close);
            let outcome = through.stream(&query, &options).and_then(read);
            proxy.mend();
            match outcome {
                Err(SourceError::Lost { .. } | SourceError::Unreachable { .. }) => {}
                Err(other) => panic!("cut at {cut} of {bytes}: {other:?}"),
                // What is cut may be the good-bye of one reader while another had all the rows.
                Ok(read) => assert_eq!(read.rows.len(), 5000, "cut at {cut} of {bytes}"),
            }
        }
    }
}

#[test]
fn an_ended_session_is_a_loss() {
    let check = Check::new(ROWS);
    for readers in [1, 4] {
        let options = StreamOptions { readers, ..options() };
        let mut stream = check.source.stream(&check.query("t"), &options).unwrap();
        let mut batch = RowBatch::default();
        stream.readers[0].read(&mut batch).unwrap();
        check.database.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity
             where datname = current_database() and application_name = 'tidegate/export'",
        );
        for reader in &mut stream.readers {
            let error = loop {
                batch.clear(0);
                match reader.read(&mut batch) {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("a reader took the loss for the end"),
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, SourceError::Lost { .. }), "{error:?}");
        }
    }
    check.wait_until_left_alone();
}

/// Reads all of a stream on a thread for each reader, and gives the errors.
fn drain(stream: &mut RowStream) -> Vec<thread::JoinHandle<Option<SourceError>>> {
    let readers = std::mem::take(&mut stream.readers);
    readers
        .into_iter()
        .map(|mut reader| {
            thread::spawn(move || {
                let mut batch = RowBatch::default();
                loop {
                    match reader.read(&mut batch) {
                        Ok(Some(_)) => batch.clear(0),
                        Ok(None) => return None,
                        Err(error) => return Some(error),
                    }
                }
            })
        })
        .collect()
}

#[test]
fn an_interrupt_ends_a_statement_that_sends_nothing() {
    let check = Check::new(SLOW);
    let options = options();
    let mut stream = check.source.stream(&check.query("slow"), &options).unwrap();
    let reading = drain(&mut stream);
    check.wait_until("it sleeps", || check.sessions("wait_event").contains("PgSleep"));
    options.interrupt.interrupt();
    options.interrupt.interrupt();
    for thread in reading {
        let error = thread.join().unwrap();
        assert!(matches!(error, Some(SourceError::Interrupted)), "{error:?}");
    }
    check.wait_until_left_alone();
}

#[test]
fn an_interrupt_from_inside_a_runtime_is_heard_by_readers_that_wait_for_nobody() {
    let check = Check::new(ROWS);
    let options = options();
    let mut stream = check.source.stream(&check.query("t"), &options).unwrap();
    let mut batch = RowBatch::default();
    for reader in &mut stream.readers {
        batch.clear(0);
        reader.read(&mut batch).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { options.interrupt.interrupt() });
    for reader in &mut stream.readers {
        let error = loop {
            batch.clear(0);
            match reader.read(&mut batch) {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the export was stopped"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, SourceError::Interrupted), "{error:?}");
    }
    check.wait_until_left_alone();
}

#[test]
fn an_interrupt_is_heard_when_the_network_swallows_everything() {
    let check = Check::new(ROWS);
    let proxy = FaultProxy::start(check.database.server().port());
    let through = source(&check.database.url_by(proxy.port()));
    let query = check.query("t");
    let options = options();
    let mut stream = through.stream(&query, &options).unwrap();
    proxy.break_after(0, Break::Silence);
    let reading = drain(&mut stream);
    options.interrupt.interrupt();
    for thread in reading {
        let error = thread.join().unwrap();
        assert!(matches!(error, Some(SourceError::Interrupted)), "{error:?}");
    }
}

#[test]
fn a_stream_that_is_dropped_leaves_no_statement_running() {
    let check = Check::new(&format!("{SLOW}; {ROWS}"));
    for table in ["slow", "t"] {
        let mut stream = check.source.stream(&check.query(table), &options()).unwrap();
        if table == "t" {
            stream.readers[0].read(&mut RowBatch::default()).unwrap();
        }
        drop(stream);
        check.wait_until_left_alone();
    }
}

#[test]
fn a_cancel_at_the_server_is_no_interrupt_of_ours() {
    let check = Check::new(SLOW);
    let mut stream = check.source.stream(&check.query("slow"), &options()).unwrap();
    let reading = drain(&mut stream);
    check.wait_until("it sleeps", || check.sessions("wait_event").contains("PgSleep"));
    check.database.execute(
        "select pg_cancel_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()",
    );
    for thread in reading {
        let error = thread.join().unwrap().expect("the statement was cancelled");
        let SourceError::Refused { cause, .. } = error else { panic!("{error:?}") };
        assert!(cause.to_string().contains("57014"), "{cause}");
    }
}

#[test]
fn an_error_on_a_row_in_mid_stream_fails_and_does_not_quote_it() {
    let check = Check::new(
        "create table t as select i as id, case i when 9000 then 'ada@example.com' else i::text end
           as number from generate_series(1, 10000) as i",
    );
    let number = field("number", tidegate_batch::DataType::Integer);
    let query = query(table_relation("t"), vec![number]);
    let error = check.read(&query).err().expect("a text is no number");
    let told = format!("{error:?}");
    assert!(matches!(error, SourceError::Refused { .. }), "{told}");
    assert!(told.contains("22P02") && !told.contains("ada"), "{told}");
    check.wait_until_left_alone();
}

#[test]
fn a_table_without_the_right_to_read_it_is_named_with_the_remedy() {
    let check = Check::new("create table orders (id int)");
    let role = check.role("");
    let reader = source(&check.database.url_as(&role, "p"));
    let error = reader.stream(&check.query("orders"), &options()).err().expect("no right");
    let told = error.to_string();
    assert!(told.contains("`orders`") && told.contains("grant select on \"orders\""), "{told}");
}

/// A client that holds the table, until it is dropped.
fn locked(check: &Check, table: &str) -> Child {
    let mut client = check.database.psql().stdin(Stdio::piped()).spawn().unwrap();
    let script = client.stdin.as_mut().unwrap();
    writeln!(script, "begin; lock table {table} in access exclusive mode;").unwrap();
    let held = "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted
                and database = (select oid from pg_database where datname = current_database())";
    check.wait_until("the table is locked", || check.database.query(held).trim() != "0");
    client
}

#[test]
fn an_interrupt_ends_the_wait_for_a_locked_table() {
    let check = Check::new("create table t (id int)");
    let query = check.query("t");
    let mut client = locked(&check, "t");
    let options = options();
    thread::scope(|scope| {
        let opening = scope.spawn(|| check.source.stream(&query, &options).map(drop));
        let waiting = || check.sessions("wait_event_type").contains("Lock");
        check.wait_until("the export waits for the table", waiting);
        options.interrupt.interrupt();
        let outcome = opening.join().unwrap();
        assert!(matches!(outcome, Err(SourceError::Interrupted)), "{outcome:?}");
    });
    let ours = "select count(*) from pg_stat_activity where application_name like 'tidegate%'
                and datname = current_database()";
    check.wait_until("ours has gone", || check.database.query(ours).trim() == "0");
    drop(client.stdin.take());
    assert!(client.wait().unwrap().success());
    assert!(check.read(&query).unwrap().rows.is_empty());
}

#[test]
fn an_interrupt_ends_the_wait_for_a_server_that_says_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = source(&format!("postgres://u@127.0.0.1:{port}/d?connect_timeout=0"));
    let id = field("id", tidegate_batch::DataType::Integer);
    let query = query(table_relation("t"), vec![id]);
    let options = options();
    thread::scope(|scope| {
        let opening = scope.spawn(|| silent.stream(&query, &options).map(drop));
        let _connected = listener.accept().unwrap();
        options.interrupt.interrupt();
        let outcome = opening.join().unwrap();
        assert!(matches!(outcome, Err(SourceError::Interrupted)), "{outcome:?}");
    });
}
