//! The worker: claims jobs, builds their files, and can be stopped or killed at any moment.

mod approved;
mod build;
mod control;
mod creator;
mod expected;
mod failure;
mod frozen;
mod heartbeat;
mod liveness;
mod phase;
mod since;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    ids::JobId,
};
use tidegate_store::{ClaimRequest, Claimed, Clock, Store};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};

pub(crate) use liveness::is_gone;

use self::{
    build::Build,
    control::{Control, Stop},
    heartbeat::{Beat, Heartbeat},
    liveness::Alive,
};
use crate::{artifacts::Artifacts, error::ServiceError, service::Service};

/// Wait before the next look for work, when there was none.
const POLL_PAUSE: Duration = Duration::from_millis(250);
/// Wait after the control database failed.
const FAILED_PAUSE: Duration = Duration::from_secs(1);
/// How long builds may go on after a worker was told to stop; the rest of the five seconds in which
/// jobs are handed back is for the database.
const DRAIN_GRACE: Duration = Duration::from_secs(3);

/// How a worker works.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// Names the host: workers of one host see each other's death at once.
    pub host: String,
    /// Folder of the files by which they see it.
    pub state_folder: PathBuf,
    /// Life of a lease.
    pub lease: Duration,
    /// Time between two renewals.
    pub heartbeat: Duration,
    /// URL of the control database, for the heartbeat's own connection.
    pub control_url: String,
}

impl WorkerSettings {
    /// Life of a lease unless a site says otherwise.
    pub const LEASE: Duration = Duration::from_secs(15);
    /// Time between two renewals, as a part of a lease's life.
    pub const HEARTBEATS_PER_LEASE: u32 = 5;
}

/// A worker.
pub struct Worker {
    service: Arc<Service>,
    artifacts: Arc<Artifacts>,
    settings: WorkerSettings,
    alive: Alive,
    builds: Builds,
}

/// The builds under way, with what controls them.
#[derive(Clone, Default)]
pub(crate) struct Builds(Arc<Mutex<BTreeMap<JobId, Arc<Control>>>>);

impl Builds {
    fn add(&self, control: &Arc<Control>) {
        self.lock().insert(control.lease.job(), Arc::clone(control));
    }

    fn remove(&self, job: JobId) {
        self.lock().remove(&job);
    }

    fn all(&self) -> Vec<Arc<Control>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<JobId, Arc<Control>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker {
    /// A worker that has not begun.
    ///
    /// # Errors
    ///
    /// If its folder cannot be used.
    pub fn new(
        service: Arc<Service>,
        artifacts: Arc<Artifacts>,
        settings: WorkerSettings,
    ) -> Result<Self, std::io::Error> {
        let name = format!("{}-{}-{}", settings.host, std::process::id(), random_word());
        let alive = Alive::new(&settings.state_folder, name)?;
        Ok(Self { service, artifacts, settings, alive, builds: Builds::default() })
    }

    /// Works until told to stop, then hands back what it cannot finish.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let heartbeat = self.heartbeat();
        let mut running = JoinSet::new();
        tracing::info!(worker = self.alive.name(), "worker starts");
        while !*stop.borrow() {
            let pause = match self.fill(&mut running).await {
                Ok(()) => POLL_PAUSE,
                Err(error) => {
                    tracing::error!(%error, "cannot claim");
                    FAILED_PAUSE
                }
            };
            tokio::select! {
                _ = stop.changed() => {}
                Some(_) = running.join_next() => {}
                () = sleep(pause) => {}
            }
        }
        self.drain(&mut running).await;
        heartbeat.end().await;
        tracing::info!(worker = self.alive.name(), "worker ends");
    }

    /// Builds one job, which the caller made, and no other.
    ///
    /// # Errors
    ///
    /// If the control database fails.
    pub async fn build_only(self: Arc<Self>, job: JobId) -> Result<(), ServiceError> {
        let by_hand = self.by_hand();
        let built = by_hand.build(job).await;
        by_hand.end().await;
        built
    }

    /// Takes no work by itself: whoever calls says which jobs are built.
    pub fn by_hand(self: Arc<Self>) -> WorkerByHand {
        WorkerByHand { heartbeat: self.heartbeat(), worker: self }
    }

    fn heartbeat(&self) -> Heartbeat {
        Heartbeat::start(Beat {
            settings: self.settings.clone(),
            clock: self.service.store().clock().clone(),
            worker: self.alive.name().to_owned(),
            builds: self.builds.clone(),
        })
    }

    /// Stops the builds under way, as if cancellation had been asked for by hand.
    pub fn stop_builds(&self) {
        self.builds.all().iter().for_each(|control| control.stop(Stop::Drained));
    }

    /// Claims as many jobs as there are free places.
    async fn fill(self: &Arc<Self>, running: &mut JoinSet<()>) -> Result<(), ServiceError> {
        let places = self.service.store().settings().await?.builds_max.max(1) as usize;
        while running.len() < places {
            // The last place is kept for what is quick, so that large exports cannot fill all.
            let only_small = places > 1 && running.len() + 1 == places;
            let Some(begun) = self.claim(only_small, None).await? else { return Ok(()) };
            running.spawn(Arc::clone(self).build(begun));
        }
        Ok(())
    }

    async fn claim(
        &self,
        only_small: bool,
        only: Option<JobId>,
    ) -> Result<Option<Begun>, ServiceError> {
        let caller = Caller::worker(self.alive.name());
        let permit = self.service.permit(&caller, Action::JobClaim, Target::default()).await?;
        let request = ClaimRequest {
            worker: self.alive.name().to_owned(),
            host: self.settings.host.clone(),
            lease_token: random_word(),
            object_nonce: random_word(),
            lease_micros: micros(self.settings.lease),
            only_small,
            only,
            sources: self.service.sited().site.shares(),
        };
        let at = std::time::Instant::now();
        let claimed = self.service.store().claim(permit, request).await?;
        Ok(claimed.map(|claimed| Begun { claimed, at }))
    }

    async fn build(self: Arc<Self>, begun: Begun) {
        let Begun { claimed, at } = begun;
        let span = phase::attempt(&claimed.job, &claimed.lease);
        let control = Arc::new(Control::new(claimed.lease, self.settings.lease, at));
        self.builds.add(&control);
        let build = Build {
            service: &self.service,
            artifacts: &self.artifacts,
            control: &control,
            job: claimed.job,
            worker: self.alive.name(),
            span,
            exposure: OnceLock::new(),
        };
        build.run().await;
        self.builds.remove(control.lease.job());
    }

    /// Lets builds end for a moment, then hands them back.
    async fn drain(&self, running: &mut JoinSet<()>) {
        let until = Instant::now() + DRAIN_GRACE;
        while let Ok(Some(_)) = timeout_at(until, running.join_next()).await {}
        self.stop_builds();
        while running.join_next().await.is_some() {}
    }
}

/// A worker that is told which jobs to build.
pub struct WorkerByHand {
    worker: Arc<Worker>,
    heartbeat: Heartbeat,
}

impl WorkerByHand {
    /// Builds one job, unless another worker has it.
    ///
    /// # Errors
    ///
    /// If the control database fails.
    pub async fn build(&self, job: JobId) -> Result<(), ServiceError> {
        if let Some(begun) = self.worker.claim(false, Some(job)).await? {
            Arc::clone(&self.worker).build(begun).await;
        }
        Ok(())
    }

    /// Stops the builds under way, and hands them back.
    pub fn stop_builds(&self) {
        self.worker.stop_builds();
    }

    /// Ends the worker.
    pub async fn end(self) {
        self.heartbeat.end().await;
    }
}

/// A claimed job, and when its claim was begun: its lease is not trusted for longer.
struct Begun {
    claimed: Claimed,
    at: std::time::Instant,
}

/// 128 random bits in hexadecimal.
pub(crate) fn random_word() -> String {
    let bytes: [u8; 16] = rand::random();
    tidegate_model::audit::hexadecimal(&bytes)
}

/// A duration in microseconds.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Opens the control database once more, for a thread of its own.
async fn reopen(url: &str, clock: &Clock) -> Option<Store> {
    match Store::open_by(url, clock).await {
        Ok(store) => Some(store),
        Err(error) => {
            tracing::error!(%error, "cannot reach the control database");
            None
        }
    }
}
