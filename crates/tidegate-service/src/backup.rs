//! Saves the control state while it is in use. Keys and files of exports are not in it.

use std::path::Path;

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
};
use tidegate_store::Change;

use crate::{error::ServiceError, service::Service};

impl Service {
    /// Saves the control state as one file, as it is at one moment.
    ///
    /// # Errors
    ///
    /// If the caller may not, the file exists, or it cannot be written.
    pub async fn back_up(&self, caller: &Caller, file: &Path) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::Backup, Target::default()).await?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
        let details = serde_json::json!({ "file": name });
        self.store.commit(permit, Change::Note(details)).await?;
        Ok(self.store.save_to(file).await?)
    }
}
