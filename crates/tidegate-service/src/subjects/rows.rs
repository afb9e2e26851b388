//! Looks at the rows of a subject, page by page: that is not taking them, and there is a limit.

use std::{collections::BTreeMap, string::FromUtf8Error, sync::Arc};

use serde_json::{Map, Value, value::RawValue};
use tidegate_batch::{RowBatch, Schema};
use tidegate_format::Options;
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    capability::export_of,
    policy,
    request::ExportRequest,
    sight::Sight,
};
use tidegate_source::{
    Anchor, Page, Start,
    look::{self, Count, Found},
};

use super::{
    client_export,
    cursor::{Place, Rows},
    encoded::{Look, write_page},
};
use crate::{
    error::ServiceError,
    exports::prepared,
    exposure::covered_limit,
    service::{Bound, Service, blocking},
};

/// Rows of a page at most.
pub const ROWS_PAGE_MAX: u32 = 100;
/// Rows that are skipped at most, of a subject without a key: whoever goes further wants a filter,
/// or an export.
const ROWS_SKIPPED_MAX: u64 = 100_000;
/// The format whose lines are the rows.
const LINES: &str = "ndjson";
/// The format that a browser makes a file in.
const TEXT: &str = "csv";

/// How the rows that match are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Not at all.
    None,
    /// As well as it can be told at once.
    About,
    /// One by one, as long as somebody may be kept waiting.
    Exact,
}

/// Which rows to look at.
#[derive(Clone, Debug)]
pub struct RowsRequest {
    /// Slug of the subject.
    pub subject: String,
    /// Its kind.
    pub kind: Option<String>,
    /// Which records, as in an export.
    pub scope: Value,
    /// Which fields, as in an export; null means the default set.
    pub fields: Value,
    /// Zone of dates.
    pub time_zone: Option<String>,
    /// A cursor of another page of the same rows; none is the first page.
    pub cursor: Option<String>,
    /// At most so many.
    pub limit: u32,
    /// Whether all rows that match are counted, too.
    pub counting: Counting,
    /// Whether the rows are wanted as CSV writes them, too, for a browser to make a file of them.
    pub as_text: bool,
}

/// Rows of a subject.
#[derive(Debug, Default)]
pub struct RowPage {
    /// Each row, as a JSON object.
    pub rows: Vec<Box<RawValue>>,
    /// Cursor of the next page, if there is one.
    pub next: Option<String>,
    /// Cursor of the page before, if there is one.
    pub previous: Option<String>,
    /// Cursor of the last page, where this is not it; none of a subject without a key.
    pub last: Option<String>,
    /// Rows that match, if that was asked for.
    pub total: Option<Count>,
    /// The same rows in CSV, every value in quotes; none where that was not asked for, or a browser
    /// may make no file of them.
    pub text: Option<String>,
    /// The filter that the role of the caller adds.
    pub row_limit: Option<Value>,
    /// Whether personal data is among the rows, or can be.
    pub has_pii: bool,
}

/// A row that was read: as a JSON object, and in CSV where that is wanted.
struct Line {
    json: Box<RawValue>,
    text: String,
}

/// What is wanted of a page.
#[derive(Clone, Copy)]
struct Wanted {
    limit: u64,
    is_text: bool,
}

/// A page that was read.
struct ReadPage {
    rows: Vec<Line>,
    next: Option<Place>,
    previous: Option<Place>,
}

impl Service {
    /// A page of the rows of a subject, within the limits of the caller's role.
    ///
    /// # Errors
    ///
    /// If the caller may not see the subject, the request is wrong, or the caller has seen as many
    /// rows with personal data as the site allows within an hour.
    pub async fn rows(
        &self,
        caller: &Caller,
        request: &RowsRequest,
    ) -> Result<RowPage, ServiceError> {
        // First of all: names that somebody made up do not belong into the log, where they would be
        // seen by those who do not see the entries of what is there and hidden.
        if self.sited().site.subject(&request.subject).is_none() {
            return Err(ServiceError::NotFound);
        }
        let target = Target { subject: Some(request.subject.clone()), ..Target::default() };
        let policy = self.store.policy().await?;
        self.permit_by(&policy, caller, Action::RowsView, target.clone()).await?;
        let limit = request.limit.clamp(1, ROWS_PAGE_MAX);
        let sight = Sight::of(&policy, caller);
        let bound = self.bound_for(&sight, &request.subject).await?;
        let sent = as_export(request, &bound)?;
        let keys = self.keys();
        let asked = Rows::of(caller, &sent);
        let look = self.limited(&policy, caller, prepared(&sent, bound)?).await?;
        let is_sought = !look.prepared.request.subject().key.is_empty();
        let place = match &request.cursor {
            Some(cursor) => asked.place(&keys, cursor)?,
            None if is_sought => Place::After(None),
            None => Place::Skip(0),
        };
        let has_pii = look.prepared.request.has_pii();
        if has_pii {
            let target = Target { has_pii, ..target };
            let permit = self.permit_by(&policy, caller, Action::RowsView, target).await?;
            let ceiling = i64::from(self.store.settings().await?.view_rows_max);
            let left = self.store.count_rows_seen(permit, limit.into(), ceiling).await?;
            left.ok_or(ServiceError::TooManyRowsSeen { limit: ceiling })?;
        }
        let total = match request.counting {
            Counting::None => None,
            Counting::About => Some(self.counted(&look, false).await?),
            Counting::Exact => Some(self.counted(&look, true).await?),
        };
        let settings = self.store.settings().await?;
        let seen = look.prepared.request.subject();
        let row_limit = sight.limit_of(&request.subject).map(|limit| covered_limit(seen, limit));
        let is_text = request.as_text
            && client_export::refusal(&look.prepared.request, &settings).is_none()
            && policy::holds(&policy, caller, &export_of(&request.subject));
        let wanted = Wanted { limit: limit.into(), is_text };
        let page = blocking(move || look.page(place, wanted)).await?;
        let cursor = |place: &Place| asked.cursor(&keys, place);
        let has_last = is_sought && page.next.is_some();
        let (rows, texts): (Vec<_>, Vec<_>) =
            page.rows.into_iter().map(|line| (line.json, line.text)).unzip();
        Ok(RowPage {
            rows,
            text: is_text.then(|| texts.concat()),
            row_limit,
            has_pii,
            next: page.next.as_ref().map(cursor).transpose()?,
            previous: page.previous.as_ref().map(cursor).transpose()?,
            last: has_last.then(|| cursor(&Place::Before(None))).transpose()?,
            total,
        })
    }
}

fn as_export(request: &RowsRequest, bound: &Bound) -> Result<ExportRequest, ServiceError> {
    Ok(ExportRequest {
        kind: request.kind.clone(),
        scope: ordered(request, bound)?,
        fields: request.fields.clone(),
        time_zone: request.time_zone.clone(),
        ..ExportRequest::new(request.subject.clone(), LINES)
    })
}

/// The scope with an order: pages of rows that come in any order would overlap.
fn ordered(request: &RowsRequest, bound: &Bound) -> Result<Value, ServiceError> {
    let mut scope = match &request.scope {
        Value::Null => Map::new(),
        Value::Object(members) => members.clone(),
        other => return Ok(other.clone()),
    };
    if scope.get("sort").is_none_or(Value::is_null) {
        let subject = bound.subject.of_kind(request.kind.as_deref());
        let subject = subject.map_err(|fault| tidegate_model::fault::Faults(vec![fault]))?;
        let sort = if subject.sort.is_empty() { &subject.key } else { &subject.sort };
        if !sort.is_empty() {
            scope.insert("sort".to_owned(), sort.clone().into());
        }
    }
    Ok(Value::Object(scope))
}

impl Look {
    /// Reads a page.
    fn page(&self, place: Place, wanted: Wanted) -> Result<ReadPage, ServiceError> {
        match place {
            Place::Skip(skip) => self.skipped(skip, wanted),
            Place::After(anchor) => {
                let (rows, ends, has_more) = self.sought(anchor.as_ref(), false, wanted)?;
                let (first, last) = ends.unzip();
                let next = has_more.then_some(Place::After(last));
                // Of rows that have all gone since, the last page is the one before.
                let previous = anchor.is_some().then_some(Place::Before(first));
                Ok(ReadPage { rows, next, previous })
            }
            Place::Before(anchor) => {
                let found = self.sought(anchor.as_ref(), true, wanted)?;
                let (mut rows, ends, has_more) = found;
                rows.reverse();
                let (last, first) = ends.unzip();
                let previous = has_more.then_some(Place::Before(first));
                let next = anchor.is_some().then_some(Place::After(last));
                Ok(ReadPage { rows, next, previous })
            }
        }
    }

    /// The page behind so many rows.
    fn skipped(&self, skip: u64, wanted: Wanted) -> Result<ReadPage, ServiceError> {
        let Wanted { limit, is_text } = wanted;
        // One more than the page tells whether there is a next one.
        let page = Page { start: Start::Skip(skip), limit: limit + 1 };
        let found = self.prepared.bound.source.rows(&self.query, &page);
        let found = found.map_err(|error| self.fault(error))?;
        let (schema, batch) = self.masked(found)?;
        let mut rows = self.lines(&schema, &batch, is_text)?;
        let next = skip.saturating_add(limit);
        let has_more = rows.len() as u64 > limit && next <= ROWS_SKIPPED_MAX;
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = has_more.then_some(Place::Skip(next));
        let previous = (skip > 0).then(|| Place::Skip(skip.saturating_sub(limit)));
        Ok(ReadPage { rows, next, previous })
    }

    /// Rows from an anchor on in the direction of the way, the places of the first and the last of
    /// them, and whether there are more.
    fn sought(
        &self,
        anchor: Option<&Anchor>,
        is_backward: bool,
        wanted: Wanted,
    ) -> Result<Sought, ServiceError> {
        let Wanted { limit, is_text } = wanted;
        let source = &*self.prepared.bound.source;
        let found = look::seek(source, &self.query, (anchor, is_backward), limit + 1);
        let (mut rows, mut anchors) = (Vec::new(), Vec::new());
        for Found { schema, batch, anchors: places } in found.map_err(|error| self.fault(error))? {
            let (schema, batch) = self.masked((schema, batch))?;
            rows.extend(self.lines(&schema, &batch, is_text)?);
            anchors.extend(places);
        }
        let has_more = rows.len() as u64 > limit;
        let kept = usize::try_from(limit).unwrap_or(usize::MAX);
        rows.truncate(kept);
        anchors.truncate(kept);
        let ends = anchors.first().cloned().zip(anchors.last().cloned());
        Ok((rows, ends, has_more))
    }

    /// The rows as they would be written.
    fn lines(
        &self,
        schema: &Arc<Schema>,
        batch: &RowBatch,
        is_text: bool,
    ) -> Result<Vec<Line>, ServiceError> {
        let written = |slug: &str, option: (&str, &str)| {
            let format = tidegate_format::by_slug(slug).expect("it is one of the formats");
            let sent = BTreeMap::from([(option.0.to_owned(), option.1.to_owned())]);
            let options = Options::check(format.options(), &sent).expect("it has this option");
            let bytes = write_page(format, self.layout(Arc::clone(schema), options), batch)?;
            let unwritable =
                |error: FromUtf8Error| ServiceError::Unwritable { detail: error.to_string() };
            String::from_utf8(bytes).map_err(unwritable)
        };
        let lines = written(LINES, ("numbers", "string"))?;
        let text = if is_text { written(TEXT, ("quote_all", "true"))? } else { String::new() };
        // The first record is the header.
        let mut records = records(&text).into_iter().skip(1);
        let mut line = |line: &str| {
            let text = records.next().unwrap_or_default().to_owned();
            Ok(Line { json: serde_json::from_str(line)?, text })
        };
        let read: Result<Vec<Line>, serde_json::Error> = lines.lines().map(&mut line).collect();
        read.map_err(|error| ServiceError::Unwritable { detail: error.to_string() })
    }
}

/// The records of CSV, each with its line end: one inside quotes ends none.
fn records(text: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let split = text.split_inclusive(|character| {
        is_quoted ^= character == '"';
        character == '\n' && !is_quoted
    });
    split.collect()
}

/// Rows, the places of the first and the last one, and whether there are more.
type Sought = (Vec<Line>, Option<(Anchor, Anchor)>, bool);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_ends_where_no_value_is_open() {
        let text = "\"id\",\"note\"\n\"1\",\"a \"\"b\"\"\n\nc\"\n\"2\",\n";
        let expected = ["\"id\",\"note\"\n", "\"1\",\"a \"\"b\"\"\n\nc\"\n", "\"2\",\n"];
        assert_eq!(records(text), expected);
    }
}
