//! What is under way: counted while it is, and waited for when the process ends.

use tokio::sync::watch;

/// How many of something are under way.
#[derive(Clone, Debug)]
pub(crate) struct Underway(watch::Sender<usize>);

/// One of them, until this is dropped.
#[derive(Debug)]
pub(crate) struct One(Underway);

impl Default for Underway {
    fn default() -> Self {
        Self(watch::channel(0).0)
    }
}

impl Underway {
    /// One more begins.
    pub(crate) fn begin(&self) -> One {
        self.0.send_modify(|count| *count += 1);
        One(self.clone())
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits until there is none.
    pub(crate) async fn none(&self) {
        let mut count = self.0.subscribe();
        count.wait_for(|count| *count == 0).await.expect("the sender is here");
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}
