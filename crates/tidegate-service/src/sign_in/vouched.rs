//! Operators whom a sign-on that the configuration trusts vouches for: no password is asked here.

use tidegate_model::actor::Caller;
use tidegate_store::{Operator, SessionProof};

use super::{NewSession, Visitor};
use crate::{error::ServiceError, gate::caller_of, service::Service};

/// What a trusted sign-on says about somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// Name of the sign-on: it stands in the activity log.
    pub provider: String,
    /// Mail address.
    pub email: String,
    /// Slug of the role that it gives; none leaves the role as it is.
    pub role: Option<String>,
    /// Slug of the role of whoever is new; none lets nobody in who is not an operator already.
    pub newcomer: Option<String>,
}

impl Service {
    /// Whoever a trusted sign-on says has sent a request.
    ///
    /// # Errors
    ///
    /// If there is no such operator and none is to be made, or it is shut out.
    pub async fn vouched_caller(
        &self,
        vouched: &Vouched,
        visitor: &Visitor,
    ) -> Result<Caller, ServiceError> {
        let operator = self.vouched_operator(vouched, visitor).await?;
        let address = visitor.address.map(|address| address.to_string());
        Ok(Caller { address, ..caller_of(operator, visitor.via) })
    }

    /// Signs in whoever a trusted sign-on vouches for.
    ///
    /// # Errors
    ///
    /// If there is no such operator and none is to be made, or it is shut out.
    pub async fn sign_in_vouched(
        &self,
        vouched: &Vouched,
        visitor: &Visitor,
    ) -> Result<NewSession, ServiceError> {
        match self.vouched_operator(vouched, visitor).await {
            Ok(operator) => self.start_session(operator, visitor, SessionProof::Provider).await,
            Err(ServiceError::Unknown) => {
                Err(self.refuse_stranger(&vouched.email.to_lowercase(), visitor).await?)
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn vouched_operator(
        &self,
        vouched: &Vouched,
        visitor: &Visitor,
    ) -> Result<Operator, ServiceError> {
        let email = vouched.email.to_lowercase();
        let address = visitor.address.map(|address| address.to_string());
        // Nobody of ours has said so, and the operator itself may not: it is the sign-on's doing.
        let provider = Caller::provider(&vouched.provider, visitor.via, address);
        let found = match (self.store.operator_by_email(&email).await?, &vouched.newcomer) {
            (Some(operator), _) => operator,
            (None, Some(role)) => match self.add_operator(&provider, &email, role, None).await {
                // Two requests of somebody new came at once.
                Ok(_) | Err(ServiceError::Exists { .. }) => self.operator(&email).await?,
                Err(error) => return Err(error),
            },
            (None, None) => return Err(ServiceError::Unknown),
        };
        if found.is_disabled {
            return Err(ServiceError::Unknown);
        }
        match vouched.role.as_ref().filter(|role| **role != found.role) {
            Some(role) => self.give_role(&provider, found, role).await,
            None => Ok(found),
        }
    }

    async fn give_role(
        &self,
        provider: &Caller,
        operator: Operator,
        role: &str,
    ) -> Result<Operator, ServiceError> {
        match self.set_role(provider, &operator.email, role).await {
            Ok(()) => self.operator(&operator.email).await,
            // A site that nobody can change any more is worse than one administrator too many.
            Err(ServiceError::LastAdministrator) => {
                tracing::warn!(provider = provider.name, "the last administrator keeps the role");
                Ok(operator)
            }
            Err(error) => Err(error),
        }
    }
}
