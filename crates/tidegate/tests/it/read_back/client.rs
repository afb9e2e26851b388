//! The databases' own clients: they fill the tables, and say what is in them.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use tempfile::TempDir;
use tidegate_testkit::{
    mariadb::{MariaDb, MariaDbDatabase},
    postgres::{Postgres, PostgresDatabase},
};

/// Cells as a client printed them, row by row; none is NULL.
pub(super) type Printed = Vec<Vec<Option<String>>>;

/// A database of one kind of source, and its own command line.
pub(super) trait Client {
    /// Kind of source.
    fn name(&self) -> &'static str;
    /// Where Tidegate finds the database.
    fn url(&self) -> String;
    /// Runs statements.
    fn execute(&self, statements: &str);
    /// What the client prints for a query whose cells hold neither tabs nor line ends.
    fn cells(&self, query: &str) -> Printed;
    /// A name in quotes.
    fn quoted(&self, name: &str) -> String;
    /// Any text as an expression.
    fn literal(&self, text: &str) -> String;
    /// An expression that prints a text in hexadecimal.
    fn hex(&self, text: &str) -> String;
    /// Type of instants.
    fn instant_type(&self) -> &'static str;
    /// Type of JSON documents.
    fn json_type(&self) -> &'static str;
    /// Whether a text can hold NUL.
    fn holds_nul(&self) -> bool;
}

/// SQLite's `sqlite3`.
pub(super) struct Sqlite {
    folder: TempDir,
}

impl Sqlite {
    pub(super) fn new() -> Self {
        let sqlite = Self { folder: tempfile::tempdir().unwrap() };
        sqlite.execute("pragma journal_mode = wal");
        sqlite
    }

    fn run(&self, statements: &str) -> String {
        let mut shell = Command::new("sqlite3");
        let null = ["-batch", "-bail", "-list", "-separator", "\t", "-nullvalue", NULL];
        shell.args(null).arg(self.folder.path().join("site.db"));
        run(&mut shell, statements)
    }
}

/// What stands for NULL; no expression of these tests prints it.
const NULL: &str = "NULL";

impl Client for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn url(&self) -> String {
        format!("sqlite://{}/site.db", self.folder.path().display())
    }

    fn execute(&self, statements: &str) {
        self.run(statements);
    }

    fn cells(&self, query: &str) -> Printed {
        table(&self.run(query))
    }

    fn quoted(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn literal(&self, text: &str) -> String {
        format!("cast(x'{}' as text)", hex(text))
    }

    fn hex(&self, text: &str) -> String {
        format!("hex({text})")
    }

    fn instant_type(&self) -> &'static str {
        "timestamptz"
    }

    fn json_type(&self) -> &'static str {
        "json"
    }

    fn holds_nul(&self) -> bool {
        true
    }
}

/// MariaDB's `mariadb`.
pub(super) struct Maria(MariaDbDatabase);

impl Maria {
    pub(super) fn new() -> Self {
        Self(MariaDb::shared().database())
    }

    fn run(&self, statements: &str) -> String {
        let mut client = self.0.client();
        client.args(["--batch", "--raw", "--skip-column-names"]);
        run(&mut client, &format!("set time_zone = '+00:00', sql_mode = '';\n{statements}"))
    }
}

impl Client for Maria {
    fn name(&self) -> &'static str {
        "mysql"
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn execute(&self, statements: &str) {
        self.run(statements);
    }

    fn cells(&self, query: &str) -> Printed {
        table(&self.run(query))
    }

    fn quoted(&self, name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn literal(&self, text: &str) -> String {
        format!("convert(x'{}' using utf8mb4)", hex(text))
    }

    fn hex(&self, text: &str) -> String {
        format!("hex(convert({text} using utf8mb4))")
    }

    fn instant_type(&self) -> &'static str {
        "timestamp(6) null"
    }

    fn json_type(&self) -> &'static str {
        "json"
    }

    fn holds_nul(&self) -> bool {
        true
    }
}

/// PostgreSQL's `psql`.
pub(super) struct Psql(PostgresDatabase<'static>);

/// How `psql` has to print, whatever the database is set to.
const PSQL_SETTINGS: &str = "-c datestyle=iso -c intervalstyle=iso_8601 -c timezone=UTC \
    -c bytea_output=hex -c extra_float_digits=1";

/// How the database prints for everybody else: nothing of it may get into a file.
const ODD_SETTINGS: &str = "datestyle = 'German, DMY'; intervalstyle = 'postgres_verbose'; \
    timezone = 'Asia/Tokyo'; bytea_output = 'escape'; extra_float_digits = '-15'";

impl Psql {
    pub(super) fn new() -> Self {
        let database = Postgres::shared().database();
        for setting in ODD_SETTINGS.split(';') {
            database.execute(&format!("alter database {} set {setting}", database.name()));
        }
        Self(database)
    }

    fn run(&self, statements: &str) -> String {
        let mut client = self.0.psql();
        client.env("PGOPTIONS", PSQL_SETTINGS).env_remove("PGTZ");
        client.args(["-F", "\t", "-P", &format!("null={NULL}"), "-f", "-"]);
        run(&mut client, statements)
    }
}

impl Client for Psql {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn execute(&self, statements: &str) {
        self.run(statements);
    }

    fn cells(&self, query: &str) -> Printed {
        table(&self.run(query))
    }

    fn quoted(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn literal(&self, text: &str) -> String {
        format!("convert_from('\\x{}'::bytea, 'UTF8')", hex(text))
    }

    fn hex(&self, text: &str) -> String {
        format!("encode(convert_to({text}::text, 'UTF8'), 'hex')")
    }

    fn instant_type(&self) -> &'static str {
        "timestamptz"
    }

    fn json_type(&self) -> &'static str {
        "jsonb"
    }

    fn holds_nul(&self) -> bool {
        false
    }
}

/// Runs a client with these statements at its standard input.
fn run(client: &mut Command, statements: &str) -> String {
    client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = client.spawn().expect("scripts/install has installed the clients");
    let mut input = child.stdin.take().expect("asked for a pipe");
    let statements = format!("{statements};\n");
    let writer = std::thread::spawn(move || input.write_all(statements.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{client:?}: {said}");
    writer.join().unwrap().unwrap();
    String::from_utf8(output.stdout).expect("only ASCII and UTF-8 is asked for")
}

fn table(printed: &str) -> Printed {
    let cell = |cell: &str| (cell != NULL).then(|| cell.to_owned());
    printed.lines().map(|line| line.split('\t').map(cell).collect()).collect()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
