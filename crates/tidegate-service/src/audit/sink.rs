//! A place that entries are streamed to as they happen.

mod file;
mod stdout;
mod syslog;

use std::{io, time::Duration};

use tidegate_model::audit::StoredEntry;

use super::settings::{SinkSettings, SyslogAddress};

use file::FileSink;
use stdout::StdoutSink;
use syslog::Syslog;

/// How long a sink may take for a page before it is left for the next round.
pub(crate) const SINK_SECONDS_MAX: u64 = 10;

/// A place that entries are streamed to.
#[derive(Debug)]
pub struct Sink {
    name: String,
    cursor: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    File(FileSink),
    Stdout(StdoutSink),
    Syslog(Syslog),
}

/// A sink did not take entries: they will be sent again.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// It cannot be written.
    #[error("cannot stream the activity log to `{sink}`")]
    Unwritable {
        /// Which one.
        sink: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// It takes too long.
    #[error("`{sink}` did not take entries of the activity log within {SINK_SECONDS_MAX} s")]
    TimedOut {
        /// Which one.
        sink: String,
    },
}

impl Sink {
    /// The sink that a setting names, on a host of this name.
    pub fn new(settings: &SinkSettings, host: &str) -> Self {
        let name = settings.to_string();
        let (place, is_hosts_own) = match settings {
            SinkSettings::File(path) => (Place::File(FileSink::new(path)), true),
            SinkSettings::Stdout => (Place::Stdout(StdoutSink::default()), false),
            SinkSettings::Syslog(address) => {
                let is_local = matches!(address, SyslogAddress::Local(_));
                (Place::Syslog(Syslog::new(address.clone(), host)), is_local)
            }
        };
        // A file of each host has all entries; a server, or whoever collects what is printed, gets
        // them once, from one of us.
        let cursor = if is_hosts_own { format!("{host} {name}") } else { name.clone() };
        Self { name, cursor, place }
    }

    /// Its name, as the configuration spells it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its position is kept under.
    pub(crate) fn cursor(&self) -> &str {
        &self.cursor
    }

    /// Sends entries, and comes back when they are as safe there as can be known.
    pub(crate) async fn send(&mut self, page: &[StoredEntry]) -> Result<(), SinkError> {
        let patience = Duration::from_secs(SINK_SECONDS_MAX);
        let sent = tokio::time::timeout(patience, async {
            match &mut self.place {
                Place::File(file) => file.send(page).await,
                Place::Stdout(stdout) => stdout.send(page).await,
                Place::Syslog(syslog) => syslog.send(page).await,
            }
        });
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(cause)) => Err(SinkError::Unwritable { sink: self.name.clone(), cause }),
            Err(_) => Err(SinkError::TimedOut { sink: self.name.clone() }),
        }
    }
}

/// Entries as lines.
fn lines_of(page: &[StoredEntry]) -> Vec<u8> {
    let lines = page.iter().map(|stored| stored.line() + "\n");
    lines.collect::<String>().into_bytes()
}

/// Runs what may wait for a disk or a pipe.
async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}
