//! Dates, times and timestamps in ISO 8601.
//!
//! Years outside 0000..9999 take the expanded form: a sign and as many digits as they need. Year
//! 0000 is 1 BC.

use tidegate_batch::{TIME_INFINITY, TIME_MINUS_INFINITY};

use super::{
    Out, digits,
    number::{self, INFINITY, MINUS_INFINITY},
    zone::ZoneOffsets,
};

/// Microseconds of a second.
pub(crate) const SECOND_MICROS: i64 = 1_000_000;
/// Microseconds of a day.
pub(crate) const DAY_MICROS: i64 = 86_400 * SECOND_MICROS;
/// Days from 0000-03-01, where the calendar's cycles start, to 2000-01-01.
const DAYS_TO_2000: i64 = 730_425;
/// Days of the Gregorian calendar's cycle of 400 years.
const CYCLE_DAYS: i64 = 146_097;

/// Day of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    /// Astronomical year: 0 is 1 BC.
    pub(crate) year: i64,
    /// 1–12.
    pub(crate) month: u32,
    /// 1–31.
    pub(crate) day: u32,
}

impl Day {
    /// The day that many days after 2000-01-01.
    #[inline(always)]
    pub(crate) fn since_2000(days: i64) -> Self {
        // Years that start in March, in cycles of 400: the leap day is the last one of a year.
        let days = days + DAYS_TO_2000;
        let cycle = days.div_euclid(CYCLE_DAYS);
        let of_cycle = days.rem_euclid(CYCLE_DAYS) as u32;
        let year_of_cycle =
            (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
        let of_year = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
        let month_from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_from_march + 2) / 5 + 1;
        let is_next_year = month_from_march >= 10;
        let month = if is_next_year { month_from_march - 9 } else { month_from_march + 3 };
        let year = cycle * 400 + i64::from(year_of_cycle) + i64::from(is_next_year);
        Self { year, month, day }
    }

    /// Days from 2000-01-01 to this day.
    pub(crate) fn to_days_since_2000(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let year_of_cycle = year.rem_euclid(400);
        let month_from_march = i64::from((self.month + 9) % 12);
        let of_year = (153 * month_from_march + 2) / 5 + i64::from(self.day) - 1;
        let of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + of_year;
        year.div_euclid(400) * CYCLE_DAYS + of_cycle - DAYS_TO_2000
    }
}

/// Writes a date: days since 2000-01-01, `i32::MAX` and `i32::MIN` are ±infinity.
#[inline(always)]
pub(crate) fn date(out: &mut Out<'_>, days: i32) {
    match days {
        i32::MAX => out.array(INFINITY),
        i32::MIN => out.array(MINUS_INFINITY),
        days => {
            let day = Day::since_2000(days.into());
            let (start, end) = year_to_day(out, day);
            out.array(&start);
            out.array(&end);
        }
    }
}

/// Writes a time of day: microseconds since midnight, up to 24:00:00.
#[inline(always)]
pub(crate) fn time(out: &mut Out<'_>, micros: i64) {
    let (hour_minute, seconds, fraction, fraction_length) = clock(micros);
    out.array(&hour_minute);
    out.array(&seconds);
    out.prefix(&fraction, fraction_length);
}

/// Writes a timestamp without a zone: microseconds since 2000-01-01, or ±infinity.
#[inline(always)]
pub(crate) fn timestamp(out: &mut Out<'_>, micros: i64) {
    match micros {
        TIME_INFINITY => out.array(INFINITY),
        TIME_MINUS_INFINITY => out.array(MINUS_INFINITY),
        micros => {
            day_and_clock(out, micros.div_euclid(DAY_MICROS), micros.rem_euclid(DAY_MICROS));
        }
    }
}

/// Writes an instant as RFC 3339 in UTC.
#[inline(always)]
pub(crate) fn instant_utc(out: &mut Out<'_>, micros: i64) {
    timestamp(out, micros);
    let is_finite = micros != TIME_INFINITY && micros != TIME_MINUS_INFINITY;
    out.prefix(b"Z", usize::from(is_finite));
}

/// Writes an instant as RFC 3339 in the given zone.
#[inline(always)]
pub(crate) fn instant(out: &mut Out<'_>, micros: i64, zone: &ZoneOffsets) {
    if micros == TIME_INFINITY || micros == TIME_MINUS_INFINITY {
        return timestamp(out, micros);
    }
    let offset_seconds = zone.offset_seconds(micros);
    // Local mean times of the nineteenth century have seconds, for which RFC 3339 has no place.
    if offset_seconds % 60 != 0 || zone.is_utc() {
        return instant_utc(out, micros);
    }
    // In days and microseconds apart, so that the last instants there are do not overflow.
    let mut days = micros.div_euclid(DAY_MICROS);
    let of_day = micros.rem_euclid(DAY_MICROS) + i64::from(offset_seconds) * SECOND_MICROS;
    days += of_day.div_euclid(DAY_MICROS);
    day_and_clock(out, days, of_day.rem_euclid(DAY_MICROS));
    let minutes = offset_seconds.unsigned_abs() / 60;
    let digits = digits::four((minutes / 60 * 100 + minutes % 60) as u16);
    let sign = if offset_seconds < 0 { b'-' } else { b'+' };
    out.array(&[sign, digits[0], digits[1], b':', digits[2], digits[3]]);
}

#[inline(always)]
fn day_and_clock(out: &mut Out<'_>, days: i64, micros_of_day: i64) {
    let (start, [day_1, day_2]) = year_to_day(out, Day::since_2000(days));
    let (hour_minute, seconds, fraction, fraction_length) = clock(micros_of_day);
    out.array(&start);
    let [h1, h2, colon, m1, m2] = hour_minute;
    out.array(&[day_1, day_2, b'T', h1, h2, colon, m1, m2]);
    out.array(&seconds);
    out.prefix(&fraction, fraction_length);
}

/// `YYYY-MM-` and `DD`; of a year with more than four digits all but the last four are written.
#[inline(always)]
fn year_to_day(out: &mut Out<'_>, day: Day) -> ([u8; 8], [u8; 2]) {
    let year = match u32::try_from(day.year) {
        Ok(year) if year <= 9_999 => year,
        Ok(_) | Err(_) => expanded_year(out, day.year),
    };
    let [y1, y2, y3, y4, m1, m2, d1, d2] = digits::eight(year * 10_000 + day.month * 100 + day.day);
    ([y1, y2, y3, y4, b'-', m1, m2, b'-'], [d1, d2])
}

/// Writes sign and leading digits of a year outside 0000..9999; gives back the last four digits.
#[cold]
fn year_head(year: i64, vec: &mut Vec<u8>) -> u32 {
    let magnitude = year.unsigned_abs();
    let mut out = Out::on(vec);
    out.byte(if year < 0 { b'-' } else { b'+' });
    if magnitude > 9_999 {
        number::integer(&mut out, (magnitude / 10_000).cast_signed());
    }
    out.finish();
    (magnitude % 10_000) as u32
}

#[inline(always)]
fn expanded_year(out: &mut Out<'_>, year: i64) -> u32 {
    out.with_vec(|vec| year_head(year, vec))
}

/// `HH:MM`, `:SS`, the fraction with its point, and the fraction's length.
#[inline(always)]
fn clock(micros: i64) -> ([u8; 5], [u8; 3], [u8; 8], usize) {
    // Sources bound a time to one day and an end; a wrong one must not make a wrong digit.
    let micros = micros.clamp(0, DAY_MICROS) as u64;
    let seconds = (micros / 1_000_000) as u32;
    let (fraction, fraction_length) = digits::fraction((micros % 1_000_000) as u32);
    let number = seconds / 3_600 * 10_000 + seconds / 60 % 60 * 100 + seconds % 60;
    let [_, _, h1, h2, m1, m2, s1, s2] = digits::eight(number);
    ([h1, h2, b':', m1, m2], [b':', s1, s2], fraction, fraction_length)
}

#[cfg(test)]
mod tests {
    use super::*;

    use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
    use chrono::{Datelike, Timelike};
    use chrono_tz::{TZ_VARIANTS, Tz};
    use proptest::prelude::*;

    fn text(write: impl FnOnce(&mut Out<'_>)) -> String {
        let mut bytes = Vec::new();
        let mut out = Out::on(&mut bytes);
        write(&mut out);
        out.finish();
        String::from_utf8(bytes).unwrap()
    }

    fn epoch() -> NaiveDateTime {
        NaiveDate::from_ymd_opt(2000, 1, 1).unwrap().and_time(NaiveTime::MIN)
    }

    /// What chrono makes of an instant, with the fraction cut as ours is.
    fn by_chrono(micros: i64, zone: Tz) -> String {
        let utc = epoch() + TimeDelta::microseconds(micros);
        let local = utc.and_utc().with_timezone(&zone);
        let offset = local.format("%::z").to_string();
        let is_whole = offset.ends_with(":00");
        let (naive, offset) = match (ZoneOffsets::new(zone).is_utc(), is_whole) {
            (false, true) => (local.naive_local(), offset.strip_suffix(":00").unwrap().to_owned()),
            (true, _) | (false, false) => (utc, "Z".to_owned()),
        };
        let fraction = match naive.nanosecond() / 1_000 {
            0 => String::new(),
            micros => format!(".{micros:06}").trim_end_matches('0').to_owned(),
        };
        format!("{}{fraction}{offset}", naive.format("%Y-%m-%dT%H:%M:%S"))
    }

    proptest! {
        #[test]
        fn instants_are_as_chrono_tz_says(
            zone in proptest::sample::select(&TZ_VARIANTS[..]),
            // Years 1800 to 2200.
            micros in -6_311_520_000_000_000_i64..6_311_520_000_000_000,
            shift in 0..20_u32,
        ) {
            let micros = micros >> shift;
            let offsets = ZoneOffsets::new(zone);
            for micros in [micros, micros / 1_000_000 * 1_000_000, micros / 1_000 * 1_000] {
                // Twice: the second answer comes from the cache.
                for _ in 0..2 {
                    let ours = text(|out| instant(out, micros, &offsets));
                    prop_assert_eq!(&ours, &by_chrono(micros, zone));
                    prop_assert!(DateTime::parse_from_rfc3339(&ours).is_ok());
                }
            }
        }

        #[test]
        fn days_are_as_chrono_says(days in -90_000_000_i64..90_000_000) {
            prop_assert_eq!(Day::since_2000(days).to_days_since_2000(), days);
            let days = days % 95_000_000;
            let date = epoch().date();
            let date = match u64::try_from(days) {
                Ok(days) => date.checked_add_days(Days::new(days)),
                Err(_) => date.checked_sub_days(Days::new(days.unsigned_abs())),
            };
            prop_assume!(date.is_some());
            let date = date.unwrap();
            let expected =
                Day { year: date.year().into(), month: date.month(), day: date.day() };
            prop_assert_eq!(Day::since_2000(days), expected);
        }

        #[test]
        fn times_are_as_chrono_says(micros in 0..DAY_MICROS) {
            let time_of_day = NaiveTime::MIN + TimeDelta::microseconds(micros);
            let ours = text(|out| time(out, micros));
            prop_assert_eq!(ours.parse::<NaiveTime>().unwrap(), time_of_day);
        }
    }

    #[test]
    fn the_ends_of_the_calendar_are_written() {
        assert_eq!(text(|out| date(out, 0)), "2000-01-01");
        assert_eq!(text(|out| date(out, i32::MAX)), "Infinity");
        assert_eq!(text(|out| date(out, i32::MIN)), "-Infinity");
        assert_eq!(text(|out| date(out, 2_145_031_948)), "+5874897-12-31");
        assert_eq!(text(|out| date(out, -2_451_545)), "-4713-11-24");
        assert_eq!(text(|out| date(out, -730_485)), "0000-01-01");
        assert_eq!(text(|out| date(out, -746_117)), "-0043-03-15");
        assert_eq!(text(|out| date(out, 2_921_939)), "9999-12-31");
        assert_eq!(text(|out| date(out, 2_921_940)), "+10000-01-01");
        let last = 9_223_371_331_199_999_999;
        assert_eq!(text(|out| timestamp(out, last)), "+294276-12-31T23:59:59.999999");
        assert_eq!(text(|out| instant_utc(out, last)), "+294276-12-31T23:59:59.999999Z");
        let samoa = ZoneOffsets::new(Tz::Pacific__Kiritimati);
        assert_eq!(
            text(|out| instant(out, i64::MAX - 1, &samoa)),
            "+294277-01-09T18:00:54.775806+14:00"
        );
        assert_eq!(text(|out| instant(out, TIME_INFINITY, &samoa)), "Infinity");
        assert_eq!(text(|out| instant_utc(out, TIME_MINUS_INFINITY)), "-Infinity");
        assert_eq!(text(|out| time(out, DAY_MICROS)), "24:00:00");
    }

    #[test]
    fn the_hour_that_comes_twice_is_told_apart() {
        let berlin = ZoneOffsets::new(Tz::Europe__Berlin);
        let at = |text: &str| {
            DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
                - epoch().and_utc().timestamp_micros()
        };
        for (utc, local) in [
            ("2024-10-27T00:30:00Z", "2024-10-27T02:30:00+02:00"),
            ("2024-10-27T00:59:59.999999Z", "2024-10-27T02:59:59.999999+02:00"),
            ("2024-10-27T01:00:00Z", "2024-10-27T02:00:00+01:00"),
            ("2024-10-27T01:30:00Z", "2024-10-27T02:30:00+01:00"),
            ("2024-03-31T00:59:59Z", "2024-03-31T01:59:59+01:00"),
            ("2024-03-31T01:00:00Z", "2024-03-31T03:00:00+02:00"),
            ("1880-01-01T00:00:00Z", "1880-01-01T00:00:00Z"),
        ] {
            assert_eq!(text(|out| instant(out, at(utc), &berlin)), local);
        }
    }
}
