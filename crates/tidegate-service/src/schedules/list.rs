//! Lists schedules: one's own, or everybody's.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::{
    action::{Action, Target},
    actor::{Caller, Via},
    ids::{OperatorId, ScheduleId},
    job::Job,
    policy::explain,
    schedule::{Schedule, ScheduleState},
    sight::Sight,
};
use tidegate_store::{Operator, ScheduleFilter};

use super::{get::sees_run, target_of};
use crate::{error::ServiceError, exports::Seen, gate::caller_of, service::Service};

/// Schedules of a page at most.
pub const SCHEDULES_PAGE_MAX: u32 = 200;

/// A schedule in a list, with what is told beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleLine {
    /// The schedule.
    pub schedule: Schedule,
    /// Name of its owner.
    pub owner: String,
    /// Its last run.
    pub last_run: Option<Job>,
}

/// Which schedules to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScheduleListRequest {
    /// Only in this state.
    pub state: Option<ScheduleState>,
    /// Only those before this one.
    pub behind: Option<ScheduleId>,
    /// At most so many; none means as many as a page has.
    pub limit: Option<u32>,
}

impl Service {
    /// The schedules that the caller may see, newest first; and whether there are more.
    ///
    /// # Errors
    ///
    /// If the caller may not list exports, or the control state cannot be asked.
    pub async fn schedules(
        &self,
        caller: &Caller,
        request: ScheduleListRequest,
    ) -> Result<(Vec<Schedule>, bool), ServiceError> {
        let operator = caller.operator().ok_or(ServiceError::Unknown)?;
        let target = Target { owner: Some(operator), ..Target::default() };
        let policy = self.store.policy().await?;
        self.permit_by(&policy, caller, Action::ScheduleView, target).await?;
        let Seen { owner, subjects } = self.exports_seen(&policy, caller, operator);
        let ScheduleListRequest { state, behind, limit } = request;
        let filter = ScheduleFilter { owner, subjects, state, behind };
        let limit = limit.unwrap_or(SCHEDULES_PAGE_MAX).min(SCHEDULES_PAGE_MAX);
        let mut found = self.store.schedules(&filter, limit + 1).await?;
        let has_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let sight = Sight::of(&policy, caller);
        let shown = found.into_iter().map(|one| self.shown_schedule(&sight, one));
        Ok((shown.collect(), has_more))
    }

    /// The same with owners and last runs. It asks the same questions however many there are.
    ///
    /// # Errors
    ///
    /// If the caller may not list exports, or the control state cannot be asked.
    pub async fn schedule_lines(
        &self,
        caller: &Caller,
        request: ScheduleListRequest,
    ) -> Result<(Vec<ScheduleLine>, bool), ServiceError> {
        let (schedules, has_more) = self.schedules(caller, request).await?;
        let policy = self.store.policy().await?;
        let sight = Sight::of(&policy, caller);
        let ids: Vec<ScheduleId> = schedules.iter().map(|one| one.id).collect();
        let owners: BTreeSet<OperatorId> = schedules.iter().map(|one| one.owner).collect();
        let owners: Vec<OperatorId> = owners.into_iter().collect();
        let names = self.store.operator_names(&owners).await?;
        let mut runs: BTreeMap<Option<ScheduleId>, Job> = self
            .store
            .last_runs(&ids)
            .await?
            .into_iter()
            .filter(|run| sees_run(&policy, caller, run))
            .map(|run| (run.schedule_id, self.shown(&sight, run)))
            .collect();
        let line = |schedule: Schedule| ScheduleLine {
            owner: names.get(&schedule.owner).cloned().unwrap_or_default(),
            last_run: runs.remove(&Some(schedule.id)),
            schedule,
        };
        Ok((schedules.into_iter().map(line).collect(), has_more))
    }

    /// Name of a schedule's owner.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn owner_name(&self, schedule: &Schedule) -> Result<String, ServiceError> {
        let mut names = self.store.operator_names(&[schedule.owner]).await?;
        Ok(names.remove(&schedule.owner).unwrap_or_default())
    }

    /// Operators who could own a schedule: those who may export its subject and make schedules.
    ///
    /// # Errors
    ///
    /// If the caller may not see the schedule, or not give it away.
    pub async fn schedule_owners(
        &self,
        caller: &Caller,
        schedule: &Schedule,
    ) -> Result<Vec<Operator>, ServiceError> {
        let policy = self.store.policy().await?;
        let target = target_of(schedule);
        self.permit_by(&policy, caller, Action::ScheduleReassign, target).await?;
        let operators = self.store.operators().await?;
        let may = |operator: &Operator| {
            let caller = caller_of(operator.clone(), Via::Schedule);
            let target = Target { owner: Some(operator.id), ..target_of(schedule) };
            !operator.is_disabled
                && explain(&policy, &caller, Action::ScheduleFire, &target).refused.is_none()
        };
        Ok(operators.into_iter().filter(may).collect())
    }

    /// The same, of the schedule of a number: whoever may give it away need not see it.
    ///
    /// # Errors
    ///
    /// If there is none, or the caller may not give it away.
    pub async fn schedule_owners_of(
        &self,
        caller: &Caller,
        id: ScheduleId,
    ) -> Result<Vec<Operator>, ServiceError> {
        self.schedule_owners(caller, &self.found_schedule(id).await?).await
    }
}
