//! Progress that a person can believe.

use tidegate_batch::RowBatch;
use tidegate_model::query::{Query, SortKey};

use super::{BATCH_BYTES, Check, options};

/// Points that progress may be off, in percent of the whole.
const POINTS: f64 = 10.0;

/// Reads to the end; asserts that progress is near the rows, and whole at the end.
fn follow(check: &Check, query: &Query, rows_in_all: u64, unit: &str) {
    let mut stream = check.source.stream(query, &options()).unwrap();
    assert_eq!(stream.extent.unit, unit);
    let mut batch = RowBatch::with_capacity(BATCH_BYTES);
    let (mut rows, mut done, mut batches) = (0, 0, 0);
    while let Some(ticket) = stream.readers[0].read(&mut batch).unwrap() {
        batches += 1;
        rows += batch.len() as u64;
        done += ticket.extent_done;
        let progress = 100.0 * done as f64 / stream.extent.total as f64;
        let written = 100.0 * rows as f64 / rows_in_all as f64;
        assert!((progress - written).abs() <= POINTS, "{progress} of the scan, {written} of rows");
        batch.clear(BATCH_BYTES);
    }
    assert_eq!((rows, done), (rows_in_all, stream.extent.total));
    assert!(batches > 20, "{batches} batches show little");
}

#[test]
fn the_key_tells_how_far_the_scan_is() {
    let check = Check::new(
        "create table t (id bigint unsigned auto_increment primary key, name varchar(80)); \
         insert into t (name) select repeat('x', 80) from seq_1_to_20000; \
         delete from t where id % 3 = 0 or id < 500",
    );
    let rows = check.database.query("select count(*) from t").trim().parse().unwrap();
    let mut query = check.query("t");
    follow(&check, &query, rows, "keys");
    let id = query.fields[0].field.clone();
    query.sort = vec![SortKey { field: id, is_descending: true }];
    follow(&check, &query, rows, "keys");
    // The position is known even where the key is not exported.
    query.sort.clear();
    query.fields.remove(0);
    query.key.clear();
    follow(&check, &query, rows, "keys");
}

#[test]
fn the_servers_estimate_will_do_where_no_key_tells() {
    let check = Check::new(
        "create table t (id varchar(40) primary key, name varchar(80), n int, key (n)); \
         insert into t select sha1(seq), repeat('x', 80), seq from seq_1_to_20000; analyze table t",
    );
    let mut query = check.query("t");
    let mut stream = check.source.stream(&query, &options()).unwrap();
    assert_eq!(stream.extent.unit, "rows");
    let rows = stream.rows_estimated.unwrap();
    assert!((10_000..40_000).contains(&rows), "{rows}");
    let mut batch = RowBatch::with_capacity(BATCH_BYTES);
    let (mut done, mut last) = (0, 0);
    while let Some(ticket) = stream.readers[0].read(&mut batch).unwrap() {
        done += last;
        assert!(done * 100 <= stream.extent.total * 99, "no end before the end");
        last = ticket.extent_done;
        batch.clear(BATCH_BYTES);
    }
    assert_eq!(done + last, stream.extent.total);
    query.fields.truncate(1);
    assert_eq!(check.source.stream(&query, &options()).unwrap().extent.unit, "rows");
}

#[test]
fn an_empty_table_is_done_at_once() {
    let check = Check::new("create table t (id int auto_increment primary key)");
    let mut stream = check.source.stream(&check.query("t"), &options()).unwrap();
    assert_eq!(stream.extent.total, 0);
    assert_eq!(stream.readers[0].read(&mut RowBatch::default()).unwrap(), None);
}
