//! Watches jobs: what they are now, and what happened to one.

use std::collections::BTreeSet;

use tidegate_model::{
    actor::Caller,
    ids::{JobId, SessionId, TokenId},
    job::Job,
};
use tidegate_store::TransitionRow;

use crate::{error::ServiceError, service::Service};

/// What somebody was let in by, and is out with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pass {
    /// A token.
    Token(TokenId),
    /// A session in a browser.
    Session(SessionId),
}

impl Pass {
    /// What a caller was let in by; none where something else answers for it, as a proxy does.
    pub fn of(caller: &Caller) -> Option<Self> {
        let token = caller.actor.token().map(Self::Token);
        token.or(caller.session.map(Self::Session))
    }
}

/// Jobs as they are now, with the policy that may be asked again about them.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// Version of the policy.
    pub policy_version: i64,
}

impl Service {
    /// Some jobs as they are now: for whoever has been let in to each of them.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn watched(&self, jobs: &[JobId]) -> Result<Watched, ServiceError> {
        let policy_version = self.store.policy().await?.version;
        Ok(Watched { jobs: self.store.jobs_now(jobs).await?, policy_version })
    }

    /// What happened to a job behind a number, oldest first.
    ///
    /// # Errors
    ///
    /// If there is no such job, or the caller may not see it.
    pub async fn export_transitions(
        &self,
        caller: &Caller,
        id: JobId,
        behind: i64,
    ) -> Result<Vec<TransitionRow>, ServiceError> {
        self.export(caller, id).await?;
        Ok(self.store.transitions(id, behind).await?)
    }

    /// Which of these do not let anybody in any more.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn ended_passes(&self, passes: &[Pass]) -> Result<Vec<Pass>, ServiceError> {
        let (mut tokens, mut sessions) = (Vec::new(), Vec::new());
        for pass in passes {
            match pass {
                Pass::Token(id) => tokens.push(*id),
                Pass::Session(id) => sessions.push(*id),
            }
        }
        let tokens = self.store.live_tokens(&tokens).await?.into_iter().map(Pass::Token);
        let sessions = self.store.live_sessions(&sessions).await?.into_iter().map(Pass::Session);
        let live: BTreeSet<Pass> = tokens.chain(sessions).collect();
        Ok(passes.iter().copied().filter(|pass| !live.contains(pass)).collect())
    }

    /// The caller as it is now: an operator may have been shut out, or have another role; a token
    /// or a session may have ended.
    ///
    /// # Errors
    ///
    /// If it is shut out.
    pub async fn caller_now(&self, caller: &Caller) -> Result<Caller, ServiceError> {
        let id = caller.operator().ok_or(ServiceError::Unknown)?;
        let operator = self.store.operator(id).await?.filter(|one| !one.is_disabled);
        let operator = operator.ok_or(ServiceError::Unknown)?;
        let pass = Pass::of(caller);
        if !self.ended_passes(pass.as_slice()).await?.is_empty() {
            return Err(ServiceError::Unknown);
        }
        Ok(Caller { role: Some(operator.role), ..caller.clone() })
    }
}
