//! Opens the database file and tells what went wrong with it.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, Error, ErrorCode, OpenFlags};

use super::{address::Address, functions, session::Session};
use crate::{Interrupt, SourceError, SourceSettings, error::Cause};

/// Longest wait for a writer that locks the whole file (rollback journals only).
const BUSY: Duration = Duration::from_secs(5);
/// The part of it that SQLite waits by itself, when it hears of no interrupt.
pub(super) const BUSY_SLICE: Duration = Duration::from_millis(20);
/// Steps of SQLite's virtual machine between two looks at the stop flag: about 50 µs.
const STEPS_BETWEEN_LOOKS: i32 = 4096;

/// A SQLite database, by the file that holds it.
#[derive(Clone, Debug)]
pub(super) struct Database {
    /// Name of the source in the configuration.
    pub(super) source_name: String,
    /// Where the file is.
    pub(super) address: Address,
    /// Longest run of one statement.
    pub(super) statement_seconds_max: Option<u64>,
}

/// An open connection, which ends its statements when it is told to or when they run too long.
pub(super) struct Client {
    /// Connection and statements.
    pub(super) session: Session,
    watch: Arc<Watch>,
    database: Database,
}

/// What the connection looks at while a statement runs.
#[derive(Debug)]
struct Watch {
    interrupt: Interrupt,
    opened: Instant,
    /// End of the current statement's time, in milliseconds after `opened`.
    ends_at: AtomicU64,
}

/// What is wrong with a database file.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileFault {
    #[error(
        "there is no file `{}`; a relative path begins at the configuration's folder, or at the \
         working directory without one",
        .0.display()
    )]
    Missing(PathBuf),
    #[error("`{}` is a folder; name the database file", .0.display())]
    Folder(PathBuf),
    #[error("`{}` cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("`{}` is not a SQLite database, or is encrypted", .0.display())]
    NotADatabase(PathBuf),
    #[error(
        "`{}` is in WAL mode and its folder is read-only, so that SQLite cannot share it; let the \
         account write to the folder, or add `?immutable=1` to the URL if nobody writes to it",
        path.display()
    )]
    NoSharedMemory {
        path: PathBuf,
        #[source]
        cause: Error,
    },
    #[error(
        "a crash left `{}` in the middle of a write; open it once with the application, or with \
         `sqlite3`, to mend it: that cannot be done by reading only",
        path.display()
    )]
    HotJournal {
        path: PathBuf,
        #[source]
        cause: Error,
    },
    #[error(
        "a writer has locked the database; try again, or let the application use WAL mode \
         (`pragma journal_mode = wal`), where readers do not wait"
    )]
    Locked(#[source] Error),
}

/// Pages that a connection keeps, in KiB. A scan passes each page once, so more would only be
/// memory, times the readers; SQLite's own 2 MiB is for connections that come back to their pages.
const PAGE_CACHE_KIB: i64 = 512;

impl Database {
    /// # Errors
    ///
    /// If the URL is wrong or names no file.
    pub(super) fn new(settings: &SourceSettings, url: &str) -> Result<Self, SourceError> {
        let mut address = Address::parse(url)
            .map_err(|detail| SourceError::BadUrl { source_name: settings.name.clone(), detail })?;
        address.path = settings.folder.join(address.path);
        let database = Self {
            source_name: settings.name.clone(),
            address,
            statement_seconds_max: settings.statement_seconds_max,
        };
        database.require_file()?;
        Ok(database)
    }

    /// Opens a connection, for reading only. The interrupt ends its statements, and the wait for a
    /// file that is locked.
    ///
    /// # Errors
    ///
    /// If the file cannot be read as a database.
    pub(super) fn open(&self, interrupt: &Interrupt) -> Result<Client, SourceError> {
        self.require_file()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.address.uri(), flags)
            .map_err(|error| self.unreachable(None, error))?;
        let watch = Arc::new(Watch {
            interrupt: interrupt.clone(),
            opened: Instant::now(),
            ends_at: AtomicU64::new(u64::MAX),
        });
        let session = Session::new(connection);
        match self.prepare_connection(session.connection(), &watch) {
            Ok(()) => Ok(Client { session, watch, database: self.clone() }),
            Err(_) if interrupt.is_raised() => Err(SourceError::Interrupted),
            Err(error) => Err(self.unreachable(Some(&session), error)),
        }
    }

    fn prepare_connection(&self, connection: &Connection, watch: &Arc<Watch>) -> Result<(), Error> {
        connection.busy_timeout(BUSY_SLICE)?;
        let progress = Arc::clone(watch);
        connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || progress.is_over()))?;
        functions::register(connection)?;
        connection.execute_batch("pragma query_only = on; pragma trusted_schema = off")?;
        // These are the first reads; they find out whether it is a database at all.
        watch.patiently(|| {
            connection.pragma_update(None, "cache_size", -PAGE_CACHE_KIB)?;
            connection.query_row("pragma schema_version", [], |row| row.get::<_, i64>(0)).map(drop)
        })?;
        connection.busy_timeout(BUSY)
    }

    fn require_file(&self) -> Result<(), SourceError> {
        let path = || self.address.path.clone();
        let fault = match std::fs::metadata(&self.address.path) {
            Ok(found) if found.is_dir() => FileFault::Folder(path()),
            Ok(_) => return Ok(()),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => FileFault::Missing(path()),
            Err(cause) => FileFault::Unreadable { path: path(), cause },
        };
        Err(self.unreachable_because(Box::new(fault)))
    }

    fn unreachable(&self, session: Option<&Session>, error: Error) -> SourceError {
        let path = self.address.path.clone();
        let mut wal_mark = [0];
        // Octet 18 of the file is 2 in WAL mode.
        let is_wal = session.is_some_and(|session| session.read_file(18, &mut wal_mark).is_ok())
            && wal_mark == [2];
        let cause: Cause = match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Box::new(FileFault::NotADatabase(path)),
            Some(ErrorCode::ReadOnly) if is_hot_journal(&error) => {
                Box::new(FileFault::HotJournal { path, cause: error })
            }
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly) if is_wal => {
                Box::new(FileFault::NoSharedMemory { path, cause: error })
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Box::new(FileFault::Locked(error))
            }
            _ => Box::new(error),
        };
        self.unreachable_because(cause)
    }

    fn unreachable_because(&self, cause: Cause) -> SourceError {
        SourceError::Unreachable { source_name: self.source_name.clone(), cause }
    }
}

impl Client {
    /// Gives the next statement its time.
    #[inline]
    pub(super) fn begin_statement(&self) {
        self.begin_statement_of(u64::MAX);
    }

    /// Gives the next statement its time, and no more than this.
    #[inline]
    pub(super) fn begin_statement_of(&self, millis_max: u64) {
        let seconds_max = self.database.statement_seconds_max;
        let millis = seconds_max.map_or(u64::MAX, |seconds| seconds.saturating_mul(1000));
        let end = match millis.min(millis_max) {
            u64::MAX => u64::MAX,
            millis => self.watch.elapsed_millis().saturating_add(millis),
        };
        self.watch.ends_at.store(end, Ordering::Relaxed);
    }

    /// Whether somebody said stop.
    #[inline]
    pub(super) fn is_stopped(&self) -> bool {
        self.watch.interrupt.is_raised()
    }

    /// Tries again while a writer locks the file, until the connection has waited long enough or
    /// somebody says stop. The connection's own patience should be [`BUSY_SLICE`].
    pub(super) fn patiently(&self, attempt: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
        self.watch.patiently(attempt)
    }

    /// The database.
    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// What a failure of SQLite means, met while `doing` something: "read `orders`".
    pub(super) fn fault(&self, doing: &str, error: Error) -> SourceError {
        let source_name = self.database.source_name.clone();
        match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => match self.database.statement_seconds_max {
                Some(seconds) if !self.is_stopped() => SourceError::StatementTooLong { seconds },
                _ => SourceError::Interrupted,
            },
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::CannotOpen,
            ) => SourceError::Lost { source_name, cause: Box::new(error) },
            Some(ErrorCode::DatabaseBusy) if self.is_stopped() => SourceError::Interrupted,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => SourceError::Refused {
                source_name,
                doing: doing.to_owned(),
                cause: Box::new(FileFault::Locked(error)),
            },
            _ => SourceError::Refused {
                source_name,
                doing: doing.to_owned(),
                cause: Box::new(error),
            },
        }
    }
}

/// Whether a journal waits to be rolled back, which takes writing.
fn is_hot_journal(error: &Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
}

impl Watch {
    fn patiently(&self, attempt: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
        let since = Instant::now();
        loop {
            let outcome = attempt();
            let is_busy = matches!(&outcome, Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy));
            if !is_busy || self.interrupt.is_raised() || since.elapsed() > BUSY {
                return outcome;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.interrupt.is_raised()
            || match self.ends_at.load(Ordering::Relaxed) {
                u64::MAX => false,
                end => self.elapsed_millis() > end,
            }
    }

    fn elapsed_millis(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_writer_is_waited_for_until_the_word_to_stop() {
        let interrupt = Interrupt::default();
        let watch = Watch {
            interrupt: interrupt.clone(),
            opened: Instant::now(),
            ends_at: AtomicU64::new(u64::MAX),
        };
        let attempts = Cell::new(0);
        let locked = || {
            attempts.set(attempts.get() + 1);
            if attempts.get() == 3 {
                interrupt.interrupt();
            }
            Err(Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None))
        };
        assert!(watch.patiently(locked).is_err());
        assert_eq!(attempts.get(), 3);
    }
}
