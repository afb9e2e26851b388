//! What becomes of an export that waits for a second person, however that ends.

use tidegate_model::{action::Action, ids::JobId};
use tidegate_store::{ApprovalChange, Change};

use super::Story;
use crate::check::{add_operator, failure, new_job};

/// Rules, decisions of every kind, and budgets.
pub(super) async fn approvals(story: &Story<'_>) {
    let check = story.check;
    let second = add_operator(&check.store, "bea@example.com", "administrator").await;
    let rules = |text: &str| ApprovalChange::Rules(serde_json::from_str(text).unwrap(), None);
    let rules_of = async |words: &str, text: &str| {
        story.manage(words, Action::ApprovalRulesChange, Change::Approval(rules(text))).await;
    };
    rules_of("let every export wait", r#"{ "rules": [{ "name": "all" }], "break_glass": true }"#)
        .await;
    let waiting = async |words: &str| {
        let made = check.create_with(&check.admin, new_job(&check.admin));
        story.tell(words, made).await.job.unwrap()
    };
    let decide = async |words: &str, action: Action, job: JobId, change: ApprovalChange| {
        let by = if action == Action::ApprovalBreak { &check.admin } else { &second };
        story.tell(words, check.act(by, action, job, Change::Approval(change))).await;
    };
    let note = || "seen".to_owned();
    let granted = waiting("create an export that waits").await;
    let change = ApprovalChange::Grant { note: None };
    decide("grant it", Action::ApprovalGrant, granted, change).await;
    let denied = waiting("create another one").await;
    decide("refuse it", Action::ApprovalDeny, denied, ApprovalChange::Deny { note: note() }).await;
    let broken = waiting("create one more").await;
    let change = ApprovalChange::Break { reason: note() };
    decide("release it alone", Action::ApprovalBreak, broken, change).await;
    let change = ApprovalChange::Review { note: note() };
    decide("review that", Action::ApprovalReview, broken, change).await;
    for (words, action) in [("lapse", Action::ApprovalLapse), ("void", Action::ApprovalVoid)] {
        let job = waiting("create one that ends").await;
        let end = format!("update approvals set expires_at = 0 where job_id = {job}");
        check.site.execute(&end).unwrap();
        let change = match action {
            Action::ApprovalLapse => ApprovalChange::Lapse,
            _ => ApprovalChange::Void { failure: failure() },
        };
        story.upkeep(words, action, job, Change::Approval(change)).await;
    }
    rules_of("let none wait", "{}").await;
    let budgets = ApprovalChange::Budgets(serde_json::from_str("{}").unwrap(), None);
    story.manage("set budgets", Action::BudgetChange, Change::Approval(budgets)).await;
}
