//! Keeps the leases of a worker alive, on a thread and a connection of its own, so that a busy
//! machine cannot make a worker look dead.

use std::{
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tidegate_store::{Clock, Store, StoreError};
use tokio::{sync::watch, time::timeout};

use super::{Builds, WorkerSettings, control::Stop, micros, reopen};
use crate::service::blocking;

/// Time between two looks at the flags of all jobs.
const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// The thread.
pub(super) struct Heartbeat {
    over: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// Whose leases it keeps alive, and how.
pub(super) struct Beat {
    pub(super) settings: WorkerSettings,
    pub(super) clock: Clock,
    pub(super) worker: String,
    pub(super) builds: Builds,
}

impl Heartbeat {
    pub(super) fn start(beat: Beat) -> Self {
        let (over, is_over) = watch::channel(false);
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(beat.run(is_over)),
                Err(error) => tracing::error!(%error, "the heartbeat cannot start"),
            }
        };
        let thread = std::thread::Builder::new().name("heartbeat".to_owned()).spawn(run);
        let told = |error| tracing::error!(%error, "the heartbeat cannot start");
        Self { over, thread: thread.map_err(told).ok() }
    }

    /// Ends the thread, once no build needs it.
    pub(super) async fn end(mut self) {
        self.over.send_replace(true);
        if let Some(thread) = self.thread.take() {
            drop(blocking(move || thread.join()).await);
        }
    }
}

impl Beat {
    async fn run(self, mut is_over: watch::Receiver<bool>) {
        let Self { settings, clock, worker, builds } = self;
        let mut store = None;
        let mut renewed_at: Option<Instant> = None;
        while !*is_over.borrow() {
            let begun = Instant::now();
            if store.is_none() {
                store = reopen(&settings.control_url, &clock).await;
            }
            if let Some(store) = &store {
                if renewed_at.is_none_or(|at| begun.duration_since(at) >= settings.heartbeat) {
                    renew(store, &settings, &builds).await;
                    renewed_at = Some(begun);
                }
                look(store, &worker, &builds).await;
            }
            // Ended, or time for another look: either way it is asked above.
            drop(timeout(LOOK_PAUSE, is_over.changed()).await);
        }
    }
}

/// Renews every lease. A failing database is asked again; meanwhile the trust runs out by itself.
async fn renew(store: &Store, settings: &WorkerSettings, builds: &Builds) {
    for control in builds.all() {
        let begun = Instant::now();
        match store.renew(&control.lease, micros(settings.lease)).await {
            Ok(flags) => {
                control.trust_since(begun);
                control.see_policy(flags.policy_version);
                if flags.is_cancelled {
                    control.stop(Stop::Cancelled);
                }
            }
            Err(StoreError::LeaseLost) => control.stop(Stop::LeaseLost),
            Err(error) => tracing::warn!(job.id = %control.lease.job(), %error, "not renewed"),
        }
    }
}

/// Reads the flags of all jobs in one query.
async fn look(store: &Store, worker: &str, builds: &Builds) {
    let watched = builds.all();
    if watched.is_empty() {
        return;
    }
    let Ok(flags) = store.flags(worker).await else { return };
    for control in watched {
        let job = control.lease.job();
        let Some((_, flags)) = flags.iter().find(|(id, _)| *id == job) else { continue };
        control.see_policy(flags.policy_version);
        if flags.is_cancelled {
            control.stop(Stop::Cancelled);
        }
    }
}
