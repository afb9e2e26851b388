//! What a second person has approved, as far as a build has to know: that, and nothing else.

use tidegate_model::{
    actor::Caller, approval::definition_hash, exposure::Exposure, job::FailureReason,
};
use tidegate_pipeline::{ApprovalEntry, JobEntry};
use tidegate_store::StoreError;

use super::{
    build::{Build, Ended},
    failure::failure,
};

impl Build<'_> {
    /// The job as the manifest has it: with why it was asked for, and the approval that it took.
    pub(super) async fn entry(&self) -> Result<JobEntry, Ended> {
        let found = self.patiently(|| self.service.store().approval(self.job.id)).await?;
        let approval = found.map(|approval| ApprovalEntry {
            rule: approval.rule,
            definition: approval.definition_hash,
            by: approval.decided_name.unwrap_or_default(),
            is_broken: approval.is_broken,
        });
        Ok(JobEntry {
            id: self.job.id,
            attempt: self.control.lease.attempt(),
            reason: self.job.reason.clone(),
            approval,
        })
    }

    /// A second person has approved what was asked for, and nothing else: the definition of now, by
    /// the creator and the role of now, with what the creator is shown now.
    pub(super) async fn refuse_unapproved(
        &self,
        creator: &Caller,
        exposure: &Exposure,
    ) -> Result<(), Ended> {
        let found = self.patiently(|| self.service.store().approval(self.job.id)).await?;
        let Some(approval) = found else { return Ok(()) };
        let role = creator.role.as_deref().unwrap_or_default();
        let is_same = approval.definition_hash == definition_hash(&self.job, role)
            && self.job.exposure.as_ref() == Some(exposure);
        if is_same {
            return Ok(());
        }
        let detail = "this, or what its creator is shown of it, is not what was approved";
        Err(Ended::Failed(failure(FailureReason::ApprovalRefused, detail)))
    }
}

/// Whether a file is refused where it would be published, so that nothing of it is kept.
pub(super) fn is_refused(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Overtaken { .. } | StoreError::OverBudget(_) | StoreError::Unapproved { .. }
    )
}
