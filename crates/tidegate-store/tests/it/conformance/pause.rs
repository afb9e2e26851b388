//! Pauses: what they hold back at the store itself, whatever was allowed before they began.

use tidegate_model::{
    action::{Action, Target},
    job::NewJob,
    status::Status,
};
use tidegate_store::{Change, LinkChange, PauseChange, StoreError};

use crate::check::{
    Check, LEASE_MICROS, OPEN_JOBS_MAX, claim_request, new_job, random_word, target_of_new,
};

fn all() -> Target {
    Target::default()
}

fn only(subject: &str) -> Target {
    Target { subject: Some(subject.to_owned()), ..Target::default() }
}

impl Check {
    async fn pause(&self, target: Target) -> Result<(), StoreError> {
        let begin = Change::Pause(PauseChange::Begin { reason: "a leak".to_owned() });
        self.change(&self.admin, (Action::EgressPause, target), begin).await.map(drop)
    }

    async fn resume(&self, target: Target) -> Result<(), StoreError> {
        let end = Change::Pause(PauseChange::End);
        self.change(&self.admin, (Action::EgressResume, target), end).await.map(drop)
    }
}

#[test]
fn a_pause_cancels_what_is_built_and_leaves_what_waits_until_it_is_ended() {
    for target in [all(), only("content")] {
        Check::on_both(async |check| {
            let built = check.building(&check.editor).await;
            let waiting = check.create(&check.editor).await;
            check.pause(target.clone()).await.unwrap();
            let flags = check.store.flags("worker-1").await.unwrap();
            assert!(
                flags.iter().any(|(job, flags)| *job == built.lease.job() && flags.is_cancelled)
            );
            assert!(check.publish(&built).await.is_err(), "what is cancelled is not published");
            assert!(!check.job(waiting).await.cancel_requested);
            assert!(check.claim_by(claim_request()).await.is_none(), "nothing else is begun");

            check.resume(target.clone()).await.unwrap();
            let claimed = check.claim().await;
            assert_eq!(claimed.lease.job(), waiting);
            assert_eq!(check.job(waiting).await.status, Status::Building);
        });
    }
}

#[test]
fn a_pause_of_one_subject_leaves_the_others_alone() {
    Check::on_both(async |check| {
        let built = check.building(&check.editor).await;
        check.pause(only("users")).await.unwrap();
        assert!(!check.job(built.lease.job()).await.cancel_requested);
        check.publish(&built).await.unwrap();
        check.building(&check.editor).await;
    });
}

#[test]
fn what_was_allowed_before_a_pause_is_refused_after_it_began() {
    Check::on_both(async |check| {
        let job = check.ready(&check.editor).await;
        let make =
            LinkChange::Make { nonce: random_word(), life_micros: LEASE_MICROS, is_bearer: false };
        let made = check.act(&check.editor, Action::DownloadLink, job, Change::Link(make)).await;
        let link = made.unwrap().id.unwrap();
        let new: NewJob = new_job(&check.editor);
        let create = check.permit(&check.editor, Action::ExportCreate, target_of_new(&new)).await;
        let target = check.target(job).await;
        let start = check.permit(&check.editor, Action::DownloadStart, target).await;

        check.pause(all()).await.unwrap();
        let change = Change::CreateExport { job: Box::new(new), open_jobs_max: OPEN_JOBS_MAX };
        let refused = check.refused(check.store.commit(create, change)).await;
        assert!(matches!(refused, StoreError::PolicyChanged), "{refused:?}");
        let change = Change::DownloadStarted { link, range: None };
        let refused = check.refused(check.store.commit(start, change)).await;
        assert!(matches!(refused, StoreError::PolicyChanged), "{refused:?}");
    });
}

#[test]
fn a_pause_begins_once_ends_once_and_is_told() {
    Check::on_both(async |check| {
        let version = check.store.policy().await.unwrap().version;
        check.pause(only("content")).await.unwrap();
        let refused = check.refused(check.pause(only("content"))).await;
        assert!(matches!(refused, StoreError::Exists { what: "pause" }), "{refused:?}");
        check.pause(all()).await.unwrap();
        let policy = check.store.policy().await.unwrap();
        assert_eq!(policy.version, version + 2, "whoever was asked before asks again");
        let [one, both] = policy.pauses.as_slice() else { panic!("{:?}", policy.pauses) };
        assert_eq!(
            (one.subject.as_deref(), one.name.as_str(), one.reason.as_str()),
            (Some("content"), "ada@example.com", "a leak")
        );
        assert_eq!(both.subject, None);

        check.resume(only("content")).await.unwrap();
        let refused = check.refused(check.resume(only("content"))).await;
        assert!(matches!(refused, StoreError::Missing { what: "pause" }), "{refused:?}");
        check.pause(only("content")).await.unwrap();
        let past = check.store.pauses(10).await.unwrap();
        let ended: Vec<bool> = past.iter().map(|one| one.ended.is_some()).collect();
        assert_eq!(ended, [false, false, true], "the newest first");
        assert_eq!(past[2].ended.as_ref().unwrap().0, "ada@example.com");
        assert_eq!(
            check.site.lines("select topic from outbox order by id"),
            ["egress.paused", "egress.paused", "egress.resumed", "egress.paused"]
        );
    });
}
