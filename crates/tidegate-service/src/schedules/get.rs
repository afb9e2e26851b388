//! Looks at one schedule, if the caller may see it.

use tidegate_model::{
    action::Action,
    actor::Caller,
    ids::ScheduleId,
    job::Job,
    policy::Policy,
    schedule::{Fire, Schedule, ScheduleState},
    sight::Sight,
};

use super::target_of;
use crate::{error::ServiceError, service::Service};

/// Runs and fires that are told with a schedule.
const SHOWN: u32 = 20;

/// A schedule, with what becomes of it and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleStory {
    /// The schedule.
    pub schedule: Schedule,
    /// Its next fires, if it is active.
    pub next_fires: Vec<i64>,
    /// Its last fires, newest first.
    pub fires: Vec<Fire>,
    /// Its last runs, newest first.
    pub runs: Vec<Job>,
}

impl Service {
    /// A schedule.
    ///
    /// # Errors
    ///
    /// If there is none, it was deleted, or the caller may not see it: the same answer.
    pub async fn schedule(
        &self,
        caller: &Caller,
        id: ScheduleId,
    ) -> Result<Schedule, ServiceError> {
        let policy = self.store.policy().await?;
        self.seen_schedule(&policy, caller, id).await
    }

    /// The same by a policy that was read for more than this.
    async fn seen_schedule(
        &self,
        policy: &Policy,
        caller: &Caller,
        id: ScheduleId,
    ) -> Result<Schedule, ServiceError> {
        let schedule = self.found_schedule(id).await?;
        let target = target_of(&schedule);
        match self.permit_by(policy, caller, Action::ScheduleView, target).await {
            Ok(_) => Ok(self.shown_schedule(&Sight::of(policy, caller), schedule)),
            Err(ServiceError::Denied(_)) => Err(ServiceError::NotFound),
            Err(error) => Err(error),
        }
    }

    /// A schedule, for whoever asks the policy next.
    pub(super) async fn found_schedule(&self, id: ScheduleId) -> Result<Schedule, ServiceError> {
        let found = self.store.schedule(id).await?;
        let schedule = found.filter(|one| one.state != ScheduleState::Deleted);
        schedule.ok_or(ServiceError::NotFound)
    }

    /// A schedule with its next fires and its last runs.
    ///
    /// # Errors
    ///
    /// If there is none, or the caller may not see it.
    pub async fn schedule_story(
        &self,
        caller: &Caller,
        id: ScheduleId,
    ) -> Result<ScheduleStory, ServiceError> {
        let policy = self.store.policy().await?;
        let schedule = self.seen_schedule(&policy, caller, id).await?;
        let sight = Sight::of(&policy, caller);
        let (fires, runs) =
            (self.store.fires_of(id, SHOWN).await?, self.store.runs_of(id, SHOWN).await?);
        let runs = runs.into_iter().map(|run| self.shown(&sight, run)).collect();
        Ok(ScheduleStory { next_fires: next_fires_of(&schedule), fires, runs, schedule })
    }
}

/// The next fires of a schedule that is active: the one that is known, and those after it.
fn next_fires_of(schedule: &Schedule) -> Vec<i64> {
    let Some(first) = schedule.next_fire_at else { return Vec::new() };
    schedule.timing.next_fires(first - 1)
}
