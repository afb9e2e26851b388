//! The word that stops a stream: it can be said before the stream is open, and until it has ended.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Stops one stream, its opening included. Whoever asks for the stream makes it, keeps a clone and
/// puts the other one into [`StreamOptions`](crate::StreamOptions); all clones are the same word.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<Word>);

#[derive(Default)]
struct Word {
    is_raised: AtomicBool,
    listeners: Mutex<Vec<Arc<dyn Interruptible>>>,
}

/// What runs for a stream in the database and can be stopped there, from any thread, more than
/// once.
pub trait Interruptible: Send + Sync {
    /// Stops it.
    fn interrupt(&self);
}

impl Interrupt {
    /// Stops the stream's statements in the database itself, from any thread, more than once. The
    /// stream's opening and its readers then fail with
    /// [`SourceError::Interrupted`](crate::SourceError::Interrupted).
    pub fn interrupt(&self) {
        self.0.is_raised.store(true, Ordering::Release);
        // A copy: to stop takes a while, and others want to be told meanwhile.
        let listeners = self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for listener in listeners {
            listener.interrupt();
        }
    }

    /// Whether the stream is to stop.
    #[inline]
    pub fn is_raised(&self) -> bool {
        self.0.is_raised.load(Ordering::Acquire)
    }

    /// Passes every later interrupt on, and one that has been already.
    pub fn pass_on_to(&self, listener: Arc<dyn Interruptible>) {
        let mut listeners = self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.push(Arc::clone(&listener));
        drop(listeners);
        if self.is_raised() {
            listener.interrupt();
        }
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt").field("is_raised", &self.is_raised()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Interruptible for Count {
        fn interrupt(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn whoever_comes_before_or_after_the_word_hears_it() {
        let interrupt = Interrupt::default();
        let (early, late) = (Arc::new(Count::default()), Arc::new(Count::default()));
        interrupt.pass_on_to(early.clone());
        assert!(!interrupt.is_raised());
        interrupt.clone().interrupt();
        interrupt.pass_on_to(late.clone());
        interrupt.interrupt();
        assert_eq!((early.0.load(Ordering::Relaxed), late.0.load(Ordering::Relaxed)), (2, 2));
        assert!(interrupt.is_raised());
    }
}
