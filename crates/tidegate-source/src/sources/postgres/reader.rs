//! Reads one share of an export after the other.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tidegate_batch::{RowBatch, Schema};
use tidegate_model::field::Field;

use super::{
    fault::Fault,
    nul,
    portal::{Front, LongRow, Portal, told_fault, told_rows},
    session::Session,
    shares::{Pace, Scan, Share, Shares},
    statement::ShareStatement,
    stop::Listener,
};
use crate::{Reader, SourceError, Ticket};

/// Statements that the server has in hand, so that it need not wait for us between two.
const STATEMENTS_AHEAD: usize = 2;
/// Longest request that is sent while rows are still to come. If neither side read and both
/// wrote, they would wait for each other; this much fits every socket's buffer.
const REQUEST_BYTES_AHEAD_MAX: usize = 8 << 10;

/// What all readers of an export do alike.
pub(super) struct Work {
    /// Columns of the batches.
    pub(super) schema: Arc<Schema>,
    /// Columns whose cells may hold marks for NULs.
    pub(super) marked: Vec<usize>,
    /// Key of the subject, for errors.
    pub(super) key: Vec<Field>,
    /// Statement for a share.
    pub(super) statement: ShareStatement,
    /// Parts of the export.
    pub(super) shares: Shares,
    /// Bytes that a batch should hold.
    pub(super) batch_bytes: usize,
    /// Bytes that a cell may have.
    pub(super) cell_bytes_max: usize,
    /// "read `orders`", for errors.
    pub(super) doing: String,
}

/// One reader, with a session of its own.
pub(super) struct PostgresReader {
    /// Closed once there is nothing more.
    session: Option<Session>,
    scanner: Scanner,
}

impl PostgresReader {
    /// A reader on a session that sees the snapshot, stopped by the word that stops the session.
    ///
    /// # Errors
    ///
    /// If the connection is lost.
    pub(super) fn new(session: Session, work: Arc<Work>, pace: Pace) -> Result<Self, SourceError> {
        session.lend_socket().map_err(|fault| session.doing(&work.doing).error(fault))?;
        let scanner = Scanner {
            is_busy: session.is_busy(),
            portal: Portal::new(),
            sent: VecDeque::with_capacity(STATEMENTS_AHEAD),
            progress: Progress::default(),
            work,
            pace,
            stop: session.listener(),
        };
        Ok(Self { session: Some(session), scanner })
    }
}

impl Reader for PostgresReader {
    fn read(&mut self, batch: &mut RowBatch) -> Result<Option<Ticket>, SourceError> {
        let Some(session) = &self.session else { return Ok(None) };
        match session.runtime.block_on(self.scanner.read(session, batch)) {
            Ok(Some(ticket)) => Ok(Some(ticket)),
            Ok(None) => {
                self.session = None;
                Ok(None)
            }
            Err(fault) => {
                let is_stopped = self.scanner.stop.is_told();
                let error = match fault {
                    // The word came by way of the server.
                    Fault::Server(told) if is_stopped && told.code == "57014" => {
                        SourceError::Interrupted
                    }
                    fault => session.doing(&self.scanner.work.doing).error(fault),
                };
                self.session = None;
                Err(error)
            }
        }
    }
}

/// The state of a reader between two batches.
struct Scanner {
    work: Arc<Work>,
    portal: Portal,
    /// Shares whose statements the server has, in the order of its answers.
    sent: VecDeque<Share>,
    progress: Progress,
    pace: Pace,
    stop: Listener,
    is_busy: Arc<AtomicBool>,
}

/// How far the share that is being read has come.
#[derive(Default)]
struct Progress {
    part: u64,
    rows: u64,
    bytes: u64,
    /// Whether the server has told the number of rows, and told it right.
    is_proven: bool,
}

/// Why a batch ends.
enum End {
    /// It is full.
    Batch,
    /// The share is.
    Share,
}

impl Scanner {
    async fn read(
        &mut self,
        session: &Session,
        batch: &mut RowBatch,
    ) -> Result<Option<Ticket>, Fault> {
        self.keep_ahead(session).await?;
        let Some(share) = self.sent.front().copied() else { return Ok(None) };
        let end = self.fill(session, batch).await?;
        let mut ticket =
            Ticket { chunk: share.chunk, part: self.progress.part, is_last: false, extent_done: 0 };
        self.progress.part += 1;
        self.progress.bytes += batch.bytes_len() as u64;
        if let Scan::Whole { .. } = self.work.shares.scan() {
            ticket.extent_done = batch.len() as u64;
        }
        if let End::Share = end {
            ticket.is_last = true;
            if let Scan::Pages { .. } = self.work.shares.scan() {
                ticket.extent_done = share.pages;
                self.pace.learn(self.progress.bytes, share.pages.max(1));
            }
            self.sent.pop_front();
            self.progress = Progress::default();
            self.is_busy.store(!self.sent.is_empty(), Ordering::Release);
        }
        Ok(Some(ticket))
    }

    /// Sends statements, so that the server goes on while we look at what it sent.
    async fn keep_ahead(&mut self, session: &Session) -> Result<(), Fault> {
        while self.sent.len() < STATEMENTS_AHEAD {
            let length = self.work.statement.request_bytes();
            if !self.sent.is_empty() && length > REQUEST_BYTES_AHEAD_MAX {
                return Ok(());
            }
            if self.stop.is_told() {
                return Err(Fault::Interrupted);
            }
            let Some(share) = self.work.shares.claim(self.pace.wanted()) else { return Ok(()) };
            let request = self.work.statement.request(share)?;
            self.is_busy.store(true, Ordering::Release);
            self.sent.push_back(share);
            let Self { stop, .. } = self;
            tokio::select! {
                biased;
                written = session.tap.write_all(&request) => written?,
                () = stop.told() => return Err(Fault::Interrupted),
            }
        }
        Ok(())
    }

    /// Fills the batch from what the server sends.
    async fn fill(&mut self, session: &Session, batch: &mut RowBatch) -> Result<End, Fault> {
        let work = Arc::clone(&self.work);
        let width = work.schema.width();
        loop {
            let (tag, length) = match self.portal.front(work.cell_bytes_max)? {
                Front::Message(tag, length) => (tag, length),
                Front::Partial => {
                    let Self { portal, stop, .. } = self;
                    tokio::select! {
                        biased;
                        filled = portal.fill(&session.tap) => filled?,
                        () = stop.told() => return Err(Fault::Interrupted),
                    }
                    continue;
                }
                Front::LongRow if !batch.is_empty() => return Ok(End::Batch),
                Front::LongRow => {
                    self.long_row(session).await?;
                    continue;
                }
            };
            match tag {
                b'D' => {
                    let cells = cells_of(self.portal.body(length), width)?;
                    if !batch.is_empty() && batch.bytes_len() + cells.len() > work.batch_bytes {
                        return Ok(End::Batch);
                    }
                    let restored = match work.marked.is_empty() {
                        true => None,
                        false => nul::restored(cells, &work.marked),
                    };
                    let cells = restored.as_deref().unwrap_or(cells);
                    batch.push_tuple(cells, width).map_err(|error| Fault::Broken(error.into()))?;
                    self.progress.rows += 1;
                }
                b'C' => {
                    if told_rows(self.portal.body(length)) != Some(self.progress.rows) {
                        return Err(Fault::Protocol("fewer or more rows than it tells"));
                    }
                    self.progress.is_proven = true;
                }
                b'E' => return Err(told_fault(self.portal.body(length))),
                b'Z' => {
                    self.portal.consume(length);
                    return match self.progress.is_proven {
                        true => Ok(End::Share),
                        false => Err(Fault::Protocol("a statement ended without an end")),
                    };
                }
                // Parsed, bound; notices, parameters, notifications.
                b'1' | b'2' | b'N' | b'S' | b'A' => {}
                _ => return Err(Fault::Protocol("an unknown message")),
            }
            self.portal.consume(length);
        }
    }

    /// Reads a row that may hold a cell over the limit; it becomes a message if it does not.
    async fn long_row(&mut self, session: &Session) -> Result<(), Fault> {
        let cell_bytes_max = self.work.cell_bytes_max;
        let Self { portal, stop, .. } = self;
        let row = tokio::select! {
            biased;
            row = portal.read_long_row(&session.tap, cell_bytes_max) => row?,
            () = stop.told() => return Err(Fault::Interrupted),
        };
        match row.too_long {
            None => Ok(()),
            Some((column, bytes)) => Err(Fault::from(SourceError::BadValue {
                field: self.work.schema.columns()[column].slug.clone(),
                row: self.row_name(&row),
                detail: format!(
                    "a value of {bytes} bytes; at most {cell_bytes_max} fit (`cell_bytes_max`)"
                ),
            })),
        }
    }
}

impl Scanner {
    /// What a row is called in an error: by its key, or by its ordinal where the key is personal
    /// or not at hand. The ordinal counts from the beginning of the share.
    fn row_name(&self, row: &LongRow) -> String {
        self.key_of(row).unwrap_or_else(|| {
            let ordinal = self.progress.rows + 1;
            match self.sent.front().map_or(0, |share| share.chunk) {
                0 => format!("ordinal {ordinal}"),
                chunk => format!("ordinal {ordinal} of chunk {chunk}"),
            }
        })
    }

    fn key_of(&self, row: &LongRow) -> Option<String> {
        let key = &self.work.key;
        if key.is_empty() || key.iter().any(|field| field.pii.is_some()) {
            return None;
        }
        let columns = self.work.schema.columns();
        let parts = key.iter().map(|field| {
            let at = columns.iter().position(|column| column.slug == field.slug)?;
            let value = columns[at].decode(self.portal.cell(row, at)).ok()?;
            Some(format!("{} {}", field.slug, value.key_text()?))
        });
        Some(parts.collect::<Option<Vec<_>>>()?.join(", "))
    }
}

/// The cells of a row, behind their count.
#[inline]
fn cells_of(body: &[u8], width: usize) -> Result<&[u8], Fault> {
    match body.split_first_chunk() {
        Some((count, cells)) if usize::from(u16::from_be_bytes(*count)) == width => Ok(cells),
        Some(_) | None => Err(Fault::Protocol("a row with more or fewer cells than columns")),
    }
}
