//! Brings several connections into one state of the database, and proves it.
//!
//! SQLite has no way to share a snapshot. But a watcher, a connection of its own outside of any
//! transaction, sees `pragma data_version` change with every commit of anybody. It is asked before
//! the first reader's first read and after the last one's: if it did not change, nobody committed
//! in between, so that all readers see the same state. In WAL mode they keep it; with a rollback
//! journal, no writer can commit before they end.

use std::path::Path;

use rusqlite::{Connection, Error, ErrorCode};

use super::client::{BUSY_SLICE, Client, Database};
use crate::{Interrupt, Snapshot, SourceError};

/// Tries to bring all readers into one state; after that, one reader is enough.
const TRIES_MAX: usize = 5;
/// What is being done, for errors.
const BEGIN: &str = "begin a snapshot";
const NAME: &str = "name the snapshot";
const WATCH: &str = "watch for changes";

/// Whether the readers must see the same state. Anything else is there to show that the tests
/// would find it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    /// They must, and it is proven.
    Proven,
    /// Each reads what it finds.
    #[cfg(test)]
    Hoped,
}

/// Connections in one state of the database.
pub(super) struct Shared {
    /// The connections, each in a transaction that has begun to read; at least one.
    pub(super) clients: Vec<Client>,
    /// The state.
    pub(super) snapshot: Snapshot,
}

/// Opens up to `wanted` connections in one state.
pub(super) fn share(
    database: &Database,
    interrupt: &Interrupt,
    wanted: usize,
    sharing: Sharing,
) -> Result<Shared, SourceError> {
    let mut clients =
        (0..wanted.max(1)).map(|_| database.open(interrupt)).collect::<Result<Vec<_>, _>>()?;
    let watcher = database.open(interrupt)?;
    for client in clients.iter().chain([&watcher]) {
        let set = client.session.connection().busy_timeout(BUSY_SLICE);
        set.map_err(|error| client.fault("set its patience", error))?;
    }
    for _ in 0..TRIES_MAX {
        if let Some(snapshot) = try_to_share(&clients, &watcher, sharing)? {
            return Ok(Shared { clients, snapshot });
        }
        clients.iter().try_for_each(leave)?;
    }
    // One reader is in one state whatever others do. Under so many commits its name may be that of
    // a state a moment later.
    clients.truncate(1);
    enter(&clients[0]).map_err(|error| clients[0].fault(BEGIN, error))?;
    let snapshot = name(&watcher).map_err(|error| watcher.fault(NAME, error))?;
    Ok(Shared { clients, snapshot })
}

/// Begins a transaction on each connection; none if somebody commits meanwhile, or is about to:
/// with a rollback journal, a writer that waits for our first readers keeps the others out.
fn try_to_share(
    clients: &[Client],
    watcher: &Client,
    sharing: Sharing,
) -> Result<Option<Snapshot>, SourceError> {
    let Some(before) = unless_busy(watcher, WATCH, data_version(watcher))? else {
        return Ok(None);
    };
    enter(&clients[0]).map_err(|error| clients[0].fault(BEGIN, error))?;
    for client in &clients[1..] {
        // Without patience: a writer may be waiting for the first one, so that to wait for the
        // writer would be to wait for oneself.
        if unless_busy(client, BEGIN, begin(client).and_then(|()| look(client)))?.is_none() {
            return Ok(None);
        }
    }
    let Some(snapshot) = unless_busy(watcher, NAME, name(watcher))? else { return Ok(None) };
    let after = unless_busy(watcher, WATCH, data_version(watcher))?;
    let is_shared = match sharing {
        Sharing::Proven => after == Some(before),
        #[cfg(test)]
        Sharing::Hoped => true,
    };
    Ok(is_shared.then_some(snapshot))
}

/// The outcome, or none if a writer is in the way.
fn unless_busy<T>(
    client: &Client,
    doing: &str,
    outcome: Result<T, Error>,
) -> Result<Option<T>, SourceError> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(None),
        Err(error) => Err(client.fault(doing, error)),
    }
}

/// Begins to read, once no writer is in the way any more.
fn enter(client: &Client) -> Result<(), Error> {
    begin(client)?;
    client.patiently(|| look(client))
}

/// Begins a transaction, which sees nothing yet.
fn begin(client: &Client) -> Result<(), Error> {
    client.begin_statement();
    client.session.connection().execute_batch("begin")
}

/// The first read, which is what fixes the state.
fn look(client: &Client) -> Result<(), Error> {
    client.session.connection().query_row("select count(*) from sqlite_schema", [], |_| Ok(()))
}

/// Ends the transaction, if it began.
fn leave(client: &Client) -> Result<(), SourceError> {
    let connection = client.session.connection();
    if connection.is_autocommit() {
        return Ok(());
    }
    connection.execute_batch("rollback").map_err(|error| client.fault("end a snapshot", error))
}

fn data_version(watcher: &Client) -> Result<i64, Error> {
    watcher.session.connection().query_row("pragma data_version", [], |row| row.get(0))
}

/// The state in SQLite's own terms: the change counter of the file, and in WAL mode the log's two
/// salts and its length.
fn name(watcher: &Client) -> Result<Snapshot, Error> {
    let session = &watcher.session;
    let connection = session.connection();
    let mut header = [0; 100];
    session.read_file(0, &mut header)?;
    let word = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let mut identity = format!("change {}, schema {}", word(24), word(40));
    if journal_mode(connection)? == "wal"
        && let Some(log) = Log::of(&watcher.database().address.path)
    {
        let length = match wal_frames(connection) {
            Ok(frames) => format!("frame {frames}"),
            // Who may not write the log is not told its frames either.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
                format!("{} bytes", log.bytes)
            }
            Err(error) => return Err(error),
        };
        identity.push_str(&format!(", wal {} {length}", log.salts));
    }
    let now = "select strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";
    let taken_at = connection.query_row(now, [], |row| row.get(0))?;
    Ok(Snapshot { identity, taken_at, is_consistent: true })
}

/// What stands at the head of the write-ahead log.
struct Log {
    salts: String,
    bytes: u64,
}

impl Log {
    /// The log beside a database file, if it has begun. SQLite sets no locks on the log itself, so
    /// that it may be opened and closed beside SQLite.
    fn of(database: &Path) -> Option<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        let mut file = std::fs::File::open(path).ok()?;
        let mut header = [0; 32];
        std::io::Read::read_exact(&mut file, &mut header).ok()?;
        let salts = header[16..24].iter().map(|octet| format!("{octet:02x}")).collect();
        Some(Self { salts, bytes: file.metadata().ok()?.len() })
    }
}

/// How the file is written: `wal`, `delete`, …
pub(super) fn journal_mode(connection: &Connection) -> Result<String, Error> {
    connection.query_row("pragma journal_mode", [], |row| row.get(0))
}

/// Length of the log. `noop` checkpoints nothing.
fn wal_frames(connection: &Connection) -> Result<i64, Error> {
    connection.query_row("pragma wal_checkpoint(noop)", [], |row| row.get(1))
}
