//! Futures that are dropped while they wait: no write that was acknowledged is lost with them.

use std::{future::poll_fn, pin::pin, task::Poll};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, TransactionTrait, sqlx::Executor,
};
use tidegate_model::{
    action::Action,
    audit::{CHECKPOINT_VERSION, Checkpoint, FIRST_HASH, SignedCheckpoint},
};
use tidegate_store::{Change, HoldRequest, Store};

use crate::check::{Check, LEASE_MICROS, OPEN_JOBS_MAX, Site, new_job, target_of_new};

/// Futures that are dropped in one trial.
const DROPS: usize = 300;
/// Trials after which the driver is believed to lose nothing; most lose a dozen writes.
const TRIALS_MAX: usize = 20;
/// Waits of a future at one of which it is dropped: a write has about a dozen.
const WAITS_MAX: usize = 12;
/// Turns that the runtime gets before it, so that connections are back in the pool or not yet.
const TURNS_MAX: usize = 60;

/// Drops a future at one of its first waits, at some moment.
async fn abandon<T>(future: impl Future<Output = T>) -> Option<T> {
    for _ in 0..rand::random_range(0..TURNS_MAX) {
        tokio::task::yield_now().await;
    }
    abandon_at(rand::random_range(1..=WAITS_MAX), future).await
}

/// Drops a future at its wait of that number, if it gets there.
async fn abandon_at<T>(wait: usize, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut waits) = (pin!(future), 0);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => {
            waits += 1;
            if waits == wait { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}

/// The cures for the fault of the driver.
#[derive(Clone, Copy)]
struct Cures {
    /// Transactions begin in a task of their own, which nobody drops.
    task: bool,
    /// What is given back to the pool is rolled back.
    rollback: bool,
}

async fn pool(site: &Site, cures: Cures) -> DatabaseConnection {
    let mut options = ConnectOptions::new(site.url());
    // One connection: who comes next has the one that was given back.
    options.max_connections(1).sqlx_logging(false);
    if cures.rollback {
        options.map_sqlx_postgres_pool_opts(|options| {
            options.after_release(|connection, _| {
                Box::pin(async move {
                    connection.execute("begin; rollback").await?;
                    Ok(true)
                })
            })
        });
    }
    Database::connect(options).await.unwrap()
}

/// Waits until the connection is back in the pool, if it was not closed.
async fn settle(pool: &DatabaseConnection) {
    let pool = pool.get_postgres_connection_pool();
    while pool.size() > 0 && pool.num_idle() == 0 {
        tokio::task::yield_now().await;
    }
}

/// Writes that the driver acknowledged and the server never kept, with dropped transactions
/// between them.
async fn lost(cures: Cures) -> i64 {
    let site = Site::postgres();
    site.execute("create table written (at int)").unwrap();
    let pool = pool(&site, cures).await;
    let mut acknowledged = 0;
    for drop_number in 0..DROPS {
        let wait = drop_number % WAITS_MAX + 1;
        settle(&pool).await;
        if cures.task {
            let pool = pool.clone();
            let task = tokio::spawn(async move { drop(pool.begin().await.unwrap()) });
            abandon_at(wait, task).await;
        } else {
            abandon_at(wait, pool.begin()).await;
        }
        let written = pool.execute_unprepared("insert into written values (1)").await.unwrap();
        acknowledged += i64::try_from(written.rows_affected()).unwrap();
    }
    assert_eq!(acknowledged, i64::try_from(DROPS).unwrap());
    acknowledged - site.number("select count(*) from written")
}

#[tokio::test]
async fn the_driver_loses_writes_and_each_cure_alone_keeps_them() {
    let mut is_lost = false;
    for _ in 0..TRIALS_MAX {
        is_lost |= lost(Cures { task: false, rollback: false }).await > 0;
        if is_lost {
            break;
        }
    }
    assert!(is_lost, "the driver is mended: the cures and this test can go");
    assert_eq!(lost(Cures { task: true, rollback: false }).await, 0);
    assert_eq!(lost(Cures { task: false, rollback: true }).await, 0);
}

/// Begins something, and loses interest.
async fn lose_interest(check: &Check, store: &Store, drop_number: usize) {
    match drop_number % 3 {
        0 => {
            let job = new_job(&check.editor);
            let permit =
                check.permit(&check.editor, Action::ExportCreate, target_of_new(&job)).await;
            let job = Box::new(job);
            let change = Change::CreateExport { job, open_jobs_max: OPEN_JOBS_MAX };
            abandon(store.commit(permit, change)).await;
        }
        1 => {
            abandon(store.policy()).await;
        }
        _ => {
            let permit = check.log_permit(Action::StreamHold).await;
            let request = HoldRequest { sink: "sink", holder: "holder", hold_micros: LEASE_MICROS };
            abandon(store.hold_stream(permit, request)).await;
        }
    }
}

/// The checkpoint behind that many others.
fn numbered(before: usize) -> Checkpoint {
    Checkpoint {
        v: CHECKPOINT_VERSION,
        number: i64::try_from(before).unwrap() + 1,
        seq: 1,
        head: FIRST_HASH.to_owned(),
        at: "2026-11-22T00:00:00Z".to_owned(),
        prev: FIRST_HASH.to_owned(),
    }
}

#[test]
fn no_acknowledged_write_is_lost_when_others_lose_interest() {
    Check::on_both(async |check| {
        let signed = SignedCheckpoint {
            checkpoint: "{}".to_owned(),
            key: "k".to_owned(),
            signature: "s".to_owned(),
        };
        let mut acknowledged = Vec::new();
        for drop_number in 0..DROPS {
            lose_interest(check, &check.store, drop_number).await;
            let permit = check.log_permit(Action::CheckpointKeep).await;
            let kept = check.store.keep_checkpoint(permit, &numbered(drop_number), &signed).await;
            assert!(kept.unwrap());
            if drop_number % 3 == 0 {
                acknowledged.push(check.create(&check.admin).await.to_string());
            }
        }
        let kept = check.site.number("select count(*) from checkpoints");
        assert_eq!(kept, i64::try_from(DROPS).unwrap());
        let admin = check.admin.operator().unwrap();
        let made = format!("select id from jobs where created_by = {admin} order by id");
        assert_eq!(check.site.lines(&made), acknowledged);
        // Whatever was dropped after it had begun happened all the same, whole.
        check.create(&check.admin).await;
    });
}

#[tokio::test]
async fn giving_back_a_connection_leaves_no_warning_at_the_server() {
    let check = Check::new(Site::postgres()).await;
    check.create(&check.editor).await;
    let Site::Postgres(database) = &check.site else { unreachable!("asked for PostgreSQL") };
    let log = database.server().log();
    assert!(!log.contains("no transaction in progress"), "{log}");
}
