//! How a command ends when it does not end well: a message for people or scripts, and a code.

use std::{
    error::Error,
    fmt::{self, Write},
    process::ExitCode,
};

use tidegate_model::{
    fault::{Fault, Faults},
    ids::JobId,
    job::Job,
};
use tidegate_pipeline::RunError;
use tidegate_service::{KeyError, ServiceError, artifacts::ArtifactError};
use tidegate_source::SourceError;
use tidegate_store::StoreError;

/// Something failed while working.
const FAILED: u8 = 1;
/// The command, the configuration or the request is wrong.
const WRONG: u8 = 2;
/// Stopped by a signal.
const INTERRUPTED: u8 = 130;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    reason: &'static str,
    message: String,
    faults: Vec<Fault>,
}

impl Failure {
    /// The request is wrong in one way.
    pub fn wrong(message: impl Into<String>) -> Self {
        Self { code: WRONG, reason: "bad_request", message: message.into(), faults: Vec::new() }
    }

    /// The request is wrong in these ways.
    pub fn faults(message: impl Into<String>, faults: Vec<Fault>) -> Self {
        Self { faults, ..Self::wrong(message) }
    }

    /// Something failed while working; the causes are told too.
    pub fn failed(reason: &'static str, error: &dyn Error) -> Self {
        Self { code: FAILED, reason, message: with_causes(error), faults: Vec::new() }
    }

    /// A signal stopped it.
    pub fn interrupted(error: &dyn Error) -> Self {
        Self { code: INTERRUPTED, ..Self::failed("cancelled", error) }
    }

    /// The activity log is not what was written.
    pub fn broken_log(first_bad: Option<i64>) -> Self {
        let place = first_bad.map(|seq| format!(" from entry {seq} on")).unwrap_or_default();
        let message = format!("the activity log was changed{place}");
        Self { code: FAILED, reason: "broken_log", message, faults: Vec::new() }
    }

    /// No anchor vouches for the activity log.
    pub fn unproven_log() -> Self {
        let message = "no signed checkpoint vouches for the activity log; are its anchors named?";
        let message = message.to_owned();
        Self { code: FAILED, reason: "unproven_log", message, faults: Vec::new() }
    }

    /// A signal stopped a job.
    pub fn cancelled() -> Self {
        let message = "the export was cancelled".to_owned();
        Self { code: INTERRUPTED, reason: "cancelled", message, faults: Vec::new() }
    }

    /// What was asked for waits for a second person.
    pub fn waits(job: JobId) -> Self {
        let message = format!(
            "export {job} waits for a second person: once it is approved it is built, and \
             `tidegate jobs download {job}` takes its file"
        );
        Self { code: FAILED, reason: "approval", message, faults: Vec::new() }
    }

    /// The attempt that was made here failed, and nobody waits for the next one.
    pub fn attempt(outcome: &str, detail: &str) -> Self {
        let message = format!("{outcome}: {detail}");
        Self { code: FAILED, reason: "failed", message, faults: Vec::new() }
    }

    /// A job is over and has no file.
    pub fn ended(job: &Job) -> Self {
        let message = match &job.error {
            Some(failure) => format!("{}: {}", failure.reason.slug(), failure.detail),
            None => format!("the export is {}", job.status),
        };
        Self { code: FAILED, reason: job.status.slug(), message, faults: Vec::new() }
    }

    /// What was asked for is refused, or did not come about.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { code: FAILED, reason: "refused", message: message.into(), faults: Vec::new() }
    }

    /// Prints it to stderr, as text or as JSON, and gives the exit code.
    pub fn report(&self, is_json: bool) -> ExitCode {
        if is_json {
            let error = serde_json::json!({
                "reason": self.reason, "detail": self.message, "errors": self.faults,
            });
            eprintln!("{}", serde_json::json!({ "error": error }));
        } else {
            eprintln!("tidegate: {}", self.message);
            for fault in &self.faults {
                eprintln!("  {fault}");
            }
        }
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Faults(Faults(faults)) => Self::faults("the request is wrong:", faults),
            ServiceError::Source(error) | ServiceError::Unreadable(error) => error.into(),
            ServiceError::Artifact(error) => error.into(),
            ServiceError::Store(error) => error.into(),
            ServiceError::Key(error) => error.into(),
            ServiceError::NotFound => Self { code: WRONG, ..Self::failed("not_found", &error) },
            ServiceError::Denied(_) => Self::failed("denied", &error),
            ServiceError::Unknown
            | ServiceError::SecondFactorRequired
            | ServiceError::SecondFactorFailed => Self::failed("sign_in", &error),
            ServiceError::Conflict { .. }
            | ServiceError::ScheduleConflict { .. }
            | ServiceError::Overtaken { .. }
            | ServiceError::OwnerMayNot => Self::failed("conflict", &error),
            ServiceError::Exists { .. } | ServiceError::KeyReused => {
                Self { code: WRONG, ..Self::failed("exists", &error) }
            }
            ServiceError::LastAdministrator
            | ServiceError::TooManyAttempts { .. }
            | ServiceError::TooManyOpen { .. }
            | ServiceError::OverBudget(_)
            | ServiceError::Unapproved(_)
            | ServiceError::TooManyRowsSeen { .. } => Self::failed("refused", &error),
            ServiceError::LookTooLong { .. } => Self::failed("source", &error),
            ServiceError::Unwritable { .. } => Self::failed("value_refused", &error),
            ServiceError::Damaged { .. } => Self::failed("damaged", &error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::UnknownKind
            | StoreError::Missing { .. }
            | StoreError::Exists { .. }
            | StoreError::KeyReused => WRONG,
            StoreError::LastAdministrator
            | StoreError::Unfit(_)
            | StoreError::Newer { .. }
            | StoreError::Conflict { .. }
            | StoreError::ScheduleConflict { .. }
            | StoreError::Overtaken { .. }
            | StoreError::TooManyOpen { .. }
            | StoreError::OverBudget(_)
            | StoreError::Unapproved { .. }
            | StoreError::ApprovalVoid
            | StoreError::Unproven
            | StoreError::LeaseLost
            | StoreError::PolicyChanged
            | StoreError::WrongPermit { .. }
            | StoreError::Database(_)
            | StoreError::Unknown(_)
            | StoreError::Corrupt { .. } => FAILED,
        };
        Self { code, ..Self::failed("control", &error) }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::failed("keys", &error)
    }
}

impl From<ArtifactError> for Failure {
    fn from(error: ArtifactError) -> Self {
        Self::failed("artifacts", &error)
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let code = match &error {
            SourceError::BadUrl { .. }
            | SourceError::UnknownTable { .. }
            | SourceError::UnknownColumn { .. }
            | SourceError::NotConsistent { .. } => WRONG,
            SourceError::Unreachable { .. }
            | SourceError::Refused { .. }
            | SourceError::Lost { .. }
            | SourceError::BadValue { .. }
            | SourceError::Interrupted
            | SourceError::WrongAnchor
            | SourceError::StatementTooLong { .. } => FAILED,
        };
        Self { code, ..Self::failed("source", &error) }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let reason = error.reason();
        let failure = match error {
            RunError::Cancelled => Self::interrupted(&error),
            RunError::Source(error) => Self::from(error),
            RunError::Options(faults) => {
                let fault = |fault: tidegate_format::OptionFault| {
                    Fault::new(format!("/options/{}", fault.option), fault.detail)
                };
                Self::faults("the options are wrong:", faults.into_iter().map(fault).collect())
            }
            RunError::Format(_) => Self { code: WRONG, ..Self::failed(reason, &error) },
            RunError::Cell { .. }
            | RunError::Artifact { .. }
            | RunError::SnapshotTooOld { .. }
            | RunError::OverLimit { .. }
            | RunError::Truncated
            | RunError::Panicked { .. } => Self::failed(reason, &error),
        };
        Self { reason, ..failure }
    }
}

/// The message of an error and of what caused it, in one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Some libraries repeat their cause in their own message.
        let text = error.to_string();
        if !message.contains(&text) {
            let _ = write!(message, ": {text}");
        }
        cause = error.source();
    }
    message
}
