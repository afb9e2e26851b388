//! In whose name a file is built, and whether they may still have it.

use tidegate_model::{
    action::{Action, Target},
    actor::{Actor, Caller, Via},
    job::FailureReason,
    policy::{self, Policy, Reason},
    sight::Sight,
};

use super::{
    build::{Build, Ended},
    control::Stop,
    failure::failure,
};

/// The creator of a job, and what may be done by the policy of now.
pub(super) struct Creator {
    pub(super) caller: Caller,
    pub(super) policy: Policy,
    /// What is shown to the creator: no more than when the job was asked for.
    pub(super) sight: Sight,
}

impl Build<'_> {
    /// The creator as a caller, if the job may still be made.
    pub(super) async fn creator(&self) -> Result<Creator, Ended> {
        let store = self.service.store();
        let id = self.job.created_by;
        let operator = self.patiently(|| store.operator(id)).await?;
        let policy = self.patiently(|| store.policy()).await?;
        let revoked = || {
            let detail = "its creator may not export this any more";
            Ended::Failed(failure(FailureReason::PermissionRevoked, detail))
        };
        let operator = operator.filter(|one| !one.is_disabled).ok_or_else(revoked)?;
        let caller = Caller {
            actor: Actor::Operator { id: operator.id, token: None },
            name: operator.email,
            role: Some(operator.role),
            token_scopes: None,
            session: None,
            via: Via::Internal,
            address: None,
        };
        let target = Target { subject: Some(self.job.subject.clone()), ..Target::default() };
        let explained = policy::explain(&policy, &caller, Action::ExportCreate, &target);
        match explained.refused {
            // A pause cancels what is being built; it is nobody’s fault.
            Some(Reason::Paused { .. }) => Err(Ended::Stopped(Stop::Cancelled)),
            None => {
                let sight = Sight::of(&policy, &caller);
                let sight = if self.job.is_unmasked { sight } else { sight.masked() };
                Ok(Creator { caller, policy, sight })
            }
            Some(_) => Err(revoked()),
        }
    }
}
