//! Leases: who may claim what, when, and what a lost one is worth.

use tidegate_model::{
    action::{Action, Target},
    actor::Via,
    ids::JobId,
    job::{Failure, FailureReason, NewJob},
    status::Status,
};
use tidegate_store::{
    Change, ClaimRequest, Claimed, Clock, Committed, FailJob, HeldLease, ProgressReport,
    SourceShare, Store, StoreError,
};

use crate::check::{
    Check, ENDED_MICROS, LEASE_MICROS, claim_request, failure, new_job, permit, worker,
};

/// By how much a clock goes back.
const BACK_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

async fn retry(check: &Check, held: &Claimed, pause_micros: i64) -> Result<Committed, StoreError> {
    let change = Change::Retry { proof: held.lease.proof(), failure: failure(), pause_micros };
    check.work(Action::JobRetry, held.lease.job(), change).await
}

async fn hand_back(check: &Check, held: &Claimed) -> Result<Committed, StoreError> {
    let change = Change::HandBack(held.lease.proof());
    check.work(Action::JobHandBack, held.lease.job(), change).await
}

async fn rescue(check: &Check, job: JobId, lease_token: String) -> Result<Committed, StoreError> {
    check.upkeep(Action::JobRescue, job, Change::Rescue { lease_token }).await
}

async fn assert_lost<T: std::fmt::Debug>(
    check: &Check,
    effect: &str,
    change: impl Future<Output = Result<T, StoreError>>,
) {
    let refused = check.refused(change).await;
    assert!(matches!(refused, StoreError::LeaseLost), "{effect}: {refused:?}");
}

/// Tries every effect of a lease that is not held any more, on a job that others have.
async fn assert_worthless(check: &Check, stale: &Claimed, token: &str) {
    let lease = &stale.lease;
    let (job, proof) = (lease.job(), || lease.proof());
    assert_lost(check, "renew", check.store.renew(lease, LEASE_MICROS)).await;
    let progress = ProgressReport { percent: 99, rows: 99, rows_estimated: Some(99) };
    assert_lost(check, "report", check.store.report(lease, progress)).await;
    assert_lost(check, "publish", check.publish(stale)).await;
    assert_lost(check, "retry", retry(check, stale, 0)).await;
    assert_lost(check, "hand back", hand_back(check, stale)).await;
    assert_lost(check, "rescue", rescue(check, job, token.to_owned())).await;
    let change = Change::Fail(FailJob { proof: Some(proof()), failure: failure() });
    assert_lost(check, "fail", check.work(Action::JobFail, job, change)).await;
    let change = Change::Cancelled(Some(proof()));
    assert_lost(check, "cancelled", check.work(Action::JobCancel, job, change)).await;
}

#[test]
fn after_a_takeover_the_old_token_has_no_effect() {
    Check::on_both(async |check| {
        let job = check.create(&check.editor).await;
        let stale = check.claim_briefly(job).await;
        let token = check.token_of(job);
        let held = check.claim().await;
        assert_eq!((held.lease.job(), held.lease.attempt()), (job, 2));
        assert_ne!(held.lease.object_key(), stale.lease.object_key());
        assert_eq!(check.attempts(job), ["1 lost ended", "2 - open"]);
        assert_worthless(check, &stale, &token).await;
        check.store.renew(&held.lease, LEASE_MICROS).await.unwrap();
        check.publish(&held).await.unwrap();
        assert_worthless(check, &stale, &token).await;
    });
}

#[test]
fn after_a_takeover_a_cancelled_job_is_no_more_for_the_old_token() {
    Check::on_both(async |check| {
        let job = check.create(&check.editor).await;
        let stale = check.claim_briefly(job).await;
        let token = check.token_of(job);
        check.claim().await;
        check.act(&check.editor, Action::ExportCancel, job, Change::CancelExport).await.unwrap();
        assert_worthless(check, &stale, &token).await;
    });
}

#[test]
fn after_each_end_of_an_attempt_its_token_has_no_effect() {
    Check::on_both(async |check| {
        for end in ["retry", "hand back", "rescue", "fail", "cancelled"] {
            let held = check.building(&check.editor).await;
            let (job, proof) = (held.lease.job(), held.lease.proof());
            let token = check.token_of(job);
            match end {
                "retry" => retry(check, &held, 0).await,
                "hand back" => hand_back(check, &held).await,
                "rescue" => rescue(check, job, token.clone()).await,
                "fail" => {
                    let change = Change::Fail(FailJob { proof: Some(proof), failure: failure() });
                    check.work(Action::JobFail, job, change).await
                }
                _ => {
                    let asked = Change::CancelExport;
                    check.act(&check.editor, Action::ExportCancel, job, asked).await.unwrap();
                    check.work(Action::JobCancel, job, Change::Cancelled(Some(proof))).await
                }
            }
            .unwrap();
            eprintln!("after {end}");
            assert_worthless(check, &held, &token).await;
        }
    });
}

#[test]
fn a_lease_is_worth_nothing_for_another_job() {
    Check::on_both(async |check| {
        let held = check.building(&check.editor).await;
        let other = check.building(&check.editor).await.lease.job();
        let proof = || held.lease.proof();
        let artifact = Box::new(check.artifact(&held).await);
        let failure = failure();
        for (action, change) in [
            (Action::JobPublish, Change::Publish(proof(), artifact)),
            (
                Action::JobRetry,
                Change::Retry { proof: proof(), failure: failure.clone(), pause_micros: 0 },
            ),
            (Action::JobHandBack, Change::HandBack(proof())),
            (Action::JobFail, Change::Fail(FailJob { proof: Some(proof()), failure })),
            (Action::JobCancel, Change::Cancelled(Some(proof()))),
        ] {
            assert_lost(check, action.slug(), check.work(action, other, change)).await;
        }
    });
}

#[test]
fn an_attempt_publishes_its_own_object_and_no_other() {
    Check::on_both(async |check| {
        let job = check.create(&check.editor).await;
        let stale = check.claim_briefly(job).await;
        let held = check.claim().await;
        let mut artifact = check.artifact(&held).await;
        artifact.object_key = stale.lease.object_key().to_owned();
        let change = Change::Publish(held.lease.proof(), Box::new(artifact));
        assert_lost(check, "publish", check.work(Action::JobPublish, job, change)).await;
    });
}

#[test]
fn a_lease_that_ended_and_was_not_taken_over_is_still_held() {
    Check::on_both(async |check| {
        let job = check.create(&check.editor).await;
        let held = check.claim_briefly(job).await;
        check.store.renew(&held.lease, LEASE_MICROS).await.unwrap();
        assert!(check.claim_by(claim_request()).await.is_none(), "it is alive again");
        check.publish(&held).await.unwrap();
    });
}

#[test]
fn a_retried_job_waits_for_its_time_and_counts_the_attempt() {
    Check::on_both(async |check| {
        let held = check.building(&check.editor).await;
        let job = held.lease.job();
        retry(check, &held, LEASE_MICROS).await.unwrap();
        assert_eq!(check.job(job).await.status, Status::Building);
        assert_eq!(check.attempts(job), ["1 source_lost ended"]);
        assert!(check.claim_by(claim_request()).await.is_none(), "not before its time");
        check.site.execute("update jobs set run_after = 0").unwrap();
        let held = check.claim().await;
        retry(check, &held, 0).await.unwrap();
        let held = check.claim().await;
        assert_lost(check, "the third of three attempts", retry(check, &held, 0)).await;
    });
}

#[test]
fn handing_back_does_not_count_and_being_lost_does() {
    Check::on_both(async |check| {
        let held = check.building(&check.editor).await;
        let job = held.lease.job();
        let mut held = held;
        for _ in 0..5 {
            hand_back(check, &held).await.unwrap();
            held = check.claim().await;
        }
        assert_eq!(held.lease.attempt(), 6, "numbers of attempts go on");
        for left in (0..3).rev() {
            rescue(check, job, check.token_of(job)).await.unwrap();
            let next = check.claim_by(claim_request()).await;
            assert_eq!(next.is_some(), left > 0, "{left} attempts are left");
        }
        let left_behind = check.store.jobs_left_behind(10).await.unwrap();
        assert_eq!(left_behind.iter().map(|job| job.id).collect::<Vec<_>>(), [job]);
        let lost = Failure { reason: FailureReason::WorkerLost, detail: String::new() };
        let change = Change::Fail(FailJob { proof: None, failure: lost.clone() });
        check.upkeep(Action::JobFail, job, change).await.unwrap();
        let failed = check.job(job).await;
        assert_eq!((failed.status, failed.error), (Status::Failed, Some(lost)));
    });
}

#[test]
fn upkeep_cannot_fail_a_job_that_a_worker_has() {
    Check::on_both(async |check| {
        let job = check.building(&check.editor).await.lease.job();
        let change = Change::Fail(FailJob { proof: None, failure: failure() });
        assert_lost(check, "fail", check.upkeep(Action::JobFail, job, change)).await;
    });
}

#[test]
fn what_is_held_or_cancelled_or_another_is_not_claimed() {
    Check::on_both(async |check| {
        let job = check.create(&check.editor).await;
        let only = |only| ClaimRequest { only: Some(only), ..claim_request() };
        assert!(check.claim_by(only(JobId(job.0 + 1))).await.is_none());
        check.site.execute("update jobs set hold = 'approval'").unwrap();
        assert!(check.claim_by(only(job)).await.is_none());
        check.site.execute("update jobs set hold = null, cancel_requested = 1").unwrap();
        assert!(check.claim_by(only(job)).await.is_none());
        check.site.execute("update jobs set cancel_requested = 0").unwrap();
        assert_eq!(check.claim_by(only(job)).await.unwrap().lease.job(), job);
        assert!(check.claim_by(only(job)).await.is_none(), "its lease is alive");
    });
}

#[test]
fn a_clock_that_went_back_holds_no_job_back_that_nobody_works_on() {
    Check::on_both_tampered(async |check| {
        #[expect(clippy::disallowed_methods, reason = "the test sets the clock back")]
        let clock = Clock::behind(BACK_MICROS);
        let earlier = Store::open_by(&check.site.url(), &clock).await.unwrap();
        let claim = async |store: &Store| {
            let permit = permit(store, &worker(), Action::JobClaim, Target::default()).await;
            store.claim(permit, claim_request()).await.unwrap()
        };
        let made = check.create(&check.editor).await;
        let held = claim(&earlier).await.expect("it was to be built at once");
        assert_eq!(held.lease.job(), made);
        check.publish(&held).await.unwrap();
        let held = check.building(&check.editor).await;
        retry(check, &held, LEASE_MICROS).await.unwrap();
        assert!(claim(&check.store).await.is_none(), "it pauses");
        let again = claim(&earlier).await.expect("no pause is as long");
        assert_eq!((again.lease.job(), again.lease.attempt()), (held.lease.job(), 2));
    });
}

#[test]
fn the_last_place_is_kept_for_what_is_small_and_nobody_scheduled() {
    Check::on_both(async |check| {
        let make = async |rows, via| {
            let job = NewJob { rows_estimated: rows, via, ..new_job(&check.editor) };
            check.create_with(&check.editor, job).await.unwrap().job.unwrap()
        };
        let scheduled = make(Some(1), Via::Schedule).await;
        let large = make(Some(10_000_000), Via::Api).await;
        let small = || ClaimRequest { only_small: true, ..claim_request() };
        assert!(check.claim_by(small()).await.is_none());
        let quick = make(Some(1_000), Via::Api).await;
        assert_eq!(check.claim_by(small()).await.unwrap().lease.job(), quick);
        assert_eq!(check.claim().await.lease.job(), large, "people before schedules");
        assert_eq!(check.claim().await.lease.job(), scheduled);
    });
}

#[test]
fn a_source_is_read_by_no_more_exports_than_it_admits() {
    Check::on_both(async |check| {
        let of = |subject: &str, exports_max| {
            let subjects = vec![subject.to_owned(), "reports".to_owned()];
            let sources = vec![SourceShare { subjects, exports_max }];
            ClaimRequest { sources, ..claim_request() }
        };
        let jobs = [check.create(&check.editor).await, check.create(&check.editor).await];
        assert!(check.claim_by(of("contents", 9)).await.is_none(), "of a subject it knows");
        let first = check.claim_by(of("content", 1)).await.unwrap();
        assert_eq!(first.lease.job(), jobs[0]);
        assert!(check.claim_by(of("content", 1)).await.is_none());
        let second = check.claim_by(of("content", 2)).await.unwrap();
        assert_eq!(second.lease.job(), jobs[1]);
        check.publish(&first).await.unwrap();
        check.store.renew(&second.lease, ENDED_MICROS).await.unwrap();
        let again = check.claim_by(of("content", 1)).await.unwrap();
        assert_eq!(again.lease.job(), jobs[1], "a lease that ended reads nothing");
    });
}

#[test]
fn an_operator_with_builds_under_way_waits_for_one_without() {
    Check::on_both(async |check| {
        for _ in 0..3 {
            check.create(&check.editor).await;
        }
        let later = check.create(&check.admin).await;
        let first = check.claim().await;
        assert_eq!(first.job.created_by, check.editor.operator().unwrap());
        assert_eq!(check.claim().await.lease.job(), later);
        let starved = "update jobs set run_after = 0 where status = 'pending'";
        check.site.execute(starved).unwrap();
        assert_eq!(check.claim().await.job.created_by, check.editor.operator().unwrap());
    });
}

#[test]
fn the_leases_of_a_host_are_those_of_its_workers() {
    Check::on_both(async |check| {
        let held = check.building(&check.editor).await;
        let job = held.lease.job();
        let token = check.token_of(job);
        let lease = HeldLease { job, worker: "worker-1".to_owned(), token };
        assert_eq!(check.store.leases_of_host("host-1").await.unwrap(), [lease]);
        assert!(check.store.leases_of_host("host-2").await.unwrap().is_empty());
        check.store.renew(&held.lease, ENDED_MICROS).await.unwrap();
        assert_eq!(check.store.leases_of_host("host-1").await.unwrap().len(), 1, "not taken over");
        hand_back(check, &held).await.unwrap();
        assert!(check.store.leases_of_host("host-1").await.unwrap().is_empty());
        assert!(!check.is_in_use(held.lease.object_key()).await);
    });
}
