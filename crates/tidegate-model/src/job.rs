//! An export job: what was asked for, frozen, and what became of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    actor::Via,
    exposure::Exposure,
    ids::{JobId, OperatorId, ScheduleId},
    status::Status,
    trace::TraceParent,
};

/// Attempts of a job unless the site says otherwise.
pub const ATTEMPTS_MAX: i64 = 3;

/// A job that is about to be made: its request, checked, with all that it will need frozen.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Slug of the subject.
    pub subject: String,
    /// Kind of the subject.
    pub kind: Option<String>,
    /// Scope as it was asked for.
    pub scope: Value,
    /// Fields of the file, resolved: a list as in a request.
    pub fields: Value,
    /// Slug of the format.
    pub format: String,
    /// Options as they were asked for.
    pub options: BTreeMap<String, String>,
    /// Zone of dates.
    pub time_zone: String,
    /// Whether personal data is in it.
    pub has_pii: bool,
    /// Whether whoever asked may see personal data as it is.
    pub is_unmasked: bool,
    /// Address to mail to.
    pub notify_email: Option<String>,
    /// Why the data is wanted.
    pub reason: Option<String>,
    /// Surface it came by.
    pub via: Via,
    /// Who asked.
    pub created_by: OperatorId,
    /// Job it is a new run of.
    pub rerun_of: Option<JobId>,
    /// Schedule that it is a run of.
    pub schedule: Option<ScheduleId>,
    /// Rows that are expected, if anybody could say.
    pub rows_estimated: Option<i64>,
    /// Attempts it gets.
    pub attempts_max: i64,
    /// What a file of it would show by the policy of now, and to whom the request may be shown.
    pub exposure: Exposure,
    /// Scope as the activity log may show it: values of personal fields hashed.
    pub scope_summary: Value,
    /// Key that makes a repeated request the same one, with the hash of what was asked.
    pub idempotency: Option<Idempotency>,
    /// Where in a trace it is made, so that its attempts stand there, too.
    pub trace: Option<TraceParent>,
}

/// Makes a repeated request the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// What the client chose.
    pub key: String,
    /// Hash of what it asked for.
    pub request_hash: String,
}

/// A job as it stands in the control database. Times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Number.
    pub id: JobId,
    /// Slug of the subject.
    pub subject: String,
    /// Kind of the subject.
    pub kind: Option<String>,
    /// Scope as it was asked for.
    pub scope: Value,
    /// Fields of the file.
    pub fields: Value,
    /// Slug of the format.
    pub format: String,
    /// Options as they were asked for.
    pub options: BTreeMap<String, String>,
    /// State.
    pub status: Status,
    /// Whether personal data is in it.
    pub has_pii: bool,
    /// Whether whoever asked could see personal data as it is.
    #[serde(skip)]
    pub is_unmasked: bool,
    /// What its file shows, or would have shown as it was asked for; none from before there were
    /// masks. Never shown.
    #[serde(skip)]
    pub exposure: Option<Exposure>,
    /// Share of the work that is done, 0 to 100; 100 only when ready.
    pub progress: i64,
    /// Rows so far, or in the file.
    pub rows_done: i64,
    /// Rows that were expected.
    pub rows_estimated: Option<i64>,
    /// Bytes of the file; none until ready.
    pub size_bytes: Option<i64>,
    /// SHA-256 of the file; none until ready.
    pub sha256: Option<String>,
    /// Name of the file for whoever downloads it; none until ready.
    pub file_name: Option<String>,
    /// Key of the file in the artifact store. Never shown.
    #[serde(skip)]
    pub artifact_key: Option<String>,
    /// Address to mail to.
    pub notify_email: Option<String>,
    /// Zone of dates.
    pub time_zone: String,
    /// Why the data was wanted.
    pub reason: Option<String>,
    /// Surface it came by.
    pub via: Via,
    /// Whether cancellation was asked for.
    pub cancel_requested: bool,
    /// What it waits for beside a worker: an approval, or nothing.
    pub hold: Option<String>,
    /// Not before this moment.
    pub run_after: i64,
    /// Attempts so far.
    pub attempt: i64,
    /// Attempts it gets.
    pub attempts_max: i64,
    /// Why it failed.
    pub error: Option<Failure>,
    /// What is wrong with its file, if anything.
    pub fault: Option<String>,
    /// Job it is a new run of.
    pub rerun_of: Option<JobId>,
    /// Schedule that it is a run of.
    pub schedule_id: Option<ScheduleId>,
    /// Who made it.
    pub created_by: OperatorId,
    /// When it was made.
    pub created_at: i64,
    /// When its first attempt began.
    pub started_at: Option<i64>,
    /// When it became ready, failed or cancelled.
    pub completed_at: Option<i64>,
    /// When its file's retention ends; none until ready.
    pub expires_at: Option<i64>,
    /// When its file was seen gone.
    pub purged_at: Option<i64>,
    /// Where in a trace it was made. Never shown.
    #[serde(skip)]
    pub trace: Option<TraceParent>,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Kind.
    pub reason: FailureReason,
    /// What happened, and what helps. No values of rows but keys without personal data.
    pub detail: String,
}

/// Kinds of failure, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The source cannot be reached, or vanished.
    SourceLost,
    /// The source ended before its last row.
    SourceTruncated,
    /// The source refused the query.
    SourceRefused,
    /// The subject is not what it was when the job was made.
    SchemaChanged,
    /// The snapshot lived too long.
    SnapshotTooOld,
    /// A value cannot be written in this format.
    ValueRefused,
    /// A ceiling of the site was reached.
    OverLimit,
    /// No space for the file.
    DiskFull,
    /// The artifact store cannot be written to.
    StoreUnavailable,
    /// Its creator may not make it any more.
    PermissionRevoked,
    /// What its creator is shown of it changed while it was built.
    ExposureChanged,
    /// A second person has refused it, or what was asked for is not what it was.
    ApprovalRefused,
    /// Nobody has decided about it in time.
    ApprovalLapsed,
    /// Its workers died.
    WorkerLost,
    /// A fault of the program.
    Internal,
}

impl FailureReason {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::SourceLost,
        Self::SourceTruncated,
        Self::SourceRefused,
        Self::SchemaChanged,
        Self::SnapshotTooOld,
        Self::ValueRefused,
        Self::OverLimit,
        Self::DiskFull,
        Self::StoreUnavailable,
        Self::PermissionRevoked,
        Self::ExposureChanged,
        Self::ApprovalRefused,
        Self::ApprovalLapsed,
        Self::WorkerLost,
        Self::Internal,
    ];

    /// Word in the database and the API.
    pub fn slug(self) -> &'static str {
        match self {
            Self::SourceLost => "source_lost",
            Self::SourceTruncated => "source_truncated",
            Self::SourceRefused => "source_refused",
            Self::SchemaChanged => "schema_changed",
            Self::SnapshotTooOld => "snapshot_too_old",
            Self::ValueRefused => "value_refused",
            Self::OverLimit => "over_limit",
            Self::DiskFull => "disk_full",
            Self::StoreUnavailable => "store_unavailable",
            Self::PermissionRevoked => "permission_revoked",
            Self::ExposureChanged => "exposure_changed",
            Self::ApprovalRefused => "approval_refused",
            Self::ApprovalLapsed => "approval_lapsed",
            Self::WorkerLost => "worker_lost",
            Self::Internal => "internal",
        }
    }

    /// Whether another attempt may end better.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::SourceLost
            | Self::SourceTruncated
            | Self::SnapshotTooOld
            | Self::DiskFull
            | Self::StoreUnavailable
            | Self::ExposureChanged
            | Self::WorkerLost
            | Self::Internal => true,
            Self::SourceRefused
            | Self::SchemaChanged
            | Self::ValueRefused
            | Self::OverLimit
            | Self::ApprovalRefused
            | Self::ApprovalLapsed
            | Self::PermissionRevoked => false,
        }
    }
}
