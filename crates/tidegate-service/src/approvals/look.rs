//! What whoever decides is shown of an export that waits.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    approval::{Approval, ApprovalState, Difference, differences},
    ids::JobId,
    job::Job,
    policy::{Policy, subjects_seen},
    sight::Sight,
};
use tidegate_store::{ApprovalsOf, RecentUse};

use crate::{
    error::ServiceError,
    exports::{request_of, target_of},
    service::Service,
    subjects::Preview,
};

/// Approvals that one look gives at most.
const APPROVALS_MAX: u32 = 200;
/// Microseconds of the days of which figures are told.
const RECENT_MICROS: i64 = 30 * 24 * 60 * 60 * 1_000_000;

/// Everything about an export that waits, or has waited, as far as the caller may see it.
#[derive(Clone, Debug)]
pub struct ApprovalStory {
    /// The approval.
    pub approval: Approval,
    /// The export.
    pub job: Job,
    /// Mail address of who asked.
    pub creator: String,
    /// The last export of the subject by the same operator that became a file.
    pub last: Option<Job>,
    /// What differs from that.
    pub differences: Vec<Difference>,
    /// What the same operator has taken within 30 days, of subjects that the caller may see.
    pub recent: RecentUse,
    /// Whether the caller has had a hand in it, and so has no say.
    pub is_own: bool,
    /// Whether the caller could release it without a second person.
    pub may_break: bool,
}

impl Service {
    /// Exports that wait, are to be reviewed, or have waited, of subjects that the caller may see:
    /// a list for each that is sought.
    ///
    /// # Errors
    ///
    /// If the caller may not approve.
    pub async fn approvals<const N: usize>(
        &self,
        caller: &Caller,
        sought: [ApprovalsOf; N],
    ) -> Result<[Vec<(Approval, Job)>; N], ServiceError> {
        let policy = self.store.policy().await?;
        self.permit_by(&policy, caller, Action::ApprovalView, Target::default()).await?;
        let subjects = subjects_seen(&policy, caller);
        let mut found = self.store.approvals(&sought, &subjects, APPROVALS_MAX).await?;
        let sight = Sight::of(&policy, caller);
        Ok(std::array::from_fn(|list| {
            let list = std::mem::take(&mut found[list]);
            list.into_iter().map(|(one, job)| (one, self.shown(&sight, job))).collect()
        }))
    }

    /// One of them.
    ///
    /// # Errors
    ///
    /// If there is none, the caller may not see its subject, or may not approve.
    pub async fn approval(
        &self,
        caller: &Caller,
        id: JobId,
    ) -> Result<ApprovalStory, ServiceError> {
        let policy = self.store.policy().await?;
        let (approval, job) = self.approval_seen(&policy, caller, id).await?;
        let sight = Sight::of(&policy, caller);
        let last = self.store.last_file_before(&job).await?;
        let since = self.store.now().await?.saturating_sub(RECENT_MICROS);
        let subjects = subjects_seen(&policy, caller);
        let recent = self.store.taken_since(job.created_by, since, &subjects).await?;
        let mut names = self.store.operator_names(&[job.created_by]).await?;
        let is_own = self.is_maker(caller, &job).await?;
        let is_creator = caller.operator() == Some(job.created_by);
        let has_glass = self.store.approval_rules().await?.break_glass;
        let may_break = is_creator && has_glass && approval.state == ApprovalState::Waiting;
        // Told of what is shown: a value that the caller may not see stands in no difference.
        let last = last.map(|last| self.shown(&sight, last));
        let creator = names.remove(&job.created_by).unwrap_or_default();
        let job = self.shown(&sight, job);
        let differences = last.as_ref().map(|last| differences(&job, last)).unwrap_or_default();
        Ok(ApprovalStory { approval, job, creator, last, differences, recent, is_own, may_break })
    }

    /// The first rows of what waits, with the masks and the row limit of whoever looks.
    ///
    /// # Errors
    ///
    /// If the caller may not approve, or not export the subject; or if the request does not fit its
    /// subject as the caller sees it.
    pub async fn preview_approval(
        &self,
        caller: &Caller,
        id: JobId,
    ) -> Result<Preview, ServiceError> {
        let policy = self.store.policy().await?;
        let (_, job) = self.approval_seen(&policy, caller, id).await?;
        self.preview_export(caller, &request_of(&job)).await
    }

    async fn approval_seen(
        &self,
        policy: &Policy,
        caller: &Caller,
        id: JobId,
    ) -> Result<(Approval, Job), ServiceError> {
        let approval = self.store.approval(id).await?.ok_or(ServiceError::NotFound)?;
        let job = self.store.job(id).await?.ok_or(ServiceError::NotFound)?;
        self.permit_by(policy, caller, Action::ApprovalView, target_of(&job)).await?;
        Ok((approval, job))
    }
}
