//! Cancelling an export from a real database, wherever the database keeps it waiting.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tidegate_batch::DataType;
use tidegate_format::{Options, by_slug};
use tidegate_model::{
    catalog::{Relation, TableName},
    field::{Field, Origin},
    query::{Predicate, Query, Selected},
};
use tidegate_pipeline::{Checkpoint, Limits, Plan, Progress, RunError, Verdict};
use tidegate_source::{Source, SourceSettings, connect};
use tidegate_testkit::{mariadb::MariaDb, postgres::Postgres};

use crate::fake::{Impatient, Memory};

/// Cancels as soon as something is so, which is asked at each checkpoint.
struct Once<F>(F);

impl<F: Fn() -> bool + Sync> Checkpoint for Once<F> {
    fn verdict(&self) -> Verdict {
        if (self.0)() { Verdict::Cancelled } else { Verdict::Go }
    }

    fn progress(&self, _progress: Progress) {}
}

/// Runs an export that never ends by itself, and asserts that the checkpoint cancels it.
fn is_cancelled(source: &dyn Source, relation: Relation, checkpoint: &dyn Checkpoint) {
    let field = Field::new("n", DataType::Integer, Origin::Column("n".into()));
    let query = Query {
        relation,
        fields: vec![Selected { field, alias: None, is_hidden: false }],
        key: Vec::new(),
        predicate: Predicate::everything(),
        sort: Vec::new(),
        is_consistent: true,
    };
    let format = by_slug("csv").unwrap();
    let plan = Plan {
        source,
        query,
        format,
        options: Options::check(format.options(), &[].into()).unwrap(),
        time_zone: chrono_tz::UTC,
        title: "t".into(),
        application: "tidegate/test".into(),
        readers: 4,
        snapshot_age_max: Duration::from_secs(3600),
        mask_key: None,
        limits: Limits::default(),
        span: tracing::Span::none(),
    };
    let outcome = tidegate_pipeline::run(&plan, &mut Memory::new(), checkpoint);
    assert!(matches!(outcome, Err(RunError::Cancelled)), "{outcome:?}");
}

fn source(url: &str) -> Box<dyn Source> {
    connect(SourceSettings::new("shop", url)).unwrap()
}

fn table() -> Relation {
    Relation::Table(TableName::parse("t"))
}

fn statement(text: &str) -> Relation {
    Relation::Statement(text.to_owned())
}

/// A client with these statements at its standard input, which stays open.
fn client(mut command: Command, statements: &str) -> Child {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.as_mut().unwrap(), "{statements}").unwrap();
    child
}

/// Ends a client that waits for more.
fn end(mut client: Child) {
    drop(client.stdin.take());
    assert!(client.wait().unwrap().success());
}

/// The client's next line.
fn line(client: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(client.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line
}

/// Sessions of ours in PostgreSQL that wait for something like this.
fn postgres_sessions(waiting_for: &str) -> String {
    format!(
        "select count(*) from pg_stat_activity where application_name = 'tidegate/test'
           and datname = current_database() and wait_event_type || wait_event like '{waiting_for}'"
    )
}

#[test]
fn an_export_that_sleeps_in_postgresql_is_cancelled() {
    let database = Postgres::shared().database();
    let asleep = || database.query(&postgres_sessions("%PgSleep")).trim() != "0";
    let relation = statement("select 1 as n from pg_sleep(600)");
    is_cancelled(&*source(&database.url()), relation, &Once(asleep));
    while database.query(&postgres_sessions("%")).trim() != "0" {}
}

#[test]
fn an_export_that_waits_for_a_locked_table_of_postgresql_is_cancelled() {
    let database = Postgres::shared().database();
    database.execute("create table t (n int)");
    let lock = "begin; lock table t in access exclusive mode; select 'locked';";
    let mut holder = client(database.psql(), lock);
    assert_eq!(line(&mut holder).trim(), "locked");
    let waiting = || database.query(&postgres_sessions("Lock%")).trim() != "0";
    is_cancelled(&*source(&database.url()), table(), &Once(waiting));
    while database.query(&postgres_sessions("%")).trim() != "0" {}
    end(holder);
}

/// Sessions of ours in MariaDB in a state like this.
fn mariadb_sessions(state: &str) -> String {
    format!(
        "select count(*) from information_schema.processlist
         where db = database() and info like '/* tidegate/test */%' and state like '{state}'"
    )
}

#[test]
fn an_export_that_sleeps_in_mariadb_is_cancelled() {
    let database = MariaDb::shared().database();
    // A table makes the sleep one of the statement's run, not of its plan.
    database.execute("create table t (n int); insert into t values (1)");
    let asleep = || database.query(&mariadb_sessions("User sleep")).trim() != "0";
    let relation = statement("select sleep(600) as n from t");
    is_cancelled(&*source(&database.url()), relation, &Once(asleep));
    while database.query(&mariadb_sessions("%")).trim() != "0" {}
}

#[test]
fn an_export_that_waits_for_a_locked_table_of_mariadb_is_cancelled() {
    let database = MariaDb::shared().database();
    database.execute("create table t (n int)");
    let mut command = database.client();
    command.args(["--unbuffered", "--batch", "--skip-column-names"]);
    let mut holder = client(command, "lock tables t write; select 'locked';");
    assert_eq!(line(&mut holder).trim(), "locked");
    let waiting = || database.query(&mariadb_sessions("Waiting for table%")).trim() != "0";
    is_cancelled(&*source(&database.url()), table(), &Once(waiting));
    while database.query(&mariadb_sessions("%")).trim() != "0" {}
    end(holder);
}

/// SQLite's own program on a database.
fn sqlite(path: &Path, statements: &str) -> Child {
    let mut command = Command::new("sqlite3");
    command.arg(path);
    client(command, statements)
}

#[test]
fn an_export_in_a_long_step_of_sqlite_is_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.db");
    end(sqlite(&path, "create table t (n int);"));
    let endless = "with recursive c(n) as (select 1 union all select n + 1 from c)
                   select n from c where n < 0";
    let source = source(&format!("sqlite:{}", path.display()));
    is_cancelled(&*source, statement(endless), &Impatient::default());
}

#[test]
fn an_export_that_waits_for_a_locked_file_of_sqlite_is_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.db");
    let mut holder = sqlite(&path, "create table t (n int); begin exclusive; select 'locked';");
    assert_eq!(line(&mut holder).trim(), "locked");
    let source = source(&format!("sqlite:{}", path.display()));
    is_cancelled(&*source, table(), &Impatient::default());
    end(holder);
}
