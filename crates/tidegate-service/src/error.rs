//! Why a use case did not do what it was asked.

use tidegate_model::{
    fault::Faults, job::FailureReason, policy::Denied, schedule::ScheduleState, status::Status,
};
use tidegate_source::SourceError;
use tidegate_store::StoreError;

use crate::{artifacts::ArtifactError, keys::KeyError};

/// A use case failed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It is not there; or may not be seen, which is the same.
    #[error("there is nothing of that name")]
    NotFound,
    /// It may be seen, but not this.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Nobody is known by this name, token or password.
    #[error("sign-in failed: there is no such operator, or it is disabled")]
    Unknown,
    /// The password was right, and a second factor is asked for.
    #[error("the password was right: a code of the second factor is needed, too")]
    SecondFactorRequired,
    /// What was shown as a second factor is none, was used before, or came too late.
    #[error("the code is wrong, was used before, or came too late")]
    SecondFactorFailed,
    /// Somebody has tried to sign in too often.
    #[error("too many attempts to sign in: try again in {seconds} s")]
    TooManyAttempts {
        /// Seconds after which it is worth to try again.
        seconds: u64,
    },
    /// The request is wrong.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// The job is in a state in which this cannot be done.
    #[error("the export is {status}: this cannot be done any more")]
    Conflict {
        /// Its state.
        status: Status,
    },
    /// The file is corrupt or missing.
    #[error("the file of this export is damaged ({fault}); run the export again")]
    Damaged {
        /// What is wrong.
        fault: String,
    },
    /// A row cannot be written in the format.
    #[error("a row cannot be written: {detail}")]
    Unwritable {
        /// What is wrong, without the value.
        detail: String,
    },
    /// Somebody who waits has waited long enough.
    #[error(
        "this took longer than {seconds} s and was stopped: narrow the filter, or have the \
         database index {}",
        indexed(fields)
    )]
    LookTooLong {
        /// How long a look may take.
        seconds: u64,
        /// Fields that the request filters, searches or sorts by.
        fields: Vec<String>,
    },
    /// The caller has looked at as many rows with personal data as the site allows.
    #[error("more than {limit} rows with personal data within an hour: export them instead")]
    TooManyRowsSeen {
        /// Ceiling.
        limit: i64,
    },
    /// The caller has as many open jobs as the site allows.
    #[error("there are {open} open exports of this operator, and the site allows {limit}")]
    TooManyOpen {
        /// Open jobs.
        open: i64,
        /// Ceiling.
        limit: i64,
    },
    /// A budget has less left than this.
    #[error(transparent)]
    OverBudget(Box<tidegate_model::budget::OverBudget>),
    /// A file may not leave without a second person.
    #[error("{0}")]
    Unapproved(String),
    /// A schedule is in a state in which this cannot be done.
    #[error("the schedule is {}: this cannot be done", .state.slug())]
    ScheduleConflict {
        /// Its state.
        state: ScheduleState,
    },
    /// Somebody else was faster: what was to be changed is not as it was.
    #[error("the {what} has changed meanwhile: look at it again")]
    Overtaken {
        /// What has changed.
        what: &'static str,
    },
    /// The owner of a schedule may not export its subject, or make schedules.
    #[error("its owner may not export this, or may not make schedules: reassign it first")]
    OwnerMayNot,
    /// Something of that name exists.
    #[error("there is a {what} of that name already")]
    Exists {
        /// What exists.
        what: &'static str,
    },
    /// The same idempotency key came with another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// It would leave the site without anybody who may change roles and operators.
    #[error("a site needs an administrator: make another one first")]
    LastAdministrator,
    /// The artifact store failed.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A row that was to be shown holds a value that is not what its field declares.
    #[error(transparent)]
    Unreadable(SourceError),
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The control state failed, or refused.
    #[error(transparent)]
    Store(StoreError),
    /// The keys cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl ServiceError {
    /// The kind of failure that this is to a job.
    pub fn reason(&self) -> FailureReason {
        match self {
            Self::Source(error) | Self::Unreadable(error) => reason_of_source(error),
            Self::LookTooLong { .. } => FailureReason::SourceRefused,
            Self::Artifact(error) => error.reason(),
            Self::NotFound | Self::Faults(_) => FailureReason::SchemaChanged,
            Self::Denied(_)
            | Self::Unknown
            | Self::OwnerMayNot
            | Self::SecondFactorRequired
            | Self::SecondFactorFailed => FailureReason::PermissionRevoked,
            Self::Unwritable { .. } => FailureReason::ValueRefused,
            Self::TooManyRowsSeen { .. }
            | Self::TooManyOpen { .. }
            | Self::OverBudget(_)
            | Self::Unapproved(_)
            | Self::TooManyAttempts { .. } => FailureReason::OverLimit,
            Self::Conflict { .. }
            | Self::ScheduleConflict { .. }
            | Self::Overtaken { .. }
            | Self::Damaged { .. }
            | Self::Exists { .. }
            | Self::KeyReused
            | Self::LastAdministrator
            | Self::Store(_)
            | Self::Key(_) => FailureReason::Internal,
        }
    }
}

/// What an index would have to hold, for people.
fn indexed(fields: &[String]) -> String {
    match fields {
        [] => "the field that it is filtered by".to_owned(),
        [field] => format!("`{field}`"),
        [some @ .., last] => format!("`{}` and `{last}`", some.join("`, `")),
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { status } => Self::Conflict { status },
            StoreError::ScheduleConflict { state } => Self::ScheduleConflict { state },
            StoreError::Overtaken { what } => Self::Overtaken { what },
            StoreError::TooManyOpen { open, limit } => Self::TooManyOpen { open, limit },
            StoreError::OverBudget(over) => Self::OverBudget(over),
            error @ StoreError::Unapproved { .. } => Self::Unapproved(error.to_string()),
            StoreError::Exists { what } => Self::Exists { what },
            StoreError::KeyReused => Self::KeyReused,
            StoreError::Missing { .. } => Self::NotFound,
            StoreError::LastAdministrator => Self::LastAdministrator,
            StoreError::Unproven => Self::SecondFactorFailed,
            other => Self::Store(other),
        }
    }
}

/// The kind of failure that a source's is to a job.
pub(crate) fn reason_of_source(error: &SourceError) -> FailureReason {
    match error {
        SourceError::Unreachable { .. } | SourceError::Lost { .. } => FailureReason::SourceLost,
        SourceError::UnknownTable { .. } | SourceError::UnknownColumn { .. } => {
            FailureReason::SchemaChanged
        }
        SourceError::BadValue { .. } => FailureReason::ValueRefused,
        SourceError::BadUrl { .. }
        | SourceError::NotConsistent { .. }
        | SourceError::Refused { .. }
        | SourceError::StatementTooLong { .. } => FailureReason::SourceRefused,
        SourceError::Interrupted | SourceError::WrongAnchor => FailureReason::Internal,
    }
}
