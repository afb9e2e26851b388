//! Fills the database of a site, table by table, in one transaction.

use std::{ops::ControlFlow, path::Path};

use rusqlite::{Connection, Statement, Transaction};

use super::{
    DemoError, Progress, SiteOptions, content, counts::Counts, orders, page_views, random::Draw,
    sales, users,
};

const SCHEMA: &str = include_str!("site.sql");
/// Built once all rows are there, which is faster than keeping them up to date.
const INDEXES: &str = "
create unique index users_email on users (email);
create index orders_placed_at on orders (placed_at);
create index orders_customer_id on orders (customer_id);
pragma analysis_limit = 1000;
analyze;";
/// Nobody else sees the file while it is written, and a failure throws it away: no journal, no
/// waiting for the disk.
const FAST: &str = "
pragma journal_mode = off;
pragma synchronous = off;
pragma locking_mode = exclusive;
pragma cache_size = -65536;
pragma foreign_keys = off;";
/// The file stays in WAL mode, so that exports do not make the site's own writers wait.
const LASTING: &str = "
pragma locking_mode = normal;
pragma synchronous = full;
pragma journal_mode = wal;";
/// Rows between two calls of the watcher: some hundred calls a second.
const WATCH_ROWS: u64 = 4_096;

/// A table, how many rows it gets, and who writes them.
struct Table {
    name: &'static str,
    rows: fn(&Counts) -> u64,
    write: fn(&mut Loader<'_>) -> Result<(), DemoError>,
}

/// In the order of their references.
static TABLES: &[Table] = &[
    Table { name: "users", rows: |counts| counts.users, write: users::write },
    Table { name: "products", rows: |_| sales::catalogue().len() as u64, write: sales::write },
    Table { name: "orders", rows: |counts| counts.orders, write: orders::write },
    Table { name: "order_lines", rows: |_| 0, write: |_| Ok(()) },
    Table { name: "media", rows: |counts| counts.media, write: content::write_media },
    Table { name: "pages", rows: |counts| counts.pages, write: content::write_pages },
    Table { name: "posts", rows: |counts| counts.posts, write: content::write_posts },
    Table { name: "page_views", rows: |counts| counts.page_views, write: page_views::write },
];

/// What the writers of tables share.
pub(super) struct Loader<'a> {
    pub(super) counts: Counts,
    pub(super) seed: u64,
    transaction: &'a Transaction<'a>,
    watch: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    progress: Progress,
}

impl<'a> Loader<'a> {
    /// The draws of a row of the table being written.
    pub(super) fn draw(&self, row: u64) -> Draw {
        Draw::new(self.seed, self.progress.table, row)
    }

    /// A statement that inserts rows.
    pub(super) fn prepare(&self, sql: &str) -> Result<Statement<'a>, DemoError> {
        self.transaction.prepare(sql).map_err(failed(self.progress.table))
    }

    /// Inserts a row.
    pub(super) fn insert(
        &self,
        statement: &mut Statement<'_>,
        row: impl rusqlite::Params,
    ) -> Result<(), DemoError> {
        statement.execute(row).map(drop).map_err(failed(self.progress.table))
    }

    /// Counts a row, and stops if the watcher wants so.
    pub(super) fn count_row(&mut self) -> Result<(), DemoError> {
        self.progress.rows_done += 1;
        if self.progress.rows_done.is_multiple_of(WATCH_ROWS) { self.report() } else { Ok(()) }
    }

    fn begin(&mut self, table: &'static str) -> Result<(), DemoError> {
        self.progress.table = table;
        self.report()
    }

    fn report(&mut self) -> Result<(), DemoError> {
        match (self.watch)(self.progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(DemoError::Interrupted),
        }
    }
}

/// Writes the database and gives the rows of each table.
pub(super) fn write_database(
    path: &Path,
    options: &SiteOptions,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Vec<(&'static str, u64)>, DemoError> {
    super::publish(path, |partial| {
        let mut connection = Connection::open(partial).map_err(failed("settings"))?;
        connection.execute_batch(FAST).map_err(failed("settings"))?;
        let tables = fill(&mut connection, options, watch)?;
        connection.execute_batch(LASTING).map_err(failed("settings"))?;
        connection.close().map_err(|(_, cause)| failed("settings")(cause))?;
        sync(partial)?;
        remove_logs(path)?;
        Ok(tables)
    })
}

fn fill(
    connection: &mut Connection,
    options: &SiteOptions,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Vec<(&'static str, u64)>, DemoError> {
    let counts = Counts::of(options.rows);
    let rows_total = TABLES.iter().map(|table| (table.rows)(&counts)).sum();
    let transaction = connection.transaction().map_err(failed("settings"))?;
    transaction.execute_batch(SCHEMA).map_err(failed("schema"))?;
    let mut loader = Loader {
        counts,
        seed: options.seed,
        transaction: &transaction,
        watch,
        progress: Progress { table: "users", rows_done: 0, rows_total },
    };
    for table in TABLES {
        loader.begin(table.name)?;
        (table.write)(&mut loader)?;
    }
    loader.begin("indexes")?;
    transaction.execute_batch(INDEXES).map_err(failed("indexes"))?;
    let written = TABLES
        .iter()
        .map(|table| Ok((table.name, rows_in(&transaction, table.name)?)))
        .collect::<Result<_, DemoError>>()?;
    transaction.commit().map_err(failed("indexes"))?;
    Ok(written)
}

fn rows_in(transaction: &Transaction<'_>, table: &'static str) -> Result<u64, DemoError> {
    transaction
        .query_row(&format!("select count(*) from {table}"), [], |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs)
        .map_err(failed(table))
}

fn sync(path: &Path) -> Result<(), DemoError> {
    std::fs::File::open(path).and_then(|file| file.sync_all()).map_err(super::unwritable(path))
}

/// Removes the logs of a database that is about to be replaced: SQLite would take them for those
/// of the new one.
fn remove_logs(path: &Path) -> Result<(), DemoError> {
    for ending in ["-wal", "-shm"] {
        let mut log = path.as_os_str().to_owned();
        log.push(ending);
        match std::fs::remove_file(&log) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(DemoError::Unwritable { path: log.into(), cause });
            }
            _ => {}
        }
    }
    Ok(())
}

fn failed(part: &'static str) -> impl FnOnce(rusqlite::Error) -> DemoError {
    move |cause| DemoError::Database { part, cause }
}
