//! Offsets of a time zone, found once for some days and then remembered.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

/// Instants are remembered in blocks of 2³⁸ µs, about 3.2 days. Shorter than the shortest time
/// after which any zone ever went back to an offset (Freetown 1939: 3.99 days), so that a block
/// with the same offset at both ends has it throughout.
const BLOCK_BITS: u32 = 38;

/// Blocks that are remembered: 2,048 of them span 17 years, in 16 KiB.
const BLOCKS: usize = 2_048;

/// Marks a block in which the offset changes. No offset has so many seconds.
const CHANGING: i32 = i32::MIN;

/// Seconds from 1970-01-01 to 2000-01-01.
const SECONDS_TO_2000: i64 = 946_684_800;

/// The offsets of one zone. Shared by all threads; what one has found the others need not find.
pub(crate) struct ZoneOffsets {
    zone: Tz,
    is_utc: bool,
    /// Number of a block in the upper half, its offset in the lower half. One atomic word each, so
    /// that no thread ever sees the offset of one block with the number of another.
    blocks: Box<[AtomicU64]>,
}

impl ZoneOffsets {
    /// Knows nothing of the zone yet.
    pub(crate) fn new(zone: Tz) -> Self {
        // Block 0 belongs at place 0, so a number that belongs elsewhere marks a free place.
        let blocks = (0..BLOCKS).map(|place| AtomicU64::new(pack(place as i32 + 1, 0))).collect();
        Self { zone, is_utc: is_utc(zone), blocks }
    }

    /// Whether the zone is UTC itself, by whatever name.
    #[inline(always)]
    pub(crate) fn is_utc(&self) -> bool {
        self.is_utc
    }

    /// Seconds east of UTC at an instant in microseconds since 2000-01-01 UTC.
    #[inline(always)]
    pub(crate) fn offset_seconds(&self, micros: i64) -> i32 {
        let number = (micros >> BLOCK_BITS) as i32;
        let place = &self.blocks[number as usize % BLOCKS];
        let word = place.load(Ordering::Relaxed);
        let offset = word as i32;
        if word >> 32 == u64::from(number.cast_unsigned()) && offset != CHANGING {
            return offset;
        }
        self.find(micros, number, place)
    }

    #[cold]
    #[inline(never)]
    fn find(&self, micros: i64, number: i32, place: &AtomicU64) -> i32 {
        let first = i64::from(number) << BLOCK_BITS;
        let offset = self.look_up(first);
        let is_constant = offset == self.look_up(first + ((1 << BLOCK_BITS) - 1));
        let known = if is_constant { offset } else { CHANGING };
        place.store(pack(number, known), Ordering::Relaxed);
        self.look_up(micros)
    }

    fn look_up(&self, micros: i64) -> i32 {
        // What chrono cannot express lies so far out that no rule of a zone applies any more.
        let seconds = micros.div_euclid(1_000_000).saturating_add(SECONDS_TO_2000).clamp(
            NaiveDateTime::MIN.and_utc().timestamp(),
            NaiveDateTime::MAX.and_utc().timestamp(),
        );
        let utc = DateTime::from_timestamp(seconds, 0).expect("clamped to what chrono expresses");
        self.zone.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc()
    }
}

fn pack(number: i32, offset: i32) -> u64 {
    u64::from(number.cast_unsigned()) << 32 | u64::from(offset.cast_unsigned())
}

/// Whether `zone` is a name of UTC. Others that have no offset either, such as London in winter,
/// are written with `+00:00`.
fn is_utc(zone: Tz) -> bool {
    let name = zone.name();
    matches!(name.strip_prefix("Etc/").unwrap_or(name), "UTC" | "UCT" | "Zulu" | "Universal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_free_place_is_seen_as_free() {
        let offsets = ZoneOffsets::new(Tz::Asia__Kolkata);
        for number in -5_000_i64..5_000 {
            assert_eq!(offsets.offset_seconds(number << BLOCK_BITS), 19_800, "block {number}");
        }
    }

    #[test]
    fn utc_is_known_by_all_its_names() {
        let names = [Tz::UTC, Tz::Etc__UTC, Tz::Zulu, Tz::Universal, Tz::Etc__UCT];
        assert!(names.into_iter().all(|zone| ZoneOffsets::new(zone).is_utc()));
        assert!(!ZoneOffsets::new(Tz::Europe__London).is_utc());
    }
}
