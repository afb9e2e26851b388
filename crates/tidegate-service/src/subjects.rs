//! Subjects: which there are for somebody, what they are made of, and a look at their rows.

mod action_run;
mod client_export;
mod cursor;
mod encoded;
mod estimate;
mod preview;
mod rows;
mod terms;

pub use action_run::{ActionQuestion, ActionRun, Agreed, RUN_RECORDS_MAX, RunOutcome, RunRequest};
pub(crate) use encoded::write_rows;
pub use estimate::{Basis, Estimate, FormatEstimate};
pub use preview::Preview;
pub use rows::{Counting, ROWS_PAGE_MAX, RowPage, RowsRequest};
pub use terms::ExportTerms;
use tidegate_model::{
    actor::Caller,
    bind::BoundSubject,
    capability::export_of,
    policy::{self, Policy, sees_subject},
    sight::{Sight, is_personal},
};

use crate::{error::ServiceError, service::Service};

/// A subject as a list of them shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectSummary {
    /// Stable name.
    pub slug: String,
    /// Name that people read, where the configuration has one.
    pub label: Option<String>,
    /// Slugs of its kinds.
    pub kinds: Vec<String>,
    /// Whether every record is personal data.
    pub has_pii: bool,
    /// Whether the caller may export it.
    pub may_export: bool,
}

impl Service {
    /// The subjects that the caller may see, in the order of the configuration.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn subjects(&self, caller: &Caller) -> Result<Vec<SubjectSummary>, ServiceError> {
        let policy = self.store.policy().await?;
        Ok(self.seen_subjects(&policy, caller))
    }

    pub(crate) fn seen_subjects(&self, policy: &Policy, caller: &Caller) -> Vec<SubjectSummary> {
        let sited = self.sited();
        let seen = sited.site.subjects.iter();
        let seen = seen.filter(|subject| sees_subject(policy, caller, &subject.slug));
        let summary = |subject: &tidegate_model::declaration::SubjectDeclaration| SubjectSummary {
            slug: subject.slug.clone(),
            label: subject.label.clone(),
            kinds: subject.kinds.iter().map(|kind| kind.slug.clone()).collect(),
            has_pii: is_personal(policy.pii_subjects.as_ref(), &subject.slug, subject.pii),
            may_export: policy::holds(policy, caller, &export_of(&subject.slug)),
        };
        seen.map(summary).collect()
    }

    /// One subject, with its fields as the source has them now.
    ///
    /// # Errors
    ///
    /// If there is none, or the caller may not see it: the same answer. If the source fails.
    pub async fn subject(
        &self,
        caller: &Caller,
        slug: &str,
    ) -> Result<(SubjectSummary, BoundSubject), ServiceError> {
        let policy = self.store.policy().await?;
        let seen = self.seen_subjects(&policy, caller);
        let summary = seen.into_iter().find(|subject| subject.slug == slug);
        let summary = summary.ok_or(ServiceError::NotFound)?;
        Ok((summary, self.bound_for(&Sight::of(&policy, caller), slug).await?.subject))
    }
}
