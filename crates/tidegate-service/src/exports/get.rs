//! Looks at one export, if the caller may see it.

use tidegate_model::{action::Action, actor::Caller, ids::JobId, job::Job};
use tidegate_store::Attempt;

use super::target_of;
use crate::{error::ServiceError, service::Service};

impl Service {
    /// A job.
    ///
    /// # Errors
    ///
    /// If there is none, or the caller may not see it: the same answer.
    pub async fn export(&self, caller: &Caller, id: JobId) -> Result<Job, ServiceError> {
        let job = self.store.job(id).await?.ok_or(ServiceError::NotFound)?;
        match self.permit(caller, Action::ExportView, target_of(&job)).await {
            Ok(_) => Ok(job),
            Err(ServiceError::Denied(_)) => Err(ServiceError::NotFound),
            Err(error) => Err(error),
        }
    }

    /// The attempts at a job.
    ///
    /// # Errors
    ///
    /// If there is no such job, or the caller may not see it.
    pub async fn export_attempts(
        &self,
        caller: &Caller,
        id: JobId,
    ) -> Result<Vec<Attempt>, ServiceError> {
        self.export(caller, id).await?;
        Ok(self.store.attempts(id).await?)
    }
}
