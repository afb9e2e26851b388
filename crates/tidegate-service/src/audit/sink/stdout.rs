//! Streams entries to the standard output: a line an entry.

use std::io::{self, Write};

use tidegate_model::audit::StoredEntry;
use tokio::task::JoinHandle;

use super::lines_of;

/// The standard output. Whoever reads it may stop reading, and then one page waits, not many.
#[derive(Debug, Default)]
pub(super) struct StdoutSink {
    printing: Option<JoinHandle<io::Result<()>>>,
}

impl StdoutSink {
    pub(super) async fn send(&mut self, page: &[StoredEntry]) -> io::Result<()> {
        // What was given up waiting for may still be under way: its page comes again after it.
        if let Some(printing) = &mut self.printing {
            drop(printing.await);
            self.printing = None;
        }
        let lines = lines_of(page);
        let printing = tokio::task::spawn_blocking(move || {
            let mut stdout = io::stdout().lock();
            stdout.write_all(&lines)?;
            stdout.flush()
        });
        let printed = self.printing.insert(printing).await;
        self.printing = None;
        printed.map_err(io::Error::other)?
    }
}
