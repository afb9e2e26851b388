//! Schedules: made, fired, held, paused and given away, on both databases.

mod others;

use serde_json::{Value, json};
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    ids::{JobId, OperatorId, ScheduleId},
    job::{Failure, FailureReason, Job},
    policy::authorize,
    request::ExportRequest,
    schedule::{Fire, FireOutcome, Schedule, ScheduleState},
    status::Status,
};
use tidegate_service::{ScheduleCall, ScheduleListRequest, ScheduleWish, ServiceError};
use tidegate_store::{Change, EntryFilter, EntrySort, FailJob};

use crate::check::{Check, on_both_behind};

const BEA: &str = "bea@example.com";
const MINUTE: i64 = 60 * 1_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// A past that is long enough for every step of a test.
const LONG_AGO: i64 = 400 * DAY;

impl Check {
    async fn schedule_by(&self, caller: &Caller, when: Value) -> Result<ScheduleId, ServiceError> {
        let request = json!({
            "subject": "orders", "format": "csv", "fields": ["id", "total"],
            "scope": { "ids": [1, 2] }, "schedule": when,
        });
        let request = ExportRequest::read(&request).unwrap();
        Ok(self.service.create_schedule(caller, &request, None).await?.schedule)
    }

    async fn hourly(&self) -> ScheduleId {
        let when = json!({ "cron": "0 * * * *", "missed": "once" });
        self.schedule_by(&self.ada().await, when).await.unwrap()
    }

    async fn schedule(&self, id: ScheduleId) -> Schedule {
        self.service.store().schedule(id).await.unwrap().unwrap()
    }

    async fn fires(&self, id: ScheduleId) -> Vec<Fire> {
        let mut fires = self.service.store().fires_of(id, 1_000).await.unwrap();
        fires.reverse();
        fires
    }

    /// Builds the last run of a schedule; gives the keys of its rows.
    async fn built_ids(&self, id: ScheduleId) -> Vec<i64> {
        let run = self.runs(id).await[0].id;
        let before = self.files();
        let job = self.build(run).await;
        assert_eq!(job.status, Status::Ready, "{:?}", job.error);
        let file = self.files().into_iter().find(|file| !before.contains(file)).unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        let key = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_i64().unwrap();
        let mut ids: Vec<i64> = text.lines().map(key).collect();
        ids.sort_unstable();
        ids
    }

    /// Ends a job without a file, as one whose workers all died.
    async fn fail(&self, id: JobId) {
        let (store, job) = (self.service.store(), self.job(id).await);
        let policy = store.policy().await.unwrap();
        let target = Target {
            subject: Some(job.subject),
            owner: Some(job.created_by),
            job: Some(id),
            ..Target::default()
        };
        let caller = Caller::upkeep("test");
        let permit = authorize(&policy, &caller, Action::JobFail, target).unwrap();
        let failure = Failure { reason: FailureReason::WorkerLost, detail: "gone".to_owned() };
        let change = Change::Fail(FailJob { proof: None, failure });
        store.commit(permit, change).await.unwrap();
    }

    fn change_shop(&self, sql: &str) {
        let shop = rusqlite::Connection::open(self.folder.path().join("shop.db")).unwrap();
        shop.execute_batch(sql).unwrap();
    }

    async fn runs(&self, id: ScheduleId) -> Vec<Job> {
        self.service.store().runs_of(id, 1_000).await.unwrap()
    }

    /// Goes on to a moment.
    async fn go_to(&self, micros: i64) {
        let store = self.service.store();
        let ahead = micros - store.now().await.unwrap();
        assert!(ahead >= 0, "a clock does not go back here");
        store.clock().step(ahead);
    }

    /// Goes on to the next fire of a schedule, and fires it.
    async fn fire_next(&self, id: ScheduleId) -> usize {
        let next = self.schedule(id).await.next_fire_at.unwrap();
        self.go_to(next + 1).await;
        self.service.fire_schedules().await.unwrap()
    }

    /// Entries of that word.
    async fn entry_count(&self, word: &str) -> usize {
        let filter = EntryFilter::default();
        let found = self
            .service
            .store()
            .list_entries(&filter, EntrySort::Newest, None, 1_000)
            .await
            .unwrap();
        let is_it = |text: &str| {
            let entry: Value = serde_json::from_str(text).unwrap();
            entry["action"] == word && entry["outcome"] == "done"
        };
        found.iter().filter(|stored| is_it(&stored.text)).count()
    }
}

#[test]
fn a_schedule_fires_at_its_times_and_each_run_is_its_owners() {
    on_both_behind(LONG_AGO, async |check| {
        let id = check.hourly().await;
        let first = check.schedule(id).await.next_fire_at.unwrap();
        assert_eq!(first % HOUR, 0);
        assert_eq!(check.service.fire_schedules().await.unwrap(), 0, "its time has not come");
        for _ in 0..3 {
            assert_eq!(check.fire_next(id).await, 1);
            assert_eq!(check.service.fire_schedules().await.unwrap(), 0, "it fires once");
        }
        let fires = check.fires(id).await;
        let times: Vec<i64> = fires.iter().map(|fire| fire.fire_at).collect();
        assert_eq!(times, [first, first + HOUR, first + 2 * HOUR]);
        assert!(fires.iter().all(|fire| fire.outcome == FireOutcome::Made && fire.job.is_some()));
        let ada = check.ada().await;
        let runs = check.runs(id).await;
        assert_eq!(runs.len(), 3);
        for run in &runs {
            assert_eq!((run.schedule_id, run.via.slug()), (Some(id), "schedule"));
            assert_eq!(Some(run.created_by), ada.operator());
        }
        assert_eq!(check.build(runs[0].id).await.status, Status::Ready);
        assert_eq!(check.actions(runs[0].id).await[0], "schedule.fired");
    });
}

#[test]
fn a_moment_fires_once_and_then_rests() {
    on_both_behind(LONG_AGO, async |check| {
        let now = check.service.store().now().await.unwrap();
        let at = chrono::DateTime::from_timestamp_micros(now + DAY).unwrap().to_rfc3339();
        let id = check.schedule_by(&check.ada().await, json!({ "at": at })).await.unwrap();
        assert_eq!(check.fire_next(id).await, 1);
        let rests = check.schedule(id).await;
        assert_eq!((rests.state, rests.next_fire_at), (ScheduleState::Done, None));
        check.go_to(now + 30 * DAY).await;
        assert_eq!(check.service.fire_schedules().await.unwrap(), 0);
        assert_eq!(check.runs(id).await.len(), 1);
    });
}

#[test]
fn of_missed_fires_the_policy_makes_one_export_or_none() {
    on_both_behind(LONG_AGO, async |check| {
        let ada = check.ada().await;
        let once = check.hourly().await;
        let skip = json!({ "cron": "0 * * * *", "missed": "skip" });
        let skip = check.schedule_by(&ada, skip).await.unwrap();
        let first = check.schedule(once).await.next_fire_at.unwrap();
        // Half past the fifth hour: the last fire is half an hour late, too.
        check.go_to(first + 4 * HOUR + HOUR / 2).await;
        assert_eq!(check.service.fire_schedules().await.unwrap(), 2);
        let outcomes = |fires: Vec<Fire>| -> Vec<FireOutcome> {
            fires.iter().map(|fire| fire.outcome).collect()
        };
        let (missed, made) = (FireOutcome::Missed, FireOutcome::Made);
        assert_eq!(outcomes(check.fires(once).await), [missed, missed, missed, missed, made]);
        assert_eq!(outcomes(check.fires(skip).await), [missed; 5]);
        assert_eq!((check.runs(once).await.len(), check.runs(skip).await.len()), (1, 0));
        for id in [once, skip] {
            assert_eq!(check.schedule(id).await.next_fire_at, Some(first + 5 * HOUR));
        }
        // A minute late is not missed.
        check.go_to(first + 5 * HOUR + MINUTE).await;
        assert_eq!(check.service.fire_schedules().await.unwrap(), 2);
        assert_eq!((check.runs(once).await.len(), check.runs(skip).await.len()), (2, 1));
    });
}

#[test]
fn a_schedule_is_held_when_its_owner_may_not_any_more_and_goes_on_for_another() {
    on_both_behind(LONG_AGO, async |check| {
        let ada = check.ada().await;
        check.service.add_operator(&ada, BEA, "administrator", None).await.unwrap();
        let bea = check.person(BEA).await;
        for way in ["shut out", "another role"] {
            let when = json!({ "cron": "0 * * * *" });
            let id = check.schedule_by(&bea, when).await.unwrap();
            assert_eq!(check.fire_next(id).await, 1, "{way}");
            match way {
                "shut out" => check.service.set_disabled(&ada, BEA, true).await.unwrap(),
                _ => check.service.set_role(&ada, BEA, "viewer").await.unwrap(),
            }
            assert_eq!(check.fire_next(id).await, 1, "{way}");
            let held = check.schedule(id).await;
            assert_eq!(held.state, ScheduleState::Held, "{way}");
            assert!(held.state_reason.unwrap().contains("may not export"), "{way}");
            assert_eq!(check.fires(id).await.last().unwrap().outcome, FireOutcome::Held);
            assert_eq!(check.runs(id).await.len(), 1, "{way}: no job was made");
            let resumed = check.service.call_schedule(&ada, id, ScheduleCall::Resume).await;
            assert!(matches!(resumed, Err(ServiceError::OwnerMayNot)), "{resumed:?}");
            let eve = check.person("eve@example.com").await.operator().unwrap();
            let refused = check.service.call_schedule(&ada, id, ScheduleCall::Reassign(eve)).await;
            assert!(matches!(refused, Err(ServiceError::Faults(_))), "{refused:?}");
            let mine = ScheduleCall::Reassign(ada.operator().unwrap());
            check.service.call_schedule(&ada, id, mine).await.unwrap();
            assert_eq!(check.fire_next(id).await, 1, "{way}");
            assert_eq!(check.runs(id).await[0].created_by, ada.operator().unwrap());
            check.service.call_schedule(&ada, id, ScheduleCall::Delete).await.unwrap();
            if way == "shut out" {
                check.service.set_disabled(&ada, BEA, false).await.unwrap();
            }
        }
    });
}

#[test]
fn five_failures_in_a_row_pause_it_and_a_ready_run_starts_anew() {
    on_both_behind(LONG_AGO, async |check| {
        let id = check.hourly().await;
        let fail = async |failures: i64| {
            check.fire_next(id).await;
            let run = check.runs(id).await[0].id;
            check.fail(run).await;
            assert_eq!(check.schedule(id).await.failures, failures);
        };
        for failures in 1..=4 {
            fail(failures).await;
        }
        check.fire_next(id).await;
        check.build(check.runs(id).await[0].id).await;
        assert_eq!(check.schedule(id).await.failures, 0, "a ready run ends the row");
        for failures in 1..=4 {
            fail(failures).await;
        }
        assert_eq!(check.schedule(id).await.state, ScheduleState::Active);
        fail(5).await;
        let paused = check.schedule(id).await;
        assert_eq!((paused.state, paused.state_by), (ScheduleState::Paused, None));
        assert_eq!(paused.state_reason.as_deref(), Some("5 runs failed in a row"));
        assert_eq!(check.entry_count("schedule.paused").await, 1);
        let ada = check.ada().await;
        check.service.call_schedule(&ada, id, ScheduleCall::Resume).await.unwrap();
        let resumed = check.schedule(id).await;
        assert_eq!((resumed.state, resumed.failures), (ScheduleState::Active, 0));
    });
}

#[test]
fn a_request_that_does_not_fit_any_more_is_a_failed_run() {
    on_both_behind(LONG_AGO, async |check| {
        let id = check.hourly().await;
        check.change_shop("alter table orders rename column total to sum");
        for failures in 1..=5 {
            assert_eq!(check.fire_next(id).await, 1);
            let fire = check.fires(id).await.pop().unwrap();
            assert_eq!((fire.outcome, fire.job), (FireOutcome::Refused, None));
            assert_eq!(
                fire.detail.as_deref(),
                Some("the subject is not what it was; see /fields/1")
            );
            assert_eq!(check.schedule(id).await.failures, failures);
        }
        assert_eq!(check.schedule(id).await.state, ScheduleState::Paused);
    });
}

#[test]
fn ones_own_are_changed_with_the_small_right_and_others_with_the_large_one() {
    on_both_behind(LONG_AGO, async |check| {
        let (ada, eve) = (check.ada().await, check.person("eve@example.com").await);
        let own = check.hourly().await;
        // An editor may make schedules, but may not export orders.
        let refused = check.schedule_by(&eve, json!({ "cron": "0 6 * * *" })).await;
        assert!(matches!(refused, Err(ServiceError::Denied(_))), "{refused:?}");
        let seen = async |caller: &Caller| {
            check.service.schedules(caller, ScheduleListRequest::default()).await.unwrap().0.len()
        };
        assert_eq!((seen(&ada).await, seen(&eve).await), (1, 0));
        for call in [
            ScheduleCall::Pause(None),
            ScheduleCall::Resume,
            ScheduleCall::Delete,
            ScheduleCall::Reassign(OperatorId(1)),
        ] {
            let refused = check.service.call_schedule(&eve, own, call.clone()).await;
            assert!(matches!(refused, Err(ServiceError::NotFound)), "{call:?}: {refused:?}");
        }
        let refused = check.service.run_schedule(&eve, own).await;
        assert!(matches!(refused, Err(ServiceError::NotFound)), "{refused:?}");
        let wish =
            ScheduleWish { timing: Some(json!({ "cron": "5 5 * * *" })), ..Default::default() };
        let refused = check.service.change_schedule(&eve, own, wish.clone()).await;
        assert!(matches!(refused, Err(ServiceError::NotFound)), "{refused:?}");
        let changed = check.service.change_schedule(&ada, own, wish.clone()).await.unwrap();
        assert_eq!((changed.timing.words(), changed.version), ("every day at 05:05".to_owned(), 2));
        let seen_before = ScheduleWish { version: Some(1), ..wish };
        let late = check.service.change_schedule(&ada, own, seen_before).await;
        assert!(matches!(late, Err(ServiceError::Overtaken { .. })), "{late:?}");
    });
}

#[test]
fn a_run_by_hand_is_beside_the_times() {
    on_both_behind(LONG_AGO, async |check| {
        let ada = check.ada().await;
        let id = check.hourly().await;
        let before = check.schedule(id).await.next_fire_at;
        check.service.call_schedule(&ada, id, ScheduleCall::Pause(None)).await.unwrap();
        let again = check.service.call_schedule(&ada, id, ScheduleCall::Pause(None)).await;
        assert!(matches!(again, Err(ServiceError::ScheduleConflict { .. })), "{again:?}");
        let run: JobId = check.service.run_schedule(&ada, id).await.unwrap();
        assert_eq!(check.job(run).await.schedule_id, Some(id));
        check.service.call_schedule(&ada, id, ScheduleCall::Resume).await.unwrap();
        assert_eq!(check.schedule(id).await.next_fire_at, before);
        assert_eq!(check.fires(id).await, []);
    });
}

#[test]
fn the_same_key_makes_one_schedule() {
    on_both_behind(LONG_AGO, async |check| {
        let ada = check.ada().await;
        let request = |cron: &str| {
            let sent =
                json!({ "subject": "orders", "format": "csv", "schedule": { "cron": cron } });
            ExportRequest::read(&sent).unwrap()
        };
        let make = async |cron: &str| {
            check.service.create_schedule(&ada, &request(cron), Some("key")).await
        };
        let first = make("0 6 * * *").await.unwrap();
        let second = make("0 6 * * *").await.unwrap();
        assert_eq!((first.schedule, first.is_new), (second.schedule, true));
        assert!(!second.is_new);
        assert!(matches!(make("0 7 * * *").await, Err(ServiceError::KeyReused)));
    });
}

#[test]
fn since_last_goes_on_where_the_last_ready_run_ended() {
    on_both_behind(LONG_AGO, async |check| {
        let ada = check.ada().await;
        let request = json!({
            "subject": "events", "format": "ndjson",
            "scope": { "filter": { "field": "at", "op": "since_last" } },
            "schedule": { "cron": "0 * * * *", "lag_seconds": 60 },
        });
        let request = ExportRequest::read(&request).unwrap();
        let id = check.service.create_schedule(&ada, &request, None).await.unwrap().schedule;
        let add = async |number: i64, seconds_ago: i64| {
            let at = check.service.store().now().await.unwrap() / 1_000_000 - seconds_ago;
            check.change_shop(&format!(
                "insert into events values ({number}, strftime('%Y-%m-%dT%H:%M:%SZ', {at}, 'unixepoch'))"
            ));
        };
        // One that is old, and one that is too young for the lag.
        add(1, 3_600).await;
        check.fire_next(id).await;
        add(2, 5).await;
        assert_eq!(check.built_ids(id).await, [1]);
        // A run that fails moves nothing.
        add(3, 1_000).await;
        check.fire_next(id).await;
        check.fail(check.runs(id).await[0].id).await;
        add(4, 600).await;
        check.fire_next(id).await;
        let before = check.schedule(id).await.watermark;
        assert_eq!(
            check.built_ids(id).await,
            [2, 4],
            "what came late with an earlier time is lost"
        );
        assert!(check.schedule(id).await.watermark > before);
        check.fire_next(id).await;
        assert_eq!(check.built_ids(id).await, [0; 0]);
        // By hand and once, it means nothing.
        let once = ExportRequest { schedule: Value::Null, ..request };
        assert!(check.service.create_export(&ada, &once, None).await.is_err());
    });
}

#[test]
fn a_pause_of_egress_holds_schedules_and_its_end_lets_them_go_on() {
    on_both_behind(LONG_AGO, async |check| {
        let ada = check.ada().await;
        let id = check.hourly().await;
        for subject in [None, Some("orders")] {
            let before = check.runs(id).await.len();
            check.service.pause(&ada, subject, "an incident").await.unwrap();
            assert_eq!(check.fire_next(id).await, 0, "{subject:?}");
            let refused = check.service.run_schedule(&ada, id).await;
            assert!(matches!(refused, Err(ServiceError::Denied(_))), "{refused:?}");
            assert_eq!(check.schedule(id).await.state, ScheduleState::Active);
            check.service.resume(&ada, subject).await.unwrap();
            assert_eq!(check.service.fire_schedules().await.unwrap(), 1);
            assert_eq!(check.runs(id).await.len(), before + 1);
        }
    });
}
