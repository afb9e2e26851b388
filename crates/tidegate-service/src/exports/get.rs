//! Looks at one export, if the caller may see it.

use tidegate_model::{action::Action, actor::Caller, ids::JobId, job::Job, status::Status};
use tidegate_store::Attempt;

use super::target_of;
use crate::{
    artifacts::{Artifacts, StoredFile},
    error::ServiceError,
    service::Service,
};

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

    /// The signed manifest of a job's file.
    ///
    /// # Errors
    ///
    /// If there is no such job, the caller may not see it, or it has no file.
    pub async fn export_manifest(
        &self,
        artifacts: &Artifacts,
        caller: &Caller,
        id: JobId,
    ) -> Result<String, ServiceError> {
        let job = self.export(caller, id).await?;
        let stored = StoredFile::of_job(&job).filter(|_| job.status == Status::Ready);
        let stored = stored.ok_or(ServiceError::Conflict { status: job.status })?;
        Ok(artifacts.manifest(&stored.key).await?)
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
