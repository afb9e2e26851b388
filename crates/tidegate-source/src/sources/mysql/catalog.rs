//! What the server's `information_schema` says about tables, columns, keys and references.

use std::collections::BTreeMap;

use mysql_async::{Error, Row, Value};
use tidegate_model::{
    catalog::{CatalogColumn, Description, TableName},
    field::Reference,
};

use super::{
    native,
    session::{Session, number, text},
    types::{self, NativeType},
};

/// Schemas of the server's own.
pub(super) const SYSTEM_SCHEMAS: &str =
    "'information_schema', 'mysql', 'performance_schema', 'sys'";

const COLUMNS: &str = "\
    select column_name, data_type, column_type, numeric_precision, numeric_scale, is_nullable, \
    character_set_name \
    from information_schema.columns where table_schema = ? and table_name = ? \
    order by ordinal_position";

const TABLE: &str = "\
    select table_type, engine from information_schema.tables \
    where table_schema = ? and table_name = ?";

/// Unique keys that no NULL, expression or prefix weakens, the primary one first.
const KEYS: &str = "\
    select index_name, column_name from information_schema.statistics \
    where table_schema = ? and table_name = ? and non_unique = 0 and index_name not in ( \
      select index_name from information_schema.statistics \
      where table_schema = ? and table_name = ? \
      and (nullable = 'YES' or sub_part is not null or column_name is null)) \
    order by index_name <> 'PRIMARY', index_name, seq_in_index";

/// Checks of the form ``json_valid(`shipping`)``, which is all that tells MariaDB's `json` from a
/// text.
const JSON_CHECKS: &str = "\
    select check_clause from information_schema.check_constraints \
    where constraint_schema = ? and table_name = ? and check_clause like '%json_valid%'";

const REFERENCES: &str = "\
    select constraint_name, referenced_table_schema, referenced_table_name, column_name, \
    referenced_column_name from information_schema.key_column_usage \
    where table_schema = ? and table_name = ? and referenced_table_name is not null \
    order by constraint_name, ordinal_position";

/// The schema that a table's name means.
pub(super) fn schema_of<'a>(table: &'a TableName, database: &'a str) -> &'a str {
    table.schema.as_deref().unwrap_or(database)
}

/// A table's schema and name, as values.
fn place(table: &TableName, database: &str) -> Vec<Value> {
    vec![Value::from(schema_of(table, database)), Value::from(table.name.as_str())]
}

/// Tables and views that the account can see.
pub(super) fn tables(session: &mut Session, database: &str) -> Result<Vec<TableName>, Error> {
    let statement = format!(
        "select table_schema, table_name from information_schema.tables \
         where table_schema not in ({SYSTEM_SCHEMAS}) \
         and table_type in ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')"
    );
    let rows = session.rows(&statement, Vec::new())?;
    let mut tables: Vec<TableName> = rows
        .iter()
        .map(|row| TableName {
            schema: text(row, 0).filter(|schema| schema != database),
            name: text(row, 1).unwrap_or_default(),
        })
        .collect();
    tables.sort();
    Ok(tables)
}

/// Columns and key of a table or view; `None` where there is none that the account can see.
pub(super) fn describe(
    session: &mut Session,
    table: &TableName,
    database: &str,
) -> Result<Option<Description>, Error> {
    let place = place(table, database);
    let Some(kind) = session.rows(TABLE, place.clone())?.first().and_then(|row| text(row, 0))
    else {
        return Ok(None);
    };
    let checks = json_checks(session, &place)?;
    let rows = session.rows(COLUMNS, place.clone())?;
    if rows.is_empty() {
        return Ok(None);
    }
    let columns = rows.iter().map(|row| column(row, &checks)).collect();
    let keys = session.rows(KEYS, [place.clone(), place].concat())?;
    let first = keys.first().and_then(|row| text(row, 0));
    let key = keys
        .iter()
        .take_while(|row| text(row, 0) == first)
        .filter_map(|row| text(row, 1))
        .collect();
    let is_base_table = kind == "BASE TABLE" || kind == "SYSTEM VERSIONED";
    Ok(Some(Description { columns, key, is_base_table }))
}

fn json_checks(session: &mut Session, place: &[Value]) -> Result<Vec<String>, Error> {
    if !session.is_mariadb() {
        return Ok(Vec::new());
    }
    let rows = session.rows(JSON_CHECKS, place.to_vec())?;
    Ok(rows.iter().filter_map(|row| text(row, 0)).collect())
}

fn column(row: &Row, json_checks: &[String]) -> CatalogColumn {
    let name = text(row, 0).unwrap_or_default();
    let native_type = text(row, 2).unwrap_or_default();
    let check = format!("json_valid(`{}`)", name.replace('`', "``"));
    let data_type = types::of_column(NativeType {
        name: &text(row, 1).unwrap_or_default(),
        full: &native_type,
        precision: number(row, 3),
        scale: number(row, 4),
        is_checked_json: json_checks.contains(&check),
    });
    let is_nullable = text(row, 5).as_deref() != Some("NO");
    let native_type = native::with_character_set(native_type, text(row, 6).as_deref());
    CatalogColumn { name, data_type, native_type, is_nullable }
}

/// Columns of a statement, which the server looks over but does not run.
pub(super) fn describe_statement(
    session: &mut Session,
    statement: &str,
) -> Result<Description, Error> {
    // Inside the same parentheses as when it is read, where the line's end closes a comment.
    let statement = statement.trim().trim_end_matches(|c: char| c == ';' || c.is_whitespace());
    let wrapped = format!("select * from ({statement}\n) as t");
    let prepared = session.prepare_statement(&wrapped)?;
    let columns = prepared
        .columns()
        .iter()
        .map(|column| {
            let (data_type, native_type) = types::of_result(column);
            let not_null = mysql_async::consts::ColumnFlags::NOT_NULL_FLAG;
            CatalogColumn {
                name: column.name_str().into_owned(),
                data_type,
                native_type,
                is_nullable: !column.flags().contains(not_null),
            }
        })
        .collect();
    Ok(Description { columns, key: Vec::new(), is_base_table: false })
}

/// References of a table to others, by its foreign keys.
pub(super) fn references(
    session: &mut Session,
    table: &TableName,
    database: &str,
) -> Result<Vec<Reference>, Error> {
    let rows = session.rows(REFERENCES, place(table, database))?;
    let mut references: BTreeMap<String, Reference> = BTreeMap::new();
    for row in &rows {
        let cell = |at| text(row, at).unwrap_or_default();
        let reference = references.entry(cell(0)).or_insert_with(|| Reference {
            table: TableName { schema: text(row, 1).filter(|s| s != database), name: cell(2) },
            on: Vec::new(),
        });
        reference.on.push((cell(3), cell(4)));
    }
    Ok(references.into_values().collect())
}
