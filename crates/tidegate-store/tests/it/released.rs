//! Databases of every schema that was released, kept as files: today's program brings them up to
//! date, and they lose nothing.

mod added;

use std::{fs, path::PathBuf};

use tidegate_model::{
    ids::{JobId, ScheduleId, WebhookId},
    status::Status,
};
use tidegate_store::{DeliveryFilter, JobFilter, JobSort, Store};

use self::added::STEPS;
use crate::check::{Check, Site, operator};

/// The oldest schema; its files were written by a program of then.
const OLDEST: &str = "m0001";
/// Names of the schemas, oldest first: each is a file of SQLite and a script of PostgreSQL.
const RELEASED: &[&str] = &[
    OLDEST,
    "m0008_schedules",
    "m0009_notifications",
    "m0010_exposure",
    "m0011_actions",
    "m0013_pauses",
];
/// Tells this test to write the files that are not there: those of a schema that is to be released.
const WRITE: &str = "TIDEGATE_WRITE_FIXTURES";

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "it", "released", name].iter().collect()
}

/// Writes the files of a schema: a database of the oldest one, brought to it as a program of then
/// would have, with something of all that is new in it.
async fn write(name: &str) {
    let place = STEPS.iter().position(|(step, _)| *step == name).unwrap();
    let (done, later) = STEPS.split_at(place + 1);
    for site in released(OLDEST) {
        // Of a migration that seems to be done, none is made.
        for (step, _) in later {
            let pretended = format!("insert into seaql_migrations values ('{step}', 0)");
            site.execute(&pretended).unwrap();
        }
        Store::open(&site.url()).await.unwrap().close().await;
        site.execute("delete from seaql_migrations where applied_at = 0").unwrap();
        for statement in done.iter().flat_map(|(_, statements)| *statements) {
            site.execute(statement).unwrap();
        }
        match &site {
            Site::Sqlite(_) => {
                let path = file(&format!("{name}.sqlite3"));
                site.execute_alone(&format!("vacuum into '{}'", path.display()));
            }
            Site::Postgres(database) => {
                fs::write(file(&format!("{name}.dump")), database.dump(&[])).unwrap();
            }
        }
    }
}

/// Databases as they were released.
fn released(name: &str) -> [Site; 2] {
    let (sqlite, postgres) = (Site::sqlite(), Site::postgres());
    fs::copy(file(&format!("{name}.sqlite3")), sqlite.file()).unwrap();
    let Site::Postgres(database) = &postgres else { unreachable!("asked for PostgreSQL") };
    database.execute(&fs::read_to_string(file(&format!("{name}.dump"))).unwrap());
    [sqlite, postgres]
}

/// All that the schema consists of.
fn schema(site: &Site) -> String {
    match site {
        Site::Sqlite(_) => {
            site.lines("select type, name, sql from sqlite_schema order by type, name").join("\n")
        }
        Site::Postgres(database) => database.dump(&["--schema-only"]),
    }
}

/// What whoever used the database before finds in it: all rows of all columns that there were.
fn content(site: &Site, columns: &[Vec<String>]) -> Vec<String> {
    let read = |table: &[String]| {
        let names: Vec<String> = table[1..].iter().map(|name| format!("\"{name}\"")).collect();
        let mut lines = site.lines(&format!("select {} from {}", names.join(", "), table[0]));
        lines.sort();
        lines
    };
    columns.iter().flat_map(|table| read(table)).collect()
}

/// The tables, each with its columns behind its name.
fn columns(site: &Site) -> Vec<Vec<String>> {
    let query = match site {
        Site::Sqlite(_) => {
            "select m.name || ' ' || group_concat(c.name, ' ') from sqlite_schema m \
             join pragma_table_info(m.name) c where m.type = 'table' \
                and m.name not like 'sqlite_%' and m.name <> 'seaql_migrations' group by m.name"
        }
        Site::Postgres(_) => {
            "select table_name || ' ' || string_agg(column_name, ' ') \
             from information_schema.columns where table_schema = 'public' \
                and table_name <> 'seaql_migrations' group by table_name"
        }
    };
    let words = |line: &String| line.split(' ').map(str::to_owned).collect();
    site.lines(query).iter().map(words).collect()
}

/// What was added by later schemas is read by today's program.
async fn read_added(store: &Store, name: &str) {
    if name >= "m0008" {
        let schedule = store.schedule(ScheduleId(1)).await.unwrap().unwrap();
        assert_eq!(schedule.request.subject, "content");
    }
    if name >= "m0009" {
        assert!(store.webhook(WebhookId(1)).await.unwrap().is_some());
        assert_eq!(store.deliveries(&DeliveryFilter::default(), 10).await.unwrap().len(), 2);
        assert_eq!(store.templates().await.unwrap().len(), 1);
    }
    if name >= "m0010" {
        assert!(!store.policy().await.unwrap().roles["viewer"].masks.is_empty());
    }
    if name >= "m0013" {
        assert_eq!(store.pauses(10).await.unwrap().len(), 2);
    }
}

/// It goes on where it was left.
async fn go_on(site: Site) {
    let store = Store::open(&site.url()).await.unwrap();
    let people = store.operators().await.unwrap();
    let caller = |at: usize| operator(people[at].id.0, &people[at].email, &people[at].role);
    let check = Check { admin: caller(0), editor: caller(1), store, site };
    let filter = JobFilter::default();
    let page = check
        .store
        .jobs(&filter, JobSort { is_descending: false, ..JobSort::default() }, None, 100)
        .await
        .unwrap();
    let statuses: Vec<Status> = page.jobs.iter().map(|job| job.status).collect();
    let expected = ["pending", "building", "cancelled", "failed", "ready", "deleted", "expired"];
    assert_eq!(statuses, expected.map(|status| status.parse().unwrap()));
    check.assert_invariants().await;
    for job in [JobId(1), JobId(2)] {
        let held = check.claim().await;
        assert_eq!(held.lease.job(), job);
        check.publish(&held).await.unwrap();
    }
    check.create(&check.editor).await;
    check.assert_invariants().await;
}

#[tokio::test]
async fn a_database_of_each_released_schema_migrates_and_goes_on() {
    for name in RELEASED {
        if std::env::var_os(WRITE).is_some() && !file(&format!("{name}.dump")).exists() {
            write(name).await;
        }
    }
    for name in RELEASED {
        let fresh = Site::both();
        for (site, fresh) in released(name).into_iter().zip(fresh) {
            eprintln!("{name} on {}", site.name());
            let columns = columns(&site);
            let before = content(&site, &columns);
            assert!(before.len() > 50, "it is empty");
            let store = Store::open(&site.url()).await.unwrap();
            assert_eq!(content(&site, &columns), before);
            read_added(&store, name).await;
            store.close().await;
            // What had happened before anybody could be told of it is told to nobody.
            let told = "select count(*) > 0, count(*) - count(fanned_at) from outbox";
            let [told] = <[String; 1]>::try_from(site.lines(told)).unwrap();
            assert!(["1 0", "t 0"].contains(&told.as_str()), "{told}");
            Store::open(&fresh.url()).await.unwrap().close().await;
            assert!(
                schema(&site) == schema(&fresh),
                "{name} does not become today's schema; if it is not released yet, remove its \
                 files and write them anew: run this test with {WRITE}=1"
            );
            go_on(site).await;
        }
    }
}
