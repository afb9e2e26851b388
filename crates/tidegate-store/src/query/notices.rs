//! Notices: inboxes, subscriptions, webhooks, words of mails, and what became of deliveries.

use std::collections::BTreeMap;

use sea_orm::{QueryResult, Value as Bound};
use tidegate_model::{
    ids::{DeliveryId, OperatorId, WebhookId},
    notice::{Channel, DeliveryState, Family, Topic},
};

use super::among;
use crate::{
    change::{
        TemplateWords,
        notices::{BY_HAND, channel_of},
    },
    connection::Store,
    deliver::{NewDelivery, Told, recipient_of, state_of, told_of},
    error::StoreError,
    sql::{get, get_json},
};

/// Deliveries and notices of a page at most.
const PAGE_MAX: u32 = 200;

/// What of a site an operator may be told of.
#[derive(Clone, Debug, Default)]
pub struct Audible {
    /// Subjects that may be seen.
    pub subjects: Vec<String>,
    /// Families that may be heard of.
    pub families: Vec<Family>,
}

/// A notice in somebody's inbox.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Number.
    pub id: i64,
    /// What happened.
    pub told: Told,
    /// When it was read, in microseconds since 1970.
    pub read_at: Option<i64>,
}

/// How somebody is told of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Whether by mail.
    pub by_mail: bool,
    /// Whether in the pages.
    pub in_inbox: bool,
}

/// How somebody is told who has never said anything.
impl Default for Subscription {
    fn default() -> Self {
        Self { by_mail: false, in_inbox: true }
    }
}

/// A webhook. Its secrets are sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Number.
    pub id: WebhookId,
    /// Name that its secrets are sealed for.
    pub public_id: String,
    /// Where to.
    pub url: String,
    /// Slugs of topics and families.
    pub topics: Vec<String>,
    /// The secret, sealed.
    pub secret: String,
    /// The one before, sealed, and until when it counts.
    pub before: Option<(String, i64)>,
    /// Who has added it.
    pub created_by: OperatorId,
    /// When, in microseconds since 1970.
    pub created_at: i64,
    /// Since when it fails.
    pub failing_since: Option<i64>,
    /// Since when it is off, and why.
    pub disabled: Option<(i64, String)>,
}

/// What became of a delivery.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Number.
    pub id: DeliveryId,
    /// Where to.
    pub to: NewDelivery,
    /// What it says.
    pub told: Told,
    /// Name under which it goes, or would go next.
    pub message: String,
    /// What became of it.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next.
    pub next_at: i64,
    /// What went wrong the last time.
    pub last_error: Option<String>,
    /// When it came to its end.
    pub ended_at: Option<i64>,
}

/// Which deliveries are sought.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Of one webhook.
    pub webhook: Option<WebhookId>,
    /// In one state.
    pub state: Option<DeliveryState>,
    /// Before a number.
    pub before: Option<i64>,
}

/// How many deliveries there are by one way in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryCount {
    /// Way.
    pub channel: Channel,
    /// State.
    pub state: DeliveryState,
    /// How many.
    pub count: i64,
    /// When the oldest of them was made, in microseconds since 1970.
    pub oldest: i64,
}

impl Audible {
    /// Condition on notices `n` of an operator, which is the first value.
    fn condition(&self, values: &mut Vec<Bound>) -> String {
        let families = among("n.family", self.families.iter().map(|one| one.slug()), values);
        let subjects = among("n.subject", self.subjects.iter().map(String::as_str), values);
        format!("n.operator_id = $1 and {families} and (n.subject is null or {subjects})")
    }
}

impl Store {
    /// How many notices an operator has not read.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn unread_notices(
        &self,
        operator: OperatorId,
        audible: &Audible,
    ) -> Result<i64, StoreError> {
        let mut values = vec![operator.0.into()];
        let condition = audible.condition(&mut values);
        let sql =
            format!("select count(*) as n from notices n where {condition} and n.read_at is null");
        let row = self.ask_one(&sql, values).await?;
        get(&row.ok_or(StoreError::Corrupt { what: "count" })?, "n")
    }

    /// How many notices an operator has not read, and how many exports of others wait for an
    /// approval, of these subjects. Every page asks this, and once.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn waits_for(
        &self,
        operator: OperatorId,
        audible: &Audible,
        approved: &[String],
    ) -> Result<(i64, i64), StoreError> {
        let mut values = vec![operator.0.into()];
        let condition = audible.condition(&mut values);
        let of = among("j.subject", approved.iter().map(String::as_str), &mut values);
        let sql = format!(
            "select (select count(*) from notices n where {condition} and n.read_at is null) \
                 as unread, \
                 (select count(*) from approvals a join jobs j on j.id = a.job_id \
                     where a.state = 'waiting' and j.created_by <> $1 and {of}) as approvals"
        );
        let row = self.ask_one(&sql, values).await?;
        let row = row.ok_or(StoreError::Corrupt { what: "count" })?;
        Ok((get(&row, "unread")?, get(&row, "approvals")?))
    }

    /// Notices of an operator before a number, newest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn notices(
        &self,
        operator: OperatorId,
        audible: &Audible,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Notice>, StoreError> {
        let mut values = vec![operator.0.into()];
        let condition = audible.condition(&mut values);
        values.extend([before.unwrap_or(i64::MAX).into(), page_of(limit).into()]);
        let (before, limit) = (values.len() - 1, values.len());
        let sql = format!(
            "select n.id, n.read_at, n.outbox_id, o.topic, o.job_id, o.payload, o.created_at \
             from notices n join outbox o on o.id = n.outbox_id \
             where {condition} and n.id < ${before} order by n.id desc limit ${limit}"
        );
        let mut notices = Vec::new();
        for row in self.ask(&sql, values).await? {
            let Some(told) = told_of(&row, "outbox_id")? else { continue };
            notices.push(Notice { id: get(&row, "id")?, told, read_at: get(&row, "read_at")? });
        }
        Ok(notices)
    }

    /// How everybody is told who has said it.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn subscriptions(
        &self,
        operator: Option<OperatorId>,
    ) -> Result<BTreeMap<(OperatorId, String), Subscription>, StoreError> {
        const ALL: &str = "\
            select operator_id, family, by_mail, in_inbox from subscriptions \
            where ($1 = 0 or operator_id = $1)";
        let rows = self.ask(ALL, [operator.map_or(0, |id| id.0).into()]).await?;
        let of = |row| {
            let by_mail = get::<i64>(row, "by_mail")? == 1;
            let in_inbox = get::<i64>(row, "in_inbox")? == 1;
            let whose = (OperatorId(get(row, "operator_id")?), get(row, "family")?);
            Ok((whose, Subscription { by_mail, in_inbox }))
        };
        rows.iter().map(of).collect()
    }

    /// The webhooks that there are.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        const ALL: &str = "select * from webhooks where removed_at is null order by id";
        self.ask(ALL, []).await?.iter().map(webhook_of).collect()
    }

    /// A webhook by number.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn webhook(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        const ONE: &str = "select * from webhooks where id = $1 and removed_at is null";
        self.ask_one(ONE, [id.0.into()]).await?.as_ref().map(webhook_of).transpose()
    }

    /// The words of topics that are not the program's.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn templates(&self) -> Result<BTreeMap<String, TemplateWords>, StoreError> {
        const ALL: &str = "select topic, title, body, html from templates";
        let of = |row| {
            let (title, body) = (get(row, "title")?, get(row, "body")?);
            Ok((get(row, "topic")?, TemplateWords { title, body, html: get(row, "html")? }))
        };
        self.ask(ALL, []).await?.iter().map(of).collect()
    }

    /// Deliveries, newest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        const SOUGHT: &str = "\
            select d.*, o.topic, o.job_id, o.payload from deliveries d \
            join outbox o on o.id = d.outbox_id \
            where ($1 = 0 or d.webhook_id = $1) and ($2 = '' or d.state = $2) and d.id < $3 \
            order by d.id desc limit $4";
        let values = [
            filter.webhook.map_or(0, |id| id.0).into(),
            filter.state.map_or("", DeliveryState::slug).into(),
            filter.before.unwrap_or(i64::MAX).into(),
            page_of(limit).into(),
        ];
        let mut found = Vec::new();
        for row in self.ask(SOUGHT, values).await? {
            let Some(told) = told_of(&row, "outbox_id")? else { continue };
            let (series, message): (i64, String) = (get(&row, "series")?, get(&row, "message")?);
            found.push(Delivery {
                id: DeliveryId(get(&row, "id")?),
                to: recipient_of(&row)?,
                told,
                message: if series == 0 { message } else { format!("{message}.{series}") },
                state: state_of(&row)?,
                attempts: get(&row, "attempts")?,
                next_at: get(&row, "next_at")?,
                last_error: get(&row, "last_error")?,
                ended_at: get(&row, "ended_at")?,
            });
        }
        Ok(found)
    }

    /// How many deliveries there are, by way and state.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn delivery_counts(&self) -> Result<Vec<DeliveryCount>, StoreError> {
        const COUNTS: &str = "\
            select channel, state, count(*) as n, min(created_at) as oldest from deliveries \
            group by channel, state order by channel, state";
        let of = |row: &QueryResult| {
            Ok(DeliveryCount {
                channel: channel_of(&get::<String>(row, "channel")?)?,
                state: state_of(row)?,
                count: get(row, "n")?,
                oldest: get(row, "oldest")?,
            })
        };
        self.ask(COUNTS, []).await?.iter().map(of).collect()
    }
}

impl Webhook {
    /// Why it was switched off, if it was not by hand.
    pub fn ended(&self) -> Option<&str> {
        let (_, reason) = self.disabled.as_ref()?;
        Some(reason.as_str()).filter(|reason| *reason != BY_HAND)
    }

    /// Whether it is told of a topic.
    pub fn hears(&self, topic: Topic) -> bool {
        let is_its = |slug: &String| slug == topic.slug() || slug == topic.family().slug();
        self.disabled.is_none() && self.topics.iter().any(is_its)
    }
}

fn page_of(limit: u32) -> i64 {
    i64::from(limit.clamp(1, PAGE_MAX))
}

fn webhook_of(row: &QueryResult) -> Result<Webhook, StoreError> {
    let before: Option<String> = get(row, "secret_before")?;
    let until: Option<i64> = get(row, "secret_before_until")?;
    let disabled_at: Option<i64> = get(row, "disabled_at")?;
    let reason: Option<String> = get(row, "disabled_reason")?;
    Ok(Webhook {
        id: WebhookId(get(row, "id")?),
        public_id: get(row, "public_id")?,
        url: get(row, "url")?,
        topics: get_json(row, "topics", "list of topics")?,
        secret: get(row, "secret")?,
        before: before.zip(until),
        created_by: OperatorId(get(row, "created_by")?),
        created_at: get(row, "created_at")?,
        failing_since: get(row, "failing_since")?,
        disabled: disabled_at.map(|at| (at, reason.unwrap_or_default())),
    })
}
