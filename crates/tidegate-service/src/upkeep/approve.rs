//! Ends what waits for a second person and lapses, or is not any more what was asked for.

use tidegate_model::{action::Action, ids::JobId};
use tidegate_store::{ApprovalChange, Change};

use super::{JOBS_PER_LOOK, Upkeep};
use crate::error::ServiceError;

impl Upkeep {
    /// One look. Whether creators may still have what waits is asked where the policy has changed
    /// since `seen`, its version at the last look.
    ///
    /// # Errors
    ///
    /// If the control database fails.
    pub async fn approve(&self, seen: &mut Option<i64>) -> Result<(), ServiceError> {
        let store = self.service.store();
        let now = store.now().await?;
        for (_, job) in store.approvals_to_lapse(now, JOBS_PER_LOOK).await? {
            let change = Change::Approval(ApprovalChange::Lapse);
            self.service.end_approval(&job, Action::ApprovalLapse, change).await?;
        }
        let policy = store.policy().await?;
        if *seen == Some(policy.version) {
            return Ok(());
        }
        let mut behind = JobId(0);
        loop {
            let open = store.open_approvals(behind, JOBS_PER_LOOK).await?;
            let Some((_, last)) = open.last() else { break };
            behind = last.id;
            for (_, job) in &open {
                if let Some(failure) = self.service.void_reason(&policy, job).await? {
                    self.service.void(job, failure).await?;
                }
            }
        }
        *seen = Some(policy.version);
        Ok(())
    }
}
