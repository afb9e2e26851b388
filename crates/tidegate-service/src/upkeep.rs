//! What is done by itself, now and again, by any process: each task one file.

pub mod checkpoint;
mod expire;
mod rescue;
pub mod stream;

use std::{sync::Arc, time::Duration};

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
};
use tidegate_store::{Change, StoreError};
use tokio::{
    sync::watch,
    time::{Instant, Interval, MissedTickBehavior, interval},
};

pub use expire::PurgeGuard;

use self::{checkpoint::Checkpoints, stream::Stream};
use crate::{error::ServiceError, service::Service, worker::WorkerSettings};

/// Time between two looks for workers that are gone.
const RESCUE_PAUSE: Duration = Duration::from_millis(500);
/// Time between two looks for files whose time has come.
const EXPIRE_PAUSE: Duration = Duration::from_secs(5);
/// Time between two looks whether a checkpoint is due.
const CHECKPOINT_PAUSE: Duration = Duration::from_secs(1);
/// Time between two looks for entries to stream.
const STREAM_PAUSE: Duration = Duration::from_millis(500);
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

    /// Does it until told to stop: each kind of task at its own pace, so that a slow disk or anchor
    /// does not keep jobs from being rescued.
    pub async fn run(self, checkpoints: Checkpoints, stream: Stream, stop: watch::Receiver<bool>) {
        let service = &self.service;
        tokio::join!(
            self.look_after_jobs(stop.clone()),
            sign_checkpoints(service, checkpoints, stop.clone()),
            stream_entries(service, stream, stop),
        );
    }

    async fn look_after_jobs(&self, stop: watch::Receiver<bool>) {
        let mut guard = PurgeGuard::new(crate::clock::now().timestamp_micros());
        let mut expired_at: Option<Instant> = None;
        let mut pace = Pace::new(RESCUE_PAUSE, stop);
        while pace.next().await {
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

/// Says when it is time again, until it is told to stop.
struct Pace {
    tick: Interval,
    stop: watch::Receiver<bool>,
}

impl Pace {
    fn new(pause: Duration, stop: watch::Receiver<bool>) -> Self {
        let mut tick = interval(pause);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { tick, stop }
    }

    /// Waits for the next time; false when there is none.
    async fn next(&mut self) -> bool {
        if !*self.stop.borrow() {
            tokio::select! {
                _ = self.tick.tick() => {}
                _ = self.stop.changed() => {}
            }
        }
        !*self.stop.borrow()
    }
}

/// A refusal to sign is said by the task itself, loudly, each time.
async fn sign_checkpoints(
    service: &Service,
    mut checkpoints: Checkpoints,
    stop: watch::Receiver<bool>,
) {
    let mut pace = Pace::new(CHECKPOINT_PAUSE, stop);
    while pace.next().await {
        if let Ok(now) = service.store().now().await {
            drop(checkpoints.run(service.store(), &service.keys(), now).await);
        }
    }
}

async fn stream_entries(service: &Service, mut stream: Stream, stop: watch::Receiver<bool>) {
    let mut pace = Pace::new(STREAM_PAUSE, stop);
    while pace.next().await {
        stream.run(service.store()).await;
    }
    if let Err(error) = stream.leave(service.store()).await {
        tracing::warn!(%error, "the next process waits before it streams");
    }
}

fn told(task: &str, outcome: Result<(), ServiceError>) {
    if let Err(error) = outcome {
        tracing::error!(task, %error, "upkeep failed");
    }
}
