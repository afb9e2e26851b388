//! Opens PostgreSQL so that nothing one caller leaves undone reaches the next.

use std::time::Duration;

use sea_orm::{ConnectOptions, Database, sqlx::Executor};

use super::{ACQUIRE_SECONDS, Clock, Connections, StoreKind};
use crate::{commit::Gathered, error::StoreError};

/// Connections of one process that write. They wait for each other at the head of the log anyway.
const WRITERS_MAX: u32 = 4;
/// Connections of one process that read: apart, so that no reader waits behind writers.
const READERS_MAX: u32 = 8;
/// Ends a transaction of PostgreSQL whose process has fallen silent: it holds the lock of all
/// writers, and a lease lives three times as long.
const END_OF_SILENCE: &str = "set idle_in_transaction_session_timeout = '5s'";
/// Ends whatever transaction is open. A `rollback` alone would warn, in the server's log, each time
/// that none is.
const NO_TRANSACTION: &str = "begin; rollback";

pub(super) async fn open(url: &str) -> Result<Connections, StoreError> {
    let mut writers = options(url, WRITERS_MAX);
    writers.map_sqlx_postgres_pool_opts(|options| {
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
    let writer = Database::connect(writers).await?;
    // Whoever only reads begins no transaction, and so leaves none.
    let reader = Database::connect(options(url, READERS_MAX)).await?;
    Ok(Connections {
        url: url.into(),
        kind: StoreKind::Postgres,
        clock: Clock::default(),
        reader,
        writer,
        gathered: Gathered::default(),
    })
}

fn options(url: &str, connections_max: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections_max)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS))
        .sqlx_logging(false)
        .set_application_name("tidegate/control");
    options
}
