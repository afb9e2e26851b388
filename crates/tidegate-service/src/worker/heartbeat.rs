//! Keeps the leases of a worker alive, on a thread and a connection of its own, so that a busy
//! machine cannot make a worker look dead.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tidegate_store::{Store, StoreError};

use super::{Builds, WorkerSettings, control::Stop, micros, reopen};
use crate::service::blocking;

/// Time between two looks at the flags of all jobs.
const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// The thread.
pub(super) struct Heartbeat {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    pub(super) fn start(settings: WorkerSettings, worker: String, builds: Builds) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let beat = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(beat(&settings, &worker, &builds, &over)),
                Err(error) => tracing::error!(%error, "the heartbeat cannot start"),
            }
        };
        let thread = std::thread::Builder::new().name("heartbeat".to_owned()).spawn(beat);
        let told = |error| tracing::error!(%error, "the heartbeat cannot start");
        Self { is_over, thread: thread.map_err(told).ok() }
    }

    /// Ends the thread, once no build needs it.
    pub(super) async fn end(mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(blocking(move || thread.join()).await);
        }
    }
}

async fn beat(settings: &WorkerSettings, worker: &str, builds: &Builds, over: &AtomicBool) {
    let mut store = None;
    let mut renewed_at: Option<Instant> = None;
    while !over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        if store.is_none() {
            store = reopen(&settings.control_url).await;
        }
        if let Some(store) = &store {
            if renewed_at.is_none_or(|at| begun.duration_since(at) >= settings.heartbeat) {
                renew(store, settings, builds).await;
                renewed_at = Some(begun);
            }
            look(store, worker, builds).await;
        }
        tokio::time::sleep(LOOK_PAUSE).await;
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
