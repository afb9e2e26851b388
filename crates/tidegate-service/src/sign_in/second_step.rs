//! The second step of a sign-in: after the password, a code. What lies between can do nothing else.

use tidegate_model::action::Action;
use tidegate_store::{Change, Operator, SecondFactorChange, SessionProof, StoreError};

use super::{NewSession, Visitor, sessions};
use crate::{
    error::ServiceError,
    gate::{caller_of, token_hash},
    operators::target_of,
    service::Service,
};

/// Minutes to show the second factor after the password.
const STEP_MINUTES: i64 = 5;
/// Microseconds of a minute.
const MINUTE_MICROS: i64 = 60_000_000;

/// What the right password leads to.
pub enum Entrance {
    /// In.
    Open(NewSession),
    /// To the second step.
    Step(NewStep),
}

/// A sign-in that waits for a second factor. It is no session: it shows that somebody has had the
/// password, and is good for one right code.
pub struct NewStep {
    /// What the browser shows with the code.
    pub secret: String,
    /// Seconds that it lives.
    pub seconds: u64,
}

impl Service {
    /// Lets in whoever has shown the password, or asks for the second factor.
    pub(super) async fn enter(
        &self,
        operator: Operator,
        visitor: &Visitor,
    ) -> Result<Entrance, ServiceError> {
        if !operator.has_second_factor {
            let started = self.start_session(operator, visitor, SessionProof::Password).await?;
            return Ok(Entrance::Open(started));
        }
        let target = target_of(&operator);
        let mut caller = caller_of(operator, visitor.via);
        caller.address = visitor.address.map(|address| address.to_string());
        let permit = self.permit(&caller, Action::SecondFactorAsk, target).await?;
        let secret = sessions::secret();
        let change = SecondFactorChange::Ask {
            hash: token_hash(&secret),
            life_micros: STEP_MINUTES * MINUTE_MICROS,
        };
        self.store.commit(permit, Change::SecondFactor(change)).await?;
        Ok(Entrance::Step(NewStep { secret, seconds: STEP_MINUTES.unsigned_abs() * 60 }))
    }

    /// Signs in whoever shows the second factor that was asked for.
    ///
    /// # Errors
    ///
    /// If nothing was asked of whoever shows this secret, or too long ago; if the code is wrong or
    /// was used; if there were too many attempts.
    pub async fn pass_second_step(
        &self,
        secret: &str,
        code: &str,
        visitor: &Visitor,
    ) -> Result<NewSession, ServiceError> {
        let hash = token_hash(secret);
        let operator = self.operator_of_step(&hash).await?;
        self.start_by_code(operator, visitor, code, Some(hash)).await
    }

    /// Whose second factor is asked for, so that a page can say so.
    ///
    /// # Errors
    ///
    /// If nothing was asked of whoever shows this secret, or too long ago.
    pub async fn second_step(&self, secret: &str) -> Result<String, ServiceError> {
        Ok(self.operator_of_step(&token_hash(secret)).await?.email)
    }

    async fn operator_of_step(&self, hash: &str) -> Result<Operator, ServiceError> {
        // A hash of 256 random bits is looked up by equality: there is nothing to guess.
        let (step, now) = (self.store.second_step_by_hash(hash).await?, self.store.now().await?);
        let step = step.filter(|step| now < step.expires_at).ok_or(ServiceError::Unknown)?;
        let operator = self.store.operator(step.operator).await?;
        operator.filter(|one| !one.is_disabled).ok_or(ServiceError::Unknown)
    }

    /// Signs in by a code, which is used up with it.
    pub(super) async fn start_by_code(
        &self,
        operator: Operator,
        visitor: &Visitor,
        code: &str,
        step: Option<String>,
    ) -> Result<NewSession, ServiceError> {
        let email = operator.email.clone();
        let started = match self.second_factor_shown(operator.id, code).await? {
            Some(proof) => {
                let by = SessionProof::SecondFactor { proof, step };
                self.start_session(operator, visitor, by).await
            }
            None => Err(StoreError::Unproven.into()),
        };
        if matches!(started, Err(ServiceError::SecondFactorFailed)) {
            self.note_refusal(&email, visitor, Action::SecondFactorShow).await?;
        }
        started
    }
}
