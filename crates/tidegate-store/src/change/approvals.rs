//! Decides about jobs that wait for a second person. Each decision compares and sets, so that of
//! two at once one counts.

use serde_json::json;
use tidegate_model::{
    action::Action,
    approval::{ApprovalRules, ApprovalState, definition_hash},
    budget::Budgets,
    ids::JobId,
    job::{Failure, FailureReason, Job},
    notice::Topic,
    policy::Permit,
    status::Status,
};

use super::{
    Applied, end,
    end::{FailJob, refuse_other_policy},
    governance::{job, person, put_budgets, put_rules},
    outbox::tell,
    schedules::refuse_maker,
    target_job,
};
use crate::{
    error::StoreError,
    sql::{Tx, get},
};

/// A change of approvals, or of what they follow from.
#[derive(Clone, Debug)]
pub enum ApprovalChange {
    /// Lets the job go on.
    Grant {
        /// What is said of it.
        note: Option<String>,
    },
    /// Refuses it.
    Deny {
        /// Why.
        note: String,
    },
    /// Lets one's own job go on, to be reviewed later.
    Break {
        /// Why.
        reason: String,
    },
    /// Reviews what somebody has let go on so.
    Review {
        /// What is said of it.
        note: String,
    },
    /// Ends what nobody has decided, or used, in time.
    Lapse,
    /// Ends what is not what it was.
    Void {
        /// Why.
        failure: Failure,
    },
    /// Sets the rules; where a version is given, only those of that version.
    Rules(ApprovalRules, Option<i64>),
    /// Sets the budgets, likewise.
    Budgets(Budgets, Option<i64>),
}

impl ApprovalChange {
    pub(super) fn actions(&self) -> &'static [Action] {
        match self {
            Self::Grant { .. } => &[Action::ApprovalGrant],
            Self::Deny { .. } => &[Action::ApprovalDeny],
            Self::Break { .. } => &[Action::ApprovalBreak],
            Self::Review { .. } => &[Action::ApprovalReview],
            Self::Lapse => &[Action::ApprovalLapse],
            Self::Void { .. } => &[Action::ApprovalVoid],
            Self::Rules(..) => &[Action::ApprovalRulesChange],
            Self::Budgets(..) => &[Action::BudgetChange],
        }
    }
}

pub(super) async fn change_approval(
    tx: &Tx,
    permit: &Permit,
    change: ApprovalChange,
) -> Result<Applied, StoreError> {
    match change {
        ApprovalChange::Grant { note } => grant(tx, permit, note).await,
        ApprovalChange::Deny { note } => deny(tx, permit, note).await,
        ApprovalChange::Break { reason } => break_glass(tx, permit, reason).await,
        ApprovalChange::Review { note } => review(tx, permit, note).await,
        ApprovalChange::Lapse => lapse(tx, permit).await,
        ApprovalChange::Void { failure } => void(tx, permit, failure).await,
        ApprovalChange::Rules(rules, seen) => put_rules(tx, permit, (rules, seen)).await,
        ApprovalChange::Budgets(budgets, seen) => put_budgets(tx, permit, (budgets, seen)).await,
    }
}

/// What a decision is about: the job as it stands, whose hash is that of what was asked for.
struct Asked {
    job: Job,
    rule: String,
    hash: String,
}

/// The job that a decision is about, if nothing of it has changed since it was asked for.
async fn asked(tx: &Tx, permit: &Permit) -> Result<Asked, StoreError> {
    const ASKED: &str = "select rule, definition_hash from approvals where job_id = $1";
    // Whoever decides, and what the creator is shown, was asked under a policy.
    refuse_other_policy(tx, permit.policy_version()).await?;
    let id = target_job(permit)?;
    let row = tx.row(ASKED, [id.0.into()]).await?;
    let row = row.ok_or(StoreError::Missing { what: "approval" })?;
    let job = job(tx, id).await?;
    let (_, role) = person(tx, job.created_by).await?;
    let hash: String = get(&row, "definition_hash")?;
    match definition_hash(&job, &role) == hash {
        true => Ok(Asked { job, rule: get(&row, "rule")?, hash }),
        false => Err(StoreError::ApprovalVoid),
    }
}

/// Decides, if nobody has.
async fn decide(
    tx: &Tx,
    permit: &Permit,
    state: ApprovalState,
    note: Option<&str>,
) -> Result<(), StoreError> {
    const DECIDE: &str = "\
        update approvals set state = $2, decided_by = $3, decided_at = $4, note = $5, \
            is_broken = $6, \
            expires_at = case when $2 = 'denied' then expires_at else $4 + good_micros end \
        where job_id = $1 and state = 'waiting' and expires_at > $4";
    let decided_by = permit.caller().operator().ok_or(StoreError::Missing { what: "operator" })?;
    let values = [
        target_job(permit)?.0.into(),
        state.slug().into(),
        decided_by.0.into(),
        tx.now.into(),
        note.map(str::to_owned).into(),
        i64::from(state == ApprovalState::BrokenGlass).into(),
    ];
    match tx.execute(DECIDE, values).await? {
        0 => Err(StoreError::Overtaken { what: "approval" }),
        _ => Ok(()),
    }
}

/// From now on it can be claimed.
async fn release(tx: &Tx, job: JobId) -> Result<(), StoreError> {
    const RELEASE: &str = "\
        update jobs set hold = null where id = $1 and status = 'pending' and hold is not null";
    match tx.execute(RELEASE, [job.0.into()]).await? {
        0 => Err(StoreError::Overtaken { what: "approval" }),
        _ => Ok(()),
    }
}

async fn grant(tx: &Tx, permit: &Permit, note: Option<String>) -> Result<Applied, StoreError> {
    let Asked { job, rule, hash } = asked(tx, permit).await?;
    refuse_maker(tx, permit, job.id).await?;
    decide(tx, permit, ApprovalState::Granted, note.as_deref()).await?;
    release(tx, job.id).await?;
    let payload = said(permit, &job, &rule, note.as_deref());
    tell(tx, Topic::ApprovalGranted, Some(job.id), payload).await?;
    let details = json!({ "rule": rule, "definition": hash, "note": note });
    Ok(Applied::one(permit.action(), Some(job.id), details))
}

async fn deny(tx: &Tx, permit: &Permit, note: String) -> Result<Applied, StoreError> {
    let id = target_job(permit)?;
    let job = job(tx, id).await?;
    refuse_other_policy(tx, permit.policy_version()).await?;
    refuse_maker(tx, permit, id).await?;
    decide(tx, permit, ApprovalState::Denied, Some(&note)).await?;
    let payload = said(permit, &job, "", Some(&note));
    tell(tx, Topic::ApprovalDenied, Some(id), payload).await?;
    let detail = format!("a second person has refused it: {note}");
    let failure = Failure { reason: FailureReason::ApprovalRefused, detail };
    let failed = end::fail(tx, id, FailJob { proof: None, failure }).await?;
    let mut applied = Applied::one(permit.action(), Some(id), json!({ "note": note }));
    applied.lines.extend(failed.lines);
    Ok(applied)
}

async fn break_glass(tx: &Tx, permit: &Permit, reason: String) -> Result<Applied, StoreError> {
    let Asked { job, rule, hash } = asked(tx, permit).await?;
    decide(tx, permit, ApprovalState::BrokenGlass, Some(&reason)).await?;
    release(tx, job.id).await?;
    let payload = said(permit, &job, &rule, Some(&reason));
    tell(tx, Topic::ApprovalBroken, Some(job.id), payload).await?;
    let details = json!({ "rule": rule, "definition": hash, "reason": reason });
    Ok(Applied::one(permit.action(), Some(job.id), details))
}

async fn review(tx: &Tx, permit: &Permit, note: String) -> Result<Applied, StoreError> {
    // Whoever has released it is no second person, whoever has made it.
    const REVIEW: &str = "\
        update approvals set reviewed_by = $2, reviewed_at = $3, review_note = $4 \
        where job_id = $1 and is_broken = 1 and reviewed_by is null and decided_by <> $2";
    let id = target_job(permit)?;
    refuse_maker(tx, permit, id).await?;
    let reviewer = permit.caller().operator().ok_or(StoreError::Missing { what: "operator" })?;
    let values = [id.0.into(), reviewer.0.into(), tx.now.into(), note.clone().into()];
    if tx.execute(REVIEW, values).await? == 0 {
        return Err(StoreError::Overtaken { what: "approval" });
    }
    Ok(Applied::one(permit.action(), Some(id), json!({ "note": note })))
}

fn said(permit: &Permit, job: &Job, rule: &str, note: Option<&str>) -> serde_json::Value {
    json!({
        "subject": job.subject,
        "rule": rule,
        "by": permit.caller().name,
        "note": note,
        "created_by": job.created_by,
    })
}

async fn lapse(tx: &Tx, permit: &Permit) -> Result<Applied, StoreError> {
    const LAPSE: &str = "\
        update approvals set state = 'lapsed' \
        where job_id = $1 and state in ('waiting', 'granted', 'broken_glass') \
            and expires_at <= $2";
    let id = target_job(permit)?;
    if tx.execute(LAPSE, [id.0.into(), tx.now.into()]).await? == 0 {
        return Err(StoreError::Overtaken { what: "approval" });
    }
    let payload = json!({ "subject": permit.target().subject });
    tell(tx, Topic::ApprovalLapsed, Some(id), payload).await?;
    let detail = "nobody has approved it in time, or it was not built in time after that";
    let failure = Failure { reason: FailureReason::ApprovalLapsed, detail: detail.to_owned() };
    ended(tx, permit, id, failure).await
}

async fn void(tx: &Tx, permit: &Permit, failure: Failure) -> Result<Applied, StoreError> {
    const VOID: &str = "\
        update approvals set state = 'void' \
        where job_id = $1 and state in ('waiting', 'granted', 'broken_glass')";
    let id = target_job(permit)?;
    if tx.execute(VOID, [id.0.into()]).await? == 0 {
        return Err(StoreError::Overtaken { what: "approval" });
    }
    ended(tx, permit, id, failure).await
}

/// The job ends, too.
async fn ended(
    tx: &Tx,
    permit: &Permit,
    id: JobId,
    failure: Failure,
) -> Result<Applied, StoreError> {
    let details = json!({ "reason": failure.reason, "detail": failure.detail });
    let failed = end::fail(tx, id, FailJob { proof: None, failure }).await?;
    let mut applied = Applied::one(permit.action(), Some(id), details);
    applied.lines.extend(failed.lines);
    Ok(applied)
}

/// The work on a job begins: an approval of it is used up.
pub(super) async fn use_up(tx: &Tx, job: JobId) -> Result<(), StoreError> {
    const USE: &str = "\
        update approvals set state = 'used' \
        where job_id = $1 and state in ('granted', 'broken_glass')";
    tx.execute(USE, [job.0.into()]).await?;
    Ok(())
}

/// A job ends without a file: an approval of it is good for nothing any more.
pub(super) async fn end_with_job(tx: &Tx, job: JobId, to: Status) -> Result<(), StoreError> {
    const END: &str = "\
        update approvals set state = 'void' \
        where job_id = $1 and state in ('waiting', 'granted', 'broken_glass')";
    match to {
        Status::Failed | Status::Cancelled => tx.execute(END, [job.0.into()]).await.map(drop)?,
        Status::Pending | Status::Building | Status::Ready | Status::Expired | Status::Deleted => {}
    }
    Ok(())
}
