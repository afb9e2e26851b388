//! What a site asks of its exports beside the right to make them: a second person, and room in its
//! budgets. Asked where a job is made and where its file is published, in that transaction.

use serde_json::json;
use tidegate_model::{
    approval::{ApprovalRules, Asked, HOLD, definition_hash},
    budget::{Amounts, Budgets, Spender, Wanted},
    ids::{JobId, OperatorId},
    job::{Job, NewJob},
    notice::Topic,
    policy::Permit,
};

use super::{Applied, outbox::tell};
use crate::{
    error::StoreError,
    query::{governance, jobs::job_of},
    sql::{Tx, get, json as text},
};

/// Sets the rules, if they are of the version that was seen.
pub(super) async fn put_rules(
    tx: &Tx,
    permit: &Permit,
    (rules, seen): (ApprovalRules, Option<i64>),
) -> Result<Applied, StoreError> {
    const PUT: &str = "\
        update governance set approval = $1, approval_version = approval_version + 1 where id = 1";
    let was = governance::rules_of(tx.row(governance::GOVERNANCE, []).await?)?;
    refuse_other_version("list of rules", was.version, seen)?;
    tx.execute(PUT, [text(&rules).into()]).await?;
    let payload = json!({ "what": "rules", "by": permit.caller().name });
    tell(tx, Topic::GovernanceChanged, None, payload).await?;
    let details = json!({ "was": was.document, "rules": rules });
    Ok(Applied::one(permit.action(), None, details))
}

/// Sets the budgets, if they are of the version that was seen.
pub(super) async fn put_budgets(
    tx: &Tx,
    permit: &Permit,
    (budgets, seen): (Budgets, Option<i64>),
) -> Result<Applied, StoreError> {
    const PUT: &str = "\
        update governance set budgets = $1, budgets_version = budgets_version + 1 where id = 1";
    let was = governance::budgets_of(tx.row(governance::GOVERNANCE, []).await?)?;
    refuse_other_version("list of budgets", was.version, seen)?;
    tx.execute(PUT, [text(&budgets).into()]).await?;
    let payload = json!({ "what": "budgets", "by": permit.caller().name });
    tell(tx, Topic::GovernanceChanged, None, payload).await?;
    let details = json!({ "was": was.document, "budgets": budgets });
    Ok(Applied::one(permit.action(), None, details))
}

/// The transaction holds the lock of all writers: what is compared here stays so until it is set.
fn refuse_other_version(
    what: &'static str,
    version: i64,
    seen: Option<i64>,
) -> Result<(), StoreError> {
    match seen.is_none_or(|seen| seen == version) {
        true => Ok(()),
        false => Err(StoreError::Overtaken { what }),
    }
}

async fn rules_now(tx: &Tx) -> Result<ApprovalRules, StoreError> {
    Ok(governance::rules_of(tx.row(governance::GOVERNANCE, []).await?)?.document)
}

async fn budgets_now(tx: &Tx) -> Result<Budgets, StoreError> {
    Ok(governance::budgets_of(tx.row(governance::GOVERNANCE, []).await?)?.document)
}

/// Mail address and role of an operator.
pub(super) async fn person(tx: &Tx, id: OperatorId) -> Result<(String, String), StoreError> {
    const PERSON: &str = "select email, role from operators where id = $1";
    let row = tx.row(PERSON, [id.0.into()]).await?;
    let row = row.ok_or(StoreError::Missing { what: "operator" })?;
    Ok((get(&row, "email")?, get(&row, "role")?))
}

/// Refuses a job for which a budget has no room.
pub(super) async fn refuse_over_budget(tx: &Tx, job: &NewJob) -> Result<(), StoreError> {
    let budgets = budgets_now(tx).await?;
    if budgets.budgets.is_empty() {
        return Ok(());
    }
    let (email, role) = person(tx, job.created_by).await?;
    let spender = Spender { subject: &job.subject, operator: &email, role: &role };
    let rows = job.rows_estimated.and_then(|rows| u64::try_from(rows).ok());
    let day = budgets.day_of(tx.now);
    for budget in budgets.of(&spender) {
        let use_of = governance::UseOf {
            budget,
            operator: job.created_by,
            day: day.clone(),
            // What is on its way has its place.
            with_open: true,
        };
        let used = used(tx, &use_of).await?;
        let wanted = Wanted { rows, bytes: None };
        budget.admit(&used, &wanted, budgets.seconds_left(tx.now)).map_err(over)?;
    }
    Ok(())
}

fn over(over: tidegate_model::budget::OverBudget) -> StoreError {
    StoreError::OverBudget(Box::new(over))
}

async fn used(tx: &Tx, use_of: &governance::UseOf<'_>) -> Result<Amounts, StoreError> {
    let (sql, values) = governance::use_of(use_of);
    let row = tx.row(&sql, values).await?.ok_or(StoreError::Corrupt { what: "sum" })?;
    governance::amounts_of(&row)
}

/// Refuses a file for which a budget of the day of its job has no room, or that has more rows than
/// may leave without a second person.
pub(super) async fn refuse_ungoverned(
    tx: &Tx,
    id: JobId,
    (rows, bytes): (i64, i64),
) -> Result<(), StoreError> {
    const APPROVED: &str = "select state from approvals where job_id = $1";
    let job = job(tx, id).await?;
    let (email, role) = person(tx, job.created_by).await?;
    let number = |amount: i64| u64::try_from(amount).ok();
    match tx.row(APPROVED, [id.0.into()]).await? {
        Some(row) if get::<String>(&row, "state")? == "used" => {}
        Some(_) => return Err(StoreError::Unapproved { rule: None }),
        None => {
            let asked = Asked {
                subject: &job.subject,
                has_pii: job.has_pii,
                rows: number(rows),
                operator: &email,
                role: &role,
                at: job.created_at,
            };
            if let Some(rule) = rules_now(tx).await?.slipped(&asked) {
                return Err(StoreError::Unapproved { rule: Some(rule.name.clone()) });
            }
        }
    }
    let budgets = budgets_now(tx).await?;
    let spender = Spender { subject: &job.subject, operator: &email, role: &role };
    let day = budgets.day_of(job.created_at);
    for budget in budgets.of(&spender) {
        let use_of = governance::UseOf {
            budget,
            operator: job.created_by,
            day: day.clone(),
            with_open: false,
        };
        let used = used(tx, &use_of).await?;
        let wanted = Wanted { rows: number(rows), bytes: number(bytes) };
        budget.admit(&used, &wanted, budgets.seconds_left(tx.now)).map_err(over)?;
    }
    Ok(())
}

/// A job, as it stands now.
pub(super) async fn job(tx: &Tx, id: JobId) -> Result<Job, StoreError> {
    let row = tx.row("select * from jobs where id = $1", [id.0.into()]).await?;
    job_of(&row.ok_or(StoreError::Missing { what: "job" })?)
}

/// Lets a job that was just made wait, where a rule says so. Gives the name of the rule.
pub(super) async fn ask_approval(
    tx: &Tx,
    permit: &Permit,
    id: JobId,
) -> Result<Option<String>, StoreError> {
    const HELD: &str = "update jobs set hold = $2 where id = $1";
    const ASK: &str = "\
        insert into approvals (job_id, rule, definition_hash, requested_at, good_micros, \
            expires_at, state) \
        values ($1, $2, $3, $4, $5, $6, 'waiting')";
    let rules = rules_now(tx).await?;
    if rules.rules.is_empty() {
        return Ok(None);
    }
    let job = job(tx, id).await?;
    let (email, role) = person(tx, job.created_by).await?;
    let asked = Asked {
        subject: &job.subject,
        has_pii: job.has_pii,
        rows: job.rows_estimated.and_then(|rows| u64::try_from(rows).ok()),
        operator: &email,
        role: &role,
        at: tx.now,
    };
    let Some(rule) = rules.of(&asked) else { return Ok(None) };
    tx.execute(HELD, [id.0.into(), HOLD.into()]).await?;
    let values = [
        id.0.into(),
        rule.name.clone().into(),
        definition_hash(&job, &role).into(),
        tx.now.into(),
        rule.good_micros().into(),
        tx.now.saturating_add(rule.wait_micros()).into(),
    ];
    tx.execute(ASK, values).await?;
    let payload = json!({
        "subject": job.subject,
        "rule": rule.name,
        "operator": job.created_by,
        "name": permit.caller().name,
    });
    tell(tx, Topic::ApprovalRequested, Some(id), payload).await?;
    Ok(Some(rule.name.clone()))
}
