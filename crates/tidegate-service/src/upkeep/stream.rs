//! Streams the activity log out, to each sink from where it was left.
//!
//! A page is sent first and noted after that, so whoever dies in between sends it again: at least
//! once, and never a gap. One process at a time holds a sink, so that entries come twice only
//! where somebody died.

use futures_util::future::join_all;
use tidegate_model::{
    action::{Action, Target},
    audit::StoredEntry,
    policy::Denied,
};
use tidegate_store::{HoldRequest, Store, StoreError, StreamHold};
use tracing::warn;

use super::error::permit;
use crate::audit::{Sink, SinkError};

/// Name of the task, as the policy is asked.
const TASK: &str = "stream";
/// Entries that are sent at a time.
const PAGE: u32 = 1_000;
/// Pages of one run at most: other upkeep waits for it.
const PAGES_MAX: usize = 100;
/// How long a sink is held after a page. A process that dies holds up the others for as long; it is
/// more than a sink may take for a page.
const HOLD_MICROS: i64 = 30_000_000;

/// Streams the log to the sinks of this process.
#[derive(Debug)]
pub struct Stream {
    holder: String,
    sinks: Vec<Streamed>,
}

/// A sink, and the right to it while this process has it.
#[derive(Debug)]
struct Streamed {
    sink: Sink,
    hold: Option<StreamHold>,
}

/// What became of a sink.
#[derive(Debug)]
pub struct SinkRun {
    /// Its name.
    pub sink: String,
    /// Number of the last entry that it has, and how many of them are new; none if there is
    /// something new that another process is sending.
    pub sent: Result<Option<Sent>, StreamError>,
}

/// How far a sink is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Number of the last entry that it has.
    pub seq: i64,
    /// Entries of this run.
    pub entries: u64,
}

/// Entries are not streamed.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Upkeep may not do it: a fault of the program.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The sink fails.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// There is a hole in the log: going on would hide it.
    #[error(
        "entry {seq} of the activity log is missing, and nothing behind it is streamed: run \
         `tidegate audit verify`"
    )]
    Hole {
        /// Number of the missing entry.
        seq: i64,
    },
    /// The position is behind the end of the log.
    #[error(
        "entries up to {noted} are noted as streamed, and the log ends at {head}: it was changed, \
         or an older backup was restored. Run `tidegate audit verify`"
    )]
    Ahead {
        /// What is noted.
        noted: i64,
        /// Number of the last entry.
        head: i64,
    },
}

impl Stream {
    /// For these sinks. `holder` is a name that no other process has.
    pub fn new(holder: impl Into<String>, sinks: Vec<Sink>) -> Self {
        let sinks = sinks.into_iter().map(|sink| Streamed { sink, hold: None });
        Self { holder: holder.into(), sinks: sinks.collect() }
    }

    /// Sends what is new to each sink. A sink that fails does not hold up the others.
    pub async fn run(&mut self, store: &Store) -> Vec<SinkRun> {
        let holder = &self.holder;
        let runs = self.sinks.iter_mut().map(|streamed| async move {
            let sent = streamed.send(store, holder).await;
            let sink = streamed.sink.name().to_owned();
            if let Err(fault) = &sent {
                let error = fault as &dyn std::error::Error;
                warn!(sink, error, "activity log not streamed");
            }
            SinkRun { sink, sent }
        });
        join_all(runs).await
    }

    /// Gives the sinks to whoever comes next.
    ///
    /// # Errors
    ///
    /// If the database fails: the next process then waits a while.
    pub async fn leave(&mut self, store: &Store) -> Result<(), StoreError> {
        for hold in self.sinks.iter_mut().filter_map(|streamed| streamed.hold.take()) {
            store.leave_stream(hold).await?;
        }
        Ok(())
    }
}

impl Streamed {
    async fn send(&mut self, store: &Store, holder: &str) -> Result<Option<Sent>, StreamError> {
        let (mut sent, mut entries) = (store.streamed(self.sink.cursor()).await?, 0);
        for _ in 0..PAGES_MAX {
            // Where nothing is new, nothing is written to the database either.
            let (head, _) = store.head().await?;
            if head == sent {
                break;
            }
            let Some(noted) = self.hold(store, holder).await? else { return Ok(None) };
            if noted > head {
                return Err(StreamError::Ahead { noted, head });
            }
            let page = page_behind(store, noted).await?;
            let Some(last) = page.last() else { break };
            let last = last.seq;
            self.sink.send(&page).await?;
            entries += page.len() as u64;
            if !self.note(store, last).await? {
                return Ok(None);
            }
            sent = last;
        }
        Ok(Some(Sent { seq: sent, entries }))
    }

    /// Takes the sink, or keeps it, for the next page. Gives the number of the last entry that it
    /// is known to have; none if another process has it.
    async fn hold(&mut self, store: &Store, holder: &str) -> Result<Option<i64>, StreamError> {
        let permit =
            permit::<StreamError>(store, TASK, Action::StreamHold, Target::default()).await?;
        let request = HoldRequest { sink: self.sink.cursor(), holder, hold_micros: HOLD_MICROS };
        self.hold = store.hold_stream(permit, request).await?;
        Ok(self.hold.as_ref().map(StreamHold::seq))
    }

    /// Notes how far it is, unless another process has taken it meanwhile.
    async fn note(&mut self, store: &Store, seq: i64) -> Result<bool, StreamError> {
        let Some(hold) = &self.hold else { return Ok(false) };
        let is_noted = store.note_streamed(hold, seq).await?;
        if !is_noted {
            self.hold = None;
        }
        Ok(is_noted)
    }
}

/// Entries behind a number, without a hole. A sink that is new begins behind what was archived; no
/// entry is archived that another one still needs.
async fn page_behind(store: &Store, seq: i64) -> Result<Vec<StoredEntry>, StreamError> {
    let archived = if seq == 0 { store.last_archive().await? } else { None };
    let seq = archived.and_then(|signed| signed.says()).map_or(seq, |says| says.to);
    let rows = store.entries(seq, PAGE).await?;
    let page: Vec<StoredEntry> = rows.into_iter().map(|(stored, _)| stored).collect();
    let numbers = seq.saturating_add(1)..;
    match numbers.zip(&page).find(|(number, stored)| *number != stored.seq) {
        Some((seq, _)) => Err(StreamError::Hole { seq }),
        None => Ok(page),
    }
}
