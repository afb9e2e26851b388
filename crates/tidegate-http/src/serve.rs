//! Listens, and ends in order: what has begun is answered.

use std::time::Duration;

use tokio::{
    net::TcpListener,
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    edge::{Edge, Shared},
    router::router,
    socket::{Peer, Sockets},
};

/// Time that answers and downloads under way get once the process is told to end.
const DRAIN: Duration = Duration::from_secs(5);
/// Time that connections get to close once everything on them is answered or cut.
const CLOSE: Duration = Duration::from_secs(1);

/// Answers requests until `stopped` says true. From then on `/readyz` says no and streams of
/// events end; the socket stays open while something is under way, and while the site wants it to.
///
/// # Errors
///
/// If the socket fails.
pub async fn serve(
    edge: Shared,
    listener: TcpListener,
    mut stopped: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let service = router(edge.clone()).into_make_service_with_connect_info::<Peer>();
    let (close, mut closing) = watch::channel(false);
    let served = axum::serve(Sockets(listener), service).with_graceful_shutdown(async move {
        // A sender that is gone is an end, too.
        drop(closing.wait_for(|is_closing| *is_closing).await);
    });
    let mut served = tokio::spawn(served.into_future());
    let ending = async {
        drop(stopped.wait_for(|is_stopped| *is_stopped).await);
        edge.ending.send_replace(true);
        sleep(edge.settings.linger).await;
        if timeout(DRAIN, drained(&edge)).await.is_err() {
            edge.downloads.cut().await;
        }
        close.send_replace(true);
    };
    tokio::select! {
        ended = &mut served => return ended.unwrap_or_else(|panic| {
            std::panic::resume_unwind(panic.into_panic())
        }),
        () = ending => {}
    }
    match timeout(CLOSE, served).await {
        Ok(ended) => ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())),
        // A connection whose other side does not read ends with the process.
        Err(_) => Ok(()),
    }
}

async fn drained(edge: &Edge) {
    edge.answering.none().await;
    edge.watchers.none().await;
    edge.downloads.none().await;
}
