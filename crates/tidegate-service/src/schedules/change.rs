//! Changes a schedule: when it fires, what it asks for, whose it is, and whether it fires.

use serde_json::Value;
use tidegate_model::{
    action::{Action, Target},
    actor::{Caller, Via},
    fault::{Fault, Faults},
    ids::{OperatorId, ScheduleId},
    policy::explain,
    request::ExportRequest,
    schedule::Schedule,
    sight::Sight,
};
use tidegate_store::{Change, ScheduleChange, ScheduleEdit};

use super::{create::frozen, target_of};
use crate::{error::ServiceError, gate::caller_of, service::Service};

/// What is to become of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduleCall {
    /// It is to pause, for a reason that may be given.
    Pause(Option<String>),
    /// It is to fire again.
    Resume,
    /// It is to be this operator's.
    Reassign(OperatorId),
    /// It is to be deleted.
    Delete,
}

/// What is to be another in a schedule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScheduleWish {
    /// When it fires, as a request says it.
    pub timing: Option<Value>,
    /// What each run asks for.
    pub request: Option<ExportRequest>,
    /// The version that was seen, where somebody has seen one.
    pub version: Option<i64>,
}

impl Service {
    /// Changes when a schedule fires, or what it asks for.
    ///
    /// # Errors
    ///
    /// If the caller may not, it has changed meanwhile, or something is wrong: all faults at once.
    pub async fn change_schedule(
        &self,
        caller: &Caller,
        id: ScheduleId,
        wish: ScheduleWish,
    ) -> Result<Schedule, ServiceError> {
        let schedule = self.found_schedule(id).await?;
        let action = Action::ScheduleChange;
        self.permit(caller, action, target_of(&schedule)).await?;
        let time_zone = schedule.request.time_zone.clone();
        let timing = match &wish.timing {
            Some(sent) => Some(self.checked_timing(sent, time_zone.as_deref()).await?),
            None => None,
        };
        let (mut request, mut scope_summary) = (None, Value::Null);
        let mut target = target_of(&schedule);
        if let Some(sent) = wish.request {
            refuse_other_subject(&schedule, &sent)?;
            let sent = ExportRequest { schedule: schedule.timing.document(), ..sent };
            // Whoever edits it asks for nothing beyond what they see; what each run holds, its
            // owner’s sight decides.
            let policy = self.store.policy().await?;
            let prepared = self.prepare_with_reason(&sent, &Sight::of(&policy, caller)).await?;
            let has_pii = prepared.request.has_pii();
            target.has_pii |= has_pii;
            scope_summary = self.summary_of(&sent, &prepared);
            request = Some((frozen(&sent, &prepared), has_pii));
        }
        let permit = self.permit(caller, action, target).await?;
        let version = wish.version.unwrap_or(schedule.version);
        let edit = ScheduleEdit { version, timing, request, scope_summary };
        let change = Change::Schedule(ScheduleChange::Edit(Box::new(edit)));
        self.store.commit(permit, change).await?;
        self.schedule(caller, id).await
    }

    /// Pauses a schedule, lets it fire again, gives it away or deletes it.
    ///
    /// # Errors
    ///
    /// If the caller may not, the state does not admit it, or whose it is to be may not export it.
    pub async fn call_schedule(
        &self,
        caller: &Caller,
        id: ScheduleId,
        call: ScheduleCall,
    ) -> Result<(), ServiceError> {
        let schedule = self.found_schedule(id).await?;
        let (action, change) = match call {
            ScheduleCall::Pause(reason) => {
                (Action::SchedulePause, ScheduleChange::Pause { reason: checked_reason(reason)? })
            }
            ScheduleCall::Resume => (Action::ScheduleResume, ScheduleChange::Resume),
            ScheduleCall::Reassign(owner) => {
                (Action::ScheduleReassign, ScheduleChange::Reassign { owner })
            }
            ScheduleCall::Delete => (Action::ScheduleDelete, ScheduleChange::Delete),
        };
        let permit = self.permit(caller, action, target_of(&schedule)).await?;
        match &change {
            ScheduleChange::Resume => drop(self.refuse_lost_right(&schedule).await?),
            ScheduleChange::Reassign { owner } => self.refuse_owner(&schedule, *owner).await?,
            _ => {}
        }
        self.store.commit(permit, Change::Schedule(change)).await?;
        Ok(())
    }

    /// Who may not export it would only see it held again.
    /// Gives what the owner sees.
    pub(super) async fn refuse_lost_right(
        &self,
        schedule: &Schedule,
    ) -> Result<Sight, ServiceError> {
        let policy = self.store.policy().await?;
        match self.owner_caller(&policy, schedule).await? {
            Some(owner) => Ok(Sight::of(&policy, &owner)),
            None => Err(ServiceError::OwnerMayNot),
        }
    }

    async fn refuse_owner(
        &self,
        schedule: &Schedule,
        owner: OperatorId,
    ) -> Result<(), ServiceError> {
        let policy = self.store.policy().await?;
        let found = self.store.operator(owner).await?.filter(|one| !one.is_disabled);
        let target = Target { owner: Some(owner), ..target_of(schedule) };
        let may = found.is_some_and(|operator| {
            let caller = caller_of(operator, Via::Schedule);
            explain(&policy, &caller, Action::ScheduleFire, &target).refused.is_none()
        });
        match may {
            true => Ok(()),
            false => {
                let detail = "an operator who may export this subject and make schedules";
                Err(Faults(vec![Fault::new("/owner", detail)]).into())
            }
        }
    }
}

fn refuse_other_subject(schedule: &Schedule, sent: &ExportRequest) -> Result<(), ServiceError> {
    let mut faults = Vec::new();
    if sent.subject != schedule.request.subject {
        let detail = "a schedule stays with its subject: make another one";
        faults.push(Fault::new("/request/subject", detail));
    }
    if !sent.schedule.is_null() {
        let detail = "when it fires is said beside the request, in `schedule`";
        faults.push(Fault::new("/request/schedule", detail));
    }
    if faults.is_empty() { Ok(()) } else { Err(Faults(faults).into()) }
}

fn checked_reason(reason: Option<String>) -> Result<Option<String>, ServiceError> {
    use tidegate_model::request::REASON_CHARACTERS_MAX;
    let reason = reason.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let characters = reason.as_ref().map_or(0, |text| text.chars().count());
    match characters > REASON_CHARACTERS_MAX {
        true => {
            let detail = format!("a reason has at most {REASON_CHARACTERS_MAX} characters");
            Err(Faults(vec![Fault::new("/reason", detail)]).into())
        }
        false => Ok(reason),
    }
}
