//! Takes deliveries that are due: of what this program knows, and to whom there is room.

use sea_orm::{ConnectionTrait, QueryResult, Value as Bound};
use tidegate_model::{
    action::Action,
    ids::{DeliveryId, WebhookId},
    policy::Permit,
};

use super::{TakenDelivery, known_topics, recipient_of, told_of};
use crate::{
    StoreKind,
    connection::Store,
    door::{random_word, spend_on_log},
    error::StoreError,
    query::among_numbers,
    sql::{get, statement},
};

/// Longest time for which a delivery is taken, in microseconds: above what any recipient is given.
const LEASE_MICROS_MAX: i64 = 60 * 60 * 1_000_000;
/// Longest time until a delivery is tried again, in microseconds: above a day and its jitter.
const NEXT_MICROS_MAX: i64 = 2 * 24 * 60 * 60 * 1_000_000;

/// What one delivery may hold up another by: a webhook, or, without one, the mail server.
pub type Recipient = Option<WebhookId>;

/// How many deliveries are taken, and to whom none are.
#[derive(Clone, Debug, Default)]
pub struct Room {
    /// How many at most.
    pub limit: u32,
    /// To whom as many are on their way as may be.
    pub full: Vec<Recipient>,
}

impl Room {
    /// Condition on deliveries that wait: of what is known, and to whom there is room.
    fn waiting(&self, now: &str, values: &mut Vec<Bound>) -> String {
        let known = known_topics("o.topic", values);
        let webhooks =
            among_numbers("webhook_id", self.full.iter().flatten().map(|it| it.0), values);
        let has_mail = i32::from(!self.full.contains(&None));
        let waits = waiting(now);
        format!(
            "{waits} and exists (select 1 from outbox o where o.id = outbox_id and {known}) \
             and case when webhook_id is null then {has_mail} = 1 else not ({webhooks}) end"
        )
    }
}

impl Store {
    /// Takes deliveries that are due, for a while: nobody else has them until then.
    ///
    /// # Errors
    ///
    /// If the permit is for something else, or the database fails.
    pub async fn take_deliveries(
        &self,
        permit: Permit,
        lease_micros: i64,
        room: &Room,
    ) -> Result<Vec<TakenDelivery>, StoreError> {
        spend_on_log(&permit, Action::DeliveryKeep)?;
        let now = self.inner.now();
        // A look first: whoever finds nothing must not take the writer's lock.
        let mut values = Vec::new();
        let waits = room.waiting(&now, &mut values);
        let look = format!("select id from deliveries where {waits} limit 1");
        if self.ask_one(&look, values).await?.is_none() {
            return Ok(Vec::new());
        }
        let token = random_word();
        let lease_micros = lease_micros.min(LEASE_MICROS_MAX);
        let mut values =
            vec![token.clone().into(), lease_micros.into(), i64::from(room.limit).into()];
        let waits = room.waiting(&now, &mut values);
        let locked = match self.kind() {
            StoreKind::Sqlite => "",
            StoreKind::Postgres => " for update skip locked",
        };
        let take = format!(
            "update deliveries set lease_token = $1, lease_expires = {now} + $2, \
                attempts = attempts + 1, \
                series = case when sends >= 2 then series + 1 else series end, \
                sends = case when sends >= 2 then 1 else sends + 1 end \
             where id in (select id from deliveries where {waits} \
                order by next_at, id limit $3{locked}) \
             returning id"
        );
        let writer = &self.inner.writer;
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
