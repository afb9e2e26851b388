//! Sign-in: who shows the password of an operator gets a session; who fails too often has to wait.

mod invite;
mod landing;
mod second_step;
mod sessions;
mod throttle;
mod vouched;

pub use invite::{InvitationSecret, SETUP_HOURS};
pub use second_step::{Entrance, NewStep};
pub(crate) use sessions::secret as random_secret;
pub use sessions::{NewSession, SignedIn};
pub(crate) use throttle::Throttle;
pub use vouched::Vouched;

use std::net::IpAddr;

use argon2::{Argon2, PasswordHash, PasswordVerifier};
use tidegate_model::{
    action::{Action, Target},
    actor::{Caller, Via},
};
use tidegate_store::{Change, Operator, SecondFactorProof, SessionChange, SessionProof};

use crate::{
    error::ServiceError,
    gate::{caller_of, token_hash},
    operators::target_of,
    service::{Service, blocking},
};

/// Microseconds of an hour.
const HOUR_MICROS: i64 = 60 * 60 * 1_000_000;
/// Characters of what a browser calls itself that are kept.
const AGENT_CHARACTERS_MAX: usize = 200;
/// Hash of a password that nobody has, so that an unknown name costs as much time as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$dGlkZWdhdGUtbm9ib2R5$\
                      x2hPvVY3H1s3mMeg0yW8oW0tqTBFsXvm9m2cJpZ0b3k";

/// Somebody at the door.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Where from.
    pub address: Option<IpAddr>,
    /// What the browser calls itself.
    pub agent: Option<String>,
    /// By which surface.
    pub via: Via,
}

impl Service {
    /// Signs in whoever shows the password of an operator; with a second factor, asks for that.
    ///
    /// # Errors
    ///
    /// If there is no such operator, it is shut out, or has another password: the same answer,
    /// after the same time. If there were too many attempts from there.
    pub async fn sign_in(
        &self,
        email: &str,
        password: String,
        visitor: &Visitor,
    ) -> Result<Entrance, ServiceError> {
        let operator = self.operator_by_password(email, password, visitor).await?;
        self.enter(operator, visitor).await
    }

    /// Signs in whoever shows password and second factor of an operator at once.
    ///
    /// # Errors
    ///
    /// As above; and if the password was right, but there is a second factor that was not shown, or
    /// wrongly.
    pub async fn sign_in_at_once(
        &self,
        email: &str,
        password: String,
        code: Option<&str>,
        visitor: &Visitor,
    ) -> Result<NewSession, ServiceError> {
        let operator = self.operator_by_password(email, password, visitor).await?;
        match code {
            _ if !operator.has_second_factor => {
                self.start_session(operator, visitor, SessionProof::Password).await
            }
            Some(code) => self.start_by_code(operator, visitor, code, None).await,
            None => {
                self.note_refusal(&operator.email, visitor, Action::SecondFactorAsk).await?;
                Err(ServiceError::SecondFactorRequired)
            }
        }
    }

    async fn operator_by_password(
        &self,
        email: &str,
        password: String,
        visitor: &Visitor,
    ) -> Result<Operator, ServiceError> {
        let email = email.trim().to_lowercase();
        self.throttle.admit(&email, visitor.address)?;
        let found = self.store.operator_by_email(&email).await?.filter(|one| !one.is_disabled);
        let hash = found.as_ref().and_then(|operator| operator.password_hash.clone());
        let is_right = self.is_password(password, hash).await;
        match found.filter(|_| is_right) {
            Some(operator) => Ok(operator),
            None => Err(self.refuse_stranger(&email, visitor).await?),
        }
    }

    /// Whether a password is the one of a hash. Without a hash none is, after the same time.
    pub(crate) async fn is_password(&self, password: String, hash: Option<String>) -> bool {
        let turn = self.throttle.turn().await;
        let is_right = blocking(move || {
            let is_somebody = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
            let is_right = PasswordHash::new(&hash).is_ok_and(|hash| {
                Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
            });
            is_right && is_somebody
        })
        .await;
        drop(turn);
        is_right
    }

    /// Writes down that somebody was not let in.
    async fn refuse_stranger(
        &self,
        email: &str,
        visitor: &Visitor,
    ) -> Result<ServiceError, ServiceError> {
        // What was typed may be a password in the wrong field: only names that exist are written.
        let known = self.store.operator_by_email(email).await?.map(|operator| operator.email);
        let name = known.unwrap_or_else(|| "nobody".to_owned());
        self.note_refusal(&name, visitor, Action::SessionStart).await?;
        Ok(ServiceError::Unknown)
    }

    /// Writes down that somebody at the door did not prove to be whom it named.
    pub(crate) async fn note_refusal(
        &self,
        name: &str,
        visitor: &Visitor,
        action: Action,
    ) -> Result<(), ServiceError> {
        let address = visitor.address.map(|address| address.to_string());
        let stranger = Caller::stranger(name, visitor.via, address);
        match self.permit(&stranger, action, Target::default()).await {
            Ok(_) | Err(ServiceError::Denied(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn start_session(
        &self,
        operator: Operator,
        visitor: &Visitor,
        by: SessionProof,
    ) -> Result<NewSession, ServiceError> {
        let settings = self.store.settings().await?;
        let (id, target) = (operator.id, target_of(&operator));
        let is_recovery =
            matches!(by, SessionProof::SecondFactor { proof: SecondFactorProof::Recovery(_), .. });
        let address = visitor.address.map(|address| address.to_string());
        let caller = Caller { address: address.clone(), ..caller_of(operator, visitor.via) };
        let permit = self.permit(&caller, Action::SessionStart, target).await?;
        let secret = sessions::secret();
        let agent = visitor.agent.as_ref();
        let change = SessionChange::Start {
            hash: token_hash(&secret),
            life_micros: i64::from(settings.session_hours_max) * HOUR_MICROS,
            address,
            agent: agent.map(|agent| agent.chars().take(AGENT_CHARACTERS_MAX).collect()),
            by,
        };
        self.store.commit(permit, Change::Session(change)).await?;
        let recovery_codes_left = match is_recovery {
            true => Some(self.store.second_factor(id).await?.recovery_codes_left),
            false => None,
        };
        let seconds = u64::from(settings.session_hours_max) * 3_600;
        Ok(NewSession { secret, seconds, caller, recovery_codes_left })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobodys_password_costs_as_much_as_anybodys() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let default = argon2::Params::default();
        let params = argon2::Params::try_from(&nobody).unwrap();
        assert_eq!(
            (params.m_cost(), params.t_cost(), params.p_cost()),
            (default.m_cost(), default.t_cost(), default.p_cost())
        );
        assert_eq!(nobody.hash.unwrap().len(), 32);
    }
}
