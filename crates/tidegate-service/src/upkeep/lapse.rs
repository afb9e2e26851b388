//! Takes out what other sites have granted and not said again in time.

use tidegate_model::action::{Action, Target};
use tidegate_store::{Change, GrantChange};

use super::Upkeep;
use crate::error::ServiceError;

/// Name of the task.
const TASK: &str = "lapse";

impl Upkeep {
    /// One look. The policy itself counts nothing that has lapsed; this leaves the entry of it, and
    /// raises the policy’s version, so that whoever builds under the old one asks again.
    ///
    /// # Errors
    ///
    /// If the control database fails.
    pub async fn lapse(&self) -> Result<(), ServiceError> {
        if !self.service.store().has_lapsed_grants().await? {
            return Ok(());
        }
        let change = Change::Grants(GrantChange::Lapse);
        self.commit(TASK, Action::GrantLapse, Target::default(), change).await?;
        Ok(())
    }
}
