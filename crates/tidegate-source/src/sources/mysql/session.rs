//! One connection, read-only from its first statement on.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use mysql_async::{Conn, Error, Opts, Params, Row, Value, prelude::Queryable};
use tokio::runtime::{Builder, Runtime};

use super::{
    address::Address,
    fault::{Doing, cause},
    interrupt::Stop,
};
use crate::{SourceError, SourceSettings};

/// Longest wait for a connection, name look-up and sign-in included.
const CONNECT_SECONDS_MAX: u64 = 15;
/// Time that a good-bye may take; a server that does not listen any more need not be told.
const FAREWELL_SECONDS_MAX: u64 = 1;
/// Time that a full disk or a slow store may hold the stream up before the server gives up on us,
/// beyond the life of the snapshot.
const STALL_SECONDS: u64 = 60;
/// What an account is told that signs in in a way that we have not.
const UNKNOWN_SIGN_IN: &str = "the account signs in by a plugin that Tidegate does not have; give \
                               it a password of `mysql_native_password`, `ed25519` or \
                               `caching_sha2_password`";
/// Largest timeout that the server takes: a year.
const TIMEOUT_SECONDS_MAX: u64 = 31_536_000;
/// Longest name of a session.
const APPLICATION_CHARS_MAX: usize = 64;

/// A connection and the runtime that drives it, for use from a plain thread.
pub(super) struct Session {
    // The connection goes first: dropped outside its runtime, it closes its socket at once instead
    // of reading the rest of a result to its end.
    conn: Conn,
    runtime: Runtime,
    /// Product and version, as the server says it.
    pub(super) version: String,
    application: String,
    /// Ends every wait for the server.
    stop: Arc<Stop>,
}

impl Session {
    /// Connects and makes the session read-only. `stop` ends the wait for that, and later each wait
    /// for an answer.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, refuses the account, or refuses to be read-only.
    pub(super) fn open(
        address: &Address,
        settings: &SourceSettings,
        application: &str,
        stop: Arc<Stop>,
    ) -> Result<Self, SourceError> {
        let application = comment_safe(application);
        let runtime = runtime(address)?;
        let connected = runtime.block_on(stop.or_asked(connect(address.attempts(&application))));
        let conn = match connected {
            Ok(conn) => conn,
            Err(error) => {
                // The look-up of a name may go on for long, and nobody waits for it any more.
                runtime.shutdown_background();
                return Err(unreachable_because(address, cause(error)));
            }
        };
        stop.watch_over(conn.id());
        let mut session = Self { conn, runtime, version: String::new(), application, stop };
        session.prepare(settings).map_err(|error| unreachable_because(address, cause(error)))?;
        Ok(session)
    }

    fn prepare(&mut self, settings: &SourceSettings) -> Result<(), Error> {
        // In one go: over a far network each round trip counts.
        self.run(&PREPARATION.join("; "))?;
        self.version = self.value("select version()")?.unwrap_or_default();
        let stall = settings.snapshot_seconds_max.saturating_add(STALL_SECONDS);
        let stall = stall.min(TIMEOUT_SECONDS_MAX);
        let limits = format!("set session net_write_timeout = {stall}, net_read_timeout = {stall}");
        self.run(&limits)?;
        match settings.statement_seconds_max {
            Some(seconds) => self.limit_statements(seconds.min(TIMEOUT_SECONDS_MAX) * 1000),
            None => Ok(()),
        }
    }

    /// Has the server end each statement from now on that takes longer.
    pub(super) fn limit_statements(&mut self, millis: u64) -> Result<(), Error> {
        let limit = match self.is_mariadb() {
            true => format!("max_statement_time = {}.{:03}", millis / 1000, millis % 1000),
            false => format!("max_execution_time = {millis}"),
        };
        self.run(&format!("set session {limit}"))
    }

    /// Whether the server is a MariaDB.
    pub(super) fn is_mariadb(&self) -> bool {
        self.version.contains("MariaDB")
    }

    /// Number of the connection in the server's process list.
    pub(super) fn id(&self) -> u32 {
        self.conn.id()
    }

    /// Waits for the server.
    fn wait<T>(
        &mut self,
        ask: impl AsyncFnOnce(&mut Conn) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.runtime.block_on(self.stop.or_asked(ask(&mut self.conn)))
    }

    /// The text of a statement with the session's name in front, for those who look at the
    /// process list.
    pub(super) fn signed(&self, statement: &str) -> String {
        format!("/* {} */ {statement}", self.application)
    }

    /// Runs statements of ours that give no rows; the first that fails ends it.
    pub(super) fn run(&mut self, statement: &str) -> Result<(), Error> {
        self.wait(async |conn| conn.query_drop(statement).await)
    }

    /// Runs a statement and collects its rows, which must be few.
    pub(super) fn rows(&mut self, statement: &str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        let statement = self.signed(statement);
        self.wait(async |conn| conn.exec(statement, positional(values)).await)
    }

    /// Runs a prepared statement and collects its rows, which must be few.
    pub(super) fn prepared_rows(
        &mut self,
        statement: mysql_async::Statement,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        self.wait(async |conn| conn.exec(statement, positional(values)).await)
    }

    /// Runs a statement that cannot be prepared, and collects its rows, which must be few.
    pub(super) fn text_rows(&mut self, statement: &str) -> Result<Vec<Row>, Error> {
        self.wait(async |conn| conn.query(statement).await)
    }

    /// Runs a statement and takes the first cell of its first row, as text.
    pub(super) fn value(&mut self, statement: &str) -> Result<Option<String>, Error> {
        let row: Option<Row> = self.wait(async |conn| conn.query_first(statement).await)?;
        Ok(row.and_then(|row| text(&row, 0)))
    }

    /// Has the server look a statement over, and gives its columns.
    pub(super) fn prepare_statement(
        &mut self,
        statement: &str,
    ) -> Result<mysql_async::Statement, Error> {
        let statement = self.signed(statement);
        self.wait(async |conn| conn.prep(statement).await)
    }

    /// The connection and its runtime, to stream from.
    pub(super) fn into_parts(self) -> (Conn, Runtime) {
        (self.conn, self.runtime)
    }

    /// Ends the session.
    pub(super) fn close(self) {
        let Self { conn, runtime, .. } = self;
        runtime.block_on(bid_farewell(conn));
    }
}

/// Settings of every session. The name of a time zone could be unknown to a server; `+00:00` is
/// not. Results of `group_concat` and `json_arrayagg` must not be cut at 1 MiB, and should a limit
/// cut one anyway, the warning must be among those that the server keeps.
const PREPARATION: &[&str] = &[
    "set session transaction isolation level repeatable read",
    "set session transaction read only",
    "set names utf8mb4",
    "set session time_zone = '+00:00', sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', \
     sql_select_limit = default, group_concat_max_len = 4294967295, max_error_count = 65535",
];

/// Values for the placeholders of a statement.
pub(super) fn positional(values: Vec<Value>) -> Params {
    if values.is_empty() { Params::Empty } else { Params::Positional(values) }
}

/// A cell as text; `None` is NULL.
pub(super) fn text(row: &Row, at: usize) -> Option<String> {
    match row.as_ref(at)? {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::Int(value) => Some(value.to_string()),
        Value::UInt(value) => Some(value.to_string()),
        Value::Float(value) => Some(value.to_string()),
        Value::Double(value) => Some(value.to_string()),
        other @ (Value::Date(..) | Value::Time(..)) => Some(other.as_sql(true)),
    }
}

/// A cell as a number; `None` is NULL or no whole number.
pub(super) fn number<T: std::str::FromStr>(row: &Row, at: usize) -> Option<T> {
    text(row, at)?.parse().ok()
}

/// What a statement was to do, for its errors.
pub(super) fn doing<'a>(settings: &'a SourceSettings, what: &'a str) -> Doing<'a> {
    Doing {
        source_name: &settings.name,
        what,
        statement_seconds_max: settings.statement_seconds_max,
    }
}

/// Says good-bye, so that the server does not log an aborted connection. Whether it heard.
pub(super) async fn bid_farewell(conn: Conn) -> bool {
    let limit = Duration::from_secs(FAREWELL_SECONDS_MAX);
    matches!(tokio::time::timeout(limit, conn.disconnect()).await, Ok(Ok(())))
}

/// A connection, by the first of the attempts that works.
pub(super) async fn connect(attempts: Vec<Opts>) -> Result<Conn, Error> {
    let mut refusal = None;
    for opts in attempts {
        let limit = Duration::from_secs(CONNECT_SECONDS_MAX);
        // The driver panics at a way to sign in that it was built without.
        let attempt = AssertUnwindSafe(Conn::new(opts))
            .catch_unwind()
            .map(|attempt| attempt.unwrap_or_else(|_| Err(Error::Other(UNKNOWN_SIGN_IN.into()))));
        match tokio::time::timeout(limit, attempt).await {
            Ok(Ok(conn)) => return Ok(conn),
            // Only a server without encryption is worth another attempt.
            Ok(Err(error @ Error::Driver(mysql_async::DriverError::NoClientSslFlagFromServer))) => {
                refusal = Some(error);
            }
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        }
    }
    Err(refusal.expect("there is at least one attempt"))
}

fn runtime(address: &Address) -> Result<Runtime, SourceError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| unreachable_because(address, Box::new(error)))
}

fn unreachable_because(address: &Address, cause: crate::error::Cause) -> SourceError {
    SourceError::Unreachable { source_name: address.source_name.clone(), cause }
}

/// The name without what could end the comment that it stands in.
fn comment_safe(application: &str) -> String {
    let is_safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
    // No `*` gets through, so no `*/` either.
    application.chars().filter(is_safe).take(APPLICATION_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_name_cannot_end_its_comment() {
        assert_eq!(comment_safe("tidegate/export"), "tidegate/export");
        assert_eq!(comment_safe("a*/ drop table t; /*"), "a/droptablet/");
    }
}
