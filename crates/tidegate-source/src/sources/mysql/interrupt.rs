//! Stops a stream in the server itself, from any thread.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use mysql_async::{Error, Opts, prelude::Queryable};
use tokio::sync::Notify;

use super::{
    address::Address,
    session::{bid_farewell, connect},
};
use crate::Interruptible;

/// Longest wait for the second connection; a cancel has to be done within a second where the
/// server is well, and must not hang where it is not.
const ERRAND_SECONDS_MAX: u64 = 5;

/// The number of no connection; the server counts from 1.
const NO_CONNECTION: u32 = 0;

/// The way to stop one connection, from before it is made.
pub(super) struct Stop {
    address: Address,
    application: String,
    connection: AtomicU32,
    is_asked_for: AtomicBool,
    is_over: AtomicBool,
    asked: Notify,
}

impl Stop {
    pub(super) fn new(address: Address, application: &str) -> Self {
        Self {
            address,
            application: application.to_owned(),
            connection: AtomicU32::new(NO_CONNECTION),
            is_asked_for: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
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
        // A thread of its own, as the caller's may already be driving a runtime.
        let killed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(within(ERRAND_SECONDS_MAX, run(attempts, &statement)))
        })
        .join();
        match killed {
            Ok(Ok(())) => self.over(),
            Ok(Err(error)) => tracing::warn!(%error, "a connection could not be killed"),
            Err(_) => tracing::warn!("a connection could not be killed"),
        }
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

async fn run(attempts: Vec<Opts>, statement: &str) -> Result<(), Error> {
    /// There is no such connection (any more).
    const NO_SUCH_THREAD: u16 = 1094;
    let mut conn = connect(attempts).await?;
    let killed = conn.query_drop(statement).await;
    bid_farewell(conn).await;
    match killed {
        Err(Error::Server(error)) if error.code == NO_SUCH_THREAD => Ok(()),
        other => other,
    }
}

async fn find(attempts: Vec<Opts>, statement: &str) -> Result<bool, Error> {
    let mut conn = connect(attempts).await?;
    let found: Option<u8> = conn.query_first(statement).await?;
    bid_farewell(conn).await;
    Ok(found.is_some())
}
