//! Sign-ins in browsers, and links by which passwords are set.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, QueryResult};
use tidegate_model::{
    ids::{OperatorId, SessionId, TokenId},
    settings::Settings,
};

use crate::{
    connection::Store,
    error::StoreError,
    query::{
        among_numbers,
        operators::{Operator, owner_columns, owner_of},
    },
    sql::{get, get_json, statement},
};

/// Microseconds after which it is noted again that somebody is there.
const SEEN_MICROS: i64 = 60_000_000;
/// Sign-ins that are listed at most.
const LISTED_MAX: i64 = 200;

/// A sign-in in a browser. Only the store makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    id: SessionId,
    /// Whose.
    pub operator: OperatorId,
    /// Address of the peer that signed in.
    pub address: Option<String>,
    /// What its browser called itself.
    pub agent: Option<String>,
    /// When, in microseconds since 1970.
    pub created_at: i64,
    /// When it was used last, about.
    pub seen_at: i64,
    /// When it ends at the latest.
    pub expires_at: i64,
    /// Whether it has been ended.
    pub is_ended: bool,
    /// Whether a provider vouches for it: no second factor is asked here.
    pub is_vouched: bool,
}

impl Session {
    /// Number.
    pub fn id(&self) -> SessionId {
        self.id
    }
}

/// Whoever shows a sign-in, what the site says of such, and when that was looked up.
#[derive(Clone, Debug)]
pub struct Presence {
    /// The sign-in.
    pub session: Session,
    /// Whose it is.
    pub operator: Operator,
    /// The settings.
    pub settings: Settings,
    /// The database's clock, in microseconds since 1970.
    pub now: i64,
}

/// A link by which an operator sets a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Number.
    pub id: i64,
    /// Whose.
    pub operator: OperatorId,
    /// When it ends, in microseconds since 1970.
    pub expires_at: i64,
    /// Whether it was used.
    pub is_used: bool,
}

impl Store {
    /// Whoever shows a sign-in, by the hash of its secret: all from one look, as every page asks.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn presence(&self, hash: &str) -> Result<Option<Presence>, StoreError> {
        let sql = format!(
            "select s.*, {}, c.document as settings, {} as now \
             from sessions s join operators o on o.id = s.operator_id \
             join settings c on c.id = 1 where s.hash = $1",
            owner_columns(),
            self.inner.now(),
        );
        let Some(row) = self.ask_one(&sql, [hash.into()]).await? else { return Ok(None) };
        Ok(Some(Presence {
            session: session_of(&row)?,
            operator: owner_of(&row)?,
            settings: get_json(&row, "settings", "document of settings")?,
            now: get(&row, "now")?,
        }))
    }

    /// The sign-ins of an operator that have not ended, the newest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn sessions(&self, operator: OperatorId) -> Result<Vec<Session>, StoreError> {
        let now = self.inner.now();
        let sql = format!(
            "select * from sessions where operator_id = $1 and ended_at is null \
                 and expires_at > {now} order by id desc limit $2"
        );
        let rows = self.ask(&sql, [operator.0.into(), LISTED_MAX.into()]).await?;
        rows.iter().map(session_of).collect()
    }

    /// When each operator was last seen signed in.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn last_seen(&self) -> Result<BTreeMap<OperatorId, i64>, StoreError> {
        const SEEN: &str =
            "select operator_id, max(seen_at) as seen_at from sessions group by operator_id";
        let rows = self.ask(SEEN, []).await?;
        rows.iter()
            .map(|row| Ok((OperatorId(get(row, "operator_id")?), get(row, "seen_at")?)))
            .collect()
    }

    /// A sign-in by number.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        const BY_ID: &str = "select * from sessions where id = $1";
        self.ask_one(BY_ID, [id.0.into()]).await?.as_ref().map(session_of).transpose()
    }

    /// Which of these sign-ins are there and have not ended, whether by somebody or by their time.
    /// How long one was idle does not count: what goes on by it is no idleness.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn live_sessions(&self, ids: &[SessionId]) -> Result<Vec<SessionId>, StoreError> {
        let live = self.live("sessions", "ended_at", ids.iter().map(|id| id.0)).await?;
        Ok(live.into_iter().map(SessionId).collect())
    }

    /// Which of these tokens are there, not taken back, and not over their time.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn live_tokens(&self, ids: &[TokenId]) -> Result<Vec<TokenId>, StoreError> {
        let live = self.live("tokens", "revoked_at", ids.iter().map(|id| id.0)).await?;
        Ok(live.into_iter().map(TokenId).collect())
    }

    async fn live(
        &self,
        table: &str,
        end: &str,
        ids: impl ExactSizeIterator<Item = i64>,
    ) -> Result<Vec<i64>, StoreError> {
        if ids.len() == 0 {
            return Ok(Vec::new());
        }
        let mut values = Vec::new();
        let sought = among_numbers("id", ids, &mut values);
        let now = self.inner.now();
        let sql = format!(
            "select id from {table} where {sought} and {end} is null and expires_at > {now}"
        );
        self.ask(&sql, values).await?.iter().map(|row| get(row, "id")).collect()
    }

    /// Notes that whoever signed in is still there; a sign-in is the proof. Does nothing where that
    /// was noted within the minute.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn note_seen(&self, session: &Session, now: i64) -> Result<(), StoreError> {
        if now - session.seen_at < SEEN_MICROS {
            return Ok(());
        }
        const SEEN: &str = "\
            update sessions set seen_at = $2 \
            where id = $1 and seen_at < $2 and ended_at is null";
        let writer = &self.inner.writer;
        let values = [session.id.0.into(), now.into()];
        writer.execute_raw(statement(writer, SEEN, values)).await?;
        Ok(())
    }

    /// A link by which a password is set, by the hash of its secret.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn invitation_by_hash(&self, hash: &str) -> Result<Option<Invitation>, StoreError> {
        const BY_HASH: &str = "select * from invitations where hash = $1";
        let Some(row) = self.ask_one(BY_HASH, [hash.into()]).await? else { return Ok(None) };
        Ok(Some(Invitation {
            id: get(&row, "id")?,
            operator: OperatorId(get(&row, "operator_id")?),
            expires_at: get(&row, "expires_at")?,
            is_used: get::<Option<i64>>(&row, "used_at")?.is_some(),
        }))
    }
}

fn session_of(row: &QueryResult) -> Result<Session, StoreError> {
    Ok(Session {
        id: SessionId(get(row, "id")?),
        operator: OperatorId(get(row, "operator_id")?),
        address: get(row, "address")?,
        agent: get(row, "agent")?,
        created_at: get(row, "created_at")?,
        seen_at: get(row, "seen_at")?,
        expires_at: get(row, "expires_at")?,
        is_ended: get::<Option<i64>>(row, "ended_at")?.is_some(),
        is_vouched: get::<i64>(row, "is_vouched")? == 1,
    })
}
