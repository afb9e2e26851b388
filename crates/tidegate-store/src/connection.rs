//! Opens the control database, and refuses one that would lose what it is told.

use std::{path::Path, sync::Arc, time::Duration};

use rustix::fs::FsWord;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
    sqlx::{
        Executor,
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};

use secrecy::SecretString;

use crate::{
    error::StoreError,
    migration,
    sql::{get, statement},
};

/// Connections that read SQLite: its readers do not wait for its writer.
const SQLITE_READERS_MAX: u32 = 4;
/// Connections to PostgreSQL of one process.
const POSTGRES_CONNECTIONS_MAX: u32 = 10;
/// How long a writer of SQLite waits for another process.
const BUSY_SECONDS: u64 = 5;
/// Wait for a connection.
const ACQUIRE_SECONDS: u64 = 10;
/// First SQLite whose write-ahead log cannot be reset under a reader (fixed 13 March 2026).
const SQLITE_VERSION_MIN: (i64, i64, i64) = (3, 51, 3);
/// `f_type` of file systems on which SQLite's locks do not hold: NFS, SMB, SMB2, FUSE.
const NETWORK_FILE_SYSTEMS: [FsWord; 4] = [0x6969, 0x517B, 0xFE53_4D42, 0x6573_5546];

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
    /// For everything that only reads.
    pub(crate) reader: DatabaseConnection,
    /// For transactions that write; of SQLite there is one connection.
    pub(crate) writer: DatabaseConnection,
}

impl Store {
    /// Opens the database, and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// If it cannot be reached, is not fit, or was changed by a newer program.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let connections = if url.starts_with("sqlite:") {
            sqlite(url).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            postgres(url).await?
        } else {
            return Err(StoreError::UnknownKind);
        };
        let store = Self { inner: Arc::new(connections) };
        migration::migrate(&store).await?;
        Ok(store)
    }

    /// What it lives in.
    pub fn kind(&self) -> StoreKind {
        self.inner.kind
    }

    /// The database's clock, in microseconds since 1970.
    ///
    /// # Errors
    ///
    /// If the database cannot be asked.
    pub async fn now(&self) -> Result<i64, StoreError> {
        let reader = &self.inner.reader;
        let sql = format!("select {} as now", self.inner.kind.now());
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
    /// The clock, in microseconds.
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
    /// Begins a transaction that writes. Only ever called in a task of its own: a driver whose
    /// future is dropped while it begins would give the next one an open transaction.
    pub(crate) async fn begin(&self) -> Result<sea_orm::DatabaseTransaction, sea_orm::DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.writer.begin_with_options(options).await
    }
}

async fn sqlite(url: &str) -> Result<Connections, StoreError> {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    let path = path.split('?').next().unwrap_or_default();
    if path.is_empty() || path == ":memory:" {
        let detail = "control state needs a file: `sqlite:tidegate.db`".to_owned();
        return Err(StoreError::Unfit(detail));
    }
    refuse_network_file_system(Path::new(path))?;
    let connect = async |connections_max| {
        let mut options = ConnectOptions::new(format!("sqlite://{path}?mode=rwc"));
        options
            .max_connections(connections_max)
            .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS))
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(|options| {
                options
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(Duration::from_secs(BUSY_SECONDS))
                    .foreign_keys(true)
                    .pragma("mmap_size", "0")
                    .pragma("trusted_schema", "off")
            });
        Database::connect(options).await
    };
    let writer = connect(1).await?;
    check_sqlite(&writer).await?;
    let reader = connect(SQLITE_READERS_MAX).await?;
    Ok(Connections { url: url.into(), kind: StoreKind::Sqlite, reader, writer })
}

/// The rules under which SQLite keeps what it was told.
async fn check_sqlite(connection: &DatabaseConnection) -> Result<(), StoreError> {
    let ask = async |sql: &str| -> Result<String, StoreError> {
        let row = connection.query_one_raw(statement(connection, sql, [])).await?;
        get(&row.ok_or(StoreError::Corrupt { what: "pragma" })?, "answer")
    };
    let version = ask("select sqlite_version() as answer").await?;
    let parts: Vec<i64> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    if parts.len() < 3 || (parts[0], parts[1], parts[2]) < SQLITE_VERSION_MIN {
        let detail = format!("SQLite {version} can lose writes under load; it must be 3.51.3");
        return Err(StoreError::Unfit(detail));
    }
    let expected =
        [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1"), ("mmap_size", "0")];
    for (pragma, wanted) in expected {
        let sql = format!("select cast({pragma} as text) as answer from pragma_{pragma}");
        // Some builds do not know memory maps at all.
        let found = match ask(&sql).await {
            Err(_) if pragma == "mmap_size" => continue,
            found => found?,
        };
        if found != wanted {
            let detail = format!("its `{pragma}` is `{found}` and must be `{wanted}`");
            return Err(StoreError::Unfit(detail));
        }
    }
    Ok(())
}

fn refuse_network_file_system(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let status = rustix::fs::statfs(folder).map_err(|cause| {
        StoreError::Unfit(format!("its folder `{}` cannot be used: {cause}", folder.display()))
    })?;
    if NETWORK_FILE_SYSTEMS.contains(&status.f_type) {
        let detail = format!(
            "`{}` is on a network file system, where SQLite's locks do not hold; use PostgreSQL",
            folder.display()
        );
        return Err(StoreError::Unfit(detail));
    }
    Ok(())
}

async fn postgres(url: &str) -> Result<Connections, StoreError> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(POSTGRES_CONNECTIONS_MAX)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS))
        .sqlx_logging(false)
        .set_application_name("tidegate/control")
        .map_sqlx_postgres_pool_opts(|options| {
            // The driver may give back a connection inside a transaction when somebody lost
            // interest while it began one (sqlx 0.9.0): the next writes would be lost with it.
            options.after_release(|connection, _| {
                Box::pin(async move {
                    connection.execute("rollback").await?;
                    Ok(true)
                })
            })
        });
    let connection = Database::connect(options).await?;
    let reader = connection.clone();
    Ok(Connections { url: url.into(), kind: StoreKind::Postgres, reader, writer: connection })
}
