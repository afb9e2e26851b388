//! Databases of every schema that was released, kept as files: today's program brings them up to
//! date, and they lose nothing.

use std::{fs, path::PathBuf};

use tidegate_model::{action::Action, ids::JobId, job::NewJob, status::Status};
use tidegate_store::{Change, FailJob, JobFilter, JobSort, LinkChange, Store};

use crate::check::{
    Check, ENDED_MICROS, LEASE_MICROS, Site, failure, new_job, operator, random_word,
};

/// Names of the schemas, oldest first: each is a file of SQLite and a script of PostgreSQL.
const RELEASED: &[&str] = &["m0001"];
/// Tells this test to write the files of the newest schema, before it is released.
const WRITE: &str = "TIDEGATE_WRITE_FIXTURES";

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "it", "released", name].iter().collect()
}

/// Something of everything: a job in each state, and what belongs to it.
async fn fill(check: &Check) {
    let pending = NewJob {
        kind: None,
        reason: Some("the yearly audit".to_owned()),
        rows_estimated: Some(5),
        ..new_job(&check.editor)
    };
    check.create_with(&check.editor, pending).await.unwrap();
    let held = check.building(&check.editor).await;
    check.store.renew(&held.lease, ENDED_MICROS).await.unwrap();
    let job = check.create(&check.editor).await;
    check.act(&check.editor, Action::ExportCancel, job, Change::CancelExport).await.unwrap();
    let job = check.create(&check.editor).await;
    let fail = Change::Fail(FailJob { proof: None, failure: failure() });
    check.work(Action::JobFail, job, fail).await.unwrap();
    let job = check.ready(&check.admin).await;
    let make =
        LinkChange::Make { nonce: random_word(), life_micros: LEASE_MICROS, is_bearer: false };
    check.act(&check.admin, Action::DownloadLink, job, Change::Link(make)).await.unwrap();
    let job = check.ready(&check.admin).await;
    let delete = Change::DeleteArtifact;
    check.act(&check.admin, Action::ArtifactDelete, job, delete).await.unwrap();
    check.upkeep(Action::ArtifactPurge, job, Change::Purged).await.unwrap();
    let job = check.ready(&check.admin).await;
    check.end_retention(job);
    check.upkeep(Action::JobExpire, job, Change::Expire).await.unwrap();
}

async fn write(name: &str) {
    let check = Check::new(Site::sqlite()).await;
    fill(&check).await;
    let path = file(&format!("{name}.sqlite3"));
    drop(fs::remove_file(&path));
    check.site.execute_alone(&format!("vacuum into '{}'", path.display()));
    let check = Check::new(Site::postgres()).await;
    fill(&check).await;
    let Site::Postgres(database) = &check.site else { unreachable!("asked for PostgreSQL") };
    fs::write(file(&format!("{name}.dump")), database.dump(&[])).unwrap();
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

/// What whoever used the database before finds in it.
fn content(site: &Site) -> Vec<String> {
    [
        "select seq, hash, entry from activity order by seq",
        "select id, subject, status, created_by, artifact_key, expires_at from jobs order by id",
        "select job_id, attempt, object_key, outcome from attempts order by 1, 2",
        "select job_id, transition, activity_seq from transitions order by id",
        "select id, email, role from operators order by id",
        "select slug, capabilities, limits from roles order by slug",
        "select id, job_id, nonce, expires_at from links order by id",
    ]
    .iter()
    .flat_map(|query| site.lines(query))
    .collect()
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
    if std::env::var_os(WRITE).is_some() {
        write(RELEASED[RELEASED.len() - 1]).await;
    }
    for name in RELEASED {
        let fresh = Site::both();
        for (site, fresh) in released(name).into_iter().zip(fresh) {
            eprintln!("{name} on {}", site.name());
            let before = content(&site);
            assert!(before.len() > 50, "it is empty");
            Store::open(&site.url()).await.unwrap().close().await;
            assert_eq!(content(&site), before);
            Store::open(&fresh.url()).await.unwrap().close().await;
            assert!(
                schema(&site) == schema(&fresh),
                "{name} does not become today's schema; if it is not released yet, write its files \
                 anew: run this test with {WRITE}=1"
            );
            go_on(site).await;
        }
    }
}
