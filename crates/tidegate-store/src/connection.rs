//! Opens the control database, and refuses one that would lose what it is told.

mod clock;
mod postgres;
mod sqlite;

use std::sync::Arc;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};

use secrecy::SecretString;

pub use self::clock::Clock;
use crate::{
    commit::Gathered,
    error::StoreError,
    migration,
    sql::{get, statement},
};

/// Wait for a connection.
const ACQUIRE_SECONDS: u64 = 10;

/// What the control state lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// A file of this host.
    Sqlite,
    /// A server.
    Postgres,
}

/// The control state.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) inner: Arc<Connections>,
}

#[derive(Debug)]
pub(crate) struct Connections {
    pub(crate) url: SecretString,
    pub(crate) kind: StoreKind,
    /// Which time it goes by.
    pub(crate) clock: Clock,
    /// For everything that only reads.
    pub(crate) reader: DatabaseConnection,
    /// For transactions that write; of SQLite there is one connection.
    pub(crate) writer: DatabaseConnection,
    /// Changes that wait to be committed.
    pub(crate) gathered: Gathered,
}

impl Store {
    /// Opens the database, and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// If it cannot be reached, is not fit, or was changed by a newer program.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_by(url, &Clock::default()).await
    }

    /// Opens it to go by a clock, which may be shared with another store.
    ///
    /// # Errors
    ///
    /// If it cannot be reached, is not fit, or was changed by a newer program.
    pub async fn open_by(url: &str, clock: &Clock) -> Result<Self, StoreError> {
        let store = Self::connect(url, clock).await?;
        if !migration::migrate(&store).await? {
            return Ok(store);
        }
        // A connection from before would read rows by the columns that their tables had then: the
        // driver for SQLite loses those that were added, and the row with them (sqlx 0.9.0).
        store.close().await;
        Self::connect(url, clock).await
    }

    async fn connect(url: &str, clock: &Clock) -> Result<Self, StoreError> {
        let mut connections = if url.starts_with("sqlite:") {
            sqlite::open(url).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            postgres::open(url).await?
        } else {
            return Err(StoreError::UnknownKind);
        };
        connections.clock = clock.clone();
        Ok(Self { inner: Arc::new(connections) })
    }

    /// What it lives in.
    pub fn kind(&self) -> StoreKind {
        self.inner.kind
    }

    /// Which time it goes by.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The database's clock, in microseconds since 1970.
    ///
    /// # Errors
    ///
    /// If the database cannot be asked.
    pub async fn now(&self) -> Result<i64, StoreError> {
        let reader = &self.inner.reader;
        let sql = format!("select {} as now", self.inner.now());
        let row = reader.query_one_raw(statement(reader, &sql, [])).await?;
        get(&row.ok_or(StoreError::Corrupt { what: "clock" })?, "now")
    }

    /// Closes all connections.
    pub async fn close(self) {
        if let Ok(connections) = Arc::try_unwrap(self.inner) {
            drop(connections.writer.close().await);
            drop(connections.reader.close().await);
        }
    }
}

impl StoreKind {
    /// Its own clock, in microseconds.
    pub(crate) fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "cast(unixepoch('subsec') * 1000000 as integer)",
            Self::Postgres => "(extract(epoch from clock_timestamp()) * 1000000)::bigint",
        }
    }

    /// What makes a select wait for, and keep, the row's lock. SQLite's writer has all of them.
    pub(crate) fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " for update",
        }
    }
}

impl Connections {
    /// The time, in the database's words.
    pub(crate) fn now(&self) -> String {
        self.clock.now(self.kind)
    }

    /// Begins a transaction that writes. Only ever called in a task of its own: a driver whose
    /// future is dropped while it begins would give the next one an open transaction.
    pub(crate) async fn begin(&self) -> Result<sea_orm::DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.writer.begin_with_options(options).await
    }
}
