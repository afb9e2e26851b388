//! Hands notices out to whom they concern, and notes what became of each delivery.
//!
//! A notice is fanned out in one transaction: each recipient has one delivery of it, whoever does
//! it. A delivery is taken with a fresh token for a while. It counts as sent under its name from
//! the moment that it is taken, unless the recipient is known to have refused it: whoever sends,
//! and dies before the note of it, has used up one of two. The third goes by another name.

use sea_orm::{ConnectionTrait, QueryResult};
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
    door::{random_word, spend_on_log},
    error::StoreError,
    sql::{Tx, get, get_json, statement},
};

/// Bytes of what went wrong that are kept.
const ERROR_BYTES_MAX: usize = 500;
/// Longest time for which a delivery is taken, in microseconds: above what any recipient is given.
const LEASE_MICROS_MAX: i64 = 60 * 60 * 1_000_000;
/// Longest time until a delivery is tried again, in microseconds: above a day and its jitter.
const NEXT_MICROS_MAX: i64 = 2 * 24 * 60 * 60 * 1_000_000;

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

const OPEN: &str = "\
    select id, topic, job_id, payload, created_at from outbox where fanned_at is null \
    order by id limit $1";

impl Store {
    /// What nobody was told of yet, oldest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn untold(&self, limit: u32) -> Result<Vec<Told>, StoreError> {
        let rows = self.ask(OPEN, [i64::from(limit).into()]).await?;
        let told = rows.iter().map(|row| told_of(row, "id"));
        // A newer program may have told of something that this one does not know: it is left there.
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

    /// Takes deliveries that are due, for a while: nobody else has them until then.
    ///
    /// # Errors
    ///
    /// If the permit is for something else, or the database fails.
    pub async fn take_deliveries(
        &self,
        permit: Permit,
        lease_micros: i64,
        limit: u32,
    ) -> Result<Vec<TakenDelivery>, StoreError> {
        spend_on_log(&permit, Action::DeliveryKeep)?;
        let now = self.inner.now();
        let waits = waiting(&now);
        // A look first: whoever finds nothing must not take the writer's lock.
        let look = format!("select id from deliveries where {waits} limit 1");
        if self.ask_one(&look, []).await?.is_none() {
            return Ok(Vec::new());
        }
        let locked = match self.kind() {
            crate::StoreKind::Sqlite => "",
            crate::StoreKind::Postgres => " for update skip locked",
        };
        let take = format!(
            "update deliveries set lease_token = $1, lease_expires = {now} + $2, \
                attempts = attempts + 1, \
                series = case when sends >= 2 then series + 1 else series end, \
                sends = case when sends >= 2 then 1 else sends + 1 end \
             where id in (select id from deliveries where {waits} \
                order by next_at limit $3{locked}) \
             returning id"
        );
        let token = random_word();
        let writer = &self.inner.writer;
        let lease_micros = lease_micros.min(LEASE_MICROS_MAX);
        let values = [token.clone().into(), lease_micros.into(), i64::from(limit).into()];
        writer.query_all_raw(statement(writer, &take, values)).await?;
        self.deliveries_taken(&token).await
    }

    async fn deliveries_taken(&self, token: &str) -> Result<Vec<TakenDelivery>, StoreError> {
        const TAKEN: &str = "\
            select d.*, o.topic, o.job_id, o.payload, o.created_at as told_at \
            from deliveries d join outbox o on o.id = d.outbox_id \
            where d.lease_token = $1 and d.state = 'pending' order by d.next_at, d.id";
        let rows = self.ask(TAKEN, [token.into()]).await?;
        rows.iter().map(|row| taken_of(row, token)).collect()
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

/// Deliveries that wait, by a clock of the database.
///
/// A clock that was ahead, and has gone back, holds nothing back: what was to be sent at once is,
/// and what is further ahead than any pause, or taken for longer than anybody takes, is free.
fn waiting(now: &str) -> String {
    format!(
        "state = 'pending' \
         and (next_at <= {now} or next_at <= created_at or next_at > {now} + {NEXT_MICROS_MAX}) \
         and (lease_expires is null \
            or lease_expires not between {now} and {now} + {LEASE_MICROS_MAX})"
    )
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

fn taken_of(row: &QueryResult, token: &str) -> Result<TakenDelivery, StoreError> {
    let mut told = told_of(row, "outbox_id")?.ok_or(StoreError::Corrupt { what: "topic" })?;
    told.at = get(row, "told_at")?;
    let series: i64 = get(row, "series")?;
    let message: String = get(row, "message")?;
    Ok(TakenDelivery {
        id: DeliveryId(get(row, "id")?),
        token: token.to_owned(),
        message: if series == 0 { message } else { format!("{message}.{series}") },
        attempts: get(row, "attempts")?,
        to: recipient_of(row)?,
        told,
    })
}

fn shortened(error: &str) -> String {
    let mut end = error.len().min(ERROR_BYTES_MAX);
    while !error.is_char_boundary(end) {
        end -= 1;
    }
    error[..end].to_owned()
}
