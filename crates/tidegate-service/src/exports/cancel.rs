//! Cancels an export. Legal while it is pending or building.

use tidegate_model::{action::Action, actor::Caller, ids::JobId};
use tidegate_store::Change;

use super::target_of;
use crate::{error::ServiceError, service::Service};

impl Service {
    /// Cancels a job: at once where nobody works on it, else its worker stops within a second.
    ///
    /// # Errors
    ///
    /// If the caller may not, or the job is over.
    pub async fn cancel_export(&self, caller: &Caller, id: JobId) -> Result<(), ServiceError> {
        let job = self.store.job(id).await?.ok_or(ServiceError::NotFound)?;
        let permit = self.permit(caller, Action::ExportCancel, target_of(&job)).await?;
        self.store.commit(permit, Change::CancelExport).await?;
        tracing::info!(job.id = %id, "cancellation asked for");
        Ok(())
    }
}
