//! Who is at the gate, and whether they may pass.

use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use sha2::{Digest, Sha256};
use tidegate_model::{
    action::{Action, Target},
    actor::{Actor, Caller, Via},
    audit::hexadecimal,
    policy::{self, Denied, Explanation, Permit, Policy},
};
use tidegate_store::{Bearer, Operator};

use crate::{error::ServiceError, service::Service};

/// Entries about refusals that one caller gets within a minute; the rest is only logged.
const REFUSALS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(30).expect("thirty is not zero");
/// Callers that are remembered before those are forgotten who have been quiet.
const CALLERS_MAX: usize = 10_000;

/// Counts refusals, so that nobody fills the log with them.
pub(crate) struct Refusals(DefaultKeyedRateLimiter<String>);

impl Default for Refusals {
    fn default() -> Self {
        Self(RateLimiter::keyed(Quota::per_minute(REFUSALS_PER_MINUTE)))
    }
}

impl Refusals {
    /// Whether one more of this caller is written down.
    fn admits(&self, caller: &Caller) -> bool {
        if self.0.len() >= CALLERS_MAX {
            self.0.retain_recent();
        }
        self.0.check_key(&caller.name).is_ok()
    }
}

impl Service {
    /// An operator who is known on this host by name.
    ///
    /// # Errors
    ///
    /// If there is none of that address, or it is shut out.
    pub async fn operator_caller(&self, email: &str, via: Via) -> Result<Caller, ServiceError> {
        let found = self.store.operator_by_email(&email.to_lowercase()).await?;
        let operator = found.filter(|one| !one.is_disabled).ok_or(ServiceError::Unknown)?;
        Ok(caller_of(operator, via))
    }

    /// Whoever shows a token.
    ///
    /// # Errors
    ///
    /// If it is none of ours, has ended or was taken back, or its owner is shut out.
    pub async fn token_caller(&self, secret: &str, via: Via) -> Result<Caller, ServiceError> {
        // A hash of 256 random bits is looked up by equality: there is nothing to guess.
        let found = self.store.bearer(&token_hash(secret)).await?;
        let is_good = |found: &Bearer| {
            let Bearer { token, operator, now } = found;
            !token.is_revoked && token.expires_at > *now && !operator.is_disabled
        };
        let found = found.filter(is_good).ok_or(ServiceError::Unknown)?;
        let Bearer { token, operator, .. } = found;
        let id = operator.id;
        Ok(Caller {
            actor: Actor::Operator { id, token: Some(token.id) },
            token_scopes: token.scopes,
            ..caller_of(operator, via)
        })
    }

    /// Asks the policy. A refusal is written down before it is told.
    pub(crate) async fn permit(
        &self,
        caller: &Caller,
        action: Action,
        target: Target,
    ) -> Result<Permit, ServiceError> {
        let policy = self.store.policy().await?;
        self.permit_by(&policy, caller, action, target).await
    }

    /// The same by a policy that was read for more than this.
    pub(crate) async fn permit_by(
        &self,
        policy: &Policy,
        caller: &Caller,
        action: Action,
        target: Target,
    ) -> Result<Permit, ServiceError> {
        match policy::authorize(policy, caller, action, target) {
            Ok(permit) => Ok(permit),
            Err(denied) => Err(self.refused(denied).await?),
        }
    }

    pub(crate) async fn refused(&self, denied: Denied) -> Result<ServiceError, ServiceError> {
        let (action, caller) = (denied.action().slug(), &denied.caller().name);
        tracing::warn!(action, caller, reason = %denied.reason, "refused");
        if self.refusals.admits(denied.caller()) {
            self.store.refuse(&denied).await?;
        }
        Ok(match denied.is_invisible() {
            true => ServiceError::NotFound,
            false => denied.into(),
        })
    }

    /// Says why somebody may do something, or not.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn explain(
        &self,
        caller: &Caller,
        action: Action,
        target: &Target,
    ) -> Result<Explanation, ServiceError> {
        let policy = self.store.policy().await?;
        Ok(policy::explain(&policy, caller, action, target))
    }
}

impl Service {
    /// What a caller may do: the capabilities of its role that its token admits.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn capabilities_of(&self, caller: &Caller) -> Result<Vec<String>, ServiceError> {
        let policy = self.store.policy().await?;
        Ok(policy::held(&policy, caller).into_iter().collect())
    }
}

pub(crate) fn caller_of(operator: Operator, via: Via) -> Caller {
    Caller {
        actor: Actor::Operator { id: operator.id, token: None },
        name: operator.email,
        role: Some(operator.role),
        token_scopes: None,
        session: None,
        via,
        address: None,
    }
}

/// What stands in the control state for a token.
pub(crate) fn token_hash(secret: &str) -> String {
    hexadecimal(&Sha256::digest(secret.as_bytes()))
}
