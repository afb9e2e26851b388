//! Opens a stream: one state of the database, and as many readers as the query admits.

use std::sync::Arc;

use rusqlite::Error;
use sea_query::ExprTrait;
use tidegate_batch::DataType;
use tidegate_model::{
    catalog::{Relation, TableName},
    field::Origin,
    query::Query,
};

use super::{
    SqliteSource,
    catalog::{TableFacts, is_untyped},
    cell::Converter,
    client::Client,
    dialect::Sqlite,
    ranges::{Ranges, distance},
    reader::{RangeReader, RangeStatements, RowForm, WholeReader},
    session::{Session, StatementId},
    snapshot::{Shared, share},
};
use crate::{
    Extent, Reader, RowStream, SourceError, StreamOptions,
    look::GLANCE_MILLIS_MAX,
    sql::{Bind, Catalog, Plan, Statement, own_column, relation_name},
};
use rusqlite::types::ValueRef;

/// Rows up to which an index, read by one reader, beats reading the whole table by all of them.
const NARROW_ROWS: u64 = 20_000;

/// Opens the stream of a query.
pub(super) fn open(
    source: &SqliteSource,
    query: &Query,
    options: &StreamOptions,
) -> Result<RowStream, SourceError> {
    let interrupt = &options.interrupt;
    if interrupt.is_raised() {
        return Err(SourceError::Interrupted);
    }
    let wanted = if splits(query) { options.readers.max(1) } else { 1 };
    let shared = share(&source.database, interrupt, wanted, source.sharing)?;
    let Shared { mut clients, snapshot } = shared;
    let catalog = source.catalog(&clients[0], query)?;
    let plan = Plan::new(query, &catalog, &Sqlite);
    let form = Arc::new(row_form(&plan, query, options)?);
    let schema = plan.schema()?;
    let bounds = match source.rowid(&clients[0], query)? {
        Some(rowid) if !is_narrow(&mut clients[0], query, &catalog, &form.doing)? => {
            bounds(&mut clients[0], query, rowid, &form.doing)?
        }
        Some(_) | None => None,
    };
    let (readers, extent, rows_estimated) = match bounds {
        Some(bounds) => {
            let statements = range_statements(&plan, query, bounds.rowid)?;
            let ranges = Arc::new(Ranges::new(bounds.first, bounds.last, options.batch_bytes));
            let readers = clients
                .into_iter()
                .map(|client| -> Result<Box<dyn Reader>, SourceError> {
                    let (form, ranges) = (Arc::clone(&form), Arc::clone(&ranges));
                    Ok(Box::new(RangeReader::new(client, form, ranges, &statements)?))
                })
                .collect::<Result<Vec<_>, _>>()?;
            let total = distance(bounds.first, bounds.last).saturating_add(1);
            // Row ids may have gaps: so many at most.
            let rows = query.predicate.is_everything().then_some(total);
            (readers, Extent { total, unit: "row ids" }, rows)
        }
        None => {
            let mut client = clients.swap_remove(0);
            let total = rows_if_cheap(&mut client, &plan, &catalog, query, &form.doing)?;
            let reader = WholeReader::new(client, form, &plan.stream(None)?)?;
            let readers = vec![Box::new(reader) as Box<dyn Reader>];
            let rows = Some(total).filter(|rows| *rows > 0);
            (readers, Extent { total, unit: "rows" }, rows)
        }
    };
    let warnings = Vec::new();
    Ok(RowStream { schema, snapshot, extent, rows_estimated, readers, warnings })
}

/// What the rows are and how they are read.
pub(super) fn row_form(
    plan: &Plan<'_>,
    query: &Query,
    options: &StreamOptions,
) -> Result<RowForm, SourceError> {
    let fields = plan.fields();
    let columns = fields
        .iter()
        .zip(plan.operands()?)
        .map(|(selected, operand)| {
            let (field, cell_bytes_max) = (&selected.field, options.cell_bytes_max);
            let converter = match (&field.origin, operand.column) {
                (Origin::JsonPath { .. }, None) => {
                    Converter::of_part(&field.data_type, cell_bytes_max)
                }
                (_, column) => {
                    let takes_octets = column.is_none_or(|column| {
                        is_untyped(column) || column.data_type != DataType::Text
                    });
                    Converter::new(&field.data_type, takes_octets, cell_bytes_max)
                }
            };
            (field.slug.clone(), converter)
        })
        .chain((0..plan.anchors()).map(|_| {
            let converter = Converter::new(&DataType::Text, false, options.cell_bytes_max);
            ("place in the order".to_owned(), converter)
        }))
        .collect();
    let key = query
        .key
        .iter()
        .map(|key| {
            let is_shown = key.pii.is_none();
            fields.iter().position(|selected| is_shown && selected.field.slug == key.slug)
        })
        .collect();
    let doing = format!("read `{}`", relation_name(&query.relation));
    Ok(RowForm { columns, key, doing, batch_bytes: options.batch_bytes })
}

/// Whether the rows may come by ranges of row ids, as far as the query alone says.
fn splits(query: &Query) -> bool {
    matches!(query.relation, Relation::Table(_))
}

/// Whether the order that is asked for is that of the row ids.
fn is_in_row_id_order(query: &Query, facts: &TableFacts) -> bool {
    query.sort.first().is_none_or(|key| {
        let column = match &key.field.origin {
            Origin::Column(column) => Some(column),
            Origin::JsonPath { .. }
            | Origin::Joined { .. }
            | Origin::Lines { .. }
            | Origin::Kind => None,
        };
        !key.is_descending && column.is_some() && column == facts.rowid_column.as_ref()
    })
}

impl SqliteSource {
    /// Name of the row id, if the query's rows can be read by ranges of it.
    fn rowid(&self, client: &Client, query: &Query) -> Result<Option<&'static str>, SourceError> {
        let Relation::Table(table) = &query.relation else { return Ok(None) };
        let facts = self.facts(client, table)?;
        Ok(facts.rowid.filter(|_| is_in_row_id_order(query, &facts)))
    }
}

/// The row ids of a table.
struct Bounds {
    rowid: &'static str,
    first: i64,
    last: i64,
}

/// First and last row id; none of an empty table.
fn bounds(
    client: &mut Client,
    query: &Query,
    rowid: &'static str,
    doing: &str,
) -> Result<Option<Bounds>, SourceError> {
    let Relation::Table(table) = &query.relation else { return Ok(None) };
    let end = |function: &str| {
        // Each alone is one step down the tree; together they would be a scan.
        let from = table_text(table);
        format!("select {function}(\"t\".\"{rowid}\") from {from}")
    };
    let mut ends = [0; 2];
    for (end, sql) in ends.iter_mut().zip([end("min"), end("max")]) {
        let statement = Statement { text: sql, values: Vec::new() };
        match first_integer(client, &statement, doing)? {
            Some(rowid) => *end = rowid,
            None => return Ok(None),
        }
    }
    Ok(Some(Bounds { rowid, first: ends[0], last: ends[1] }))
}

fn range_statements(
    plan: &Plan<'_>,
    query: &Query,
    rowid: &'static str,
) -> Result<RangeStatements, SourceError> {
    let Relation::Table(table) = &query.relation else {
        unreachable!("only tables have bounds");
    };
    let position = own_column(rowid);
    let rows = plan.share(position.clone().between(0_i64, 0_i64), position.clone())?;
    let ordinal = plan.count_share(Some(position.lte(0_i64)))?;
    let from = table_text(table);
    let seek = Statement {
        text: format!(
            "select \"t\".\"{rowid}\" from {from} where \"t\".\"{rowid}\" >= ? \
             order by \"t\".\"{rowid}\" limit 1"
        ),
        values: vec![Bind::Integer(0)],
    };
    let rows = without_indexes(rows, table);
    Ok(RangeStatements { rows, seek, ordinal: without_indexes(ordinal, table) })
}

/// The table as a `from` of the builder renders it.
fn table_text(table: &TableName) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let schema = table.schema.as_deref().map(|schema| format!("{}.", quoted(schema)));
    format!("{}{} AS \"t\"", schema.unwrap_or_default(), quoted(&table.name))
}

/// Keeps SQLite from reading a range of row ids through another index: it would walk through all
/// of that index for each range.
fn without_indexes(mut statement: Statement, table: &TableName) -> Statement {
    let from = format!(" FROM {}", table_text(table));
    debug_assert!(statement.text.contains(&from), "the builder renders names as we do");
    statement.text = statement.text.replacen(&from, &format!("{from} NOT INDEXED"), 1);
    statement
}

/// Whether an index leads to so few rows that the table need not be read.
fn is_narrow(
    client: &mut Client,
    query: &Query,
    catalog: &Catalog,
    doing: &str,
) -> Result<bool, SourceError> {
    if query.predicate.is_everything() {
        return Ok(false);
    }
    let bare = Query { fields: Vec::new(), sort: Vec::new(), ..query.clone() };
    let mut statement = Plan::new(&bare, catalog, &Sqlite).stream(None)?;
    let plan =
        Statement { text: format!("explain query plan {}", statement.text), ..statement.clone() };
    let mut is_search = false;
    each_row(client, &plan, doing, |session, id| {
        if let ValueRef::Text(detail) = session.row(id).cell(3) {
            is_search |= detail.starts_with(b"SEARCH t ");
        }
    })?;
    if !is_search {
        return Ok(false);
    }
    statement.text = format!("select count(*) from ({} limit {NARROW_ROWS})", statement.text);
    let found = first_integer(client, &statement, doing)?.unwrap_or(0);
    Ok(u64::try_from(found).is_ok_and(|found| found < NARROW_ROWS))
}

/// Rows of the stream, to tell progress by; 0 says that they are not known.
fn rows_if_cheap(
    client: &mut Client,
    plan: &Plan<'_>,
    catalog: &Catalog,
    query: &Query,
    doing: &str,
) -> Result<u64, SourceError> {
    let is_cheap = match &query.relation {
        Relation::Table(_) => catalog.own().is_base_table,
        Relation::Union(_) => true,
        Relation::Statement(_) => false,
    };
    let statement = plan.count()?;
    let count = match is_cheap {
        true => first_integer(client, &statement, doing)?,
        false => {
            client.begin_statement_of(GLANCE_MILLIS_MAX);
            // Progress is not worth failing for; what is wrong with the rows is told with them.
            integer_of(client, &statement).unwrap_or(None)
        }
    };
    if client.is_stopped() {
        return Err(SourceError::Interrupted);
    }
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}

/// The count that the statement gives, if it does so in time.
pub(super) fn counted(
    client: &mut Client,
    statement: &Statement,
    millis_max: u64,
) -> Result<u64, SourceError> {
    client.begin_statement_of(millis_max);
    let count = integer_of(client, statement);
    let count = count.map_err(|error| client.fault("count rows", error))?;
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}

/// The integer in the first column of the first row, if there is one.
pub(super) fn first_integer(
    client: &mut Client,
    statement: &Statement,
    doing: &str,
) -> Result<Option<i64>, SourceError> {
    client.begin_statement();
    integer_of(client, statement).map_err(|error| client.fault(doing, error))
}

fn integer_of(client: &mut Client, statement: &Statement) -> Result<Option<i64>, Error> {
    let mut found = None;
    see_rows(client, statement, |session, id| {
        if let ValueRef::Integer(value) = session.row(id).cell(0) {
            found.get_or_insert(value);
        }
    })?;
    Ok(found)
}

fn each_row(
    client: &mut Client,
    statement: &Statement,
    doing: &str,
    see: impl FnMut(&Session, StatementId),
) -> Result<(), SourceError> {
    client.begin_statement();
    see_rows(client, statement, see).map_err(|error| client.fault(doing, error))
}

fn see_rows(
    client: &mut Client,
    statement: &Statement,
    mut see: impl FnMut(&Session, StatementId),
) -> Result<(), Error> {
    let id = client.session.prepare(&statement.text, &statement.values)?;
    while client.session.step(id)? {
        see(&client.session, id);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use rusqlite::Connection;

    use super::*;
    use crate::{
        SourceSettings,
        conformance::{Site, finds_half_a_transfer, spelling_of_accounts},
        sources::sqlite::{client::Database, snapshot::Sharing},
    };

    fn site_at(path: &Path) -> SqliteSource {
        let connection = Connection::open(path).unwrap();
        connection.pragma_update(None, "journal_mode", "wal").unwrap();
        let url = format!("sqlite:{}", path.display());
        let settings = SourceSettings::new("shop", url.clone());
        let database = Database::new(&settings, &url).unwrap();
        SqliteSource { database, sharing: Sharing::Hoped }
    }

    #[test]
    fn readers_that_do_not_share_a_state_see_half_of_a_transfer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.db");
        let source = site_at(&path);
        let execute = |script: &str| {
            let client = Connection::open(&path).unwrap();
            client.busy_timeout(Duration::from_secs(60)).unwrap();
            client.pragma_update(None, "synchronous", "off").unwrap();
            client.execute_batch(script).unwrap();
        };
        let quote = |name: &str| format!("\"{name}\"");
        let spelling = spelling_of_accounts(quote, "begin immediate");
        let site = Site { source: &source, execute: &execute, spelling };
        assert!(finds_half_a_transfer(&site), "the check of the suite would find nothing");
    }
}
