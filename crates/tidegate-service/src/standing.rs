//! What somebody is here, and what there is for them: for whoever draws pages.

use std::collections::BTreeSet;

use tidegate_model::{actor::Caller, policy};

use crate::{error::ServiceError, service::Service, subjects::SubjectSummary};

/// What somebody is here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Name that people read; empty where there is none.
    pub name: String,
    /// Name of the role that people read.
    pub role: String,
    /// What the caller may do.
    pub capabilities: BTreeSet<String>,
    /// The subjects that the caller may see, in the order of the configuration.
    pub subjects: Vec<SubjectSummary>,
}

impl Service {
    /// What the caller is here, by one look at the policy.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn standing(&self, caller: &Caller) -> Result<Standing, ServiceError> {
        let policy = self.store.policy().await?;
        let operator = match caller.operator() {
            Some(id) => self.store.operator(id).await?,
            None => None,
        };
        let role = caller.role.as_ref().and_then(|slug| policy.roles.get(slug));
        let held = role.into_iter().flat_map(|role| role.capabilities.iter().cloned());
        Ok(Standing {
            name: operator.map(|operator| operator.name).unwrap_or_default(),
            role: role.map(|role| role.label.clone()).unwrap_or_default(),
            capabilities: held.filter(|one| policy::holds(&policy, caller, one)).collect(),
            subjects: self.seen_subjects(&policy, caller),
        })
    }

    /// The time of this host, in microseconds since 1970: what people read is said from it.
    pub fn now(&self) -> i64 {
        crate::clock::now(self.store.clock()).timestamp_micros()
    }
}
