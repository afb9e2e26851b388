//! Makes a new export like an old one: with the rights, masks and dates of now.

use tidegate_model::{
    action::Action,
    actor::Caller,
    ids::JobId,
    job::Job,
    request::{ExportRequest, Notify},
};

use super::{Created, create::Origin, target_of};
use crate::{error::ServiceError, service::Service};

impl Service {
    /// Makes a new job like an old one. It belongs to whoever asks.
    ///
    /// # Errors
    ///
    /// If the caller may not see the old one or not export its subject; or if a field, filter or
    /// option is gone, by name.
    pub async fn rerun_export(
        &self,
        caller: &Caller,
        id: JobId,
        idempotency_key: Option<&str>,
    ) -> Result<Created, ServiceError> {
        let job = self.store.job(id).await?.ok_or(ServiceError::NotFound)?;
        self.permit(caller, Action::ExportRerun, target_of(&job)).await?;
        let origin = Origin { idempotency_key, rerun_of: Some(id) };
        self.create_like(caller, &request_of(&job), origin).await
    }
}

/// The request that made a job.
pub(crate) fn request_of(job: &Job) -> ExportRequest {
    ExportRequest {
        kind: job.kind.clone(),
        scope: job.scope.clone(),
        fields: job.fields.clone(),
        options: job.options.clone(),
        time_zone: Some(job.time_zone.clone()),
        notify: job.notify_email.clone().map(|email| Notify { email }),
        reason: job.reason.clone(),
        ..ExportRequest::new(job.subject.clone(), job.format.clone())
    }
}
