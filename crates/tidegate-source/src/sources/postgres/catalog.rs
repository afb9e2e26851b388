//! What the server's catalog says about tables, their columns and their keys.

use tidegate_model::{
    catalog::{CatalogColumn, Description, TableName},
    field::Reference,
};

use super::{
    fault::Fault,
    session::Session,
    types::{CatalogType, Items, data_type},
};

/// Tables and views that the account can read. What belongs to an extension, and the partitions of
/// a table, are not for people.
const TABLES: &str = "\
    select case when pg_table_is_visible(c.oid) then null else n.nspname::text end, c.relname::text
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'v', 'm', 'f', 'p') and not c.relispartition
      and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_'
      and has_schema_privilege(n.oid, 'usage')
      and (has_table_privilege(c.oid, 'select') or has_any_column_privilege(c.oid, 'select'))
      and not exists (select from pg_depend d
                      where d.classid = 'pg_class'::regclass and d.objid = c.oid
                        and d.deptype = 'e')
    order by 2, 1 nulls first";

/// Number and kind of a table, and whether some of its rows are hidden from the account. A name
/// that is not there gives no row.
const RELATION: &str = "\
    select c.oid::int8, c.relkind::text, row_security_active(c.oid)
    from pg_class c where c.oid = to_regclass($1)";

/// Columns that the account may read, in their order.
const COLUMNS: &str = "\
    select attnum::int4 as at, attname::text as name, attnotnull as is_required,
           atttypid as type, atttypmod as modifier
    from pg_attribute
    where attrelid = $1::int8::oid and attnum > 0 and not attisdropped
      and has_column_privilege(attrelid, attnum, 'select')";

/// Columns of a statement, as the server told them when it looked the statement over.
const RESULTS: &str = "\
    select at::int4, name, false as is_required, type::oid, modifier
    from unnest($1::text[], $2::int8[], $3::int4[])
           with ordinality as r (name, type, modifier, at)";

/// Sees through domains, and into arrays. Each column gives a row for its own type, and one more
/// for its items if it is an array.
const RESOLVE: &str = "\
    step (at, type, modifier, is_required, is_item) as (
      select at, type, modifier, is_required, false from given
      union all
      select s.at, case when t.typtype = 'd' then t.typbasetype else t.typelem end,
             case when t.typtype = 'd' and t.typtypmod <> -1 then t.typtypmod else s.modifier end,
             s.is_required or t.typnotnull, s.is_item or t.typtype <> 'd'
      from step s join pg_type t on t.oid = s.type
      where t.typtype = 'd' or not s.is_item
        and exists (select from pg_type e where e.oid = t.typelem and e.typarray = t.oid)
    ),
    resolved as (
      select s.*, t.typtype = 'c' as is_composite,
             exists (select from pg_type e where e.oid = t.typelem and e.typarray = t.oid)
               as is_array
      from step s join pg_type t on t.oid = s.type where t.typtype <> 'd'
    )
    select g.name, format_type(own.type, own.modifier), not own.is_required,
           own.type::int8, own.modifier, own.is_composite,
           item.type::int8, item.modifier, item.is_composite, item.is_array
    from given g
    join resolved own on own.at = g.at and not own.is_item
    left join resolved item on item.at = g.at and item.is_item
    order by g.at";

/// Columns of the primary key, or of the shortest unique key that cannot hold NULL.
const KEY: &str = "\
    select array(
      select a.attname::text
      from unnest(i.indkey::int2[]) with ordinality as k (attnum, at)
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
      where k.at <= i.indnkeyatts order by k.at)
    from pg_index i
    where i.indrelid = $1::int8::oid and i.indisunique and i.indisvalid and i.indpred is null
      and not exists (
        select from unnest(i.indkey::int2[]) with ordinality as k (attnum, at)
        left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
        where k.at <= i.indnkeyatts
          and (a.attnum is null or a.attnum <= 0 or not a.attnotnull
               or not has_column_privilege(a.attrelid, a.attnum, 'select')))
    order by i.indisprimary desc, i.indnkeyatts, i.indexrelid
    limit 1";

/// Foreign keys of a table, each with its pairs of columns.
const REFERENCES: &str = "\
    select case when pg_table_is_visible(f.oid) then null else n.nspname::text end,
           f.relname::text,
           array(select a.attname::text from unnest(r.conkey) with ordinality as k (attnum, at)
                 join pg_attribute a on a.attrelid = r.conrelid and a.attnum = k.attnum
                 order by k.at),
           array(select a.attname::text from unnest(r.confkey) with ordinality as k (attnum, at)
                 join pg_attribute a on a.attrelid = r.confrelid and a.attnum = k.attnum
                 order by k.at)
    from pg_constraint r
    join pg_class f on f.oid = r.confrelid join pg_namespace n on n.oid = f.relnamespace
    where r.contype = 'f' and r.conrelid = to_regclass($1) and r.conparentid = 0
    order by r.conname";

/// A relation of the catalog.
#[derive(Clone, Copy, Debug)]
pub(super) struct CatalogRelation {
    /// Its number.
    pub(super) oid: i64,
    /// Whether row-level security hides rows from the account.
    pub(super) hides_rows: bool,
    kind: RelationKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RelationKind {
    Table,
    Partitioned,
    MaterializedView,
    View,
    Foreign,
}

impl CatalogRelation {
    /// Whether it has rows of its own.
    pub(super) fn is_base_table(self) -> bool {
        matches!(self.kind, RelationKind::Table | RelationKind::MaterializedView)
    }
}

/// Tables and views that the account can read, by name.
pub(super) fn tables(session: &Session) -> Result<Vec<TableName>, Fault> {
    let rows = session.rows(TABLES, &[])?;
    Ok(rows.iter().map(|row| TableName { schema: row.get(0), name: row.get(1) }).collect())
}

/// The relation of that name; none if it is not there or not to be seen.
pub(super) fn relation(
    session: &Session,
    table: &TableName,
) -> Result<Option<CatalogRelation>, Fault> {
    let found = match session.rows(RELATION, &[&quoted(table)]) {
        // A schema that the account may not use is like one that is not there.
        Err(Fault::Server(told)) if told.code == "42501" => return Ok(None),
        found => found?,
    };
    Ok(found.first().and_then(|row| {
        let kind = match row.get(1) {
            "r" => RelationKind::Table,
            "p" => RelationKind::Partitioned,
            "m" => RelationKind::MaterializedView,
            "v" => RelationKind::View,
            "f" => RelationKind::Foreign,
            // An index, a sequence, a composite type.
            _ => return None,
        };
        Some(CatalogRelation { oid: row.get(0), hides_rows: row.get(2), kind })
    }))
}

/// Columns and key of a table; none if it is not there, or no column of it may be read.
pub(super) fn describe(session: &Session, table: &TableName) -> Result<Option<Description>, Fault> {
    let Some(relation) = relation(session, table)? else { return Ok(None) };
    let columns = session.rows(&resolving(COLUMNS), &[&relation.oid])?;
    if columns.is_empty() {
        return Ok(None);
    }
    let key = session.rows(KEY, &[&relation.oid])?;
    Ok(Some(Description {
        columns: columns.iter().map(column).collect(),
        key: key.first().map_or_else(Vec::new, |row| row.get(0)),
        is_base_table: relation.is_base_table(),
    }))
}

/// Columns of a statement.
pub(super) fn describe_statement(session: &Session, statement: &str) -> Result<Description, Fault> {
    let bare = statement.trim_end_matches(|c: char| c == ';' || c.is_whitespace());
    // The line's end closes a comment at the statement's end.
    let prepared = session.prepare(&format!("select * from ({bare}\n) as t"))?;
    let columns = prepared.columns();
    let names: Vec<&str> = columns.iter().map(tokio_postgres::Column::name).collect();
    let types: Vec<i64> = columns.iter().map(|column| column.type_().oid().into()).collect();
    let modifiers: Vec<i32> = columns.iter().map(tokio_postgres::Column::type_modifier).collect();
    let columns = session.rows(&resolving(RESULTS), &[&names, &types, &modifiers])?;
    Ok(Description {
        columns: columns.iter().map(column).collect(),
        key: Vec::new(),
        is_base_table: false,
    })
}

/// References of a table to others.
pub(super) fn references(session: &Session, table: &TableName) -> Result<Vec<Reference>, Fault> {
    let rows = session.rows(REFERENCES, &[&quoted(table)])?;
    let reference = |row: &tokio_postgres::Row| {
        let (ours, theirs): (Vec<String>, Vec<String>) = (row.get(2), row.get(3));
        Reference {
            table: TableName { schema: row.get(0), name: row.get(1) },
            on: ours.into_iter().zip(theirs).collect(),
        }
    };
    Ok(rows.iter().map(reference).collect())
}

fn resolving(given: &str) -> String {
    format!("with recursive given (at, name, is_required, type, modifier) as ({given}), {RESOLVE}")
}

fn column(row: &tokio_postgres::Row) -> CatalogColumn {
    let catalog_type = |at: usize| {
        let oid: Option<i64> = row.get(at);
        Some(CatalogType {
            oid: u32::try_from(oid?).unwrap_or(0),
            modifier: row.get(at + 1),
            is_composite: row.get(at + 2),
        })
    };
    let is_array_of_arrays: Option<bool> = row.get(9);
    let items = match is_array_of_arrays {
        Some(true) => Some(Items::Arrays),
        Some(false) | None => catalog_type(6).map(Items::Plain),
    };
    let own = catalog_type(3).expect("a column has a type");
    CatalogColumn {
        name: row.get(0),
        data_type: data_type(own, items),
        native_type: row.get(1),
        is_nullable: row.get(2),
    }
}

/// The name as the server's parser takes it.
pub(super) fn quoted(table: &TableName) -> String {
    let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    match &table.schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(&table.name)),
        None => quote(&table.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_quotes_and_dots_stays_one_name() {
        let table = TableName { schema: Some("a.b".into()), name: "c\"d".into() };
        assert_eq!(quoted(&table), "\"a.b\".\"c\"\"d\"");
    }
}
