//! What happens again and again in the demo's past: exports made by schedules, and notices read.

use tidegate_model::{ids::ScheduleId, status::Status};
use tidegate_service::{ScheduleCall, ScheduleListRequest};
use tidegate_store::ReadNotices;

use super::{Past, Step, script::SECOND, wish::Wish};
use crate::failure::Failure;

impl Past {
    pub(super) async fn schedule(&mut self, email: &str, wish: Wish) -> Result<(), Failure> {
        let caller = self.caller(email).await?;
        let made = self.control.service.create_schedule(&caller, &wish.request(), None).await?;
        self.await_fire(made.schedule).await
    }

    /// Puts the next fire of a schedule ahead, if it has one.
    async fn await_fire(&mut self, id: ScheduleId) -> Result<(), Failure> {
        let schedule = self.control.service.store().schedule(id).await?;
        if let Some(at) = schedule.and_then(|schedule| schedule.next_fire_at) {
            self.put(at + SECOND, Step::Fire(id));
        }
        Ok(())
    }

    /// Fires a schedule, and makes its file.
    pub(super) async fn fire(&mut self, id: ScheduleId) -> Result<(), Failure> {
        self.control.service.fire_schedules().await?;
        let run = self.control.service.store().runs_of(id, 1).await?.pop();
        if let Some(run) = run.filter(|run| run.status == Status::Pending) {
            self.worker.build(run.id).await?;
        }
        self.await_fire(id).await
    }

    /// Pauses somebody's first schedule.
    pub(super) async fn pause_schedule(&self, email: &str, reason: &str) -> Result<(), Failure> {
        let (service, caller) = (&self.control.service, self.caller(email).await?);
        let (schedules, _) = service.schedules(&caller, ScheduleListRequest::default()).await?;
        let first = schedules.iter().rfind(|one| Some(one.owner) == caller.operator());
        if let Some(first) = first {
            let call = ScheduleCall::Pause(Some(reason.to_owned()));
            service.call_schedule(&caller, first.id, call).await?;
        }
        Ok(())
    }

    /// Reads all that somebody is told.
    pub(super) async fn read_notices(&self, email: &str) -> Result<(), Failure> {
        while self.control.service.notify_once().await? > 0 {}
        let caller = self.caller(email).await?;
        Ok(self.control.service.read_notices(&caller, ReadNotices::UpTo(i64::MAX)).await?)
    }
}
