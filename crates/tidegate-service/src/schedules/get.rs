//! Looks at one schedule, if the caller may see it.

use tidegate_model::{
    action::Action,
    actor::Caller,
    ids::ScheduleId,
    job::Job,
    policy::{Policy, explain, holds},
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
    /// Its last fires, newest first; without the job where the caller may not see it.
    pub fires: Vec<Fire>,
    /// Its last runs that the caller may see, newest first.
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
        let (mut fires, runs) =
            (self.store.fires_of(id, SHOWN).await?, self.store.runs_of(id, SHOWN).await?);
        let runs = runs.into_iter().filter(|run| sees_run(&policy, caller, run));
        let runs: Vec<Job> = runs.map(|run| self.shown(&sight, run)).collect();
        if !holds(&policy, caller, "exports.list.any") {
            fires.iter_mut().for_each(|fire| {
                fire.job = fire.job.filter(|job| runs.iter().any(|run| run.id == *job));
            });
        }
        Ok(ScheduleStory { next_fires: next_fires_of(&schedule), fires, runs, schedule })
    }
}

/// Whether a caller may see a run: those of an earlier owner stay the earlier owner's.
pub(super) fn sees_run(policy: &Policy, caller: &Caller, run: &Job) -> bool {
    let target = crate::exports::target_of(run);
    explain(policy, caller, Action::ExportView, &target).refused.is_none()
}

/// The next fires of a schedule that is active: the one that is known, and those after it.
fn next_fires_of(schedule: &Schedule) -> Vec<i64> {
    let Some(first) = schedule.next_fire_at else { return Vec::new() };
    schedule.timing.next_fires(first - 1)
}
