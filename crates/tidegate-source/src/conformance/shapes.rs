//! What comes back: values, columns, and what is missing.

use tidegate_model::{
    catalog::{Relation, TableName},
    field::Origin,
    query::Query,
};

use super::{
    Cell, Site, Table,
    cell::assert_same,
    drain::{PATIENCE, drain, options, rows_of},
    random::things,
    table::field,
};
use crate::{Page, SourceError, Start};

pub(super) fn values_come_back(site: &Site<'_>) {
    let table = things(500);
    table.create(site);
    let mut found = rows_of(site.source, &table.query());
    found.sort_by(|left, right| left[0].compare(&right[0]).expect("keys are numbers"));
    assert_same(&found, &table.rows, "all rows");
    let relation = Relation::Table(table.table_name());
    let description = site.source.describe(&relation).expect("a description");
    let names: Vec<&str> = description.columns.iter().map(|column| &*column.name).collect();
    let expected: Vec<&str> = table.columns.iter().map(|column| &*column.name).collect();
    assert_eq!(names, expected);
    assert_eq!(description.key, ["id"]);
    assert!(description.is_base_table);
    assert!(!description.columns[0].is_nullable && description.columns[1].is_nullable);
    let tables = site.source.tables().expect("the tables");
    assert!(tables.iter().any(|known| known.name == table.name), "{tables:?}");
}

pub(super) fn an_empty_table(site: &Site<'_>) {
    let table = Table { name: "conformance_empty".to_owned(), rows: Vec::new(), ..things(0) };
    table.create(site);
    let query = table.query();
    let stream = site.source.stream(&query, &options(4)).expect("a stream");
    assert_eq!(stream.schema.width(), table.columns.len());
    assert!(drain(stream).expect("an end").rows.is_empty());
    assert_eq!(site.source.count(&query, PATIENCE).expect("a count"), 0);
    let page = Page { start: Start::Skip(0), limit: 10 };
    let (schema, batch) = site.source.rows(&query, &page).expect("a page");
    assert_eq!((schema.width(), batch.len()), (table.columns.len(), 0));
}

pub(super) fn hidden_columns(site: &Site<'_>) {
    let table = things(100);
    table.create(site);
    let mut query = table.query();
    query.fields.truncate(3);
    query.fields[0].is_hidden = true;
    query.fields[2].alias = Some("How many".to_owned());
    let stream = site.source.stream(&query, &options(2)).expect("a stream");
    let columns = stream.schema.columns();
    let names: Vec<(&str, bool)> =
        columns.iter().map(|column| (column.name(), column.is_hidden)).collect();
    assert_eq!(names, [("flag", false), ("How many", false), ("id", true)]);
    let mut found = drain(stream).expect("an end").rows;
    found.sort_by(|left, right| left[2].compare(&right[2]).expect("keys are numbers"));
    let expected: Vec<Vec<Cell>> =
        table.rows.iter().map(|row| vec![row[1].clone(), row[2].clone(), row[0].clone()]).collect();
    assert_same(&found, &expected, "three columns of all rows");
}

pub(super) fn what_is_missing(site: &Site<'_>) {
    let table = things(1);
    table.create(site);
    let name = TableName { schema: None, name: "conformance_thing".to_owned() };
    let relation = Relation::Table(name);
    match site.source.describe(&relation) {
        Err(SourceError::UnknownTable { table, hint, .. }) => {
            assert_eq!(table, "conformance_thing");
            assert!(hint.contains("conformance_things"), "{hint}");
        }
        other => panic!("{other:?}"),
    }
    let gone = Query { relation, ..table.query() };
    assert!(matches!(site.source.count(&gone, PATIENCE), Err(SourceError::UnknownTable { .. })));
    let mut query = table.query();
    query.fields[1].field =
        field("colour", "text".parse().expect("a type"), Origin::Column("colour".to_owned()));
    let Err(error) = site.source.stream(&query, &options(1)) else { panic!("a stream of nothing") };
    assert!(matches!(&error, SourceError::UnknownColumn { column, .. } if column == "colour"));
    assert!(error.to_string().contains("flag"), "{error}");
}
