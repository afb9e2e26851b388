//! Links by which an operator sets a password: shown once, used once.

use tidegate_model::{
    action::Action,
    actor::{Caller, Via},
};
use tidegate_store::{Change, OperatorChange, SessionProof};

use super::{Entrance, HOUR_MICROS, Visitor, sessions};
use crate::{
    error::ServiceError,
    gate::{caller_of, token_hash},
    operators::{hash, target_of},
    service::Service,
    sign_in::NewSession,
};

/// Hours that such a link lives.
pub const SETUP_HOURS: i64 = 24;

/// The secret of a link by which a password is set.
pub struct InvitationSecret(pub String);

impl Service {
    /// Makes a link by which an operator sets a password.
    ///
    /// # Errors
    ///
    /// If there is no such operator, or the caller may not.
    pub async fn invite_operator(
        &self,
        caller: &Caller,
        email: &str,
    ) -> Result<InvitationSecret, ServiceError> {
        let operator = self.operator(email).await?;
        let permit = self.permit(caller, Action::OperatorInvite, target_of(&operator)).await?;
        let secret = sessions::secret();
        let change = OperatorChange::Invite {
            id: operator.id,
            hash: token_hash(&secret),
            life_micros: SETUP_HOURS * HOUR_MICROS,
        };
        self.store.commit(permit, Change::Operator(change)).await?;
        Ok(InvitationSecret(secret))
    }

    /// Whose link it is, so that a page can greet.
    ///
    /// # Errors
    ///
    /// If it is none of ours, was used, or is too old.
    pub async fn invited(&self, secret: &str) -> Result<String, ServiceError> {
        Ok(self.invitation(secret).await?.1.name)
    }

    /// Sets the password of whoever the link was made for, and signs in; with a second factor, asks
    /// for that: who has the link does not have the phone.
    ///
    /// # Errors
    ///
    /// If the link is none of ours, was used, or is too old; or the password is too short.
    pub async fn accept_invitation(
        &self,
        secret: &str,
        password: String,
        visitor: &Visitor,
    ) -> Result<Entrance, ServiceError> {
        let (invitation, caller) = self.invitation(secret).await?;
        let operator = self.operator(&caller.name).await?;
        let permit = self.permit(&caller, Action::OperatorPassword, target_of(&operator)).await?;
        let change = OperatorChange::Password {
            id: operator.id,
            password_hash: hash(password).await?,
            invitation: Some(invitation),
            session: None,
        };
        self.store.commit(permit, Change::Operator(change)).await?;
        self.enter(operator, visitor).await
    }

    async fn invitation(&self, secret: &str) -> Result<(i64, Caller), ServiceError> {
        let found = self.store.invitation_by_hash(&token_hash(secret)).await?;
        let now = self.store.now().await?;
        let found = found.filter(|one| !one.is_used && now < one.expires_at);
        let found = found.ok_or(ServiceError::NotFound)?;
        let operator = self.store.operator(found.operator).await?.filter(|one| !one.is_disabled);
        let operator = operator.ok_or(ServiceError::NotFound)?;
        Ok((found.id, caller_of(operator, Via::Admin)))
    }

    /// Adds the first operator of a site, an administrator, and signs it in.
    ///
    /// # Errors
    ///
    /// If there is an operator already; or address or password are wrong.
    pub async fn add_first_operator(
        &self,
        email: &str,
        password: String,
        visitor: &Visitor,
    ) -> Result<NewSession, ServiceError> {
        let setup = self.setup_caller("first start").await.map_err(|_| ServiceError::NotFound)?;
        let role = tidegate_model::role::ADMINISTRATOR;
        self.add_operator(&setup, email, role, Some(password)).await?;
        let operator = self.operator(email).await?;
        self.start_session(operator, visitor, SessionProof::Password).await
    }

    /// Whether there is nobody yet.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn is_empty(&self) -> Result<bool, ServiceError> {
        Ok(self.store.operators().await?.is_empty())
    }
}
