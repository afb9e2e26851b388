//! Workers that are stopped, cancelled, refused and lost.

use std::sync::Arc;

use serde_json::json;
use tidegate_model::{
    job::{FailureReason, Job},
    request::ExportRequest,
    status::Status,
};
use tokio::sync::watch;

use crate::check::{Check, on_both};

/// A job that never ends by itself, under way.
async fn endless(check: &Check) -> (Job, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
    let id = check.create(json!({ "subject": "endless", "format": "csv" })).await;
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(Arc::clone(&check.worker()).run(stopped));
    let job = check.wait_for(id, |job| job.rows_done > 0).await;
    assert_eq!(job.status, Status::Building);
    (job, stop, worker)
}

#[test]
fn cancelling_stops_a_build_and_leaves_no_file() {
    on_both(async |check| {
        let (job, stop, worker) = endless(&check).await;
        check.service.cancel_export(&check.ada().await, job.id).await.unwrap();
        check.wait_for_status(job.id, Status::Cancelled).await;
        assert!(check.files().is_empty());
        let expected =
            ["export.created", "job.claimed", "export.cancel_requested", "job.cancelled"];
        assert_eq!(check.actions(job.id).await, expected);
        stop.send_replace(true);
        worker.await.unwrap();
    });
}

#[test]
fn a_worker_that_is_told_to_stop_hands_its_job_back_uncounted() {
    on_both(async |check| {
        let (job, stop, worker) = endless(&check).await;
        stop.send_replace(true);
        worker.await.unwrap();
        let handed_back = check.job(job.id).await;
        assert_eq!(handed_back.status, Status::Building);
        assert!(check.files().is_empty());
        let attempts = check.service.store().attempts(job.id).await.unwrap();
        assert_eq!(attempts[0].outcome.as_deref(), Some("handed_back"));
        // Somebody else takes it at once, with all its attempts.
        let (stop, stopped) = watch::channel(false);
        let worker = tokio::spawn(Arc::clone(&check.worker()).run(stopped));
        check.wait_for(job.id, |job| job.attempt == 2 && job.rows_done > 0).await;
        check.service.cancel_export(&check.ada().await, job.id).await.unwrap();
        check.wait_for_status(job.id, Status::Cancelled).await;
        stop.send_replace(true);
        worker.await.unwrap();
    });
}

#[test]
fn a_build_ends_when_its_creator_may_not_have_it_any_more() {
    for way in ["another role", "shut out"] {
        on_both(async |check| {
            let ada = check.ada().await;
            let added = check.service.add_operator(&ada, "bea@example.com", "administrator", None);
            added.await.unwrap();
            let (job, stop, worker) = endless(&check).await;
            let bea = check.person("bea@example.com").await;
            match way {
                "shut out" => {
                    check.service.set_disabled(&bea, "ada@example.com", true).await.unwrap();
                }
                _ => check.service.set_role(&bea, "ada@example.com", "viewer").await.unwrap(),
            }
            let job = check.wait_for_status(job.id, Status::Failed).await;
            let reason = job.error.unwrap().reason;
            assert_eq!(reason, FailureReason::PermissionRevoked, "{way}");
            assert!(check.files().is_empty(), "{way}");
            stop.send_replace(true);
            worker.await.unwrap();
        });
    }
}

#[test]
fn a_pause_cancels_a_build_and_a_right_that_is_given_back_does_not_revive_it() {
    for subject in [Some("endless"), None] {
        on_both(async |check| {
            let ada = check.ada().await;
            let (job, stop, worker) = endless(&check).await;
            check.service.pause(&ada, subject, "a leak").await.unwrap();
            let job = check.wait_for_status(job.id, Status::Cancelled).await;
            assert_eq!(job.error, None, "it is nobody's fault");
            assert!(check.files().is_empty());
            let request = ExportRequest::new("endless", "csv");
            let refused = check.service.create_export(&ada, &request, None).await;
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains("paused: a leak"), "{refused}");
            check.service.resume(&ada, subject).await.unwrap();
            assert_eq!(check.job(job.id).await.status, Status::Cancelled);
            stop.send_replace(true);
            worker.await.unwrap();
        });
    }
}

#[test]
fn a_right_that_is_lost_before_the_build_fails_it_before_the_source_is_asked() {
    on_both(async |check| {
        let ada = check.ada().await;
        check.service.add_operator(&ada, "bea@example.com", "administrator", None).await.unwrap();
        let id = check.create(json!({ "subject": "orders", "format": "csv" })).await;
        let bea = check.person("bea@example.com").await;
        check.service.set_disabled(&bea, "ada@example.com", true).await.unwrap();
        let job = check.build(id).await;
        assert_eq!(job.error.unwrap().reason, FailureReason::PermissionRevoked);
    });
}

#[test]
fn a_source_that_is_gone_is_tried_again_and_given_up_in_the_end() {
    on_both(async |check| {
        let id = check.create(json!({ "subject": "orders", "format": "csv" })).await;
        let shop = check.folder.path().join("shop.db");
        std::fs::rename(&shop, check.folder.path().join("away.db")).unwrap();
        let job = check.build(id).await;
        assert_eq!(job.status, Status::Building, "it waits: {:?}", job.error);
        let now = check.service.store().now().await.unwrap();
        assert!(job.run_after > now);
        // Nobody takes it before its time.
        check.worker().build_only(id).await.unwrap();
        assert_eq!(check.job(id).await.attempt, 1);
    });
}

#[test]
fn a_table_that_changed_since_fails_at_once_by_name() {
    on_both(async |check| {
        let id = check
            .create(json!({ "subject": "orders", "format": "csv", "fields": ["id", "total"] }))
            .await;
        let shop = rusqlite::Connection::open(check.folder.path().join("shop.db")).unwrap();
        shop.execute_batch("alter table orders drop column total").unwrap();
        let job = check.build(id).await;
        let failure = job.error.unwrap();
        assert_eq!((job.status, failure.reason), (Status::Failed, FailureReason::SchemaChanged));
        assert!(failure.detail.contains("/fields/1"), "{}", failure.detail);
    });
}

#[test]
fn a_job_whose_worker_died_is_taken_over_at_once_on_the_same_host() {
    on_both(async |check| {
        let id = check.create(json!({ "subject": "orders", "format": "csv" })).await;
        check.claim_and_die(id).await;
        check.upkeep().rescue().await.unwrap();
        let job = check.build(id).await;
        assert_eq!((job.status, job.attempt), (Status::Ready, 2));
        let expected = ["export.created", "job.claimed", "job.rescued", "job.claimed", "job.ready"];
        assert_eq!(check.actions(id).await, expected);
        assert_eq!(check.files().len(), 1);
    });
}

#[test]
fn a_job_whose_workers_all_died_fails() {
    on_both(async |check| {
        let id = check.create(json!({ "subject": "orders", "format": "csv" })).await;
        for _ in 0..3 {
            check.claim_and_die(id).await;
            check.upkeep().rescue().await.unwrap();
        }
        let job = check.job(id).await;
        assert_eq!(job.status, Status::Failed);
        assert_eq!(job.error.unwrap().reason, FailureReason::WorkerLost);
    });
}

#[test]
fn a_source_is_read_by_as_many_exports_as_it_admits_and_other_sources_go_on() {
    on_both(async |check| {
        let (first, stop, worker) = endless(&check).await;
        let second = check.create(json!({ "subject": "endless", "format": "csv" })).await;
        check.wait_for(second, |job| job.rows_done > 0).await;
        // Two of the same source are under way: the third waits, whoever asks.
        let third = check.create(json!({ "subject": "orders", "format": "csv" })).await;
        check.worker().build_only(third).await.unwrap();
        assert_eq!(check.job(third).await.status, Status::Pending);
        check.service.cancel_export(&check.ada().await, first.id).await.unwrap();
        check.wait_for_status(first.id, Status::Cancelled).await;
        check.wait_for_status(third, Status::Ready).await;
        check.service.cancel_export(&check.ada().await, second).await.unwrap();
        stop.send_replace(true);
        worker.await.unwrap();
    });
}
