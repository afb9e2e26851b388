//! Stops a stream in the server itself, from any thread.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use mysql_async::{Conn, Error, Opts, prelude::Queryable};
use tokio::sync::Notify;

use super::{
    address::Address,
    session::{bid_farewell, connect},
};
use crate::Interruptible;

/// Longest wait for the second connection; a cancel has to be done within a second where the
/// server is well, and must not hang where it is not.
const ERRAND_SECONDS_MAX: u64 = 5;

/// Longest wait for the answer to a `kill`. A server may take seconds for it (MariaDB tries for two
/// to wake who waits in a busy `sleep`); it has heard by then, and nobody waits for it any more.
const KILL_PATIENCE: Duration = Duration::from_millis(200);

/// The number of no connection; the server counts from 1.
const NO_CONNECTION: u32 = 0;

/// The way to stop one connection, from before it is made.
pub(super) struct Stop {
    address: Address,
    application: String,
    connection: AtomicU32,
    is_asked_for: AtomicBool,
    is_over: Arc<AtomicBool>,
    asked: Notify,
}

impl Stop {
    pub(super) fn new(address: Address, application: &str) -> Self {
        Self {
            address,
            application: application.to_owned(),
            connection: AtomicU32::new(NO_CONNECTION),
            is_asked_for: AtomicBool::new(false),
            is_over: Arc::default(),
            asked: Notify::new(),
        }
    }

    /// Takes note of the connection; nothing must run on it before.
    pub(super) fn watch_over(&self, connection: u32) {
        self.connection.store(connection, Ordering::Release);
    }

    /// Whether someone asked to stop.
    pub(super) fn is_asked_for(&self) -> bool {
        self.is_asked_for.load(Ordering::Acquire)
    }

    /// Ends once someone asks to stop.
    pub(super) async fn asked(&self) {
        if !self.is_asked_for() {
            self.asked.notified().await;
        }
    }

    /// The outcome of some work of the connection, unless someone asks to stop meanwhile.
    pub(super) async fn or_asked<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = self.asked() => Err(std::io::Error::from(std::io::ErrorKind::Interrupted).into()),
            outcome = work => outcome,
        }
    }

    /// Notes that the connection has been closed in good order, so that nothing is left to stop.
    pub(super) fn over(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// Ends the connection on the server. `kill query` would not do: it misses a statement that
    /// is just about to start, and it leaves a sort or a wait to notice that nobody listens.
    pub(super) fn kill(&self) {
        let connection = self.connection.load(Ordering::Acquire);
        if connection == NO_CONNECTION || self.is_over.load(Ordering::Acquire) {
            return;
        }
        let attempts = self.address.attempts(&self.application);
        let statement = format!("kill {connection}");
        let is_over = Arc::clone(&self.is_over);
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        // A thread of its own, as the caller's may already be driving a runtime, and as it may go
        // on when nobody waits for it any more.
        std::thread::spawn(move || {
            let killed = async {
                let conn = within(ERRAND_SECONDS_MAX, run(attempts, &statement)).await?;
                is_over.store(true, Ordering::Release);
                _ = tell.send(());
                bid_farewell(conn).await;
                Ok::<(), Error>(())
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let killed = runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(killed));
            if let Err(error) = killed {
                tracing::warn!(%error, "a connection could not be killed");
            }
        });
        // Whoever fails drops the other end.
        _ = told.recv_timeout(KILL_PATIENCE);
    }

    /// Whether the connection still stands in the server's process list.
    pub(super) async fn is_alive(&self) -> bool {
        let attempts = self.address.attempts(&self.application);
        let connection = self.connection.load(Ordering::Acquire);
        let statement =
            format!("select 1 from information_schema.processlist where id = {connection}");
        match within(ERRAND_SECONDS_MAX, find(attempts, &statement)).await {
            Ok(is_found) => is_found,
            // The server answers, if only that it has no room for another connection.
            Err(Error::Server(_)) => true,
            Err(_) => false,
        }
    }
}

impl Interruptible for Stop {
    fn interrupt(&self) {
        self.is_asked_for.store(true, Ordering::Release);
        self.asked.notify_one();
        self.kill();
    }
}

async fn within<T>(seconds: u64, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match tokio::time::timeout(Duration::from_secs(seconds), work).await {
        Ok(result) => result,
        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}

/// Runs the statement, and gives back the connection.
async fn run(attempts: Vec<Opts>, statement: &str) -> Result<Conn, Error> {
    /// There is no such connection (any more).
    const NO_SUCH_THREAD: u16 = 1094;
    let mut conn = connect(attempts).await?;
    match conn.query_drop(statement).await {
        Err(Error::Server(error)) if error.code == NO_SUCH_THREAD => {}
        other => other?,
    }
    Ok(conn)
}

async fn find(attempts: Vec<Opts>, statement: &str) -> Result<bool, Error> {
    let mut conn = connect(attempts).await?;
    let found: Option<u8> = conn.query_first(statement).await?;
    bid_farewell(conn).await;
    Ok(found.is_some())
}
