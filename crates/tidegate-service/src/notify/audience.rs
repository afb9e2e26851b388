//! Decides who is told of what: asked when a notice is handed out, and again when it is sent.

use tidegate_model::{
    action::{Action, Target},
    actor::{Caller, Via},
    ids::OperatorId,
    job::Job,
    notice::{Family, Topic},
    policy::{self, Policy},
};
use tidegate_store::{Audible, NewDelivery, NewNotice, Operator, StoreError, Told};

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

    /// Whether a webhook may be told of it that somebody answers for: of everybody's exports who
    /// may see everybody's.
    pub(super) fn is_for_webhook(&self, policy: &Policy, caller: &Caller) -> bool {
        let holds_any = |capability: &str| policy::holds(policy, caller, capability);
        let sees = |subject: &String| policy::sees_subject(policy, caller, subject);
        let holds = match self.topic.family() {
            _ if self.topic == Topic::Test => true,
            Family::Jobs => holds_any("exports.list.any"),
            Family::Schedules => holds_any("exports.schedule.any"),
            Family::Security => holds_any("activity.view"),
        };
        holds && self.subject.as_ref().is_none_or(sees)
    }
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

    /// Why a delivery may not be sent any more, if it may not.
    pub(super) async fn is_still_for(
        &self,
        to: &NewDelivery,
        about: &About,
    ) -> Result<bool, ServiceError> {
        let policy = self.store.policy().await?;
        if let Some(id) = to.webhook {
            let Some(webhook) = self.store.webhook(id).await? else { return Ok(false) };
            let answers = self.caller_by_id(webhook.created_by).await?;
            return Ok(answers.is_some_and(|caller| about.is_for_webhook(&policy, &caller)));
        }
        if let Some(id) = to.operator {
            let caller = self.caller_by_id(id).await?;
            return Ok(caller.is_some_and(|caller| about.is_for(&policy, &caller)));
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
            return Ok(false);
        }
        let known = self.store.operator_by_email(&to.recipient.to_lowercase()).await?;
        let known = known.map(|one| (one.is_disabled, caller_of(one, Via::Internal)));
        Ok(known.is_none_or(|(is_disabled, caller)| !is_disabled && sees(&caller)))
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
    webhooks: Vec<tidegate_store::Webhook>,
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
