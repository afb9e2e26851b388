//! Takes jobs from workers that are gone, and ends those that nobody will work on again.

use tidegate_model::{
    action::Action,
    job::{Failure, FailureReason},
};
use tidegate_store::{Change, FailJob};

use super::{JOBS_PER_LOOK, Upkeep};
use crate::{error::ServiceError, exports::target_of, worker::is_gone};

/// Name of the task.
const TASK: &str = "rescue";

impl Upkeep {
    /// One look.
    ///
    /// # Errors
    ///
    /// If the control database fails.
    pub async fn rescue(&self) -> Result<(), ServiceError> {
        self.free_leases_of_the_dead().await?;
        for job in self.service.store().jobs_left_behind(JOBS_PER_LOOK).await? {
            let target = target_of(&job);
            let (action, change) = if job.cancel_requested {
                (Action::JobCancel, Change::Cancelled(None))
            } else {
                let detail = format!(
                    "its workers died in {} attempts; the last one's record may say more",
                    job.attempt
                );
                let failure = Failure { reason: FailureReason::WorkerLost, detail };
                (Action::JobFail, Change::Fail(FailJob { proof: None, failure }))
            };
            self.commit(TASK, action, target, change).await?;
        }
        Ok(())
    }

    /// On this host a worker's death is seen at once: nobody holds its lock.
    async fn free_leases_of_the_dead(&self) -> Result<(), ServiceError> {
        let store = self.service.store();
        for lease in store.leases_of_host(&self.settings.worker.host).await? {
            if !is_gone(&self.settings.worker.state_folder, &lease.worker) {
                continue;
            }
            let Some(job) = store.job(lease.job).await? else { continue };
            let change = Change::Rescue { lease_token: lease.token };
            if self.commit(TASK, Action::JobRescue, target_of(&job), change).await? {
                tracing::warn!(job.id = %job.id, worker = lease.worker, "worker is gone");
            }
        }
        Ok(())
    }
}
