//! Schedules: exports that are made again and again, or later, in the name of who asked for them.

mod change;
mod create;
mod fire;
mod get;
mod list;
mod run;

pub use change::{ScheduleCall, ScheduleWish};
pub use create::CreatedSchedule;
pub use get::ScheduleStory;
pub use list::{SCHEDULES_PAGE_MAX, ScheduleLine, ScheduleListRequest};
use tidegate_model::{
    action::{Action, Target},
    actor::{Caller, Via},
    policy::{Policy, Reason, explain},
    schedule::Schedule,
};

use crate::{error::ServiceError, gate::caller_of, service::Service};

/// What a schedule is to the policy.
pub(crate) fn target_of(schedule: &Schedule) -> Target {
    Target {
        subject: Some(schedule.request.subject.clone()),
        owner: Some(schedule.owner),
        schedule: Some(schedule.id),
        has_pii: schedule.has_pii,
        ..Target::default()
    }
}

impl Service {
    /// The owner of a schedule, as a schedule's caller; none if shut out or without the right to
    /// what it asks for.
    pub(crate) async fn owner_caller(
        &self,
        policy: &Policy,
        schedule: &Schedule,
    ) -> Result<Option<Caller>, ServiceError> {
        let found = self.store.operator(schedule.owner).await?;
        let Some(operator) = found.filter(|one| !one.is_disabled) else { return Ok(None) };
        let caller = caller_of(operator, Via::Schedule);
        let explained = explain(policy, &caller, Action::ScheduleFire, &target_of(schedule));
        // A pause takes nobody’s right away.
        let may = matches!(explained.refused, None | Some(Reason::Paused { .. }));
        Ok(may.then_some(caller))
    }
}
