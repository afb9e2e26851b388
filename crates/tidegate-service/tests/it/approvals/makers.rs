//! Whoever has had a hand in a run of a schedule is no second person for it.

use serde_json::json;
use tidegate_model::{
    actor::Caller,
    ids::{JobId, ScheduleId},
    request::ExportRequest,
};
use tidegate_service::{ScheduleCall, ScheduleWish};

use super::{BEA, HOUR};
use crate::check::{Check, PAST_MICROS, on_both_behind};

const CLEO: &str = "cleo@example.com";

impl Check {
    /// Three administrators, and a rule for orders.
    async fn three(&self) -> [Caller; 3] {
        self.with_one_rule().await;
        let ada = self.ada().await;
        self.service.add_operator(&ada, CLEO, "administrator", None).await.unwrap();
        [ada, self.bea().await, self.person(CLEO).await]
    }

    async fn daily_of(&self, owner: &Caller) -> ScheduleId {
        let sent = json!({
            "subject": "orders", "format": "csv", "fields": ["id"],
            "schedule": { "cron": "0 6 * * *" },
        });
        let request = ExportRequest::read(&sent).unwrap();
        self.service.create_schedule(owner, &request, None).await.unwrap().schedule
    }

    /// Has a schedule ask for more.
    async fn widen(&self, caller: &Caller, id: ScheduleId) {
        let sent = json!({ "subject": "orders", "format": "csv", "fields": ["id", "total"] });
        let request = Some(ExportRequest::read(&sent).unwrap());
        let wish = ScheduleWish { request, ..ScheduleWish::default() };
        self.service.change_schedule(caller, id, wish).await.unwrap();
    }

    /// The run of the next time.
    async fn fired(&self, id: ScheduleId) -> JobId {
        self.clock.step(24 * HOUR);
        self.service.fire_schedules().await.unwrap();
        self.service.store().runs_of(id, 1).await.unwrap()[0].id
    }

    /// Asserts that somebody can decide nothing about a job, and reads so.
    async fn has_no_say(&self, who: &Caller, id: JobId, words: &str) {
        let granted = self.service.grant_approval(who, id, None).await;
        assert!(granted.unwrap_err().to_string().contains("of their own"), "{words}");
        let denied = self.service.deny_approval(who, id, "no").await;
        assert!(denied.unwrap_err().to_string().contains("of their own"), "{words}");
        assert!(self.service.approval(who, id).await.unwrap().is_own, "{words}");
    }
}

#[test]
fn whoever_has_changed_started_or_given_away_a_schedule_has_no_say_in_its_runs() {
    on_both_behind(PAST_MICROS, async |check| {
        let [ada, bea, cleo] = check.three().await;
        for way in ["changed", "changed, and fired by its time", "started", "given away"] {
            let id = match way {
                "given away" => {
                    let id = check.daily_of(&ada).await;
                    let to = ScheduleCall::Reassign(bea.operator().unwrap());
                    check.service.call_schedule(&ada, id, to).await.unwrap();
                    id
                }
                _ => check.daily_of(&bea).await,
            };
            if way.starts_with("changed") {
                check.widen(&ada, id).await;
            }
            let run = match way {
                "started" => check.service.run_schedule(&ada, id).await.unwrap(),
                "changed, and fired by its time" => check.fired(id).await,
                _ => check.service.run_schedule(&bea, id).await.unwrap(),
            };
            assert_eq!(Some(check.job(run).await.created_by), bea.operator(), "{way}");
            check.has_no_say(&ada, run, way).await;
            check.has_no_say(&bea, run, way).await;
            // What becomes of the schedule afterwards takes no hand away from what it has made.
            check.widen(&cleo, id).await;
            check.has_no_say(&ada, run, way).await;
            assert!(!check.service.approval(&cleo, run).await.unwrap().is_own, "{way}");
            check.service.grant_approval(&cleo, run, None).await.unwrap();
            check.service.call_schedule(&bea, id, ScheduleCall::Delete).await.unwrap();
        }
        // One that changes when it fires has said nothing of what it asks for.
        let id = check.daily_of(&bea).await;
        let timing = Some(json!({ "cron": "0 7 * * *" }));
        let wish = ScheduleWish { timing, ..ScheduleWish::default() };
        check.service.change_schedule(&ada, id, wish).await.unwrap();
        let run = check.service.run_schedule(&bea, id).await.unwrap();
        check.service.grant_approval(&ada, run, None).await.unwrap();
    });
}

#[test]
fn whoever_gets_a_schedule_while_its_run_waits_has_no_say_in_it() {
    on_both_behind(PAST_MICROS, async |check| {
        let [ada, bea, cleo] = check.three().await;
        let id = check.daily_of(&bea).await;
        let run = check.fired(id).await;
        let to = ScheduleCall::Reassign(cleo.operator().unwrap());
        check.service.call_schedule(&bea, id, to).await.unwrap();
        check.has_no_say(&cleo, run, "it is hers by now").await;
        check.service.grant_approval(&ada, run, None).await.unwrap();
    });
}

#[test]
fn whoever_had_a_hand_in_what_was_released_alone_does_not_review_it() {
    on_both_behind(PAST_MICROS, async |check| {
        let [ada, bea, cleo] = check.three().await;
        let rules = json!({
            "break_glass": true, "rules": [{ "name": "orders", "subject": "orders" }],
        });
        let rules = serde_json::from_value(rules).unwrap();
        check.service.set_approval_rules(&ada, rules, None).await.unwrap();
        let id = check.daily_of(&bea).await;
        check.widen(&ada, id).await;
        let run = check.service.run_schedule(&bea, id).await.unwrap();
        let alone = check.service.break_approval(&ada, run, "now").await;
        assert!(alone.unwrap_err().to_string().contains("somebody else"), "{BEA} has asked");
        check.service.break_approval(&bea, run, "now").await.unwrap();
        let reviewed = check.service.review_approval(&ada, run, "fine").await;
        assert!(reviewed.unwrap_err().to_string().contains("of their own"));
        check.service.review_approval(&cleo, run, "fine").await.unwrap();
    });
}
