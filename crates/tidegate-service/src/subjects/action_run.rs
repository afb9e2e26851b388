//! Has an action of the registry done by the site: selection, entry, signed request, and the entry
//! of its answer.

mod confirm;
mod selection;

use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use reqwest::Url;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    audit::hexadecimal,
    fault::{Fault, Faults},
    job::Idempotency,
    registry::{ActionDeclaration, EXPORT, Kind},
    request::REASON_CHARACTERS_MAX,
};
use tidegate_store::{KnownRun, NewRun, RunEnd, StartedRun, StoreError};

pub use self::confirm::ActionQuestion;
use self::selection::Selection;
use crate::{
    error::ServiceError,
    outbound::{self, OutboundError, Way, address::EVERYWHERE},
    service::{Service, blocking},
    signed::SharedKey,
};

/// Records that one run may be about: more are an import's affair, not a webhook's.
pub const RUN_RECORDS_MAX: usize = 1_000;
/// Time in which a site has to answer.
const ANSWER_SECONDS_MAX: Duration = Duration::from_secs(10);

/// What is to be done, to what.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RunRequest {
    /// Slug of the subject.
    pub subject: String,
    /// Codename of the action.
    pub codename: String,
    /// Kind of the subject.
    pub kind: Option<String>,
    /// Which records, as in an export.
    pub scope: Value,
    /// Why.
    pub reason: Option<String>,
}

/// What a request to have something done rests on.
#[derive(Clone, Copy, Debug)]
pub enum Agreed<'a> {
    /// Its word alone; the same key with the same request is the same run.
    Asked(Option<&'a str>),
    /// What somebody was asked, and said yes to: exactly these records, once.
    Confirmed(&'a str),
}

/// What became of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// The site says that it is done.
    Done,
    /// The site says that it is not.
    Refused,
    /// The site was not reached: nothing was sent.
    Unreachable,
    /// It was sent, and the site has not answered: nobody knows whether it is done.
    Unanswered,
    /// The site is where nothing is sent to.
    AddressRefused,
    /// It was begun, and nobody has noted an answer.
    Underway,
}

impl RunOutcome {
    const ALL: [Self; 6] = [
        Self::Done,
        Self::Refused,
        Self::Unreachable,
        Self::Unanswered,
        Self::AddressRefused,
        Self::Underway,
    ];

    /// Word in the log.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Unanswered => "unanswered",
            Self::AddressRefused => "address_refused",
            Self::Underway => "underway",
        }
    }

    fn of_word(word: Option<&str>) -> Self {
        let found = Self::ALL.into_iter().find(|one| Some(one.slug()) == word);
        found.unwrap_or(Self::Underway)
    }

    fn of_answer(answered: &Result<u16, OutboundError>) -> Self {
        match answered {
            Ok(200..=299) => Self::Done,
            Ok(_) => Self::Refused,
            Err(OutboundError::Address(_) | OutboundError::Inside(_)) => Self::AddressRefused,
            Err(OutboundError::Unreachable(_)) => Self::Unreachable,
            Err(OutboundError::BrokenOff(_)) => Self::Unanswered,
        }
    }
}

/// An action that was begun, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActionRun {
    /// Number of its first entry.
    pub run: i64,
    /// Slug of the subject.
    pub subject: String,
    /// Codename of the action.
    pub codename: String,
    /// Name that people read, as it was.
    pub name: String,
    /// Records that it is about.
    pub records: i64,
    /// What became of it.
    pub outcome: RunOutcome,
    /// Status of the site's answer.
    pub status: Option<i64>,
    /// When it was begun, in microseconds since 1970.
    pub at: i64,
}

impl From<KnownRun> for ActionRun {
    fn from(known: KnownRun) -> Self {
        Self {
            run: known.seq,
            outcome: RunOutcome::of_word(known.outcome.as_deref()),
            subject: known.subject,
            codename: known.codename,
            name: known.name,
            records: known.records,
            status: known.status,
            at: known.created_at,
        }
    }
}

impl Service {
    /// Has an action done by the site that the configuration names.
    ///
    /// # Errors
    ///
    /// If the caller may not; if there is no such action, the selection is wrong, too large, or not
    /// the one that was agreed to, or a reason is missing. What the site says is no error: it is
    /// the outcome.
    pub async fn run_action(
        &self,
        caller: &Caller,
        sent: &RunRequest,
        agreed: Agreed<'_>,
    ) -> Result<ActionRun, ServiceError> {
        let operator = caller.operator().ok_or(ServiceError::Unknown)?;
        let (declared, target) = self.may_run(caller, sent).await?;
        let confirmed = match agreed {
            Agreed::Asked(_) => None,
            Agreed::Confirmed(word) => Some(self.confirmed(caller, sent, word)?),
        };
        let key = match agreed {
            Agreed::Asked(key) => key.map(str::to_owned),
            Agreed::Confirmed(_) => confirmed.as_ref().map(confirm::Confirmed::key),
        };
        let idempotency = key.map(|key| Idempotency { key, request_hash: hash_of(sent) });
        // What was begun before is told again; by now the records may not match any more.
        if let Some(begun) = self.run_before(operator, idempotency.as_ref()).await? {
            return Ok(begun);
        }
        check_reason(&declared, sent.reason.as_deref())?;
        let selection = self.selected(caller, &declared, sent).await?;
        if let Some(confirmed) = &confirmed {
            confirmed.refuse_others(&selection, self.store.now().await?)?;
        }
        let secret = read_key(&declared).await?;
        let target = Target { has_pii: selection.has_pii, ..target };
        let permit = self.permit(caller, Action::ActionRun, target.clone()).await?;
        let run = new_run(&declared, &selection, sent, idempotency.clone());
        let started = match self.store.start_run(permit, run).await {
            Ok(started) => started,
            // The same request at the same moment was first.
            Err(StoreError::Exists { .. }) => {
                let begun = self.run_before(operator, idempotency.as_ref()).await?;
                return begun.ok_or(ServiceError::KeyReused);
            }
            Err(StoreError::PolicyChanged) => {
                return Err(self.refused_meanwhile(caller, Action::ActionRun, target).await);
            }
            Err(error) => return Err(error.into()),
        };
        let run = started.seq();
        let at = self.store.now().await?;
        let body = body_of(caller, (&declared, &selection), sent, (run, at));
        let answered = ask_site(&declared, &secret, body, (run, at)).await;
        self.note_answer(started, &answered).await?;
        let found = self.store.action_run(operator, run).await?;
        Ok(found.ok_or(ServiceError::NotFound)?.into())
    }

    /// An action that the caller has had done, and what became of it.
    ///
    /// # Errors
    ///
    /// If there is none, it was another's, or its subject is not seen any more: the same answer.
    pub async fn action_run(&self, caller: &Caller, run: i64) -> Result<ActionRun, ServiceError> {
        let operator = caller.operator().ok_or(ServiceError::NotFound)?;
        let found = self.store.action_run(operator, run).await?.ok_or(ServiceError::NotFound)?;
        let seen = self.subjects(caller).await?;
        match seen.iter().any(|subject| subject.slug == found.subject) {
            true => Ok(found.into()),
            false => Err(ServiceError::NotFound),
        }
    }

    /// What is to be done, if the caller may have it done.
    async fn may_run(
        &self,
        caller: &Caller,
        sent: &RunRequest,
    ) -> Result<(ActionDeclaration, Target), ServiceError> {
        // First of all, as with rows: names that somebody made up do not belong into the log.
        if self.sited().site.subject(&sent.subject).is_none() {
            return Err(ServiceError::NotFound);
        }
        let policy = self.store.policy().await?;
        let target = Target {
            subject: Some(sent.subject.clone()),
            codename: Some(sent.codename.clone()),
            ..Target::default()
        };
        self.permit_by(&policy, caller, Action::ActionRun, target.clone()).await?;
        Ok((self.declared_run(sent)?, target))
    }

    /// What a request with the same key has begun.
    async fn run_before(
        &self,
        operator: tidegate_model::ids::OperatorId,
        idempotency: Option<&Idempotency>,
    ) -> Result<Option<ActionRun>, ServiceError> {
        let Some(idempotency) = idempotency else { return Ok(None) };
        match self.store.run_of_key(operator, &idempotency.key).await? {
            None => Ok(None),
            Some((known, hash)) if hash == idempotency.request_hash => Ok(Some(known.into())),
            Some(_) => Err(ServiceError::KeyReused),
        }
    }

    async fn note_answer(
        &self,
        started: StartedRun,
        answered: &Result<u16, OutboundError>,
    ) -> Result<(), ServiceError> {
        if let Err(error) = answered {
            let error: &dyn std::error::Error = error;
            tracing::warn!(run = started.seq(), error, "action not done");
        }
        let outcome = RunOutcome::of_answer(answered).slug();
        let status = answered.as_ref().ok().copied();
        self.store.finish_run(started, RunEnd { outcome, status }).await?;
        Ok(())
    }

    /// The declaration of what is to be done: one of the configuration, with an address.
    fn declared_run(&self, sent: &RunRequest) -> Result<ActionDeclaration, ServiceError> {
        let sited = self.sited();
        let subject = sited.site.subject(&sent.subject).ok_or(ServiceError::NotFound)?;
        let declared = sited.site.actions.iter().find(|one| {
            Some(&one.model) == subject.model.as_ref() && one.codename == sent.codename
        });
        match declared {
            Some(one) if one.codename == EXPORT || one.kind == Kind::Client => {
                Err(fault("", "this is not done by a site: an export is made under exports"))
            }
            Some(one) if one.webhook.is_none() => {
                Err(fault("", "the configuration names no address that does this"))
            }
            Some(one) => Ok(one.clone()),
            None => Err(ServiceError::NotFound),
        }
    }
}

fn new_run(
    declared: &ActionDeclaration,
    selection: &Selection,
    sent: &RunRequest,
    idempotency: Option<Idempotency>,
) -> NewRun {
    let records = selection.keys.len();
    let details = json!({
        "model": declared.model,
        "codename": declared.codename,
        "name": declared.name,
        "scope": selection.summary,
        "records": records,
        "reason": sent.reason,
    });
    let records = i64::try_from(records).unwrap_or(i64::MAX);
    NewRun { name: declared.name.clone(), records, idempotency, details }
}

/// What the site is told.
fn body_of(
    caller: &Caller,
    (declared, selection): (&ActionDeclaration, &Selection),
    sent: &RunRequest,
    (run, at): (i64, i64),
) -> Vec<u8> {
    let at = DateTime::from_timestamp_micros(at).unwrap_or_default();
    let body = json!({
        "type": "action.run",
        "timestamp": at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "data": {
            "run": run,
            "model": declared.model,
            "codename": declared.codename,
            "subject": sent.subject,
            "kind": sent.kind,
            "keys": selection.keys,
            "operator": caller.name,
            "reason": sent.reason,
        },
    });
    serde_json::to_vec(&body).expect("it is plain JSON")
}

/// Sends it, once. What the site answers beside a status nobody reads.
async fn ask_site(
    declared: &ActionDeclaration,
    key: &SharedKey,
    body: Vec<u8>,
    (run, at): (i64, i64),
) -> Result<u16, OutboundError> {
    let webhook = declared.webhook.as_deref().unwrap_or_default();
    let url = Url::parse(webhook)
        .map_err(|_| OutboundError::Address("the webhook of an action is an https address"))?;
    let meant = if declared.private { EVERYWHERE } else { &[] };
    let way = Way { meant, timeout: ANSWER_SECONDS_MAX, ca_file: None };
    let client = outbound::client_to(&url, way).await?;
    let (id, seconds) = (format!("run_{run}"), at / 1_000_000);
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-signature", key.sign(&id, seconds, &body))
        .header("webhook-timestamp", seconds.to_string())
        .header("webhook-id", id)
        .body(body);
    outbound::answer_to(request).await
}

/// The same request has the same hash.
fn hash_of(sent: &RunRequest) -> String {
    let text = serde_json::to_string(sent).expect("a request is plain JSON");
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

fn check_reason(declared: &ActionDeclaration, reason: Option<&str>) -> Result<(), ServiceError> {
    let reason = reason.unwrap_or_default().trim();
    if reason.chars().count() > REASON_CHARACTERS_MAX {
        let detail = format!("a reason has at most {REASON_CHARACTERS_MAX} characters");
        return Err(fault("/reason", detail));
    }
    match declared.reason && reason.is_empty() {
        true => Err(fault("/reason", "this is not done without a reason")),
        false => Ok(()),
    }
}

async fn read_key(declared: &ActionDeclaration) -> Result<SharedKey, ServiceError> {
    let file = declared.secret_file.clone().unwrap_or_default();
    let text = blocking(move || std::fs::read_to_string(file)).await;
    let text = text.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "secret of an action");
        fault("", "the secret of this action cannot be read: tell whoever runs the service")
    })?;
    SharedKey::read(&SecretString::from(text)).map_err(|error| fault("", error.to_string()))
}

fn fault(pointer: &str, detail: impl Into<String>) -> ServiceError {
    Faults(vec![Fault::new(pointer, detail)]).into()
}
