//! Who can export what now, through which role, and when they last did: for a review of access.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    capability::{export_of, list_of},
    ids::OperatorId,
    sight::is_personal,
};

use crate::{error::ServiceError, service::Service};

/// What an operator can take out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who.
    pub operator: OperatorId,
    /// Mail address.
    pub email: String,
    /// Name that people read.
    pub name: String,
    /// Slug of the role that gives it.
    pub role: String,
    /// The subjects, in the order of the configuration.
    pub reaches: Vec<Reach>,
}

/// A subject that somebody can export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Slug of the subject.
    pub subject: String,
    /// Whether every record is personal data.
    pub has_pii: bool,
    /// Whether the role limits the rows.
    pub is_limited: bool,
    /// When this operator last made an export of it, in microseconds since 1970.
    pub used_at: Option<i64>,
}

impl Service {
    /// Everybody who is not shut out and can export something now, with what. It asks the same
    /// three questions however many operators there are.
    ///
    /// # Errors
    ///
    /// If the caller may not see roles and operators.
    pub async fn access(&self, caller: &Caller) -> Result<Vec<Access>, ServiceError> {
        let policy = self.store.policy().await?;
        for action in [Action::RoleView, Action::OperatorView] {
            self.permit_by(&policy, caller, action, Target::default()).await?;
        }
        let operators = self.store.operators().await?;
        let used = self.store.exports_used().await?;
        let sited = self.sited();
        let mut access = Vec::new();
        for operator in operators.into_iter().filter(|operator| !operator.is_disabled) {
            let Some(role) = policy.roles.get(&operator.role) else { continue };
            let held = policy.held(Some(&operator.role), Some(operator.id));
            let holds = |capability: String| held.contains(&capability);
            let subjects = sited.site.subjects.iter();
            let open =
                subjects.filter(|one| holds(list_of(&one.slug)) && holds(export_of(&one.slug)));
            let reaches: Vec<Reach> = open
                .map(|subject| Reach {
                    subject: subject.slug.clone(),
                    has_pii: is_personal(policy.pii_subjects.as_ref(), &subject.slug, subject.pii),
                    is_limited: role.limit_of(&subject.slug).is_some(),
                    used_at: used.get(&(operator.id, subject.slug.clone())).copied(),
                })
                .collect();
            if !reaches.is_empty() {
                access.push(Access {
                    operator: operator.id,
                    email: operator.email,
                    name: operator.name,
                    role: operator.role,
                    reaches,
                });
            }
        }
        Ok(access)
    }
}
