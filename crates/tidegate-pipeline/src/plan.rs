//! All that one export needs to know before its source is opened.

use std::{collections::BTreeMap, time::Duration};

use chrono_tz::Tz;
use tidegate_format::{Format, Options};
use tidegate_model::query::Query;
use tidegate_source::Source;
use tracing::Span;

use crate::{MaskKey, RunError};

/// Bytes that one cell may have unless a site says otherwise: far above what people keep in a
/// column, far below what would hurt the other exports.
const CELL_BYTES_MAX: usize = 64 << 20;

/// One export, checked and ready to run.
pub struct Plan<'a> {
    /// Where the rows are.
    pub source: &'a dyn Source,
    /// Which rows and fields.
    pub query: Query,
    /// What the file is.
    pub format: &'static dyn Format,
    /// Options of the format.
    pub options: Options,
    /// Zone in which instants are written.
    pub time_zone: Tz,
    /// Slug of the subject: root element, sheet name.
    pub title: String,
    /// Name of the sessions in the database.
    pub application: String,
    /// Readers of the source at most.
    pub readers: usize,
    /// Longest life of the snapshot.
    pub snapshot_age_max: Duration,
    /// Key of the hashes that stand for masked values; without it, nothing of those is shown.
    pub mask_key: Option<MaskKey>,
    /// Ceilings.
    pub limits: Limits,
    /// The span that those of its phases stand below; [`Span::none`] where nobody wants them.
    pub span: Span,
}

impl Plan<'_> {
    /// Checks the options that a request gives for a format.
    ///
    /// # Errors
    ///
    /// All faults.
    pub fn check_options(
        format: &dyn Format,
        given: &BTreeMap<String, String>,
    ) -> Result<Options, RunError> {
        Options::check(format.options(), given).map_err(RunError::Options)
    }
}

/// Ceilings of an export.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Rows.
    pub rows_max: Option<u64>,
    /// Bytes of the artifact.
    pub bytes_max: Option<u64>,
    /// Bytes of one cell.
    pub cell_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows_max: None, bytes_max: None, cell_bytes_max: CELL_BYTES_MAX }
    }
}
