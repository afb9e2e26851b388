//! An approval is good for one export: what is asked for again is asked anew, a pause holds what is
//! approved, and whoever decides sees no more than their role shows.

use serde_json::json;
use tidegate_model::{
    approval::{ApprovalRules, ApprovalState},
    budget::Budgets,
    mask::{MaskPolicy, MaskRule, MaskRules},
    status::Status,
};

use super::BEA;
use crate::check::{Check, PAST_MICROS, on_both_behind};

#[test]
fn what_was_approved_once_waits_anew_when_it_is_run_again_or_asked_for_again() {
    on_both_behind(PAST_MICROS, async |check| {
        check.with_one_rule().await;
        let id = check.waiting().await;
        check.service.grant_approval(&check.bea().await, id, None).await.unwrap();
        assert_eq!(check.build(id).await.status, Status::Ready);
        let again = check.service.rerun_export(&check.ada().await, id, None).await.unwrap().job;
        let as_new = check.waiting().await;
        for other in [again, as_new] {
            assert_eq!(check.job(other).await.hold.as_deref(), Some("approval"));
            assert_eq!(check.state(other).await, ApprovalState::Waiting);
            assert_eq!(check.build(other).await.status, Status::Pending, "nobody can claim it");
            let hash = async |id| {
                check.service.store().approval(id).await.unwrap().unwrap().definition_hash
            };
            assert_ne!(hash(other).await, hash(id).await, "an approval is of one export");
        }
    });
}

#[test]
fn a_pause_holds_what_waits_and_what_is_approved_until_it_is_ended() {
    on_both_behind(PAST_MICROS, async |check| {
        check.with_one_rule().await;
        let (ada, bea) = (check.ada().await, check.bea().await);
        let id = check.waiting().await;
        let (upkeep, mut seen) = (check.upkeep(), None);
        check.service.pause(&ada, Some("orders"), "a leak").await.unwrap();
        upkeep.approve(&mut seen).await.unwrap();
        assert_eq!(check.state(id).await, ApprovalState::Waiting, "a pause ends nothing");
        check.service.grant_approval(&bea, id, None).await.unwrap();
        assert_eq!(check.build(id).await.status, Status::Pending, "approved, and paused");
        check.service.resume(&ada, Some("orders")).await.unwrap();
        assert_eq!(check.build(id).await.status, Status::Ready);
        assert_eq!(check.state(id).await, ApprovalState::Used);
    });
}

/// Somebody who may approve, is shown no address, and no user but the second.
async fn masked(check: &Check) {
    let ada = check.ada().await;
    let roles = check.service.roles(&ada).await.unwrap();
    let mut role = roles.into_iter().find(|role| role.slug == "administrator").unwrap();
    role.slug = "approver".to_owned();
    role.capabilities.remove("pii.unmask");
    role.masks =
        MaskRules(vec![MaskRule { class: "email".to_owned(), policy: MaskPolicy::Redact }]);
    role.limits = serde_json::from_value(json!([
        { "subject": "users", "where": { "field": "id", "op": "eq", "value": 2 } },
    ]))
    .unwrap();
    check.service.put_role(&ada, role).await.unwrap();
    check.service.set_role(&ada, BEA, "approver").await.unwrap();
}

#[test]
fn whoever_decides_sees_no_masked_value_and_no_row_beyond_their_limit() {
    on_both_behind(PAST_MICROS, async |check| {
        check.with_rules(json!({})).await;
        let filter = |value: &str| json!({ "field": "email", "op": "eq", "value": value });
        let users = |filter| json!({ "subject": "users", "format": "csv", "fields": ["id", "email", "city"], "scope": { "filter": filter } });
        let first = check.create(users(filter("bo@example.com"))).await;
        assert_eq!(check.build(first).await.status, Status::Ready);
        let rules = json!({ "rules": [{ "name": "all" }] });
        let rules: ApprovalRules = serde_json::from_value(rules).unwrap();
        check.service.set_approval_rules(&check.ada().await, rules, None).await.unwrap();
        let filtered = check.create(users(filter("bo@example.org"))).await;
        let all = json!({ "subject": "users", "format": "csv", "fields": ["id", "email", "city"] });
        let whole = check.create(all).await;
        masked(&check).await;
        let bea = check.bea().await;
        for id in [filtered, whole] {
            let story = check.service.approval(&bea, id).await.unwrap();
            let told = format!(
                "{:?} {:?} {:?} {:?}",
                story.approval,
                story.job.scope,
                story.last.map(|last| last.scope),
                story.differences
            );
            let list = [tidegate_service::ApprovalsOf::Waiting];
            let [list] = check.service.approvals(&bea, list).await.unwrap();
            let list: Vec<_> = list.iter().map(|(_, job)| &job.scope).collect();
            for canary in ["bo@example.com", "bo@example.org"] {
                assert!(!told.contains(canary), "{told}");
                assert!(!format!("{list:?}").contains(canary), "{list:?}");
            }
        }
        let preview = check.service.preview_approval(&bea, whole).await.unwrap().text;
        assert!(preview.contains('2'), "what is within the limit is there: {preview}");
        for canary in ["ada@", "bo@", "Kiel"] {
            assert!(!preview.contains(canary), "{preview}");
        }
        // By a value that is not shown nothing is sought, either.
        let sought = check.service.preview_approval(&bea, filtered).await;
        assert!(sought.is_err(), "{sought:?}");
    });
}

#[test]
fn a_run_for_which_a_budget_has_no_room_is_refused_to_its_owner_once() {
    on_both_behind(PAST_MICROS, async |check| {
        let ada = check.ada().await;
        let at =
            json!({ "subject": "orders", "format": "csv", "schedule": { "cron": "0 6 * * *" } });
        let request = tidegate_model::request::ExportRequest::read(&at).unwrap();
        check.service.create_schedule(&ada, &request, None).await.unwrap();
        let budgets = json!({ "budgets": [{ "name": "none", "subject": "orders", "exports": 0 }] });
        let budgets: Budgets = serde_json::from_value(budgets).unwrap();
        check.service.set_budgets(&ada, budgets, None).await.unwrap();
        check.clock.step(24 * super::HOUR);
        check.service.fire_schedules().await.unwrap();
        let denied: Vec<_> = check
            .entries("schedule.fired")
            .await
            .into_iter()
            .filter(|entry| entry["outcome"] == "denied")
            .collect();
        assert_eq!(denied.len(), 1, "{denied:?}");
        assert_eq!(denied[0]["details"]["refused"]["over_budget"]["budget"], "none");
        assert_eq!(check.done("schedule.failed").await, 1);
    });
}
