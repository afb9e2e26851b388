//! Pause: holds all egress of a subject, or of the site, until somebody ends it by hand.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    pause::{Pause, checked_reason},
    policy::{Permit, Policy, sees_subject},
};
use tidegate_store::{Change, PastPause, PauseChange, StoreError};

use crate::{error::ServiceError, service::Service};

/// Pauses that a look at the past gives at most.
const PAST_MAX: u32 = 50;

impl Service {
    /// Holds egress: nothing of it is made or downloaded from now on, what is being built is
    /// cancelled, and downloads under way are cut. Without a subject it is about everything.
    ///
    /// # Errors
    ///
    /// If the caller may not, there is no such subject, no reason is given, or it is paused.
    pub async fn pause(
        &self,
        caller: &Caller,
        subject: Option<&str>,
        reason: &str,
    ) -> Result<(), ServiceError> {
        let permit = self.permit_to_pause(caller, Action::EgressPause, subject).await?;
        let reason = checked_reason(reason)?;
        self.store.commit(permit, Change::Pause(PauseChange::Begin { reason })).await?;
        tracing::warn!(subject, caller = caller.name, "egress paused");
        Ok(())
    }

    /// Ends the pause of a subject, or of everything.
    ///
    /// # Errors
    ///
    /// If the caller may not, or it is not paused.
    pub async fn resume(&self, caller: &Caller, subject: Option<&str>) -> Result<(), ServiceError> {
        let permit = self.permit_to_pause(caller, Action::EgressResume, subject).await?;
        self.store.commit(permit, Change::Pause(PauseChange::End)).await?;
        tracing::warn!(subject, caller = caller.name, "egress resumed");
        Ok(())
    }

    /// The pauses that hold something back which the caller may see: whoever is held back may know
    /// why.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn pauses(&self, caller: &Caller) -> Result<Vec<Pause>, ServiceError> {
        Ok(pauses_seen(&self.store.policy().await?, caller))
    }

    /// The pauses that there were, the newest first.
    ///
    /// # Errors
    ///
    /// If the caller may not pause.
    pub async fn past_pauses(&self, caller: &Caller) -> Result<Vec<PastPause>, ServiceError> {
        let policy = self.store.policy().await?;
        self.permit_by(&policy, caller, Action::PauseView, Target::default()).await?;
        let mut past = self.store.pauses(PAST_MAX).await?;
        past.retain(|one| is_seen(&policy, caller, &one.pause));
        Ok(past)
    }

    async fn permit_to_pause(
        &self,
        caller: &Caller,
        action: Action,
        subject: Option<&str>,
    ) -> Result<Permit, ServiceError> {
        let target = Target { subject: subject.map(str::to_owned), ..Target::default() };
        match subject {
            // A subject that was taken out of the configuration can still be let go.
            Some(slug) if action == Action::EgressPause => {
                let policy = self.refuse_unknown_subject(caller, action, slug).await?;
                self.permit_by(&policy, caller, action, target).await
            }
            _ => self.permit(caller, action, target).await,
        }
    }

    /// What to say of something that was allowed, and was refused by a policy that is newer.
    pub(crate) async fn refused_meanwhile(
        &self,
        caller: &Caller,
        action: Action,
        target: Target,
    ) -> ServiceError {
        match self.permit(caller, action, target).await {
            Ok(_) => StoreError::PolicyChanged.into(),
            Err(refused) => refused,
        }
    }
}

/// The pauses that a caller may know of.
pub(crate) fn pauses_seen(policy: &Policy, caller: &Caller) -> Vec<Pause> {
    let seen = policy.pauses.iter().filter(|pause| is_seen(policy, caller, pause));
    seen.cloned().collect()
}

fn is_seen(policy: &Policy, caller: &Caller, pause: &Pause) -> bool {
    pause.subject.as_ref().is_none_or(|subject| sees_subject(policy, caller, subject))
}
