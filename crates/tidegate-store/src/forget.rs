//! Forgets what people were told of when it is long over, with what became of it.
//!
//! What happened is gone from here with its notices and deliveries, all at once; the activity log
//! keeps it for as long as that is kept. What nobody has been told of yet is never forgotten where
//! it is about security: it waits for somebody to read it, or to send it again.

use tidegate_model::{
    action::Action,
    notice::{Family, Topic},
    policy::Permit,
};

use crate::{
    connection::Store,
    door::spend_on_log,
    error::StoreError,
    sql::{Tx, get},
};

/// What is over: it was handed out long ago, nothing of it waits, and nothing became of it lately.
const OVER: &str = "\
    select o.id from outbox o where o.created_at < $1 and o.fanned_at is not null \
        and not exists (select 1 from deliveries d where d.outbox_id = o.id \
            and (d.state = 'pending' or d.ended_at >= $1)) \
        and (o.topic not in ({security}) or ( \
            not exists (select 1 from deliveries d \
                where d.outbox_id = o.id and d.state = 'dead') \
            and not exists (select 1 from notices n \
                where n.outbox_id = o.id and n.read_at is null) \
            and (exists (select 1 from deliveries d \
                    where d.outbox_id = o.id and d.state = 'sent') \
                or exists (select 1 from notices n where n.outbox_id = o.id)))) \
    order by o.id limit $2";

impl Store {
    /// Forgets what happened before a moment, in microseconds since 1970, and is over: some of it.
    /// Gives how much.
    ///
    /// # Errors
    ///
    /// If the permit is for something else, or the database fails.
    pub async fn forget_told(
        &self,
        permit: Permit,
        before: i64,
        limit: u32,
    ) -> Result<usize, StoreError> {
        spend_on_log(&permit, Action::DeliveryKeep)?;
        let over = OVER.replace("{security}", &security());
        // A look first: whoever finds nothing must not take the writer's lock.
        if self.ask_one(&over, [before.into(), 1_i64.into()]).await?.is_none() {
            return Ok(0);
        }
        let connections = self.inner.clone();
        // In a task of its own, as every transaction: whoever waits may lose interest.
        let task = tokio::spawn(async move {
            let inner = connections.begin().await?;
            let tx = Tx { inner, now: 0, next_seq: 0 };
            let rows = tx.rows(&over, [before.into(), i64::from(limit).into()]).await?;
            let ids = rows.iter().map(|row| get::<i64>(row, "id").map(|id| id.to_string()));
            let ids = ids.collect::<Result<Vec<String>, _>>()?;
            let listed = ids.join(", ");
            for from in ["deliveries where outbox_id", "notices where outbox_id", "outbox where id"]
            {
                if !ids.is_empty() {
                    tx.execute(&format!("delete from {from} in ({listed})"), []).await?;
                }
            }
            tx.inner.commit().await?;
            Ok(ids.len())
        });
        task.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }
}

/// The topics of security, as a list of SQL: names of ours, that nobody has sent.
fn security() -> String {
    let topics = Topic::ALL.iter().filter(|topic| topic.family() == Family::Security);
    let slugs: Vec<String> = topics.map(|topic| format!("'{}'", topic.slug())).collect();
    slugs.join(", ")
}
