//! What can be changed: each change asks the state, sets it, and says what its entry says.

pub(crate) mod action_run;
mod approvals;
mod archive;
mod artifact;
pub(crate) mod claim;
mod download;
mod end;
mod export;
mod governance;
pub(crate) mod looked;
pub(crate) mod notices;
pub(crate) mod outbox;
pub(crate) mod pause;
mod people;
mod registry;
pub(crate) mod schedules;
mod second_factor;
mod sessions;
mod settings;
mod vault;

use serde_json::Value;
use tidegate_model::{
    action::Action,
    audit::SignedArchive,
    ids::JobId,
    job::{Failure, NewJob},
    policy::Permit,
    registry::SyncStep,
    status::{Status, transition_between},
};

pub use action_run::{NewRun, RunEnd};
pub use approvals::ApprovalChange;
pub use claim::{ClaimRequest, SourceShare};
pub use download::LinkChange;
pub use end::{FailJob, NewArtifact, SinceRun};
pub use notices::{NoticeChange, ReadNotices, TemplateWords, WebhookChange, WebhookEnd};
pub use pause::PauseChange;
pub use people::{OperatorChange, RoleEdit, TokenChange};
pub use registry::{GrantChange, GrantWord, TakenRequest};
pub use schedules::{NewFire, ScheduleChange, ScheduleEdit, SkippedFires};
pub use second_factor::{SecondFactorChange, SecondFactorProof};
pub use sessions::{SessionChange, SessionProof};
pub use settings::SettingsEdit;
pub use vault::{StoreOwnership, UnknownObject};

use crate::{
    chain::Line,
    deliver::{self, EndedDelivery},
    error::StoreError,
    lease::Proof,
    sql::{Tx, get},
};

/// A change to the control state.
#[derive(Debug)]
pub enum Change {
    /// Makes a job; at most so many of its operator may be open.
    CreateExport {
        /// The job.
        job: Box<NewJob>,
        /// Ceiling.
        open_jobs_max: i64,
    },
    /// Cancels a job that nobody works on, or asks its worker to.
    CancelExport,
    /// Deletes a job's file: from now on nobody can download it.
    DeleteArtifact,
    /// Begins the work on some job that waits.
    Claim(ClaimRequest),
    /// Makes the file of a job visible.
    Publish(Proof, Box<NewArtifact>),
    /// Ends a job without a file.
    Fail(FailJob),
    /// Leaves a job to a later attempt.
    Retry {
        /// Proof of the lease.
        proof: Proof,
        /// Why this attempt ended.
        failure: Failure,
        /// Microseconds until the next one.
        pause_micros: i64,
    },
    /// Leaves a job to another worker, uncounted.
    HandBack(Proof),
    /// Ends a job whose cancellation was asked for; without a lease, only if there is no live one.
    Cancelled(Option<Proof>),
    /// Takes the lease from a worker that is known to be gone.
    Rescue {
        /// Token of that lease.
        lease_token: String,
    },
    /// Ends a job's retention.
    Expire,
    /// Notes that the file of an ended job is gone.
    Purged,
    /// Notes what is wrong with a file.
    Fault {
        /// What.
        fault: String,
    },
    /// Says whose the artifact store is.
    Ownership(StoreOwnership),
    /// Keeps files that this database does not know.
    Quarantine(Vec<UnknownObject>),
    /// Ends the quarantine of a file, by its key.
    EndQuarantine(String),
    /// Makes, changes or fires a schedule.
    Schedule(ScheduleChange),
    /// Makes a link to a file, or takes one back.
    Link(LinkChange),
    /// Begins to send a file by a link.
    DownloadStarted {
        /// The link's number.
        link: i64,
        /// First byte and the one behind the last, where not all was asked for.
        range: Option<(u64, u64)>,
    },
    /// Adds or changes an operator.
    Operator(OperatorChange),
    /// Adds, changes or removes a role.
    Role(RoleEdit),
    /// Makes a token, or takes one back.
    Token(TokenChange),
    /// Signs somebody in or out.
    Session(SessionChange),
    /// Changes a second factor of sign-in.
    SecondFactor(SecondFactorChange),
    /// Decides about jobs that wait for a second person, or what they wait by.
    Approval(ApprovalChange),
    /// Begins or ends a pause of egress.
    Pause(PauseChange),
    /// Makes the registry of actions what a site declares.
    Sync(Vec<SyncStep>),
    /// Takes what another site says that an operator may.
    Grants(GrantChange),
    /// Takes a request that another site has signed.
    Take(TakenRequest),
    /// Begins an action that another site is to do.
    ActionRun(Box<NewRun>),
    /// Sets the settings.
    Settings(Box<SettingsEdit>),
    /// Takes entries out of the log that stand in a signed file. The only way to delete an entry.
    ArchiveActivity(SignedArchive),
    /// Changes what people are told of, and how.
    Notices(NoticeChange),
    /// Gives up on a delivery.
    EndDelivery(EndedDelivery),
    /// Notes something that happens outside the database: a key, a backup, a report.
    Note(Value),
}

/// What a change did.
pub(crate) struct Applied {
    /// Its entries.
    pub(crate) lines: Vec<Line>,
    /// Number of what it made.
    pub(crate) id: Option<i64>,
}

impl Applied {
    /// One entry.
    pub(crate) fn one(action: Action, job: Option<JobId>, details: Value) -> Self {
        Self { lines: vec![Line { action, job, details }], id: None }
    }

    /// With the number of what was made.
    pub(crate) fn made(self, id: i64) -> Self {
        Self { id: Some(id), ..self }
    }
}

impl Change {
    /// Whether a permit for that action is one for this change.
    pub(crate) fn is_for(&self, action: Action) -> bool {
        self.actions().contains(&action)
    }

    /// Word for messages.
    pub(crate) fn slug(&self) -> &'static str {
        self.actions().first().map_or("nothing", |action| action.slug())
    }

    fn actions(&self) -> &'static [Action] {
        match self {
            Self::CreateExport { .. } => &[Action::ExportCreate, Action::ExportRerun],
            Self::CancelExport => &[Action::ExportCancel],
            Self::DeleteArtifact => &[Action::ArtifactDelete],
            Self::Claim(_) => &[Action::JobClaim],
            Self::Publish(..) => &[Action::JobPublish],
            Self::Fail(_) => &[Action::JobFail],
            Self::Retry { .. } => &[Action::JobRetry],
            Self::HandBack(_) => &[Action::JobHandBack],
            Self::Cancelled(_) => &[Action::JobCancel],
            Self::Rescue { .. } => &[Action::JobRescue],
            Self::Expire => &[Action::JobExpire],
            Self::Purged => &[Action::ArtifactPurge],
            Self::Fault { .. } => &[Action::ArtifactFault],
            Self::Ownership(change) => change.actions(),
            Self::Quarantine(_) => &[Action::ArtifactQuarantine],
            Self::EndQuarantine(_) => &[Action::QuarantineRelease, Action::QuarantineDelete],
            Self::Schedule(change) => change.actions(),
            Self::Link(_) => &[Action::DownloadLink],
            Self::DownloadStarted { .. } => &[Action::DownloadStart],
            Self::Operator(change) => change.actions(),
            Self::Role(edit) => edit.actions(),
            Self::Token(change) => change.actions(),
            Self::Session(change) => change.actions(),
            Self::SecondFactor(change) => change.actions(),
            Self::Approval(change) => change.actions(),
            Self::Pause(change) => change.actions(),
            Self::Sync(_) => &[Action::ActionSync],
            Self::Grants(change) => change.actions(),
            Self::Take(_) => &[Action::HandOver],
            Self::ActionRun(_) => &[Action::ActionRun],
            Self::Settings(_) => &[Action::SettingChange],
            Self::ArchiveActivity(_) => &[Action::ActivityArchive],
            Self::Notices(change) => change.actions(),
            Self::EndDelivery(_) => &[Action::DeliveryEnd],
            Self::Note(_) => &[
                Action::KeyRotate,
                Action::Backup,
                Action::ExportPreview,
                Action::ExportEstimate,
                Action::ClientExport,
                Action::ActivityExport,
            ],
        }
    }

    /// Asks the state and sets it.
    pub(crate) async fn apply(self, tx: &Tx, permit: &Permit) -> Result<Applied, StoreError> {
        match self {
            Self::CreateExport { job, open_jobs_max } => {
                export::create(tx, permit, *job, open_jobs_max).await
            }
            Self::CancelExport => export::cancel(tx, target_job(permit)?).await,
            Self::DeleteArtifact => artifact::delete(tx, target_job(permit)?).await,
            Self::Claim(request) => claim::claim(tx, request).await,
            Self::Publish(proof, made) => {
                refuse_other_job(permit, Some(&proof))?;
                end::publish(tx, proof, *made).await
            }
            Self::Fail(fail) => {
                refuse_other_job(permit, fail.proof.as_ref())?;
                end::fail(tx, target_job(permit)?, fail).await
            }
            Self::Retry { proof, failure, pause_micros } => {
                refuse_other_job(permit, Some(&proof))?;
                end::retry(tx, proof, failure, pause_micros).await
            }
            Self::HandBack(proof) => {
                refuse_other_job(permit, Some(&proof))?;
                end::hand_back(tx, proof).await
            }
            Self::Cancelled(proof) => {
                refuse_other_job(permit, proof.as_ref())?;
                end::cancelled(tx, target_job(permit)?, proof).await
            }
            Self::Rescue { lease_token } => {
                claim::rescue(tx, target_job(permit)?, lease_token).await
            }
            Self::Expire => artifact::expire(tx, target_job(permit)?).await,
            Self::Purged => artifact::purged(tx, target_job(permit)?).await,
            Self::Fault { fault } => artifact::fault(tx, target_job(permit)?, fault).await,
            Self::Ownership(change) => vault::own(tx, permit, change).await,
            Self::Quarantine(objects) => vault::quarantine(tx, permit, objects).await,
            Self::EndQuarantine(key) => vault::end_quarantine(tx, permit, key).await,
            Self::Schedule(change) => schedules::schedule(tx, permit, change).await,
            Self::Link(change) => download::link(tx, permit, change).await,
            Self::DownloadStarted { link, range } => {
                download::started(tx, permit, link, range).await
            }
            Self::Operator(change) => people::operator(tx, permit, change).await,
            Self::Role(edit) => people::role(tx, permit, edit).await,
            Self::Token(change) => people::token(tx, permit, change).await,
            Self::Session(change) => sessions::session(tx, permit, change).await,
            Self::SecondFactor(change) => second_factor::second_factor(tx, permit, change).await,
            Self::Approval(change) => approvals::change_approval(tx, permit, change).await,
            Self::Pause(change) => pause::pause(tx, permit, change).await,
            Self::Sync(steps) => registry::sync_registry(tx, steps).await,
            Self::Grants(change) => registry::grants(tx, permit, change).await,
            Self::Take(request) => registry::take_request(tx, request).await,
            Self::Settings(settings) => settings::set_all(tx, permit, *settings).await,
            Self::ArchiveActivity(signed) => archive::archive(tx, signed).await,
            Self::Notices(change) => notices::notices(tx, permit, change).await,
            Self::EndDelivery(ended) => deliver::end(tx, ended).await,
            Self::ActionRun(run) => action_run::begin(tx, permit, *run).await,
            Self::Note(details) => Ok(Applied::one(permit.action(), None, details)),
        }
    }
}

/// The job that a permit is for.
fn target_job(permit: &Permit) -> Result<JobId, StoreError> {
    permit.target().job.ok_or(StoreError::Missing { what: "job" })
}

/// A lease is worth nothing for another job than its own.
fn refuse_other_job(permit: &Permit, proof: Option<&Proof>) -> Result<(), StoreError> {
    match proof {
        Some(proof) if permit.target().job != Some(proof.job) => Err(StoreError::LeaseLost),
        Some(_) | None => Ok(()),
    }
}

/// Notes a transition. The status itself was compared and set by the caller's statement.
pub(crate) async fn note_transition(
    tx: &Tx,
    job: JobId,
    from: Status,
    to: Status,
) -> Result<(), StoreError> {
    const NOTE: &str = "\
        insert into transitions (job_id, transition, status_from, status_to, at, activity_seq) \
        values ($1, $2, $3, $4, $5, $6)";
    let transition = transition_between(from, to).ok_or(StoreError::Conflict { status: from })?;
    let values = [
        job.0.into(),
        transition.slug.into(),
        from.slug().into(),
        to.slug().into(),
        tx.now.into(),
        tx.next_seq.into(),
    ];
    tx.execute(NOTE, values).await?;
    approvals::end_with_job(tx, job, to).await
}

/// State of a job; the transaction holds the lock of all writers, so it stays that.
pub(crate) async fn status_of(tx: &Tx, job: JobId) -> Result<Status, StoreError> {
    const STATUS: &str = "select status from jobs where id = $1";
    let row = tx.row(STATUS, [job.0.into()]).await?;
    let status: String = get(&row.ok_or(StoreError::Missing { what: "job" })?, "status")?;
    status.parse().map_err(|_| StoreError::Corrupt { what: "status" })
}

/// Ends the attempt that is under way.
pub(crate) async fn end_attempt(
    tx: &Tx,
    job: JobId,
    outcome: &str,
    detail: Option<&str>,
) -> Result<(), StoreError> {
    const END: &str = "\
        update attempts set ended_at = $2, outcome = $3, detail = $4 \
        where job_id = $1 and ended_at is null";
    tx.execute(END, [job.0.into(), tx.now.into(), outcome.into(), detail.into()]).await?;
    Ok(())
}
