//! What the edge says when the service says no: one place, an outside and an inside message.

use http::{HeaderValue, header};
use tidegate_model::{budget::OverBudget, policy::Denied, status::Status};
use tidegate_service::ServiceError;

use super::{Problem, ProblemKind};

/// Seconds after which what does not answer may be asked again.
const RETRY_SECONDS: u16 = 5;
/// Seconds after which rows may be looked at again, at the latest.
const LOOK_SECONDS: u16 = 3_600;

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::NotFound => Self::of(ProblemKind::NotFound),
            ServiceError::Denied(denied) => of_denied(&denied),
            ServiceError::OverBudget(over) => over_budget(&over),
            error @ ServiceError::Unapproved(_) => {
                Self::new(ProblemKind::IllegalTransition, error.to_string())
            }
            ServiceError::Unknown => Self::of(ProblemKind::SignInRequired),
            ServiceError::SecondFactorRequired => Self::of(ProblemKind::SecondFactorRequired),
            ServiceError::SecondFactorFailed => Self::of(ProblemKind::SecondFactorFailed),
            error @ ServiceError::TooManyAttempts { seconds } => {
                Self::new(ProblemKind::TooManyAttempts, error.to_string())
                    .with(header::RETRY_AFTER, HeaderValue::from(seconds))
            }
            ServiceError::Faults(faults) => Self::faults(faults),
            ServiceError::Conflict { status: status @ (Status::Expired | Status::Deleted) } => {
                Self::new(ProblemKind::Gone, format!("the file of this export is {status}"))
            }
            error @ ServiceError::Conflict { .. } => {
                Self::new(ProblemKind::IllegalTransition, error.to_string())
            }
            error @ (ServiceError::ScheduleConflict { .. } | ServiceError::OwnerMayNot) => {
                Self::new(ProblemKind::IllegalTransition, error.to_string())
            }
            error @ ServiceError::Overtaken { .. } => {
                Self::new(ProblemKind::ChangedMeanwhile, error.to_string())
            }
            error @ ServiceError::Damaged { .. } => {
                Self::new(ProblemKind::ArtifactCorrupt, error.to_string())
            }
            error @ ServiceError::Exists { .. } => {
                Self::new(ProblemKind::AlreadyExists, error.to_string())
            }
            ServiceError::KeyReused => Self::of(ProblemKind::IdempotencyKeyReused),
            ServiceError::LastAdministrator => Self::of(ProblemKind::LastAdministrator),
            error @ ServiceError::TooManyOpen { .. } => {
                Self::new(ProblemKind::TooManyOpenExports, error.to_string())
                    .with(header::RETRY_AFTER, RETRY_SECONDS)
            }
            error @ ServiceError::TooManyRowsSeen { .. } => {
                Self::new(ProblemKind::TooManyRowsSeen, error.to_string())
                    .with(header::RETRY_AFTER, LOOK_SECONDS)
            }
            error @ ServiceError::Unwritable { .. } => Self::fault("/format", error.to_string()),
            error @ ServiceError::LookTooLong { .. } => {
                Self::new(ProblemKind::LookTooLong, error.to_string())
            }
            // Names the field and the row, never the value.
            error @ ServiceError::Unreadable(_) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "value not readable");
                Self::new(ProblemKind::UnreadableValue, error.to_string())
            }
            ServiceError::Source(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "source failed");
                unavailable(ProblemKind::SourceUnavailable)
            }
            error @ (ServiceError::Artifact(_) | ServiceError::Store(_)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "not available");
                unavailable(ProblemKind::Unavailable)
            }
            error @ ServiceError::Key(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "keys failed");
                Self::of(ProblemKind::Internal)
            }
        }
    }
}

/// What is allowed to somebody, and refused here; or not allowed.
fn of_denied(denied: &Denied) -> Problem {
    let kind = match denied.over_budget() {
        Some(over) => return over_budget(over),
        None if denied.is_paused() => ProblemKind::EgressPaused,
        None if denied.is_withheld() => ProblemKind::FileWithheld,
        None if denied.is_conflict() => ProblemKind::ApprovalOver,
        None => ProblemKind::NotAllowed,
    };
    Problem::new(kind, denied.to_string())
}

fn over_budget(over: &OverBudget) -> Problem {
    Problem::new(ProblemKind::BudgetExceeded, over.to_string())
        .with(header::RETRY_AFTER, over.seconds_left)
}

fn unavailable(kind: ProblemKind) -> Problem {
    Problem::of(kind).with(header::RETRY_AFTER, HeaderValue::from(RETRY_SECONDS))
}
