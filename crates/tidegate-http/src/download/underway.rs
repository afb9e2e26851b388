//! Files on their way: counted, and cut where the process ends before they do.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex as Lock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::BoxError;
use bytes::Bytes;
use futures_util::Stream;
use tidegate_service::{EndReason, Sending, Watch};
use tokio::sync::{Mutex, oneshot};

use crate::{
    socket::Line,
    underway::{One, Underway},
};

/// A file on its way; nothing once its end is written down.
type Held = Arc<Mutex<Option<Sending>>>;

/// The downloads of this process.
#[derive(Clone, Default)]
pub(crate) struct Downloads(Arc<Inner>);

#[derive(Default)]
struct Inner {
    open: Underway,
    bytes_sent: AtomicU64,
    last: AtomicU64,
    held: Lock<HashMap<u64, Held>>,
}

/// The process ends before the file did.
#[derive(Debug, thiserror::Error)]
#[error("the service ends")]
struct ServiceEnds;

impl Downloads {
    /// How many are under way.
    pub(crate) fn count(&self) -> usize {
        self.0.open.count()
    }

    /// Bytes that were sent.
    pub(crate) fn bytes_sent(&self) -> u64 {
        self.0.bytes_sent.load(Ordering::Relaxed)
    }

    /// Waits until none is under way.
    pub(crate) async fn none(&self) {
        self.0.open.none().await;
    }

    /// Cuts those that are under way, also those whose readers have stopped reading, and writes
    /// down how far they came.
    pub(crate) async fn cut(&self) {
        let held: Vec<Held> =
            self.0.held.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for one in held {
            finish(&one, EndReason::ServiceEnded).await;
        }
    }

    /// The pieces of a file. Its end is written down also where the client goes away in between,
    /// and the line is cut once the file may not go on.
    pub(super) fn pieces(
        &self,
        mut sending: Sending,
        line: Option<Line>,
    ) -> impl Stream<Item = Result<Bytes, BoxError>> + use<> {
        let number = self.0.last.fetch_add(1, Ordering::Relaxed);
        let watch = sending.watch();
        let held: Held = Arc::new(Mutex::new(Some(sending)));
        let mut all = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(number, Arc::clone(&held));
        drop(all);
        let one = self.0.open.begin();
        let (end, is_over) = oneshot::channel();
        tokio::spawn(watch_over(watch, Arc::clone(&held), line, is_over));
        let download =
            Download { held, number, downloads: self.clone(), one: Some(one), _end: end };
        futures_util::stream::unfold(Some(download), |download| async move {
            let download = download?;
            match download.next().await {
                Ok(Some(piece)) => {
                    let sent = &download.downloads.0.bytes_sent;
                    sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
                    Some((Ok(piece), Some(download)))
                }
                Ok(None) => None,
                // The connection breaks off, so that nobody takes what there is for the whole.
                Err(error) => {
                    tracing::warn!(%error, "a download was cut");
                    Some((Err(error), None))
                }
            }
        })
    }
}

/// One download, whose end is written down when this is dropped.
struct Download {
    held: Held,
    number: u64,
    downloads: Downloads,
    one: Option<One>,
    /// Nobody has to watch any more once this is dropped.
    _end: oneshot::Sender<()>,
}

impl Download {
    async fn next(&self) -> Result<Option<Bytes>, BoxError> {
        let mut held = self.held.lock().await;
        let sending = held.as_mut().ok_or(ServiceEnds)?;
        Ok(sending.next().await?)
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        let mut all = self.downloads.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.number);
        let (held, one) = (Arc::clone(&self.held), self.one.take());
        tokio::spawn(async move {
            finish(&held, EndReason::Left).await;
            // It is under way until its end is written down.
            drop(one);
        });
    }
}

/// Cuts a download that may not go on, also one whose reader has stopped reading.
async fn watch_over(watch: Watch, held: Held, line: Option<Line>, is_over: oneshot::Receiver<()>) {
    tokio::select! {
        error = watch.end() => {
            tracing::warn!(%error, "a download was cut");
            if let Some(line) = line {
                line.cut();
            }
            finish(&held, EndReason::Failed).await;
        }
        _ = is_over => {}
    }
}

/// Whoever comes second waits until the end is written down.
async fn finish(held: &Held, left_by: EndReason) {
    let mut held = held.lock().await;
    let Some(sending) = held.take() else { return };
    if let Err(error) = sending.finish(left_by).await {
        tracing::error!(%error, "the end of a download could not be written down");
    }
}
