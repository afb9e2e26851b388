//! Control state: jobs, operators, links and the activity log, on SQLite or PostgreSQL.
//!
//! There is one door for writes. What is done needs a `Permit`, which only the policy makes:
//! [`Store::commit`] spends it on a [`Change`], in one transaction that compares and sets, appends
//! the activity entry to the hash chain, and adds what is to be told to others. What the log notes
//! of itself, its checkpoints and how far it was streamed, takes a permit as well and leaves no
//! entry. Workers hold a [`Lease`] for the time between: it renews, reports progress, and cannot
//! touch a status. `cargo xtask tidy` holds the list of all that writes, and what each takes.
//!
//! ```no_run
//! # use tidegate_model::{audit::{Checkpoint, SignedCheckpoint}, policy::{Denied, Permit}};
//! # use tidegate_store::{Change, ClaimRequest, HoldRequest, Store, StoreError};
//! # async fn write(
//! #     store: &Store,
//! #     mut permits: impl Iterator<Item = Permit>,
//! #     (claim, hold, denied): (ClaimRequest, HoldRequest<'_>, Denied),
//! #     (checkpoint, signed): (Checkpoint, SignedCheckpoint),
//! # ) -> Result<(), StoreError> {
//! # let mut permit = || permits.next().expect("enough of them");
//! // With a permit, or with what one was spent on, it compiles: nothing else is wrong below.
//! store.commit(permit(), Change::CancelExport).await?;
//! store.keep_checkpoint(permit(), &checkpoint, &signed).await?;
//! if let Some(claimed) = store.claim(permit(), claim).await? {
//!     store.renew(&claimed.lease, 1_000_000).await?;
//! }
//! if let Some(hold) = store.hold_stream(permit(), hold).await? {
//!     store.note_streamed(&hold, 7).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! ```compile_fail,E0061
//! # async fn write(store: &tidegate_store::Store) {
//! // A change without a permit: there is no such door.
//! store.commit(tidegate_store::Change::CancelExport).await;
//! # }
//! ```
//!
//! ```compile_fail,E0382
//! # use tidegate_model::policy::Permit;
//! # async fn write(store: &tidegate_store::Store, permit: Permit) {
//! // A permit is spent: it is good for one change.
//! store.commit(permit, tidegate_store::Change::CancelExport).await;
//! store.commit(permit, tidegate_store::Change::CancelExport).await;
//! # }
//! ```
//!
//! ```compile_fail,E0451
//! // A permit cannot be made by hand: its fields are private, and the policy is its only maker.
//! # fn forge(other: tidegate_model::policy::Permit) -> tidegate_model::policy::Permit {
//! tidegate_model::policy::Permit { policy_version: 1, ..other }
//! # }
//! ```
//!
//! ```compile_fail,E0451
//! // Nor can a lease,
//! # fn forge(other: tidegate_store::Lease) -> tidegate_store::Lease {
//! tidegate_store::Lease { job: tidegate_model::ids::JobId(1), ..other }
//! # }
//! ```
//!
//! ```compile_fail,E0308
//! // be copied,
//! # fn copy(lease: &tidegate_store::Lease) -> tidegate_store::Lease {
//! lease.clone()
//! # }
//! ```
//!
//! ```compile_fail,E0451
//! // nor the proof that a download was begun,
//! # fn forge(other: tidegate_store::StartedDownload) -> tidegate_store::StartedDownload {
//! tidegate_store::StartedDownload { started: 1, ..other }
//! # }
//! ```
//!
//! ```compile_fail,E0451
//! // nor the right to a sink of the log.
//! # fn forge(other: tidegate_store::StreamHold) -> tidegate_store::StreamHold {
//! tidegate_store::StreamHold { seq: 1, ..other }
//! # }
//! ```
//!
//! ```compile_fail,E0451
//! // nor the right to send a notice once.
//! # fn forge(other: tidegate_store::TakenDelivery) -> tidegate_store::TakenDelivery {
//! tidegate_store::TakenDelivery { attempts: 1, ..other }
//! # }
//! ```
//!
//! ```compile_fail,E0061
//! # use tidegate_model::audit::{Checkpoint, SignedCheckpoint};
//! # async fn keep(store: &tidegate_store::Store, it: &Checkpoint, signed: &SignedCheckpoint) {
//! // The log's notes of itself take a permit, too: a checkpoint,
//! store.keep_checkpoint(it, signed).await;
//! # }
//! ```
//!
//! ```compile_fail,E0061
//! # async fn hold(store: &tidegate_store::Store, request: tidegate_store::HoldRequest<'_>) {
//! // and the hold on a sink,
//! store.hold_stream(request).await;
//! # }
//! ```
//!
//! ```compile_fail,E0308
//! # async fn note(store: &tidegate_store::Store) {
//! // without which nobody can say how far it is.
//! store.note_streamed("file", 7).await;
//! # }
//! ```
//!
//! ```compile_fail,E0616
//! # async fn write(store: &tidegate_store::Store) {
//! // The connection itself is out of reach.
//! store.inner.writer;
//! # }
//! ```

mod backup;
mod chain;
mod change;
#[doc(hidden)]
pub mod chaos;
mod checkpoint;
mod commit;
mod connection;
mod deliver;
mod door;
mod error;
mod forget;
#[cfg(test)]
mod index_use;
mod lease;
mod migration;
mod query;
mod sql;
mod stream;

pub use change::{
    ApprovalChange, Change, ClaimRequest, FailJob, GrantChange, GrantWord, LinkChange, NewArtifact,
    NewFire, NewRun, NoticeChange, OperatorChange, PauseChange, ReadNotices, RoleEdit, RunEnd,
    ScheduleChange, ScheduleEdit, SecondFactorChange, SecondFactorProof, SessionChange,
    SessionProof, SettingsEdit, SinceRun, SkippedFires, SourceShare, StoreOwnership, TakenRequest,
    TemplateWords, TokenChange, UnknownObject, WebhookChange, WebhookEnd,
};
pub use connection::{Clock, Store, StoreKind};
pub use deliver::{
    EndedDelivery, NewDelivery, NewNotice, Outcome, Recipient, Room, TakenDelivery, Told,
};
pub use door::{Committed, DownloadEnd, EndReason, StartedDownload, StartedRun};
pub use error::StoreError;
pub use lease::{Claimed, Flags, Lease, ProgressReport, Proof};
pub use query::{
    action_runs::KnownRun,
    activity::{EntryColumns, EntryFilter, EntrySort},
    approvals::{ApprovalsOf, RecentUse},
    attempts::{Attempt, HeldLease, ObjectUse},
    egress::{EgressAmounts, EgressBy, EgressFilter, EgressSplit, EgressSum},
    figures::Figures,
    governance::Versioned,
    job_list::{Creator, JobFilter, JobPage, Matching},
    job_order::{CursorFault, JobCursor, JobOrder, JobSort, SortFault},
    links::Link,
    notices::{Audible, Delivery, DeliveryCount, DeliveryFilter, Notice, Subscription, Webhook},
    operators::{Bearer, NamedOperator, Operator, Token},
    paces::Pace,
    pauses::PastPause,
    schedules::ScheduleFilter,
    second_factor::{SecondFactor, SecondStep},
    sessions::{Invitation, Presence, Session},
    taken::{Taken, TakenFilter},
    transitions::TransitionRow,
    vault::{OwnStore, Quarantined},
};
pub use stream::{HoldRequest, StreamHold};
