//! What a site asks of an export beside a second person: a reason, room in a budget, no more rows
//! than were expected.

use serde_json::{Value, json};
use tidegate_model::{
    actor::Caller, approval::ApprovalRules, budget::Budgets, job::FailureReason, status::Status,
};
use tidegate_service::{ServiceError, Versioned};

use super::{BEA, HOUR};
use crate::check::{PAST_MICROS, on_both_behind};

#[test]
fn an_export_is_refused_for_a_reason_that_is_missing_or_of_another_form() {
    on_both_behind(PAST_MICROS, async |check| {
        let reason = json!({ "required_for": "personal", "pattern": "[A-Z]+-[0-9]+" });
        check.with_rules(json!({ "reason": reason })).await;
        let ada = check.ada().await;
        let asked = |subject: &str, reason: Value| json!({ "subject": subject, "format": "csv", "reason": reason });
        for wrong in [Value::Null, json!("because")] {
            let refused = check.create_by(&ada, asked("users", wrong)).await.unwrap_err();
            let ServiceError::Faults(faults) = refused else { panic!("{refused:?}") };
            assert_eq!(faults.0[0].pointer, "/reason");
        }
        check.create_by(&ada, asked("orders", Value::Null)).await.unwrap();
        let job = check.create_by(&ada, asked("users", json!("OPS-7"))).await.unwrap();
        assert_eq!(job.reason.as_deref(), Some("OPS-7"));
    });
}

#[test]
fn a_budget_lets_pass_what_it_has_room_for_and_refuses_one_row_more() {
    on_both_behind(PAST_MICROS, async |check| {
        let ada = check.ada().await;
        let budgets = json!({ "budgets": [
            { "name": "rows", "subject": "orders", "rows": 5 },
            { "name": "users", "subject": "users", "exports": 1 },
        ] });
        let budgets: Budgets = serde_json::from_value(budgets).unwrap();
        check.service.set_budgets(&ada, budgets, None).await.unwrap();
        let of =
            |ids: &[i64]| json!({ "subject": "orders", "format": "csv", "scope": { "ids": ids } });
        let three = check.create(of(&[1, 2, 3])).await;
        let over = check.create_by(&ada, of(&[4, 5, 6])).await.unwrap_err();
        assert!(over.to_string().contains("2 of 5 rows left"), "{over}");
        assert_eq!(check.denied("export.created").await, 1);
        let two = check.create(of(&[4, 5])).await;
        for id in [three, two] {
            assert_eq!(check.build(id).await.status, Status::Ready, "exactly at the limit");
        }
        assert!(check.create_by(&ada, of(&[7])).await.is_err());
        // What comes to nothing counts for nothing.
        let users = json!({ "subject": "users", "format": "csv" });
        let one = check.create(users.clone()).await;
        assert!(check.create_by(&ada, users.clone()).await.is_err());
        check.service.cancel_export(&ada, one).await.unwrap();
        let made = check.create_by(&ada, users.clone()).await.unwrap().id;
        assert_eq!(check.build(made).await.status, Status::Ready);
        // Somebody else has their own, and tomorrow is another day.
        check.service.add_operator(&ada, BEA, "administrator", None).await.unwrap();
        check.create_by(&check.bea().await, users.clone()).await.unwrap();
        assert!(check.create_by(&ada, users.clone()).await.is_err());
        check.clock.step(24 * HOUR);
        check.create_by(&ada, users).await.unwrap();
    });
}

#[test]
fn a_budget_of_a_role_is_used_up_and_one_of_a_role_that_there_is_not_is_refused() {
    on_both_behind(PAST_MICROS, async |check| {
        let ada = check.ada().await;
        let of_role = |role: &str| -> Budgets {
            let budget = json!({ "name": "role", "role": role, "exports": 1 });
            serde_json::from_value(json!({ "budgets": [budget] })).unwrap()
        };
        for role in ["Administrator", "administratr"] {
            let refused = check.service.set_budgets(&ada, of_role(role), None).await.unwrap_err();
            let ServiceError::Faults(faults) = refused else { panic!("{refused:?}") };
            assert_eq!(faults.0[0].pointer, "/budgets/0/role");
            let told = format!("`{role}` is no role; did you mean `administrator`?");
            assert_eq!(faults.0[0].detail, told);
        }
        check.service.set_budgets(&ada, of_role("administrator"), None).await.unwrap();
        let request = || json!({ "subject": "orders", "format": "csv" });
        check.create_by(&ada, request()).await.unwrap();
        let over = check.create_by(&ada, request()).await.unwrap_err();
        assert!(over.to_string().contains("0 of 1 exports left"), "{over}");
    });
}

#[test]
fn a_budget_of_an_operator_is_used_up_however_their_address_is_written() {
    on_both_behind(PAST_MICROS, async |check| {
        let ada = check.ada().await;
        check.service.add_operator(&ada, "Émile@example.com", "administrator", None).await.unwrap();
        let emile = check.person("émile@example.com").await;
        let budget = json!({ "name": "one", "operator": "ÉMILE@Example.com", "exports": 1 });
        let budgets = serde_json::from_value(json!({ "budgets": [budget] })).unwrap();
        check.service.set_budgets(&ada, budgets, None).await.unwrap();
        let request = || json!({ "subject": "orders", "format": "csv" });
        check.create_by(&emile, request()).await.unwrap();
        assert!(check.create_by(&emile, request()).await.is_err());
        check.create_by(&ada, request()).await.unwrap();
    });
}

#[test]
fn a_name_that_is_none_any_more_keeps_nobody_from_taking_a_budget_or_a_rule_out() {
    on_both_behind(PAST_MICROS, async |check| {
        let ada = check.ada().await;
        let budgets = r#"{ "budgets": [{ "name": "a", "role": "gone", "exports": 1 },
            { "name": "b", "role": "gone", "exports": 2 }] }"#;
        let rules = r#"{ "rules": [{ "name": "a", "roles": ["gone"] },
            { "name": "b", "subject": "gone" }] }"#;
        let set = format!("update governance set budgets = '{budgets}', approval = '{rules}'");
        check.tamper(&set).await;
        let mut budgets = check.service.budgets(&ada).await.unwrap().document;
        budgets.budgets.remove(0);
        check.service.set_budgets(&ada, budgets.clone(), None).await.unwrap();
        budgets.budgets[0].exports = Some(3);
        assert!(check.service.set_budgets(&ada, budgets, None).await.is_err());
        let mut rules = check.service.approval_rules(&ada).await.unwrap().document;
        rules.rules.remove(0);
        check.service.set_approval_rules(&ada, rules.clone(), None).await.unwrap();
        rules.rules[0].roles.push("editr".to_owned());
        let refused = check.service.set_approval_rules(&ada, rules, None).await.unwrap_err();
        let ServiceError::Faults(faults) = refused else { panic!("{refused:?}") };
        let places: Vec<&str> = faults.0.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(places, ["/rules/0/subject", "/rules/0/roles"]);
        assert_eq!(faults.0[1].detail, "`editr` is no role; did you mean `editor`?");
    });
}

#[test]
fn of_two_administrators_at_once_one_is_told_so_and_no_rule_or_budget_is_lost() {
    on_both_behind(PAST_MICROS, async |check| {
        check.with_rules(json!({})).await;
        let (ada, bea) = (check.ada().await, check.bea().await);
        let service = &check.service;
        let seen = service.approval_rules(&ada).await.unwrap();
        let with = |mut rules: ApprovalRules, name: &str| {
            let rule = json!({ "name": name, "subject": "orders" });
            rules.rules.push(serde_json::from_value(rule).unwrap());
            rules
        };
        let set = async |caller: &Caller, seen: &Versioned<ApprovalRules>, name: &str| {
            let rules = with(seen.document.clone(), name);
            service.set_approval_rules(caller, rules, Some(seen.version)).await
        };
        let (one, other) = tokio::join!(set(&ada, &seen, "a"), set(&bea, &seen, "b"));
        assert_ne!(one.is_ok(), other.is_ok(), "{one:?} {other:?}");
        let (late, name) = if one.is_ok() { (other, "b") } else { (one, "a") };
        assert!(matches!(late, Err(ServiceError::Overtaken { .. })), "{late:?}");
        let again = service.approval_rules(&ada).await.unwrap();
        set(&bea, &again, name).await.unwrap();
        assert_eq!(check.service.store().approval_rules().await.unwrap().rules.len(), 2);

        let seen = service.budgets(&ada).await.unwrap();
        let set = async |caller: &Caller, name: &str| {
            let mut budgets = seen.document.clone();
            let budget = json!({ "name": name, "exports": 9 });
            budgets.budgets.push(serde_json::from_value(budget).unwrap());
            service.set_budgets(caller, budgets, Some(seen.version)).await
        };
        let (one, other) = tokio::join!(set(&ada, "a"), set(&bea, "b"));
        assert_ne!(one.is_ok(), other.is_ok(), "{one:?} {other:?}");
        let now = service.budgets(&ada).await.unwrap();
        let kept = if one.is_ok() { "a" } else { "b" };
        assert_eq!(now.document.budgets[0].name, kept);
        assert_eq!((now.document.budgets.len(), now.version), (1, seen.version + 1));
    });
}

#[test]
fn of_two_exports_at_once_a_budget_has_room_for_one() {
    on_both_behind(PAST_MICROS, async |check| {
        let ada = check.ada().await;
        let budgets = json!({ "budgets": [{ "name": "one", "per": "all", "exports": 1 }] });
        let budgets: Budgets = serde_json::from_value(budgets).unwrap();
        check.service.set_budgets(&ada, budgets, None).await.unwrap();
        let request = || json!({ "subject": "users", "format": "csv" });
        let (one, other) =
            tokio::join!(check.create_by(&ada, request()), check.create_by(&ada, request()));
        assert_ne!(one.is_ok(), other.is_ok(), "{one:?} {other:?}");
        assert_eq!(check.denied("export.created").await, 1);
    });
}

#[test]
fn bytes_that_are_known_too_late_for_the_request_are_refused_where_the_file_is_published() {
    on_both_behind(PAST_MICROS, async |check| {
        let ada = check.ada().await;
        let budgets = json!({ "budgets": [{ "name": "small", "bytes": 10 }] });
        let budgets: Budgets = serde_json::from_value(budgets).unwrap();
        check.service.set_budgets(&ada, budgets, None).await.unwrap();
        let id = check.create(json!({ "subject": "orders", "format": "csv" })).await;
        let job = check.build(id).await;
        assert_eq!(job.status, Status::Failed);
        let failure = job.error.unwrap();
        assert_eq!(failure.reason, FailureReason::OverLimit);
        assert!(failure.detail.contains("`small`"), "{}", failure.detail);
        assert!(check.files().is_empty(), "nothing of it is left");
    });
}

#[test]
fn what_turns_out_to_have_more_rows_than_may_leave_alone_does_not_and_waits_the_next_time() {
    on_both_behind(PAST_MICROS, async |check| {
        let rule = json!({ "name": "many", "subject": "orders", "rows_over": 3 });
        check.with_rules(json!({ "rules": [rule] })).await;
        let new = json!({ "filter": { "field": "status", "op": "eq", "value": "new" } });
        let request = json!({ "subject": "orders", "format": "csv", "scope": new });
        let appear = |from: i64, rows: i64| {
            let shop = rusqlite::Connection::open(check.folder.path().join("shop.db")).unwrap();
            for id in from..from + rows {
                shop.execute("insert into orders values (?1, 'new', 1)", [id]).unwrap();
            }
        };
        let three = check.create(request.clone()).await;
        appear(10_000, 3);
        assert_eq!(check.build(three).await.status, Status::Ready, "as many as may leave");
        let four = check.create(request).await;
        appear(20_000, 1);
        let job = check.build(four).await;
        assert_eq!(job.status, Status::Failed);
        let failure = job.error.unwrap();
        assert_eq!(failure.reason, FailureReason::OverLimit);
        assert!(failure.detail.contains("`many`"), "{}", failure.detail);
        assert_eq!(check.files().len(), 1, "nothing of it is left");
        let ada = check.ada().await;
        let again = check.service.rerun_export(&ada, four, None).await.unwrap().job;
        assert_eq!(check.job(again).await.hold.as_deref(), Some("approval"));
    });
}
