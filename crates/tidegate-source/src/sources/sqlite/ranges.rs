//! Deals ranges of row ids out to the readers, so that each makes about one batch.
//!
//! Row ids may have gaps of any size. A range begins at a row that is there (one step down the
//! tree finds it), so that no range is empty, and grows and shrinks with what the last ones held.

use std::sync::{Mutex, PoisonError};

/// Row ids of the first range: small, for rows of any size.
const FIRST_STEP: u64 = 256;
/// Parts of the whole table that the largest range may have, so that progress is told in steps.
const RANGES_MIN: u64 = 64;
/// How full a batch should get, in percent: what is over makes another, small one.
const FULL_PERCENT: usize = 85;

/// The row ids that nobody has claimed yet.
#[derive(Debug)]
pub(super) struct Ranges {
    last: i64,
    step_max: u64,
    bytes_wanted: usize,
    frontier: Mutex<Frontier>,
}

#[derive(Debug)]
struct Frontier {
    /// First row id that is not claimed; none if all are.
    next: Option<i64>,
    chunk: u64,
    step: u64,
}

/// A range of row ids that one reader reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    /// Its number in the order of the rows.
    pub(super) chunk: u64,
    /// End of the range before, so that gaps count as read.
    pub(super) from: i64,
    /// First row id, of a row that is there.
    pub(super) first: i64,
    /// Last row id, of a row or of none.
    pub(super) last: i64,
}

impl Ranges {
    /// All row ids from `first` to `last`, for batches of that size.
    pub(super) fn new(first: i64, last: i64, batch_bytes: usize) -> Self {
        Self {
            last,
            step_max: (distance(first, last) / RANGES_MIN).max(FIRST_STEP),
            bytes_wanted: batch_bytes / 100 * FULL_PERCENT,
            frontier: Mutex::new(Frontier { next: Some(first), chunk: 0, step: FIRST_STEP }),
        }
    }

    /// Claims the next range. `seek` finds the first row at a row id or after it.
    pub(super) fn claim<E>(
        &self,
        seek: impl FnOnce(i64) -> Result<Option<i64>, E>,
    ) -> Result<Option<Range>, E> {
        let mut frontier = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(from) = frontier.next else { return Ok(None) };
        let Some(first) = seek(from)?.filter(|first| *first <= self.last) else {
            frontier.next = None;
            return Ok(None);
        };
        let last = first.saturating_add_unsigned(frontier.step - 1).min(self.last);
        let range = Range { chunk: frontier.chunk, from, first, last };
        frontier.chunk += 1;
        frontier.next = self.after(last);
        Ok(Some(range))
    }

    /// Gives back what is behind `read_to`, unless a later range was claimed already.
    pub(super) fn give_back(&self, range: &mut Range, read_to: i64) -> bool {
        let mut frontier = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        let is_latest = frontier.chunk == range.chunk + 1;
        if is_latest && read_to < range.last {
            range.last = read_to;
            frontier.next = self.after(read_to);
        }
        is_latest
    }

    /// Learns what a range held.
    pub(super) fn learn(&self, range: &Range, bytes: usize) {
        let mut frontier = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        let width = u128::from(distance(range.first, range.last)) + 1;
        let fitting = match bytes {
            0 => u128::MAX,
            bytes => width * self.bytes_wanted as u128 / bytes as u128,
        };
        // One range says little about the next, so that a step changes within bounds.
        let (low, high) = (frontier.step / 8, frontier.step.saturating_mul(4));
        let fitting = u64::try_from(fitting).unwrap_or(u64::MAX);
        frontier.step = fitting.clamp(low.max(1), high).min(self.step_max);
    }

    fn after(&self, last: i64) -> Option<i64> {
        (last < self.last).then(|| last + 1)
    }
}

/// How far apart two row ids are.
pub(super) fn distance(first: i64, last: i64) -> u64 {
    last.abs_diff(first.min(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a table with one row of `row_bytes` at each of the ids, and tells its ranges.
    fn read(ids: &[i64], row_bytes: usize, batch_bytes: usize) -> Vec<Range> {
        let ranges = Ranges::new(ids[0], *ids.last().unwrap(), batch_bytes);
        let mut claimed = Vec::new();
        let mut seen = Vec::new();
        let seek = |from| Ok::<_, ()>(ids.iter().copied().find(|id| *id >= from));
        while let Some(range) = ranges.claim(seek).unwrap() {
            let inside: Vec<i64> =
                ids.iter().copied().filter(|id| (range.first..=range.last).contains(id)).collect();
            assert!(!inside.is_empty(), "{range:?} is empty");
            ranges.learn(&range, inside.len() * row_bytes);
            seen.extend(inside);
            claimed.push(range);
        }
        assert_eq!(seen, ids);
        assert!(claimed.iter().enumerate().all(|(at, range)| range.chunk == at as u64));
        claimed
    }

    #[test]
    fn dense_row_ids_make_ranges_of_about_a_batch() {
        let ids: Vec<i64> = (1..=100_000).collect();
        let ranges = read(&ids, 100, 50_000);
        assert!((230..=300).contains(&ranges.len()), "{}", ranges.len());
    }

    #[test]
    fn sparse_row_ids_do_not_make_many_ranges() {
        let ids: Vec<i64> = (0..2_000).map(|n: i64| n * 1_000_003 * 4_000_000_007).collect();
        let ranges = read(&ids, 100, 10_000);
        assert!(ranges.len() < 200, "{}", ranges.len());
    }

    #[test]
    fn extremes_and_gaps_are_covered() {
        read(&[i64::MIN, -1, 0, 1, i64::MAX - 1, i64::MAX], 10, 1000);
        read(&[7], 10, 1000);
        let ids: Vec<i64> = (1..5_000).chain([i64::MAX]).collect();
        assert!(read(&ids, 100, 10_000).len() < 100);
    }

    #[test]
    fn a_range_is_given_back_only_while_it_is_the_latest() {
        let ranges = Ranges::new(1, 1_000_000, 1000);
        let seek = |from| Ok::<_, ()>(Some(from));
        let mut first = ranges.claim(seek).unwrap().unwrap();
        assert!(ranges.give_back(&mut first, 10));
        let second = ranges.claim(seek).unwrap().unwrap();
        assert_eq!((first.last, second.first), (10, 11));
        assert!(!ranges.give_back(&mut first, 5));
        assert_eq!(first.last, 10);
    }
}
