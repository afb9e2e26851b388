//! A schedule: an export that is asked for again and again, or once at a later moment.

mod due;
mod expression;
mod instants;
mod read;
mod words;

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use self::{
    due::{Due, FIRES_NOTED_MAX, LATE_SECONDS},
    expression::{EXPRESSION_CHARACTERS_MAX, Expression},
};
use crate::{
    ids::{JobId, OperatorId, ScheduleId},
    request::ExportRequest,
};

/// Seconds by which a fire may be put off: an hour spreads what a whole site asks for at six.
pub const JITTER_SECONDS_MAX: u32 = 60 * 60;
/// Seconds that `since_last` stays behind now, at most: a day.
pub const LAG_SECONDS_MAX: u32 = 24 * 60 * 60;
/// Failures in a row after which a schedule pauses by itself.
pub const FAILURES_MAX: i64 = 5;
/// Next fires that are shown.
pub const FIRES_SHOWN: usize = 5;
/// Microseconds of a second.
const SECOND_MICROS: i64 = 1_000_000;

/// When a schedule fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Once, or again and again.
    pub recurrence: Recurrence,
    /// What becomes of fires that nobody was there for.
    pub missed: Missed,
    /// No fire before this moment.
    pub starts_at: Option<DateTime<Utc>>,
    /// No fire after this moment.
    pub ends_at: Option<DateTime<Utc>>,
    /// Seconds by which a fire is put off, at most; how many follows from schedule and fire.
    pub jitter_seconds: u32,
    /// Seconds that `since_last` stays behind now: longer than a transaction that is committed late
    /// with an earlier time.
    pub lag_seconds: u32,
}

/// Once, or again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recurrence {
    /// Whenever the clock of a zone shows this.
    Cron {
        /// Which local times.
        expression: Box<Expression>,
        /// Whose.
        zone: Tz,
    },
    /// Once.
    At {
        /// When.
        moment: DateTime<Utc>,
        /// Zone in which people read it.
        zone: Tz,
    },
}

/// What becomes of fires that nobody was there for: the service was down, or its clock was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// Nothing.
    Skip,
    /// One export for the last of them.
    Once,
}

impl Missed {
    /// Both policies.
    pub const ALL: [Self; 2] = [Self::Skip, Self::Once];

    /// Word in requests.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
        }
    }
}

impl Recurrence {
    /// Zone in which people read its times.
    pub fn zone(&self) -> Tz {
        match self {
            Self::Cron { zone, .. } | Self::At { zone, .. } => *zone,
        }
    }
}

impl Timing {
    /// The first fire after a moment, both in microseconds since 1970; none if there is none.
    pub fn next_after(&self, after: i64) -> Option<i64> {
        let before_start = self.starts_at.map(|start| start.timestamp_micros() - 1);
        let after = moment_of(before_start.map_or(after, |start| start.max(after)));
        let next = match &self.recurrence {
            Recurrence::Cron { expression, zone } => {
                instants::next_after(expression, *zone, after)?
            }
            Recurrence::At { moment, .. } => Some(*moment).filter(|moment| *moment > after)?,
        };
        let is_over = self.ends_at.is_some_and(|end| next > end);
        (!is_over).then(|| next.timestamp_micros())
    }

    /// The next fires after a moment, as they are shown.
    pub fn next_fires(&self, after: i64) -> Vec<i64> {
        let next = |last: &i64| self.next_after(*last);
        std::iter::successors(self.next_after(after), next).take(FIRES_SHOWN).collect()
    }

    /// When a fire is due: a while later where there is jitter. Every scheduler says the same.
    pub fn due_at(&self, schedule: ScheduleId, fire_at: i64) -> i64 {
        if self.jitter_seconds == 0 {
            return fire_at;
        }
        let digest = Sha256::digest(format!("{schedule} {fire_at}"));
        let drawn = digest.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let micros = u64::from(self.jitter_seconds) * SECOND_MICROS.unsigned_abs();
        fire_at.saturating_add_unsigned(drawn % (micros + 1))
    }

    /// As a request says it: what was read, with nothing left out.
    pub fn document(&self) -> Value {
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let mut document = json!({
            "time_zone": self.recurrence.zone().name(),
            "missed": self.missed,
            "starts_at": self.starts_at.map(text),
            "ends_at": self.ends_at.map(text),
            "jitter_seconds": self.jitter_seconds,
            "lag_seconds": self.lag_seconds,
        });
        match &self.recurrence {
            Recurrence::Cron { expression, .. } => document["cron"] = expression.text().into(),
            Recurrence::At { moment, .. } => document["at"] = text(*moment).into(),
        }
        document
    }
}

fn moment_of(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// State of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleState {
    /// It fires when its time comes.
    Active,
    /// Somebody paused it, or too many of its runs failed in a row.
    Paused,
    /// Its owner may not export this any more.
    Held,
    /// It has no fire any more.
    Done,
    /// Somebody deleted it; the record of its runs stays.
    Deleted,
}

impl ScheduleState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Active, Self::Paused, Self::Held, Self::Done, Self::Deleted];

    /// Word in the database and the API.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Held => "held",
            Self::Done => "done",
            Self::Deleted => "deleted",
        }
    }

    /// The state of that word.
    pub fn find(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.slug() == slug)
    }
}

/// A schedule as it stands in the control database. Times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Number.
    pub id: ScheduleId,
    /// What each run asks for.
    pub request: ExportRequest,
    /// When.
    pub timing: Timing,
    /// Whether personal data is in it.
    pub has_pii: bool,
    /// State.
    pub state: ScheduleState,
    /// Why it is in that state, where that is not plain.
    pub state_reason: Option<String>,
    /// Who brought it there; none if it came there by itself.
    pub state_by: Option<OperatorId>,
    /// Since when.
    pub state_at: i64,
    /// Whose it is, in whose name it fires.
    pub owner: OperatorId,
    /// When it was made.
    pub created_at: i64,
    /// Its next fire; none unless it is active.
    pub next_fire_at: Option<i64>,
    /// Runs that failed since one was ready.
    pub failures: i64,
    /// Up to where `since_last` has gone.
    pub watermark: Option<i64>,
    /// Grows with every change by hand.
    pub version: i64,
}

/// A schedule that is about to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSchedule {
    /// What each run asks for, with its fields frozen.
    pub request: ExportRequest,
    /// When.
    pub timing: Timing,
    /// Whether personal data is in it.
    pub has_pii: bool,
    /// Whose it is.
    pub owner: OperatorId,
    /// Scope as the activity log may show it.
    pub scope_summary: Value,
    /// Key that makes a repeated request the same one.
    pub idempotency: Option<crate::job::Idempotency>,
}

/// What became of a fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FireOutcome {
    /// It made a job.
    Made,
    /// Nobody was there for it, and the schedule does not make up for it.
    Missed,
    /// The request does not fit its subject any more.
    Refused,
    /// The owner may not export this any more.
    Held,
}

impl FireOutcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Made, Self::Missed, Self::Refused, Self::Held];

    /// Word in the database and the API.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Missed => "missed",
            Self::Refused => "refused",
            Self::Held => "held",
        }
    }

    /// The outcome of that word.
    pub fn find(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.slug() == slug)
    }
}

/// A fire that was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fire {
    /// When it was to be.
    pub fire_at: i64,
    /// What became of it.
    pub outcome: FireOutcome,
    /// The job it made.
    pub job: Option<JobId>,
    /// Why it made none.
    pub detail: Option<String>,
    /// When that was written down.
    pub noted_at: i64,
}
