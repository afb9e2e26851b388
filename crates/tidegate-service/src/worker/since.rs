//! What `since_last` means to a run of a schedule: from where the last one ended, up to now but for
//! a safe while.

use chrono::{DateTime, Utc};
use tidegate_model::request::Since;
use tidegate_store::SinceRun;

use super::build::{Build, Ended};
use crate::exports::Prepared;

/// Microseconds of a second.
const SECOND_MICROS: i64 = 1_000_000;

impl Build<'_> {
    /// Where this run begins and ends; none if it is not a schedule's.
    pub(super) async fn since(
        &self,
        prepared: &Prepared,
        started_at: DateTime<Utc>,
    ) -> Result<Option<SinceRun>, Ended> {
        let Some(id) = self.job.schedule_id else { return Ok(None) };
        let store = self.service.store();
        let Some(schedule) = self.patiently(|| store.schedule(id)).await? else { return Ok(None) };
        let lag = i64::from(schedule.timing.lag_seconds).saturating_mul(SECOND_MICROS);
        let until = started_at.timestamp_micros().saturating_sub(lag);
        // A clock that went back must not make the next run begin behind its end.
        let until = schedule.watermark.map_or(until, |from| from.max(until));
        let is_bound = prepared.request.scope().is_since_last();
        Ok(Some(SinceRun { from: schedule.watermark, until, is_bound }))
    }
}

/// The same for the question to the source.
pub(super) fn asked(since: Option<SinceRun>) -> Since {
    let moment = |micros: i64| DateTime::from_timestamp_micros(micros);
    Since {
        last_run: since.and_then(|since| moment(since.from?)),
        until: since.and_then(|since| moment(since.until)),
    }
}
