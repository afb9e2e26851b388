//! A page of rows in a format, in memory: the same encoder that writes the files.

use tidegate_batch::RowBatch;
use tidegate_format::{Format, Layout, Options, Piece};
use tidegate_model::{actor::Caller, policy::Policy, query::Query};
use tidegate_source::Page;

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
    /// The request of a caller with the row limit of its role.
    pub(super) fn limited(
        policy: &Policy,
        caller: &Caller,
        mut prepared: Prepared,
    ) -> Result<Prepared, ServiceError> {
        let role = caller.role.as_ref().and_then(|slug| policy.roles.get(slug));
        let limit = role.and_then(|role| role.limit_of(&prepared.request.subject().slug));
        if let Some(limit) = limit {
            prepared.request = prepared.request.within(limit)?;
        }
        Ok(prepared)
    }

    /// The question of a request, at this moment.
    pub(super) async fn query_now(&self, prepared: &Prepared) -> Result<Query, ServiceError> {
        let now = self.store.now().await?;
        let now = chrono::DateTime::from_timestamp_micros(now).unwrap_or_default();
        Ok(prepared.request.query(now).0)
    }

    /// Reads a page and writes it.
    pub(super) async fn encoded_page(
        &self,
        prepared: Prepared,
        page: Page,
        written: PageFormat,
    ) -> Result<EncodedPage, ServiceError> {
        let query = self.query_now(&prepared).await?;
        blocking(move || {
            let (schema, batch) = prepared.bound.source.rows(&query, page)?;
            let layout = Layout {
                schema,
                options: written.options,
                time_zone: prepared.request.time_zone(),
                title: prepared.request.subject().slug.clone(),
            };
            let bytes = write_page(written.format, layout, &batch)?;
            Ok(EncodedPage { rows: batch.len(), bytes })
        })
        .await
    }
}

/// Writes rows as a file that has no others.
pub(super) fn write_page(
    format: &dyn Format,
    layout: Layout,
    batch: &RowBatch,
) -> Result<Vec<u8>, ServiceError> {
    let unwritable =
        |error: &dyn std::fmt::Display| ServiceError::Unwritable { detail: error.to_string() };
    let encoder = format.encoder(layout).map_err(|error| unwritable(&error))?;
    let mut framing = encoder.framing();
    let (mut piece, mut bytes) = (Piece::default(), Vec::new());
    encoder.encode(batch, &mut piece).map_err(|error| unwritable(&error))?;
    framing
        .begin(&mut bytes)
        .and_then(|()| framing.place(batch, &mut piece, &mut bytes))
        .and_then(|()| framing.end(&mut bytes))
        .map_err(|error| unwritable(&error))?;
    Ok(bytes)
}
