//! Says how large an export would be, and how long it would take, before it is made.

use std::sync::Arc;

use tidegate_batch::RowBatch;
use tidegate_format::{FORMATS, Format, Options};
use tidegate_model::{
    action::Action, actor::Caller, approval::Asked, policy::Policy, request::ExportRequest,
    sight::Sight,
};
use tidegate_source::{Page, Start, look::Count};
use tidegate_store::Pace;

use super::encoded::{Look, write_page};
use crate::{
    error::ServiceError,
    service::{Service, blocking},
};

/// Rows that are written to learn how long a row is.
const SAMPLE_ROWS: u64 = 200;
/// Rows a second where no export has been made yet: a tenth of what one worker reads and writes of
/// wide rows on a small machine, so that people are rather told too long than too short.
const ROWS_PER_SECOND: f64 = 20_000.0;

/// How large an export would be.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Rows.
    pub count: Count,
    /// What it would be in each format.
    pub formats: Vec<FormatEstimate>,
    /// Whether personal data is in it.
    pub has_pii: bool,
}

/// What an export would be in one format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatEstimate {
    /// Slug of the format.
    pub format: &'static str,
    /// Bytes of the file, not compressed beyond what the format itself does; none if the rows are
    /// not known.
    pub bytes: Option<u64>,
    /// Seconds that building it would take, at least one; none if the rows are not known.
    pub seconds: Option<u64>,
    /// What the seconds follow from.
    pub basis: Basis,
}

/// What an expected time follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The last exports of the subject in the format.
    Subject,
    /// The last exports in the format.
    Format,
    /// Nothing that has happened here.
    Assumption,
}

impl Basis {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Format => "format",
            Self::Assumption => "assumption",
        }
    }
}

impl Service {
    /// Rows that an export is expected to have, where it may have to wait for a second person, who
    /// is told, or a budget asks; none where nobody asks, or nobody can say.
    pub(crate) async fn rows_expected(
        &self,
        policy: &Policy,
        caller: &Caller,
        (sent, has_pii): (&ExportRequest, bool),
    ) -> Result<Option<i64>, ServiceError> {
        let asked = Asked {
            subject: &sent.subject,
            has_pii,
            rows: None,
            operator: &caller.name,
            role: caller.role.as_deref().unwrap_or_default(),
            at: self.store.now().await?,
        };
        let may_wait = self.store.approval_rules().await?.of(&asked).is_some();
        if !may_wait && !self.store.budgets().await?.asks_rows(&sent.subject) {
            return Ok(None);
        }
        let prepared = self.prepare(sent, &Sight::of(policy, caller)).await?;
        let look = self.limited(policy, caller, prepared).await?;
        let rows = match self.counted(&look, false).await {
            Ok(count) => count.rows,
            // Whoever cannot say counts as more.
            Err(error) => {
                tracing::warn!(%error, subject = sent.subject, "rows cannot be told");
                None
            }
        };
        Ok(rows.and_then(|rows| i64::try_from(rows).ok()))
    }

    /// How large an export would be. `is_exact` has its rows counted, however many.
    ///
    /// # Errors
    ///
    /// If the caller may not export this, the request is wrong, or the source fails.
    pub async fn estimate_export(
        &self,
        caller: &Caller,
        sent: &ExportRequest,
        is_exact: bool,
    ) -> Result<Estimate, ServiceError> {
        let look = self.asked(caller, Action::ExportEstimate, sent).await?;
        let has_pii = look.prepared.request.has_pii();
        let count = self.counted(&look, is_exact).await?;
        let paces = self.store.paces(&sent.subject).await?;
        let formats = self.formats_of(look, count.rows, paces).await?;
        Ok(Estimate { count, formats, has_pii })
    }

    /// What a file with that many rows is in each format, by the length of the first ones.
    async fn formats_of(
        &self,
        look: Look,
        rows: Option<u64>,
        paces: Vec<Pace>,
    ) -> Result<Vec<FormatEstimate>, ServiceError> {
        blocking(move || {
            let page = Page { start: Start::Skip(0), limit: SAMPLE_ROWS };
            let found = look.prepared.bound.source.rows(&look.query, &page);
            let found = found.map_err(|error| look.fault(error))?;
            let (schema, batch) = look.masked(found)?;
            let mut nothing = RowBatch::default();
            nothing.seal();
            let estimate = |format: &&'static dyn Format| {
                let options = || Options::defaults(format.options());
                let layout = || look.layout(Arc::clone(&schema), options());
                let frame = write_page(*format, layout(), &nothing)?.len() as u64;
                let sample = write_page(*format, layout(), &batch)?.len() as u64;
                let bytes = rows.map(|rows| scaled(frame, sample, batch.len() as u64, rows));
                let (rate, basis) = rate(&paces, format.slug());
                let seconds = rows.map(|rows| (rows as f64 / rate).ceil().max(1.0) as u64);
                Ok(FormatEstimate { format: format.slug(), bytes, seconds, basis })
            };
            FORMATS.iter().map(estimate).collect()
        })
        .await
    }
}

/// Rows a second of a format: as the subject's exports had them, or else those of all subjects.
fn rate(paces: &[Pace], format: &str) -> (f64, Basis) {
    let of = |is_of_subject: bool| {
        let some = paces.iter().filter(|pace| pace.format == format);
        let some = some.filter(|pace| pace.is_of_subject || !is_of_subject);
        let (rows, micros) = some.fold((0_i64, 0_i64), |(rows, micros), pace| {
            (rows.saturating_add(pace.rows), micros.saturating_add(pace.micros))
        });
        (rows > 0 && micros > 0).then(|| rows as f64 * 1e6 / micros as f64)
    };
    of(true)
        .map(|rate| (rate, Basis::Subject))
        .or_else(|| of(false).map(|rate| (rate, Basis::Format)))
        .unwrap_or((ROWS_PER_SECOND, Basis::Assumption))
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

    #[test]
    fn the_own_past_counts_before_that_of_others_and_both_before_an_assumption() {
        let pace = |format: &str, is_of_subject, rows| Pace {
            format: format.to_owned(),
            is_of_subject,
            rows,
            micros: 1_000_000,
        };
        let paces = [pace("csv", true, 1_000), pace("csv", false, 9_000), pace("xlsx", false, 500)];
        assert_eq!(rate(&paces, "csv"), (1_000.0, Basis::Subject));
        assert_eq!(rate(&paces, "xlsx"), (500.0, Basis::Format));
        assert_eq!(rate(&paces, "xml"), (ROWS_PER_SECOND, Basis::Assumption));
    }
}
