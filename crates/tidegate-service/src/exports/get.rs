//! Looks at one export, if the caller may see it.

use tidegate_model::{
    action::Action, actor::Caller, ids::JobId, job::Job, policy::Policy, sight::Sight,
    status::Status,
};
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
        Ok(self.seen_export(caller, id).await?.0)
    }

    /// The same, with the policy by which it is seen.
    pub(super) async fn seen_export(
        &self,
        caller: &Caller,
        id: JobId,
    ) -> Result<(Job, Policy), ServiceError> {
        let job = self.store.job(id).await?.ok_or(ServiceError::NotFound)?;
        let policy = self.store.policy().await?;
        match self.permit_by(&policy, caller, Action::ExportView, target_of(&job)).await {
            Ok(_) => Ok((self.shown(&Sight::of(&policy, caller), job), policy)),
            Err(ServiceError::Denied(_)) => Err(ServiceError::NotFound),
            Err(error) => Err(error),
        }
    }

    /// The signed manifest of a job's file.
    ///
    /// # Errors
    ///
    /// If there is no such job, the caller may not see it, its file holds more than the caller may
    /// see (the manifest names the values that rows were chosen by), or it has no file.
    pub async fn export_manifest(
        &self,
        artifacts: &Artifacts,
        caller: &Caller,
        id: JobId,
    ) -> Result<String, ServiceError> {
        let (job, policy) = self.seen_export(caller, id).await?;
        let target = self.file_of(&policy, caller, &job);
        self.permit_by(&policy, caller, Action::ExportView, target).await?;
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
