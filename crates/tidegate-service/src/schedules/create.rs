//! Makes a schedule: what each run asks for is checked and frozen as a job's request is.

use serde_json::Value;
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    fault::Faults,
    ids::{OperatorId, ScheduleId},
    job::Idempotency,
    pointer::Pointer,
    request::ExportRequest,
    schedule::{NewSchedule, Schedule, Timing},
    scope,
    sight::Sight,
};
use tidegate_store::{Change, ScheduleChange, StoreError};

use crate::{
    error::ServiceError,
    exports::{Prepared, idempotency},
    service::Service,
};

/// A schedule that was made, or had been made by the same request before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatedSchedule {
    /// The schedule.
    pub schedule: ScheduleId,
    /// Whether this request made it.
    pub is_new: bool,
}

impl Service {
    /// Makes a schedule of a request with the member `schedule`.
    ///
    /// # Errors
    ///
    /// If the caller may not, or the request is wrong: all faults at once.
    pub async fn create_schedule(
        &self,
        caller: &Caller,
        sent: &ExportRequest,
        idempotency_key: Option<&str>,
    ) -> Result<CreatedSchedule, ServiceError> {
        let owner = caller.operator().ok_or(ServiceError::Unknown)?;
        let idempotency = idempotency(idempotency_key, sent)?;
        let action = Action::ScheduleCreate;
        let policy = self.refuse_unknown_subject(caller, action, &sent.subject).await?;
        let target = Target { subject: Some(sent.subject.clone()), ..Target::default() };
        self.permit_by(&policy, caller, action, target.clone()).await?;
        if let Some(made) = self.schedule_made_before(owner, idempotency.as_ref()).await? {
            return Ok(made);
        }
        let (prepared, timing) = self.prepare_schedule(sent, &Sight::of(&policy, caller)).await?;
        let has_pii = prepared.request.has_pii();
        let permit = self.permit(caller, action, Target { has_pii, ..target }).await?;
        let made = NewSchedule {
            scope_summary: self.summary_of(sent, &prepared),
            request: frozen(sent, &prepared),
            timing,
            has_pii,
            owner,
            idempotency: idempotency.clone(),
        };
        let change = Change::Schedule(ScheduleChange::Create(Box::new(made)));
        match self.store.commit(permit, change).await {
            Ok(committed) => {
                let id = committed.id.ok_or(StoreError::Corrupt { what: "new schedule" })?;
                tracing::info!(schedule.id = id, subject = sent.subject, "schedule created");
                Ok(CreatedSchedule { schedule: ScheduleId(id), is_new: true })
            }
            // The same request at the same moment was first.
            Err(StoreError::Exists { .. }) => {
                let made = self.schedule_made_before(owner, idempotency.as_ref()).await?;
                made.ok_or(ServiceError::KeyReused)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The schedule that a request of the caller has made. It is told also to who may not list
    /// schedules: it has just been asked for.
    ///
    /// # Errors
    ///
    /// If the caller has not made it.
    pub async fn created_schedule(
        &self,
        caller: &Caller,
        created: CreatedSchedule,
    ) -> Result<Schedule, ServiceError> {
        let schedule = self.store.schedule(created.schedule).await?;
        let is_its = |schedule: &Schedule| Some(schedule.owner) == caller.operator();
        let schedule = schedule.filter(is_its).ok_or(ServiceError::NotFound)?;
        Ok(self.shown_schedule(&self.sight(caller).await?, schedule))
    }

    /// The next fires of a schedule as it is asked for, before it is made.
    ///
    /// # Errors
    ///
    /// All faults of the member `schedule`.
    pub async fn next_fires(
        &self,
        sent: &Value,
        time_zone: Option<&str>,
    ) -> Result<(Timing, Vec<i64>), ServiceError> {
        let now = self.store.now().await?;
        let timing = self.timing_at(now, sent, time_zone).await?;
        let fires = timing.next_fires(now);
        Ok((timing, fires))
    }

    /// Checks the request of a schedule: each run's, and when they are. All faults at once.
    pub(super) async fn prepare_schedule(
        &self,
        sent: &ExportRequest,
        sight: &Sight,
    ) -> Result<(Prepared, Timing), ServiceError> {
        let timing = self.checked_timing(&sent.schedule, sent.time_zone.as_deref()).await;
        let prepared = self.prepare_with_reason(sent, sight).await;
        match (prepared, timing) {
            (Ok(prepared), Ok(timing)) => Ok((prepared, timing)),
            (Err(ServiceError::Faults(Faults(mut faults))), Err(ServiceError::Faults(more))) => {
                faults.extend(more.0);
                Err(Faults(faults).into())
            }
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    pub(super) async fn checked_timing(
        &self,
        sent: &Value,
        time_zone: Option<&str>,
    ) -> Result<Timing, ServiceError> {
        let now = self.store.now().await?;
        self.timing_at(now, sent, time_zone).await
    }

    async fn timing_at(
        &self,
        now: i64,
        sent: &Value,
        time_zone: Option<&str>,
    ) -> Result<Timing, ServiceError> {
        let at = Pointer::at("/schedule");
        let timing = Timing::read(sent, time_zone, &at)?;
        let settings = self.store.settings().await?;
        timing.check(now, settings.cron_seconds_min, &at)?;
        Ok(timing)
    }

    pub(super) fn summary_of(&self, sent: &ExportRequest, prepared: &Prepared) -> Value {
        let keys = self.keys();
        scope::summary(&sent.scope, prepared.request.subject(), &|value| keys.hash(value))
    }

    async fn schedule_made_before(
        &self,
        operator: OperatorId,
        idempotency: Option<&Idempotency>,
    ) -> Result<Option<CreatedSchedule>, ServiceError> {
        let Some(idempotency) = idempotency else { return Ok(None) };
        match self.store.schedule_of_key(operator, &idempotency.key).await? {
            None => Ok(None),
            Some((schedule, hash)) if hash == idempotency.request_hash => {
                Ok(Some(CreatedSchedule { schedule, is_new: false }))
            }
            Some(_) => Err(ServiceError::KeyReused),
        }
    }
}

/// What each run asks for: the fields as they are now, and nothing of when.
pub(super) fn frozen(sent: &ExportRequest, prepared: &Prepared) -> ExportRequest {
    ExportRequest {
        fields: prepared.request.frozen_fields(),
        time_zone: Some(prepared.request.time_zone().name().to_owned()),
        schedule: Value::Null,
        ..sent.clone()
    }
}
