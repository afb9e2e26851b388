//! Approvals and budgets: who decides about what, once, and what is refused leaves its entry.

mod again;
mod budgets;
mod makers;

use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::{Value, json};
use tidegate_model::{
    actor::{Actor, Caller},
    approval::{ApprovalRules, ApprovalState},
    budget::Budgets,
    ids::{JobId, TokenId},
    job::{FailureReason, Job},
    request::ExportRequest,
    status::Status,
};
use tidegate_service::{ApprovalsOf, ServiceError};

use crate::check::{Check, PAST_MICROS, on_both_behind};

const BEA: &str = "bea@example.com";
const HOUR: i64 = 3_600 * 1_000_000;

impl Check {
    /// Two administrators, and rules.
    async fn with_rules(&self, rules: Value) {
        let ada = self.ada().await;
        self.service.add_operator(&ada, BEA, "administrator", None).await.unwrap();
        let rules: ApprovalRules = serde_json::from_value(rules).unwrap();
        self.service.set_approval_rules(&ada, rules, None).await.unwrap();
    }

    async fn with_one_rule(&self) {
        self.with_rules(json!({ "rules": [{ "name": "orders", "subject": "orders" }] })).await;
    }

    async fn bea(&self) -> Caller {
        self.person(BEA).await
    }

    /// An export of the administrator that waits.
    async fn waiting(&self) -> JobId {
        let id = self.create(json!({ "subject": "orders", "format": "csv" })).await;
        assert_eq!(self.job(id).await.hold.as_deref(), Some("approval"));
        id
    }

    async fn state(&self, id: JobId) -> ApprovalState {
        self.service.store().approval(id).await.unwrap().unwrap().state
    }

    async fn create_by(&self, caller: &Caller, request: Value) -> Result<Job, ServiceError> {
        let request = ExportRequest::read(&request).unwrap();
        let made = self.service.create_export(caller, &request, None).await?;
        Ok(self.job(made.job).await)
    }

    /// Entries of an action that were refused.
    async fn denied(&self, action: &str) -> usize {
        let entries = self.entries(action).await;
        entries.iter().filter(|entry| entry["outcome"] == "denied").count()
    }

    async fn done(&self, action: &str) -> usize {
        self.entries(action).await.len() - self.denied(action).await
    }

    /// Writes to the control database, around the door.
    async fn tamper(&self, sql: &str) {
        let url = self.control_url.replace("sqlite:", "sqlite://");
        let raw = Database::connect(url).await.unwrap();
        raw.execute_unprepared(sql).await.unwrap();
    }

    fn unfreeze(&self) -> &'static str {
        match self.control_url.starts_with("sqlite:") {
            true => "drop trigger jobs_frozen",
            false => "drop trigger jobs_frozen on jobs",
        }
    }

    async fn topics(&self) -> Vec<String> {
        let url = self.control_url.replace("sqlite:", "sqlite://");
        let raw = Database::connect(url).await.unwrap();
        let backend = raw.get_database_backend();
        let sql = "select topic from outbox where topic like 'approval.%' order by id";
        let rows = raw.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
        rows.iter().map(|row| row.try_get("", "topic").unwrap()).collect()
    }
}

#[test]
fn what_a_rule_holds_is_built_once_a_second_person_has_granted_it() {
    on_both_behind(PAST_MICROS, async |check| {
        check.with_one_rule().await;
        let id = check.waiting().await;
        assert_eq!(check.build(id).await.status, Status::Pending, "nobody can claim it");
        let bea = check.bea().await;
        let story = check.service.approval(&bea, id).await.unwrap();
        assert_eq!(story.job.rows_estimated, Some(3000), "though the rule does not ask");
        check.service.grant_approval(&bea, id, Some("fine")).await.unwrap();
        assert_eq!(check.build(id).await.status, Status::Ready);
        assert_eq!(check.state(id).await, ApprovalState::Used);
        assert_eq!(
            (check.done("approval.granted").await, check.denied("approval.granted").await),
            (1, 0)
        );
        let again = check.service.grant_approval(&bea, id, None).await;
        assert!(again.unwrap_err().to_string().contains("not waiting any more"));
        assert_eq!(check.denied("approval.granted").await, 1, "used twice is refused and logged");
        // What no rule speaks of does not wait.
        let users = check.create(json!({ "subject": "users", "format": "csv" })).await;
        assert_eq!(check.build(users).await.status, Status::Ready);
    });
}

#[test]
fn nobody_decides_about_their_own_export_nor_does_a_token_of_theirs() {
    on_both_behind(PAST_MICROS, async |check| {
        check.with_one_rule().await;
        let id = check.waiting().await;
        let ada = check.ada().await;
        let token = Caller {
            actor: Actor::Operator { id: ada.operator().unwrap(), token: Some(TokenId(1)) },
            ..ada.clone()
        };
        for own in [&ada, &token] {
            let granted = check.service.grant_approval(own, id, None).await;
            assert!(granted.unwrap_err().to_string().contains("of their own"));
            let denied = check.service.deny_approval(own, id, "no").await;
            assert!(denied.unwrap_err().to_string().contains("of their own"));
        }
        assert_eq!(check.denied("approval.granted").await, 2);
        assert_eq!(check.denied("approval.denied").await, 2);
        assert_eq!(check.state(id).await, ApprovalState::Waiting);
        // An editor may not approve at all.
        let eve = check.person("eve@example.com").await;
        let refused = check.service.grant_approval(&eve, id, None).await.unwrap_err();
        assert!(refused.to_string().contains("exports.approve"), "{refused}");
    });
}

#[test]
fn of_two_approvers_at_once_one_decides_and_the_other_is_refused() {
    on_both_behind(PAST_MICROS, async |check| {
        check.with_one_rule().await;
        let ada = check.ada().await;
        check.service.add_operator(&ada, "cy@example.com", "administrator", None).await.unwrap();
        let (bea, cy) = (check.bea().await, check.person("cy@example.com").await);
        for _ in 0..5 {
            let id = check.waiting().await;
            let before =
                check.denied("approval.granted").await + check.denied("approval.denied").await;
            let (one, other) = tokio::join!(
                check.service.grant_approval(&bea, id, None),
                check.service.deny_approval(&cy, id, "no"),
            );
            assert_ne!(one.is_ok(), other.is_ok(), "{one:?} {other:?}");
            let after =
                check.denied("approval.granted").await + check.denied("approval.denied").await;
            assert_eq!(after, before + 1);
            let state = check.state(id).await;
            assert_eq!(state == ApprovalState::Granted, one.is_ok());
            assert_eq!(state == ApprovalState::Denied, other.is_ok());
        }
    });
}

#[test]
fn what_is_refused_fails_and_whoever_asked_reads_why() {
    on_both_behind(PAST_MICROS, async |check| {
        check.with_one_rule().await;
        let id = check.waiting().await;
        let bea = check.bea().await;
        let silent = check.service.deny_approval(&bea, id, "  ").await;
        assert!(matches!(silent, Err(ServiceError::Faults(_))), "{silent:?}");
        check.service.deny_approval(&bea, id, "too much").await.unwrap();
        let job = check.job(id).await;
        assert_eq!(job.status, Status::Failed);
        let failure = job.error.unwrap();
        assert_eq!(failure.reason, FailureReason::ApprovalRefused);
        assert!(failure.detail.contains("too much"));
        let actions = check.actions(id).await;
        assert_eq!(actions, ["export.created", "approval.denied", "job.failed"]);
    });
}

#[test]
fn what_nobody_decides_or_uses_in_time_lapses() {
    on_both_behind(PAST_MICROS, async |check| {
        let rule = json!({ "name": "o", "subject": "orders", "wait_hours": 2, "good_hours": 1 });
        check.with_rules(json!({ "rules": [rule] })).await;
        let bea = check.bea().await;
        let (upkeep, mut seen) = (check.upkeep(), None);
        let undecided = check.waiting().await;
        let unused = check.waiting().await;
        check.service.grant_approval(&bea, unused, None).await.unwrap();
        check.clock.step(HOUR - 60_000_000);
        upkeep.approve(&mut seen).await.unwrap();
        assert_eq!(check.state(unused).await, ApprovalState::Granted, "a minute is left");
        check.clock.step(2 * 60_000_000);
        assert_eq!(check.build(unused).await.status, Status::Pending, "too late to begin");
        upkeep.approve(&mut seen).await.unwrap();
        assert_eq!(check.state(unused).await, ApprovalState::Lapsed);
        assert_eq!(check.state(undecided).await, ApprovalState::Waiting);
        check.clock.step(HOUR);
        // Nobody has noted it yet, and it is too late all the same.
        let late = check.service.grant_approval(&bea, undecided, None).await.unwrap_err();
        assert!(late.to_string().contains("lapsed"), "{late}");
        assert_eq!(check.denied("approval.granted").await, 1);
        upkeep.approve(&mut seen).await.unwrap();
        for id in [undecided, unused] {
            let job = check.job(id).await;
            assert_eq!(job.status, Status::Failed);
            assert_eq!(job.error.unwrap().reason, FailureReason::ApprovalLapsed);
        }
    });
}

#[test]
fn an_approval_is_void_when_its_creator_loses_the_right() {
    on_both_behind(PAST_MICROS, async |check| {
        let rule = json!({ "name": "c", "operators": ["eve@example.com"] });
        check.with_rules(json!({ "rules": [rule] })).await;
        let (ada, eve) = (check.ada().await, check.person("eve@example.com").await);
        let role = check.service.roles(&ada).await.unwrap();
        let mut editor = role.into_iter().find(|role| role.slug == "editor").unwrap();
        editor.capabilities.insert("orders.export".to_owned());
        check.service.put_role(&ada, editor).await.unwrap();
        let request = json!({ "subject": "orders", "format": "csv" });
        let waits = check.create_by(&eve, request.clone()).await.unwrap().id;
        let granted = check.create_by(&eve, request.clone()).await.unwrap().id;
        let asked = check.create_by(&eve, request).await.unwrap().id;
        let bea = check.bea().await;
        check.service.grant_approval(&bea, granted, None).await.unwrap();
        let (upkeep, mut seen) = (check.upkeep(), None);
        upkeep.approve(&mut seen).await.unwrap();
        assert_eq!(check.state(waits).await, ApprovalState::Waiting);
        check.forbid("editor", "orders.export").await;
        // Whoever decides before upkeep has looked is refused, too.
        let refused = check.service.grant_approval(&bea, asked, None).await.unwrap_err();
        assert!(refused.to_string().contains("void"), "{refused}");
        assert_eq!(check.denied("approval.granted").await, 1);
        upkeep.approve(&mut seen).await.unwrap();
        for id in [waits, granted, asked] {
            assert_eq!(check.state(id).await, ApprovalState::Void);
            let job = check.job(id).await;
            assert_eq!(job.status, Status::Failed);
            assert_eq!(job.error.unwrap().reason, FailureReason::PermissionRevoked);
        }
        assert_eq!(check.done("approval.voided").await, 3);
    });
}

#[test]
fn an_approver_who_lost_the_right_is_refused() {
    on_both_behind(PAST_MICROS, async |check| {
        check.with_one_rule().await;
        let id = check.waiting().await;
        // Still signed in as who she was.
        let bea = check.bea().await;
        let mut roles = check.service.roles(&check.ada().await).await.unwrap();
        let mut role = roles.remove(0);
        role.slug = "looker".to_owned();
        role.capabilities.remove("exports.approve");
        check.service.put_role(&check.ada().await, role).await.unwrap();
        check.service.set_role(&check.ada().await, BEA, "looker").await.unwrap();
        let bea = Caller { role: check.bea().await.role, ..bea };
        let refused = check.service.grant_approval(&bea, id, None).await.unwrap_err();
        assert!(refused.to_string().contains("exports.approve"), "{refused}");
        assert_eq!(check.denied("approval.granted").await, 1);
        assert_eq!(check.state(id).await, ApprovalState::Waiting);
    });
}

#[test]
fn a_definition_that_has_changed_is_void_and_refused() {
    on_both_behind(PAST_MICROS, async |check| {
        check.with_one_rule().await;
        let bea = check.bea().await;
        // The database itself keeps what a job was asked for; somebody has taken that away.
        check.tamper(check.unfreeze()).await;
        for change in [
            "update jobs set notify_email = 'x@example.com' where id = {id}",
            "update jobs set fields = '[\"id\"]' where id = {id}",
            "update jobs set time_zone = 'UTD' where id = {id}",
            "update approvals set definition_hash = 'a' where job_id = {id}",
        ] {
            let id = check.waiting().await;
            check.tamper(&change.replace("{id}", &id.to_string())).await;
            let refused = check.service.grant_approval(&bea, id, None).await.unwrap_err();
            assert!(refused.to_string().contains("void"), "{refused}");
            assert_eq!(check.state(id).await, ApprovalState::Void, "{change}");
            assert_eq!(check.job(id).await.status, Status::Failed);
        }
        assert_eq!(check.denied("approval.granted").await, 4);
        // After the decision, too: what is built is what was approved.
        let id = check.waiting().await;
        check.service.grant_approval(&bea, id, None).await.unwrap();
        check.tamper(&format!("update jobs set time_zone = 'UTD' where id = {id}")).await;
        let job = check.build(id).await;
        assert_eq!(job.status, Status::Failed);
        assert!(check.actions(id).await.contains(&"job.failed".to_owned()));
        assert!(check.files().is_empty(), "nothing of it is left");
        let id = check.waiting().await;
        check.service.grant_approval(&bea, id, None).await.unwrap();
        check.tamper(&format!("update jobs set reason = 'x' where id = {id}")).await;
        let failure = check.build(id).await.error.unwrap();
        assert_eq!(failure.reason, FailureReason::ApprovalRefused);
    });
}

#[test]
fn a_mask_that_changes_makes_what_waits_void() {
    on_both_behind(PAST_MICROS, async |check| {
        let rule = json!({ "name": "u", "subject": "users" });
        check.with_rules(json!({ "rules": [rule] })).await;
        let (ada, bea) = (check.ada().await, check.bea().await);
        let roles = check.service.roles(&ada).await.unwrap();
        let mut editor = roles.into_iter().find(|role| role.slug == "editor").unwrap();
        editor.capabilities.insert("users.export".to_owned());
        check.service.put_role(&ada, editor.clone()).await.unwrap();
        let eve = check.person("eve@example.com").await;
        let request = json!({ "subject": "users", "format": "csv", "fields": ["id", "email"] });
        let id = check.create_by(&eve, request).await.unwrap().id;
        editor.masks =
            serde_json::from_value(json!([{ "class": "email", "policy": "hash" }])).unwrap();
        check.service.put_role(&ada, editor).await.unwrap();
        let refused = check.service.grant_approval(&bea, id, None).await.unwrap_err();
        assert!(refused.to_string().contains("void"), "{refused}");
        assert_eq!(check.state(id).await, ApprovalState::Void);
    });
}

#[test]
fn what_is_released_alone_is_told_and_waits_for_a_review_by_somebody_else() {
    on_both_behind(PAST_MICROS, async |check| {
        check.with_one_rule().await;
        let (ada, bea) = (check.ada().await, check.bea().await);
        let id = check.waiting().await;
        let off = check.service.break_approval(&ada, id, "it burns").await.unwrap_err();
        assert!(off.to_string().contains("lets nobody"), "{off}");
        let mut rules = check.service.approval_rules(&ada).await.unwrap().document;
        rules.break_glass = true;
        check.service.set_approval_rules(&ada, rules, None).await.unwrap();
        let other = check.service.break_approval(&bea, id, "it burns").await.unwrap_err();
        assert!(other.to_string().contains("somebody else’s"), "{other}");
        check.service.break_approval(&ada, id, "it burns").await.unwrap();
        assert_eq!(check.build(id).await.status, Status::Ready);
        let to_review = async || {
            let [found] = check.service.approvals(&bea, [ApprovalsOf::ToReview]).await.unwrap();
            found.len()
        };
        assert_eq!(to_review().await, 1);
        let own = check.service.review_approval(&ada, id, "fine").await.unwrap_err();
        assert!(own.to_string().contains("of their own"), "{own}");
        assert_eq!(to_review().await, 1, "nobody reviews their own");
        check.service.review_approval(&bea, id, "I have looked").await.unwrap();
        assert_eq!(to_review().await, 0);
        let twice = check.service.review_approval(&bea, id, "again").await.unwrap_err();
        assert!(twice.to_string().contains("not waiting"), "{twice}");
        assert_eq!(check.denied("approval.broken").await, 2);
        assert_eq!(check.denied("approval.reviewed").await, 2);
        assert_eq!(check.topics().await, ["approval.requested", "approval.broken"]);
    });
}

#[test]
fn rows_over_a_number_wait_and_exactly_as_many_do_not() {
    on_both_behind(PAST_MICROS, async |check| {
        let rule = json!({ "name": "many", "subject": "orders", "rows_over": 3 });
        check.with_rules(json!({ "rules": [rule] })).await;
        let few =
            |ids: &[i64]| json!({ "subject": "orders", "format": "csv", "scope": { "ids": ids } });
        let three = check.create(few(&[1, 2, 3])).await;
        assert_eq!(check.build(three).await.status, Status::Ready, "exactly as many");
        let four = check.create(few(&[1, 2, 3, 4])).await;
        assert_eq!(check.job(four).await.hold.as_deref(), Some("approval"), "one more");
    });
}

#[test]
fn it_is_said_before_it_is_asked_for_what_an_export_will_meet() {
    on_both_behind(PAST_MICROS, async |check| {
        let rule = json!({ "name": "many", "subject": "orders", "rows_over": 3 });
        check.with_rules(json!({ "rules": [rule] })).await;
        let ada = check.ada().await;
        let budgets = json!({ "budgets": [{ "name": "day", "rows": 5 }] });
        let budgets: Budgets = serde_json::from_value(budgets).unwrap();
        check.service.set_budgets(&ada, budgets, None).await.unwrap();
        let forecast =
            async |rows| check.service.forecast(&ada, ("orders", false), rows).await.unwrap();
        let three = forecast(Some(3)).await;
        assert_eq!(three.waits_by, None);
        assert_eq!((three.budgets[0].left, three.budgets[0].is_over), (5, false));
        let six = forecast(Some(6)).await;
        assert_eq!(six.waits_by.as_deref(), Some("many"));
        assert!(six.budgets[0].is_over);
    });
}

#[test]
fn whoever_decides_sees_what_differs_and_what_was_taken() {
    on_both_behind(PAST_MICROS, async |check| {
        check.with_rules(json!({})).await;
        let first = check.create(json!({
            "subject": "orders", "format": "csv", "fields": ["id"], "scope": { "ids": [1] },
        }));
        let first = first.await;
        assert_eq!(check.build(first).await.status, Status::Ready);
        let rule: ApprovalRules =
            serde_json::from_value(json!({ "rules": [{ "name": "all" }] })).unwrap();
        check.service.set_approval_rules(&check.ada().await, rule, None).await.unwrap();
        let id = check.create(json!({
            "subject": "orders", "format": "csv", "fields": ["id", "total"],
        }));
        let id = id.await;
        let story = check.service.approval(&check.bea().await, id).await.unwrap();
        assert_eq!(story.last.map(|job| job.id), Some(first));
        let what: Vec<&str> = story.differences.iter().map(|one| one.what).collect();
        assert_eq!(what, ["fields", "ids"]);
        assert_eq!(story.differences[0].is, json!(["total"]));
        assert_eq!((story.recent.exports, story.recent.rows), (1, 1));
        assert!(!story.is_own);
        let preview = check.service.preview_approval(&check.bea().await, id).await.unwrap();
        assert!(preview.text.starts_with("id,total"), "{}", preview.text);
    });
}
