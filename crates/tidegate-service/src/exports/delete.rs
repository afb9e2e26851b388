//! Deletes the file of an export. Legal while it is ready.

use tidegate_model::{action::Action, actor::Caller, ids::JobId};
use tidegate_store::{
    Change,
    chaos::{self, Point},
};

use super::target_of;
use crate::{error::ServiceError, service::Service};

impl Service {
    /// Deletes a job's file: from now on no download starts, and those under way are cut. Upkeep
    /// removes the object itself.
    ///
    /// # Errors
    ///
    /// If the caller may not, or there is no file.
    pub async fn delete_artifact(&self, caller: &Caller, id: JobId) -> Result<(), ServiceError> {
        let job = self.store.job(id).await?.ok_or(ServiceError::NotFound)?;
        let permit = self.permit(caller, Action::ArtifactDelete, target_of(&job)).await?;
        chaos::stop_at(Point::Delete);
        self.store.commit(permit, Change::DeleteArtifact).await?;
        Ok(())
    }
}
