//! The writer: takes encoded slabs, puts them in order, frames, hashes and writes them.

use std::{
    io::{self, Write},
    sync::atomic::{AtomicU64, Ordering},
};

use crossbeam_channel::{Receiver, Sender};
use sha2::{Digest, Sha256};
use tidegate_batch::Schema;
use tidegate_format::{Counts, FormatError, Framing};
use tidegate_model::field::Field;

use crate::{Artifact, Limits, Progress, RunError, order::Order, row_name::row_name, slab::Slab};

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
    pub(crate) counts: Counts,
}

/// Counters that the writer keeps for whoever watches.
#[derive(Default)]
pub(crate) struct Meter {
    rows: AtomicU64,
    bytes: AtomicU64,
    extent_done: AtomicU64,
}

impl Meter {
    /// Reads the counters; what there is in all, the stream knows.
    pub(crate) fn progress(&self) -> Progress {
        Progress {
            rows: self.rows.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            extent_done: self.extent_done.load(Ordering::Relaxed),
            extent_total: 0,
            rows_estimated: None,
        }
    }
}

/// What the writer works with.
pub(crate) struct Writer<'a> {
    pub(crate) framing: Box<dyn Framing>,
    pub(crate) artifact: &'a mut dyn Artifact,
    pub(crate) schema: &'a Schema,
    pub(crate) key: &'a [Field],
    pub(crate) limits: Limits,
    pub(crate) meter: &'a Meter,
}

impl Writer<'_> {
    /// Writes slabs until there are no more, and gives each back to its reader.
    ///
    /// `Ok(None)` means that the slabs ended early, because a reader or an encoder stopped.
    pub(crate) fn write(
        mut self,
        encoded: &Receiver<Slab>,
        free: &[Sender<Slab>],
    ) -> Result<Option<Written>, RunError> {
        let name = self.artifact.name();
        let mut out = Hashing { sha256: Sha256::new(), bytes: 0, artifact: self.artifact };
        self.framing.begin(&mut out).map_err(|error| blame(error, &name))?;
        let mut order = Order::new();
        let mut counts = Counts::default();
        let mut rows = 0;
        for slab in encoded {
            order.insert(slab.ticket, slab);
            while let Some(mut slab) = order.pop() {
                if let Some(fault) = slab.fault.take() {
                    return Err(cell_error(fault, self.key, self.schema, &slab, rows));
                }
                self.framing.place(&slab.batch, &mut slab.piece, &mut out).map_err(|error| {
                    match error {
                        FormatError::Cell(fault) => {
                            cell_error(fault, self.key, self.schema, &slab, rows)
                        }
                        other => blame(other, &name),
                    }
                })?;
                rows += slab.piece.rows as u64;
                counts += slab.piece.counts;
                self.limits.check(rows, out.bytes)?;
                self.meter.rows.store(rows, Ordering::Relaxed);
                self.meter.bytes.store(out.bytes, Ordering::Relaxed);
                self.meter.extent_done.fetch_add(slab.ticket.extent_done, Ordering::Relaxed);
                slab.clear();
                // A reader that has ended does not want its slabs back.
                let _ = free[slab.reader].send(slab);
            }
        }
        if !order.is_complete() {
            return Ok(None);
        }
        self.framing.end(&mut out).map_err(|error| blame(error, &name))?;
        counts += self.framing.counts();
        out.flush().map_err(|cause| RunError::Artifact { name, cause })?;
        let sha256 = out.sha256.finalize().into();
        Ok(Some(Written { rows, bytes: out.bytes, sha256, counts }))
    }
}

impl Limits {
    fn check(&self, rows: u64, bytes: u64) -> Result<(), RunError> {
        let over = |limit, unit, setting| Err(RunError::OverLimit { limit, unit, setting });
        match (self.rows_max, self.bytes_max) {
            (Some(limit), _) if rows > limit => over(limit, "rows", "rows_max"),
            (_, Some(limit)) if bytes > limit => over(limit, "bytes", "bytes_max"),
            _ => Ok(()),
        }
    }
}

/// Hashes and counts what passes through to the artifact.
struct Hashing<'a> {
    sha256: Sha256,
    bytes: u64,
    artifact: &'a mut dyn Artifact,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sha256.update(bytes);
        self.bytes += bytes.len() as u64;
        self.artifact.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.artifact.flush()
    }
}

/// Tells a failing disk from a failing encoder.
fn blame(error: FormatError, name: &str) -> RunError {
    match error {
        FormatError::Write(cause) => RunError::Artifact { name: name.to_owned(), cause },
        other => RunError::Format(other),
    }
}

fn cell_error(
    error: tidegate_format::CellError,
    key: &[Field],
    schema: &Schema,
    slab: &Slab,
    rows_before: u64,
) -> RunError {
    RunError::Cell {
        field: schema.columns()[error.column].slug.clone(),
        row: row_name(key, schema, &slab.batch, error.row, rows_before),
        fault: error.fault,
    }
}
