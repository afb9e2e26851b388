//! The tables of the benchmarks: made once, the same rows in every database.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use super::{
    rows::{Size, Source},
    servers::Servers,
};
use crate::command::succeed;

const SQL: &str = "benchmarks/data";
/// How the rows are handed on to the other databases.
const CSV: &str = "to stdout (format csv, header)";
/// The columns as MariaDB reads them: no zones, no letters for truth, `\N` for NULL.
const MARIADB_COLUMNS: &str = "id, order_number, user_id, status, currency, total, tax, email, \
     customer_name, to_char(placed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), \
     to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), note, shipping, \
     items_count, is_gift::int";

/// Name of the table in a server that holds all sizes.
pub(crate) fn table(size: Size) -> String {
    format!("orders_{}", size.slug)
}

/// The SQLite file of a size.
pub(super) fn sqlite_file(folder: &Path, size: Size) -> PathBuf {
    folder.join(format!("orders_{}.sqlite", size.slug))
}

/// Makes the table if it is not there.
pub(crate) fn make(folder: &Path, servers: &Servers, from: Source, size: Size) -> Result<()> {
    let made = match from {
        Source::Postgres => postgres(servers, size),
        Source::Sqlite => postgres(servers, size).and_then(|()| sqlite(folder, servers, size)),
        Source::Mariadb => postgres(servers, size).and_then(|()| mariadb(servers, size)),
    };
    made.with_context(|| format!("cannot make {} in {}", table(size), from.slug()))
}

fn postgres(servers: &Servers, size: Size) -> Result<()> {
    let table = table(size);
    // A peer's keyed hashes.
    succeed(&mut servers.psql(&["-c", "create extension if not exists pgcrypto"])?)?;
    if servers.psql(&["-c", &format!("select from {table} limit 1")])?.status()?.success() {
        return Ok(());
    }
    println!("making {table} in postgres");
    let (name, rows) = (format!("table={table}"), format!("rows={}", size.rows));
    let script = format!("{SQL}/orders.sql");
    let mut psql = servers.psql(&["-v", &name, "-v", &rows, "-f", &script])?;
    succeed(psql.stderr(Stdio::inherit()))
}

fn sqlite(folder: &Path, servers: &Servers, size: Size) -> Result<()> {
    let file = sqlite_file(folder, size);
    if file.exists() {
        return Ok(());
    }
    println!("making {}", file.display());
    let half_made = file.with_extension("part");
    if half_made.exists() {
        fs::remove_file(&half_made)?;
    }
    let script = format!(".read {SQL}/orders_sqlite.sql");
    let mut shell = Command::new("sqlite3");
    shell.arg(&half_made).arg(script).stdout(Stdio::null());
    pour(servers, &format!("copy {} {CSV}", table(size)), &mut shell)?;
    Ok(fs::rename(half_made, file)?)
}

fn mariadb(servers: &Servers, size: Size) -> Result<()> {
    let table = table(size);
    let there = format!("select 1 from bench.{table} limit 1");
    let mut probe = servers.mariadb(&["-e", &there]);
    if probe.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success() {
        return Ok(());
    }
    println!("making {table} in mariadb");
    let definition = fs::read_to_string(format!("{SQL}/orders_mariadb.sql"))?;
    let definition = format!("create database if not exists bench; use bench; {definition}");
    succeed(&mut servers.mariadb(&["-e", &definition]))?;
    let load = "load data local infile '/dev/stdin' into table orders character set utf8mb4 \
                fields terminated by '\\t' escaped by '\\\\' lines terminated by '\\n'";
    let rows = format!("copy (select {MARIADB_COLUMNS} from {table}) to stdout");
    pour(servers, &rows, &mut servers.mariadb(&["bench", "-e", load]))?;
    // Only now it has its name, so that a half made one is not taken for it.
    let rename = format!("rename table orders to {table}; analyze table {table}");
    succeed(servers.mariadb(&["bench", "-e", &rename]).stdout(Stdio::null()))
}

/// Pipes what PostgreSQL copies out into another program.
fn pour(servers: &Servers, copy: &str, into: &mut Command) -> Result<()> {
    let mut psql = servers.psql(&["-c", copy])?;
    let mut psql = psql.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
    let rows = psql.stdout.take().context("asked for a pipe")?;
    succeed(into.stdin(rows))?;
    anyhow::ensure!(psql.wait()?.success(), "psql failed");
    Ok(())
}
