//! What an administrator is told, and that it suffices.

use tidegate_model::catalog::TableName;

use super::{Check, options, read, source};

#[test]
fn an_account_that_can_write_is_told_of_and_the_grants_make_one_that_cannot() {
    let check = Check::new(
        "create schema \"Shop 1\"; create table \"Shop 1\".\"Orders\" (id int);
         insert into \"Shop 1\".\"Orders\" values (7); create table other (id int)",
    );
    let tables = [TableName::parse("\"Shop 1\".\"Orders\"")];
    let report = check.source.check(&tables).unwrap();
    assert!(report.version.starts_with("PostgreSQL "), "{}", report.version);
    assert!(report.warnings.iter().any(|warning| warning.contains("superuser")), "{report:?}");

    let role = format!("r_{}", check.database.name());
    for grant in &report.grants {
        check.database.execute(&grant.replace("tidegate", &role).replace('…', "p"));
    }
    let reader = source(&check.database.url_as(&role, "p"));
    let stream = reader.stream(&check.query("\"Shop 1\".\"Orders\""), &options()).unwrap();
    assert_eq!(read(stream).unwrap().rows, [[Some("7".to_owned())]]);
    let warnings = reader.check(&tables).unwrap().warnings;
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(reader.check(&[TableName::parse("other")]).unwrap().warnings[0].contains("`other`"));
}

#[test]
fn every_right_beyond_reading_is_named() {
    let check = Check::new("create table a (id int); create table b (id int); create schema s");
    let role = check.role(
        "grant select on a, b to ROLE; grant truncate on b to ROLE; grant create on schema s to ROLE",
    );
    let reader = source(&check.database.url_as(&role, "p"));
    let told = |tables: &[&str]| {
        let tables: Vec<TableName> = tables.iter().map(|table| TableName::parse(table)).collect();
        reader.check(&tables).unwrap().warnings.join("\n")
    };
    let all = told(&[]);
    assert!(
        all.contains("can write to `public.b`;") && all.contains("create tables in `s`"),
        "{all}"
    );
    assert!(!told(&["a"]).contains("write"), "{}", told(&["a"]));
}

#[test]
fn hidden_rows_and_too_few_connections_are_told_of() {
    let check = Check::new(
        "create table t (id int); insert into t values (1), (2);
         alter table t enable row level security; create policy p on t using (id = 1)",
    );
    let role = check.role("alter role ROLE connection limit 3; grant select on t to ROLE");
    let reader = source(&check.database.url_as(&role, "p"));
    let warnings = reader.check(&[TableName::parse("t")]).unwrap().warnings.join("\n");
    assert!(warnings.contains("row-level security hides rows of `t`"), "{warnings}");
    assert!(warnings.contains("may have 3 connections"), "{warnings}");
    let read = read(reader.stream(&check.query("t"), &options()).unwrap()).unwrap();
    assert_eq!(read.rows.len(), 1);
    assert!(read.warnings[0].contains("row-level security"), "{:?}", read.warnings);
}
