//! The activity log, read.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    audit::StoredEntry,
    policy::sees_subject,
};
use tidegate_store::EntryFilter;

use crate::{error::ServiceError, service::Service};

impl Service {
    /// Entries that fit a filter, newest first. Entries of subjects that the caller may not see are
    /// not among them.
    ///
    /// # Errors
    ///
    /// If the caller may not read the log.
    pub async fn activity(
        &self,
        caller: &Caller,
        filter: &EntryFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<StoredEntry>, ServiceError> {
        self.permit(caller, Action::ActivityView, Target::default()).await?;
        let policy = self.store.policy().await?;
        let sited = self.sited();
        let hidden = sited
            .site
            .slugs()
            .into_iter()
            .filter(|slug| !sees_subject(&policy, caller, slug))
            .map(str::to_owned)
            .collect();
        let filter = EntryFilter { hidden_subjects: hidden, ..filter.clone() };
        Ok(self.store.find_entries(&filter, before, limit).await?)
    }
}
