//! What is done by itself, now and again, by any process: each task one file.

mod approve;
pub mod archive;
pub mod checkpoint;
mod error;
mod expire;
mod lapse;
mod notify;
mod purge;
mod rescue;
mod scrub;
pub mod stream;
mod sweep;
mod tasks;

use std::{sync::Arc, time::Duration};

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    ids::JobId,
};
use tidegate_store::{Change, StoreError};
use tokio::{
    sync::watch,
    time::{Instant, Interval, MissedTickBehavior, interval},
};

pub use error::UpkeepError;
pub use expire::PurgeGuard;
pub use purge::{PurgeReport, PurgeSettings, purge};
pub use scrub::{ScrubReport, ScrubSettings, scrub};
pub use sweep::{SweepReport, SweepSettings, sweep};
pub(crate) use tasks::TaskLog;
pub use tasks::{Task, TaskRun};

use self::{
    archive::{ArchiveError, ArchiveSettings, archive},
    checkpoint::Checkpoints,
    stream::Stream,
};
use crate::{
    artifacts::Artifacts,
    audit::{Anchor, ArchivePlace},
    error::ServiceError,
    service::Service,
    worker::WorkerSettings,
};

/// Time between two looks for workers that are gone.
const RESCUE_PAUSE: Duration = Duration::from_millis(500);
/// Time between two looks for schedules whose time has come.
const SCHEDULE_PAUSE: Duration = Duration::from_millis(500);
/// Time between two looks for files whose time has come.
const EXPIRE_PAUSE: Duration = Duration::from_secs(5);
/// Time between two looks whether a checkpoint is due.
const CHECKPOINT_PAUSE: Duration = Duration::from_secs(1);
/// Time between two looks for entries to stream.
const STREAM_PAUSE: Duration = Duration::from_millis(500);
/// Time between two looks for files that have ended.
const PURGE_PAUSE: Duration = Duration::from_secs(1);
/// Time between two passes over some files, to see whether they are whole.
const SCRUB_PAUSE: Duration = Duration::from_secs(60);
/// Time between two looks for entries that the log does not keep any longer.
const ARCHIVE_PAUSE: Duration = Duration::from_secs(60 * 60);
/// Time between two looks for notices that are over.
const FORGET_PAUSE: Duration = Duration::from_secs(60 * 60);
/// Archives that one look makes.
const ARCHIVES_PER_LOOK: usize = 100;
/// Jobs that one look takes.
const JOBS_PER_LOOK: u32 = 200;

/// The tasks that people are told of.
const TASKS: &[Task] = &[
    Task { name: "schedule", words: "Fires schedules whose time has come", pause: SCHEDULE_PAUSE },
    Task { name: "rescue", words: "Takes exports from workers that are gone", pause: RESCUE_PAUSE },
    Task {
        name: "approval",
        words: "Ends what waits for a second person in vain",
        pause: RESCUE_PAUSE,
    },
    Task { name: "expire", words: "Ends the retention of files", pause: EXPIRE_PAUSE },
    Task { name: "purge", words: "Removes files that have ended", pause: PURGE_PAUSE },
    Task {
        name: "sweep",
        words: "Removes what no export refers to",
        pause: UpkeepSettings::SWEEP_PAUSE,
    },
    Task {
        name: "scrub",
        words: "Reads files again, to see whether they are whole",
        pause: SCRUB_PAUSE,
    },
    Task { name: "checkpoint", words: "Signs the activity log", pause: CHECKPOINT_PAUSE },
    Task { name: "archive", words: "Moves old entries to signed files", pause: ARCHIVE_PAUSE },
    Task { name: "forget", words: "Forgets notices that are long over", pause: FORGET_PAUSE },
];

impl Service {
    /// The tasks of upkeep, and when this process has last done them.
    pub fn upkeep_tasks(&self) -> Vec<TaskRun> {
        self.tasks.runs(TASKS)
    }
}

/// Upkeep of a site. Any number of processes may do it at a time: each change compares and sets.
pub struct Upkeep {
    service: Arc<Service>,
    artifacts: Arc<Artifacts>,
    settings: UpkeepSettings,
}

/// How upkeep is done.
#[derive(Clone, Debug)]
pub struct UpkeepSettings {
    /// How the workers of this host work.
    pub worker: WorkerSettings,
    /// Time between two sweeps.
    pub sweep_pause: Duration,
    /// How to sweep.
    pub sweep: SweepSettings,
    /// Where entries go that the log does not keep.
    pub archive: ArchivePlace,
}

impl UpkeepSettings {
    /// Time between two sweeps unless a site says otherwise.
    pub const SWEEP_PAUSE: Duration = Duration::from_secs(60 * 60);
}

impl Upkeep {
    /// Upkeep that has not begun.
    pub fn new(service: Arc<Service>, artifacts: Arc<Artifacts>, settings: UpkeepSettings) -> Self {
        Self { service, artifacts, settings }
    }

    /// Does it until told to stop: each kind of task at its own pace, so that a slow disk or anchor
    /// does not keep jobs from being rescued.
    pub async fn run(self, checkpoints: Checkpoints, stream: Stream, stop: watch::Receiver<bool>) {
        let service = &self.service;
        let anchors = checkpoints.anchors();
        tokio::join!(
            self.look_after_jobs(stop.clone()),
            self.fire_schedules(stop.clone()),
            self.purge_files(stop.clone()),
            self.sweep_files(stop.clone()),
            self.scrub_files(stop.clone()),
            self.archive_entries(anchors, stop.clone()),
            sign_checkpoints(service, checkpoints, stop.clone()),
            stream_entries(service, stream, stop.clone()),
            self.notify_people(stop),
        );
    }

    async fn look_after_jobs(&self, stop: watch::Receiver<bool>) {
        let mut guard =
            PurgeGuard::new(crate::clock::now(self.service.store().clock()).timestamp_micros());
        let mut expired_at: Option<Instant> = None;
        let mut policy_seen = None;
        let mut pace = Pace::new(RESCUE_PAUSE, stop);
        while pace.next().await {
            self.told("rescue", self.rescue().await);
            self.told("approval", self.approve(&mut policy_seen).await);
            if expired_at.is_none_or(|at| at.elapsed() >= EXPIRE_PAUSE) {
                expired_at = Some(Instant::now());
                self.told("expire", self.expire(&mut guard).await);
                self.told("lapse", self.lapse().await);
            }
        }
    }

    async fn fire_schedules(&self, stop: watch::Receiver<bool>) {
        let mut pace = Pace::new(SCHEDULE_PAUSE, stop);
        while pace.next().await {
            self.told("schedule", self.service.fire_schedules().await);
        }
    }

    async fn purge_files(&self, stop: watch::Receiver<bool>) {
        let mut pace = Pace::new(PURGE_PAUSE, stop);
        let mut is_own = false;
        while pace.next().await {
            // Where the store could not be asked when the process started.
            if !is_own {
                is_own =
                    self.told("claim", self.service.claim_store(&self.artifacts).await).is_some();
            }
            let is_being_sent = |job| self.service.sendings.has(job);
            let settings =
                PurgeSettings { is_being_sent: &is_being_sent, ..PurgeSettings::default() };
            self.told("purge", purge(self.service.store(), &self.artifacts, &settings).await);
        }
    }

    async fn sweep_files(&self, stop: watch::Receiver<bool>) {
        let mut pace = Pace::new(self.settings.sweep_pause, stop);
        while pace.next().await {
            let Ok(now) = self.service.store().now().await else { continue };
            let swept = sweep(self.service.store(), &self.artifacts, now, &self.settings.sweep);
            let swept = self.told("sweep", swept.await);
            let Some(report) = swept else { continue };
            if report.quarantined > 0 {
                let files = report.quarantined;
                tracing::error!(files, "the artifact store holds files that nobody knows");
            }
            if report.unknown > 0 {
                let (unknown, first) = (report.unknown, report.unknown_names.join(", "));
                tracing::warn!(unknown, first, "the artifact store holds what is not ours");
            }
        }
    }

    async fn scrub_files(&self, stop: watch::Receiver<bool>) {
        let mut pace = Pace::new(SCRUB_PAUSE, stop);
        let mut settings = ScrubSettings::default();
        while pace.next().await {
            let scrubbed = scrub(self.service.store(), &self.artifacts, &settings).await;
            if let Some(report) = self.told("scrub", scrubbed) {
                settings.behind = report.next.unwrap_or(JobId(0));
            }
        }
    }

    async fn archive_entries(&self, anchors: Vec<Anchor>, stop: watch::Receiver<bool>) {
        let mut pace = Pace::new(ARCHIVE_PAUSE, stop);
        while pace.next().await {
            self.told("archive", self.archive_old(&anchors).await);
        }
    }

    /// Archives what is older than the site keeps it, if it does not keep everything.
    async fn archive_old(&self, anchors: &[Anchor]) -> Result<(), ArchiveError> {
        let store = self.service.store();
        let Some(retention) = store.settings().await?.activity_retention_micros() else {
            return Ok(());
        };
        let before = store.now().await?.saturating_sub(retention);
        let settings = ArchiveSettings { place: &self.settings.archive, anchors, before };
        for _ in 0..ARCHIVES_PER_LOOK {
            let Some(made) = archive(store, &self.service.keys(), settings).await? else { break };
            let (number, from, to, file) = (made.number, made.from, made.to, made.file);
            tracing::info!(number, from, to, file, "activity archived");
        }
        Ok(())
    }

    /// What a task has done; that it failed is said here.
    fn told<T, E: std::error::Error>(
        &self,
        task: &'static str,
        outcome: Result<T, E>,
    ) -> Option<T> {
        self.service.tasks.note(task, self.service.now(), outcome.is_err());
        outcome.inspect_err(|error| tracing::error!(task, %error, "upkeep failed")).ok()
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
            let signed = checkpoints.run_with(service.store(), &service.key_ring, now).await;
            service.tasks.note("checkpoint", service.now(), signed.is_err());
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
