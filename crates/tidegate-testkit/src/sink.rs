//! A listener that keeps what it is sent: its port, a thread for each connection, and what it kept.

use std::{
    io,
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Longest wait for what must come.
const WAIT: Duration = Duration::from_secs(30);

/// A running listener; `S` is what it kept, and how it is told to fail.
#[derive(Debug)]
pub(crate) struct Sink<S> {
    port: u16,
    kept: Arc<Kept<S>>,
}

/// What a listener shares with its connections.
#[derive(Debug, Default)]
pub(crate) struct Kept<S> {
    state: Mutex<S>,
    has_come: Condvar,
    is_over: AtomicBool,
}

impl<S> Kept<S> {
    /// What it is now.
    pub(crate) fn lock(&self) -> MutexGuard<'_, S> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes it, and tells whoever waits.
    pub(crate) fn change(&self, change: impl FnOnce(&mut S)) {
        change(&mut self.lock());
        self.has_come.notify_all();
    }
}

impl<S: Default + Send + 'static> Sink<S> {
    /// Starts one on a port of its own; `serve` has each connection to its end.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub(crate) fn start(serve: fn(&Kept<S>, TcpStream) -> io::Result<()>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let kept = Arc::new(Kept::default());
        let serving: Arc<Kept<S>> = Arc::clone(&kept);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if serving.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let kept = Arc::clone(&serving);
                std::thread::spawn(move || drop(serve(&kept, stream)));
            }
        });
        Self { port, kept }
    }
}

impl<S> Sink<S> {
    /// Its port, on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What it is now.
    pub(crate) fn lock(&self) -> MutexGuard<'_, S> {
        self.kept.lock()
    }

    /// Waits until so much has come, as `measure` counts it.
    ///
    /// # Panics
    ///
    /// If it is not in time.
    pub(crate) fn wait_for(
        &self,
        count: usize,
        measure: impl Fn(&S) -> usize,
    ) -> MutexGuard<'_, S> {
        let too_few = |state: &mut S| measure(state) < count;
        let waited = self.kept.has_come.wait_timeout_while(self.lock(), WAIT, too_few);
        let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "{} of {count} have come", measure(&state));
        state
    }
}

impl<S> Drop for Sink<S> {
    fn drop(&mut self) {
        self.kept.is_over.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}
