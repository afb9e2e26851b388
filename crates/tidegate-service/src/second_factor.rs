//! The second factor of an operator: enrolled by a code, shown after the password, turned off.

mod code;

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    fault::{Fault, Faults},
    ids::OperatorId,
    settings::SecondFactorRule,
};
use tidegate_store::{Change, Operator, SecondFactorChange, SecondFactorProof, StoreError};

use self::code::Typed;
use crate::{error::ServiceError, operators::target_of, service::Service};

/// Microseconds of a second.
const SECOND_MICROS: i64 = 1_000_000;
/// Minutes that a secret waits for the first code of it.
const OFFER_MINUTES: i64 = 15;

/// How it stands with a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondFactorState {
    /// When it was enrolled, in microseconds since 1970; none if it is not.
    pub enrolled_at: Option<i64>,
    /// Recovery codes that were not used.
    pub recovery_codes_left: i64,
    /// Whether a password lets in; without one, the provider asks for what it asks for.
    pub has_password: bool,
    /// Whether the site asks for one of whoever has this role.
    pub is_required: bool,
}

/// A secret that was made and does not count yet. It is shown once.
pub struct SecondFactorOffer {
    /// The secret in base32, as people type it.
    pub secret: String,
    /// What an authenticator reads out of a QR code.
    pub address: String,
}

/// What an operator shows to change its second factor: a session that was left open is not enough.
pub struct SecondFactorProofs {
    /// Password.
    pub password: String,
    /// A code, or a recovery code; none where nothing is enrolled.
    pub code: Option<String>,
}

impl Service {
    /// How it stands with the caller's second factor.
    ///
    /// # Errors
    ///
    /// If the caller is no operator, or may not see it.
    pub async fn second_factor(&self, caller: &Caller) -> Result<SecondFactorState, ServiceError> {
        let operator = self.own_operator(caller, Action::SecondFactorView).await?;
        let factor = self.store.second_factor(operator.id).await?;
        let rule = self.store.settings().await?.require_second_factor;
        Ok(SecondFactorState {
            enrolled_at: factor.enrolled_at,
            recovery_codes_left: factor.recovery_codes_left,
            has_password: operator.password_hash.is_some(),
            is_required: self.is_second_factor_required(rule, &operator.role).await?,
        })
    }

    /// Makes a secret for the caller. What was enrolled before counts until a code of the new one
    /// was shown.
    ///
    /// # Errors
    ///
    /// If the caller may not, or password or code are wrong.
    pub async fn offer_second_factor(
        &self,
        caller: &Caller,
        proofs: SecondFactorProofs,
    ) -> Result<SecondFactorOffer, ServiceError> {
        let action = Action::SecondFactorOffer;
        let operator = self.own_operator(caller, action).await?;
        let proof = self.proven(caller, &operator, proofs).await?;
        let secret: [u8; code::SECRET_BYTES] = rand::random();
        let sealed = BASE64_STANDARD_NO_PAD.encode(self.keys().seal(&use_of(operator.id), &secret));
        let permit = self.permit(caller, action, target_of(&operator)).await?;
        let change = SecondFactorChange::Offer { sealed, proof };
        self.store.commit(permit, Change::SecondFactor(change)).await.map_err(wrong_code)?;
        Ok(SecondFactorOffer {
            secret: code::spelled(&secret),
            address: code::address(&secret, &operator.email),
        })
    }

    /// Enrols the secret that was made, by a code of it. All other sessions of the caller end. What
    /// it gives are the recovery codes, which are shown once.
    ///
    /// # Errors
    ///
    /// If the caller may not, nothing waits for a code, or the code is wrong.
    pub async fn enrol_second_factor(
        &self,
        caller: &Caller,
        code: &str,
    ) -> Result<Vec<String>, ServiceError> {
        let action = Action::SecondFactorEnrol;
        let operator = self.own_operator(caller, action).await?;
        let (factor, now) = (self.store.second_factor(operator.id).await?, self.store.now().await?);
        let since = now.saturating_sub(OFFER_MINUTES * 60 * SECOND_MICROS);
        let offered = factor.offered.filter(|_| factor.offered_at.is_some_and(|at| at > since));
        let Some(sealed) = offered else {
            return Err(fault("/code", "no new secret waits for a code: begin to enrol first"));
        };
        let step = match code::typed(code) {
            Some(Typed::Code(digits)) => self.step(operator.id, &sealed, &digits, now),
            Some(Typed::Recovery(_)) | None => None,
        };
        let Some(step) = step else {
            return Err(fault("/code", "this is not the code that the new secret gives now"));
        };
        let codes = code::recovery_codes();
        let permit = self.permit(caller, action, target_of(&operator)).await?;
        let recovery = codes.iter().map(|(_, kept)| kept.clone()).collect();
        let session = caller.session;
        let change = SecondFactorChange::Enrol { sealed, step, recovery, session };
        self.store.commit(permit, Change::SecondFactor(change)).await.map_err(wrong_code)?;
        Ok(codes.into_iter().map(|(shown, _)| shown).collect())
    }

    /// Turns the caller's second factor off.
    ///
    /// # Errors
    ///
    /// If the caller may not, there is none, or password or code are wrong.
    pub async fn remove_second_factor(
        &self,
        caller: &Caller,
        proofs: SecondFactorProofs,
    ) -> Result<(), ServiceError> {
        let action = Action::SecondFactorRemove;
        let operator = self.own_operator(caller, action).await?;
        if !operator.has_second_factor {
            return Err(ServiceError::NotFound);
        }
        let proof = self.proven(caller, &operator, proofs).await?;
        let proof = proof.ok_or(ServiceError::NotFound)?;
        let permit = self.permit(caller, action, target_of(&operator)).await?;
        let change = SecondFactorChange::Remove(proof);
        self.store.commit(permit, Change::SecondFactor(change)).await.map_err(wrong_code)?;
        Ok(())
    }

    /// Takes an operator's second factor away: the phone is lost, and the recovery codes with it.
    ///
    /// # Errors
    ///
    /// If the caller may not manage operators, whether there is such an operator or not; or if
    /// there is none.
    pub async fn reset_second_factor(
        &self,
        caller: &Caller,
        id: OperatorId,
    ) -> Result<(), ServiceError> {
        let target = Target { owner: Some(id), ..Target::default() };
        let permit = self.permit(caller, Action::SecondFactorReset, target).await?;
        self.store.operator(id).await?.ok_or(ServiceError::NotFound)?;
        let change = SecondFactorChange::Reset;
        self.store.commit(permit, Change::SecondFactor(change)).await?;
        Ok(())
    }

    /// The same by mail address; what it gives is whether there was one.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn reset_second_factor_of(
        &self,
        caller: &Caller,
        email: &str,
    ) -> Result<bool, ServiceError> {
        let operator = self.operator(email).await?;
        self.reset_second_factor(caller, operator.id).await?;
        Ok(operator.has_second_factor)
    }

    /// Whether an operator has a second factor: a link that sets a password leaves it as it is.
    ///
    /// # Errors
    ///
    /// If the caller may not see operators, or there is none of that address.
    pub async fn has_second_factor(
        &self,
        caller: &Caller,
        email: &str,
    ) -> Result<bool, ServiceError> {
        self.permit(caller, Action::OperatorView, Target::default()).await?;
        Ok(self.operator(email).await?.has_second_factor)
    }

    /// Whether the site asks for a second factor of whoever has a role.
    pub(crate) async fn is_second_factor_required(
        &self,
        rule: SecondFactorRule,
        role: &str,
    ) -> Result<bool, ServiceError> {
        if rule == SecondFactorRule::None {
            return Ok(false);
        }
        let policy = self.store.policy().await?;
        Ok(rule.is_for(policy.roles.get(role)))
    }

    /// What of an operator's second factor a text proves; none if it is wrong or was used. Of two
    /// at once the store takes one.
    ///
    /// # Errors
    ///
    /// If too many codes of this operator were tried.
    pub(crate) async fn second_factor_shown(
        &self,
        operator: OperatorId,
        text: &str,
    ) -> Result<Option<SecondFactorProof>, ServiceError> {
        Ok(match code::typed(text) {
            Some(Typed::Code(digits)) => {
                self.throttle.admit_code(operator)?;
                let factor = self.store.second_factor(operator).await?;
                let now = self.store.now().await?;
                let sealed = factor.sealed.unwrap_or_default();
                let step = self.step(operator, &sealed, &digits, now);
                step.filter(|step| *step > factor.step).map(SecondFactorProof::Step)
            }
            Some(Typed::Recovery(hash)) => {
                // Never counted, so there is a way in while somebody else tries codes. A hash of
                // 80 random bits is looked up by equality: there is nothing to guess.
                let is_one = self.store.has_recovery_code(operator, &hash).await?;
                is_one.then_some(SecondFactorProof::Recovery(hash))
            }
            None => None,
        })
    }

    fn step(&self, operator: OperatorId, sealed: &str, digits: &str, now: i64) -> Option<i64> {
        let bytes = BASE64_STANDARD_NO_PAD.decode(sealed).ok();
        let secret = bytes.and_then(|bytes| self.keys().unseal(&use_of(operator), &bytes));
        let Some(secret) = secret else {
            // Recovery codes still let in: they need no key.
            tracing::error!(operator = operator.0, "a second factor was sealed with other keys");
            return None;
        };
        code::step_of(&secret, digits, u64::try_from(now / SECOND_MICROS).ok()?)
    }

    /// Who the caller is, if it may do something with its own second factor.
    async fn own_operator(
        &self,
        caller: &Caller,
        action: Action,
    ) -> Result<Operator, ServiceError> {
        let id = caller.operator().ok_or(ServiceError::Unknown)?;
        let target = Target { owner: Some(id), ..Target::default() };
        self.permit(caller, action, target).await?;
        self.store.operator(id).await?.ok_or(ServiceError::Unknown)
    }

    /// Checks password and code of somebody who is signed in. What is wrong is written down, and
    /// as slow to try as at the door.
    async fn proven(
        &self,
        caller: &Caller,
        operator: &Operator,
        proofs: SecondFactorProofs,
    ) -> Result<Option<SecondFactorProof>, ServiceError> {
        self.refuse_wrong_password(caller, operator, proofs.password).await?;
        if !operator.has_second_factor {
            return Ok(None);
        }
        let code = proofs.code.unwrap_or_default();
        match self.second_factor_shown(operator.id, &code).await? {
            Some(proof) => Ok(Some(proof)),
            None => {
                self.refuse_proof(caller).await?;
                Err(wrong_code(StoreError::Unproven))
            }
        }
    }

    /// Checks the password of somebody who is signed in. A wrong one is written down, and as slow
    /// to try as at the door.
    pub(crate) async fn refuse_wrong_password(
        &self,
        caller: &Caller,
        operator: &Operator,
        password: String,
    ) -> Result<(), ServiceError> {
        let address = caller.address.as_ref().and_then(|address| address.parse().ok());
        self.throttle.admit(&operator.email, address)?;
        if self.is_password(password, operator.password_hash.clone()).await {
            return Ok(());
        }
        self.refuse_proof(caller).await?;
        Err(fault("/password", "this is not your password"))
    }

    /// Writes down that somebody did not prove to be who is signed in.
    async fn refuse_proof(&self, caller: &Caller) -> Result<(), ServiceError> {
        let stranger = Caller::stranger(&caller.name, caller.via, caller.address.clone());
        match self.permit(&stranger, Action::SecondFactorShow, Target::default()).await {
            Ok(_) | Err(ServiceError::Denied(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What a secret is sealed for: to be the second factor of one operator, and of no other.
fn use_of(owner: OperatorId) -> Vec<u8> {
    format!("second factor of {owner}").into_bytes()
}

fn fault(place: &str, detail: &str) -> ServiceError {
    Faults(vec![Fault::new(place, detail)]).into()
}

/// What the store refuses is told as if it had been wrong from the start.
fn wrong_code(error: StoreError) -> ServiceError {
    match error {
        StoreError::Unproven => {
            fault("/code", "this is not a code that your authenticator shows now, or it was used")
        }
        other => other.into(),
    }
}
