//! One session, for use from a plain thread; whatever it runs, it runs in a read-only transaction.
//!
//! All settings are local to the transaction, so that nothing of ours stays behind in a pooler
//! that lends the same server connection to the application next.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};
use tokio_postgres::{
    Client, Connection, Row, Statement,
    types::{FromSql, ToSql, Type},
};

use super::{
    connector::{Canceller, Connector, Opened},
    fault::{Doing, Fault},
    socket::{DriverHalf, Tap},
    stop::Listener,
};
use crate::SourceError;

/// Longest wait for a good-bye to be written.
const FAREWELL_MILLIS_MAX: u64 = 200;
/// Longest time that the server knows: 2^31 milliseconds.
const TIMEOUT_SECONDS_MAX: u64 = 2_147_483;
/// Longest wait for a table that somebody changes.
const LOCK_SECONDS_MAX: u64 = 60;
/// The same where another session of ours has the table already: who is waited for waits for us.
const FOLLOWER_LOCK_SECONDS_MAX: u64 = 1;
/// First version that compiles statements that it thinks expensive.
const VERSION_COMPILES: u32 = 11;
/// First version that looks after its clients while it runs a statement for them.
const VERSION_CHECKS_CLIENT: u32 = 14;

/// A session and the runtime that drives it.
pub(super) struct Session {
    /// Drives the socket, on the thread that uses the session.
    pub(super) runtime: Runtime,
    /// The socket, for rows.
    pub(super) tap: Tap,
    /// Major version of the server; 0 if it does not say.
    pub(super) version: u32,
    client: Client,
    connector: Arc<Connector>,
    canceller: Canceller,
    /// Whether a statement was sent whose end has not been seen.
    is_busy: Arc<AtomicBool>,
    /// Longest run of a statement in the transaction; `u64::MAX` is no limit of ours.
    statement_millis_max: AtomicU64,
    /// Ends every wait for the server.
    stop: Listener,
    /// Why the connection ended, where the server said so between statements.
    last_words: Arc<Mutex<Option<tokio_postgres::Error>>>,
}

/// How much a transaction sees, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) enum Transaction<'a> {
    /// One statement's worth.
    Short,
    /// The same, for somebody who waits no longer than so many milliseconds.
    Look(u64),
    /// One snapshot, for an export.
    Snapshot,
    /// The snapshot of another session.
    Shared(&'a str),
}

impl Session {
    /// Connects. `stop` ends the wait for that, and later each wait for an answer.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached or refuses the account.
    pub(super) fn open(
        connector: &Arc<Connector>,
        application: &str,
        mut stop: Listener,
    ) -> Result<Self, SourceError> {
        let source_name = || connector.settings.name.clone();
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
            SourceError::Unreachable { source_name: source_name(), cause: Box::new(error) }
        })?;
        let opened = runtime.block_on(async {
            tokio::select! {
                biased;
                () = stop.told() => Err(SourceError::Interrupted),
                opened = connector.open(application) => opened,
            }
        });
        let Opened { client, connection, tap, canceller } = match opened {
            Ok(opened) => opened,
            Err(error) => {
                // The look-up of a name may go on for long, and nobody waits for it any more.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let version = connection.parameter("server_version").map_or(0, major_version);
        let last_words = Arc::default();
        runtime.spawn(drive(connection, Arc::clone(&last_words)));
        let connector = Arc::clone(connector);
        let is_busy = Arc::default();
        let statement_millis_max = AtomicU64::new(u64::MAX);
        Ok(Self {
            runtime,
            tap,
            version,
            client,
            connector,
            canceller,
            is_busy,
            statement_millis_max,
            stop,
            last_words,
        })
    }

    /// Begins a read-only transaction.
    pub(super) fn begin(&self, transaction: Transaction<'_>) -> Result<(), Fault> {
        let mut begin = match transaction {
            Transaction::Short | Transaction::Look(_) => "begin read only;".to_owned(),
            Transaction::Snapshot => "begin isolation level repeatable read read only;".to_owned(),
            Transaction::Shared(snapshot) => format!(
                "begin isolation level repeatable read read only; set transaction snapshot '{}';",
                checked_snapshot(snapshot)?
            ),
        };
        begin.push_str(PREPARATION);
        let settings = &self.connector.settings;
        // The administrator's own limit is for clients that forget; ours ends with the snapshot.
        let idle = settings.snapshot_seconds_max.min(TIMEOUT_SECONDS_MAX);
        begin.push_str(&format!("set local idle_in_transaction_session_timeout = '{idle}s';"));
        let own = settings.statement_seconds_max.map(|seconds| seconds.saturating_mul(1000));
        let limit = match transaction {
            Transaction::Look(millis) => Some(own.unwrap_or(u64::MAX).min(millis)),
            Transaction::Short | Transaction::Snapshot | Transaction::Shared(_) => own,
        };
        let limit = limit.map(|millis| millis.min(TIMEOUT_SECONDS_MAX * 1000));
        if let Some(millis) = limit {
            begin.push_str(&format!("set local statement_timeout = '{millis}ms';"));
        }
        self.statement_millis_max.store(limit.unwrap_or(u64::MAX), Ordering::Relaxed);
        let lock = match transaction {
            Transaction::Short | Transaction::Look(_) | Transaction::Snapshot => LOCK_SECONDS_MAX,
            Transaction::Shared(_) => FOLLOWER_LOCK_SECONDS_MAX,
        };
        begin.push_str(&format!("set local lock_timeout = '{lock}s';"));
        let is_look = matches!(transaction, Transaction::Look(_));
        if is_look && self.version >= VERSION_COMPILES {
            // A fresh session would load the compiler first, for longer than the look takes.
            begin.push_str("set local jit = off;");
        }
        if self.version >= VERSION_CHECKS_CLIENT {
            begin.push_str("set local client_connection_check_interval = '1s';");
        }
        self.run(&begin)
    }

    /// Asks something in a transaction of its own.
    pub(super) fn briefly<T>(
        &self,
        transaction: Transaction<'_>,
        ask: impl FnOnce(&Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.begin(transaction)?;
        let answer = ask(self);
        let ended = self.run("rollback");
        answer.and_then(|answer| ended.map(|()| answer))
    }

    /// Runs statements that give no rows.
    pub(super) fn run(&self, statements: &str) -> Result<(), Fault> {
        self.wait(self.client.batch_execute(statements))
    }

    /// Runs a statement and collects its rows, which must be few.
    pub(super) fn rows(
        &self,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Fault> {
        self.wait(self.client.query(statement, values))
    }

    /// Runs a statement that gives one row.
    pub(super) fn row(
        &self,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, Fault> {
        let row = self.rows(statement, values)?.into_iter().next();
        row.ok_or(Fault::Protocol("a statement that gives a row gave none"))
    }

    /// Has the server look a statement over.
    pub(super) fn prepare(&self, statement: &str) -> Result<Statement, Fault> {
        self.wait(self.client.prepare(statement))
    }

    /// Waits for an answer of the server, unless it is told to stop.
    fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Fault> {
        let mut stop = self.stop.clone();
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = stop.told() => {
                    // The server may be at work on it; the end of the session cancels that.
                    self.is_busy.store(true, Ordering::Release);
                    Err(Fault::Interrupted)
                }
                answer = answer => answer.map_err(|error| self.fault(error)),
            }
        })
    }

    /// Takes the socket from the driver, to read rows from it.
    pub(super) fn lend_socket(&self) -> Result<(), Fault> {
        // The driver may still have to tell the server that it forgets a statement; the answer to
        // this empty question comes after the answer to that.
        self.run("")?;
        self.tap.lend();
        Ok(())
    }

    /// What a statement is doing, for its errors.
    pub(super) fn doing<'a>(&'a self, what: &'a str) -> Doing<'a> {
        let limit = self.statement_millis_max.load(Ordering::Relaxed);
        let statement_seconds_max = (limit != u64::MAX).then(|| limit.div_ceil(1000));
        Doing { source_name: &self.connector.settings.name, what, statement_seconds_max }
    }

    /// Name of the source in the configuration.
    pub(super) fn source_name(&self) -> &str {
        &self.connector.settings.name
    }

    /// Cancels what the session runs.
    pub(super) fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Whether a statement was sent whose end has not been seen; kept by the reader of rows.
    pub(super) fn is_busy(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_busy)
    }

    /// Ends the session's waits by another word from now on.
    pub(super) fn listen(&mut self, stop: Listener) {
        self.stop = stop;
    }

    /// Who ends the session's waits.
    pub(super) fn listener(&self) -> Listener {
        self.stop.clone()
    }

    fn fault(&self, error: tokio_postgres::Error) -> Fault {
        let mut last_words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        match last_words.take() {
            Some(last_words) if error.is_closed() => last_words.into(),
            _ => error.into(),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let is_busy = self.is_busy.load(Ordering::Acquire);
        self.runtime.block_on(async {
            if is_busy {
                self.canceller.cancel().await;
            }
            // Without it the server's log would complain of a client that vanished.
            let mut farewell = BytesMut::new();
            frontend::terminate(&mut farewell);
            let limit = Duration::from_millis(FAREWELL_MILLIS_MAX);
            drop(timeout(limit, self.tap.write_all(&farewell)).await);
        });
    }
}

/// Settings of every transaction: what decides how values are written as text or JSON, and that a
/// scan starts at its beginning.
const PREPARATION: &str = "\
    set local timezone = 'UTC';\
    set local datestyle = 'ISO';\
    set local intervalstyle = 'iso_8601';\
    set local extra_float_digits = 1;\
    set local bytea_output = 'hex';\
    set local client_min_messages = 'error';\
    set local synchronize_seqscans = off;";

/// Runs the driver's end of a connection, and keeps what it says last.
async fn drive(
    mut connection: Connection<DriverHalf, DriverHalf>,
    last_words: Arc<Mutex<Option<tokio_postgres::Error>>>,
) {
    loop {
        match poll_fn(|context| connection.poll_message(context)).await {
            // Notices may quote rows, and nobody reads them.
            Some(Ok(_)) => {}
            None => return,
            Some(Err(error)) => {
                let mut last_words = last_words.lock().unwrap_or_else(PoisonError::into_inner);
                *last_words = Some(error);
                return;
            }
        }
    }
}

/// The number in front of the first dot: 15 of `15.18 (Debian 15.18-0)`.
fn major_version(version: &str) -> u32 {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// The name of a snapshot, which cannot be bound, once it is seen to be one.
fn checked_snapshot(snapshot: &str) -> Result<&str, Fault> {
    let is_name = snapshot.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_name.then_some(snapshot).ok_or(Fault::Protocol("a snapshot has no proper name"))
}

/// A cell or a value in its text form, whatever its type: the server converts.
#[derive(Debug)]
pub(super) struct AsText(pub(super) String);

impl<'a> FromSql<'a> for AsText {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(String::from_utf8_lossy(raw).into_owned()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl ToSql for AsText {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(tokio_postgres::types::IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> tokio_postgres::types::Format {
        tokio_postgres::types::Format::Text
    }

    tokio_postgres::types::to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_number_in_front() {
        assert_eq!(major_version("15.18 (Debian 15.18-0+deb12u1)"), 15);
        assert_eq!(major_version("18beta1"), 18);
        assert_eq!(major_version("unknown"), 0);
    }

    #[test]
    fn a_snapshot_with_a_quote_in_its_name_is_none() {
        assert!(checked_snapshot("00000003-0000001B-1").is_ok());
        assert!(checked_snapshot("1'; drop table t; --").is_err());
    }
}
