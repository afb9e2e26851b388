//! Dates and times as a spreadsheet counts them: in days since 1899-12-30.

use crate::text::{
    Out, number,
    time::{DAY_MICROS, SECOND_MICROS},
};

/// Number of 2000-01-01.
const DAY_2000: i32 = 36_526;
/// Number of 1900-03-01. Before it, Excel counts a 29 February that never was.
const DAY_MIN: i32 = 61;
/// Number of 9999-12-31.
const DAY_MAX: i32 = 2_958_465;

/// Digits of a fraction behind a day: one step is 86 nanoseconds, less than a double can tell apart
/// in this century.
const FRACTION_DIGITS: usize = 12;
/// Digits of a time alone, for which a double has more of them. LibreOffice cuts what it shows:
/// with fewer digits every other time would be shown a second early.
const TIME_DIGITS: usize = 15;
/// Steps of a microsecond, as a fraction: 10¹² steps in 86.4 · 10⁹ microseconds.
const STEPS: u64 = 10_000;
const TIME_STEPS: u64 = 10_000_000;
const STEPS_MICROS: u64 = 864;

/// A point in time that a cell can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Serial {
    day: i32,
    micros: i64,
}

impl Serial {
    /// The serial of a day since 2000-01-01; infinite ones are beyond all bounds.
    #[inline(always)]
    pub(super) fn of_day(days: i32) -> Option<Self> {
        let day = days.checked_add(DAY_2000)?;
        (DAY_MIN..=DAY_MAX).contains(&day).then_some(Self { day, micros: 0 })
    }

    /// The serial of microseconds since 2000-01-01; infinite ones are beyond all bounds.
    #[inline(always)]
    pub(super) fn of_timestamp(micros: i64) -> Option<Self> {
        let days = i32::try_from(micros.div_euclid(DAY_MICROS)).ok()?;
        Some(Self { micros: micros.rem_euclid(DAY_MICROS), ..Self::of_day(days)? })
    }

    /// The serial of an instant at a place so many seconds east of UTC.
    #[inline(always)]
    pub(super) fn of_instant(micros: i64, offset_seconds: i32) -> Option<Self> {
        Self::of_timestamp(micros.checked_add(i64::from(offset_seconds) * SECOND_MICROS)?)
    }

    /// The serial of a time of day; 24:00:00 would be shown as 00:00:00.
    #[inline(always)]
    pub(super) fn of_time(micros: i64) -> Option<Self> {
        (0..DAY_MICROS).contains(&micros).then_some(Self { day: 0, micros })
    }

    /// Writes the number.
    #[inline(always)]
    pub(super) fn write(self, out: &mut Out<'_>) {
        number::integer(out, self.day.into());
        if self.micros == 0 {
            return;
        }
        match self.day {
            0 => out.array(&self.fraction::<{ TIME_DIGITS + 1 }>(TIME_STEPS)),
            _ => out.array(&self.fraction::<{ FRACTION_DIGITS + 1 }>(STEPS)),
        }
    }

    /// The point and as many digits as there is room for behind it.
    #[inline(always)]
    fn fraction<const N: usize>(self, steps: u64) -> [u8; N] {
        let mut rest = (self.micros.cast_unsigned() * steps + STEPS_MICROS / 2) / STEPS_MICROS;
        let mut digits = [b'0'; N];
        digits[0] = b'.';
        for digit in digits[1..].iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(serial: Option<Serial>) -> Option<String> {
        let mut vec = Vec::new();
        let mut out = Out::on(&mut vec);
        serial?.write(&mut out);
        out.finish();
        Some(String::from_utf8(vec).unwrap())
    }

    #[test]
    fn days_count_as_excel_counts_them() {
        assert_eq!(text(Serial::of_day(0)).unwrap(), "36526");
        assert_eq!(text(Serial::of_day(61 - 36_526)).unwrap(), "61");
        assert_eq!(text(Serial::of_day(60 - 36_526)), None);
        assert_eq!(text(Serial::of_day(2_921_939)).unwrap(), "2958465");
        assert_eq!(text(Serial::of_day(2_921_940)), None);
        assert_eq!(text(Serial::of_day(i32::MAX)), None);
        assert_eq!(text(Serial::of_timestamp(i64::MIN)), None);
        assert_eq!(text(Serial::of_timestamp(i64::MAX)), None);
        assert_eq!(text(Serial::of_instant(i64::MAX, 3600)), None);
    }

    #[test]
    fn a_day_has_its_fraction() {
        assert_eq!(text(Serial::of_time(43_200_000_000)).unwrap(), "0.500000000000000");
        assert_eq!(text(Serial::of_time(1)).unwrap(), "0.000000000011574");
        assert_eq!(text(Serial::of_time(45_296_000_000)).unwrap(), "0.524259259259259");
        assert_eq!(text(Serial::of_time(86_399_999_999)).unwrap(), "0.999999999988426");
        assert_eq!(text(Serial::of_time(86_400_000_000)), None);
        assert_eq!(text(Serial::of_timestamp(-1)).unwrap(), "36525.999999999988");
        assert_eq!(text(Serial::of_instant(0, 3600)).unwrap(), "36526.041666666667");
    }

    #[test]
    fn microseconds_come_back_from_the_double() {
        for step in 0..100_000_i64 {
            let micros = step * 863_999_999 % DAY_MICROS;
            let serial = text(Serial::of_timestamp(826_000_000_000_000 + micros)).unwrap();
            let days: f64 = serial.parse().unwrap();
            let found = ((days - days.floor()) * DAY_MICROS as f64).round() as i64;
            let expected = (826_000_000_000_000 + micros).rem_euclid(DAY_MICROS);
            // A double of this size has steps of 0.6 microseconds.
            assert!((found - expected).abs() <= 1, "{found} is not {expected}");
        }
    }
}
