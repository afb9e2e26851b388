//! How far a scan has come, without counting rows first.

use mysql_async::{Error, Row, Value};
use tidegate_batch::DataType;
use tidegate_model::{
    catalog::{Description, Relation, TableName},
    field::{Field, Origin},
    query::{Query, Selected},
};

use super::session::{Session, number, text};
use crate::{Extent, sql::Statement};

/// Slug of the key that rides along to tell the position of the scan.
const POSITION_SLUG: &str = "tidegate position";
/// Share of an estimate that rows may use up before the end is proven, in percent.
const ESTIMATE_PERCENT_MAX: u64 = 99;

/// How the extent of a scan is measured.
#[derive(Debug)]
pub(super) enum Progress {
    /// By the position of the key, in whose order InnoDB stores and scans the rows.
    Keys {
        /// Key of the scan's first row.
        first: i128,
        /// Whether keys fall.
        is_descending: bool,
        /// Cell of the key in the driver's row.
        cell: usize,
        /// Size of the key's range.
        total: u64,
        /// Part of it that is done.
        done: u64,
        /// Rows that the server expects to find.
        expected: Option<u64>,
    },
    /// By rows, against the server's estimate.
    Rows {
        /// The estimate.
        total: u64,
        /// Part of it that is done.
        done: u64,
        /// Rows that the server expects to find.
        expected: Option<u64>,
    },
}

/// The key that tells the position of a scan of the query, if it has one: the first column of the
/// primary key, when it is an integer, of a table that is read in the key's order.
pub(super) fn position_key(query: &Query, own: &Description) -> Option<Field> {
    let name = own.key.first()?;
    let is_table = matches!(query.relation, Relation::Table(_)) && own.is_base_table;
    let column = own.columns.iter().find(|column| column.name == *name)?;
    let is_integer = match &column.data_type {
        DataType::Integer => true,
        DataType::Decimal(_) => column.native_type.starts_with("bigint"),
        _ => false,
    };
    let is_sorted_otherwise = query.sort.first().is_some_and(|key| !is_column(&key.field, name));
    if !is_table || !is_integer || column.is_nullable || is_sorted_otherwise {
        return None;
    }
    Some(Field {
        is_default: false,
        is_internal: true,
        ..Field::new(POSITION_SLUG, column.data_type.clone(), Origin::Column(name.clone()))
    })
}

fn is_column(field: &Field, name: &str) -> bool {
    matches!(&field.origin, Origin::Column(column) if column == name)
}

/// The query with one more, hidden, field behind all others.
pub(super) fn with_position(query: &Query, key: Field) -> Query {
    let mut query = query.clone();
    query.fields.push(Selected { field: key, alias: None, is_hidden: true });
    query
}

/// What the server means to do.
struct Explanation {
    /// Whether it walks the whole table in the order of the primary key.
    is_in_key_order: bool,
    /// Rows that it expects to look at.
    rows: u64,
    /// Rows that it expects to find; none if the plan cannot tell.
    expected: Option<u64>,
}

impl Progress {
    /// Asks the server how it will run the statement. `key` is the field of [`position_key`], in
    /// cell `cell` of the statement's rows.
    pub(super) fn plan(
        session: &mut Session,
        statement: &Statement,
        values: Vec<Value>,
        query: &Query,
        key: Option<(&Field, usize)>,
    ) -> Result<Self, Error> {
        let explanation = explain(session, statement, values)?;
        let expected = explanation.expected;
        let by_rows = Self::Rows { total: explanation.rows, done: 0, expected };
        let (Relation::Table(table), Some((field, cell))) = (&query.relation, key) else {
            return Ok(by_rows);
        };
        let Origin::Column(name) = &field.origin else { return Ok(by_rows) };
        if !explanation.is_in_key_order {
            return Ok(by_rows);
        }
        let Some((least, largest)) = key_range(session, table, name)? else {
            return Ok(Self::Rows { total: 0, done: 0, expected: Some(0) });
        };
        let is_descending = query.sort.first().is_some_and(|key| key.is_descending);
        let first = if is_descending { largest } else { least };
        let total = u64::try_from(largest - least + 1).unwrap_or(u64::MAX);
        Ok(Self::Keys { first, is_descending, cell, total, done: 0, expected })
    }

    /// The extent, as the stream announces it.
    pub(super) fn extent(&self) -> Extent {
        match self {
            Self::Keys { total, .. } => Extent { total: *total, unit: "keys" },
            Self::Rows { total, .. } => Extent { total: *total, unit: "rows" },
        }
    }

    /// Rows that the server expects to find.
    pub(super) fn expected(&self) -> Option<u64> {
        match self {
            Self::Keys { expected, .. } | Self::Rows { expected, .. } => *expected,
        }
    }

    /// Units that a batch of `rows` rows has used up.
    pub(super) fn batch(&mut self, rows: u64, last: Option<&Row>) -> u64 {
        let before = self.done();
        match self {
            Self::Keys { first, is_descending, cell, total, done, expected: _ } => {
                if let Some(key) = last.and_then(|row| key_of(row, *cell)) {
                    let way = if *is_descending { *first - key } else { key - *first };
                    let reached = u64::try_from(way + 1).unwrap_or(0).min(*total);
                    *done = reached.max(*done);
                }
            }
            Self::Rows { total, done, expected: _ } => {
                let most = (*total / 100).saturating_mul(ESTIMATE_PERCENT_MAX);
                *done = (*done + rows).min(most).max(*done);
            }
        }
        self.done() - before
    }

    /// Units that are left once the end is proven.
    pub(super) fn finish(&mut self) -> u64 {
        let before = self.done();
        match self {
            Self::Keys { total, done, .. } | Self::Rows { total, done, expected: _ } => {
                *done = *total
            }
        }
        self.done() - before
    }

    fn done(&self) -> u64 {
        match self {
            Self::Keys { done, .. } | Self::Rows { done, .. } => *done,
        }
    }
}

fn key_of(row: &Row, cell: usize) -> Option<i128> {
    match row.as_ref(cell)? {
        Value::Int(key) => Some(i128::from(*key)),
        Value::UInt(key) => Some(i128::from(*key)),
        _ => None,
    }
}

fn explain(
    session: &mut Session,
    statement: &Statement,
    values: Vec<Value>,
) -> Result<Explanation, Error> {
    // MariaDB leaves the share that the filter lets through away unless it is asked for.
    let explain = if session.is_mariadb() { "explain extended" } else { "explain" };
    let rows = match session.rows(&format!("{explain} {}", statement.text), values) {
        Ok(rows) => rows,
        // A view's plan takes a right of its own, `show view`; progress is not worth failing for.
        Err(Error::Server(_)) => Vec::new(),
        Err(error) => return Err(error),
    };
    let Some(first) = rows.first() else {
        return Ok(Explanation { is_in_key_order: false, rows: 0, expected: None });
    };
    let cell = |name: &str| {
        let columns = first.columns_ref();
        let at = columns.iter().position(|column| column.name_str().eq_ignore_ascii_case(name))?;
        Some((at, text(first, at).unwrap_or_default()))
    };
    let named = |name: &str| cell(name).map(|(_, text)| text).unwrap_or_default();
    let extra = named("Extra");
    let is_walk = match named("type").as_str() {
        "ALL" => true,
        "index" => named("key") == "PRIMARY",
        _ => false,
    };
    let is_regrouped = extra.contains("filesort") || extra.contains("temporary");
    let estimate = cell("rows").and_then(|(at, _)| number(first, at));
    let filtered = cell("filtered").and_then(|(at, _)| number::<f64>(first, at));
    // Subqueries of the list have lines of their own; of a union or a join there are several.
    let at = first.columns_ref().iter().position(|column| column.name_str() == "select_type");
    let is_own = |row: &&Row| {
        let kind = at.and_then(|at| text(row, at)).unwrap_or_default();
        matches!(kind.as_str(), "SIMPLE" | "PRIMARY")
    };
    let expected = match (rows.iter().filter(is_own).count(), estimate) {
        (1, Some(looked_at)) => {
            let share = filtered.unwrap_or(100.0) / 100.0;
            Some((looked_at as f64 * share).round() as u64)
        }
        _ => None,
    };
    let rows = estimate.unwrap_or(0);
    Ok(Explanation { is_in_key_order: is_walk && !is_regrouped, rows, expected })
}

/// Rows that the server expects a statement to find, if its plan tells.
pub(super) fn expected(
    session: &mut Session,
    statement: &Statement,
    values: Vec<Value>,
) -> Result<Option<u64>, Error> {
    explain(session, statement, values).map(|explanation| explanation.expected)
}

/// Least and largest key in the snapshot; none of an empty table.
fn key_range(
    session: &mut Session,
    table: &TableName,
    column: &str,
) -> Result<Option<(i128, i128)>, Error> {
    let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
    let schema = table.schema.as_deref().map(|schema| quoted(schema) + ".").unwrap_or_default();
    let (column, table) = (quoted(column), quoted(&table.name));
    let statement = format!("select min({column}), max({column}) from {schema}{table}");
    let rows = session.rows(&statement, Vec::new())?;
    Ok(rows.first().and_then(|row| Some((key_of(row, 0)?, key_of(row, 1)?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_that_was_too_low_does_not_end_early() {
        let mut progress = Progress::Rows { total: 1000, done: 0, expected: None };
        assert_eq!(progress.batch(600, None), 600);
        assert_eq!(progress.batch(600, None), 390);
        assert_eq!(progress.batch(600, None), 0);
        assert_eq!(progress.finish(), 10);
    }

    #[test]
    fn the_end_is_whole_whatever_came_before() {
        let mut keys = Progress::Keys {
            first: -5,
            is_descending: false,
            cell: 0,
            total: 11,
            done: 0,
            expected: Some(7),
        };
        assert_eq!(keys.batch(3, None), 0);
        assert_eq!(keys.finish(), 11);
        assert_eq!(keys.finish(), 0);
    }
}
