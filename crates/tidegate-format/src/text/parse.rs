//! Values read back from the text in which databases put them into JSON.

use tidegate_batch::{Interval, TIME_INFINITY, TIME_MINUS_INFINITY};

use super::time::{DAY_MICROS, Day, SECOND_MICROS};

/// Digits of a fraction of a second that a value can hold.
const FRACTION_DIGITS: usize = 6;

/// Reads a date; `infinity` and years BC are known.
pub(crate) fn date(text: &str) -> Option<i32> {
    match infinity(text) {
        Some(true) => return Some(i32::MAX),
        Some(false) => return Some(i32::MIN),
        None => {}
    }
    let (text, is_bc) = era(text);
    let mut scan = Scan(text);
    let days = scan.day(is_bc)?;
    scan.end()?;
    i32::try_from(days).ok()
}

/// Reads a time of day, up to 24:00:00.
pub(crate) fn time(text: &str) -> Option<i64> {
    let mut scan = Scan(text);
    let micros = scan.clock()?;
    scan.end()?;
    Some(micros)
}

/// Reads a timestamp; an offset, where there is one, is taken off.
pub(crate) fn timestamp(text: &str) -> Option<i64> {
    match infinity(text) {
        Some(true) => return Some(TIME_INFINITY),
        Some(false) => return Some(TIME_MINUS_INFINITY),
        None => {}
    }
    let (text, is_bc) = era(text);
    let mut scan = Scan(text);
    let days = scan.day(is_bc)?;
    let mut micros_of_day = 0;
    if !scan.0.is_empty() {
        scan.any_of(b"T ")?;
        micros_of_day = scan.clock()? - scan.offset_seconds()? * SECOND_MICROS;
    }
    scan.end()?;
    days.checked_mul(DAY_MICROS)?.checked_add(micros_of_day)
}

/// Reads an ISO 8601 duration, each part with its own sign.
pub(crate) fn interval(text: &str) -> Option<Interval> {
    let mut scan = Scan(text.strip_prefix('P')?);
    let (mut months, mut days, mut micros) = (0_i64, 0_i64, 0_i64);
    let mut is_clock = false;
    while !scan.0.is_empty() {
        if scan.any_of(b"T").is_some() {
            is_clock = true;
            continue;
        }
        let is_negative = scan.any_of(b"+-") == Some(b'-');
        let sign = if is_negative { -1 } else { 1 };
        let count = sign * scan.digits(1, 18)?;
        let fraction = sign * scan.fraction()?;
        match (scan.any_of(b"YMWDHS")?, is_clock, fraction) {
            (b'Y', false, 0) => months = months.checked_add(count.checked_mul(12)?)?,
            (b'M', false, 0) => months = months.checked_add(count)?,
            (b'W', false, 0) => days = days.checked_add(count.checked_mul(7)?)?,
            (b'D', false, 0) => days = days.checked_add(count)?,
            (b'H', true, 0) => micros = micros.checked_add(count.checked_mul(3_600_000_000)?)?,
            (b'M', true, 0) => micros = micros.checked_add(count.checked_mul(60_000_000)?)?,
            (b'S', true, _) => {
                let seconds = count.checked_mul(SECOND_MICROS)?.checked_add(fraction)?;
                micros = micros.checked_add(seconds)?;
            }
            _ => return None,
        }
    }
    Some(Interval { months: months.try_into().ok()?, days: days.try_into().ok()?, micros })
}

/// Reads a UUID, with or without hyphens.
pub(crate) fn uuid(text: &str) -> Option<[u8; 16]> {
    let text = text.as_bytes();
    let is_hyphenated = text.len() == 36 && [8, 13, 18, 23].iter().all(|&at| text[at] == b'-');
    if !is_hyphenated && text.len() != 32 {
        return None;
    }
    let mut digits = text.iter().filter(|byte| **byte != b'-').map(|byte| hex_value(*byte));
    let mut octets = [0; 16];
    for octet in &mut octets {
        *octet = digits.next()?? << 4 | digits.next()??;
    }
    digits.next().is_none().then_some(octets)
}

/// Reads octets in hexadecimal, with or without PostgreSQL's `\x`.
pub(crate) fn octets(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x").unwrap_or(text).as_bytes();
    let (pairs, rest) = digits.as_chunks();
    let octets = pairs.iter().map(|[high, low]| Some(hex_value(*high)? << 4 | hex_value(*low)?));
    if rest.is_empty() { octets.collect() } else { None }
}

fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| value.try_into().ok())
}

/// `Some(true)` for infinity, `Some(false)` for minus infinity.
fn infinity(text: &str) -> Option<bool> {
    match text {
        "infinity" | "Infinity" => Some(true),
        "-infinity" | "-Infinity" => Some(false),
        _ => None,
    }
}

/// Takes PostgreSQL's mark of years before Christ off.
fn era(text: &str) -> (&str, bool) {
    text.strip_suffix(" BC").map_or((text, false), |text| (text, true))
}

/// What is left to read.
struct Scan<'a>(&'a str);

impl Scan<'_> {
    fn any_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let first = *self.0.as_bytes().first()?;
        bytes.contains(&first).then(|| self.0 = &self.0[1..])?;
        Some(first)
    }

    /// A number of `least` to `most` digits, of which eighteen fit.
    #[inline]
    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let (mut value, mut count) = (0, 0);
        for byte in self.0.bytes().take(most).take_while(u8::is_ascii_digit) {
            value = value * 10 + i64::from(byte - b'0');
            count += 1;
        }
        self.0 = &self.0[count..];
        (count >= least).then_some(value)
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    /// Days since 2000-01-01 of `YYYY-MM-DD`, with more digits of a year and a sign.
    fn day(&mut self, is_bc: bool) -> Option<i64> {
        let is_negative = self.any_of(b"+-") == Some(b'-');
        let mut year = self.digits(4, 7)?;
        if is_negative {
            year = -year;
        }
        if is_bc {
            year = 1 - year;
        }
        self.any_of(b"-")?;
        let month = u32::try_from(self.digits(2, 2)?).ok()?;
        self.any_of(b"-")?;
        let day = u32::try_from(self.digits(2, 2)?).ok()?;
        let day = Day { year, month, day };
        let days = day.to_days_since_2000();
        // A day that is not in the calendar does not come back as itself.
        (Day::since_2000(days) == day).then_some(days)
    }

    /// Microseconds of `HH:MM[:SS[.ffffff]]`.
    fn clock(&mut self) -> Option<i64> {
        let hours = self.digits(2, 2)?;
        self.any_of(b":")?;
        let minutes = self.digits(2, 2)?;
        let mut micros = 0;
        if self.any_of(b":").is_some() {
            micros = self.digits(2, 2).filter(|seconds| *seconds < 60)? * SECOND_MICROS;
            micros += self.fraction()?;
        }
        let micros = micros + (hours * 60 + minutes) * 60 * SECOND_MICROS;
        (minutes < 60 && micros <= DAY_MICROS).then_some(micros)
    }

    /// Microseconds of `.ffffff`, if it stands there. Further digits must be zero.
    fn fraction(&mut self) -> Option<i64> {
        if self.any_of(b".").is_none() {
            return Some(0);
        }
        let before = self.0.len();
        let value = self.digits(1, FRACTION_DIGITS)?;
        let count = before - self.0.len();
        self.0 = self.0.trim_start_matches('0');
        let missing = u32::try_from(FRACTION_DIGITS - count).ok()?;
        Some(value * 10_i64.pow(missing))
    }

    /// Seconds east of UTC; none stands for UTC.
    fn offset_seconds(&mut self) -> Option<i64> {
        if self.0.is_empty() || self.any_of(b"Zz").is_some() {
            return Some(0);
        }
        let sign = if self.any_of(b"+-")? == b'-' { -1 } else { 1 };
        let mut seconds = self.digits(2, 2)? * 3_600;
        for unit in [60, 1] {
            _ = self.any_of(b":");
            if self.0.is_empty() {
                break;
            }
            seconds += self.digits(2, 2)? * unit;
        }
        Some(sign * seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    use crate::text::{Out, interval::interval as write_interval, time as write};

    fn text(write: impl FnOnce(&mut Out<'_>)) -> String {
        let mut bytes = Vec::new();
        let mut out = Out::on(&mut bytes);
        write(&mut out);
        out.finish();
        String::from_utf8(bytes).unwrap()
    }

    proptest! {
        #[test]
        fn what_the_kernels_write_reads_back(
            days in -2_500_000_i32..2_145_000_000,
            micros in -210_000_000_000_000_000_i64..9_223_371_331_000_000_000,
            of_day in 0..=DAY_MICROS,
            span: (i32, i32, i64),
        ) {
            prop_assert_eq!(date(&text(|out| write::date(out, days))), Some(days));
            prop_assert_eq!(time(&text(|out| write::time(out, of_day))), Some(of_day));
            let naive = text(|out| write::timestamp(out, micros));
            prop_assert_eq!(timestamp(&naive), Some(micros));
            let instant = text(|out| write::instant_utc(out, micros));
            prop_assert_eq!(timestamp(&instant), Some(micros));
            let (months, days, micros) = span;
            let span = Interval { months, days, micros };
            let mut bytes = Vec::new();
            write_interval(&mut bytes, span);
            prop_assert_eq!(interval(std::str::from_utf8(&bytes).unwrap()), Some(span));
        }
    }

    #[test]
    fn what_databases_write_is_understood() {
        assert_eq!(date("0044-03-15 BC"), date("-0043-03-15"));
        assert_eq!(date("infinity"), Some(i32::MAX));
        let noon = timestamp("2000-01-01T12:00:00");
        assert_eq!(noon, Some(DAY_MICROS / 2));
        for same in [
            "2000-01-01 12:00:00.000000",
            "2000-01-01T12:00",
            "2000-01-01T12:00:00+00:00",
            "2000-01-01T14:00:00.0+02",
            "2000-01-01T06:30:00-0530",
            "2000-01-01T12:00:00Z",
        ] {
            assert_eq!(timestamp(same), noon, "{same}");
        }
        assert_eq!(timestamp("0044-03-15T00:00:00+00:00 BC"), timestamp("-0043-03-15T00:00:00"));
        assert_eq!(timestamp("-infinity"), Some(TIME_MINUS_INFINITY));
        assert_eq!(time("24:00:00"), Some(DAY_MICROS));
        assert_eq!(octets("\\xDEadbe"), Some(vec![0xDE, 0xAD, 0xBE]));
        let id = uuid("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11");
        assert_eq!(uuid("a0eebc999c0b4ef8bb6d6bb9bd380a11"), id);
        assert!(id.is_some());
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for wrong in ["2000-02-30", "2000-13-01", "2000-01-01x", "00-01-01", "", "2000-1-1"] {
            assert_eq!(date(wrong), None, "{wrong}");
            assert_eq!(timestamp(wrong), None, "{wrong}");
        }
        for wrong in ["24:00:01", "12", "12:60", "12:00:60", "12:00:00.0000001", "1:00"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
        for wrong in ["", "1Y", "P1", "PT1Y", "P1H", "P1.5D", "P99999999999Y"] {
            assert_eq!(interval(wrong), None, "{wrong}");
        }
        for wrong in ["", "a0eebc99", "g0eebc999c0b4ef8bb6d6bb9bd380a11", "-".repeat(32).as_str()] {
            assert_eq!(uuid(wrong), None, "{wrong}");
        }
        assert_eq!(octets("abc"), None);
        assert_eq!(octets("zz"), None);
    }
}
