//! Cuts masked rows into batches anew, by the bytes that are left of them.
//!
//! Where a batch ends shows in the size of a packed file. Readers end theirs by the bytes that they
//! read, and their chunks by pages or keys: both follow from the length of what is hidden. Here all
//! rows come in their order, and only what is shown counts.

use crossbeam_channel::{Receiver, Sender};
use tidegate_format::CellError;
use tidegate_source::Ticket;

use crate::{order::Order, read::Desk, slab::Slab};

/// Cuts until there is nothing more, and gives each slab back to its reader. Where the slabs ended
/// early, so does what is passed on.
pub(crate) fn cut(
    masked: &Receiver<Slab>,
    free: &[Sender<Slab>],
    desk: &Desk<'_>,
    width: usize,
    batch_bytes: usize,
) {
    let mut order = Order::new();
    let Some(mut pile) = Pile::begin(desk, 0) else { return };
    for from in masked {
        order.insert(from.ticket, from);
        while let Some(mut from) = order.pop() {
            let Some(next) = pile.take(&mut from, desk, width, batch_bytes) else { return };
            pile = next;
            from.clear();
            // A reader that has ended does not want its slabs back.
            let _ = free[from.reader].send(from);
        }
    }
    let is_whole = order.is_complete();
    if !pile.slab.batch.is_empty() || !is_whole {
        pile.pass_on(desk, is_whole);
    }
}

/// Rows of a batch that is not full yet.
struct Pile {
    slab: Slab,
    /// Batches before this one.
    chunk: u64,
    /// Units of the source's extent that these rows have used up.
    extent_done: u64,
}

impl Pile {
    fn begin(desk: &Desk<'_>, chunk: u64) -> Option<Self> {
        Some(Self { slab: desk.next_free()?, chunk, extent_done: 0 })
    }

    /// Takes the rows of a slab, and passes on each batch that is full. Gives the one that is not;
    /// none where a row is at fault, or nobody takes what is passed on.
    fn take(
        mut self,
        from: &mut Slab,
        desk: &Desk<'_>,
        width: usize,
        batch_bytes: usize,
    ) -> Option<Self> {
        self.extent_done += from.ticket.extent_done;
        let mut rows = from.batch.rows(width);
        loop {
            let is_full = self.slab.batch.fill_from(&mut rows, batch_bytes);
            let fault = if rows.len() == 0 { from.fault.take() } else { None };
            if let Some(fault) = fault {
                // The row that is at fault is the last one.
                let row = self.slab.batch.len() - 1;
                self.slab.fault = Some(CellError { row, ..fault });
                self.pass_on(desk, true);
                return None;
            }
            if !is_full {
                return Some(self);
            }
            let chunk = self.pass_on(desk, true)?;
            self = Self::begin(desk, chunk)?;
        }
    }

    /// Passes the batch on. Gives the number of the next one; none if nobody takes it.
    fn pass_on(self, desk: &Desk<'_>, is_last: bool) -> Option<u64> {
        let Self { mut slab, chunk, extent_done } = self;
        slab.batch.seal();
        slab.ticket = Ticket { chunk, part: 0, is_last, extent_done };
        desk.filled.send(slab).ok().map(|()| chunk + 1)
    }
}
