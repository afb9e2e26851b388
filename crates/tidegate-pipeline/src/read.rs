//! A reader's thread: takes a free slab, fills it from the source, masks it and passes it on.

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use tidegate_batch::RowBatch;
use tidegate_source::Reader;

use crate::{
    Masking, RunError,
    run::{Flow, TICK},
    slab::Slab,
};

/// Where a thread takes its slabs from, and puts them.
pub(crate) struct Desk<'a> {
    pub(crate) free: &'a Receiver<Slab>,
    pub(crate) filled: &'a Sender<Slab>,
    pub(crate) flow: &'a Flow,
}

impl Desk<'_> {
    /// The next free slab. Who is ahead waits here for one that is behind, and must not wait for
    /// ever when that one has failed.
    pub(crate) fn next_free(&self) -> Option<Slab> {
        loop {
            match self.free.recv_timeout(TICK) {
                Ok(_) | Err(RecvTimeoutError::Timeout) if self.flow.is_stopped() => return None,
                Ok(slab) => return Some(slab),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

/// Reads until the source has no more, or somebody said stop. Gives the rows that were passed on.
/// What is masked takes the place of what was read: nobody behind this has anything else.
pub(crate) fn read(
    mut reader: Box<dyn Reader>,
    masking: Option<&Masking>,
    desk: &Desk<'_>,
) -> Result<u64, RunError> {
    let mut clear = RowBatch::default();
    let mut is_chunk_open = false;
    let mut rows = 0;
    while let Some(mut slab) = desk.next_free() {
        let batch = if masking.is_some() { &mut clear } else { &mut slab.batch };
        match reader.read(batch) {
            Ok(Some(ticket)) => {
                is_chunk_open = !ticket.is_last;
                slab.ticket = ticket;
            }
            Ok(None) if is_chunk_open => return Err(RunError::Truncated),
            Ok(None) => return Ok(rows),
            Err(error) => return Err(error.into()),
        }
        batch.seal();
        if let Some(masking) = masking {
            slab.fault = masking.apply(&clear, &mut slab.batch).err();
            // Room for the last row, too: it is not given back and taken again for each batch.
            clear.clear(2 * slab.batch_bytes());
        }
        rows += slab.batch.len() as u64;
        if desk.filled.send(slab).is_err() {
            break;
        }
    }
    Ok(rows)
}
