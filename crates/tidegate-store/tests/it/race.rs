//! Many at once: each job is given out once, and no entry is lost.

use std::{collections::BTreeSet, sync::Arc};

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    policy::{Policy, authorize},
};
use tidegate_store::{Claimed, Store};
use tokio::sync::Barrier;

use crate::check::{Check, claim_request};

/// Stores that are open at the same time, as if in processes of their own.
const PROCESSES: usize = 4;
/// Workers that claim as long as there is something.
const WORKERS: usize = 8;
/// Claimers of one job.
const CLAIMERS: usize = 64;
/// How often they race.
const RACES: usize = 8;
/// Jobs that wait at a time, and how often so many are made: 5,000 claims on each database.
const BACKLOG: usize = 250;
const BACKLOGS: usize = 20;

async fn claim(store: &Store, policy: &Policy) -> Option<Claimed> {
    let worker = Caller::worker("racer");
    let permit = authorize(policy, &worker, Action::JobClaim, Target::default()).unwrap();
    store.claim(permit, claim_request()).await.unwrap()
}

async fn processes(check: &Check) -> Vec<Store> {
    let mut stores = Vec::new();
    for _ in 0..PROCESSES {
        stores.push(Store::open(&check.site.url()).await.unwrap());
    }
    stores
}

#[test]
fn of_64_claimers_of_one_job_one_wins() {
    Check::on_both(async |check| {
        let stores = processes(check).await;
        let policy = Arc::new(check.store.policy().await.unwrap());
        for attempt in 1..=RACES {
            let job = check.create(&check.editor).await;
            let start = Arc::new(Barrier::new(CLAIMERS));
            let claimers = (0..CLAIMERS).map(|number| {
                let store = stores[number % PROCESSES].clone();
                let (policy, start) = (Arc::clone(&policy), Arc::clone(&start));
                tokio::spawn(async move {
                    start.wait().await;
                    claim(&store, &policy).await
                })
            });
            let claimed = futures_util::future::join_all(claimers).await;
            let won: Vec<Claimed> = claimed.into_iter().filter_map(Result::unwrap).collect();
            assert_eq!(won.len(), 1, "race {attempt}");
            assert_eq!(won[0].lease.job(), job);
            check.publish(&won[0]).await.unwrap();
        }
    });
}

#[test]
fn ten_thousand_jobs_are_claimed_once_each() {
    Check::on_both_tampered(async |check| {
        let stores = processes(check).await;
        let policy = Arc::new(check.store.policy().await.unwrap());
        let mut claimed = BTreeSet::new();
        for _ in 0..BACKLOGS {
            make_backlog(check);
            let workers = (0..WORKERS).map(|number| {
                let (store, policy) = (stores[number % PROCESSES].clone(), Arc::clone(&policy));
                tokio::spawn(async move {
                    let mut jobs = Vec::new();
                    while let Some(claimed) = claim(&store, &policy).await {
                        jobs.push(claimed.lease.job());
                    }
                    jobs
                })
            });
            for jobs in futures_util::future::join_all(workers).await {
                for job in jobs.unwrap() {
                    assert!(claimed.insert(job), "job {job} was claimed twice");
                }
            }
            end_backlog(check);
        }
        assert_eq!(claimed.len(), BACKLOG * BACKLOGS);
        check.assert_chain().await;

        for each in [
            "select job_id from activity where action = 'job.claimed' and outcome = 'done'",
            "select job_id from transitions where transition = 'claim'",
            "select job_id from attempts",
        ] {
            let jobs = check.site.lines(&format!("{each} order by job_id"));
            assert!(jobs.into_iter().eq(claimed.iter().map(ToString::to_string)), "{each}");
        }
    });
}

/// Makes jobs around the store: it is not what is tried here, and half of the time.
fn make_backlog(check: &Check) {
    let operator = check.editor.operator().unwrap();
    let jobs = format!(
        "insert into jobs (subject, scope, fields, format, options, status, has_pii, time_zone, \
             via, run_after, attempts_max, created_by, created_at) \
         with recursive n(i) as (select 1 union all select i + 1 from n where i < {BACKLOG}) \
         select 'content', '{{}}', '[]', 'csv', '{{}}', 'pending', 0, 'UTC', 'api', 0, 3, \
             {operator}, 0 from n"
    );
    check.site.execute(&jobs).unwrap();
}

/// Ends them: a site does not build thousands of files at a time.
fn end_backlog(check: &Check) {
    const END: &str = "\
        update jobs set status = 'failed', error_reason = 'internal', completed_at = 0, \
            lease_token = null, lease_expires = null \
        where status = 'building'";
    check.site.execute(END).unwrap();
}
