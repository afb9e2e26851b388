//! Makes a run of a schedule: now, or as its time has come.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    ids::{JobId, ScheduleId},
    job::NewJob,
    policy::Reason,
    schedule::Schedule,
    sight::Sight,
};
use tidegate_store::{Change, ScheduleChange, StoreError};
use tracing::Instrument;

use super::target_of;
use crate::{error::ServiceError, service::Service, trace};

impl Service {
    /// Runs a schedule now, beside its times, in whatever state it is. The run is its owner's.
    ///
    /// # Errors
    ///
    /// If the caller may not, the owner may not, or the request does not fit its subject any more.
    pub async fn run_schedule(
        &self,
        caller: &Caller,
        id: ScheduleId,
    ) -> Result<JobId, ServiceError> {
        let schedule = self.found_schedule(id).await?;
        let action = Action::ScheduleRun;
        self.permit(caller, action, target_of(&schedule)).await?;
        let sight = self.refuse_lost_right(&schedule).await?;
        let (job, open_jobs_max) = self.run_of(&schedule, &sight).await?;
        let target = Target { has_pii: job.has_pii, ..target_of(&schedule) };
        let permit = self.permit(caller, action, target.clone()).await?;
        let change =
            ScheduleChange::Run { version: schedule.version, job: Box::new(job), open_jobs_max };
        let committed = match self.store.commit(permit, Change::Schedule(change)).await {
            // The policy allows it, a budget has no room: refused, with its entry.
            Err(StoreError::OverBudget(over)) => {
                let permit = self.permit(caller, action, target).await?;
                return self.turn_down(permit, Reason::OverBudget(*over)).await;
            }
            committed => committed?,
        };
        Ok(committed.job.ok_or(StoreError::Corrupt { what: "new job" })?)
    }

    /// The job of a run, checked against the subject as it is now; and how many may be open.
    pub(super) async fn run_of(
        &self,
        schedule: &Schedule,
        sight: &Sight,
    ) -> Result<(NewJob, i64), ServiceError> {
        let sent = &schedule.request;
        let prepared = self.prepare_run(sent, sight).await?;
        let settings = self.store.settings().await?;
        let via = tidegate_model::actor::Via::Schedule;
        let span = tracing::info_span!(
            target: trace::TARGET, "job create",
            otel.kind = "producer", tidegate.subject = sent.subject,
            tidegate.format = sent.format, tidegate.via = via.slug(),
        );
        let job = async {
            NewJob {
                schedule: Some(schedule.id),
                trace: trace::place_of(&tracing::Span::current()),
                attempts_max: i64::from(settings.attempts_max),
                ..self.frozen(sent, (&prepared, sight), schedule.owner, via)
            }
        };
        Ok((job.instrument(span).await, i64::from(settings.open_jobs_max)))
    }
}
