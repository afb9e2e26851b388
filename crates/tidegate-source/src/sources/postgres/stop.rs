//! Stops an export: tells its sessions, and cancels what they run at the server.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use futures_util::future::join_all;
use tokio::{runtime::Builder, sync::watch};

use super::{connector::Canceller, session::Session};
use crate::Interruptible;

/// The word to stop, shared by all sessions of an export.
pub(super) struct Stop {
    is_raised: watch::Sender<bool>,
    sessions: Mutex<Vec<Running>>,
}

struct Running {
    canceller: Canceller,
    is_busy: Arc<AtomicBool>,
}

impl Stop {
    pub(super) fn new() -> Self {
        Self { is_raised: watch::Sender::new(false), sessions: Mutex::default() }
    }

    /// Takes note of a session that will have to be stopped too.
    pub(super) fn watch_over(&self, session: &Session) {
        let running = Running { canceller: session.canceller(), is_busy: session.is_busy() };
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).push(running);
    }

    /// Somebody who learns of the word, also if it was said before.
    pub(super) fn listener(&self) -> Listener {
        Listener(Some(self.is_raised.subscribe()))
    }

    fn busy(&self) -> Vec<Canceller> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = sessions.iter().filter(|running| running.is_busy.load(Ordering::Acquire));
        busy.map(|running| running.canceller.clone()).collect()
    }
}

impl Interruptible for Stop {
    fn interrupt(&self) {
        // First the sessions: each cancels its own statement as it goes, and this is for those
        // whose readers are held up elsewhere.
        self.is_raised.send_replace(true);
        let busy = self.busy();
        if busy.is_empty() {
            return;
        }
        let cancel = move || match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                runtime.block_on(join_all(busy.iter().map(Canceller::cancel)));
            }
            Err(error) => tracing::warn!(%error, "no statement could be cancelled"),
        };
        // A thread of its own: the caller may already be inside a runtime.
        if thread::spawn(cancel).join().is_err() {
            tracing::warn!("no statement could be cancelled");
        }
    }
}

/// Learns of the word to stop.
#[derive(Clone)]
pub(super) struct Listener(Option<watch::Receiver<bool>>);

impl Listener {
    /// Of nobody's word, for a session that nobody stops.
    pub(super) fn of_nobody() -> Self {
        Self(None)
    }

    /// Whether the word was said.
    pub(super) fn is_told(&self) -> bool {
        self.0.as_ref().is_some_and(|word| *word.borrow())
    }

    /// Ends once the word is said.
    pub(super) async fn told(&mut self) {
        if let Some(word) = &mut self.0
            && word.wait_for(|is_raised| *is_raised).await.is_ok()
        {
            return;
        }
        // Nobody is left who could say it.
        std::future::pending().await
    }
}
