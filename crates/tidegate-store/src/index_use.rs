//! Tests that what is asked all the time does not read every job or entry there ever was.

use sea_orm::{ConnectionTrait, Value};
use tidegate_model::{
    audit::Outcome,
    ids::{JobId, OperatorId},
};
use tidegate_testkit::postgres::Postgres;

use crate::{
    change::claim::{BUILDS, pick},
    connection::{Store, StoreKind},
    lease::{FLAGS, waiting},
    query::{
        activity::{EntryFilter, EntrySort, list},
        attempts::HELD,
        job_list::{Creator, JobFilter, count, page},
        job_order::JobSort,
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
        (pick().as_str(), "jobs_open"),
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

/// A hundred thousand jobs of a hundred people, and as many entries; of what is sought there are
/// few. Whatever else jobs are filtered by, a hundred thousand of them are read in milliseconds.
const PAST: &str = "
insert into roles (slug, label, capabilities, limits) values ('r', '', '[]', '[]');
with recursive n(i) as (select 1 union all select i + 1 from n where i < 100)
insert into operators (email, name, role, created_at)
select 'o' || i || '@example.com', '', 'r', 1 from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000)
insert into jobs (subject, scope, fields, format, options, status, has_pii, time_zone, via,
    run_after, attempts_max, created_by, created_at)
select case when i % 1000 = 0 then 'few' else 'orders' end, '{}', '[]', 'csv', '{}', 'pending', 0,
    'UTC', 'api', 1, 3, 1 + i % 100, i from n;
update jobs set status = 'cancelled', completed_at = 1 where id % 1000 > 0;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000)
insert into activity (seq, prev, hash, at, commit_id, action, outcome, actor, operator_id, name,
    subject, job_id, tags, entry)
select i, 'p', 'h' || i, i, 'c' || i,
    case when i % 1000 = 0 then 'role.changed' else 'export.created' end, 'done', 'operator', 1,
    case when i % 1000 = 0 then 'few@example.com' else 'ada@example.com' end,
    case when i % 1000 = 0 then 'few' else 'orders' end, i,
    case when i % 1000 = 0 then 'pii' else '' end, '{}' from n;
";

/// How a question is answered, and whether by reading a table from end to end.
async fn explained(store: &Store, (sql, values): (String, Vec<Value>)) -> (String, bool) {
    let reader = &store.inner.reader;
    let (explain, column) = match store.kind() {
        StoreKind::Sqlite => ("explain query plan", "detail"),
        StoreKind::Postgres => ("explain", "QUERY PLAN"),
    };
    let explain = statement(reader, &format!("{explain} {sql}"), values);
    let steps = reader.query_all_raw(explain).await.unwrap();
    let steps: Vec<String> = steps.iter().map(|step| get(step, column).unwrap()).collect();
    let is_whole = |step: &String| {
        // Of the log, the way backwards along its numbers is a read of all of it, too.
        let bare = step.trim_start().trim_start_matches("-> ").trim_start();
        let by_number = ["activity_pkey", "jobs_pkey"].iter().any(|name| bare.contains(name));
        bare.starts_with("SCAN activity") && !bare.contains("activity_tagged")
            || bare.starts_with("SCAN j")
            || bare.starts_with("Seq Scan on activity")
            || bare.starts_with("Seq Scan on jobs")
            || bare.starts_with("Index Scan Backward") && by_number
    };
    let is_whole = steps.iter().any(is_whole);
    (steps.join("\n"), is_whole)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_few_that_a_list_is_filtered_for_are_found_by_an_index() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = format!("sqlite:{}", folder.path().join("control.db").display());
    let database = Postgres::shared().database();
    for url in [file, database.url()] {
        let store = Store::open(&url).await.unwrap();
        let kind = store.kind();
        store.inner.writer.execute_unprepared(PAST).await.unwrap();
        store.inner.writer.execute_unprepared("analyze").await.unwrap();
        let all = || JobFilter {
            subjects: Some(vec!["few".into(), "orders".into()]),
            ..JobFilter::default()
        };
        for filter in [
            JobFilter { owner: Some(OperatorId(7)), ..all() },
            JobFilter { creator: Some(Creator::Id(OperatorId(7))), ..all() },
        ] {
            let sort = (JobSort::default(), None);
            for question in [page(kind, &filter, sort, 26), count(&filter)] {
                let (plan, is_whole) = explained(&store, question).await;
                assert!(!is_whole, "{kind:?} {filter:?}\n{plan}");
            }
        }
        let seen =
            || EntryFilter { subjects_seen: Some(vec!["few".into()]), ..EntryFilter::default() };
        let few = || Some("few".to_owned());
        for filter in [
            EntryFilter { actor: Some("few@example.com".into()), ..seen() },
            EntryFilter { subject: few(), ..seen() },
            EntryFilter { action: Some("role.changed".into()), ..seen() },
            EntryFilter { tag: Some("pii".into()), ..seen() },
            EntryFilter { job: Some(JobId(7)), ..seen() },
            EntryFilter { subject: few(), outcome: Some(Outcome::Denied), from: Some(9), ..seen() },
        ] {
            for sort in [EntrySort::Newest, EntrySort::Oldest] {
                let (plan, is_whole) =
                    explained(&store, list(kind, &filter, (sort, None), 26)).await;
                assert!(!is_whole, "{kind:?} {filter:?}\n{plan}");
            }
        }
    }
}
