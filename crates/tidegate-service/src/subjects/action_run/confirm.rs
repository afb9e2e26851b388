//! What somebody is asked before an action is done, and the word that they said yes to it.
//!
//! The word is sealed: who was asked, what, about which records, until when. It is good for these
//! records alone and for one run; whoever changes it, or lets another send it, is asked again.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::{actor::Caller, audit::hexadecimal, ids::OperatorId, registry::Reach};

use super::{RunRequest, fault, selection::Selection};
use crate::{error::ServiceError, service::Service};

/// Microseconds for which a question may be answered: an hour, as long as somebody may be away.
const ANSWER_MICROS_MAX: i64 = 3_600 * 1_000_000;
/// What the seal is for: no other word of this service passes for one.
const SEALED_FOR: &[u8] = b"tidegate/action/1";
/// Keys that are shown before somebody says yes.
const KEYS_SHOWN_MAX: usize = 5;

/// What somebody is asked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActionQuestion {
    /// Name of the action that people read.
    pub name: String,
    /// What the configuration says before it is done.
    pub confirm: Option<String>,
    /// Whether it takes a reason.
    pub needs_reason: bool,
    /// What it is done to.
    pub reach: Reach,
    /// Records that it is about.
    pub records: usize,
    /// Keys of the first ones.
    pub keys: Vec<Value>,
    /// Whether they are personal data.
    pub has_pii: bool,
    /// To be sent with a yes.
    pub word: String,
}

/// A yes, as it was sealed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Confirmed {
    operator: i64,
    subject: String,
    codename: String,
    kind: Option<String>,
    /// Of the records.
    digest: String,
    /// Until when, in microseconds since 1970.
    until: i64,
    /// Tells it from every other one.
    nonce: String,
}

impl Confirmed {
    /// The key under which it begins a run: the same yes is the same run.
    pub(super) fn key(&self) -> String {
        format!("confirmed-{}", self.nonce)
    }

    /// Refuses records that nobody was asked about.
    pub(super) fn refuse_others(
        &self,
        selection: &Selection,
        now: i64,
    ) -> Result<(), ServiceError> {
        if self.until < now {
            return Err(fault("", "you were asked too long ago: look at it again"));
        }
        match self.digest == selection.digest() {
            true => Ok(()),
            false => Err(fault(
                "/scope",
                "these are not the records that you were asked about: they have changed since",
            )),
        }
    }
}

impl Service {
    /// What somebody is asked before an action is done: what it is, to how many records, and what
    /// it takes. Nothing is done by it.
    ///
    /// # Errors
    ///
    /// If the caller may not have it done, there is no such action, or the selection is wrong or
    /// too large.
    pub async fn ask_action(
        &self,
        caller: &Caller,
        sent: &RunRequest,
    ) -> Result<ActionQuestion, ServiceError> {
        let operator = caller.operator().ok_or(ServiceError::Unknown)?;
        let (declared, _) = self.may_run(caller, sent).await?;
        let selection = self.selected(caller, &declared, sent).await?;
        let now = self.store.now().await?;
        let asked = Confirmed {
            operator: operator.0,
            subject: sent.subject.clone(),
            codename: sent.codename.clone(),
            kind: sent.kind.clone(),
            digest: selection.digest(),
            until: now.saturating_add(ANSWER_MICROS_MAX),
            nonce: hexadecimal(&rand::random::<[u8; 16]>()),
        };
        let plain = serde_json::to_vec(&asked).expect("it is plain JSON");
        let keys = selection.keys.iter().take(KEYS_SHOWN_MAX);
        Ok(ActionQuestion {
            records: selection.keys.len(),
            keys: keys.cloned().collect(),
            has_pii: selection.has_pii,
            word: BASE64_URL_SAFE_NO_PAD.encode(self.keys().seal(SEALED_FOR, &plain)),
            name: declared.name,
            confirm: declared.confirm,
            needs_reason: declared.reason,
            reach: declared.scope,
        })
    }

    /// The yes to a question, if it was this one and the caller's.
    pub(super) fn confirmed(
        &self,
        caller: &Caller,
        sent: &RunRequest,
        word: &str,
    ) -> Result<Confirmed, ServiceError> {
        let opened = BASE64_URL_SAFE_NO_PAD.decode(word).ok();
        let opened = opened.and_then(|sealed| self.keys().unseal(SEALED_FOR, &sealed));
        let said: Option<Confirmed> = opened.and_then(|plain| serde_json::from_slice(&plain).ok());
        let is_its = |said: &Confirmed| {
            caller.operator() == Some(OperatorId(said.operator))
                && said.subject == sent.subject
                && said.codename == sent.codename
                && said.kind == sent.kind
        };
        said.filter(is_its)
            .ok_or_else(|| fault("", "you were not asked this: look at it, and say yes to it here"))
    }
}
