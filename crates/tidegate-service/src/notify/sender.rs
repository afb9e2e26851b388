//! Sends a delivery, and notes what became of it; what fails is tried again for days.

use std::time::Duration;

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    ids::WebhookId,
    notice::Channel,
};
use tidegate_store::{
    Change, NoticeChange, Outcome, Room, Store, StoreError, TakenDelivery, WebhookChange,
    WebhookEnd,
};

use super::{
    audience::{About, Right},
    mail,
    render::is_example,
    webhook,
};
use crate::{error::ServiceError, service::Service};

/// How much longer a delivery is taken for than its recipient has at most, step by step.
const MARGIN: Duration = Duration::from_secs(5);
/// Seconds until it is tried again, from one failure to the next: three days in all.
const PAUSES_SECONDS: [i64; 9] = [
    5,
    5 * 60,
    30 * 60,
    2 * 60 * 60,
    5 * 60 * 60,
    10 * 60 * 60,
    14 * 60 * 60,
    20 * 60 * 60,
    24 * 60 * 60,
];
/// Microseconds of failure after which a webhook is switched off.
const FAILING_MICROS_MAX: i64 = 5 * 24 * 60 * 60 * 1_000_000;

/// What became of an attempt.
enum Tried {
    Sent,
    Dropped(&'static str),
    /// Nobody answers any more for the webhook.
    Lost(WebhookId, WebhookEnd),
    Failed {
        error: String,
        is_refused: bool,
    },
}

impl Service {
    /// Takes deliveries that are due.
    pub(super) async fn take_due(&self, room: &Room) -> Result<Vec<TakenDelivery>, ServiceError> {
        let lease = self.notify_settings().timeout() * 3 + MARGIN;
        let lease_micros = i64::try_from(lease.as_micros()).unwrap_or(i64::MAX);
        let permit = self.upkeep_permit(Action::DeliveryKeep, Target::default()).await?;
        Ok(self.store.take_deliveries(permit, lease_micros, room).await?)
    }

    /// Sends a delivery, and notes what became of it.
    pub(super) async fn deliver(&self, taken: TakenDelivery) -> Result<(), ServiceError> {
        let tried = match self.try_to_tell(&taken).await {
            Ok(tried) => tried,
            // Nothing was sent: the control state could not be asked.
            Err(error) => Tried::Failed { error: error.to_string(), is_refused: true },
        };
        let (channel, id) = (taken.to().channel.slug(), taken.id().0);
        let webhook = taken.to().webhook;
        let (error, is_refused) = match tried {
            Tried::Sent => {
                self.store.note_delivery(taken, Outcome::Sent).await?;
                return Ok(());
            }
            Tried::Dropped(why) => {
                if taken.told().topic.is_compulsory() {
                    tracing::error!(delivery = id, channel, why, "a compulsory notice is dropped");
                } else {
                    tracing::info!(delivery = id, channel, why, "a notice is dropped");
                }
                let dropped = Outcome::Dropped { error: why.to_owned() };
                self.store.note_delivery(taken, dropped).await?;
                return Ok(());
            }
            Tried::Lost(webhook, why) => return self.switch_off(webhook, why).await,
            Tried::Failed { error, is_refused } => (error, is_refused),
        };
        let failures = usize::try_from(taken.attempts()).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(&seconds) = PAUSES_SECONDS.get(failures) else {
            tracing::error!(delivery = id, channel, error, "a notice could not be delivered");
            let permit = self.upkeep_permit(Action::DeliveryEnd, Store::target_of(&taken)).await?;
            match self.store.end_delivery(permit, taken, error, is_refused).await {
                Ok(()) | Err(StoreError::LeaseLost) => {}
                Err(error) => return Err(error.into()),
            }
            return self.disable_long_failing(webhook).await;
        };
        tracing::warn!(delivery = id, channel, error, "a notice will be tried again");
        let pause_micros = with_jitter(seconds * 1_000_000, rand::random());
        let postponed = Outcome::Postponed { pause_micros, is_refused, error };
        self.store.note_delivery(taken, postponed).await?;
        self.disable_long_failing(webhook).await
    }

    /// A webhook that has failed for days gets nothing any more, and that is told.
    async fn disable_long_failing(&self, webhook: Option<WebhookId>) -> Result<(), ServiceError> {
        let Some(id) = webhook else { return Ok(()) };
        let Some(found) = self.store.webhook(id).await? else { return Ok(()) };
        let before = self.store.now().await?.saturating_sub(FAILING_MICROS_MAX);
        let is_long = found.failing_since.is_some_and(|since| since <= before);
        if !is_long || found.disabled.is_some() {
            return Ok(());
        }
        self.switch_off(id, WebhookEnd::Failing { before }).await
    }

    /// Switches a webhook off. What waits for it is given up, and can be sent again by hand.
    async fn switch_off(&self, id: WebhookId, why: WebhookEnd) -> Result<(), ServiceError> {
        let permit = self.upkeep_permit(Action::WebhookDisable, Target::default()).await?;
        let change = NoticeChange::Webhook(WebhookChange::Disable { id, why });
        match self.store.commit(permit, Change::Notices(change)).await {
            Ok(_) => {
                tracing::error!(webhook = id.0, why = why.reason(), "a webhook was switched off");
                Ok(())
            }
            // Somebody was faster, or has saved it since. Who has taken what waits for it looks at
            // it again when the lease is over.
            Err(StoreError::Missing { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn upkeep_permit(
        &self,
        action: Action,
        target: Target,
    ) -> Result<tidegate_model::policy::Permit, ServiceError> {
        self.permit(&Caller::upkeep("notify"), action, target).await
    }

    async fn try_to_tell(&self, taken: &TakenDelivery) -> Result<Tried, ServiceError> {
        let (told, to) = (taken.told(), taken.to());
        let job = self.job_of(told).await?;
        let about = About::of(told, job.as_ref());
        if !is_example(told) {
            match self.right_to(to, &about).await? {
                Right::Held => {}
                Right::Missing => {
                    return Ok(Tried::Dropped("whoever it was for may not be told of it any more"));
                }
                Right::Lost(webhook, why) => return Ok(Tried::Lost(webhook, why)),
            }
        }
        let settings = self.notify_settings();
        match to.channel {
            Channel::Mail => {
                if !settings.admits(&to.recipient) {
                    return Ok(Tried::Dropped("its domain is not among the `recipient_domains`"));
                }
                let words = self.mail_of(told, job.as_ref()).await?;
                let message = taken.message();
                let outgoing = mail::Outgoing { to: &to.recipient, message, words: &words };
                Ok(match mail::send(&settings, &outgoing).await {
                    Ok(()) => Tried::Sent,
                    Err(error) => {
                        let is_refused = error.is_refused();
                        Tried::Failed { error: error.to_string(), is_refused }
                    }
                })
            }
            Channel::Webhook => self.call_webhook(taken, job.as_ref()).await,
        }
    }

    async fn call_webhook(
        &self,
        taken: &TakenDelivery,
        job: Option<&tidegate_model::job::Job>,
    ) -> Result<Tried, ServiceError> {
        let found = match taken.to().webhook {
            Some(id) => self.store.webhook(id).await?,
            None => None,
        };
        let Some(found) = found else { return Ok(Tried::Dropped("the webhook was removed")) };
        let now = self.store.now().await?;
        let Some(secrets) = self.webhook_secrets(&found, now) else {
            let error = "its secret was sealed with keys that are gone: rotate it".to_owned();
            return Ok(Tried::Failed { error, is_refused: true });
        };
        let outgoing = webhook::Outgoing {
            url: &found.url,
            message: taken.message(),
            at: now / 1_000_000,
            body: self.webhook_body(taken.told(), job).to_string(),
            secrets,
        };
        Ok(match webhook::send(&self.notify_settings(), outgoing).await {
            Ok(()) => Tried::Sent,
            Err(error) => {
                let is_refused = error.is_refused();
                Tried::Failed { error: error.to_string(), is_refused }
            }
        })
    }

    /// Speaks to the mail server, if there is one, without sending anything.
    ///
    /// # Errors
    ///
    /// If it cannot be used.
    pub async fn prove_mail(&self) -> Result<bool, super::MailError> {
        let settings = self.notify_settings();
        if settings.smtp_host.is_none() {
            return Ok(false);
        }
        mail::prove(&settings).await.map(|()| true)
    }

    /// Sees whether each webhook that nobody has switched off can be reached: host, and why not.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn prove_webhooks(
        &self,
    ) -> Result<Vec<(String, Result<(), super::WebhookError>)>, ServiceError> {
        let settings = self.notify_settings();
        let mut proven = Vec::new();
        for one in self.store.webhooks().await? {
            let proof = match one.disabled {
                Some(_) => match one.ended() {
                    Some(reason) => Err(super::WebhookError::Off(reason.to_owned())),
                    None => continue,
                },
                None => match self.lost_right(&one).await? {
                    Some(why) => Err(super::WebhookError::Unanswered(why.reason())),
                    None => webhook::prove(&one.url, &settings).await,
                },
            };
            let url = reqwest::Url::parse(&one.url).ok();
            let host = url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
            proven.push((host, proof));
        }
        Ok(proven)
    }
}

/// A pause up to a fifth longer: those that failed together do not all come back together.
fn with_jitter(micros: i64, chance: u16) -> i64 {
    micros + micros / 5 * i64::from(chance) / i64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_for_three_days_and_not_by_all_at_once() {
        let total: i64 = PAUSES_SECONDS.iter().sum();
        assert!((3 * 86_400..4 * 86_400).contains(&total), "{total} s");
        assert!(PAUSES_SECONDS.is_sorted());
        assert_eq!((with_jitter(1_000, 0), with_jitter(1_000, u16::MAX)), (1_000, 1_200));
    }
}
