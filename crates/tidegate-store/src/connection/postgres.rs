//! Opens PostgreSQL so that nothing one caller leaves undone reaches the next.

use std::time::Duration;

use sea_orm::{ConnectOptions, Database, sqlx::Executor};

use super::{ACQUIRE_SECONDS, Connections, StoreKind};
use crate::error::StoreError;

/// Connections to PostgreSQL of one process.
const CONNECTIONS_MAX: u32 = 10;
/// Ends a transaction of PostgreSQL whose process has fallen silent: it holds the lock of all
/// writers, and a lease lives three times as long.
const END_OF_SILENCE: &str = "set idle_in_transaction_session_timeout = '5s'";
/// Ends whatever transaction is open. A `rollback` alone would warn, in the server's log, each time
/// that none is.
const NO_TRANSACTION: &str = "begin; rollback";

pub(super) async fn open(url: &str) -> Result<Connections, StoreError> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS))
        .sqlx_logging(false)
        .set_application_name("tidegate/control")
        .map_sqlx_postgres_pool_opts(|options| {
            let options = options.after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute(END_OF_SILENCE).await?;
                    Ok(())
                })
            });
            // The driver may give back a connection inside a transaction when somebody lost
            // interest while it began one (sqlx 0.9.0): the next writes would be lost with it.
            options.after_release(|connection, _| {
                Box::pin(async move {
                    connection.execute(NO_TRANSACTION).await?;
                    Ok(true)
                })
            })
        });
    let connection = Database::connect(options).await?;
    let reader = connection.clone();
    Ok(Connections { url: url.into(), kind: StoreKind::Postgres, reader, writer: connection })
}
