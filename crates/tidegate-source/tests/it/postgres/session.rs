//! How sessions introduce themselves, what they may do, and how they are secured.

use tidegate_batch::RowBatch;
use tidegate_source::{Source, SourceError, SourceSettings, connect};
use tidegate_testkit::postgres::{Postgres, PostgresDatabase, PostgresOptions};

use super::{Check, field, options, query, read, source, table_relation};

#[test]
fn an_export_is_named_in_the_list_of_sessions() {
    let check =
        Check::new("create table t as select repeat('x', 999) from generate_series(1, 9999)");
    let mut stream = check.source.stream(&check.query("t"), &options()).unwrap();
    stream.readers[0].read(&mut RowBatch::default()).unwrap();
    let names = check.sessions("application_name");
    assert_eq!(names.lines().collect::<Vec<_>>(), ["tidegate/export"; 4]);
}

#[test]
fn a_source_keeps_one_session_between_its_questions_and_gives_it_to_the_export() {
    let check =
        Check::new("create table t as select repeat('x', 999) from generate_series(1, 9999)");
    let asked = check.query("t");
    check.source.tables().unwrap();
    let pids = "select string_agg(pid::text, ',') from pg_stat_activity
                where datname = current_database() and application_name like 'tidegate%'";
    let kept = check.database.query(pids);
    assert_eq!(kept.matches(',').count(), 0, "{kept}");
    let stream = check.source.stream(&asked, &options()).unwrap();
    let pids = check.database.query(pids);
    assert_eq!(pids.matches(',').count(), 3, "{pids}");
    assert!(pids.contains(kept.trim()), "{kept} is not among {pids}");
    drop(stream);
}

#[test]
fn a_session_that_the_server_ended_meanwhile_is_replaced() {
    let check = Check::new("create table t (id int)");
    let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid()";
    let asked = check.query("t");
    check.database.execute(end);
    assert_eq!(check.source.tables().unwrap().len(), 1);
    check.database.execute(end);
    assert!(check.read(&asked).unwrap().rows.is_empty());
}

#[test]
fn a_session_cannot_write_even_where_the_account_can() {
    let check = Check::new(
        "create table log (at timestamptz); create function f() returns int language sql as
           'insert into log values (now()) returning 1';
         create view v as select f() as id",
    );
    let error = check.read(&check.query("v")).err().expect("the function writes");
    let SourceError::Refused { cause, .. } = &error else { panic!("{error:?}") };
    assert!(cause.to_string().contains("read-only transaction"), "{cause}");
    assert!(check.source.count(&check.query("v"), crate::PATIENCE).is_err());
    assert_eq!(check.database.query("select count(*) from log").trim(), "0");
}

#[test]
fn nothing_of_a_sessions_settings_stays_behind_in_a_pooler() {
    let check = Check::new(
        "create view v as select string_agg(name, ',') as names from pg_settings
         where source = 'session' and name not in ('transaction_isolation',
           'transaction_read_only', 'transaction_deferrable', 'application_name',
           'client_encoding')",
    );
    // Settings made by `set local` belong to the transaction; the server calls them the same, so
    // the proof is that each goes when the transaction does.
    let during = check.read(&check.query("v")).unwrap().rows;
    let names = during[0][0].clone().unwrap_or_default();
    assert!(names.contains("TimeZone") && names.contains("idle_in_transaction"), "{names}");
    for name in names.split(',') {
        let kept = check.database.query(&format!(
            "begin; set local \"{name}\" = default; rollback; select source from pg_settings
             where name = '{name}'"
        ));
        assert_ne!(kept.trim(), "database", "{name}");
    }
}

#[test]
fn the_snapshot_is_the_servers_own() {
    let check = Check::new("create table t (id int)");
    let snapshot = check.source.stream(&check.query("t"), &options()).unwrap().snapshot;
    assert!(snapshot.is_consistent);
    assert_eq!(snapshot.identity.matches(':').count(), 2);
    let row = check.database.cells(&format!(
        "select pg_snapshot_xmin('{0}'::pg_snapshot) <= pg_snapshot_xmax('{0}'::pg_snapshot),
                now() - '{1}'::timestamptz between interval '0' and interval '1 hour'",
        snapshot.identity, snapshot.taken_at
    ));
    assert_eq!(row, [[Some("t".to_owned()), Some("t".to_owned())]]);
    assert!(snapshot.taken_at.ends_with('Z') && snapshot.taken_at.contains('T'));
}

fn told(error: &SourceError) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told.push_str(&format!(": {error}"));
        cause = error.source();
    }
    told
}

fn secured(database: &PostgresDatabase<'_>, host: &str, parameters: &str) -> String {
    let port = database.server().port();
    format!("postgres://postgres:pass%20word@{host}:{port}/{}?{parameters}", database.name())
}

/// One row that says how the connection is secured.
fn encryption(source: &dyn Source) -> Result<Vec<super::Row>, SourceError> {
    let statement = "select ssl, coalesce(version, '') as version from pg_stat_ssl
                     where pid = pg_backend_pid()";
    let relation = tidegate_model::catalog::Relation::Statement(statement.to_owned());
    let fields = vec![field("ssl", tidegate_batch::DataType::Boolean)];
    Ok(read(source.stream(&query(relation, fields), &options())?)?.rows)
}

#[test]
fn tls_is_as_strict_as_the_url_asks_for() {
    let access = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n\
                  hostnossl all all 127.0.0.1/32 reject\n";
    let server =
        Postgres::start(&PostgresOptions { access: Some(access), has_tls: true, settings: "" });
    let other = Postgres::start(&PostgresOptions { has_tls: true, ..PostgresOptions::default() });
    let database = server.database();
    database.execute("alter role postgres password 'pass word'");
    let root = |server: &Postgres| server.folder().join("ca.pem").display().to_string();
    let (right, wrong) = (root(&server), root(&other));
    for (host, parameters, fault) in [
        ("localhost", "sslmode=prefer".to_owned(), None),
        ("localhost", "sslmode=require".to_owned(), None),
        ("localhost", format!("sslmode=verify-full&sslrootcert={right}"), None),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={right}"), None),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={right}"), None),
        ("localhost", format!("sslmode=require&sslrootcert={right}"), None),
        ("localhost", format!("sslmode=verify-full&sslrootcert={wrong}"), Some("UnknownIssuer")),
        ("localhost", format!("sslmode=verify-ca&sslrootcert={wrong}"), Some("UnknownIssuer")),
        ("localhost", format!("sslmode=require&sslrootcert={wrong}"), Some("UnknownIssuer")),
        ("localhost", "sslmode=verify-full".to_owned(), Some("authority")),
        ("localhost", "sslmode=disable".to_owned(), Some("pg_hba.conf")),
    ] {
        let connected = connect(SourceSettings::new("s", secured(&database, host, &parameters)));
        let outcome = connected.and_then(|source| encryption(&*source));
        match (outcome, fault) {
            (Ok(rows), None) => assert_eq!(rows, [[Some("t".to_owned())]], "{parameters}"),
            (Err(error), Some(fault)) => {
                let told = told(&error);
                assert!(told.contains(fault), "{parameters}: {told}");
            }
            (Ok(_), Some(_)) => panic!("{host} {parameters} should be refused"),
            (Err(error), None) => panic!("{host} {parameters}: {}", told(&error)),
        }
    }
}

#[test]
fn the_name_of_the_host_is_compared_only_under_verify_full() {
    let server = Postgres::start(&PostgresOptions { has_tls: true, ..PostgresOptions::default() });
    let database = server.database();
    let root = server.folder().join("ca.pem").display().to_string();
    // The certificate is for localhost and 127.0.0.1; the connection goes to the latter.
    let parameters = |mode: &str| format!("sslmode={mode}&sslrootcert={root}&hostaddr=127.0.0.1");
    let by_other_name = |mode: &str| {
        let url = secured(&database, "db.example", &parameters(mode));
        encryption(&*source(&url))
    };
    assert_eq!(by_other_name("verify-ca").unwrap(), [[Some("t".to_owned())]]);
    let error = by_other_name("verify-full").unwrap_err();
    assert!(told(&error).contains("not valid for name"), "{}", told(&error));
}

#[test]
fn a_server_without_tls_is_used_in_the_clear_only_where_that_is_allowed() {
    let check = Check::new("create table t (id int)");
    let with = |mode: &str| source(&format!("{}?sslmode={mode}", check.database.tcp_url()));
    assert!(with("prefer").tables().is_ok());
    let error = with("require").tables().unwrap_err();
    assert!(told(&error).contains("does not speak TLS"), "{}", told(&error));
}

#[test]
fn a_refused_sign_in_says_why_and_not_the_password() {
    let access = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    let server = Postgres::start(&PostgresOptions { access: Some(access), ..Default::default() });
    let database = server.database();
    database.execute("create role ada login password 'right'");
    let sign_in = |password: &str| source(&database.url_as("ada", password)).tables();
    assert!(sign_in("right").is_ok());
    let error = told(&sign_in("secret").unwrap_err());
    assert!(
        error.contains("password authentication failed") && !error.contains("secret"),
        "{error}"
    );
    let nobody = source("postgres://ada@127.0.0.1:1/shop");
    let error = told(&nobody.tables().unwrap_err());
    assert!(error.contains("127.0.0.1"), "{error}");
    let missing = server.database();
    let url = missing.url();
    drop(missing);
    let error = told(&source(&url).describe(&table_relation("t")).unwrap_err());
    assert!(error.contains("does not exist"), "{error}");
}

#[test]
fn a_source_that_keeps_a_session_may_be_dropped_inside_a_runtime() {
    let check = Check::new("create table t (id int)");
    check.source.tables().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async move { drop(check) });
}
