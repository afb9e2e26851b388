//! Hands notices out to whom they concern, and notes what became of each delivery.
//!
//! A notice is fanned out in one transaction: each recipient has one delivery of it, whoever does
//! it. A delivery is taken with a fresh token for a while. It counts as sent under its name from
//! the moment that it is taken, unless the recipient is known to have refused it: whoever sends,
//! and dies before the note of it, has used up one of two. The third goes by another name.

mod take;

use sea_orm::{ConnectionTrait, QueryResult, Value as Bound};
use serde_json::{Value, json};
use tidegate_model::{
    action::{Action, Target},
    audit::hexadecimal,
    ids::{DeliveryId, JobId, OperatorId, WebhookId},
    notice::{Channel, DeliveryState, Topic},
    policy::Permit,
};

use crate::{
    change::{Applied, Change, notices::channel_of, outbox::tell},
    connection::Store,
    door::spend_on_log,
    error::StoreError,
    query::among,
    sql::{Tx, get, get_json, statement},
};

pub use take::{Recipient, Room};

/// Bytes of what went wrong that are kept.
const ERROR_BYTES_MAX: usize = 500;

/// Something that people are to be told of.
#[derive(Clone, Debug)]
pub struct Told {
    /// Number of its row.
    pub id: i64,
    /// What it is.
    pub topic: Topic,
    /// The job that it is about.
    pub job: Option<JobId>,
    /// What else there is to say.
    pub payload: Value,
    /// When it happened, in microseconds since 1970.
    pub at: i64,
}

/// A notice in somebody's inbox.
#[derive(Clone, Debug)]
pub struct NewNotice {
    /// Whose.
    pub operator: OperatorId,
    /// Slug of the subject that it is about.
    pub subject: Option<String>,
}

/// A delivery outside of the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// By which way.
    pub channel: Channel,
    /// Mail address, or number of the webhook.
    pub recipient: String,
    /// The operator who subscribes, where it is one.
    pub operator: Option<OperatorId>,
    /// The webhook.
    pub webhook: Option<WebhookId>,
}

impl NewDelivery {
    /// A mail.
    pub fn mail(address: impl Into<String>) -> Self {
        let recipient = address.into();
        Self { channel: Channel::Mail, recipient, operator: None, webhook: None }
    }

    /// A request to a webhook.
    pub fn webhook(id: WebhookId) -> Self {
        let recipient = id.to_string();
        Self { channel: Channel::Webhook, recipient, operator: None, webhook: Some(id) }
    }
}

/// A delivery that was taken: the right to send it once, and to note what became of it. There is
/// one for each time that it is taken, and it cannot be copied.
#[derive(Debug)]
pub struct TakenDelivery {
    id: DeliveryId,
    token: String,
    message: String,
    attempts: i64,
    to: NewDelivery,
    told: Told,
}

/// What became of a delivery that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The recipient has taken it.
    Sent,
    /// It will be tried again.
    Postponed {
        /// Microseconds until then.
        pause_micros: i64,
        /// Whether the recipient is known not to have taken it.
        is_refused: bool,
        /// Why, without a secret.
        error: String,
    },
    /// Whoever it was for may not be told of it any more.
    Dropped {
        /// Why.
        error: String,
    },
}

impl TakenDelivery {
    /// Its number.
    pub fn id(&self) -> DeliveryId {
        self.id
    }

    /// The name under which it goes: `Message-ID` and `webhook-id`.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// How often it was tried, this time included.
    pub fn attempts(&self) -> i64 {
        self.attempts
    }

    /// Where to.
    pub fn to(&self) -> &NewDelivery {
        &self.to
    }

    /// What it says.
    pub fn told(&self) -> &Told {
        &self.told
    }
}

impl Store {
    /// What nobody was told of yet, oldest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn untold(&self, limit: u32) -> Result<Vec<Told>, StoreError> {
        let mut values = vec![i64::from(limit).into()];
        let known = known_topics("topic", &mut values);
        let open = format!(
            "select id, topic, job_id, payload, created_at from outbox \
             where fanned_at is null and {known} order by id limit $1"
        );
        let rows = self.ask(&open, values).await?;
        let told = rows.iter().map(|row| told_of(row, "id"));
        Ok(told.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// Hands a notice out; false if somebody else has done it.
    ///
    /// # Errors
    ///
    /// If the permit is for something else, or the database fails.
    pub async fn fan_out(
        &self,
        permit: Permit,
        told: &Told,
        notices: Vec<NewNotice>,
        deliveries: Vec<NewDelivery>,
    ) -> Result<bool, StoreError> {
        spend_on_log(&permit, Action::DeliveryKeep)?;
        let (connections, told) = (self.inner.clone(), told.clone());
        // In a task of its own, as every transaction: whoever waits may lose interest.
        let task = tokio::spawn(async move {
            let now = format!("select {} as now", connections.now());
            let inner = connections.begin().await?;
            let mut tx = Tx { inner, now: 0, next_seq: 0 };
            let row = tx.row(&now, []).await?.ok_or(StoreError::Corrupt { what: "clock" })?;
            tx.now = get(&row, "now")?;
            if !hand_out(&tx, &told, notices, deliveries).await? {
                return Ok(false);
            }
            tx.inner.commit().await?;
            Ok(true)
        });
        task.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    /// Notes what became of a delivery; false if it was another's by then.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn note_delivery(
        &self,
        taken: TakenDelivery,
        outcome: Outcome,
    ) -> Result<bool, StoreError> {
        const SENT: &str = "\
            update deliveries set state = 'sent', ended_at = {now}, last_error = null, \
                lease_token = null, lease_expires = null \
            where id = $1 and lease_token = $2 and state = 'pending'";
        const DROPPED: &str = "\
            update deliveries set state = 'dropped', ended_at = {now}, last_error = $3, \
                sends = sends - 1, lease_token = null, lease_expires = null \
            where id = $1 and lease_token = $2 and state = 'pending'";
        const POSTPONED: &str = "\
            update deliveries set next_at = {now} + $4, last_error = $3, sends = sends - $5, \
                lease_token = null, lease_expires = null \
            where id = $1 and lease_token = $2 and state = 'pending'";
        const WELL: &str = "update webhooks set failing_since = null \
            where id = $1 and failing_since is not null";
        const ILL: &str = "update webhooks set failing_since = {now} \
            where id = $1 and failing_since is null";
        let now = self.inner.now();
        let mut values = vec![taken.id.0.into(), taken.token.into()];
        let (sql, health) = match outcome {
            Outcome::Sent => (SENT, WELL),
            Outcome::Dropped { error } => {
                values.push(shortened(&error).into());
                (DROPPED, "")
            }
            Outcome::Postponed { pause_micros, is_refused, error } => {
                values.push(shortened(&error).into());
                values.extend([pause_micros.into(), i64::from(is_refused).into()]);
                (POSTPONED, ILL)
            }
        };
        let writer = &self.inner.writer;
        let sql = sql.replace("{now}", &now);
        let noted = writer.execute_raw(statement(writer, &sql, values)).await?;
        if let Some(webhook) = taken.to.webhook.filter(|_| !health.is_empty()) {
            let health = health.replace("{now}", &now);
            writer.execute_raw(statement(writer, &health, [webhook.0.into()])).await?;
        }
        Ok(noted.rows_affected() == 1)
    }

    /// Gives up on a delivery: it is kept, and said loudly.
    ///
    /// # Errors
    ///
    /// If it was another's by then, or the database fails.
    pub async fn end_delivery(
        &self,
        permit: Permit,
        taken: TakenDelivery,
        error: String,
        is_refused: bool,
    ) -> Result<(), StoreError> {
        let end = EndedDelivery { taken: taken.into(), error: shortened(&error), is_refused };
        self.commit(permit, Change::EndDelivery(end)).await.map(drop)
    }

    /// What an entry about a delivery is about.
    pub fn target_of(taken: &TakenDelivery) -> Target {
        Target { job: taken.told.job, ..Target::default() }
    }
}

/// A delivery that is given up.
#[derive(Debug)]
pub struct EndedDelivery {
    taken: Box<TakenDelivery>,
    error: String,
    is_refused: bool,
}

/// Gives up on a delivery.
pub(crate) async fn end(tx: &Tx, ended: EndedDelivery) -> Result<Applied, StoreError> {
    const END: &str = "\
        update deliveries set state = 'dead', ended_at = $3, last_error = $4, \
            sends = sends - $5, lease_token = null, lease_expires = null \
        where id = $1 and lease_token = $2 and state = 'pending'";
    let EndedDelivery { taken, error, is_refused } = ended;
    let values = [
        taken.id.0.into(),
        taken.token.clone().into(),
        tx.now.into(),
        error.clone().into(),
        i64::from(is_refused).into(),
    ];
    if tx.execute(END, values).await? == 0 {
        return Err(StoreError::LeaseLost);
    }
    let (topic, job) = (taken.told.topic, taken.told.job);
    let details = json!({
        "delivery": taken.id, "channel": taken.to.channel.slug(), "topic": topic.slug(),
        "attempts": taken.attempts, "error": error,
    });
    // That nobody could be told that nobody could be told is said by the log alone.
    if topic != Topic::NoticeUndelivered {
        tell(tx, Topic::NoticeUndelivered, job, details.clone()).await?;
    }
    Ok(Applied::one(Action::DeliveryEnd, job, details))
}

async fn hand_out(
    tx: &Tx,
    told: &Told,
    notices: Vec<NewNotice>,
    deliveries: Vec<NewDelivery>,
) -> Result<bool, StoreError> {
    const FANNED: &str = "update outbox set fanned_at = $2 where id = $1 and fanned_at is null";
    const NOTICE: &str = "\
        insert into notices (outbox_id, operator_id, family, subject, created_at) \
        values ($1, $2, $3, $4, $5) on conflict (outbox_id, operator_id) do nothing";
    if tx.execute(FANNED, [told.id.into(), tx.now.into()]).await? == 0 {
        return Ok(false);
    }
    for notice in notices {
        let values = [
            told.id.into(),
            notice.operator.0.into(),
            told.topic.family().slug().into(),
            notice.subject.into(),
            told.at.into(),
        ];
        tx.execute(NOTICE, values).await?;
    }
    for to in &deliveries {
        deliver(tx, told.id, to, tx.now).await?;
    }
    Ok(true)
}

/// Puts a delivery on its way. One recipient has one delivery of a notice.
pub(crate) async fn deliver(
    tx: &Tx,
    outbox: i64,
    to: &NewDelivery,
    next_at: i64,
) -> Result<i64, StoreError> {
    const DELIVER: &str = "\
        insert into deliveries (outbox_id, channel, recipient, operator_id, webhook_id, message, \
            next_at, created_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8) \
        on conflict (outbox_id, channel, recipient) do nothing returning id";
    let chance: [u8; 16] = rand::random();
    let values = [
        outbox.into(),
        to.channel.slug().into(),
        to.recipient.clone().into(),
        to.operator.map(|id| id.0).into(),
        to.webhook.map(|id| id.0).into(),
        format!("msg_{}", hexadecimal(&chance)).into(),
        next_at.into(),
        tx.now.into(),
    ];
    let row = tx.row(DELIVER, values).await?;
    row.map_or(Ok(0), |row| get(&row, "id"))
}

/// Condition on what this program knows. During an upgrade a newer one may tell of more: that is
/// left to it, and holds up nothing else.
fn known_topics(column: &str, values: &mut Vec<Bound>) -> String {
    among(column, Topic::ALL.iter().map(|topic| topic.slug()), values)
}

/// What was told of; none if this program does not know what it is.
pub(crate) fn told_of(row: &QueryResult, id: &str) -> Result<Option<Told>, StoreError> {
    let slug: String = get(row, "topic")?;
    let Some(topic) = Topic::find(&slug) else { return Ok(None) };
    Ok(Some(Told {
        id: get(row, id)?,
        topic,
        job: get::<Option<i64>>(row, "job_id")?.map(JobId),
        payload: get_json(row, "payload", "payload of a notice")?,
        at: get(row, "created_at")?,
    }))
}

/// Where a delivery goes, from its row.
pub(crate) fn recipient_of(row: &QueryResult) -> Result<NewDelivery, StoreError> {
    Ok(NewDelivery {
        channel: channel_of(&get::<String>(row, "channel")?)?,
        recipient: get(row, "recipient")?,
        operator: get::<Option<i64>>(row, "operator_id")?.map(OperatorId),
        webhook: get::<Option<i64>>(row, "webhook_id")?.map(WebhookId),
    })
}

/// The state of a delivery, from its row.
pub(crate) fn state_of(row: &QueryResult) -> Result<DeliveryState, StoreError> {
    let state: String = get(row, "state")?;
    DeliveryState::find(&state).ok_or(StoreError::Corrupt { what: "state of a delivery" })
}

fn shortened(error: &str) -> String {
    let mut end = error.len().min(ERROR_BYTES_MAX);
    while !error.is_char_boundary(end) {
        end -= 1;
    }
    error[..end].to_owned()
}
