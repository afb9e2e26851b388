//! Decides about an export that waits: somebody else's, or with a reason one's own.

use tidegate_model::{
    action::Action,
    actor::Caller,
    approval::{Approval, ApprovalState, NOTE_CHARACTERS_MAX},
    fault::{Fault, Faults},
    ids::JobId,
    job::{Failure, FailureReason, Job},
    policy::{Permit, Reason},
};
use tidegate_store::{ApprovalChange, Change, StoreError};

use crate::{error::ServiceError, exports::target_of, service::Service};

/// Times that a decision is made again because the policy changed meanwhile.
const POLICY_CHANGES_MAX: u32 = 10;

impl Service {
    /// Lets an export of somebody else go on that waits.
    ///
    /// # Errors
    ///
    /// If the caller may not, it is the caller's own, it does not wait any more, or it is not what
    /// was asked for.
    pub async fn grant_approval(
        &self,
        caller: &Caller,
        id: JobId,
        note: Option<&str>,
    ) -> Result<(), ServiceError> {
        let note = note.map(str::trim).filter(|note| !note.is_empty());
        let note = note.map(|note| said("/note", note)).transpose()?;
        self.decide(caller, id, ApprovalChange::Grant { note }).await
    }

    /// Refuses an export of somebody else that waits.
    ///
    /// # Errors
    ///
    /// If the caller may not, it is the caller's own, it does not wait any more, or no word is said
    /// of it.
    pub async fn deny_approval(
        &self,
        caller: &Caller,
        id: JobId,
        note: &str,
    ) -> Result<(), ServiceError> {
        let note = said("/note", note)?;
        self.decide(caller, id, ApprovalChange::Deny { note }).await
    }

    /// Lets an export of one's own go on that waits. Security is told, and somebody else has to
    /// review it.
    ///
    /// # Errors
    ///
    /// If the site does not have it so, the caller may not approve, it is not the caller's own, or
    /// no reason is given.
    pub async fn break_approval(
        &self,
        caller: &Caller,
        id: JobId,
        reason: &str,
    ) -> Result<(), ServiceError> {
        let reason = said("/reason", reason)?;
        self.decide(caller, id, ApprovalChange::Break { reason }).await
    }

    /// Reviews what somebody else has let go on without a second person.
    ///
    /// # Errors
    ///
    /// If the caller may not, it is the caller's own, there is nothing to review, or no word is
    /// said of it.
    pub async fn review_approval(
        &self,
        caller: &Caller,
        id: JobId,
        note: &str,
    ) -> Result<(), ServiceError> {
        let note = said("/note", note)?;
        self.decide(caller, id, ApprovalChange::Review { note }).await
    }

    async fn decide(
        &self,
        caller: &Caller,
        id: JobId,
        change: ApprovalChange,
    ) -> Result<(), ServiceError> {
        let action = action_of(&change);
        for _ in 0..POLICY_CHANGES_MAX {
            let (approval, job, permit) = self.may_decide(caller, id, action).await?;
            if let Some(failure) = self.failure_of(&approval, &job, action).await? {
                self.void(&job, failure).await?;
                return self.turn_down(permit, Reason::ApprovalVoid).await;
            }
            match self.store.commit(permit, Change::Approval(change.clone())).await {
                Ok(_) => {
                    tracing::info!(job.id = %id, action = action.slug(), "approval decided");
                    return Ok(());
                }
                Err(StoreError::PolicyChanged) => {}
                // Somebody was faster, or its time has come.
                Err(StoreError::Overtaken { .. }) => {
                    let (approval, _, permit) = self.may_decide(caller, id, action).await?;
                    let reason = over(approval.state, action);
                    return self.turn_down(permit, reason).await;
                }
                Err(StoreError::ApprovalVoid) => {
                    let (_, job, permit) = self.may_decide(caller, id, action).await?;
                    let detail = "what was asked for changed while it waited: ask again".to_owned();
                    let reason = FailureReason::ApprovalRefused;
                    self.void(&job, Failure { reason, detail }).await?;
                    return self.turn_down(permit, Reason::ApprovalVoid).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::PolicyChanged.into())
    }

    /// The approval, with its job, and the permit to decide about it.
    async fn may_decide(
        &self,
        caller: &Caller,
        id: JobId,
        action: Action,
    ) -> Result<(Approval, Job, Permit), ServiceError> {
        let approval = self.store.approval(id).await?.ok_or(ServiceError::NotFound)?;
        let job = self.store.job(id).await?.ok_or(ServiceError::NotFound)?;
        let permit = self.permit(caller, action, target_of(&job)).await?;
        let is_maker = self.is_maker(caller, &job).await?;
        let is_waiting = approval.state == ApprovalState::Waiting;
        let reason = match action {
            Action::ApprovalGrant | Action::ApprovalDeny | Action::ApprovalReview if is_maker => {
                Some(Reason::Own)
            }
            Action::ApprovalReview if approval.wants_review() => None,
            Action::ApprovalBreak if !self.store.approval_rules().await?.break_glass => {
                Some(Reason::NoBreakGlass)
            }
            Action::ApprovalReview => Some(over(approval.state, action)),
            _ if !is_waiting => Some(over(approval.state, action)),
            _ => None,
        };
        match reason {
            None => Ok((approval, job, permit)),
            Some(reason) => {
                self.turn_down(permit, reason).await?;
                Err(ServiceError::NotFound)
            }
        }
    }

    /// Whether the caller has had a hand in it: has asked for it, has said what its schedule asks
    /// for, has that schedule or has given it away, or has started it.
    pub(super) async fn is_maker(&self, caller: &Caller, job: &Job) -> Result<bool, ServiceError> {
        match caller.operator() {
            Some(operator) if operator == job.created_by => Ok(true),
            Some(operator) => Ok(self.store.is_maker(job.id, operator).await?),
            None => Ok(false),
        }
    }

    /// Why what waits cannot be let go on any more.
    async fn failure_of(
        &self,
        approval: &Approval,
        job: &Job,
        action: Action,
    ) -> Result<Option<Failure>, ServiceError> {
        let lets_go = matches!(action, Action::ApprovalGrant | Action::ApprovalBreak);
        if !lets_go || approval.state != ApprovalState::Waiting {
            return Ok(None);
        }
        let policy = self.store.policy().await?;
        self.void_reason(&policy, job).await
    }

    /// Refuses what the policy allows. It leaves its entry.
    pub(crate) async fn turn_down<T>(
        &self,
        permit: Permit,
        reason: Reason,
    ) -> Result<T, ServiceError> {
        Err(self.refused(permit.turned_down(reason)).await?)
    }
}

fn action_of(change: &ApprovalChange) -> Action {
    match change {
        ApprovalChange::Grant { .. } => Action::ApprovalGrant,
        ApprovalChange::Deny { .. } => Action::ApprovalDeny,
        ApprovalChange::Break { .. } => Action::ApprovalBreak,
        ApprovalChange::Review { .. } => Action::ApprovalReview,
        ApprovalChange::Lapse => Action::ApprovalLapse,
        ApprovalChange::Void { .. } => Action::ApprovalVoid,
        ApprovalChange::Rules(..) => Action::ApprovalRulesChange,
        ApprovalChange::Budgets(..) => Action::BudgetChange,
    }
}

fn over(state: ApprovalState, action: Action) -> Reason {
    let state = match (action, state) {
        (Action::ApprovalReview, ApprovalState::Waiting) => {
            "undecided, so there is nothing to review"
        }
        (Action::ApprovalReview, _) => "nothing that is to be reviewed",
        // It is waiting, and its time has come: nobody has noted it yet.
        (_, ApprovalState::Waiting) => ApprovalState::Lapsed.words(),
        (_, state) => state.words(),
    };
    Reason::ApprovalOver { state: state.to_owned() }
}

/// What is said of a decision: something, and not too much.
fn said(pointer: &str, words: &str) -> Result<String, Faults> {
    let words = words.trim();
    let fault = |detail: String| Err(Faults(vec![Fault::new(pointer, detail)]));
    match words.chars().count() {
        0 => fault("say why: it stands in the activity log".to_owned()),
        1..=NOTE_CHARACTERS_MAX if !words.contains('\0') => Ok(words.to_owned()),
        1..=NOTE_CHARACTERS_MAX => fault("it holds a NUL character".to_owned()),
        _ => fault(format!("at most {NOTE_CHARACTERS_MAX} characters")),
    }
}
