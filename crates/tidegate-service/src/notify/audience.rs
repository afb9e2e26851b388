//! Decides who is told of what: asked when a notice is handed out, and again when it is sent.

use tidegate_model::{
    action::{Action, Target},
    actor::{Caller, Via},
    ids::{OperatorId, WebhookId},
    job::Job,
    notice::{Family, Topic},
    policy::{self, Policy},
};
use tidegate_store::{
    Audible, NewDelivery, NewNotice, Operator, StoreError, Told, Webhook, WebhookEnd,
};

use crate::{error::ServiceError, gate::caller_of, service::Service};

/// Names under which a payload says whose business it is, or whose doing.
const OWNERS: [&str; 2] = ["owner", "operator"];
/// Name under which a payload says which subject it is about.
const SUBJECT: &str = "subject";
/// Name under which a payload says that the holders of a capability are to be told.
const CAPABILITY: &str = "capability";

/// What a notice is about, as far as that decides who hears of it.
pub(super) struct About {
    pub(super) topic: Topic,
    pub(super) subject: Option<String>,
    /// Whose doing or business it is.
    pub(super) owner: Option<OperatorId>,
    capability: Option<String>,
}

impl About {
    /// What a notice is about. What stands in the job goes before what stands in the payload.
    pub(super) fn of(told: &Told, job: Option<&Job>) -> Self {
        let text = |name: &str| told.payload[name].as_str().map(str::to_owned);
        Self {
            topic: told.topic,
            subject: job.map(|job| job.subject.clone()).or_else(|| text(SUBJECT)),
            owner: job.map(|job| job.created_by).or_else(|| {
                OWNERS.iter().find_map(|it| told.payload[*it].as_i64()).map(OperatorId)
            }),
            capability: text(CAPABILITY),
        }
    }

    /// Whether somebody may be told of it.
    pub(super) fn is_for(&self, policy: &Policy, caller: &Caller) -> bool {
        if self.topic == Topic::Test {
            return true;
        }
        let holds = |capability: &str| policy::holds(policy, caller, capability);
        if let Some(subject) = &self.subject
            && !policy::sees_subject(policy, caller, subject)
        {
            return false;
        }
        if let Some(capability) = &self.capability {
            return holds(capability);
        }
        let is_own = self.owner.is_some() && self.owner == caller.operator();
        match self.topic.family() {
            Family::Jobs => is_own && (holds("exports.list.own") || holds("exports.list.any")),
            Family::Schedules => is_own || holds("exports.schedule.any"),
            Family::Security => holds("activity.view"),
        }
    }

    /// Whether a webhook may be told of it, by the right of whoever answers for it.
    fn right_of(&self, policy: &Policy, webhook: &Webhook, answers: Option<&Caller>) -> Right {
        let is_heard = |caller: &&Caller| {
            self.topic == Topic::Test || hears_all(policy, caller, self.topic.family())
        };
        let lost = match answers {
            None => WebhookEnd::Gone(webhook.created_by),
            Some(caller) if !is_heard(&caller) => WebhookEnd::Denied(webhook.created_by),
            Some(caller) => {
                let sees = |subject: &String| policy::sees_subject(policy, caller, subject);
                let is_seen = self.subject.as_ref().is_none_or(sees);
                return if is_seen { Right::Held } else { Right::Missing };
            }
        };
        // One that is off can be tried all the same, and is switched off no further.
        match webhook.disabled {
            Some(_) => Right::Missing,
            None => Right::Lost(webhook.id, lost),
        }
    }
}

/// Whether somebody may be told of a notice.
pub(super) enum Right {
    /// They may.
    Held,
    /// They may not be told of this one.
    Missing,
    /// Nobody answers any more for the webhook that was to be told.
    Lost(WebhookId, WebhookEnd),
}

impl From<bool> for Right {
    fn from(is_held: bool) -> Self {
        if is_held { Self::Held } else { Self::Missing }
    }
}

/// Whether somebody may hear of a family as a webhook does: of everybody's exports who may see
/// everybody's.
fn hears_all(policy: &Policy, caller: &Caller, family: Family) -> bool {
    let capability = match family {
        Family::Jobs => "exports.list.any",
        Family::Schedules => "exports.schedule.any",
        Family::Security => "activity.view",
    };
    policy::holds(policy, caller, capability)
}

impl Service {
    /// What an operator may hear of, as the policy is now.
    pub(super) fn audible(&self, policy: &Policy, caller: &Caller) -> Audible {
        let is_heard = |family: &Family| match family {
            Family::Jobs | Family::Schedules => true,
            Family::Security => policy::holds(policy, caller, "activity.view"),
        };
        let families = Family::ALL.iter().copied().filter(is_heard).collect();
        Audible { subjects: policy::subjects_seen(policy, caller), families }
    }

    /// Hands out what nobody was told of yet. Gives how many notices that were.
    ///
    /// # Errors
    ///
    /// If the control state fails.
    pub(crate) async fn hand_out(&self, limit: u32) -> Result<usize, ServiceError> {
        let untold = self.store.untold(limit).await?;
        if untold.is_empty() {
            return Ok(0);
        }
        let site = Listeners::of(self).await?;
        for told in &untold {
            let job = match told.job {
                Some(id) => self.store.job(id).await?,
                None => None,
            };
            let (notices, deliveries) = site.of_notice(told, job.as_ref());
            if told.topic.is_compulsory() && notices.is_empty() {
                tracing::error!(
                    notice = told.id,
                    topic = told.topic.slug(),
                    "there is nobody who may be told of it"
                );
            }
            let upkeep = Caller::upkeep("notify");
            let permit = self.permit(&upkeep, Action::DeliveryKeep, Target::default()).await?;
            self.store.fan_out(permit, told, notices, deliveries).await?;
        }
        Ok(untold.len())
    }

    /// Whether a delivery may still be sent.
    pub(super) async fn right_to(
        &self,
        to: &NewDelivery,
        about: &About,
    ) -> Result<Right, ServiceError> {
        let policy = self.store.policy().await?;
        if let Some(id) = to.webhook {
            let Some(webhook) = self.store.webhook(id).await? else { return Ok(Right::Missing) };
            let answers = self.caller_by_id(webhook.created_by).await?;
            return Ok(about.right_of(&policy, &webhook, answers.as_ref()));
        }
        if let Some(id) = to.operator {
            let caller = self.caller_by_id(id).await?;
            return Ok(caller.is_some_and(|caller| about.is_for(&policy, &caller)).into());
        }
        // The address in the request of a job: its creator answers for it; and if it is an
        // operator's, that operator may not hear of what it may not see.
        let creator = match about.owner {
            Some(owner) => self.caller_by_id(owner).await?,
            None => None,
        };
        let sees = |caller: &Caller| {
            let subject = about.subject.as_deref();
            subject.is_none_or(|subject| policy::sees_subject(&policy, caller, subject))
        };
        if !creator.as_ref().is_some_and(sees) {
            return Ok(Right::Missing);
        }
        let known = self.store.operator_by_email(&to.recipient.to_lowercase()).await?;
        let known = known.map(|one| (one.is_disabled, caller_of(one, Via::Internal)));
        Ok(known.is_none_or(|(is_disabled, caller)| !is_disabled && sees(&caller)).into())
    }

    /// Why nobody answers any more for what a webhook is told, if nobody does.
    pub(super) async fn lost_right(
        &self,
        webhook: &Webhook,
    ) -> Result<Option<WebhookEnd>, ServiceError> {
        let policy = self.store.policy().await?;
        let operator = webhook.created_by;
        let Some(caller) = self.caller_by_id(operator).await? else {
            return Ok(Some(WebhookEnd::Gone(operator)));
        };
        let family = |slug: &String| {
            Family::find(slug).or_else(|| Topic::find(slug).map(|topic| topic.family()))
        };
        let mut families = webhook.topics.iter().filter_map(family);
        let is_denied = families.any(|family| !hears_all(&policy, &caller, family));
        Ok(is_denied.then_some(WebhookEnd::Denied(operator)))
    }

    async fn caller_by_id(&self, id: OperatorId) -> Result<Option<Caller>, StoreError> {
        let operator = self.store.operator(id).await?.filter(|one| !one.is_disabled);
        Ok(operator.map(|one| caller_of(one, Via::Internal)))
    }
}

/// Everybody who can be told of something, by one look.
struct Listeners {
    policy: Policy,
    callers: Vec<Caller>,
    subscriptions: std::collections::BTreeMap<(OperatorId, String), tidegate_store::Subscription>,
    webhooks: Vec<Webhook>,
}

impl Listeners {
    async fn of(service: &Service) -> Result<Self, ServiceError> {
        let store = &service.store;
        let is_in = |one: &Operator| !one.is_disabled;
        let operators = store.operators().await?.into_iter().filter(is_in);
        Ok(Self {
            policy: store.policy().await?,
            callers: operators.map(|one| caller_of(one, Via::Internal)).collect(),
            subscriptions: store.subscriptions(None).await?,
            webhooks: store.webhooks().await?,
        })
    }

    /// Who is told of a notice, and by which way.
    fn of_notice(&self, told: &Told, job: Option<&Job>) -> (Vec<NewNotice>, Vec<NewDelivery>) {
        let about = About::of(told, job);
        let (mut notices, mut deliveries) = (Vec::new(), Vec::new());
        // Of what becomes of it, not of each step, and to whoever was named in the request.
        if matches!(told.topic, Topic::ExportReady | Topic::ExportFailed)
            && let Some(address) = job.and_then(|job| job.notify_email.clone())
        {
            deliveries.push(NewDelivery::mail(address));
        }
        for caller in &self.callers {
            let Some(operator) = caller.operator() else { continue };
            if !about.is_for(&self.policy, caller) {
                continue;
            }
            let key = (operator, told.topic.family().slug().to_owned());
            let how = self.subscriptions.get(&key).copied().unwrap_or_default();
            if how.in_inbox || told.topic.is_compulsory() {
                notices.push(NewNotice { operator, subject: about.subject.clone() });
            }
            if how.by_mail {
                let mail = NewDelivery::mail(&caller.name);
                deliveries.push(NewDelivery { operator: Some(operator), ..mail });
            }
        }
        for webhook in self.webhooks.iter().filter(|webhook| webhook.hears(told.topic)) {
            deliveries.push(NewDelivery::webhook(webhook.id));
        }
        (notices, deliveries)
    }
}
