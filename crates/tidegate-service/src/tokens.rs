//! API tokens: made for oneself, shown once, taken back.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    capability::{self, Capabilities},
    fault::{Fault, Faults},
    ids::TokenId,
    policy::sees_subject,
};
use tidegate_store::{Change, StoreError, Token, TokenChange};

use crate::{error::ServiceError, gate::token_hash, service::Service};

/// What a token begins with, so that scanners of secrets find it.
const PREFIX: &str = "tdg_";
/// Random bytes of a token.
const SECRET_BYTES: usize = 32;
/// Days that a token lives at most.
const DAYS_MAX: u32 = 366;
/// Microseconds of a day.
const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;
/// Characters of a token's name.
const NAME_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=100;

/// A new token. Its secret is shown once and not kept.
pub struct NewToken {
    /// Number.
    pub id: TokenId,
    /// What a program shows to be let in.
    pub secret: String,
}

impl Service {
    /// Makes a token for the caller, limited to some capabilities if any are given.
    ///
    /// # Errors
    ///
    /// If the caller is no operator, or something about the token is wrong.
    pub async fn create_token(
        &self,
        caller: &Caller,
        name: &str,
        scopes: Option<Capabilities>,
        days: u32,
    ) -> Result<NewToken, ServiceError> {
        let owner = caller.operator().ok_or(ServiceError::Unknown)?;
        let mut faults = Vec::new();
        if !NAME_CHARACTERS.contains(&name.chars().count()) {
            faults.push(Fault::new("/name", "a token's name has 1 to 100 characters"));
        }
        if !(1..=DAYS_MAX).contains(&days) {
            let detail = format!("a token lives 1 to {DAYS_MAX} days");
            faults.push(Fault::new("/days", detail));
        }
        let (policy, sited) = (self.store.policy().await?, self.sited());
        // A capability names its subject: one that may not be seen is as unknown here as elsewhere.
        let seen = |slug: &&str| sees_subject(&policy, caller, slug);
        let seen: Vec<&str> = sited.site.slugs().into_iter().filter(seen).collect();
        let is_seen =
            |one: &String| one.split_once('.').is_some_and(|(subject, _)| seen.contains(&subject));
        let actions = self.action_capabilities().await?.into_iter().filter(is_seen).collect();
        for scope in scopes.iter().flatten() {
            if let Some(detail) = capability::fault_of(scope, seen.iter().copied(), &actions) {
                faults.push(Fault::new("/scopes", detail));
            }
        }
        if !faults.is_empty() {
            return Err(Faults(faults).into());
        }
        // A token cannot make one that may more than itself.
        let scopes = match (scopes, &caller.token_scopes) {
            (Some(asked), Some(own)) => Some(asked.intersection(own).cloned().collect()),
            (None, Some(own)) => Some(own.clone()),
            (scopes, None) => scopes,
        };
        let target = Target { owner: Some(owner), ..Target::default() };
        let permit = self.permit(caller, Action::TokenCreate, target).await?;
        let random: [u8; SECRET_BYTES] = rand::random();
        let secret = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(random));
        let now = self.store.now().await?;
        let change = TokenChange::Create {
            name: name.to_owned(),
            hash: token_hash(&secret),
            scopes,
            expires_at: now + i64::from(days) * DAY_MICROS,
        };
        let committed = self.store.commit(permit, Change::Token(change)).await?;
        let id = committed.id.ok_or(StoreError::Corrupt { what: "new token" })?;
        Ok(NewToken { id: TokenId(id), secret })
    }

    /// Takes a token back: one's own, or with the right to manage tokens anybody's.
    ///
    /// # Errors
    ///
    /// If there is none, or the caller may not.
    pub async fn revoke_token(&self, caller: &Caller, id: TokenId) -> Result<(), ServiceError> {
        let token = self.store.token(id).await?.ok_or(ServiceError::NotFound)?;
        let target = Target { owner: Some(token.operator), ..Target::default() };
        let permit = match self.permit(caller, Action::TokenRevoke, target).await {
            // Numbers of tokens are nobody else's business.
            Err(ServiceError::Denied(_)) => return Err(ServiceError::NotFound),
            permit => permit?,
        };
        self.store.commit(permit, Change::Token(TokenChange::Revoke(id))).await?;
        Ok(())
    }

    /// The caller's tokens; everybody's where the caller manages them.
    ///
    /// # Errors
    ///
    /// If the caller may not see them: a token with scopes may not, unless they say so.
    pub async fn tokens(&self, caller: &Caller) -> Result<Vec<Token>, ServiceError> {
        let owner = caller.operator().ok_or(ServiceError::Unknown)?;
        let target = Target { owner: Some(owner), ..Target::default() };
        let policy = self.store.policy().await?;
        self.permit_by(&policy, caller, Action::TokenView, target).await?;
        let is_manager = tidegate_model::policy::holds(&policy, caller, "tokens.manage");
        let whose = (!is_manager).then_some(owner);
        Ok(self.store.tokens(whose).await?)
    }
}
