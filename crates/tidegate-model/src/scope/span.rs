//! Spans of time relative to now: calendar units and ISO 8601 durations.

use std::{fmt, str::FromStr};

use super::limits::SPAN_YEARS_MAX;

/// A span: a whole calendar unit, or a duration from or to this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// A whole calendar unit.
    Unit(Unit),
    /// A duration.
    Duration(Duration),
}

/// A calendar unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday (ISO 8601).
    Week,
    /// A month of the Gregorian calendar.
    Month,
    /// Three months, the first of them January, April, July or October.
    Quarter,
    /// A year of the Gregorian calendar.
    Year,
}

impl Unit {
    /// Every unit.
    pub const ALL: &'static [Self] =
        &[Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// Name in a filter.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The unit of that name.
    pub fn find(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|unit| unit.slug() == slug)
    }
}

/// An ISO 8601 duration, longer than nothing. Its parts do not add up to one unit: a month has 28
/// to 31 days, and a day 23 to 25 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration {
    /// Calendar months; a year is twelve.
    pub months: u32,
    /// Calendar days; a week is seven.
    pub days: u32,
    /// Seconds of the clock.
    pub seconds: u64,
}

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationFault {
    /// Not ISO 8601.
    #[error("a duration is written like `P7D`, `P1M`, `P1Y6M` or `PT12H` (ISO 8601)")]
    Malformed,
    /// No time at all.
    #[error("the duration is zero")]
    Zero,
    /// Beyond the calendar.
    #[error("the duration is longer than {SPAN_YEARS_MAX} years")]
    TooLong,
}

/// Designators in the order ISO 8601 wants them, and whether they belong behind the `T`.
const DESIGNATORS: &[(char, bool)] = &[
    ('Y', false),
    ('M', false),
    ('W', false),
    ('D', false),
    ('H', true),
    ('M', true),
    ('S', true),
];
/// Digits of one number of a duration: the seconds of a thousand years.
const PART_DIGITS_MAX: usize = 11;

impl FromStr for Duration {
    type Err = DurationFault;

    fn from_str(text: &str) -> Result<Self, DurationFault> {
        let malformed = DurationFault::Malformed;
        let (date, time) = match text.strip_prefix('P').ok_or(malformed)?.split_once('T') {
            Some((_, "")) => return Err(malformed),
            Some((date, time)) => (date, time),
            None => (text.strip_prefix('P').ok_or(malformed)?, ""),
        };
        if date.is_empty() && time.is_empty() {
            return Err(malformed);
        }
        let mut parts = [0_u64; DESIGNATORS.len()];
        read_parts(date, false, &mut parts)?;
        read_parts(time, true, &mut parts)?;
        let [years, months, weeks, days, hours, minutes, seconds] = parts;
        let months = years * 12 + months;
        let days = weeks * 7 + days;
        let seconds = hours * 3_600 + minutes * 60 + seconds;
        if months == 0 && days == 0 && seconds == 0 {
            return Err(DurationFault::Zero);
        }
        let years_max = u64::from(SPAN_YEARS_MAX);
        if months > years_max * 12 || days > years_max * 366 || seconds > years_max * 366 * 86_400 {
            return Err(DurationFault::TooLong);
        }
        let narrow = |part: u64| u32::try_from(part).map_err(|_| DurationFault::TooLong);
        Ok(Self { months: narrow(months)?, days: narrow(days)?, seconds })
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        if self.months > 0 {
            write!(f, "{}M", self.months)?;
        }
        if self.days > 0 {
            write!(f, "{}D", self.days)?;
        }
        if self.seconds > 0 {
            write!(f, "T{}S", self.seconds)?;
        }
        Ok(())
    }
}

/// Reads numbers with designators, each at most once and in order.
fn read_parts(text: &str, is_time: bool, parts: &mut [u64]) -> Result<(), DurationFault> {
    let malformed = DurationFault::Malformed;
    let mut rest = text;
    let mut from = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let designator = rest[digits..].chars().next().ok_or(malformed)?;
        let place = DESIGNATORS[from..]
            .iter()
            .position(|known| *known == (designator, is_time))
            .ok_or(malformed)?;
        if digits == 0 {
            return Err(malformed);
        }
        if digits > PART_DIGITS_MAX {
            return Err(DurationFault::TooLong);
        }
        parts[from + place] = rest[..digits].parse().map_err(|_| malformed)?;
        from += place + 1;
        rest = &rest[digits + designator.len_utf8()..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<(u32, u32, u64), DurationFault> {
        text.parse().map(|read: Duration| (read.months, read.days, read.seconds))
    }

    #[test]
    fn iso_8601_durations_are_read() {
        assert_eq!(read("P7D"), Ok((0, 7, 0)));
        assert_eq!(read("P2W"), Ok((0, 14, 0)));
        assert_eq!(read("P1Y6M"), Ok((18, 0, 0)));
        assert_eq!(read("PT36H"), Ok((0, 0, 129_600)));
        assert_eq!(read("P1DT12H30M5S"), Ok((0, 1, 45_005)));
        assert_eq!(read("P1M"), Ok((1, 0, 0)));
        assert_eq!(read("PT1M"), Ok((0, 0, 60)));
        assert_eq!(read("P1000Y"), Ok((12_000, 0, 0)));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "", "P", "PT", "7D", "P7", "PD", "P-7D", "P1.5D", "p7d", "P1D1Y", "P1DT", "P1H", "P7Dé",
        ] {
            assert_eq!(read(text), Err(DurationFault::Malformed), "{text}");
        }
        assert_eq!(read("P0D"), Err(DurationFault::Zero));
        assert_eq!(read("PT0S"), Err(DurationFault::Zero));
        assert_eq!(read("P1001Y"), Err(DurationFault::TooLong));
        assert_eq!(read("P999999999999999999999D"), Err(DurationFault::TooLong));
        assert_eq!(read("PT99999999999S"), Err(DurationFault::TooLong));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "P?[0-9YMWDTHS]{0,12}") {
            if let Ok(read) = text.parse::<Duration>() {
                prop_assert_eq!(read.to_string().parse::<Duration>(), Ok(read));
            }
        }
    }
}
