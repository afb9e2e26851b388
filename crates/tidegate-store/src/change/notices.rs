//! What people choose to be told of, and how: subscriptions, webhooks, words of mails.

use sea_orm::SqlErr;
use serde_json::{Value, json};
use tidegate_model::{
    action::Action,
    ids::{DeliveryId, OperatorId, WebhookId},
    notice::{Channel, Family, Topic},
    policy::Permit,
};

use super::{
    Applied,
    outbox::{tell, tell_only},
};
use crate::{
    deliver::{NewDelivery, deliver},
    error::StoreError,
    sql::{Tx, get, json as text},
};

/// Numbers of notices that one change marks as read at most.
const READ_MAX: usize = 500;
/// Why a webhook is off that somebody has switched off.
pub(crate) const BY_HAND: &str = "by hand";

/// A change of what people are told of, and how.
#[derive(Clone, Debug)]
pub enum NoticeChange {
    /// Notes that the operator has read some notices, or all up to a number.
    Read(ReadNotices),
    /// Says how the operator is told of a family.
    Subscribe {
        /// Which.
        family: Family,
        /// Whether by mail.
        by_mail: bool,
        /// Whether in the pages.
        in_inbox: bool,
    },
    /// A webhook.
    Webhook(WebhookChange),
    /// Gives a topic words of its own, or the program's again.
    Template {
        /// Which.
        topic: Topic,
        /// Its words.
        words: Option<TemplateWords>,
    },
    /// Sends the operator a mail with example values.
    TestTemplate {
        /// Which.
        topic: Topic,
        /// Where to.
        address: String,
    },
    /// Sends again what was given up.
    Repeat(DeliveryId),
}

/// Which notices were read.
#[derive(Clone, Debug)]
pub enum ReadNotices {
    /// Some.
    These(Vec<i64>),
    /// All up to this number.
    UpTo(i64),
}

/// Words of a mail: a title, a text, and perhaps the same with markup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateWords {
    /// Subject line.
    pub title: String,
    /// Text.
    pub body: String,
    /// The same as HTML.
    pub html: Option<String>,
}

/// A change of a webhook.
#[derive(Clone, Debug)]
pub enum WebhookChange {
    /// Adds one.
    Add {
        /// Name that its secrets are sealed for.
        public_id: String,
        /// Where to.
        url: String,
        /// Slugs of topics and families.
        topics: Vec<String>,
        /// Its secret, sealed.
        secret: String,
    },
    /// Changes where it is and what it is told, and switches it on or off.
    Change {
        /// Which.
        id: WebhookId,
        /// Where to.
        url: String,
        /// Slugs of topics and families.
        topics: Vec<String>,
        /// Whether it is on.
        is_enabled: bool,
    },
    /// Gives it a new secret; the old one counts for a while.
    Rotate {
        /// Which.
        id: WebhookId,
        /// The new secret, sealed.
        secret: String,
        /// Microseconds for which the old one counts.
        overlap_micros: i64,
    },
    /// Removes it.
    Remove(WebhookId),
    /// Sends it a test notice.
    Test(WebhookId),
    /// Switches it off.
    Disable {
        /// Which.
        id: WebhookId,
        /// Only if this is still so.
        why: WebhookEnd,
    },
}

/// Why a webhook is switched off by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookEnd {
    /// It has been failing since before a time.
    Failing {
        /// Microseconds since 1970.
        before: i64,
    },
    /// The operator who has saved it last is gone.
    Gone(OperatorId),
    /// The operator who has saved it last may not hear of something that it is told.
    Denied(OperatorId),
}

impl WebhookEnd {
    /// Why, for people.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Failing { .. } => "it failed for too long",
            Self::Gone(_) => "whoever has saved it last is gone",
            Self::Denied(_) => "whoever has saved it last may not hear of all that it is told",
        }
    }
}

impl NoticeChange {
    pub(super) fn actions(&self) -> &'static [Action] {
        match self {
            Self::Read(_) => &[Action::NoticeRead],
            Self::Subscribe { .. } => &[Action::SubscriptionChange],
            Self::Webhook(change) => change.actions(),
            Self::Template { .. } => &[Action::TemplateChange],
            Self::TestTemplate { .. } => &[Action::TemplateTest],
            Self::Repeat(_) => &[Action::DeliveryRepeat],
        }
    }
}

impl WebhookChange {
    fn actions(&self) -> &'static [Action] {
        match self {
            Self::Add { .. } => &[Action::WebhookAdd],
            Self::Change { .. } => &[Action::WebhookChange],
            Self::Rotate { .. } => &[Action::WebhookRotate],
            Self::Remove(_) => &[Action::WebhookRemove],
            Self::Test(_) => &[Action::WebhookTest],
            Self::Disable { .. } => &[Action::WebhookDisable],
        }
    }
}

pub(super) async fn notices(
    tx: &Tx,
    permit: &Permit,
    change: NoticeChange,
) -> Result<Applied, StoreError> {
    let details = match change {
        NoticeChange::Read(which) => read(tx, owner(permit)?, which).await?,
        NoticeChange::Subscribe { family, by_mail, in_inbox } => {
            const SUBSCRIBE: &str = "\
                insert into subscriptions (operator_id, family, by_mail, in_inbox) \
                values ($1, $2, $3, $4) \
                on conflict (operator_id, family) do update set by_mail = excluded.by_mail, \
                    in_inbox = excluded.in_inbox";
            let (owner, slug) = (owner(permit)?, family.slug());
            let values = [owner.into(), slug.into(), flag(by_mail).into(), flag(in_inbox).into()];
            tx.execute(SUBSCRIBE, values).await?;
            tell_of_routing(tx, permit, family).await?;
            json!({ "family": slug, "by_mail": by_mail, "in_inbox": in_inbox })
        }
        NoticeChange::Webhook(change) => return webhook(tx, permit, change).await,
        NoticeChange::Template { topic, words } => template(tx, permit, topic, words).await?,
        NoticeChange::TestTemplate { topic, address } => {
            let outbox = tell_only(tx, topic, json!({ "example": true })).await?;
            let to =
                NewDelivery { operator: permit.caller().operator(), ..NewDelivery::mail(address) };
            deliver(tx, outbox, &to, tx.now).await?;
            json!({ "topic": topic.slug() })
        }
        NoticeChange::Repeat(id) => repeat(tx, id).await?,
    };
    Ok(Applied::one(permit.action(), None, details))
}

/// Who is told of the security of the site is part of that security.
async fn tell_of_routing(tx: &Tx, permit: &Permit, family: Family) -> Result<(), StoreError> {
    if family != Family::Security {
        return Ok(());
    }
    let what = json!({ "what": permit.action().slug(), "name": permit.caller().name });
    tell(tx, Topic::RoutingChanged, None, what).await
}

fn owner(permit: &Permit) -> Result<i64, StoreError> {
    Ok(permit.target().owner.ok_or(StoreError::Missing { what: "operator" })?.0)
}

fn flag(value: bool) -> i64 {
    i64::from(value)
}

async fn read(tx: &Tx, owner: i64, which: ReadNotices) -> Result<Value, StoreError> {
    const UP_TO: &str = "\
        update notices set read_at = $3 where operator_id = $1 and id <= $2 and read_at is null";
    const ONE: &str = "\
        update notices set read_at = $3 where operator_id = $1 and id = $2 and read_at is null";
    let ids = match which {
        ReadNotices::UpTo(id) => {
            let count = tx.execute(UP_TO, [owner.into(), id.into(), tx.now.into()]).await?;
            return Ok(json!({ "notices": count, "up_to": id }));
        }
        ReadNotices::These(ids) => ids,
    };
    let mut count = 0;
    for id in ids.into_iter().take(READ_MAX) {
        count += tx.execute(ONE, [owner.into(), id.into(), tx.now.into()]).await?;
    }
    Ok(json!({ "notices": count }))
}

async fn template(
    tx: &Tx,
    permit: &Permit,
    topic: Topic,
    words: Option<TemplateWords>,
) -> Result<Value, StoreError> {
    const FORGET: &str = "delete from templates where topic = $1";
    const KEEP: &str = "\
        insert into templates (topic, title, body, html, changed_by, changed_at) \
        values ($1, $2, $3, $4, $5, $6)";
    tx.execute(FORGET, [topic.slug().into()]).await?;
    let is_own = words.is_some();
    if let Some(words) = words {
        let by = permit.caller().operator().map(|operator| operator.0);
        let values = [
            topic.slug().into(),
            words.title.into(),
            words.body.into(),
            words.html.into(),
            by.into(),
            tx.now.into(),
        ];
        tx.execute(KEEP, values).await?;
    }
    Ok(json!({ "topic": topic.slug(), "is_own": is_own }))
}

/// What was given up is sent under the same name, from the first pause on.
async fn repeat(tx: &Tx, id: DeliveryId) -> Result<Value, StoreError> {
    const REPEAT: &str = "\
        update deliveries set state = 'pending', ended_at = null, attempts = 0, next_at = $2, \
            last_error = null, lease_token = null, lease_expires = null \
        where id = $1 and state = 'dead' \
            and not exists (select 1 from webhooks w where w.id = webhook_id \
                and (w.removed_at is not null or w.disabled_at is not null))";
    const KNOWN: &str = "select 1 as is_known from deliveries where id = $1";
    let is_known = tx.row(KNOWN, [id.0.into()]).await?.is_some();
    match tx.execute(REPEAT, [id.0.into(), tx.now.into()]).await? {
        0 if is_known => Err(StoreError::Overtaken { what: "delivery" }),
        0 => Err(StoreError::Missing { what: "delivery" }),
        _ => Ok(json!({ "delivery": id })),
    }
}

async fn webhook(tx: &Tx, permit: &Permit, change: WebhookChange) -> Result<Applied, StoreError> {
    let done = |details| Applied::one(permit.action(), None, details);
    match change {
        WebhookChange::Add { public_id, url, topics, secret } => {
            let id = add_webhook(tx, permit, &[&public_id, &url, &text(&topics), &secret]).await?;
            tell_of_routing(tx, permit, Family::Security).await?;
            Ok(done(json!({ "webhook": id, "host": host(&url), "topics": topics })).made(id))
        }
        WebhookChange::Change { id, url, topics, is_enabled } => {
            const CHANGE: &str = "\
                update webhooks set url = $2, topics = $3, \
                    disabled_at = case when $4 = 1 then null else coalesce(disabled_at, $5) end, \
                    disabled_reason = case when $4 = 1 then null \
                        else coalesce(disabled_reason, $7) end, \
                    failing_since = case when $4 = 1 and disabled_at is not null then null \
                        else failing_since end, \
                    created_by = $6 \
                where id = $1 and removed_at is null";
            // Whoever has saved it last answers for it.
            let answers =
                permit.caller().operator().ok_or(StoreError::Missing { what: "operator" })?;
            let values = [
                id.0.into(),
                url.clone().into(),
                text(&topics).into(),
                flag(is_enabled).into(),
                tx.now.into(),
                answers.0.into(),
                BY_HAND.into(),
            ];
            found(tx.execute(CHANGE, values).await?)?;
            if !is_enabled {
                end_waiting(tx, id, "the webhook was switched off").await?;
            }
            tell_of_routing(tx, permit, Family::Security).await?;
            let host = host(&url);
            let details = json!({
                "webhook": id, "host": host, "topics": topics, "is_enabled": is_enabled,
            });
            Ok(done(details))
        }
        WebhookChange::Rotate { id, secret, overlap_micros } => {
            const ROTATE: &str = "\
                update webhooks set secret_before = secret, secret_before_until = $3, secret = $2 \
                where id = $1 and removed_at is null";
            let until = tx.now.saturating_add(overlap_micros);
            found(tx.execute(ROTATE, [id.0.into(), secret.into(), until.into()]).await?)?;
            Ok(done(json!({ "webhook": id })))
        }
        WebhookChange::Remove(id) => {
            remove_webhook(tx, id).await?;
            tell_of_routing(tx, permit, Family::Security).await?;
            Ok(done(json!({ "webhook": id })))
        }
        WebhookChange::Test(id) => {
            const THERE: &str =
                "select 1 as found from webhooks where id = $1 and removed_at is null";
            tx.row(THERE, [id.0.into()]).await?.ok_or(StoreError::Missing { what: "webhook" })?;
            let outbox = tell_only(tx, Topic::Test, json!({})).await?;
            let made = deliver(tx, outbox, &NewDelivery::webhook(id), tx.now).await?;
            Ok(done(json!({ "webhook": id })).made(made))
        }
        WebhookChange::Disable { id, why } => disable(tx, permit, id, why).await,
    }
}

async fn add_webhook(
    tx: &Tx,
    permit: &Permit,
    [public_id, url, topics, secret]: &[&str; 4],
) -> Result<i64, StoreError> {
    const ADD: &str = "\
        insert into webhooks (public_id, url, topics, secret, created_by, created_at) \
        values ($1, $2, $3, $4, $5, $6) returning id";
    let by = permit.caller().operator().ok_or(StoreError::Missing { what: "operator" })?;
    let values = [
        (*public_id).into(),
        (*url).into(),
        (*topics).into(),
        (*secret).into(),
        by.0.into(),
        tx.now.into(),
    ];
    let row = tx.row(ADD, values).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::Exists { what: "webhook" },
        _ => error.into(),
    })?;
    get(&row.ok_or(StoreError::Corrupt { what: "new webhook" })?, "id")
}

/// Its secrets are gone with it; what became of its deliveries is kept.
async fn remove_webhook(tx: &Tx, id: WebhookId) -> Result<(), StoreError> {
    const REMOVE: &str = "\
        update webhooks set removed_at = $2, secret = '', secret_before = null \
        where id = $1 and removed_at is null";
    found(tx.execute(REMOVE, [id.0.into(), tx.now.into()]).await?)?;
    end_waiting(tx, id, "the webhook was removed").await
}

/// Whoever has saved it since answers for it: what was wrong before is not held against it.
async fn disable(
    tx: &Tx,
    permit: &Permit,
    id: WebhookId,
    why: WebhookEnd,
) -> Result<Applied, StoreError> {
    let (is_so, value) = match why {
        WebhookEnd::Failing { before } => ("failing_since <= $4", before),
        WebhookEnd::Gone(operator) | WebhookEnd::Denied(operator) => {
            ("created_by = $4", operator.0)
        }
    };
    let disable = format!(
        "update webhooks set disabled_at = $2, disabled_reason = $3 \
         where id = $1 and disabled_at is null and removed_at is null and {is_so}"
    );
    let reason = why.reason();
    let values = [id.0.into(), tx.now.into(), reason.into(), value.into()];
    found(tx.execute(&disable, values).await?)?;
    end_waiting(tx, id, &format!("the webhook was switched off, as {reason}")).await?;
    let details = json!({ "webhook": id, "reason": reason });
    tell(tx, Topic::WebhookDisabled, None, details.clone()).await?;
    Ok(Applied::one(permit.action(), None, details))
}

/// What waits for a webhook that gets nothing any more is kept, to be sent again by hand.
async fn end_waiting(tx: &Tx, id: WebhookId, why: &str) -> Result<(), StoreError> {
    const END: &str = "\
        update deliveries set state = 'dead', ended_at = $2, last_error = $3, \
            lease_token = null, lease_expires = null \
        where webhook_id = $1 and state = 'pending'";
    tx.execute(END, [id.0.into(), tx.now.into(), why.into()]).await?;
    Ok(())
}

/// The host alone stands in the log: what else is in an address may be a secret.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default().to_owned()
}

fn found(rows: u64) -> Result<(), StoreError> {
    match rows {
        0 => Err(StoreError::Missing { what: "webhook" }),
        _ => Ok(()),
    }
}

/// By which way a delivery goes, as it stands in its row.
pub(crate) fn channel_of(slug: &str) -> Result<Channel, StoreError> {
    Channel::find(slug).ok_or(StoreError::Corrupt { what: "channel" })
}
