//! Signs in whoever lands by a request that another site has signed.

use tidegate_model::ids::OperatorId;
use tidegate_store::SessionProof;

use super::{NewSession, Visitor};
use crate::{error::ServiceError, gate::token_hash, service::Service};

impl Service {
    /// Signs in whoever shows the secret of a signed request: once, and within its minute.
    ///
    /// # Errors
    ///
    /// If there is none such, it was used or has ended, or its operator is shut out: the same
    /// answer. If the browser is somebody else's already: nobody is made another person unasked.
    pub async fn land(
        &self,
        ticket: &str,
        signed_in: Option<OperatorId>,
        visitor: &Visitor,
    ) -> Result<NewSession, ServiceError> {
        let hash = token_hash(ticket);
        let lander = self.store.lander(&hash).await?;
        let operator = match lander.filter(|id| signed_in.is_none_or(|one| one == *id)) {
            Some(id) => self.store.operator(id).await?,
            None => None,
        };
        let Some(operator) = operator.filter(|one| !one.is_disabled) else {
            return Err(self.refuse_stranger("", visitor).await?);
        };
        let started = self.start_session(operator, visitor, SessionProof::HandOver(hash)).await;
        match started {
            // Somebody was faster with the same secret.
            Err(ServiceError::SecondFactorFailed) => Err(ServiceError::Unknown),
            started => started,
        }
    }
}
