//! Approvals: exports that wait for a second person, who sees what, and who decides.

mod decide;
mod forecast;
mod look;
mod rules;

pub use forecast::{BudgetLeft, Forecast};
pub use look::ApprovalStory;

use tidegate_model::{
    action::Action,
    actor::{Caller, Via},
    approval::Approval,
    job::{Failure, FailureReason, Job},
    policy::{Policy, Reason, explain},
    sight::Sight,
};
use tidegate_store::{ApprovalChange, Change, StoreError};

use crate::{error::ServiceError, exports::target_of, gate::caller_of, service::Service};

/// Name of the task.
pub(crate) const TASK: &str = "approval";

impl Service {
    /// Why a job that waits, or was let go on, is not any more what was asked for; none while it
    /// is. Its creator may not have it any more, or would be shown something else of it.
    pub(crate) async fn void_reason(
        &self,
        policy: &Policy,
        job: &Job,
    ) -> Result<Option<Failure>, ServiceError> {
        let failure = |reason, detail: &str| Some(Failure { reason, detail: detail.to_owned() });
        let revoked = || {
            let detail = "its creator may not export this any more";
            failure(FailureReason::PermissionRevoked, detail)
        };
        let found = self.store.operator(job.created_by).await?;
        let Some(operator) = found.filter(|one| !one.is_disabled) else { return Ok(revoked()) };
        let creator = caller_of(operator, Via::Internal);
        let explained = explain(policy, &creator, Action::ExportCreate, &target_of(job));
        if !matches!(explained.refused, None | Some(Reason::Paused { .. })) {
            return Ok(revoked());
        }
        let sight = Sight::of(policy, &creator);
        let sight = if job.is_unmasked { sight } else { sight.masked() };
        let exposure = job.exposure.as_ref();
        let is_same = exposure.is_none_or(|exposure| exposure.is_by(&job.subject, &sight))
            && job.is_unmasked == sight.is_unmasked();
        if is_same {
            return Ok(None);
        }
        let detail = "what its creator is shown of this changed while it waited: ask again";
        Ok(failure(FailureReason::ApprovalRefused, detail))
    }

    /// Ends a job whose approval is for something that it is not any more. Says whether this did.
    pub(crate) async fn void(&self, job: &Job, failure: Failure) -> Result<bool, ServiceError> {
        let change = Change::Approval(ApprovalChange::Void { failure });
        self.end_approval(job, Action::ApprovalVoid, change).await
    }

    /// In the name of upkeep; that somebody was faster is no fault.
    pub(crate) async fn end_approval(
        &self,
        job: &Job,
        action: Action,
        change: Change,
    ) -> Result<bool, ServiceError> {
        let permit = self.permit(&Caller::upkeep(TASK), action, target_of(job)).await?;
        match self.store.commit(permit, change).await {
            Ok(_) => Ok(true),
            Err(
                StoreError::Overtaken { .. } | StoreError::LeaseLost | StoreError::Conflict { .. },
            ) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The approval of an export that the caller was given, if it waits for one or has.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn approval_of(&self, job: &Job) -> Result<Option<Approval>, ServiceError> {
        Ok(self.store.approval(job.id).await?)
    }
}
