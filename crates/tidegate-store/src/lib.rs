//! Control state: jobs, operators, links and the activity log, on SQLite or PostgreSQL.
//!
//! There is one door for writes. What is done needs a `Permit`, which only the policy makes:
//! [`Store::commit`] spends it on a [`Change`], in one transaction that compares and sets, appends
//! the activity entry to the hash chain, and adds what is to be told to others. Workers hold a
//! [`Lease`] for the time between: it renews, reports progress, and cannot touch a status.
//!
//! ```compile_fail
//! # async fn write(store: &tidegate_store::Store) {
//! // A change without a permit: there is no such door.
//! store.commit(tidegate_store::Change::CancelExport).await;
//! # }
//! ```
//!
//! ```compile_fail
//! // A permit cannot be made by hand: its fields are private, and the policy is its only maker.
//! let permit = tidegate_model::policy::Permit { policy_version: 1 };
//! ```
//!
//! ```compile_fail
//! // Nor can a lease.
//! let lease = tidegate_store::Lease { job: tidegate_model::ids::JobId(1) };
//! ```

mod backup;
mod change;
#[doc(hidden)]
pub mod chaos;
mod connection;
mod door;
mod error;
#[cfg(test)]
mod index_use;
mod lease;
mod migration;
mod query;
mod sql;

pub use change::{
    Change, ClaimRequest, FailJob, LinkChange, NewArtifact, OperatorChange, RoleEdit, SourceShare,
    StoreOwnership, TokenChange, UnknownObject,
};
pub use connection::{Store, StoreKind};
pub use door::{Committed, StartedDownload};
pub use error::StoreError;
pub use lease::{Claimed, Flags, Lease, ProgressReport, Proof};
pub use query::{
    activity::{EntryColumns, EntryFilter},
    attempts::{Attempt, HeldLease, ObjectUse},
    job_list::{
        Creator, CursorFault, JobCursor, JobFilter, JobOrder, JobPage, JobSort, Matching, SortFault,
    },
    links::Link,
    operators::{Operator, Token},
    vault::{OwnStore, Quarantined},
};
