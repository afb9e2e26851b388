//! Says how large an export would be, and how long it would take, before it is made.

use std::sync::Arc;

use tidegate_batch::RowBatch;
use tidegate_format::{FORMATS, Format, Layout, Options};
use tidegate_model::{action::Action, actor::Caller, request::ExportRequest};
use tidegate_source::Page;

use super::encoded::write_page;
use crate::{
    error::ServiceError,
    exports::Prepared,
    service::{Service, blocking},
};

/// Rows that are written to learn how long a row is.
const SAMPLE_ROWS: u64 = 200;

/// How large an export would be.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Rows.
    pub rows: u64,
    /// Whether the rows were counted.
    pub is_exact: bool,
    /// Bytes, by format.
    pub formats: Vec<FormatEstimate>,
    /// Whether personal data is in it.
    pub has_pii: bool,
}

/// What an export would be in one format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatEstimate {
    /// Slug of the format.
    pub format: &'static str,
    /// Bytes of the file, not compressed beyond what the format itself does.
    pub bytes: u64,
}

impl Service {
    /// How large an export would be.
    ///
    /// # Errors
    ///
    /// If the caller may not export this, the request is wrong, or the source fails.
    pub async fn estimate_export(
        &self,
        caller: &Caller,
        sent: &ExportRequest,
    ) -> Result<Estimate, ServiceError> {
        let prepared = self.asked(caller, Action::ExportEstimate, sent).await?;
        let has_pii = prepared.request.has_pii();
        let rows = self.count_of(&prepared).await?;
        let formats = self.formats_of(prepared, rows).await?;
        Ok(Estimate { rows, is_exact: true, formats, has_pii })
    }

    /// Bytes of a file with that many rows in each format, by the length of the first ones.
    async fn formats_of(
        &self,
        prepared: Prepared,
        rows: u64,
    ) -> Result<Vec<FormatEstimate>, ServiceError> {
        let query = self.query_now(&prepared).await?;
        blocking(move || {
            let page = Page { offset: 0, limit: SAMPLE_ROWS };
            let (schema, batch) = prepared.bound.source.rows(&query, page)?;
            let mut nothing = RowBatch::default();
            nothing.seal();
            let estimate = |format: &&'static dyn Format| {
                let layout = || Layout {
                    schema: Arc::clone(&schema),
                    options: Options::defaults(format.options()),
                    time_zone: prepared.request.time_zone(),
                    title: prepared.request.subject().slug.clone(),
                };
                let frame = write_page(*format, layout(), &nothing)?.len() as u64;
                let sample = write_page(*format, layout(), &batch)?.len() as u64;
                let bytes = scaled(frame, sample, batch.len() as u64, rows);
                Ok(FormatEstimate { format: format.slug(), bytes })
            };
            FORMATS.iter().map(estimate).collect()
        })
        .await
    }
}

/// The frame once, and each row as long as those of the sample.
fn scaled(frame: u64, sample: u64, sampled: u64, rows: u64) -> u64 {
    let cells = u128::from(sample.saturating_sub(frame)) * u128::from(rows);
    let cells = cells / u128::from(sampled.max(1));
    frame.saturating_add(u64::try_from(cells).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_its_frame_and_its_rows() {
        assert_eq!(scaled(100, 300, 2, 2), 300);
        assert_eq!(scaled(100, 300, 2, 1_000), 100_100);
        assert_eq!(scaled(100, 100, 0, 0), 100);
    }
}
