//! Tests that what workers and upkeep ask all the time does not read every job there ever was.

use sea_orm::ConnectionTrait;

use crate::{
    change::claim::{BUILDS, PICK},
    connection::{Store, StoreKind},
    lease::{FLAGS, waiting},
    query::{
        attempts::HELD,
        jobs::{DUE, ENDED, left_behind},
    },
    sql::{get, statement},
};

/// Jobs are kept for ever: a partial index is used only where a query repeats its condition.
#[tokio::test]
async fn no_query_of_a_loop_reads_all_jobs() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("control.db");
    let store = Store::open(&format!("sqlite:{}", path.display())).await.unwrap();
    let now = StoreKind::Sqlite.now();
    for (sql, index) in [
        (PICK, "jobs_open"),
        (BUILDS, "jobs_open"),
        (&waiting(now), "jobs_open"),
        (&left_behind(now), "jobs_open"),
        (FLAGS, "jobs_open"),
        (HELD, "jobs_open"),
        (DUE, "jobs_by_expiry"),
        (ENDED, "jobs_to_purge"),
    ] {
        let reader = &store.inner.reader;
        let explain = statement(reader, &format!("explain query plan {sql}"), []);
        for step in reader.query_all_raw(explain).await.unwrap() {
            let step: String = get(&step, "detail").unwrap();
            let reads_jobs = step.contains(" jobs") || step.contains(" j ");
            assert!(!reads_jobs || step.contains(index), "{step}: {sql}");
        }
    }
}
