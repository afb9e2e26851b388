//! Turns SIGINT, SIGTERM and SIGHUP into a word that the checkpoint hears.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Exit code of a program that was stopped by a second signal.
const INTERRUPTED: i32 = 130;

/// Whether a signal has come.
#[derive(Clone, Debug, Default)]
pub struct Signal(Arc<AtomicBool>);

impl Signal {
    /// Listens from now on. The first signal asks, the second ends the program at once; a file
    /// under construction has no name, so nothing of it stays either way.
    pub fn listen() -> Self {
        let signal = Self::default();
        let heard = signal.clone();
        let listening = ctrlc::set_handler(move || {
            if heard.0.swap(true, Ordering::Relaxed) {
                std::process::exit(INTERRUPTED);
            }
        });
        if let Err(error) = listening {
            tracing::warn!(%error, "cannot listen to signals");
        }
        signal
    }

    /// Whether a signal has come.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
