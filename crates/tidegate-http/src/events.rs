//! Watches jobs for everybody who waits: one question to the control state, however many wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tidegate_model::{ids::JobId, job::Job};
use tidegate_service::{Pass, Service};
use tokio::{sync::watch, time::sleep};

/// Time between two looks: progress is written twice a second.
const LOOK_PAUSE: Duration = Duration::from_millis(300);
/// Jobs, or passes, of one question at most.
const ASKED_MAX: usize = 500;

/// A job as it was seen last, and under which policy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sight {
    pub(crate) job: Arc<Job>,
    pub(crate) policy_version: i64,
}

type Sender = watch::Sender<Option<Sight>>;

/// Everybody who waits for something to happen to a job.
#[derive(Clone)]
pub(crate) struct Hub(Arc<Inner>);

struct Inner {
    service: Arc<Service>,
    watched: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    jobs: HashMap<JobId, Sender>,
    /// What those were let in by who wait: whether it has ended.
    passes: HashMap<Pass, watch::Sender<bool>>,
    is_looking: bool,
}

impl Hub {
    /// Nobody waits yet.
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self(Arc::new(Inner { service, watched: Mutex::default() }))
    }

    /// Waits for what happens to a job. Nothing is known of it before the first look.
    pub(crate) fn watch(&self, job: JobId) -> watch::Receiver<Option<Sight>> {
        let mut watched = self.lock();
        let sender = watched.jobs.entry(job).or_insert_with(|| watch::channel(None).0);
        let receiver = sender.subscribe();
        if !watched.is_looking {
            watched.is_looking = true;
            tokio::spawn(self.clone().look_while_somebody_waits());
        }
        receiver
    }

    /// Waits, besides, for the end of what somebody was let in by who watches a job.
    pub(crate) fn watch_pass(&self, pass: Pass) -> watch::Receiver<bool> {
        let mut watched = self.lock();
        let sender = watched.passes.entry(pass).or_insert_with(|| watch::channel(false).0);
        sender.subscribe()
    }

    async fn look_while_somebody_waits(self) {
        while let Some((jobs, passes)) = self.waited_for() {
            for some in passes.chunks(ASKED_MAX) {
                match self.0.service.ended_passes(some).await {
                    Ok(ended) => ended.into_iter().for_each(|pass| self.end(pass)),
                    Err(error) => tracing::warn!(%error, "cannot look at those who wait"),
                }
            }
            for some in jobs.chunks(ASKED_MAX) {
                match self.0.service.watched(some).await {
                    Ok(seen) => {
                        let version = seen.policy_version;
                        seen.jobs.into_iter().for_each(|job| self.tell(job, version));
                    }
                    Err(error) => tracing::warn!(%error, "cannot look at watched exports"),
                }
            }
            sleep(LOOK_PAUSE).await;
        }
    }

    /// The jobs that somebody waits for, and by which passes; none ends the looking.
    fn waited_for(&self) -> Option<(Vec<JobId>, Vec<Pass>)> {
        let mut watched = self.lock();
        watched.jobs.retain(|_, sender| sender.receiver_count() > 0);
        watched.passes.retain(|_, sender| sender.receiver_count() > 0);
        watched.is_looking = !watched.jobs.is_empty();
        let waited_for = || {
            let passes = watched.passes.keys().copied().collect();
            (watched.jobs.keys().copied().collect(), passes)
        };
        watched.is_looking.then(waited_for)
    }

    fn end(&self, pass: Pass) {
        if let Some(sender) = self.lock().passes.get(&pass) {
            sender.send_replace(true);
        }
    }

    fn tell(&self, job: Job, policy_version: i64) {
        let watched = self.lock();
        let Some(sender) = watched.jobs.get(&job.id) else { return };
        let sight = Sight { job: Arc::new(job), policy_version };
        sender.send_if_modified(|known| {
            let is_new = known.as_ref() != Some(&sight);
            if is_new {
                *known = Some(sight);
            }
            is_new
        });
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
