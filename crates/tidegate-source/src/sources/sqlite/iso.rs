//! Dates and times as SQLite's own functions take them: ISO 8601 text, UTC unless it says else.

/// Days from 1970-01-01 to 2000-01-01, where our days begin.
const EPOCH_DAYS: i64 = 10_957;
/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
/// Microseconds of a day.
const DAY: i64 = 86_400 * SECOND;
/// Microseconds from 1970-01-01 to 2000-01-01.
pub(super) const EPOCH_MICROS: i64 = EPOCH_DAYS * DAY;

/// Why a text is no date or time for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IsoFault {
    /// It is written otherwise, or is not in the calendar.
    Malformed,
    /// It has digits below the microsecond.
    TooFine,
}

/// Days since 2000-01-01 of `YYYY-MM-DD`.
pub(super) fn date(text: &[u8]) -> Result<i32, IsoFault> {
    let mut scan = Scan { text, at: 0 };
    let days = scan.day()?;
    scan.end()?;
    i32::try_from(days).map_err(|_| IsoFault::Malformed)
}

/// Microseconds since midnight of `HH:MM[:SS[.f…]]`, up to 24:00.
pub(super) fn time(text: &[u8]) -> Result<i64, IsoFault> {
    let mut scan = Scan { text, at: 0 };
    let micros = scan.clock()?;
    scan.end()?;
    Ok(micros)
}

/// Microseconds since 2000-01-01 UTC of `YYYY-MM-DD[(T| )HH:MM[:SS[.f…]][ ][Z|UTC|±HH[[:]MM]]]`.
#[inline]
pub(super) fn instant(text: &[u8]) -> Result<i64, IsoFault> {
    let mut scan = Scan { text, at: 0 };
    let days = scan.day()?;
    if scan.at == text.len() {
        return Ok(days * DAY);
    }
    if !matches!(scan.next(), Some(b' ' | b'T' | b't')) {
        return Err(IsoFault::Malformed);
    }
    let clock = scan.clock()?;
    let offset = scan.offset()?;
    scan.end()?;
    Ok(days * DAY + clock - offset)
}

/// What is left to read.
struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), IsoFault> {
        if self.next() == Some(byte) { Ok(()) } else { Err(IsoFault::Malformed) }
    }

    fn end(&self) -> Result<(), IsoFault> {
        if self.at == self.text.len() { Ok(()) } else { Err(IsoFault::Malformed) }
    }

    /// Two digits.
    #[inline]
    fn pair(&mut self) -> Result<i64, IsoFault> {
        let Some(&[tens, ones]) = self.text.get(self.at..).and_then(<[u8]>::first_chunk) else {
            return Err(IsoFault::Malformed);
        };
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        if tens > 9 || ones > 9 {
            return Err(IsoFault::Malformed);
        }
        self.at += 2;
        Ok(i64::from(tens * 10 + ones))
    }

    #[inline]
    fn day(&mut self) -> Result<i64, IsoFault> {
        let year = self.pair()? * 100 + self.pair()?;
        self.expect(b'-')?;
        let month = self.pair()?;
        self.expect(b'-')?;
        let day = self.pair()?;
        if !(1..=12).contains(&month) || day < 1 || day > days_of_month(year, month) {
            return Err(IsoFault::Malformed);
        }
        Ok(days_from_civil(year, month, day) - EPOCH_DAYS)
    }

    #[inline]
    fn clock(&mut self) -> Result<i64, IsoFault> {
        let hours = self.pair()?;
        self.expect(b':')?;
        let minutes = self.pair()?;
        let mut seconds = 0;
        let mut fraction = 0;
        if self.peek() == Some(b':') {
            self.at += 1;
            seconds = self.pair()?;
            if self.peek() == Some(b'.') {
                self.at += 1;
                fraction = self.fraction()?;
            }
        }
        let micros = ((hours * 60 + minutes) * 60 + seconds) * SECOND + fraction;
        if minutes > 59 || seconds > 59 || micros > DAY {
            return Err(IsoFault::Malformed);
        }
        Ok(micros)
    }

    /// Digits behind the point, as microseconds.
    #[inline]
    fn fraction(&mut self) -> Result<i64, IsoFault> {
        let from = self.at;
        let (mut micros, mut place) = (0, SECOND / 10);
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            if place == 0 && digit != b'0' {
                return Err(IsoFault::TooFine);
            }
            micros += i64::from(digit - b'0') * place;
            place /= 10;
            self.at += 1;
        }
        if self.at == from { Err(IsoFault::Malformed) } else { Ok(micros) }
    }

    /// Microseconds that the clock is ahead of UTC.
    #[inline]
    fn offset(&mut self) -> Result<i64, IsoFault> {
        if self.peek() == Some(b' ') {
            self.at += 1;
        }
        let sign = match self.next() {
            None => return Ok(0),
            Some(b'Z' | b'z') => return Ok(0),
            Some(b'U') if self.text.get(self.at..) == Some(b"TC") => {
                self.at += 2;
                return Ok(0);
            }
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) => return Err(IsoFault::Malformed),
        };
        let hours = self.pair()?;
        if self.peek() == Some(b':') {
            self.at += 1;
        }
        let minutes = if self.at < self.text.len() { self.pair()? } else { 0 };
        if hours > 15 || minutes > 59 {
            return Err(IsoFault::Malformed);
        }
        Ok(sign * (hours * 60 + minutes) * 60 * SECOND)
    }
}

#[inline]
fn days_of_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, by Howard Hinnant's algorithm; years begin in March so that leap days
/// come last.
#[inline]
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = (month + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Microseconds since 2000 by SQLite's own functions, which know milliseconds.
    fn by_sqlite(text: &str) -> Option<i64> {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let sql = "select cast(round((julianday(?1) - 2451544.5) * 86400000) as integer)";
        let millis: Option<i64> = connection.query_row(sql, [text], |row| row.get(0)).unwrap();
        millis.map(|millis| millis * 1000)
    }

    #[test]
    fn instants_are_those_of_sqlite_itself() {
        for text in [
            "2000-01-01",
            "1999-12-31 23:59:59.999",
            "0000-01-01",
            "9999-12-31 23:59:59",
            "2024-02-29T12:00",
            "2026-11-21 19:05:00.25",
            "2026-11-21 19:05:00Z",
            "2026-11-21T19:05:00.250+05:30",
            "2026-11-21 19:05:00-11:59",
            "1900-02-28 00:00:00",
        ] {
            assert_eq!(instant(text.as_bytes()).ok(), by_sqlite(text), "{text}");
        }
    }

    #[test]
    fn forms_that_frameworks_write_are_read() {
        let noon = instant(b"2026-11-21T12:00:00").unwrap();
        for text in [
            "2026-11-21 12:00",
            "2026-11-21 12:00:00+00",
            "2026-11-21 12:00:00 +0000",
            "2026-11-21 12:00:00 UTC",
            "2026-11-21 14:00:00+0200",
            "2026-11-21t12:00:00.000000000z",
        ] {
            assert_eq!(instant(text.as_bytes()), Ok(noon), "{text}");
        }
        assert_eq!(time(b"24:00:00"), Ok(DAY));
        assert_eq!(time(b"07:05:01.5"), Ok(((7 * 60 + 5) * 60 + 1) * SECOND + SECOND / 2));
        assert_eq!(date(b"2000-03-01"), Ok(60));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2026",
            "2026-11",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-11-31",
            "2026-11-21 ",
            "2026-11-21 12",
            "2026-11-21 12:00:60",
            "2026-11-21 12:60",
            "2026-11-21 24:00:01",
            "2026-11-21 12:00:00.",
            "2026-11-21 12:00:00 CET",
            "2026-11-21 12:00:00+16:00",
            "2026-11-21 12:00:00+01:0",
            "2026-11-21 12:00:00Z ",
            "1795287900",
            "-2026-11-21",
            "２０２６-11-21",
        ] {
            assert_eq!(instant(text.as_bytes()), Err(IsoFault::Malformed), "{text}");
        }
        assert_eq!(instant(b"2026-11-21 12:00:00.0000001"), Err(IsoFault::TooFine));
        assert_eq!(date(b"2026-11-21 00:00:00"), Err(IsoFault::Malformed));
    }
}
