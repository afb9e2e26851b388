//! Instants of the demo site, which has its own present so that every run writes the same rows.

use chrono::{DateTime, Datelike, Timelike};

pub(super) const SECOND: u64 = 1_000;
pub(super) const HOUR: u64 = 3_600 * SECOND;
pub(super) const DAY: u64 = 24 * HOUR;

/// Milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i64);

impl Moment {
    /// The site's present: 2026-11-20 12:00 UTC. Nothing in it is younger.
    pub(super) const PRESENT: Self = Self(1_795_176_000_000);

    pub(super) fn days_before_present(days: u64) -> Self {
        Self(Self::PRESENT.0 - (days * DAY) as i64)
    }

    /// This much later, but never in the future.
    pub(super) fn later(self, milliseconds: u64) -> Self {
        self.exactly_later(milliseconds).min(Self::PRESENT)
    }

    /// This much later, be it in the future.
    pub(super) fn exactly_later(self, milliseconds: u64) -> Self {
        Self(self.0 + milliseconds as i64)
    }

    /// Milliseconds from another moment to this one; 0 if that is later.
    pub(super) fn since(self, other: Self) -> u64 {
        (self.0 - other.0).max(0) as u64
    }

    pub(super) fn year(self) -> i32 {
        self.calendar().year()
    }

    /// The day: `2026-11-20`.
    pub(super) fn day(self) -> String {
        let mut text = self.text();
        text.truncate("2026-11-20".len());
        text
    }

    /// RFC 3339 with milliseconds: `2026-11-20T12:00:00.000Z`. Put together by hand, as a large
    /// site writes millions of them.
    pub(super) fn text(self) -> String {
        let at = self.calendar();
        let mut text = *b"0000-00-00T00:00:00.000Z";
        put(&mut text[0..4], at.year().unsigned_abs());
        put(&mut text[5..7], at.month());
        put(&mut text[8..10], at.day());
        put(&mut text[11..13], at.hour());
        put(&mut text[14..16], at.minute());
        put(&mut text[17..19], at.second());
        put(&mut text[20..23], at.timestamp_subsec_millis());
        String::from_utf8(text.to_vec()).expect("digits are ASCII")
    }

    fn calendar(self) -> DateTime<chrono::Utc> {
        DateTime::from_timestamp_millis(self.0)
            .expect("people and orders are at most a century old")
    }
}

fn put(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_chrono_writes_them() {
        assert_eq!(Moment::PRESENT.text(), "2026-11-20T12:00:00.000Z");
        for step in 0..1000_u64 {
            let moment = Moment::days_before_present(2000).later(step * 172_800_123);
            let oracle = moment.calendar().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
            assert_eq!(moment.text(), oracle);
            assert_eq!(moment.day(), moment.calendar().date_naive().to_string());
        }
    }

    #[test]
    fn nothing_happens_after_the_present() {
        assert_eq!(Moment::days_before_present(1).later(2 * DAY), Moment::PRESENT);
    }
}
