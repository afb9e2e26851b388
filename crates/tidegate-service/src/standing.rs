//! What somebody is here, and what there is for them: for whoever draws pages.

use std::collections::BTreeSet;

use tidegate_model::{actor::Caller, pause::Pause, policy};

use crate::{error::ServiceError, pause::pauses_seen, service::Service, subjects::SubjectSummary};

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
    /// The pauses that hold something back which the caller may see.
    pub pauses: Vec<Pause>,
    /// Notices that it has not read.
    pub unread: i64,
    /// Exports of others that wait for its approval.
    pub approvals: i64,
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
        let (unread, approvals) = self.waits_for(&policy, caller).await?;
        Ok(Standing {
            name: operator.map(|operator| operator.name).unwrap_or_default(),
            role: role.map(|role| role.label.clone()).unwrap_or_default(),
            capabilities: policy::held(&policy, caller),
            subjects: self.seen_subjects(&policy, caller),
            pauses: pauses_seen(&policy, caller),
            unread,
            approvals,
        })
    }

    /// The time of this host, in microseconds since 1970: what people read is said from it.
    pub fn now(&self) -> i64 {
        crate::clock::now(self.store.clock()).timestamp_micros()
    }
}
