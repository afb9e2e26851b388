//! The site is the same in every run, and its rows hold together.

use std::{ops::ControlFlow, path::Path};

use rusqlite::{Connection, types::ValueRef};
use sha2::{Digest, Sha256};

use super::*;

const ROWS: u64 = 600;
/// SHA-256 over all rows of a site of [`ROWS`] orders and seed 1. It changes with every change of
/// what the demo writes: put the new one here, knowingly.
const CONTENT: &str = "c297838eea69c60b7049e469ab68012b02925845838ac5f50d24e87c559649ee";

fn site(directory: &Path, options: SiteOptions) -> Result<Site, DemoError> {
    write_site(directory, &options, &mut |_| ControlFlow::Continue(()))
}

pub(super) fn small() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let options = SiteOptions { rows: ROWS, ..SiteOptions::default() };
    let site = site(folder.path(), options).unwrap();
    let connection = Connection::open(site.database).unwrap();
    (folder, connection)
}

fn tables(connection: &Connection) -> Vec<String> {
    let mut statement =
        connection.prepare("select name from sqlite_schema where type = 'table'").unwrap();
    let names: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    names.into_iter().filter(|name| !name.starts_with("sqlite_")).collect()
}

fn content(connection: &Connection) -> String {
    let mut hash = Sha256::new();
    for table in tables(connection) {
        hash.update(table.as_bytes());
        let mut statement =
            connection.prepare(&format!("select * from {table} order by 1, 2")).unwrap();
        let width = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for at in 0..width {
                match row.get_ref(at).unwrap() {
                    ValueRef::Null => hash.update(b"n"),
                    ValueRef::Integer(number) => hash.update(number.to_le_bytes()),
                    ValueRef::Real(number) => hash.update(number.to_le_bytes()),
                    ValueRef::Text(text) | ValueRef::Blob(text) => hash.update(text),
                }
                hash.update(b"\0");
            }
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn two_runs_write_the_same_rows_as_every_run_before() {
    let (_first, one) = small();
    let (_second, other) = small();
    assert_eq!(content(&one), content(&other));
    assert_eq!(content(&one), CONTENT);
}

#[test]
fn another_seed_writes_other_rows() {
    let folder = tempfile::tempdir().unwrap();
    let options = SiteOptions { rows: ROWS, seed: 2, ..SiteOptions::default() };
    let site = site(folder.path(), options).unwrap();
    assert_ne!(content(&Connection::open(site.database).unwrap()), CONTENT);
}

#[test]
fn the_rows_told_are_the_rows_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut last = None;
    let options = SiteOptions { rows: ROWS, ..SiteOptions::default() };
    let site = write_site(folder.path(), &options, &mut |progress| {
        last = Some(progress);
        ControlFlow::Continue(())
    });
    let site = site.unwrap();
    let connection = Connection::open(&site.database).unwrap();
    for (table, rows) in &site.tables {
        let counted = number(&connection, &format!("select count(*) from {table}"));
        assert_eq!(counted as u64, *rows, "{table}");
        assert!(*rows > 0, "{table}");
    }
    assert!(site.tables.contains(&("orders", ROWS)));
    let last = last.unwrap();
    let lines = site.tables.iter().find(|(table, _)| *table == "order_lines").unwrap().1;
    assert_eq!(last.rows_done, last.rows_total);
    assert_eq!(last.rows_done, site.tables.iter().map(|(_, rows)| rows).sum::<u64>() - lines);
    assert_eq!(site.bytes, std::fs::metadata(&site.database).unwrap().len());
}

#[test]
fn the_database_is_whole_and_in_wal_mode() {
    let (folder, connection) = small();
    let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(text("pragma journal_mode"), "wal");
    assert_eq!(text("pragma integrity_check"), "ok");
    let mut broken = connection.prepare("pragma foreign_key_check").unwrap();
    assert!(broken.query([]).unwrap().next().unwrap().is_none());
    drop(broken);
    drop(connection);
    let mut files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["site.db", "tidegate.toml"]);
}

#[test]
fn every_total_is_the_sum_of_its_parts() {
    let (_folder, connection) = small();
    let wrong = "select count(*) from orders o where
        round(100 * total) <> round(100 * subtotal) + round(100 * tax) + round(100 * shipping_cost)
        or round(100 * subtotal) <> (select sum(quantity * round(100 * unit_price))
            from order_lines l where l.order_id = o.id)
        or items_count <> (select sum(quantity) from order_lines l where l.order_id = o.id)";
    assert_eq!(number(&connection, wrong), 0);
    // Every amount has at most two decimals, and a yen has none.
    let odd = "select count(*) from orders where printf('%.2f', total) + 0 <> total
        or (currency = 'JPY' and cast(total as integer) <> total)";
    assert_eq!(number(&connection, odd), 0);
}

#[test]
fn values_have_the_form_that_their_columns_promise() {
    let (_folder, connection) = small();
    let time = "strftime('%Y-%m-%dT%H:%M:%fZ', ";
    for (table, wrong) in [
        ("media", "length(sha256) <> 64 or sha256 glob '*[^0-9a-f]*' or bytes <= 0"),
        ("orders", "shipping is not null and not json_valid(shipping)"),
        ("orders", &format!("{time}placed_at) is not placed_at")),
        ("orders", "updated_at < placed_at or date(shipped_on) is not shipped_on"),
        ("orders", "(customer_id is null) <> (shipping is null)"),
        ("orders", "placed_at < (select created_at from users u where u.id = customer_id)"),
        ("users", &format!("{time}created_at) is not created_at")),
        ("users", "email not glob '?*@*.*' or (consented_at is null) = marketing_consent"),
        ("posts", "not json_valid(tags) or (seo is not null and not json_valid(seo))"),
        ("posts", "(published_at is null) = (status in ('published', 'archived'))"),
        ("page_views", "day <> substr(viewed_at, 1, 10)"),
        ("page_views", "(duration_seconds is null) <> (device = 'bot')"),
    ] {
        let count = number(&connection, &format!("select count(*) from {table} where {wrong}"));
        assert_eq!(count, 0, "{table} where {wrong}");
    }
}

#[test]
fn the_hard_cases_are_there() {
    let (_folder, connection) = small();
    for (table, wanted) in [
        ("orders", "customer_note = '=1+1' or customer_note like '@cmd%'"),
        ("orders", "customer_note glob '[=@+-]*'"),
        ("orders", "customer_note = ''"),
        ("orders", "customer_note is null"),
        ("orders", "customer_note like '%' || char(10) || '%'"),
        ("orders", "customer_note like '%\"%'"),
        ("orders", "customer_id is null"),
        ("users", "display_name like '%''%'"),
        ("users", "display_name glob '*[一-龥]*'"),
        ("users", "display_name glob '*[א-ת]*'"),
        ("media", "bytes > 2147483647"),
        ("posts", "seo is null"),
        ("page_views", "visitor_id is null"),
        ("page_views", "visitor_id is not null"),
    ] {
        let count = number(&connection, &format!("select count(*) from {table} where {wanted}"));
        assert!(count > 0, "{table} where {wanted}");
    }
}

#[test]
fn a_site_without_orders_is_a_site() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path(), SiteOptions { rows: 0, ..SiteOptions::default() }).unwrap();
    assert!(site.tables.contains(&("orders", 0)));
    assert!(site.tables.contains(&("users", 40)));
}

#[test]
fn too_many_orders_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let options = SiteOptions { rows: ORDERS_MAX + 1, ..SiteOptions::default() };
    let refused = site(&folder.path().join("site"), options).unwrap_err();
    assert!(matches!(refused, DemoError::TooManyRows { .. }));
    assert!(!folder.path().join("site").exists());
}

#[test]
fn a_site_is_replaced_only_when_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let options = SiteOptions { rows: 1, ..SiteOptions::default() };
    site(folder.path(), options).unwrap();
    // The logs of the old database must not be read into the new one.
    std::fs::write(folder.path().join("site.db-wal"), "old").unwrap();
    let refused = site(folder.path(), options).unwrap_err();
    assert!(matches!(refused, DemoError::Exists { .. }), "{refused}");
    let replaced =
        site(folder.path(), SiteOptions { rows: 2, is_replacing: true, ..options }).unwrap();
    assert!(replaced.tables.contains(&("orders", 2)));
    assert!(!folder.path().join("site.db-wal").exists());
}

#[test]
fn an_interrupted_run_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = SiteOptions { rows: ROWS, ..SiteOptions::default() };
    let interrupted = write_site(folder.path(), &options, &mut |progress| {
        if progress.table == "posts" { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(interrupted, Err(DemoError::Interrupted)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_site_without_its_configuration_is_not_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    // A folder of that name cannot be replaced by a file.
    std::fs::create_dir_all(folder.path().join(CONFIG_NAME).join("inside")).unwrap();
    let options = SiteOptions { rows: 1, is_replacing: true, ..SiteOptions::default() };
    let refused = site(folder.path(), options).unwrap_err();
    assert!(matches!(refused, DemoError::Unwritable { .. }), "{refused}");
    assert!(!folder.path().join(DATABASE_NAME).exists());
}
