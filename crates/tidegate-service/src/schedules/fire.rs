//! Fires what has come: each fire once, however many schedulers look.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    budget::OverBudget,
    fault::Faults,
    pause::pause_of,
    policy::{Policy, Reason, authorize},
    schedule::{Due, FireOutcome, Schedule},
    sight::Sight,
};
use tidegate_store::{Change, NewFire, ScheduleChange, SkippedFires, StoreError};

use super::target_of;
use crate::{error::ServiceError, service::Service};

/// Name of the task.
const TASK: &str = "schedule";
/// Schedules that one look fires.
const SCHEDULES_PER_LOOK: u32 = 200;
/// What an owner is told who lost the right.
const HELD: &str = "its owner may not export this any more, or may not make schedules";

impl Service {
    /// One look: fires every schedule whose time has come by the control database's clock. Says how
    /// many fires this look has settled.
    ///
    /// # Errors
    ///
    /// If the control database cannot be asked. What fails with one schedule is logged, and does
    /// not keep the others from firing.
    pub async fn fire_schedules(&self) -> Result<usize, ServiceError> {
        let now = self.store.now().await?;
        let policy = self.store.policy().await?;
        // What a pause holds back stays due: once it ends, it was missed, or fires.
        let paused: Option<Vec<&str>> =
            policy.pauses.iter().map(|pause| pause.subject.as_deref()).collect();
        let Some(paused) = paused else { return Ok(0) };
        let due = self.store.schedules_due(now, &paused, SCHEDULES_PER_LOOK).await?;
        let mut fired = 0;
        for schedule in due {
            match self.fire(&schedule, now).await {
                Ok(is_done) => fired += usize::from(is_done),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(schedule.id = %schedule.id, error, "a schedule did not fire");
                }
            }
        }
        tracing::debug!(now, fired, "looked for schedules whose time has come");
        Ok(fired)
    }

    /// Settles what has come of one schedule; false if somebody was faster.
    async fn fire(&self, schedule: &Schedule, now: i64) -> Result<bool, ServiceError> {
        let Some(known_fire_at) = schedule.next_fire_at else { return Ok(false) };
        let due = schedule.timing.due(schedule.id, known_fire_at, now);
        if due.fire.is_none() {
            if due.missed_count == 0 {
                return Ok(false);
            }
            let change = ScheduleChange::Miss(due, known_fire_at);
            return self.as_upkeep(Action::ScheduleMiss, schedule, change).await;
        }
        let policy = self.store.policy().await?;
        // It is still due when the pause ends.
        if pause_of(&policy.pauses, &schedule.request.subject).is_some() {
            return Ok(false);
        }
        let Some(owner) = self.owner_caller(&policy, schedule).await? else {
            let held = SkippedFires {
                known_fire_at,
                due,
                outcome: FireOutcome::Held,
                detail: HELD.to_owned(),
            };
            let change = ScheduleChange::Skip(held);
            return self.as_upkeep(Action::ScheduleHold, schedule, change).await;
        };
        self.fire_as(&owner, &policy, schedule, (known_fire_at, due)).await
    }

    /// In the name of the owner, with what the owner may now.
    async fn fire_as(
        &self,
        owner: &Caller,
        policy: &Policy,
        schedule: &Schedule,
        (known_fire_at, due): (i64, Due),
    ) -> Result<bool, ServiceError> {
        let made = match self.run_of(schedule, &Sight::of(policy, owner)).await {
            Ok((job, open_jobs_max)) => {
                let target = Target { has_pii: job.has_pii, ..target_of(schedule) };
                let permit = match authorize(policy, owner, Action::ScheduleFire, target) {
                    Err(denied) if denied.is_paused() => return Ok(false),
                    asked => asked?,
                };
                let (version, due) = (schedule.version, due.clone());
                let fire = NewFire { version, known_fire_at, due, job, open_jobs_max };
                let change = Change::Schedule(ScheduleChange::Fire(Box::new(fire)));
                self.store.commit(permit, change).await.map_err(ServiceError::from)
            }
            Err(error) => Err(error),
        };
        let detail = match made {
            Ok(committed) => {
                let (schedule, job) = (schedule.id, committed.job);
                tracing::info!(schedule.id = %schedule, job.id = ?job, "schedule fired");
                return Ok(true);
            }
            Err(ServiceError::Overtaken { .. }) => return Ok(false),
            // A run that cannot be asked for is a failed run.
            Err(ServiceError::Faults(Faults(faults))) => {
                // Only where, not what: a fault may repeat what somebody has sent.
                let places: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
                format!("the subject is not what it was; see {}", places.join(", "))
            }
            Err(ServiceError::NotFound) => "there is no such subject any more".to_owned(),
            Err(error @ ServiceError::TooManyOpen { .. }) => error.to_string(),
            Err(ServiceError::OverBudget(over)) => {
                let due = (known_fire_at, due);
                return self.fire_over_budget((owner, policy), schedule, due, *over).await;
            }
            // Whatever is away comes back: the fire is still due at the next look.
            Err(error) => return Err(error),
        };
        let refused = SkippedFires { known_fire_at, due, outcome: FireOutcome::Refused, detail };
        self.as_upkeep(Action::ScheduleFail, schedule, ScheduleChange::Skip(refused)).await
    }

    /// The owner may, a budget has no room: refused like whatever they ask for themselves, by
    /// whoever settles the fire, so that one refusal is one entry.
    async fn fire_over_budget(
        &self,
        (owner, policy): (&Caller, &Policy),
        schedule: &Schedule,
        (known_fire_at, due): (i64, Due),
        over: OverBudget,
    ) -> Result<bool, ServiceError> {
        let detail = over.to_string();
        let refused = SkippedFires { known_fire_at, due, outcome: FireOutcome::Refused, detail };
        let skip = ScheduleChange::Skip(refused);
        let is_done = self.as_upkeep(Action::ScheduleFail, schedule, skip).await?;
        if is_done {
            let permit = authorize(policy, owner, Action::ScheduleFire, target_of(schedule))?;
            drop(self.refused(permit.turned_down(Reason::OverBudget(over))).await?);
        }
        Ok(is_done)
    }

    async fn as_upkeep(
        &self,
        action: Action,
        schedule: &Schedule,
        change: ScheduleChange,
    ) -> Result<bool, ServiceError> {
        let permit = self.permit(&Caller::upkeep(TASK), action, target_of(schedule)).await?;
        match self.store.commit(permit, Change::Schedule(change)).await {
            Ok(_) => Ok(true),
            // Somebody was faster, or has deleted it.
            Err(StoreError::Overtaken { .. } | StoreError::Missing { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
