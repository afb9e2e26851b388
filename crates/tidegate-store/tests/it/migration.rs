//! The schema is made once, whoever is first, and kept from programs that are older than it.

use std::process::{Child, Command};

use tidegate_store::{Store, StoreError};

use crate::check::{Check, Site};

/// Openers at a time.
const OPENERS: usize = 8;
/// New databases that they open in turn.
const DATABASES: usize = 4;
/// Tells a process of this test what to open.
const URL: &str = "TIDEGATE_TEST_OPENS";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn assert_made_once(site: &Site) {
    let versions = site.lines("select version from seaql_migrations order by version");
    assert_eq!(
        versions,
        [
            "m0001_control_state",
            "m0002_archives",
            "m0003_artifact_store",
            "m0004_sessions",
            "m0005_traces",
            "m0006_second_factors",
            "m0007_lists",
            "m0008_schedules",
            "m0009_notifications",
            "m0010_exposure",
            "m0011_actions",
            "m0012_approvals",
            "m0013_pauses",
            "m0015_action_runs",
            "m0016_makers",
            "m0017_versions",
        ]
    );
    assert_eq!(site.lines("select version from policy"), ["1"]);
}

#[test]
fn tasks_that_open_a_new_database_at_once_make_it_once() {
    for _ in 0..DATABASES {
        for site in Site::both() {
            let openers: Vec<_> = (0..OPENERS)
                .map(|_| {
                    let url = site.url();
                    std::thread::spawn(move || runtime().block_on(Store::open(&url)).map(drop))
                })
                .collect();
            for opener in openers {
                opener.join().unwrap().unwrap();
            }
            assert_made_once(&site);
        }
    }
}

#[test]
fn processes_that_open_a_new_database_at_once_make_it_once() {
    const THIS: &str = "migration::processes_that_open_a_new_database_at_once_make_it_once";
    if let Ok(url) = std::env::var(URL) {
        runtime().block_on(Store::open(&url)).unwrap();
        return;
    }
    for site in Site::both() {
        let program = std::env::current_exe().unwrap();
        let open = |_| -> Child {
            let mut child = Command::new(&program);
            child.args([THIS, "--exact", "--nocapture"]).env(URL, site.url()).spawn().unwrap()
        };
        let openers: Vec<Child> = (0..OPENERS).map(open).collect();
        for mut opener in openers {
            assert!(opener.wait().unwrap().success());
        }
        assert_made_once(&site);
    }
}

#[test]
fn an_older_program_refuses_a_newer_schema_and_leaves_it_alone() {
    Check::on_both(async |check| {
        let newer = "insert into seaql_migrations (version, applied_at) values ('m0099_later', 1)";
        check.site.execute(newer).unwrap();
        let head = check.head().await;
        let refused = Store::open(&check.site.url()).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Newer { newest } if newest == "m0099_later"));
        assert_eq!(
            refused.to_string(),
            "the control database was changed by a newer version of Tidegate (`m0099_later`): run \
             that version, or restore a backup from before"
        );
        assert_eq!(check.head().await, head);
    });
}

#[test]
fn a_schema_that_cannot_be_made_whole_is_not_made_at_all() {
    for site in Site::both() {
        // In the way of one of the last statements.
        site.execute("create table outbox (id integer)").unwrap();
        let refused = runtime().block_on(Store::open(&site.url())).unwrap_err();
        assert!(matches!(refused, StoreError::Database(_)), "{refused:?}");
        let tables = match &site {
            Site::Sqlite(_) => "select name from sqlite_schema where type = 'table'",
            Site::Postgres(_) => {
                "select tablename::text from pg_tables where schemaname = 'public'"
            }
        };
        assert_eq!(site.lines(tables), ["outbox"]);
        site.execute("drop table outbox").unwrap();
        runtime().block_on(Store::open(&site.url())).unwrap();
        assert_made_once(&site);
    }
}
