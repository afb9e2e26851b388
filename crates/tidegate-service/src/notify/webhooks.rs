//! Webhooks of the site, and what became of deliveries.

use base64::{Engine, prelude::BASE64_STANDARD};
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    audit::hexadecimal,
    fault::{Fault, Faults},
    ids::{DeliveryId, WebhookId},
    nearest,
    notice::{Family, Topic},
};
use tidegate_store::{
    Change, Delivery, DeliveryCount, DeliveryFilter, NoticeChange, StoreError, Webhook,
    WebhookChange,
};

use super::webhook::{SECRET_PREFIX, WebhookError, read_url};
use crate::{error::ServiceError, keys::Keys, service::Service};

/// Bytes of a secret.
const SECRET_BYTES: usize = 32;
/// Microseconds for which the secret before counts: a day.
const OVERLAP_MICROS: i64 = 24 * 60 * 60 * 1_000_000;
/// Webhooks of a site at most: each is told of everything that it hears, one by one.
const WEBHOOKS_MAX: usize = 100;

/// What a webhook is to be.
#[derive(Clone, Debug)]
pub struct WebhookEdit {
    /// Where to.
    pub url: String,
    /// Slugs of topics and families.
    pub topics: Vec<String>,
    /// Whether it is on.
    pub is_enabled: bool,
}

/// A webhook that was made, or has a new secret: it is shown this once.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Number.
    pub id: WebhookId,
    /// What its requests are signed with.
    pub secret: String,
}

/// Some deliveries, newest first.
#[derive(Clone, Debug)]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<Delivery>,
    /// Number before which there are more.
    pub next: Option<i64>,
}

impl Service {
    /// The webhooks of the site.
    ///
    /// # Errors
    ///
    /// If the caller may not see them.
    pub async fn webhooks(&self, caller: &Caller) -> Result<Vec<Webhook>, ServiceError> {
        self.permit(caller, Action::DeliveryView, Target::default()).await?;
        Ok(self.store.webhooks().await?)
    }

    /// A webhook of the site.
    ///
    /// # Errors
    ///
    /// If the caller may not see it, or there is none.
    pub async fn webhook(&self, caller: &Caller, id: WebhookId) -> Result<Webhook, ServiceError> {
        self.permit(caller, Action::DeliveryView, Target::default()).await?;
        self.store.webhook(id).await?.ok_or(ServiceError::NotFound)
    }

    /// Adds a webhook. Whoever adds it answers for it: it hears what that operator may hear.
    ///
    /// # Errors
    ///
    /// If the caller may not, or something about it is wrong.
    pub async fn add_webhook(
        &self,
        caller: &Caller,
        edit: WebhookEdit,
    ) -> Result<NewWebhook, ServiceError> {
        let permit = self.permit(caller, Action::WebhookAdd, Target::default()).await?;
        self.check_webhook(&edit)?;
        if self.store.webhooks().await?.len() >= WEBHOOKS_MAX {
            let detail = format!("a site has {WEBHOOKS_MAX} webhooks at most");
            return Err(Faults(vec![Fault::new("", detail)]).into());
        }
        let chance: [u8; 16] = rand::random();
        let public_id = format!("ep_{}", hexadecimal(&chance));
        let random: [u8; SECRET_BYTES] = rand::random();
        let secret = sealed(&self.keys(), &public_id, &random);
        let WebhookEdit { url, topics, is_enabled: _ } = edit;
        let change = WebhookChange::Add { public_id, url, topics, secret };
        let change = Change::Notices(NoticeChange::Webhook(change));
        let committed = self.store.commit(permit, change).await?;
        let id = committed.id.ok_or(StoreError::Corrupt { what: "new webhook" })?;
        Ok(NewWebhook { id: WebhookId(id), secret: shown(&random) })
    }

    /// Changes where a webhook is and what it is told, and switches it on or off.
    ///
    /// # Errors
    ///
    /// If the caller may not, there is none, or something about it is wrong.
    pub async fn change_webhook(
        &self,
        caller: &Caller,
        id: WebhookId,
        edit: WebhookEdit,
    ) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::WebhookChange, Target::default()).await?;
        self.check_webhook(&edit)?;
        let WebhookEdit { url, topics, is_enabled } = edit;
        let change = WebhookChange::Change { id, url, topics, is_enabled };
        self.store.commit(permit, Change::Notices(NoticeChange::Webhook(change))).await?;
        Ok(())
    }

    /// Gives a webhook a new secret. For a day what it is sent is signed with both.
    ///
    /// # Errors
    ///
    /// If the caller may not, or there is none.
    pub async fn rotate_webhook(
        &self,
        caller: &Caller,
        id: WebhookId,
    ) -> Result<NewWebhook, ServiceError> {
        let permit = self.permit(caller, Action::WebhookRotate, Target::default()).await?;
        let found = self.store.webhook(id).await?.ok_or(ServiceError::NotFound)?;
        let random: [u8; SECRET_BYTES] = rand::random();
        let secret = sealed(&self.keys(), &found.public_id, &random);
        let change = WebhookChange::Rotate { id, secret, overlap_micros: OVERLAP_MICROS };
        self.store.commit(permit, Change::Notices(NoticeChange::Webhook(change))).await?;
        Ok(NewWebhook { id, secret: shown(&random) })
    }

    /// Removes a webhook.
    ///
    /// # Errors
    ///
    /// If the caller may not, or there is none.
    pub async fn remove_webhook(&self, caller: &Caller, id: WebhookId) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::WebhookRemove, Target::default()).await?;
        let change = NoticeChange::Webhook(WebhookChange::Remove(id));
        self.store.commit(permit, Change::Notices(change)).await?;
        Ok(())
    }

    /// Sends a webhook a test notice, by the way of every other.
    ///
    /// # Errors
    ///
    /// If the caller may not, or there is none.
    pub async fn test_webhook(
        &self,
        caller: &Caller,
        id: WebhookId,
    ) -> Result<DeliveryId, ServiceError> {
        let permit = self.permit(caller, Action::WebhookTest, Target::default()).await?;
        let change = NoticeChange::Webhook(WebhookChange::Test(id));
        let committed = self.store.commit(permit, Change::Notices(change)).await?;
        Ok(DeliveryId(committed.id.ok_or(StoreError::Corrupt { what: "new delivery" })?))
    }

    /// Deliveries, newest first.
    ///
    /// # Errors
    ///
    /// If the caller may not see them.
    pub async fn deliveries(
        &self,
        caller: &Caller,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<DeliveryPage, ServiceError> {
        self.permit(caller, Action::DeliveryView, Target::default()).await?;
        let mut deliveries = self.store.deliveries(filter, limit + 1).await?;
        let has_more = deliveries.len() > limit as usize;
        deliveries.truncate(limit as usize);
        let next = deliveries.last().filter(|_| has_more).map(|one| one.id.0);
        Ok(DeliveryPage { deliveries, next })
    }

    /// How many deliveries there are, by way and state.
    ///
    /// # Errors
    ///
    /// If the caller may not see figures of the site.
    pub async fn delivery_counts(
        &self,
        caller: &Caller,
    ) -> Result<Vec<DeliveryCount>, ServiceError> {
        self.permit(caller, Action::SettingView, Target::default()).await?;
        Ok(self.store.delivery_counts().await?)
    }

    /// Sends again what was given up.
    ///
    /// # Errors
    ///
    /// If the caller may not, or there is nothing of that number that was given up.
    pub async fn repeat_delivery(
        &self,
        caller: &Caller,
        id: DeliveryId,
    ) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::DeliveryRepeat, Target::default()).await?;
        let change = NoticeChange::Repeat(id);
        self.store.commit(permit, Change::Notices(change)).await?;
        Ok(())
    }

    fn check_webhook(&self, edit: &WebhookEdit) -> Result<(), ServiceError> {
        let mut faults = Vec::new();
        if let Err(error @ WebhookError::Address(_)) = read_url(&edit.url, &self.notify_settings())
        {
            faults.push(Fault::new("/url", error.to_string()));
        }
        if edit.topics.is_empty() {
            faults.push(Fault::new("/topics", "choose at least one family or topic"));
        }
        for (at, slug) in edit.topics.iter().enumerate() {
            if Topic::find(slug).is_none() && Family::find(slug).is_none() {
                let families = Family::ALL.iter().map(|one| one.slug());
                let known: Vec<&str> =
                    families.chain(Topic::ALL.iter().map(|one| one.slug())).collect();
                let detail = nearest::unknown("topic", slug, &known);
                faults.push(Fault::new(format!("/topics/{at}"), detail));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults).into()) }
    }

    /// The secrets that a webhook's requests are signed with now; none if they cannot be opened.
    pub(super) fn webhook_secrets(&self, webhook: &Webhook, now: i64) -> Option<Vec<Vec<u8>>> {
        let keys = self.keys();
        let open = |sealed: &str| {
            let sealed = BASE64_STANDARD.decode(sealed).ok()?;
            keys.unseal(&use_of(&webhook.public_id), &sealed)
        };
        let mut secrets = vec![open(&webhook.secret)?];
        if let Some((before, until)) = &webhook.before
            && *until > now
        {
            secrets.extend(open(before));
        }
        Some(secrets)
    }
}

/// What a secret is sealed for: to sign what goes to one webhook.
fn use_of(public_id: &str) -> Vec<u8> {
    format!("secret of webhook {public_id}").into_bytes()
}

fn sealed(keys: &Keys, public_id: &str, secret: &[u8]) -> String {
    BASE64_STANDARD.encode(keys.seal(&use_of(public_id), secret))
}

fn shown(secret: &[u8]) -> String {
    format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(secret))
}
