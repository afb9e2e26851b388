//! A look at rows: pages that are sought by their order, and how many there are.

use std::{sync::Arc, time::Duration};

use tidegate_batch::{RowBatch, Schema};
use tidegate_model::query::Query;

use crate::{Anchor, Page, Seek, Source, SourceError, Start, Stretch};

/// Seconds that a statement may run for somebody who waits for the answer.
pub const LOOK_SECONDS_MAX: u64 = 10;
/// Milliseconds that a count may take which nobody has asked for.
pub const GLANCE_MILLIS_MAX: u64 = 500;
/// Expected rows from which on nobody tries to count them unasked.
const COUNTED_ROWS_MAX: u64 = 10_000;

/// How many rows match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Rows; none if neither the database nor a short count can say.
    pub rows: Option<u64>,
    /// Whether they were counted.
    pub is_exact: bool,
}

impl Count {
    /// Rows that were counted.
    pub fn exactly(rows: u64) -> Self {
        Self { rows: Some(rows), is_exact: true }
    }

    /// About so many rows.
    pub fn about(rows: Option<u64>) -> Self {
        Self { rows, is_exact: false }
    }
}

/// Counts the rows, as long as somebody may be kept waiting.
///
/// # Errors
///
/// If the query cannot be run, or takes too long.
pub fn count(source: &dyn Source, query: &Query) -> Result<Count, SourceError> {
    source.count(query, Duration::from_secs(LOOK_SECONDS_MAX)).map(Count::exactly)
}

/// Counts the rows if that is done at once, and none if not.
///
/// # Errors
///
/// If the query cannot be run.
pub fn glance(source: &dyn Source, query: &Query) -> Result<Option<u64>, SourceError> {
    match source.count(query, Duration::from_millis(GLANCE_MILLIS_MAX)) {
        Ok(rows) => Ok(Some(rows)),
        Err(SourceError::StatementTooLong { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// About how many rows: those that the database expects, or if these are few or it cannot say,
/// counted in a glance.
///
/// # Errors
///
/// If the query cannot be run.
pub fn about(source: &dyn Source, query: &Query) -> Result<Count, SourceError> {
    let expected = source.expected(query)?;
    if expected.is_some_and(|rows| rows >= COUNTED_ROWS_MAX) {
        return Ok(Count::about(expected));
    }
    Ok(glance(source, query)?.map_or(Count::about(expected), Count::exactly))
}

/// Rows that were found in one stretch of an order.
pub struct Found {
    /// Columns; those of the anchors are the last ones.
    pub schema: Arc<Schema>,
    /// The rows.
    pub batch: RowBatch,
    /// Place of each row.
    pub anchors: Vec<Anchor>,
}

/// Up to `limit` rows behind the anchor in the order of the query, or before it, the nearest first.
///
/// # Errors
///
/// If the query cannot be run, or takes too long.
pub fn seek(
    source: &dyn Source,
    query: &Query,
    from: (Option<&Anchor>, bool),
    limit: u64,
) -> Result<Vec<Found>, SourceError> {
    let mut found: Vec<Found> = Vec::new();
    let mut left = limit;
    for seek in stretches(from) {
        let page = Page { start: Start::Seek(seek), limit: left };
        let (schema, batch) = source.rows(query, &page)?;
        left = left.saturating_sub(batch.len() as u64);
        let anchors = anchors(&schema, &batch, query.sort.len());
        found.push(Found { schema, batch, anchors });
        if left == 0 {
            break;
        }
    }
    Ok(found)
}

/// The stretches from a place on, in the order of the way.
fn stretches((anchor, is_backward): (Option<&Anchor>, bool)) -> Vec<Seek> {
    let part =
        |stretch, anchor: Option<&Anchor>| Seek { stretch, anchor: anchor.cloned(), is_backward };
    let is_null = |anchor: &Anchor| anchor.0.first().is_some_and(Option::is_none);
    let (first, second) = match is_backward {
        false => (Stretch::Values, Stretch::Nulls),
        true => (Stretch::Nulls, Stretch::Values),
    };
    match anchor {
        None => vec![part(first, None), part(second, None)],
        Some(place) if is_null(place) != is_backward => vec![part(second, anchor)],
        Some(_) => vec![part(first, anchor), part(second, None)],
    }
}

/// The anchors, which are texts in the last columns.
fn anchors(schema: &Schema, batch: &RowBatch, keys: usize) -> Vec<Anchor> {
    let text = |cell: &[u8]| String::from_utf8_lossy(cell).into_owned();
    let others = schema.width().saturating_sub(keys);
    let rows = batch.rows(schema.width());
    rows.map(|cells| Anchor(cells.skip(others).map(|cell| cell.map(text)).collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_begins_at_its_anchor_and_goes_on_in_the_other_stretch() {
        let value = Anchor(vec![Some("7".into()), Some("1".into())]);
        let null = Anchor(vec![None, Some("1".into())]);
        let told = |anchor, is_backward| -> Vec<(Stretch, bool)> {
            let parts = stretches((anchor, is_backward));
            parts.iter().map(|seek| (seek.stretch, seek.anchor.is_some())).collect()
        };
        use Stretch::{Nulls, Values};
        assert_eq!(told(None, false), [(Values, false), (Nulls, false)]);
        assert_eq!(told(Some(&value), false), [(Values, true), (Nulls, false)]);
        assert_eq!(told(Some(&null), false), [(Nulls, true)]);
        assert_eq!(told(None, true), [(Nulls, false), (Values, false)]);
        assert_eq!(told(Some(&value), true), [(Values, true)]);
        assert_eq!(told(Some(&null), true), [(Nulls, true), (Values, false)]);
    }
}
