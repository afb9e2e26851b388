//! A job, as the API shows it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use tidegate_model::{job::Job, status::Status};
use utoipa::ToSchema;

use crate::{
    api::description::{FieldChoiceSchema, ScopeSchema},
    clock::moment,
};

/// An export job.
#[derive(Serialize, ToSchema)]
pub(crate) struct Export {
    /// Number: never changed, never used again, and no secret.
    #[schema(minimum = 1, example = 7)]
    id: i64,
    /// Slug of the subject.
    #[schema(example = "orders")]
    subject: String,
    /// Kind of the subject.
    kind: Option<String>,
    /// Which records, as it was asked for; null means all.
    #[schema(value_type = Option<ScopeSchema>)]
    scope: Value,
    /// Fields of the file, as they were when it was asked for.
    #[schema(value_type = Vec<FieldChoiceSchema>)]
    fields: Value,
    /// Slug of the format.
    #[schema(example = "csv")]
    format: String,
    /// Options of the format, as they were asked for.
    options: BTreeMap<String, String>,
    /// State.
    status: ExportStatus,
    /// Whether personal data is in it.
    has_pii: bool,
    /// Share of the work that is done; 100 only when ready.
    #[schema(minimum = 0, maximum = 100)]
    progress: i64,
    /// Rows so far, or in the file.
    rows_done: i64,
    /// Rows that were expected.
    rows_estimated: Option<i64>,
    /// Bytes of the file; null until ready.
    size_bytes: Option<i64>,
    /// SHA-256 of the file, in hexadecimal; null until ready.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: Option<String>,
    /// Name of the file; null until ready.
    file_name: Option<String>,
    /// Address to mail to.
    notify_email: Option<String>,
    /// Zone of dates.
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
    /// Why the data was wanted.
    reason: Option<String>,
    /// Surface it came by.
    #[schema(example = "api")]
    via: &'static str,
    /// Whether cancellation was asked for.
    cancel_requested: bool,
    /// What it waits for beside a worker.
    hold: Option<String>,
    /// Attempts so far.
    attempt: i64,
    /// Attempts it gets.
    attempts_max: i64,
    /// Why it failed.
    error: Option<ExportError>,
    /// What is wrong with its file.
    fault: Option<String>,
    /// Job that this is a new run of.
    rerun_of: Option<i64>,
    /// Schedule that this is a run of.
    schedule_id: Option<i64>,
    /// Number of the operator who made it.
    created_by: i64,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Not worked on before.
    run_after: DateTime<Utc>,
    /// When its first attempt began.
    started_at: Option<DateTime<Utc>>,
    /// When it became ready, failed or cancelled.
    completed_at: Option<DateTime<Utc>>,
    /// When its file's retention ends.
    expires_at: Option<DateTime<Utc>>,
    /// When its file was seen gone.
    purged_at: Option<DateTime<Utc>>,
}

/// State of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExportStatus {
    /// Waits for a worker.
    Pending,
    /// Its file is being made.
    Building,
    /// Its file can be downloaded.
    Ready,
    /// It has no file, and a reason why.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// Its file is gone, as its retention has ended.
    Expired,
    /// Its file is gone, as somebody deleted it.
    Deleted,
}

impl From<Status> for ExportStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Building => Self::Building,
            Status::Ready => Self::Ready,
            Status::Failed => Self::Failed,
            Status::Cancelled => Self::Cancelled,
            Status::Expired => Self::Expired,
            Status::Deleted => Self::Deleted,
        }
    }
}

impl From<ExportStatus> for Status {
    fn from(status: ExportStatus) -> Self {
        match status {
            ExportStatus::Pending => Self::Pending,
            ExportStatus::Building => Self::Building,
            ExportStatus::Ready => Self::Ready,
            ExportStatus::Failed => Self::Failed,
            ExportStatus::Cancelled => Self::Cancelled,
            ExportStatus::Expired => Self::Expired,
            ExportStatus::Deleted => Self::Deleted,
        }
    }
}

/// Why an export failed.
#[derive(Serialize, ToSchema)]
struct ExportError {
    /// Kind, for programs.
    #[schema(example = "source_lost")]
    reason: &'static str,
    /// What happened, and what helps.
    detail: String,
}

impl From<&Job> for Export {
    fn from(job: &Job) -> Self {
        let error = job.error.as_ref();
        let error =
            error.map(|one| ExportError { reason: one.reason.slug(), detail: one.detail.clone() });
        Self {
            id: job.id.0,
            subject: job.subject.clone(),
            kind: job.kind.clone(),
            scope: job.scope.clone(),
            fields: job.fields.clone(),
            format: job.format.clone(),
            options: job.options.clone(),
            status: job.status.into(),
            has_pii: job.has_pii,
            progress: job.progress,
            rows_done: job.rows_done,
            rows_estimated: job.rows_estimated,
            size_bytes: job.size_bytes,
            sha256: job.sha256.clone(),
            file_name: job.file_name.clone(),
            notify_email: job.notify_email.clone(),
            time_zone: job.time_zone.clone(),
            reason: job.reason.clone(),
            via: job.via.slug(),
            cancel_requested: job.cancel_requested,
            hold: job.hold.clone(),
            attempt: job.attempt,
            attempts_max: job.attempts_max,
            error,
            fault: job.fault.clone(),
            rerun_of: job.rerun_of.map(|id| id.0),
            schedule_id: job.schedule_id.map(|id| id.0),
            created_by: job.created_by.0,
            created_at: moment(job.created_at),
            run_after: moment(job.run_after),
            started_at: job.started_at.map(moment),
            completed_at: job.completed_at.map(moment),
            expires_at: job.expires_at.map(moment),
            purged_at: job.purged_at.map(moment),
        }
    }
}
