//! Exports: what can be done with a job, one file a use case.

mod cancel;
mod create;
mod delete;
mod download;
mod get;
mod link;
mod list;
mod rerun;
mod story;
mod watch;

pub use create::Created;
pub(crate) use create::{Prepared, idempotency, prepared};
pub(crate) use download::Sendings;
pub use download::{LinkedFile, Sending, Watch};
pub use link::NewLink;
pub(crate) use list::Seen;
pub use list::{ListPage, ListRequest};
pub use story::{Beside, Download, Story};
pub use watch::{Pass, Watched};

pub(crate) use rerun::request_of;
use tidegate_model::{action::Target, job::Job};

/// What a job is to the policy.
pub(crate) fn target_of(job: &Job) -> Target {
    Target {
        subject: Some(job.subject.clone()),
        codename: None,
        owner: Some(job.created_by),
        job: Some(job.id),
        schedule: None,
        status: Some(job.status),
        has_pii: job.has_pii,
        withheld: None,
    }
}
