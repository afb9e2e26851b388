//! What the control database refuses, or cannot do.

use std::sync::Arc;

use sea_orm::DbErr;
use tidegate_model::{schedule::ScheduleState, status::Status};

/// The control state could not be read or changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is of no kind that control state can live in.
    #[error("`[control] url` must begin with `sqlite:` or `postgres://`")]
    UnknownKind,
    /// The database is not fit to hold control state.
    #[error("the control database cannot be used: {0}")]
    Unfit(String),
    /// A newer program has changed the schema.
    #[error(
        "the control database was changed by a newer version of Tidegate (`{newest}`): run that \
         version, or restore a backup from before"
    )]
    Newer {
        /// Name of its newest migration.
        newest: String,
    },
    /// What the change is about does not exist.
    #[error("there is no {what} of that name")]
    Missing {
        /// What was looked for.
        what: &'static str,
    },
    /// The job is in a state in which this cannot be done.
    #[error("the job is {status}: this cannot be done")]
    Conflict {
        /// Its state.
        status: Status,
    },
    /// A schedule is in a state in which this cannot be done.
    #[error("the schedule is {}: this cannot be done", .state.slug())]
    ScheduleConflict {
        /// Its state.
        state: ScheduleState,
    },
    /// Somebody else was faster: what was to be changed is not as it was.
    #[error("the {what} has changed meanwhile")]
    Overtaken {
        /// What has changed.
        what: &'static str,
    },
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
    /// The operator has as many open jobs as the site allows.
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
    /// A file is not one that a second person has approved, and has to be.
    #[error("this may not leave without a second person{}", by_rule(.rule))]
    Unapproved {
        /// The rule that says so, where it turned out only now.
        rule: Option<String>,
    },
    /// What waits for a second person is not any more what was asked for.
    #[error("what waits is not any more what was asked for")]
    ApprovalVoid,
    /// A second factor was not proven: the code was used before, or its question has ended.
    #[error("the second factor was not proven")]
    Unproven,
    /// The lease is not this worker's any more, or the job was cancelled.
    #[error("the lease on the job is lost")]
    LeaseLost,
    /// The policy has changed since it was asked: ask again.
    #[error("the policy has changed meanwhile")]
    PolicyChanged,
    /// The permit was for something else: a fault of the program.
    #[error("a permit for `{permit}` was given for `{change}`")]
    WrongPermit {
        /// What was allowed.
        permit: &'static str,
        /// What was tried.
        change: &'static str,
    },
    /// The database failed, and the change did not happen.
    #[error("the control database failed")]
    Database(#[source] Arc<DbErr>),
    /// The database failed while it confirmed, and it cannot be asked what became of the change.
    #[error("the control database failed while it confirmed; whether it was done is not known")]
    Unknown(#[source] Arc<DbErr>),
    /// What is stored cannot be understood.
    #[error("the control database holds a {what} that cannot be read")]
    Corrupt {
        /// What it is.
        what: &'static str,
    },
}

fn by_rule(rule: &Option<String>) -> String {
    rule.as_ref().map_or_else(String::new, |rule| {
        format!(": it has more rows than were expected, and the rule `{rule}` says so")
    })
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        Self::Database(error.into())
    }
}

impl From<Arc<DbErr>> for StoreError {
    fn from(error: Arc<DbErr>) -> Self {
        Self::Database(error)
    }
}
