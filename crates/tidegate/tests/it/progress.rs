//! Progress as scripts see it: what the lines tell lies near what is written.

use std::{
    io::{BufRead, BufReader, Read},
    process::Command,
};

use serde_json::Value;
use tidegate_testkit::{mariadb::MariaDb, postgres::Postgres};

use crate::site::Shop;

/// How far progress may be off, as a share of the whole.
const OFF_MAX: f64 = 0.10;
/// Bytes that are taken out of the program between two lines.
const PART_BYTES: u64 = 384 << 10;
/// Lines that have to be seen, or little was shown.
const LINES_MIN: usize = 15;

/// Runs an export into a pipe that is emptied bit by bit, each bit once a line has told how far the
/// export is: it waits for us, so that nobody has to wait for a clock. Gives the share of rows that
/// were written, and what the line said.
fn follow(command: &mut Command, rows_in_all: u64) -> Vec<(f64, f64)> {
    let mut child = command.spawn().unwrap();
    let mut file = child.stdout.take().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut seen = Vec::new();
    let mut part = Vec::new();
    loop {
        part.clear();
        let read = (&mut file).take(PART_BYTES).read_to_end(&mut part).unwrap();
        let progress = lines.by_ref().find_map(|line| {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            line.get("progress").cloned()
        });
        let Some(progress) = progress else {
            assert!((read as u64) < PART_BYTES, "the lines ended before the file");
            break;
        };
        let rows = progress["rows"].as_u64().unwrap();
        seen.push((rows as f64 / rows_in_all as f64, progress["share"].as_f64().unwrap()));
    }
    assert!(child.wait().unwrap().success());
    seen
}

fn lies_near_the_rows(url: &str, rows_in_all: &str) {
    let shop = Shop::new();
    let arguments = ["export", "--source", url, "--table", "t", "--json", "-o", "-"];
    let seen = follow(&mut shop.command(&arguments), rows_in_all.trim().parse().unwrap());
    for (written, told) in &seen {
        assert!((written - told).abs() <= OFF_MAX, "{told} told, {written} written: {seen:?}");
    }
    assert!(seen.len() >= LINES_MIN, "{seen:?}");
    assert!(seen.is_sorted());
    let between = |low: f64, high: f64| seen.iter().any(|(_, told)| (low..high).contains(told));
    assert!(between(0.0, 0.2) && between(0.4, 0.6) && between(0.8, 1.0), "{seen:?}");
}

#[test]
fn progress_of_an_export_from_sqlite_lies_near_its_rows() {
    let shop = Shop::new();
    shop.sqlite(
        "create table t (id integer primary key, note text);
         with recursive c(n) as (select 1 union all select n + 1 from c where n < 90000)
         insert into t select n, printf('%.*c', 50 + abs(random() % 200), 'x') from c;
         delete from t where random() % 3 = 0 or id < 2000;",
    );
    let url = format!("sqlite:{}", shop.path("shop.db").display());
    lies_near_the_rows(&url, &shop.sqlite("select count(*) from t"));
}

#[test]
fn progress_of_an_export_from_postgresql_lies_near_its_rows() {
    let database = Postgres::shared().database();
    database.execute(
        "create table t as select n as id, repeat('x', 50 + (random() * 200)::int) as note
           from generate_series(1, 90000) as n;
         delete from t where random() < 0.33 or id < 2000;",
    );
    lies_near_the_rows(&database.url(), &database.query("select count(*) from t"));
}

#[test]
fn progress_of_an_export_from_mariadb_lies_near_its_rows() {
    let database = MariaDb::shared().database();
    database.execute(
        "create table t (id int primary key, note varchar(250));
         insert into t select seq, repeat('x', 50 + floor(rand() * 200)) from seq_1_to_90000;
         delete from t where rand() < 0.33 or id < 2000;",
    );
    lies_near_the_rows(&database.url(), &database.query("select count(*) from t"));
}
