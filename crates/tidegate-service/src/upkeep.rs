//! What is done by itself, now and again, by any process: each task one file.

mod error;
mod expire;
mod purge;
mod rescue;
mod scrub;
mod sweep;

use std::{sync::Arc, time::Duration};

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
};
use tidegate_store::{Change, StoreError};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval},
};

pub use error::UpkeepError;
pub use expire::PurgeGuard;
pub use purge::{PurgeReport, PurgeSettings, purge};
pub use scrub::{ScrubReport, ScrubSettings, scrub};
pub use sweep::{SweepReport, SweepSettings, sweep};

use crate::{error::ServiceError, service::Service, worker::WorkerSettings};

/// Time between two looks for workers that are gone.
const RESCUE_PAUSE: Duration = Duration::from_millis(500);
/// Time between two looks for files whose time has come.
const EXPIRE_PAUSE: Duration = Duration::from_secs(5);
/// Jobs that one look takes.
const JOBS_PER_LOOK: u32 = 200;

/// Upkeep of a site. Any number of processes may do it at a time: each change compares and sets.
pub struct Upkeep {
    service: Arc<Service>,
    settings: WorkerSettings,
}

impl Upkeep {
    /// Upkeep that has not begun.
    pub fn new(service: Arc<Service>, settings: WorkerSettings) -> Self {
        Self { service, settings }
    }

    /// Does it until told to stop.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut tick = interval(RESCUE_PAUSE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut guard = PurgeGuard::new(crate::clock::now().timestamp_micros());
        let mut expired_at: Option<Instant> = None;
        while !*stop.borrow() {
            tokio::select! {
                _ = stop.changed() => continue,
                _ = tick.tick() => {}
            }
            told("rescue", self.rescue().await);
            if expired_at.is_none_or(|at| at.elapsed() >= EXPIRE_PAUSE) {
                expired_at = Some(Instant::now());
                told("expire", self.expire(&mut guard).await);
            }
        }
    }

    /// Commits a change in the name of upkeep; that somebody was faster is no fault.
    async fn commit(
        &self,
        task: &str,
        action: Action,
        target: Target,
        change: Change,
    ) -> Result<bool, ServiceError> {
        let permit = self.service.permit(&Caller::upkeep(task), action, target).await?;
        match self.service.store().commit(permit, change).await {
            Ok(_) => Ok(true),
            Err(StoreError::LeaseLost | StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn told(task: &str, outcome: Result<(), ServiceError>) {
    if let Err(error) = outcome {
        tracing::error!(task, %error, "upkeep failed");
    }
}
