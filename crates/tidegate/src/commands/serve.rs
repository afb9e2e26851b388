//! `tidegate serve` and `tidegate worker`: build exports until told to stop.

use std::sync::Arc;

use tidegate_service::{Upkeep, Worker};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{
    cli::Cli,
    control::{self, Control},
    edge,
    failure::Failure,
    log,
};

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Everything.
    All,
    /// Builds only.
    Worker,
}

/// Runs the command.
///
/// # Errors
///
/// If the control plane cannot be opened.
pub fn run(part: Part, cli: &Cli) -> Result<(), Failure> {
    control::run(async {
        let control = Control::open(cli).await?;
        control.claim_store().await?;
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(async move {
            wait_for_signal().await;
            stop.send_replace(true);
            // A second one ends the process at once; leases and files are made for that.
            wait_for_signal().await;
            std::process::exit(1);
        });
        let control = Arc::new(control);
        tokio::spawn(reload_on_signal(Arc::clone(&control), cli.clone()));
        let settings = control.worker_settings();
        let upkeep = match part {
            Part::All => {
                let upkeep = Upkeep::new(
                    Arc::clone(&control.service),
                    Arc::clone(&control.artifacts),
                    control.upkeep_settings()?,
                );
                let (checkpoints, stream) = control.watchers()?;
                Some(tokio::spawn(upkeep.run(checkpoints, stream, stopped.clone())))
            }
            Part::Worker => None,
        };
        let edge = match part {
            Part::All => Some(edge::open(&control).await?),
            Part::Worker => None,
        };
        let worker =
            Worker::new(Arc::clone(&control.service), Arc::clone(&control.artifacts), settings);
        let worker = worker.map_err(|error| Failure::failed("state_folder", &error))?;
        let edge = match edge {
            Some(edge) => {
                log::say(&format!("ready at {}", edge.address()));
                if let Some(setup) = edge.setup() {
                    // A secret, which logs are not for: whoever starts the process sees it, once.
                    eprintln!(
                        "tidegate: there is no operator yet; make the first one at\n  {setup}"
                    );
                }
                Some(tokio::spawn(edge.run(stopped.clone())))
            }
            None => {
                log::say("ready");
                None
            }
        };
        Arc::new(worker).run(stopped).await;
        if let Some(edge) = edge {
            drop(edge.await);
        }
        if let Some(upkeep) = upkeep {
            drop(upkeep.await);
        }
        control.artifacts.settle().await;
        Ok(())
    })
}

/// Reads configuration and keys again at SIGHUP.
async fn reload_on_signal(control: Arc<Control>, cli: Cli) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        let (control, cli) = (Arc::clone(&control), cli.clone());
        // Files and URLs are looked at: not on a thread that others need.
        let reloaded = tokio::task::spawn_blocking(move || control.reload(&cli)).await;
        match reloaded {
            Ok(Ok(())) => log::say("configuration read again"),
            Ok(Err(failure)) => {
                log::say("the configuration stays as it was, as the new one is wrong");
                failure.report(false);
            }
            Err(_) => log::say("the configuration stays as it was"),
        }
    }
}

async fn wait_for_signal() {
    let listen = |kind| signal(kind).map_err(|error| tracing::error!(%error, "no signals"));
    let (Ok(mut term), Ok(mut int)) =
        (listen(SignalKind::terminate()), listen(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
