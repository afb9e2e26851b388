//! Cancelling: at once where nobody works on the job, else by whoever does.

use tidegate_model::{action::Action, ids::JobId, status::Status};
use tidegate_store::{Change, Committed, StoreError};

use crate::check::{Check, ENDED_MICROS, LEASE_MICROS};

async fn cancel(check: &Check, job: JobId) -> Result<Committed, StoreError> {
    check.act(&check.editor, Action::ExportCancel, job, Change::CancelExport).await
}

#[test]
fn a_pending_job_is_cancelled_at_once() {
    Check::on_both(async |check| {
        let job = check.create(&check.editor).await;
        let (_, left) = check.watch(cancel(check, job)).await;
        assert_eq!(check.job(job).await.status, Status::Cancelled);
        let expected = ["export.cancel_requested done operator", "job.cancelled done operator"];
        assert_eq!(left.entries, expected.map(|entry| format!("{entry} {job}")));
        assert_eq!(left.transitions, [format!("cancel pending cancelled {job}")]);
        assert!(check.claim_by(crate::check::claim_request()).await.is_none());
    });
}

#[test]
fn the_worker_of_a_job_hears_of_its_cancellation_and_ends_it() {
    Check::on_both(async |check| {
        let held = check.building(&check.editor).await;
        let job = held.lease.job();
        let (_, left) = check.watch(cancel(check, job)).await;
        assert_eq!(left.entries, [format!("export.cancel_requested done operator {job}")]);
        assert_eq!(left.transitions, Vec::<String>::new());
        assert_eq!(check.job(job).await.status, Status::Building);
        assert!(check.store.renew(&held.lease, LEASE_MICROS).await.unwrap().is_cancelled);
        let flags = check.store.flags("worker-1").await.unwrap();
        assert!(flags[0].0 == job && flags[0].1.is_cancelled);

        let refused = check.refused(check.publish(&held)).await;
        assert!(matches!(refused, StoreError::LeaseLost), "{refused:?}");
        let change = Change::Cancelled(Some(held.lease.proof()));
        check.work(Action::JobCancel, job, change).await.unwrap();
        assert_eq!(check.job(job).await.status, Status::Cancelled);
        assert_eq!(check.attempts(job), ["1 cancelled ended"]);
    });
}

#[test]
fn a_job_whose_worker_is_gone_is_cancelled_at_once() {
    Check::on_both(async |check| {
        let job = check.create(&check.editor).await;
        let held = check.claim_briefly(job).await;
        let (_, left) = check.watch(cancel(check, job)).await;
        assert_eq!(left.transitions, [format!("cancel building cancelled {job}")]);
        assert_eq!(check.attempts(job), ["1 cancelled ended"]);
        let refused = check.refused(check.publish(&held)).await;
        assert!(matches!(refused, StoreError::LeaseLost), "{refused:?}");
    });
}

#[test]
fn a_cancelled_job_whose_worker_goes_is_left_for_upkeep() {
    Check::on_both(async |check| {
        let held = check.building(&check.editor).await;
        let job = held.lease.job();
        cancel(check, job).await.unwrap();
        let end = check.upkeep(Action::JobCancel, job, Change::Cancelled(None));
        let refused = check.refused(end).await;
        assert!(matches!(refused, StoreError::LeaseLost), "its lease is alive: {refused:?}");
        assert!(check.store.jobs_left_behind(10).await.unwrap().is_empty());

        check.store.renew(&held.lease, ENDED_MICROS).await.unwrap();
        assert!(check.claim_by(crate::check::claim_request()).await.is_none(), "nobody takes it");
        assert_eq!(check.store.jobs_left_behind(10).await.unwrap()[0].id, job);
        check.upkeep(Action::JobCancel, job, Change::Cancelled(None)).await.unwrap();
        assert_eq!(check.job(job).await.status, Status::Cancelled);
    });
}

#[test]
fn nobody_ends_a_job_as_cancelled_that_nobody_cancelled() {
    Check::on_both(async |check| {
        let held = check.building(&check.editor).await;
        let job = held.lease.job();
        for proof in [Some(held.lease.proof()), None] {
            let end = check.work(Action::JobCancel, job, Change::Cancelled(proof));
            let refused = check.refused(end).await;
            assert!(matches!(refused, StoreError::LeaseLost), "{refused:?}");
        }
    });
}

#[test]
fn a_job_that_is_over_cannot_be_cancelled() {
    Check::on_both(async |check| {
        let ready = check.ready(&check.editor).await;
        let refused = check.refused(cancel(check, ready)).await;
        assert!(matches!(refused, StoreError::Conflict { status: Status::Ready }), "{refused:?}");
        let job = check.create(&check.editor).await;
        cancel(check, job).await.unwrap();
        let refused = check.refused(cancel(check, job)).await;
        let status = Status::Cancelled;
        assert!(matches!(refused, StoreError::Conflict { status: s } if s == status));
    });
}
