//! Somebody else's schedule: who may not export does not make it export, and what was its owner's
//! stays theirs.

use serde_json::json;
use tidegate_model::{
    actor::Caller,
    mask::{MaskPolicy, MaskRule, MaskRules},
    request::ExportRequest,
};
use tidegate_service::{ScheduleCall, ScheduleListRequest, ScheduleWish, ServiceError};

use super::{BEA, LONG_AGO};
use crate::check::{Check, on_both_behind};

impl Check {
    /// Somebody who has these capabilities, and is shown no address.
    async fn somebody(&self, capabilities: &[&str]) -> Caller {
        let ada = self.ada().await;
        let roles = self.service.roles(&ada).await.unwrap();
        let mut role = roles.into_iter().find(|role| role.slug == "viewer").unwrap();
        role.slug = "somebody".to_owned();
        role.capabilities = capabilities.iter().map(|&one| one.to_owned()).collect();
        role.masks =
            MaskRules(vec![MaskRule { class: "email".to_owned(), policy: MaskPolicy::Redact }]);
        self.service.put_role(&ada, role).await.unwrap();
        self.service.add_operator(&ada, BEA, "somebody", None).await.unwrap();
        self.person(BEA).await
    }
}

#[test]
fn who_may_not_export_a_subject_neither_runs_nor_changes_a_schedule_of_it() {
    on_both_behind(LONG_AGO, async |check| {
        let capabilities =
            ["orders.list", "exports.list.any", "exports.schedule.any", "exports.download.any"];
        let bea = check.somebody(&capabilities).await;
        let id = check.hourly().await;
        let before = check.schedule(id).await;
        let wider = json!({ "subject": "orders", "format": "csv" });
        let wishes = [
            ScheduleWish { request: ExportRequest::read(&wider).ok(), ..ScheduleWish::default() },
            ScheduleWish { timing: Some(json!({ "cron": "5 5 * * *" })), ..Default::default() },
        ];
        for wish in wishes {
            let refused = check.service.change_schedule(&bea, id, wish).await.unwrap_err();
            assert!(refused.to_string().contains("orders.export"), "{refused}");
        }
        let refused = check.service.run_schedule(&bea, id).await.unwrap_err();
        assert!(refused.to_string().contains("orders.export"), "{refused}");
        assert_eq!(check.schedule(id).await, before);
        assert!(check.runs(id).await.is_empty());
        // To stop one, it takes no such right.
        check.service.call_schedule(&bea, id, ScheduleCall::Pause(None)).await.unwrap();
        check.service.call_schedule(&bea, id, ScheduleCall::Delete).await.unwrap();
    });
}

#[test]
fn runs_of_an_earlier_owner_are_not_told_to_the_next_one() {
    on_both_behind(LONG_AGO, async |check| {
        let capabilities = ["orders.list", "orders.export", "exports.list.own", "exports.schedule"];
        let bea = check.somebody(&capabilities).await;
        let ada = check.ada().await;
        let id = check.hourly().await;
        assert_eq!(check.fire_next(id).await, 1);
        let to = ScheduleCall::Reassign(bea.operator().unwrap());
        check.service.call_schedule(&ada, id, to).await.unwrap();
        let line = async |caller: &Caller| {
            let request = ScheduleListRequest::default();
            check.service.schedule_lines(caller, request).await.unwrap().0.remove(0)
        };
        let story = check.service.schedule_story(&bea, id).await.unwrap();
        assert_eq!((story.runs.len(), story.fires.len()), (0, 1));
        assert_eq!(story.fires[0].job, None);
        assert_eq!(line(&bea).await.last_run, None);
        let whole = check.service.schedule_story(&ada, id).await.unwrap();
        assert_eq!(whole.fires[0].job, Some(whole.runs[0].id), "who may see everybody's does");
        assert!(line(&ada).await.last_run.is_some());
        // Her own are hers.
        assert_eq!(check.fire_next(id).await, 1);
        let story = check.service.schedule_story(&bea, id).await.unwrap();
        assert_eq!(story.runs.len(), 1);
        assert_eq!(story.fires[0].job, Some(story.runs[0].id));
        assert_eq!(story.fires[1].job, None);
        assert!(line(&bea).await.last_run.is_some());
    });
}

#[test]
fn a_repeated_request_tells_its_owner_no_value_that_is_hidden() {
    on_both_behind(LONG_AGO, async |check| {
        let capabilities = ["users.list", "users.export", "exports.list.own", "exports.schedule"];
        let bea = check.somebody(&capabilities).await;
        let sent = json!({
            "subject": "users", "format": "csv", "fields": ["id"],
            "schedule": { "cron": "0 6 * * *" },
        });
        let request = ExportRequest::read(&sent).unwrap();
        let created = check.service.create_schedule(&bea, &request, Some("key")).await.unwrap();
        let filter = json!({ "field": "email", "op": "eq", "value": "bo@example.org" });
        let narrowed = json!({ "subject": "users", "format": "csv", "fields": ["id"], "scope": { "filter": filter } });
        let wish = ScheduleWish {
            request: ExportRequest::read(&narrowed).ok(),
            ..ScheduleWish::default()
        };
        let id = created.schedule;
        let changed = check.service.change_schedule(&check.ada().await, id, wish).await.unwrap();
        assert!(format!("{:?}", changed.request).contains("bo@example.org"));
        let again = check.service.create_schedule(&bea, &request, Some("key")).await.unwrap();
        assert_eq!((again.schedule, again.is_new), (id, false));
        let told = check.service.created_schedule(&bea, again).await.unwrap();
        assert!(!format!("{told:?}").contains("bo@example.org"), "{told:?}");
        assert_eq!(told, check.service.schedule(&bea, id).await.unwrap());
        let other = check.service.created_schedule(&check.ada().await, again).await;
        assert!(matches!(other, Err(ServiceError::NotFound)), "{other:?}");
    });
}
