//! Sessions: what a browser shows to be let in, for some hours.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use tidegate_model::{
    action::{Action, Target},
    actor::{Caller, Via},
    ids::{OperatorId, SessionId},
};
use tidegate_store::{Change, Presence, Session, SessionChange};

use crate::{
    error::ServiceError,
    gate::{caller_of, token_hash},
    service::Service,
};

/// Random bytes of a session's secret.
const SECRET_BYTES: usize = 32;
/// Microseconds of a minute.
const MINUTE_MICROS: i64 = 60_000_000;

/// A session that was begun.
pub struct NewSession {
    /// What the browser shows from now on.
    pub secret: String,
    /// Seconds that it lives at most.
    pub seconds: u64,
    /// Who has signed in.
    pub caller: Caller,
    /// Where a recovery code was used, how many are left.
    pub recovery_codes_left: Option<i64>,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub caller: Caller,
    /// By which session.
    pub session: SessionId,
    /// Whether a second factor has to be enrolled before anything else is done.
    pub must_enrol: bool,
}

/// A new secret.
pub(crate) fn secret() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; SECRET_BYTES]>())
}

impl Service {
    /// Whoever shows the secret of a session.
    ///
    /// # Errors
    ///
    /// If there is no such session, it has ended or was idle for too long, or its operator is shut
    /// out.
    pub async fn session_caller(&self, secret: &str, via: Via) -> Result<SignedIn, ServiceError> {
        let found = self.store.presence(&token_hash(secret)).await?;
        let is_good = |found: &Presence| {
            let Presence { session, operator, settings, now } = found;
            let idle_micros = i64::from(settings.session_idle_minutes) * MINUTE_MICROS;
            let is_awake = *now < session.seen_at.saturating_add(idle_micros);
            !session.is_ended && *now < session.expires_at && is_awake && !operator.is_disabled
        };
        let found = found.filter(is_good).ok_or(ServiceError::Unknown)?;
        let Presence { session, operator, settings, now } = found;
        self.store.note_seen(&session, now).await?;
        let is_asked = !session.is_vouched && !operator.has_second_factor;
        let rule = settings.require_second_factor;
        let must_enrol = is_asked && self.is_second_factor_required(rule, &operator.role).await?;
        let id = session.id();
        let caller = Caller { session: Some(id), ..caller_of(operator, via) };
        Ok(SignedIn { caller, session: id, must_enrol })
    }

    /// The sessions of an operator: one's own, or with the right to manage operators anybody's.
    ///
    /// # Errors
    ///
    /// If the caller may not see them.
    pub async fn sessions(
        &self,
        caller: &Caller,
        operator: OperatorId,
    ) -> Result<Vec<Session>, ServiceError> {
        let target = Target { owner: Some(operator), ..Target::default() };
        self.permit(caller, Action::SessionView, target).await?;
        Ok(self.store.sessions(operator).await?)
    }

    /// Ends a session: one's own, or with the right to manage operators anybody's.
    ///
    /// # Errors
    ///
    /// If there is none, or the caller may not.
    pub async fn end_session(&self, caller: &Caller, id: SessionId) -> Result<(), ServiceError> {
        let session = self.store.session(id).await?.ok_or(ServiceError::NotFound)?;
        let target = Target { owner: Some(session.operator), ..Target::default() };
        let permit = match self.permit(caller, Action::SessionEnd, target).await {
            // Numbers of sessions are nobody else's business.
            Err(ServiceError::Denied(_)) => return Err(ServiceError::NotFound),
            permit => permit?,
        };
        self.store.commit(permit, Change::Session(SessionChange::End(id))).await?;
        Ok(())
    }
}
