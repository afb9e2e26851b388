//! Which part of an export is read next, by whichever reader is free.

use std::sync::{Mutex, PoisonError};

use crate::Extent;

/// Pages that a share has at most: 64 MiB of heap, so that a stop is heard in time.
const PAGES_MAX: u64 = 8192;
/// Pages that a share has at least, where they do not overfill a batch: a statement costs the
/// server about as much as ten pages of rows.
const PAGES_MIN: u64 = 8;
/// How much larger than the last a share may be. The rows of a filter may stand in clusters.
const GROWTH_MAX: u64 = 4;
/// Part of a batch that a share should fill, in percent: a little over makes a second batch.
const FILL_PERCENT: u64 = 90;
/// Bytes of a page of a table.
pub(super) const PAGE_BYTES: u64 = 8192;

/// What there is to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// All in one statement, of about this many rows.
    Whole {
        /// The server's own estimate.
        rows: u64,
    },
    /// The pages of a table, in shares.
    Pages {
        /// Pages of each table that holds its rows: its own, or those of each partition.
        leaves: Vec<u64>,
    },
}

impl Scan {
    /// Pages that the longest of the tables has; a share is a range of these in each of them.
    fn pages(&self) -> u64 {
        match self {
            Self::Whole { .. } => 0,
            Self::Pages { leaves } => leaves.iter().copied().max().unwrap_or(0),
        }
    }

    /// Pages of all tables, up to `page` in each.
    fn pages_before(&self, page: u64) -> u64 {
        match self {
            Self::Whole { .. } => 0,
            Self::Pages { leaves } => leaves.iter().map(|pages| (*pages).min(page)).sum(),
        }
    }

    /// Tables that reach beyond `page`.
    fn leaves_beyond(&self, page: u64) -> u64 {
        match self {
            Self::Whole { .. } => 1,
            Self::Pages { leaves } => leaves.iter().filter(|pages| **pages > page).count() as u64,
        }
    }

    /// How much there is to scan.
    pub(super) fn extent(&self) -> Extent {
        match self {
            Self::Whole { rows } => Extent { total: *rows, unit: "rows" },
            Self::Pages { .. } => Extent { total: self.pages_before(u64::MAX), unit: "pages" },
        }
    }

    /// Readers that find work, up to `readers`.
    pub(super) fn readers(&self, readers: usize, wanted: u64) -> usize {
        match self {
            Self::Whole { .. } => 1,
            Self::Pages { .. } => {
                let shares = self.pages_before(u64::MAX).div_ceil(wanted);
                readers.clamp(1, usize::try_from(shares).unwrap_or(usize::MAX).max(1))
            }
        }
    }
}

/// Hands out the shares, in the order of the export.
#[derive(Debug)]
pub(super) struct Shares {
    scan: Scan,
    readers: u64,
    next: Mutex<Next>,
}

#[derive(Debug, Default)]
struct Next {
    chunk: u64,
    page: u64,
    is_done: bool,
}

/// A part of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// Its place among all.
    pub(super) chunk: u64,
    /// First page, and the one behind the last, in each table.
    pub(super) range: (u64, u64),
    /// Pages in all tables.
    pub(super) pages: u64,
    /// Whether it reaches to the end of the table, wherever that may be: the table can have grown
    /// since it was measured.
    pub(super) is_last: bool,
}

impl Shares {
    pub(super) fn new(scan: Scan, readers: usize) -> Self {
        Self { scan, readers: readers as u64, next: Mutex::default() }
    }

    /// What there is to read.
    pub(super) fn scan(&self) -> &Scan {
        &self.scan
    }

    /// The next share, of about `wanted` pages; none if all are taken.
    pub(super) fn claim(&self, wanted: u64) -> Option<Share> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if next.is_done {
            return None;
        }
        let (pages, start) = (self.scan.pages(), next.page);
        let left = self.scan.pages_before(pages) - self.scan.pages_before(start);
        // Towards the end shares become smaller, so that all readers end together.
        let even = (left / (2 * self.readers)).max(PAGES_MIN);
        let wanted = wanted.clamp(1, even) / self.scan.leaves_beyond(start).max(1);
        let end = (start + wanted.max(1)).min(pages);
        let share = Share {
            chunk: next.chunk,
            range: (start, end),
            pages: self.scan.pages_before(end) - self.scan.pages_before(start),
            is_last: end == pages,
        };
        *next = Next { chunk: next.chunk + 1, page: end, is_done: share.is_last };
        Some(share)
    }
}

/// Finds the size of shares that fills a batch.
#[derive(Debug)]
pub(super) struct Pace {
    batch_bytes: u64,
    wanted: u64,
}

impl Pace {
    /// Begins with what the table's size says: `bytes` in `pages`, long values included.
    pub(super) fn new(batch_bytes: usize, bytes: u64, pages: u64) -> Self {
        let batch_bytes = batch_bytes as u64;
        let mut pace = Self { batch_bytes, wanted: (batch_bytes / PAGE_BYTES).max(1) };
        pace.learn(bytes.max(pages.max(1) * PAGE_BYTES), pages.max(1));
        pace
    }

    /// Pages that the next share should have.
    pub(super) fn wanted(&self) -> u64 {
        self.wanted
    }

    /// Takes note that so many pages gave so many bytes of rows.
    pub(super) fn learn(&mut self, bytes: u64, pages: u64) {
        let aim = self.batch_bytes * FILL_PERCENT / 100;
        let fitting = u128::from(aim) * u128::from(pages) / u128::from(bytes.max(1));
        let fitting = u64::try_from(fitting).unwrap_or(PAGES_MAX);
        self.wanted = fitting.min(self.wanted * GROWTH_MAX).clamp(1, PAGES_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(shares: &Shares, wanted: u64) -> Vec<Share> {
        std::iter::from_fn(|| shares.claim(wanted)).collect()
    }

    fn pages(leaves: &[u64]) -> Scan {
        Scan::Pages { leaves: leaves.to_vec() }
    }

    #[test]
    fn shares_cover_every_page_once_and_only_the_last_is_open() {
        for (leaves, wanted, readers) in [
            (&[][..], 64, 4),
            (&[0], 64, 4),
            (&[1], 64, 4),
            (&[1000], 64, 4),
            (&[63], 1, 1),
            (&[10, 500, 0, 77], 64, 4),
        ] {
            let shares = all(&Shares::new(pages(leaves), readers), wanted);
            let mut page = 0;
            for (index, share) in shares.iter().enumerate() {
                assert_eq!(share.chunk, index as u64);
                assert_eq!(share.range.0, page);
                assert_eq!(share.is_last, index + 1 == shares.len());
                page = share.range.1;
            }
            assert_eq!(page, leaves.iter().copied().max().unwrap_or(0));
            let total: u64 = shares.iter().map(|share| share.pages).sum();
            assert_eq!(total, pages(leaves).extent().total);
        }
    }

    #[test]
    fn a_whole_scan_is_one_share_for_one_reader() {
        let scan = Scan::Whole { rows: 9 };
        assert_eq!(scan.readers(4, 64), 1);
        assert_eq!(all(&Shares::new(scan, 1), 64).len(), 1);
    }

    #[test]
    fn readers_are_as_many_as_find_work() {
        for (leaves, readers) in [(0, 1), (64, 1), (65, 2), (1000, 4)] {
            assert_eq!(pages(&[leaves]).readers(4, 64), readers, "{leaves}");
        }
    }

    #[test]
    fn no_reader_is_left_with_a_large_share_at_the_end() {
        let shares = all(&Shares::new(pages(&[1024]), 4), 500);
        assert_eq!(shares[0].pages, 128);
        assert!(shares.iter().rev().take(4).all(|share| share.pages <= PAGES_MIN));
    }

    #[test]
    fn a_share_grows_until_it_fills_a_batch() {
        let mut pace = Pace::new(512 << 10, 0, 0);
        assert_eq!(pace.wanted(), 57, "nine tenths of a batch");
        pace.learn(0, 57);
        assert_eq!(pace.wanted(), 228, "not too fast");
        pace.learn(4 << 20, 228);
        assert_eq!(pace.wanted(), 25);
        let toasted = Pace::new(512 << 10, 100 << 20, 100);
        assert_eq!(toasted.wanted(), 1, "long values count");
    }
}
