//! Requests that another site has signed for one of its people: who it is, what it may, and what it
//! wants exported.

use serde::Deserialize;
use serde_json::Value;
use tidegate_model::{
    action::{Action, Target},
    actor::{Caller, Via},
    capability::{Capabilities, list_of},
    fault::{Fault, Faults},
    field::FIELDS_MAX,
    ids::JobId,
    registry::{VIEW, subject_of},
    request::ExportRequest,
    sight::Sight,
};
use tidegate_store::{Change, GrantChange, GrantWord, Operator, TakenRequest};

use crate::{
    error::ServiceError,
    gate::{caller_of, token_hash},
    operators::target_of,
    service::Service,
    sign_in::{Visitor, Vouched, random_secret},
    signed::SharedKey,
};

/// Seconds for which a signed request is good.
pub const HAND_OVER_SECONDS: i64 = 60;
/// Seconds by which the clock of the other site may be ahead.
const AHEAD_SECONDS_MAX: i64 = 5;
/// Microseconds for which what a site says about somebody counts, unless it says it again: a day.
pub const GRANT_MICROS: i64 = 24 * 60 * 60 * SECOND_MICROS;
/// Microseconds of a second.
const SECOND_MICROS: i64 = 1_000_000;
/// Characters of what tells a request from every other one.
const NONCE_CHARACTERS: std::ops::RangeInclusive<usize> = 16..=128;
/// Models that a request may speak of.
const MEMBERSHIPS_MAX: usize = 1_000;

/// Which site's signed requests are taken, and what they may do.
#[derive(Clone, Debug)]
pub struct HandOverSettings {
    /// Name of the site: it stands in the log, and with what it grants.
    pub source: String,
    /// The key that is shared with it.
    pub key: SharedKey,
    /// Address that people reach this service by: requests name it, so that one for another service
    /// is none for this one.
    pub audience: String,
    /// Role of those whom the site makes operators.
    pub role: String,
    /// Whether whoever is new becomes an operator.
    pub create: bool,
    /// Whether a signed request also signs in: those alone who have that role.
    pub sign_in: bool,
}

/// What was sent.
#[derive(Clone, Debug)]
pub struct SignedRequest<'a> {
    /// What tells it from every other one.
    pub nonce: &'a str,
    /// When it was signed, in seconds since 1970.
    pub timestamp: i64,
    /// Signatures, parted by blanks.
    pub signatures: &'a str,
    /// The bytes that were signed.
    pub body: &'a [u8],
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOver {
    /// Mail address of whoever it is for.
    pub email: String,
    /// What the site's word amounts to here.
    pub granted: Capabilities,
    /// The export that was made.
    pub job: Option<JobId>,
    /// The secret by which its operator lands, once and within a minute.
    pub ticket: Option<String>,
    /// When that ends, in microseconds since 1970.
    pub expires_at: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    issuer: String,
    audience: String,
    user: Person,
    memberships: Vec<Membership>,
    /// When it was signed, in microseconds: of two words of one second, which is the later one.
    #[serde(default)]
    signed_at: Option<i64>,
    #[serde(default)]
    export: Option<Value>,
    /// Fields by which the site has found the records whose keys it sends.
    #[serde(default)]
    cited: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    email: String,
    is_active: bool,
}

/// What somebody may do with a model.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Membership {
    model: String,
    codenames: Vec<String>,
}

impl Service {
    /// Takes a signed request, once: keeps up what its operator may, and makes the export.
    ///
    /// # Errors
    ///
    /// If the caller may not hand anything over; if the request is not signed by the site, is too
    /// old, for somebody else, or known already; if its operator may not export what it asks for,
    /// or something about that is wrong.
    pub async fn take_hand_over(
        &self,
        caller: &Caller,
        settings: Option<&HandOverSettings>,
        sent: &SignedRequest<'_>,
        visitor: &Visitor,
    ) -> Result<HandedOver, ServiceError> {
        let permit = self.permit(caller, Action::HandOver, Target::default()).await?;
        let settings = settings
            .ok_or_else(|| fault("this site takes no signed requests: `[server.hand_over]`"))?;
        let now = self.store.now().await?;
        let document = match self.verified(settings, sent, now) {
            Ok(document) => document,
            Err(why) => {
                // Whoever has the token and not the key is worth an entry.
                self.note_refusal(&caller.name, visitor, Action::HandOver).await?;
                return Err(why);
            }
        };
        let request = document.export.as_ref().map(ExportRequest::read).transpose()?;
        let granted = self.granted(&document).await?;
        let vouched = Vouched {
            provider: settings.source.clone(),
            email: document.user.email.clone(),
            role: None,
            // Somebody who may nothing here is nobody here.
            newcomer: (settings.create && !granted.is_empty()).then(|| settings.role.clone()),
        };
        let operator =
            self.vouched_operator(&vouched, visitor).await.map_err(|error| match error {
                ServiceError::Unknown => fault("this operator is not known here, or is shut out"),
                other => other,
            })?;
        let signs_in = settings.sign_in && operator.role == settings.role && request.is_some();
        let ticket = signs_in.then(random_secret);
        let expires_at = sent.timestamp.saturating_add(HAND_OVER_SECONDS) * SECOND_MICROS;
        let taken = TakenRequest {
            nonce: sent.nonce.to_owned(),
            operator: operator.id,
            ticket: ticket.as_deref().map(token_hash),
            expires_at,
            purpose: if request.is_some() { "export" } else { "memberships" },
        };
        self.store.commit(permit, Change::Take(taken)).await?;
        let word = GrantWord {
            source: settings.source.clone(),
            capabilities: granted,
            signed_at: document.signed_at.unwrap_or(sent.timestamp * SECOND_MICROS),
            life_micros: GRANT_MICROS,
        };
        let granted = self.take_word(&operator, word).await?;
        let email = operator.email.clone();
        let job = match request {
            Some(request) => {
                let address = visitor.address.map(|address| address.to_string());
                let whose = Caller { address, ..caller_of(operator, Via::Api) };
                self.refuse_masked_citations(&whose, &request.subject, &document.cited).await?;
                Some(self.create_export(&whose, &request, Some(sent.nonce)).await?.job)
            }
            None => None,
        };
        Ok(HandedOver { email, granted, job, ticket, expires_at })
    }

    /// Takes what a site says that somebody may, unless it has said something later already. Gives
    /// what of it counts.
    async fn take_word(
        &self,
        operator: &Operator,
        word: GrantWord,
    ) -> Result<Capabilities, ServiceError> {
        let provider = Caller::provider(&word.source, Via::Api, None);
        let permit = self.permit(&provider, Action::GrantRenew, target_of(operator)).await?;
        let mut granted = word.capabilities.clone();
        self.store.commit(permit, Change::Grants(GrantChange::Renew(word))).await?;
        let policy = self.store.policy().await?;
        let held = policy.grants.get(&operator.id);
        granted.retain(|capability| held.is_some_and(|held| held.contains(capability)));
        Ok(granted)
    }

    /// Refuses records that were found by what is masked for whoever asks: their keys would tell
    /// what a filter may not ask.
    async fn refuse_masked_citations(
        &self,
        whose: &Caller,
        subject: &str,
        cited: &[String],
    ) -> Result<(), ServiceError> {
        if cited.is_empty() {
            return Ok(());
        }
        let action = Action::ExportCreate;
        let policy = self.refuse_unknown_subject(whose, action, subject).await?;
        let target = Target { subject: Some(subject.to_owned()), ..Target::default() };
        self.permit_by(&policy, whose, action, target).await?;
        let bound = self.bound_for(&Sight::of(&policy, whose), subject).await?.subject;
        let is_masked = |slug: &str| {
            let mut shapes = std::iter::once(bound.whole()).chain(bound.kinds());
            shapes.any(|shape| shape.field(slug).is_some_and(|field| field.mask.hides()))
        };
        let fault = |(index, slug): (usize, &String)| {
            is_masked(slug).then(|| Fault::masked(format!("/cited/{index}"), slug, "found"))
        };
        let faults: Vec<Fault> = cited.iter().enumerate().filter_map(fault).collect();
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults).into()) }
    }

    /// What was signed, if it was signed by the site, now, and for us.
    fn verified(
        &self,
        settings: &HandOverSettings,
        sent: &SignedRequest<'_>,
        now: i64,
    ) -> Result<Document, ServiceError> {
        let SignedRequest { nonce, timestamp, signatures, body } = *sent;
        if !settings.key.verifies(nonce, timestamp, body, signatures) {
            return Err(fault("it is not signed with the key of this site"));
        }
        if !NONCE_CHARACTERS.contains(&nonce.len()) || !nonce.bytes().all(|b| b.is_ascii_graphic())
        {
            return Err(fault("`webhook-id` has 16 to 128 letters, digits and signs"));
        }
        let age = now / SECOND_MICROS - timestamp;
        if !(-AHEAD_SECONDS_MAX..HAND_OVER_SECONDS).contains(&age) {
            let detail = format!(
                "it was signed {age} s ago, and is good for {HAND_OVER_SECONDS} s: are the clocks \
                 right?"
            );
            return Err(fault(detail));
        }
        let document: Document = serde_json::from_slice(body)
            .map_err(|error| fault(format!("the signed request is no such document: {error}")))?;
        if document.signed_at.is_some_and(|at| at.div_euclid(SECOND_MICROS) != timestamp) {
            return Err(fault("`signed_at` is another second than `webhook-timestamp`"));
        }
        if document.issuer != settings.source || document.audience != settings.audience {
            return Err(fault(format!(
                "it is of another site, or for another one: this is `{}`, and takes those of `{}`",
                settings.audience, settings.source
            )));
        }
        if document.user.email.chars().any(char::is_control) {
            return Err(fault("a mail address has no control characters"));
        }
        if document.memberships.len() > MEMBERSHIPS_MAX {
            return Err(fault(format!("it speaks of more than {MEMBERSHIPS_MAX} models")));
        }
        if document.cited.len() > FIELDS_MAX {
            return Err(fault(format!("it cites more than {FIELDS_MAX} fields")));
        }
        Ok(document)
    }

    /// What memberships amount to here: to see a subject, and its actions that are registered.
    /// Nothing that is not of a subject can be granted.
    async fn granted(&self, document: &Document) -> Result<Capabilities, ServiceError> {
        if !document.user.is_active {
            return Ok(Capabilities::new());
        }
        let registered = self.store.registered_actions().await?;
        let sited = self.sited();
        let mut granted = Capabilities::new();
        for Membership { model, codenames } in &document.memberships {
            let Some(subject) = subject_of(model, &sited.site.subjects) else { continue };
            if codenames.iter().any(|codename| codename == VIEW) {
                granted.insert(list_of(&subject.slug));
            }
            let own = registered.iter().filter(|one| one.action.model == *model);
            let active = own.filter(|one| !one.is_retired);
            let held = active.filter(|one| codenames.contains(&one.action.codename));
            granted.extend(held.map(|one| one.capability.clone()));
        }
        Ok(granted)
    }
}

fn fault(detail: impl Into<String>) -> ServiceError {
    Faults(vec![Fault::new("", detail)]).into()
}
