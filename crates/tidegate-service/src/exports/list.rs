//! Lists exports: one's own, or everybody's.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    ids::JobId,
    policy::{self, sees_subject},
    status::Status,
};
use tidegate_store::{JobFilter, JobPage, JobSort};

use crate::{error::ServiceError, service::Service};

/// Order of a list.
pub type ListSort = JobSort;

/// Which exports to list.
#[derive(Clone, Debug, Default)]
pub struct ListRequest {
    /// Only of this subject.
    pub subject: Option<String>,
    /// Only in these states; empty means all.
    pub statuses: Vec<Status>,
    /// Order.
    pub sort: ListSort,
    /// Behind this one.
    pub behind: Option<JobId>,
    /// At most so many.
    pub limit: u32,
}

impl Service {
    /// A page of the exports that the caller may see.
    ///
    /// # Errors
    ///
    /// If the caller may not list exports, or the control state cannot be asked.
    pub async fn exports(
        &self,
        caller: &Caller,
        request: &ListRequest,
    ) -> Result<JobPage, ServiceError> {
        let Some(operator) = caller.operator() else { return Err(ServiceError::Unknown) };
        // Who may list none is refused; an empty list would say that there are none.
        let target = Target { owner: Some(operator), ..Target::default() };
        self.permit(caller, Action::ExportView, target).await?;
        let policy = self.store.policy().await?;
        let sited = self.sited();
        let subjects = sited
            .site
            .slugs()
            .into_iter()
            .filter(|slug| request.subject.as_deref().is_none_or(|wanted| wanted == *slug))
            .filter(|slug| sees_subject(&policy, caller, slug))
            .map(str::to_owned)
            .collect();
        let created_by = (!policy::holds(&policy, caller, "exports.list.any")).then_some(operator);
        let statuses = request.statuses.clone();
        let filter = JobFilter { created_by, subjects: Some(subjects), statuses };
        Ok(self.store.jobs(&filter, request.sort, request.behind, request.limit).await?)
    }
}
