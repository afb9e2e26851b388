//! Sweep, purge and scrub, on both databases and in both kinds of store.

mod vault;

use std::sync::Arc;

use serde_json::json;
use tidegate_model::{
    action::{Action, Target},
    ids::JobId,
    job::Job,
    policy::authorize,
    status::Status,
};
use tidegate_service::{
    PurgeGuard,
    artifacts::{BucketOptions, ObjectKey},
    upkeep::{
        PurgeReport, PurgeSettings, ScrubReport, ScrubSettings, SweepReport, SweepSettings,
        UpkeepError, purge, scrub, sweep,
    },
};
use tidegate_store::{Change, Store};
use tidegate_testkit::s3::{Bucket, Fault, FaultKind, S3};

use crate::{
    artifacts::{Place, Rig, conformance::leave_unfinished, key},
    check::{Check, on_both},
};

/// Two hours: more than the grace time.
const LATER_MICROS: i64 = 2 * 60 * 60 * 1_000_000;
/// A scrub that does not wait for others.
const QUICK: ScrubSettings =
    ScrubSettings { behind: JobId(0), jobs_max: 100, bytes_per_second: u64::MAX };

/// Runs a check on both databases with both kinds of store.
fn on_all(check: impl AsyncFn(&Check, &Rig)) {
    for rig in [Rig::folder, Rig::bucket] {
        on(rig, &check);
    }
}

/// Runs a check on both databases with a store that is made for each.
fn on(rig: impl Fn() -> Rig, check: impl AsyncFn(&Check, &Rig)) {
    on_both(async |mut site: Check| {
        let rig = rig();
        site.artifacts = Arc::new(rig.artifacts.clone());
        site.own(&rig).await;
        check(&site, &rig).await;
    });
}

/// The bucket that the store is.
fn bucket(rig: &Rig) -> &Bucket<'static> {
    match &rig.place {
        Place::Bucket(bucket) => bucket,
        Place::Folder(_) => panic!("a folder is no bucket"),
    }
}

impl Check {
    /// Makes the store of a rig the site's own.
    async fn own(&self, rig: &Rig) {
        self.service.adopt_store(&self.ada().await, &rig.artifacts).await.unwrap();
    }

    async fn ready(&self) -> Job {
        let id = self.create(json!({ "subject": "orders", "format": "csv" })).await;
        let job = self.build(id).await;
        assert_eq!(job.status, Status::Ready, "{:?}", job.error);
        job
    }

    async fn sweep(&self, settings: &SweepSettings) -> Result<SweepReport, UpkeepError> {
        let store = self.service.store();
        let now = store.now().await.unwrap() + LATER_MICROS;
        sweep(store, &self.artifacts, now, settings).await
    }

    async fn purge(&self) -> PurgeReport {
        purge(self.service.store(), &self.artifacts, &PurgeSettings::default()).await.unwrap()
    }

    async fn scrub(&self) -> ScrubReport {
        scrub(self.service.store(), &self.artifacts, &QUICK).await.unwrap()
    }

    async fn write_as_ada(&self, (action, target): (Action, Target), change: Change) {
        let policy = self.service.store().policy().await.unwrap();
        let permit = authorize(&policy, &self.ada().await, action, target).unwrap();
        self.service.store().commit(permit, change).await.unwrap();
    }

    /// Files of all jobs expire now.
    async fn expire_all(&self) {
        let ada = self.ada().await;
        let mut settings = self.service.settings(&ada).await.unwrap();
        settings.retention_days = 0;
        self.service.set_settings(&ada, settings).await.unwrap();
    }
}

/// Key of a job's last attempt.
async fn attempted(store: &Store, job: JobId) -> ObjectKey {
    let attempts = store.attempts(job).await.unwrap();
    ObjectKey::parse(&attempts.last().unwrap().object_key).unwrap()
}

fn file_of(job: &Job) -> ObjectKey {
    ObjectKey::parse(job.artifact_key.as_deref().unwrap()).unwrap()
}

fn names(keys: &[&ObjectKey]) -> Vec<String> {
    let mut names: Vec<String> =
        keys.iter().flat_map(|key| [key.to_string(), format!("{key}.manifest.json")]).collect();
    names.sort();
    names
}

async fn found(rig: &Rig) -> Vec<String> {
    let mut found = rig.names().await;
    found.sort();
    found
}

#[test]
fn a_sweep_takes_what_nothing_refers_to_and_nothing_else() {
    on_all(async |check, rig| {
        let store = check.service.store();
        let ready = file_of(&check.ready().await);
        // An attempt that lost its lease after it had written, and one that still holds it.
        let lost = check.create(json!({ "subject": "orders", "format": "csv" })).await;
        check.claim_and_die(lost).await;
        let orphan = attempted(store, lost).await;
        check.upkeep().rescue().await.unwrap();
        let held = check.create(json!({ "subject": "orders", "format": "csv" })).await;
        check.claim_and_die(held).await;
        let live = attempted(store, held).await;
        // Of another database, or of one that was restored.
        let newer = ObjectKey::new(JobId(9_999), 1);
        let other = ObjectKey::new(lost, 1);
        for key in [&orphan, &live, &newer, &other] {
            rig.write(key, b"content").await.unwrap();
            rig.artifacts.put_manifest(key, "{}").await.unwrap();
            leave_unfinished(rig, key).await;
        }
        // Beside a file that is whole: its creation was answered twice, or not at all.
        leave_unfinished(rig, &ready).await;
        rig.put_past("notes.txt", b"x");
        let probe = ObjectKey::new(JobId(0), 0);
        rig.write(&probe, b"content").await.unwrap();

        let before = found(rig).await;
        let dry = SweepSettings { is_dry: true, ..SweepSettings::default() };
        let counted = check.sweep(&dry).await.unwrap();
        assert_eq!((counted.found, counted.doomed, counted.left), (11, 3, 2), "{counted:?}");
        // A stranger and two uploads; and two files with their manifests.
        assert_eq!((counted.unknown, counted.quarantined), (3, 2));
        assert_eq!((counted.deleted, counted.abandoned), (0, 0));
        assert_eq!(store.count_quarantined().await.unwrap(), 0);
        assert_eq!(found(rig).await, before);

        let young = SweepSettings { grace_micros: 2 * LATER_MICROS, ..SweepSettings::default() };
        assert_eq!(check.sweep(&young).await.unwrap().doomed, 0);

        let swept = check.sweep(&SweepSettings::default()).await.unwrap();
        assert_eq!((swept.deleted, swept.abandoned, swept.failed), (2, 2, 0), "{swept:?}");
        let held = store.quarantined("", 10).await.unwrap();
        let mut expected = [other.to_string(), newer.to_string()];
        expected.sort();
        assert_eq!(held.iter().map(|file| &file.key).collect::<Vec<_>>(), expected.each_ref());
        assert!(held.iter().all(|file| file.bytes == 9), "a file and its manifest");
        let mut kept = names(&[&ready, &live, &newer, &other]);
        kept.push("notes.txt".to_owned());
        assert_eq!(found(rig).await, kept);
        let again = check.sweep(&SweepSettings::default()).await.unwrap();
        assert_eq!((again.doomed, again.left, again.unknown), (0, 0, 1), "{again:?}");
        assert_eq!(again.quarantined, 0, "they are kept already");
    });
}

#[test]
fn a_sweep_that_would_take_much_takes_nothing_unless_forced() {
    on_all(async |check, rig| {
        for _ in 0..25 {
            let job = check.create(json!({ "subject": "orders", "format": "csv" })).await;
            check.claim_and_die(job).await;
            let key = attempted(check.service.store(), job).await;
            rig.put_past(&key.to_string(), b"content");
            check.upkeep().rescue().await.unwrap();
            check.service.cancel_export(&check.ada().await, job).await.unwrap();
        }
        let refused = check.sweep(&SweepSettings::default()).await.unwrap_err();
        let is_told = matches!(refused, UpkeepError::TooManyDoomed { doomed: 25, found: 25 });
        assert!(is_told, "{refused}");
        assert_eq!(found(rig).await.len(), 25);
        let some = SweepSettings { is_forced: true, files_max: 10, ..SweepSettings::default() };
        assert_eq!(check.sweep(&some).await.unwrap().deleted, 10);
        let all = SweepSettings { is_forced: true, ..SweepSettings::default() };
        assert_eq!(check.sweep(&all).await.unwrap().deleted, 15);
        assert!(found(rig).await.is_empty());
    });
}

#[test]
fn a_purge_removes_the_file_before_it_says_so() {
    on_all(async |check, rig| {
        let (gone, kept) = (check.ready().await, check.ready().await);
        check.service.delete_artifact(&check.ada().await, gone.id).await.unwrap();
        // Until it is purged, the sweep leaves it alone.
        assert_eq!(check.sweep(&SweepSettings::default()).await.unwrap().doomed, 0);
        assert_eq!(check.purge().await.purged, 1);
        assert_eq!(found(rig).await, names(&[&file_of(&kept)]));
        assert!(check.job(gone.id).await.purged_at.is_some());
        assert_eq!(check.actions(gone.id).await.last().unwrap(), "artifact.purged");
        assert_eq!(check.purge().await, PurgeReport::default());
        // What comes back after all is nobody's.
        rig.write(&file_of(&gone), b"late").await.unwrap();
        assert_eq!(check.sweep(&SweepSettings::default()).await.unwrap().deleted, 1);
    });
}

#[test]
fn an_expired_file_is_sent_to_its_end_and_a_deleted_one_is_not() {
    on_all(async |check, rig| {
        check.expire_all().await;
        let (expired, deleted) = (check.ready().await, check.ready().await);
        check.service.delete_artifact(&check.ada().await, deleted.id).await.unwrap();
        let now = check.service.store().now().await.unwrap();
        check.upkeep().expire(&mut PurgeGuard::new(now)).await.unwrap();
        assert_eq!(check.job(expired.id).await.status, Status::Expired);
        let settings = PurgeSettings { is_being_sent: &|_| true, ..PurgeSettings::default() };
        let store = check.service.store();
        let report = purge(store, &check.artifacts, &settings).await.unwrap();
        assert_eq!((report.purged, report.waiting), (1, 1), "{report:?}");
        assert_eq!(found(rig).await, names(&[&file_of(&expired)]));
        assert_eq!(check.purge().await.purged, 1);
        assert!(found(rig).await.is_empty());
    });
}

#[test]
fn a_file_that_cannot_be_purged_is_tried_again_and_holds_up_no_other() {
    on(Rig::bucket, async |check, rig| {
        let (stuck, other) = (check.ready().await, check.ready().await);
        for job in [&stuck, &other] {
            check.service.delete_artifact(&check.ada().await, job.id).await.unwrap();
        }
        let on = format!("^DELETE .*{}", file_of(&stuck));
        bucket(rig).will(Fault::new(FaultKind::Refuse(403, "AccessDenied")).on(on).always());
        let report = check.purge().await;
        assert_eq!((report.purged, report.failed.as_slice()), (1, &[stuck.id][..]));
        assert!(check.job(stuck.id).await.purged_at.is_none());
        bucket(rig).mend();
        // A store that says yes and does not do it.
        bucket(rig).will(Fault::new(FaultKind::FalseOk("Strange")).on("^DELETE").always());
        assert_eq!(check.purge().await.failed, [stuck.id]);
        bucket(rig).mend();
        assert_eq!(check.purge().await.purged, 1);
        assert!(found(rig).await.is_empty());
    });
}

#[test]
fn a_purge_leaves_no_version_in_a_bucket_that_keeps_them() {
    let versioned = || Rig::in_bucket(S3::shared().versioned_bucket(), &BucketOptions::default());
    on(versioned, async |check, rig| {
        let job = check.ready().await;
        check.service.delete_artifact(&check.ada().await, job.id).await.unwrap();
        assert_eq!(check.purge().await.purged, 1);
        let versions = bucket(rig).versions();
        assert!(
            versions.iter().all(|one| one.key.ends_with("tidegate-store.json")),
            "{versions:?}"
        );
    });
}

#[test]
fn a_scrub_marks_what_is_damaged_and_nothing_else() {
    on_all(async |check, rig| {
        let jobs = [check.ready().await, check.ready().await, check.ready().await];
        assert_eq!(check.scrub().await.faults, []);
        let [whole, turned, missing] = &jobs;
        let size = usize::try_from(turned.size_bytes.unwrap()).unwrap();
        let mut content = vec![b' '; size];
        content[size / 2] = b'x';
        rig.put_past(&file_of(turned).to_string(), &content);
        rig.remove_past(&file_of(missing).to_string());
        let report = check.scrub().await;
        let expected = [(turned.id, "artifact_corrupt"), (missing.id, "artifact_missing")];
        assert_eq!(report.faults, expected);
        assert_eq!(report.checked, 3);
        for (id, fault) in expected {
            let job = check.job(id).await;
            assert_eq!((job.status, job.fault.as_deref()), (Status::Ready, Some(fault)));
            assert_eq!(check.actions(id).await.last().unwrap(), "artifact.fault");
        }
        assert_eq!(check.job(whole.id).await.fault, None);
        assert_eq!(check.scrub().await.checked, 1, "what is known is not looked at again");
    });
}

#[test]
fn a_scrub_goes_through_all_jobs_page_by_page() {
    on(Rig::folder, async |check, _rig| {
        for _ in 0..5 {
            check.ready().await;
        }
        let (mut checked, mut pages, mut behind) = (0, 0, Some(JobId(0)));
        while let Some(from) = behind {
            let settings = ScrubSettings { behind: from, jobs_max: 2, ..QUICK };
            let report = scrub(check.service.store(), &check.artifacts, &settings).await.unwrap();
            (checked, pages, behind) = (checked + report.checked, pages + 1, report.next);
        }
        assert_eq!((checked, pages), (5, 3));
    });
}

#[test]
fn a_store_that_does_not_answer_is_no_damage() {
    on(Rig::bucket, async |check, rig| {
        let job = check.ready().await;
        for fault in [
            Fault::new(FaultKind::Refuse(503, "SlowDown")),
            Fault::new(FaultKind::Refuse(404, "NoSuchBucket")),
            Fault::new(FaultKind::LoseReply),
        ] {
            bucket(rig).will(fault.always());
            let report = check.scrub().await;
            assert_eq!((report.faults, report.unread), (vec![], vec![job.id]));
            bucket(rig).mend();
        }
        assert_eq!(check.scrub().await.faults, []);
    });
}

#[test]
fn the_store_of_another_site_damages_no_job() {
    on(Rig::folder, async |check, rig| {
        let mut jobs = Vec::new();
        for _ in 0..12 {
            jobs.push(check.ready().await);
        }
        for job in &jobs {
            rig.artifacts.delete(&file_of(job)).await.unwrap();
        }
        let refused = scrub(check.service.store(), &check.artifacts, &QUICK).await.unwrap_err();
        let is_told = matches!(refused, UpkeepError::TooManyMissing { missing: 12, checked: 12 });
        assert!(is_told, "{refused}");
        for job in &jobs {
            assert_eq!(check.job(job.id).await.fault, None);
        }
        // And another site does not even look at this one's files.
        rig.write(&key(1), b"content").await.unwrap();
        let other = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", other.path().join("control.db").display());
        let empty = Store::open(&url).await.unwrap();
        let now = empty.now().await.unwrap() + LATER_MICROS;
        let forced = SweepSettings { is_forced: true, ..SweepSettings::default() };
        let refused = sweep(&empty, &check.artifacts, now, &forced).await.unwrap_err();
        assert!(vault::is_foreign(&refused), "{refused}");
        assert_eq!(found(rig).await.len(), 1);
    });
}
