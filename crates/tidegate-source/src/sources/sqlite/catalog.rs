//! Reads SQLite's catalog.

use rusqlite::{Connection, Error, OptionalExtension};
use tidegate_batch::DataType;
use tidegate_model::{
    catalog::{CatalogColumn, Description, TableName},
    field::Reference,
};

use super::types;

const TABLES: &str = "
    select name from pragma_table_list
    where schema = 'main' and type in ('table', 'view', 'virtual')
      and name not like 'sqlite\\_%' escape '\\'
    order by name";

const TABLE: &str = "
    select name, type, wr from pragma_table_list
    where schema = 'main' and name = ?1 collate nocase and type <> 'shadow'";

/// Generated columns have `hidden` 2 or 3; 1 are the hidden columns of virtual tables.
const COLUMNS: &str = "
    select name, type, \"notnull\", pk from pragma_table_xinfo(?1, 'main')
    where hidden <> 1 order by cid";

const INDEXES: &str = "
    select name, \"unique\", origin, partial from pragma_index_list(?1, 'main') order by seq desc";

/// A column of an expression has no name.
const INDEX_COLUMNS: &str = "
    select name from pragma_index_xinfo(?1, 'main') where key = 1 order by seqno";

const FOREIGN_KEYS: &str = "
    select id, \"table\", \"from\", \"to\" from pragma_foreign_key_list(?1, 'main')
    order by id, seq";

/// What the catalog knows of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableFacts {
    /// Columns and key.
    pub(super) description: Description,
    /// Name under which a statement reaches the row id, where the table has one.
    pub(super) rowid: Option<&'static str>,
    /// The column that is the row id: `integer primary key`.
    pub(super) rowid_column: Option<String>,
}

/// Names of all tables and views.
pub(super) fn tables(connection: &Connection) -> Result<Vec<TableName>, Error> {
    let names = strings(connection, TABLES, None)?;
    Ok(names.into_iter().flatten().map(|name| TableName { schema: None, name }).collect())
}

/// The table's columns and key; none if there is no such table.
pub(super) fn table(
    connection: &Connection,
    table: &TableName,
) -> Result<Option<TableFacts>, Error> {
    if table.schema.as_deref().is_some_and(|schema| !schema.eq_ignore_ascii_case("main")) {
        return Ok(None);
    }
    let found: Option<(String, String, bool)> = connection
        .query_row(TABLE, [&table.name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((name, kind, is_without_rowid)) = found else { return Ok(None) };
    let mut statement = connection.prepare(COLUMNS)?;
    let columns: Vec<Column> =
        statement.query_map([&name], Column::read)?.collect::<Result<_, _>>()?;
    let indexes = indexes(connection, &name)?;
    let is_table = kind == "table";
    let has_rowid = is_table && !is_without_rowid;
    let rowid_column = rowid_column(&columns, &indexes).filter(|_| has_rowid).map(str::to_owned);
    let is_never_null = |column: &Column| {
        column.is_not_null
            || rowid_column.as_ref() == Some(&column.name)
            || (is_without_rowid && column.key_position > 0)
    };
    let key = key(&columns, &indexes, is_never_null);
    let description = Description {
        columns: columns
            .iter()
            .map(|column| CatalogColumn {
                name: column.name.clone(),
                data_type: types::data_type(&column.declared),
                native_type: column.declared.clone(),
                is_nullable: !is_never_null(column),
            })
            .collect(),
        key,
        is_base_table: is_table,
    };
    let rowid = ["rowid", "_rowid_", "oid"].into_iter().find(|name| {
        has_rowid
            && columns.iter().all(|column| {
                !column.name.eq_ignore_ascii_case(name)
                    || rowid_column.as_ref() == Some(&column.name)
            })
    });
    Ok(Some(TableFacts { description, rowid, rowid_column }))
}

/// Columns of a `select` of the configuration.
pub(super) fn statement(connection: &Connection, text: &str) -> Result<Description, Error> {
    let text = text.trim().trim_end_matches(|c: char| c == ';' || c.is_whitespace());
    let statement = connection.prepare(&format!("select * from (\n{text}\n)"))?;
    let columns = statement
        .columns()
        .iter()
        .map(|column| {
            let declared = column.decl_type().unwrap_or_default();
            CatalogColumn {
                name: column.name().to_owned(),
                data_type: types::data_type(declared),
                native_type: declared.to_owned(),
                is_nullable: true,
            }
        })
        .collect();
    Ok(Description { columns, key: Vec::new(), is_base_table: false })
}

/// Foreign keys of the table.
pub(super) fn references(
    connection: &Connection,
    table: &TableName,
) -> Result<Vec<Reference>, Error> {
    let mut statement = connection.prepare(FOREIGN_KEYS)?;
    let rows = statement.query_map([&table.name], |row| {
        Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get::<_, Option<String>>(3)?))
    })?;
    let mut references: Vec<(i64, Reference)> = Vec::new();
    for row in rows {
        let (id, name, ours, theirs): (_, String, String, _) = row?;
        let place = TableName { schema: None, name };
        if references.last().is_none_or(|(last, _)| *last != id) {
            references.push((id, Reference { table: place.clone(), on: Vec::new() }));
        }
        let Some((_, reference)) = references.last_mut() else { continue };
        // A reference that names no column there means the primary key.
        let theirs = match theirs {
            Some(theirs) => Some(theirs),
            None => self::table(connection, &place)?
                .and_then(|there| there.description.key.get(reference.on.len()).cloned()),
        };
        reference.on.extend(theirs.map(|theirs| (ours, theirs)));
    }
    Ok(references
        .into_iter()
        .map(|(_, reference)| reference)
        .filter(|reference| !reference.on.is_empty())
        .collect())
}

/// A column as SQLite lists it.
struct Column {
    name: String,
    declared: String,
    is_not_null: bool,
    /// Place in the primary key, from 1; 0 means that it is not in it.
    key_position: i64,
}

impl Column {
    fn read(row: &rusqlite::Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            name: row.get(0)?,
            declared: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
            is_not_null: row.get(2)?,
            key_position: row.get(3)?,
        })
    }
}

/// An index that is unique over the whole table.
struct UniqueIndex {
    columns: Vec<Option<String>>,
    is_primary_key: bool,
}

fn indexes(connection: &Connection, table: &str) -> Result<Vec<UniqueIndex>, Error> {
    let mut statement = connection.prepare(INDEXES)?;
    let rows = statement.query_map([table], |row| {
        Ok((row.get::<_, String>(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?))
    })?;
    let mut indexes = Vec::new();
    for row in rows {
        let (name, is_unique, origin, is_partial): (_, bool, _, bool) = row?;
        if is_unique && !is_partial {
            let columns = strings(connection, INDEX_COLUMNS, Some(&name))?;
            indexes.push(UniqueIndex { columns, is_primary_key: origin == "pk" });
        }
    }
    Ok(indexes)
}

/// `integer primary key` is the row id itself: it has no index of its own.
fn rowid_column<'a>(columns: &'a [Column], indexes: &[UniqueIndex]) -> Option<&'a str> {
    let mut keys = columns.iter().filter(|column| column.key_position > 0);
    let (key, None) = (keys.next()?, keys.next()) else { return None };
    let is_alias = key.declared.eq_ignore_ascii_case("integer")
        && !indexes.iter().any(|index| index.is_primary_key);
    is_alias.then_some(key.name.as_str())
}

/// The primary key, or the first unique key that can hold no NULL.
fn key(
    columns: &[Column],
    indexes: &[UniqueIndex],
    is_never_null: impl Fn(&Column) -> bool,
) -> Vec<String> {
    let mut primary: Vec<&Column> =
        columns.iter().filter(|column| column.key_position > 0).collect();
    primary.sort_by_key(|column| column.key_position);
    if !primary.is_empty() {
        return primary.into_iter().map(|column| column.name.clone()).collect();
    }
    let names = |index: &UniqueIndex| -> Option<Vec<String>> {
        index
            .columns
            .iter()
            .map(|name| {
                let name = name.as_ref()?;
                let column = columns.iter().find(|column| column.name == *name)?;
                is_never_null(column).then(|| name.clone())
            })
            .collect()
    };
    indexes.iter().find_map(names).unwrap_or_default()
}

fn strings(
    connection: &Connection,
    sql: &str,
    value: Option<&str>,
) -> Result<Vec<Option<String>>, Error> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map(rusqlite::params_from_iter(value), |row| row.get(0))?;
    rows.collect()
}

/// A type that values of an expression have: whatever is there, as text.
pub(super) fn is_untyped(column: &CatalogColumn) -> bool {
    column.data_type == DataType::Text
        && types::Affinity::of(&column.native_type) != types::Affinity::Text
}

/// Rows of a table as the last `analyze` found them, if there was one: the first number of its
/// statistics.
pub(super) fn analyzed_rows(
    connection: &Connection,
    table: &TableName,
) -> Result<Option<u64>, Error> {
    const KNOWN: &str = "select count(*) from pragma_table_list where name = 'sqlite_stat1'";
    const ROWS: &str = "\
        select max(cast(stat as integer)) from sqlite_stat1 where tbl = ?1 collate nocase";
    if table.schema.as_deref().is_some_and(|schema| schema != "main") {
        return Ok(None);
    }
    let is_analyzed: i64 = connection.query_row(KNOWN, [], |row| row.get(0))?;
    if is_analyzed == 0 {
        return Ok(None);
    }
    let rows: Option<i64> = connection.query_row(ROWS, [&table.name], |row| row.get(0))?;
    Ok(rows.and_then(|rows| u64::try_from(rows).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(sql: &str) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(sql).unwrap();
        connection
    }

    fn facts(connection: &Connection, name: &str) -> TableFacts {
        table(connection, &TableName { schema: None, name: name.to_owned() }).unwrap().unwrap()
    }

    #[test]
    fn the_row_id_is_found_whatever_the_columns_are_called() {
        let connection = database(
            "create table a (id integer primary key, rowid text);
             create table b (id int primary key, x);
             create table c (id integer primary key desc, x);
             create table d (id integer primary key, x) without rowid;
             create table e (rowid text, _rowid_ text, oid text);
             create table f (rowid integer primary key);
             create view g as select * from a;",
        );
        for (name, rowid, column) in [
            ("a", Some("_rowid_"), Some("id")),
            ("b", Some("rowid"), None),
            ("c", Some("rowid"), None),
            ("d", None, None),
            ("e", None, None),
            ("f", Some("rowid"), Some("rowid")),
            ("g", None, None),
        ] {
            let facts = facts(&connection, name);
            assert_eq!((facts.rowid, facts.rowid_column.as_deref()), (rowid, column), "{name}");
        }
        assert!(!facts(&connection, "g").description.is_base_table);
    }

    #[test]
    fn the_key_is_the_primary_one_or_a_unique_one_without_nulls() {
        let connection = database(
            "create table a (x text, y text, z text, primary key (z, x));
             create table b (x text unique, y text not null, z text not null, unique (z, y));
             create table c (x text not null);
             create unique index c_low on c (lower(x));
             create unique index c_some on c (x) where x <> '';",
        );
        assert_eq!(facts(&connection, "a").description.key, ["z", "x"]);
        assert_eq!(facts(&connection, "b").description.key, ["z", "y"]);
        assert!(facts(&connection, "c").description.key.is_empty());
        // The primary key of a row id table may hold NULL.
        assert!(facts(&connection, "a").description.columns[0].is_nullable);
    }

    #[test]
    fn columns_are_listed_with_generated_ones_and_views_with_their_types() {
        let connection = database(
            "create table a (id integer primary key, \"a\"\"b\" varchar(3) not null,
                             twice int generated always as (id * 2) virtual);
             create view v as select id, \"a\"\"b\", id + 1 as next from a;",
        );
        let shown = |name: &str| {
            let columns = facts(&connection, name).description.columns;
            let shown = columns.iter().map(|column| {
                let null = if column.is_nullable { "null" } else { "not null" };
                format!("{}: {} {} {null}", column.name, column.native_type, column.data_type)
            });
            shown.collect::<Vec<_>>().join(", ")
        };
        insta::assert_snapshot!(shown("a"), @r#"id: INTEGER integer not null, a"b: varchar(3) text not null, twice: INT integer null"#);
        insta::assert_snapshot!(shown("v"), @r#"id: INTEGER integer null, a"b: varchar(3) text null, next:  text null"#);
    }

    #[test]
    fn references_name_the_columns_on_both_sides() {
        let connection = database(
            "create table users (id integer primary key);
             create table pairs (a int, b int, primary key (b, a));
             create table notes (author int references users, x int, y int,
                                 foreign key (x, y) references pairs (b, a),
                                 foreign key (y, x) references pairs);",
        );
        let table = TableName { schema: None, name: "notes".to_owned() };
        let references = references(&connection, &table).unwrap();
        let shown: Vec<String> = references
            .iter()
            .map(|reference| {
                let pairs = reference.on.iter().map(|(ours, theirs)| format!("{ours}={theirs}"));
                format!("{} {}", reference.table, pairs.collect::<Vec<_>>().join(" "))
            })
            .collect();
        assert_eq!(shown, ["pairs y=b x=a", "pairs x=b y=a", "users author=id"]);
    }
}
