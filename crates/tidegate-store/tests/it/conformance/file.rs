//! Files: published once, expired, deleted, purged, found faulty.

use tidegate_model::{action::Action, actor::Caller, ids::JobId, status::Status};
use tidegate_store::{Change, Committed, ObjectUse, RoleEdit, StoreError};

use crate::check::{Check, LEASE_MICROS};

async fn delete(check: &Check, job: JobId) -> Result<Committed, StoreError> {
    check.act(&check.editor, Action::ArtifactDelete, job, Change::DeleteArtifact).await
}

async fn expire(check: &Check, job: JobId) -> Result<Committed, StoreError> {
    check.upkeep(Action::JobExpire, job, Change::Expire).await
}

async fn purge(check: &Check, job: JobId) -> Result<Committed, StoreError> {
    check.upkeep(Action::ArtifactPurge, job, Change::Purged).await
}

fn is_conflict(error: &StoreError, expected: Status) -> bool {
    matches!(error, StoreError::Conflict { status } if *status == expected)
}

fn ids(jobs: &[tidegate_model::job::Job]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

#[test]
fn a_file_is_not_published_under_another_policy() {
    Check::on_both(async |check| {
        let held = check.building(&check.editor).await;
        let artifact = check.artifact(&held).await;
        let editor = check.store.policy().await.unwrap().roles["editor"].clone();
        let put = Change::Role(RoleEdit::Put(editor));
        check.change(&check.admin, (Action::RoleChange, Default::default()), put).await.unwrap();
        let publish = |artifact| {
            let change = Change::Publish(held.lease.proof(), Box::new(artifact));
            check.work(Action::JobPublish, held.lease.job(), change)
        };
        let refused = check.refused(publish(artifact)).await;
        assert!(matches!(refused, StoreError::PolicyChanged), "{refused:?}");
        publish(check.artifact(&held).await).await.unwrap();
    });
}

#[test]
fn a_file_is_published_once() {
    Check::on_both(async |check| {
        let held = check.building(&check.editor).await;
        check.publish(&held).await.unwrap();
        let refused = check.refused(check.publish(&held)).await;
        assert!(matches!(refused, StoreError::LeaseLost), "{refused:?}");
    });
}

#[test]
fn a_file_ends_once_by_deletion_or_expiry() {
    Check::on_both(async |check| {
        let (deleted, expired) =
            (check.ready(&check.editor).await, check.ready(&check.editor).await);
        check.end_retention(deleted);
        check.end_retention(expired);
        delete(check, deleted).await.unwrap();
        expire(check, expired).await.unwrap();
        for (job, status) in [(deleted, Status::Deleted), (expired, Status::Expired)] {
            assert_eq!(check.job(job).await.status, status);
            assert!(check.job(job).await.artifact_key.is_some(), "so that it can be purged");
            assert!(is_conflict(&check.refused(delete(check, job)).await, status));
            assert!(is_conflict(&check.refused(expire(check, job)).await, status));
        }
        let pending = check.create(&check.editor).await;
        for refused in [
            check.refused(delete(check, pending)).await,
            check.refused(expire(check, pending)).await,
            check.refused(purge(check, pending)).await,
        ] {
            assert!(is_conflict(&refused, Status::Pending), "{refused:?}");
        }
    });
}

#[test]
fn a_file_does_not_expire_before_its_time() {
    Check::on_both(async |check| {
        let job = check.ready(&check.editor).await;
        let refused = check.refused(expire(check, job)).await;
        assert!(is_conflict(&refused, Status::Ready), "{refused:?}");
        let now = check.store.now().await.unwrap();
        assert!(check.store.jobs_to_expire(now, 10).await.unwrap().is_empty());
        let due = check.store.jobs_to_expire(now + LEASE_MICROS, 10).await.unwrap();
        assert_eq!(ids(&due), [job]);
        check.end_retention(job);
        assert_eq!(ids(&check.store.jobs_to_expire(now, 10).await.unwrap()), [job]);
        expire(check, job).await.unwrap();
    });
}

#[test]
fn a_file_that_ended_is_purged_once() {
    Check::on_both(async |check| {
        let job = check.ready(&check.editor).await;
        assert!(is_conflict(&check.refused(purge(check, job)).await, Status::Ready));
        let key = check.job(job).await.artifact_key.unwrap();
        delete(check, job).await.unwrap();
        assert_eq!(ids(&check.store.jobs_to_purge(JobId(0), 10).await.unwrap()), [job]);
        purge(check, job).await.unwrap();
        assert!(check.store.jobs_to_purge(JobId(0), 10).await.unwrap().is_empty());
        assert!(!check.is_in_use(&key).await);
        assert!(is_conflict(&check.refused(purge(check, job)).await, Status::Deleted));
    });
}

#[test]
fn a_fault_is_noted_once_and_leaves_the_job_ready() {
    Check::on_both(async |check| {
        let job = check.ready(&check.editor).await;
        let note = async |fault: &str| {
            let change = Change::Fault { fault: fault.to_owned() };
            check.upkeep(Action::ArtifactFault, job, change).await
        };
        assert_eq!(ids(&check.store.jobs_with_file(JobId(0), 10).await.unwrap()), [job]);
        note("missing").await.unwrap();
        assert_eq!(check.job(job).await.fault.as_deref(), Some("missing"));
        assert_eq!(check.job(job).await.status, Status::Ready);
        assert!(check.store.jobs_with_file(JobId(0), 10).await.unwrap().is_empty());
        assert!(is_conflict(&check.refused(note("corrupt")).await, Status::Ready));
        delete(check, job).await.unwrap();
    });
}

#[test]
fn what_is_not_there_is_missing() {
    Check::on_both(async |check| {
        let known = check.target(check.ready(&check.editor).await).await;
        let target = tidegate_model::action::Target { job: Some(JobId(9_999)), ..known };
        for (caller, action, change) in [
            (check.editor.clone(), Action::ExportCancel, Change::CancelExport),
            (check.editor.clone(), Action::ArtifactDelete, Change::DeleteArtifact),
            (Caller::upkeep("upkeep"), Action::JobExpire, Change::Expire),
            (Caller::upkeep("upkeep"), Action::ArtifactPurge, Change::Purged),
        ] {
            let change = check.change(&caller, (action, target.clone()), change);
            let refused = check.refused(change).await;
            assert!(matches!(refused, StoreError::Missing { what: "job" }), "{refused:?}");
        }
    });
}

#[test]
fn an_object_is_free_once_nothing_refers_to_it_and_never_used_again() {
    Check::on_both(async |check| {
        let held = check.building(&check.editor).await;
        let job = held.lease.job();
        let first = held.lease.object_key().to_owned();
        let hand_back = Change::HandBack(held.lease.proof());
        let known = async |keys: &[&String]| {
            let keys: Vec<String> = keys.iter().map(|key| (*key).clone()).collect();
            check.store.object_uses(&keys).await.unwrap()
        };
        assert_eq!(known(&[&first]).await, [(first.clone(), ObjectUse::Live)].into());
        check.work(Action::JobHandBack, job, hand_back).await.unwrap();
        assert_eq!(known(&[&first]).await, [(first.clone(), ObjectUse::Free)].into());

        let again = check.claim().await;
        let second = again.lease.object_key().to_owned();
        let never = format!("{job}/1-{}", "0".repeat(32));
        let [free, live, shown] =
            [(&first, ObjectUse::Free), (&second, ObjectUse::Live), (&second, ObjectUse::Shown)]
                .map(|(key, object_use)| (key.clone(), object_use));
        let both = async || known(&[&first, &never, &second]).await;
        assert_eq!(both().await, [free.clone(), live].into(), "building");
        check.publish(&again).await.unwrap();
        assert_eq!(both().await, [free.clone(), shown.clone()].into(), "ready");
        delete(check, job).await.unwrap();
        assert_eq!(both().await, [free.clone(), shown].into(), "deleted");
        purge(check, job).await.unwrap();
        assert_eq!(both().await, [free, (second.clone(), ObjectUse::Free)].into(), "purged");
        assert!(known(&[]).await.is_empty());
        assert!(check.store.jobs_to_purge(job, 10).await.unwrap().is_empty());
    });
}
