//! A fresh database of either kind, with a client of its own that is not ours.

use std::path::PathBuf;

use tempfile::TempDir;
use tidegate_testkit::postgres::{Postgres, PostgresDatabase};

/// Where files are in memory, if anywhere: the disk of a test machine is others' too, and the rig
/// of PostgreSQL does not wait for it either.
const MEMORY: &str = "/dev/shm";

/// A database, gone with its owner.
pub(crate) enum Site {
    /// A file.
    Sqlite(TempDir),
    /// A database on the server of the test run.
    Postgres(PostgresDatabase<'static>),
}

impl Site {
    /// One that is empty, of each kind.
    pub(crate) fn both() -> [Self; 2] {
        [Self::sqlite(), Self::postgres()]
    }

    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(TempDir::new_in(MEMORY).or_else(|_| TempDir::new()).unwrap())
    }

    pub(crate) fn postgres() -> Self {
        Self::Postgres(Postgres::shared().database())
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// What the store is to open.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(_) => format!("sqlite:{}", self.file().display()),
            Self::Postgres(database) => database.url(),
        }
    }

    /// Path of SQLite's file.
    pub(crate) fn file(&self) -> PathBuf {
        match self {
            Self::Sqlite(folder) => folder.path().join("control.db"),
            Self::Postgres(_) => panic!("PostgreSQL has no file"),
        }
    }

    /// Runs statements in one transaction, all or none.
    pub(crate) fn execute(&self, statements: &str) -> Result<(), String> {
        match self {
            Self::Sqlite(_) => {
                let script = format!("begin immediate; {statements}; commit");
                self.client().execute_batch(&script).map_err(|error| error.to_string())
            }
            Self::Postgres(database) => {
                let said = database.psql().args(["-1", "-c", statements]).output().unwrap();
                match said.status.success() {
                    true => Ok(()),
                    false => Err(String::from_utf8(said.stderr).unwrap()),
                }
            }
        }
    }

    /// Runs a statement that stands in no transaction.
    pub(crate) fn execute_alone(&self, statement: &str) {
        match self {
            Self::Sqlite(_) => self.client().execute_batch(statement).unwrap(),
            Self::Postgres(database) => database.execute(statement),
        }
    }

    /// Empties a table by what the database has for it.
    pub(crate) fn truncate(&self, table: &str) -> Result<(), String> {
        match self {
            // Without a condition, SQLite drops all pages at once where it may.
            Self::Sqlite(_) => self.execute(&format!("delete from {table}")),
            Self::Postgres(_) => self.execute(&format!("truncate {table} cascade")),
        }
    }

    /// Rows of a query, each cell as text, NULL as nothing.
    pub(crate) fn rows(&self, query: &str) -> Vec<Vec<Option<String>>> {
        match self {
            Self::Sqlite(_) => {
                let client = self.client();
                let mut prepared = client.prepare(query).unwrap();
                let columns = prepared.column_count();
                let row = |row: &rusqlite::Row<'_>| (0..columns).map(|at| cell(row, at)).collect();
                prepared.query_map([], row).unwrap().map(Result::unwrap).collect()
            }
            Self::Postgres(database) => database.cells(query),
        }
    }

    /// Every row of these tables.
    pub(crate) fn dump(&self, tables: &[&str]) -> String {
        let all = |table: &str| format!("select * from {table}");
        match self {
            Self::Sqlite(_) => {
                tables.iter().map(|table| self.lines(&all(table)).join("\n")).collect()
            }
            Self::Postgres(database) => {
                let mut client = database.psql();
                tables.iter().for_each(|table| _ = client.args(["-c", &all(table)]));
                String::from_utf8(client.output().unwrap().stdout).unwrap()
            }
        }
    }

    /// The one cell of a query that gives one number.
    pub(crate) fn number(&self, query: &str) -> i64 {
        let rows = self.rows(query);
        assert_eq!((rows.len(), rows[0].len()), (1, 1), "{query}");
        rows[0][0].as_deref().unwrap().parse().unwrap()
    }

    /// The cells of a query, those of a row with spaces between, NULL as `-`.
    pub(crate) fn lines(&self, query: &str) -> Vec<String> {
        let line = |row: &Vec<Option<String>>| {
            let cells: Vec<&str> = row.iter().map(|cell| cell.as_deref().unwrap_or("-")).collect();
            cells.join(" ")
        };
        self.rows(query).iter().map(line).collect()
    }

    fn client(&self) -> rusqlite::Connection {
        let client = rusqlite::Connection::open(self.file()).unwrap();
        client.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        client
    }
}

fn cell(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Option<String>> {
    use rusqlite::types::Value;
    Ok(match row.get(at)? {
        Value::Null => None,
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Text(text) => Some(text),
        Value::Blob(_) => panic!("the control state has no blobs"),
    })
}
