//! Listens, and ends in order: what has begun is answered.

use std::{net::SocketAddr, sync::atomic::Ordering, time::Duration};

use tokio::{net::TcpListener, sync::watch};

use crate::{edge::Shared, router::router};

/// Time that answers under way get once the process is told to end.
const DRAIN: Duration = Duration::from_secs(5);

/// Answers requests until `stopped` says true.
///
/// # Errors
///
/// If the socket fails.
pub async fn serve(
    edge: Shared,
    listener: TcpListener,
    mut stopped: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let service = router(edge.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let mut told = stopped.clone();
    let ending = async move {
        // A sender that is gone is an end, too.
        drop(told.wait_for(|is_stopped| *is_stopped).await);
        edge.is_ending.store(true, Ordering::Relaxed);
    };
    let served = axum::serve(listener, service).with_graceful_shutdown(ending);
    let served = tokio::spawn(served.into_future());
    let drained = async {
        drop(stopped.wait_for(|is_stopped| *is_stopped).await);
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = served => match ended {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        },
        () = drained => Ok(()),
    }
}
