//! Turns SIGINT, SIGTERM and SIGHUP into a word that the checkpoint hears.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

/// Exit code of a program that was stopped by a second signal.
const INTERRUPTED: i32 = 130;

/// Whether a signal has come.
#[derive(Clone, Debug, Default)]
pub struct Signal(Arc<Heard>);

#[derive(Debug, Default)]
struct Heard {
    is_raised: AtomicBool,
    is_heeded: AtomicBool,
}

impl Signal {
    /// Listens from now on. Where somebody heeds it, the first signal asks and the second ends the
    /// program at once; before, the first one does. A file under construction has no name, so
    /// nothing of it stays either way. A program listens once; who comes later listens too.
    pub fn listen() -> Self {
        static SIGNAL: OnceLock<Signal> = OnceLock::new();
        SIGNAL.get_or_init(Self::begin).clone()
    }

    fn begin() -> Self {
        let signal = Self::default();
        let heard = signal.clone();
        let listening = ctrlc::set_handler(move || {
            let is_second = heard.0.is_raised.swap(true, Ordering::Relaxed);
            if is_second || !heard.0.is_heeded.load(Ordering::Relaxed) {
                std::process::exit(INTERRUPTED);
            }
        });
        if let Err(error) = listening {
            tracing::warn!(%error, "cannot listen to signals");
        }
        signal
    }

    /// Promises to look often from now on whether a signal has come.
    pub fn heed(&self) {
        self.0.is_heeded.store(true, Ordering::Relaxed);
    }

    /// Whether a signal has come.
    pub fn is_raised(&self) -> bool {
        self.0.is_raised.load(Ordering::Relaxed)
    }
}
