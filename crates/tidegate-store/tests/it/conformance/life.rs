//! A job from its request to the end of its file.

use tidegate_model::{action::Action, status::Status};
use tidegate_store::{Change, ProgressReport};

use crate::check::{Check, LEASE_MICROS};

#[test]
fn a_job_goes_from_its_request_to_its_file() {
    Check::on_both(async |check| {
        let job = check.create(&check.editor).await;
        assert_eq!(check.job(job).await.status, Status::Pending);

        let claimed = check.claim().await;
        assert_eq!((claimed.job.id, claimed.lease.attempt()), (job, 1));
        assert_eq!(claimed.job.status, Status::Building);
        assert!(claimed.lease.object_key().starts_with(&format!("{job}/1-")));
        assert!(check.is_in_use(claimed.lease.object_key()).await);

        let flags = check.store.renew(&claimed.lease, LEASE_MICROS).await.unwrap();
        assert!(!flags.is_cancelled);
        assert_eq!(check.store.flags("worker-1").await.unwrap(), [(job, flags)]);

        check.publish(&claimed).await.unwrap();
        let ready = check.job(job).await;
        assert_eq!((ready.status, ready.progress, ready.rows_done), (Status::Ready, 100, 56));
        assert_eq!(ready.artifact_key.as_deref(), Some(claimed.lease.object_key()));
        assert_eq!(ready.size_bytes, Some(1_234));
        assert_eq!(ready.expires_at.unwrap() - ready.completed_at.unwrap(), LEASE_MICROS);
        assert_eq!(check.attempts(job), ["1 published ended"]);
        assert!(check.store.flags("worker-1").await.unwrap().is_empty());
        assert!(check.is_in_use(claimed.lease.object_key()).await);
        assert_eq!(
            check.site.lines("select topic, job_id from outbox"),
            [format!("export.ready {job}")]
        );
    });
}

#[test]
fn a_job_says_what_it_was_asked_for() {
    Check::on_both(async |check| {
        let asked = crate::check::new_job(&check.editor);
        let job = check.create(&check.editor).await;
        let job = check.job(job).await;
        assert_eq!((job.subject, job.kind), (asked.subject, asked.kind));
        assert_eq!((job.scope, job.fields), (asked.scope, asked.fields));
        assert_eq!((job.format, job.options), (asked.format, asked.options));
        assert_eq!((job.time_zone, job.via), (asked.time_zone, asked.via));
        assert_eq!((job.created_by, job.attempts_max), (asked.created_by, asked.attempts_max));
        assert_eq!((job.attempt, job.progress, job.artifact_key), (0, 0, None));
    });
}

#[test]
fn progress_only_grows_within_an_attempt_and_is_never_whole_before_the_file_is() {
    Check::on_both(async |check| {
        let claimed = check.building(&check.editor).await;
        let job = claimed.lease.job();
        for (percent, rows, rows_estimated, shown) in [
            (40, 20, None, (40, 20, None)),
            (30, 10, Some(30), (40, 20, Some(30))),
            (200, 21, None, (99, 21, Some(30))),
        ] {
            let report = ProgressReport { percent, rows, rows_estimated };
            check.store.report(&claimed.lease, report).await.unwrap();
            let seen = check.job(job).await;
            assert_eq!((seen.progress, seen.rows_done, seen.rows_estimated), shown);
        }
        let change = Change::HandBack(claimed.lease.proof());
        check.work(Action::JobHandBack, job, change).await.unwrap();
        assert_eq!(check.claim().await.job.progress, 0, "a new attempt begins at nothing");
    });
}

#[test]
fn of_two_waiting_jobs_each_is_given_out_once() {
    Check::on_both(async |check| {
        let jobs = [check.create(&check.editor).await, check.create(&check.editor).await];
        let claimed = [check.claim().await.lease.job(), check.claim().await.lease.job()];
        assert_eq!(claimed, jobs, "the older one first");
        assert!(check.claim_by(crate::check::claim_request()).await.is_none());
    });
}
