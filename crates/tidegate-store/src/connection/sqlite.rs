//! Opens SQLite by the rules under which it keeps what it was told, or refuses.

use std::{
    fs, io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    time::Duration,
};

use rustix::fs::FsWord;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, RuntimeErr,
    sqlx::{
        error::DatabaseError,
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};

use super::{ACQUIRE_SECONDS, Clock, Connections, StoreKind};
use crate::{commit::Gathered, error::StoreError, sql::statement};

/// Connections that read SQLite: its readers do not wait for its writer.
const READERS_MAX: u32 = 4;
/// How long a writer of SQLite waits for another process.
const BUSY_SECONDS: u64 = 5;
/// Pause between attempts to open a file of SQLite that others open, too.
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// Such attempts: as long as a writer waits.
const BUSY_ATTEMPTS_MAX: u32 = 100;
/// Mode of SQLite's files: their owner's alone.
const PRIVATE: u32 = 0o600;
/// Bits of a mode that let others in.
const OTHERS: u32 = 0o077;
/// First SQLite whose write-ahead log cannot be reset under a reader (fixed 13 March 2026).
const VERSION_MIN: [i64; 3] = [3, 51, 3];
/// `f_type` of file systems on which SQLite's locks do not hold, or may not: NFS, SMB in three
/// dialects, FUSE, Ceph, AFS, GFS2, Lustre.
const NETWORK_FILE_SYSTEMS: [FsWord; 9] = [
    0x6969,
    0x517B,
    0xFE53_4D42,
    0xFF53_4D42,
    0x6573_5546,
    0x00C3_6400,
    0x5346_414F,
    0x0116_1970,
    0x0BD0_0BD0,
];

pub(super) async fn open(url: &str) -> Result<Connections, StoreError> {
    let path = file_of(url);
    if path.as_os_str().is_empty() || path == Path::new(":memory:") {
        let detail = "control state needs a file: `sqlite:tidegate.db`".to_owned();
        return Err(StoreError::Unfit(detail));
    }
    refuse_network_file_system(path)?;
    keep_private(path).map_err(|cause| {
        StoreError::Unfit(format!("`{}` cannot be made private: {cause}", path.display()))
    })?;
    let writer = connect(path, 1).await?;
    refuse_unfit(&writer).await?;
    let reader = connect(path, READERS_MAX).await?;
    Ok(Connections {
        url: url.into(),
        kind: StoreKind::Sqlite,
        clock: Clock::default(),
        reader,
        writer,
        gathered: Gathered::default(),
    })
}

/// Path in `sqlite:tidegate.db`, `sqlite:/var/tidegate.db` or `sqlite:///var/tidegate.db`.
fn file_of(url: &str) -> &Path {
    let rest = url.strip_prefix("sqlite:").unwrap_or(url);
    Path::new(rest.strip_prefix("//").unwrap_or(rest))
}

/// Only the owner reads what operators did. SQLite gives the files beside a database its mode.
fn keep_private(path: &Path) -> io::Result<()> {
    match fs::OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path) {
        // Never closed: whoever closes a file takes from SQLite, in the same process, the locks
        // that it may have on the file by then.
        Ok(file) => std::mem::forget(file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    for ending in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(ending);
        match fs::metadata(&file) {
            Ok(found) if found.permissions().mode() & OTHERS != 0 => {
                fs::set_permissions(&file, fs::Permissions::from_mode(PRIVATE))?;
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn connect(path: &Path, connections_max: u32) -> Result<DatabaseConnection, DbErr> {
    let file = path.to_owned();
    let mut options = ConnectOptions::new("sqlite://tidegate.db?mode=rwc");
    options
        .max_connections(connections_max)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS))
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |options| {
            // Not in the URL, where some letters would mean something else.
            options
                .filename(&file)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(BUSY_SECONDS))
                .foreign_keys(true)
                .pragma("mmap_size", "0")
                .pragma("trusted_schema", "off")
        });
    let mut attempts = 0;
    loop {
        match Database::connect(options.clone()).await {
            // SQLite does not wait for the lock under which a new file's journal is chosen.
            Err(error) if is_busy(&error) && attempts < BUSY_ATTEMPTS_MAX => attempts += 1,
            outcome => return outcome,
        }
        tokio::time::sleep(BUSY_PAUSE).await;
    }
}

fn is_busy(error: &DbErr) -> bool {
    let DbErr::Conn(RuntimeErr::SqlxError(error)) = error else { return false };
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| code == "5")
}

/// The rules under which SQLite keeps what it was told.
async fn refuse_unfit(connection: &DatabaseConnection) -> Result<(), StoreError> {
    refuse_old_version(&ask(connection, "select sqlite_version()").await?)?;
    for (pragma, wanted) in
        [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1"), ("mmap_size", "0")]
    {
        let found = ask(connection, &format!("pragma {pragma}")).await?;
        if found != wanted {
            let detail = format!("its `{pragma}` is `{found}` and must be `{wanted}`");
            return Err(StoreError::Unfit(detail));
        }
    }
    Ok(())
}

/// The one cell of an answer: a word, or a number.
async fn ask(connection: &DatabaseConnection, sql: &str) -> Result<String, StoreError> {
    let row = connection.query_one_raw(statement(connection, sql, [])).await?;
    let row = row.ok_or(StoreError::Corrupt { what: "pragma" })?;
    let word = row.try_get_by_index::<String>(0);
    Ok(word.or_else(|_| row.try_get_by_index::<i64>(0).map(|number| number.to_string()))?)
}

fn refuse_old_version(version: &str) -> Result<(), StoreError> {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let parts: [i64; 3] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    if parts >= VERSION_MIN {
        return Ok(());
    }
    let detail = format!("SQLite {version} can lose writes under load; it must be 3.51.3");
    Err(StoreError::Unfit(detail))
}

fn refuse_network_file_system(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    // A link to a file leads to where it really is.
    let place = if path.exists() { path } else { folder };
    let status = rustix::fs::statfs(place).map_err(|cause| {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that SQLite opens by these settings.
    async fn opened(settings: &str) -> (tempfile::TempDir, DatabaseConnection) {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("control.db");
        let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", path.display()));
        options.max_connections(1);
        let connection = Database::connect(options).await.unwrap();
        connection.execute_unprepared(settings).await.unwrap();
        (folder, connection)
    }

    #[tokio::test]
    async fn a_file_that_would_lose_what_it_is_told_is_refused() {
        const FIT: &str = "pragma journal_mode = wal; pragma synchronous = full; \
                           pragma foreign_keys = on; pragma mmap_size = 0;";
        let (_folder, fit) = opened(FIT).await;
        refuse_unfit(&fit).await.unwrap();
        for (pragma, wrong, words) in [
            ("journal_mode", "delete", "its `journal_mode` is `delete` and must be `wal`"),
            ("synchronous", "normal", "its `synchronous` is `1` and must be `2`"),
            ("foreign_keys", "off", "its `foreign_keys` is `0` and must be `1`"),
            ("mmap_size", "4096", "its `mmap_size` is `4096` and must be `0`"),
        ] {
            let (_folder, unfit) = opened(&format!("{FIT} pragma {pragma} = {wrong}")).await;
            let refused = refuse_unfit(&unfit).await.unwrap_err().to_string();
            assert!(refused.ends_with(words), "{refused}");
        }
    }

    #[test]
    fn a_version_that_loses_writes_is_refused() {
        for version in ["3.51.3", "3.51.10", "3.52.0", "4.0"] {
            assert!(refuse_old_version(version).is_ok(), "{version}");
        }
        for version in ["3.51.2", "3.7.0", "3.50.4", "2.99.99", "", "none"] {
            let refused = refuse_old_version(version).unwrap_err();
            assert!(matches!(refused, StoreError::Unfit(_)), "{version}");
        }
    }

    #[test]
    fn a_network_file_system_is_refused() {
        for (name, number, is_local) in [
            ("ext4", 0xEF53, true),
            ("xfs", 0x5846_5342, true),
            ("btrfs", 0x9123_683E, true),
            ("tmpfs", 0x0102_1994, true),
            ("overlay", 0x794C_7630, true),
            ("zfs", 0x2FC1_2FC1, true),
            ("nfs", 0x6969, false),
            ("smb", 0x517B, false),
            ("smb2", 0xFE53_4D42, false),
            ("cifs", 0xFF53_4D42, false),
            ("fuse", 0x6573_5546, false),
            ("ceph", 0x00C3_6400, false),
            ("afs", 0x5346_414F, false),
            ("gfs2", 0x0116_1970, false),
            ("lustre", 0x0BD0_0BD0, false),
        ] {
            assert_eq!(!NETWORK_FILE_SYSTEMS.contains(&number), is_local, "{name}");
        }
    }

    #[test]
    fn a_url_names_a_file() {
        for (url, path) in [
            ("sqlite:tidegate.db", "tidegate.db"),
            ("sqlite://tidegate.db", "tidegate.db"),
            ("sqlite:/var/tidegate.db", "/var/tidegate.db"),
            ("sqlite:///var/tidegate.db", "/var/tidegate.db"),
            ("sqlite:////var/tidegate.db", "//var/tidegate.db"),
            ("sqlite:", ""),
            ("sqlite://", ""),
        ] {
            assert_eq!(file_of(url), Path::new(path), "{url}");
        }
    }
}
