//! What controls one build: the word to stop, the trust in the lease, the progress.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use tidegate_pipeline::{Checkpoint, Progress, Verdict};
use tidegate_store::Lease;
use tokio::sync::Notify;

/// Part of a lease's life that is not trusted: a renewal may be on its way, clocks may differ.
const MARGIN_PARTS: u32 = 10;

/// Why a build has to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Somebody asked for it.
    Cancelled,
    /// The lease is another's, or cannot be trusted any more.
    LeaseLost,
    /// The worker is to end.
    Drained,
    /// The job's creator may not have it any more.
    Revoked,
    /// The job's creator is shown something else of it by now.
    Exposed,
}

/// Controls one build.
pub(crate) struct Control {
    pub(super) lease: Lease,
    life: Duration,
    stop: Mutex<Option<Stop>>,
    trusted_until: Mutex<Instant>,
    progress: Mutex<Progress>,
    /// Version of the policy that was seen last, and of the one that the creator was asked under.
    policy_seen: AtomicI64,
    policy_asked: AtomicI64,
    policy_news: Notify,
}

impl Control {
    /// Controls a build whose claim was begun at that moment.
    pub(super) fn new(lease: Lease, life: Duration, begun: Instant) -> Self {
        let control = Self {
            lease,
            life,
            stop: Mutex::default(),
            trusted_until: Mutex::new(begun),
            progress: Mutex::default(),
            policy_seen: AtomicI64::new(0),
            policy_asked: AtomicI64::new(0),
            policy_news: Notify::new(),
        };
        control.trust_since(begun);
        control
    }

    /// Stops the build; the first reason stays.
    pub(super) fn stop(&self, why: Stop) {
        self.lock_stop().get_or_insert(why);
    }

    /// Why the build has to stop, if it has. Trust that has run out is a reason, too.
    pub(super) fn stopped(&self) -> Option<Stop> {
        let trusted_until = *self.trusted_until.lock().unwrap_or_else(PoisonError::into_inner);
        if Instant::now() >= trusted_until {
            self.stop(Stop::LeaseLost);
        }
        *self.lock_stop()
    }

    /// Trusts the lease for its life, counted from when its renewal was begun.
    pub(super) fn trust_since(&self, begun: Instant) {
        let until = begun + self.life - self.life / MARGIN_PARTS;
        *self.trusted_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// Takes note of the policy's version.
    pub(super) fn see_policy(&self, version: i64) {
        if self.policy_seen.fetch_max(version, Ordering::Relaxed) < version {
            self.policy_news.notify_one();
        }
    }

    /// Waits until the policy has changed since this was waited for.
    pub(super) async fn policy_change(&self) {
        self.policy_news.notified().await;
    }

    /// Takes note that the creator was asked about under that version.
    pub(super) fn asked_policy(&self, version: i64) {
        self.policy_asked.fetch_max(version, Ordering::Relaxed);
    }

    /// Whether the creator has to be asked about again.
    pub(super) fn has_new_policy(&self) -> bool {
        self.policy_seen.load(Ordering::Relaxed) > self.policy_asked.load(Ordering::Relaxed)
    }

    /// How far the build is.
    pub(super) fn reached(&self) -> Progress {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_stop(&self) -> std::sync::MutexGuard<'_, Option<Stop>> {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Checkpoint for Control {
    fn verdict(&self) -> Verdict {
        match self.stopped() {
            None => Verdict::Go,
            Some(
                Stop::Cancelled | Stop::LeaseLost | Stop::Drained | Stop::Revoked | Stop::Exposed,
            ) => Verdict::Cancelled,
        }
    }

    fn progress(&self, progress: Progress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }
}
