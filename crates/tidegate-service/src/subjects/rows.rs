//! Looks at the rows of a subject, page by page: that is not taking them, and there is a limit.

use std::collections::BTreeMap;

use serde_json::{Map, Value, value::RawValue};
use tidegate_format::Options;
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    request::ExportRequest,
};
use tidegate_source::Page;

use super::encoded::PageFormat;
use crate::{
    error::ServiceError,
    exports::Prepared,
    service::{Service, blocking},
};

/// Rows of a page at most.
pub const ROWS_PAGE_MAX: u32 = 100;
/// Rows that are skipped at most: whoever goes further wants a filter, or an export.
const ROWS_SKIPPED_MAX: u64 = 100_000;
/// The format whose lines are the rows.
const LINES: &str = "ndjson";

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
    /// Rows to skip.
    pub skip: u64,
    /// At most so many.
    pub limit: u32,
    /// Whether all rows that match are counted, too.
    pub is_counted: bool,
}

/// Rows of a subject.
#[derive(Debug)]
pub struct RowPage {
    /// Each row, as a JSON object.
    pub rows: Vec<Box<RawValue>>,
    /// Rows to skip for the next page, if there is one.
    pub next: Option<u64>,
    /// Rows that match, if they were counted.
    pub total: Option<u64>,
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
        self.permit(caller, Action::RowsView, target.clone()).await?;
        let limit = request.limit.clamp(1, ROWS_PAGE_MAX);
        let prepared = self.prepare_rows(caller, request).await?;
        let has_pii = prepared.request.has_pii();
        if has_pii {
            let target = Target { has_pii, ..target };
            let permit = self.permit(caller, Action::RowsView, target).await?;
            let ceiling = i64::from(self.store.settings().await?.view_rows_max);
            let left = self.store.count_rows_seen(permit, limit.into(), ceiling).await?;
            left.ok_or(ServiceError::TooManyRowsSeen { limit: ceiling })?;
        }
        let total = match request.is_counted {
            true => Some(self.count_of(&prepared).await?),
            false => None,
        };
        // One more than the page tells whether there is a next one.
        let page = Page { offset: request.skip, limit: u64::from(limit) + 1 };
        let format = tidegate_format::by_slug(LINES).expect("it is one of the formats");
        let numbers = BTreeMap::from([("numbers".to_owned(), "string".to_owned())]);
        let options = Options::check(format.options(), &numbers).expect("it has this option");
        let encoded = self.encoded_page(prepared, page, PageFormat { format, options }).await?;
        let mut rows = encoded
            .bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(serde_json::from_slice)
            .collect::<Result<Vec<Box<RawValue>>, _>>()
            .map_err(|error| ServiceError::Unwritable { detail: error.to_string() })?;
        let next = request.skip.saturating_add(limit.into());
        let has_more = rows.len() > limit as usize && next <= ROWS_SKIPPED_MAX;
        rows.truncate(limit as usize);
        Ok(RowPage { rows, next: has_more.then_some(next), total })
    }

    async fn prepare_rows(
        &self,
        caller: &Caller,
        request: &RowsRequest,
    ) -> Result<Prepared, ServiceError> {
        let sent = ExportRequest {
            kind: request.kind.clone(),
            scope: self.ordered(request).await?,
            fields: request.fields.clone(),
            time_zone: request.time_zone.clone(),
            ..ExportRequest::new(request.subject.clone(), LINES)
        };
        let prepared = self.prepare(&sent).await?;
        Self::limited(&self.store.policy().await?, caller, prepared)
    }

    /// The scope with an order: pages of rows that come in any order would overlap.
    async fn ordered(&self, request: &RowsRequest) -> Result<Value, ServiceError> {
        let mut scope = match &request.scope {
            Value::Null => Map::new(),
            Value::Object(members) => members.clone(),
            other => return Ok(other.clone()),
        };
        if scope.get("sort").is_none_or(Value::is_null) {
            let bound = self.bound(&request.subject).await?;
            let subject = bound.subject.of_kind(request.kind.as_deref());
            let subject = subject.map_err(|fault| tidegate_model::fault::Faults(vec![fault]))?;
            let sort = if subject.sort.is_empty() { &subject.key } else { &subject.sort };
            if !sort.is_empty() {
                scope.insert("sort".to_owned(), sort.clone().into());
            }
        }
        Ok(Value::Object(scope))
    }

    /// Rows that match.
    pub(super) async fn count_of(&self, prepared: &Prepared) -> Result<u64, ServiceError> {
        let query = self.query_now(prepared).await?;
        let source = std::sync::Arc::clone(&prepared.bound.source);
        Ok(blocking(move || source.count(&query)).await?)
    }
}
