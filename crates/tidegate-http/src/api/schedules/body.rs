//! A schedule, as the API shows it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::schedule::{Fire, FireOutcome, Schedule as Model, ScheduleState as State};
use utoipa::ToSchema;

use crate::{
    api::description::{FieldChoiceSchema, ScopeSchema, TimingSchema},
    clock::moment,
};

/// A schedule.
#[derive(Serialize, ToSchema)]
pub(crate) struct Schedule {
    /// Number: never changed, never used again, and no secret.
    #[schema(minimum = 1, example = 3)]
    id: i64,
    /// Slug of the subject.
    #[schema(example = "orders")]
    subject: String,
    /// Kind of the subject.
    kind: Option<String>,
    /// Which records, as it was asked for; null means all.
    #[schema(value_type = Option<ScopeSchema>)]
    scope: Value,
    /// Fields of each file, as they were when it was asked for.
    #[schema(value_type = Vec<FieldChoiceSchema>)]
    fields: Value,
    /// Slug of the format.
    #[schema(example = "csv")]
    format: String,
    /// Options of the format, as they were asked for.
    options: BTreeMap<String, String>,
    /// Zone of dates.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// Address to mail to when a file is ready.
    notify_email: Option<String>,
    /// Why the data is wanted.
    reason: Option<String>,
    /// When it fires.
    #[schema(value_type = TimingSchema)]
    schedule: Value,
    /// The same in words.
    #[schema(example = "every Monday at 06:00")]
    words: String,
    /// Whether personal data is in it.
    has_pii: bool,
    /// State.
    state: ScheduleState,
    /// Why it is in that state, where that is not plain.
    state_reason: Option<String>,
    /// Number of the operator who brought it there; null if it came there by itself.
    state_by: Option<i64>,
    /// Since when.
    state_at: DateTime<Utc>,
    /// Number of the operator in whose name it fires.
    owner: i64,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Its next fire; null unless it is active.
    next_fire_at: Option<DateTime<Utc>>,
    /// Runs that failed since one was ready; after five it pauses.
    failures: i64,
    /// Up to where `since_last` has gone.
    watermark: Option<DateTime<Utc>>,
    /// Grows with every change.
    version: i64,
}

/// State of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScheduleState {
    /// It fires when its time comes.
    Active,
    /// Somebody paused it, or too many of its runs failed in a row.
    Paused,
    /// Its owner may not export this any more.
    Held,
    /// It has no fire any more.
    Done,
}

impl ScheduleState {
    /// As the model names it.
    pub(crate) fn model(self) -> State {
        match self {
            Self::Active => State::Active,
            Self::Paused => State::Paused,
            Self::Held => State::Held,
            Self::Done => State::Done,
        }
    }

    fn of(state: State) -> Self {
        match state {
            State::Active => Self::Active,
            State::Paused => Self::Paused,
            State::Held => Self::Held,
            // One that was deleted is not shown.
            State::Done | State::Deleted => Self::Done,
        }
    }
}

/// A fire that was.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScheduleFire {
    /// When it was to be.
    fire_at: DateTime<Utc>,
    /// What became of it.
    outcome: ScheduleOutcome,
    /// Number of the export that it made.
    export: Option<i64>,
    /// Why it made none.
    detail: Option<String>,
}

/// What became of a fire.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScheduleOutcome {
    /// It made an export.
    Made,
    /// Nobody was there for it.
    Missed,
    /// The request does not fit its subject any more.
    Refused,
    /// The owner may not export this any more.
    Held,
}

impl From<&Fire> for ScheduleFire {
    fn from(fire: &Fire) -> Self {
        let outcome = match fire.outcome {
            FireOutcome::Made => ScheduleOutcome::Made,
            FireOutcome::Missed => ScheduleOutcome::Missed,
            FireOutcome::Refused => ScheduleOutcome::Refused,
            FireOutcome::Held => ScheduleOutcome::Held,
        };
        Self {
            fire_at: moment(fire.fire_at),
            outcome,
            export: fire.job.map(|id| id.0),
            detail: fire.detail.clone(),
        }
    }
}

impl From<&Model> for Schedule {
    fn from(schedule: &Model) -> Self {
        let request = &schedule.request;
        Self {
            id: schedule.id.0,
            subject: request.subject.clone(),
            kind: request.kind.clone(),
            scope: request.scope.clone(),
            fields: request.fields.clone(),
            format: request.format.clone(),
            options: request.options.clone(),
            time_zone: request.time_zone.clone(),
            notify_email: request.notify.as_ref().map(|notify| notify.email.clone()),
            reason: request.reason.clone(),
            schedule: schedule.timing.document(),
            words: schedule.timing.words(),
            has_pii: schedule.has_pii,
            state: ScheduleState::of(schedule.state),
            state_reason: schedule.state_reason.clone(),
            state_by: schedule.state_by.map(|id| id.0),
            state_at: moment(schedule.state_at),
            owner: schedule.owner.0,
            created_at: moment(schedule.created_at),
            next_fire_at: schedule.next_fire_at.map(moment),
            failures: schedule.failures,
            watermark: schedule.watermark.map(moment),
            version: schedule.version,
        }
    }
}
