//! A page of rows in a format, in memory: the same encoder that writes the files.

use std::sync::Arc;

use chrono::DateTime;

use tidegate_batch::{RowBatch, Schema};
use tidegate_format::{Counts, Format, Layout, Options, Piece};
use tidegate_model::{
    actor::Caller,
    policy::Policy,
    query::Query,
    request::{CheckedRequest, ExportRequest},
    sight::Sight,
};
use tidegate_pipeline::{MaskKey, Masking};
use tidegate_source::{
    Page, SourceError, Start,
    look::{self, Count},
};

use crate::{
    error::ServiceError,
    exports::Prepared,
    service::{Service, blocking},
};

/// Rows of a page, written.
pub(super) struct EncodedPage {
    /// Rows in it.
    pub(super) rows: usize,
    /// What the file would begin with, in the format.
    pub(super) bytes: Vec<u8>,
}

/// How a page is to be written.
pub(super) struct PageFormat {
    pub(super) format: &'static dyn Format,
    pub(super) options: Options,
}

impl Service {
    /// A look of a caller, within the row limit of its role, at this moment.
    pub(super) async fn limited(
        &self,
        policy: &Policy,
        caller: &Caller,
        prepared: Prepared,
    ) -> Result<Look, ServiceError> {
        let now = DateTime::from_timestamp_micros(self.store.now().await?).unwrap_or_default();
        let cited = cited(&prepared.request);
        let mask_key = self.keys().mask_key();
        let sight = Sight::of(policy, caller);
        let Some(limit) = sight.limit_of(&prepared.request.subject().slug) else {
            let query = prepared.request.query(now).0;
            return Ok(Look { prepared, query, limit: None, cited, mask_key });
        };
        let has_own_scope = !prepared.request.scope().fields().is_empty();
        let request = prepared.request.within(limit)?;
        let limit = match has_own_scope {
            true => {
                let all = everything(&request).check(request.subject())?;
                Some(all.within(limit)?.query(now).0)
            }
            false => None,
        };
        let query = request.query(now).0;
        Ok(Look { prepared: Prepared { request, ..prepared }, query, limit, cited, mask_key })
    }

    /// How many rows match. What a database expects of somebody's filter follows from all rows of
    /// the table, also from those that a row limit hides: who has such a limit and filters is told
    /// counted rows, or at most those of the limit.
    pub(super) async fn counted(&self, look: &Look, is_exact: bool) -> Result<Count, ServiceError> {
        let (query, limit) = (look.query.clone(), look.limit.clone());
        let source = Arc::clone(&look.prepared.bound.source);
        let counted = blocking(move || match (is_exact, limit) {
            (true, _) => look::count(&*source, &query),
            (false, None) => look::about(&*source, &query),
            (false, Some(limit)) => Ok(match look::glance(&*source, &query)? {
                Some(rows) => Count::exactly(rows),
                None => Count::about(source.expected(&limit)?),
            }),
        });
        counted.await.map_err(|error| look.fault(error))
    }

    /// Reads the first rows and writes them.
    pub(super) async fn first_rows(
        &self,
        look: Look,
        rows: u64,
        written: PageFormat,
    ) -> Result<EncodedPage, ServiceError> {
        blocking(move || {
            let page = Page { start: Start::Skip(0), limit: rows };
            let found = look.prepared.bound.source.rows(&look.query, &page);
            let found = found.map_err(|error| look.fault(error))?;
            let (schema, batch) = look.masked(found)?;
            let bytes = write_page(written.format, look.layout(schema, written.options), &batch)?;
            Ok(EncodedPage { rows: batch.len(), bytes })
        })
        .await
    }
}

/// A request of somebody who looks, within the row limit of its role.
pub(super) struct Look {
    pub(super) prepared: Prepared,
    /// The question of the request, at the moment of the look.
    pub(super) query: Query,
    /// All that the row limit lets through, where the request asks for something else.
    limit: Option<Query>,
    /// Fields that the request itself filters, searches or sorts by.
    cited: Vec<String>,
    mask_key: MaskKey,
}

impl Look {
    /// Rows as they may be shown: every look at rows comes by here.
    pub(super) fn masked(
        &self,
        (schema, batch): (Arc<Schema>, RowBatch),
    ) -> Result<(Arc<Schema>, RowBatch), ServiceError> {
        let masking = Masking::of(&schema, &self.query.fields, Some(&self.mask_key));
        let Some(masking) = masking else { return Ok((schema, batch)) };
        let mut masked = RowBatch::default();
        masking
            .apply(&batch, &mut masked)
            .map_err(|error| ServiceError::Unwritable { detail: error.to_string() })?;
        Ok((Arc::clone(masking.schema()), masked))
    }

    /// How its rows are written.
    pub(super) fn layout(&self, schema: Arc<Schema>, options: Options) -> Layout {
        let request = &self.prepared.request;
        let (time_zone, title) = (request.time_zone(), request.subject().slug.clone());
        Layout { schema, options, time_zone, title }
    }

    /// What a failure of the source means to somebody who looks.
    pub(super) fn fault(&self, error: SourceError) -> ServiceError {
        match error {
            SourceError::StatementTooLong { seconds } => {
                ServiceError::LookTooLong { seconds, fields: self.cited.clone() }
            }
            unreadable @ SourceError::BadValue { .. } => ServiceError::Unreadable(unreadable),
            other => ServiceError::Source(other),
        }
    }
}

fn everything(request: &CheckedRequest) -> ExportRequest {
    let subject = request.subject();
    ExportRequest {
        kind: subject.kind.clone(),
        fields: request.frozen_fields(),
        ..ExportRequest::new(subject.slug.clone(), "")
    }
}

fn cited(request: &CheckedRequest) -> Vec<String> {
    let scope = request.scope();
    let sorted = scope.sort().iter().map(|key| &key.field);
    let mut slugs: Vec<String> = Vec::new();
    for field in scope.fields().into_iter().chain(sorted) {
        if !slugs.contains(&field.slug) {
            slugs.push(field.slug.clone());
        }
    }
    slugs
}

/// Writes rows as a file that has no others.
pub(super) fn write_page(
    format: &dyn Format,
    layout: Layout,
    batch: &RowBatch,
) -> Result<Vec<u8>, ServiceError> {
    Ok(write_rows(format, layout, batch)?.0)
}

/// The same, and what had to be changed in the cells.
pub(crate) fn write_rows(
    format: &dyn Format,
    layout: Layout,
    batch: &RowBatch,
) -> Result<(Vec<u8>, Counts), ServiceError> {
    let unwritable =
        |error: &dyn std::fmt::Display| ServiceError::Unwritable { detail: error.to_string() };
    let encoder = format.encoder(layout).map_err(|error| unwritable(&error))?;
    let mut framing = encoder.framing();
    let (mut piece, mut bytes) = (Piece::default(), Vec::new());
    encoder.encode(batch, &mut piece).map_err(|error| unwritable(&error))?;
    let counts = piece.counts;
    framing
        .begin(&mut bytes)
        .and_then(|()| framing.place(batch, &mut piece, &mut bytes))
        .and_then(|()| framing.end(&mut bytes))
        .map_err(|error| unwritable(&error))?;
    Ok((bytes, counts))
}
