//! Watches jobs: what they are now, and what happened to one.

use tidegate_model::{actor::Caller, ids::JobId, job::Job};
use tidegate_store::TransitionRow;

use crate::{error::ServiceError, service::Service};

/// Jobs as they are now, with the policy that may be asked again about them.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// Version of the policy.
    pub policy_version: i64,
}

impl Service {
    /// Some jobs as they are now: for whoever has been let in to each of them.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn watched(&self, jobs: &[JobId]) -> Result<Watched, ServiceError> {
        let policy_version = self.store.policy().await?.version;
        Ok(Watched { jobs: self.store.jobs_now(jobs).await?, policy_version })
    }

    /// What happened to a job behind a number, oldest first.
    ///
    /// # Errors
    ///
    /// If there is no such job, or the caller may not see it.
    pub async fn export_transitions(
        &self,
        caller: &Caller,
        id: JobId,
        behind: i64,
    ) -> Result<Vec<TransitionRow>, ServiceError> {
        self.export(caller, id).await?;
        Ok(self.store.transitions(id, behind).await?)
    }

    /// The caller as it is now: an operator may have been shut out, or have another role.
    ///
    /// # Errors
    ///
    /// If it is shut out.
    pub async fn caller_now(&self, caller: &Caller) -> Result<Caller, ServiceError> {
        let id = caller.operator().ok_or(ServiceError::Unknown)?;
        let operator = self.store.operator(id).await?.filter(|one| !one.is_disabled);
        let operator = operator.ok_or(ServiceError::Unknown)?;
        if let Some(token) = caller.actor.token() {
            let token = self.store.token(token).await?.ok_or(ServiceError::Unknown)?;
            if token.is_revoked || token.expires_at <= self.store.now().await? {
                return Err(ServiceError::Unknown);
            }
        }
        Ok(Caller { role: Some(operator.role), ..caller.clone() })
    }
}
