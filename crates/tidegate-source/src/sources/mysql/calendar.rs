//! Dates and times of the server, as days and microseconds.

use std::io::Write;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use mysql_async::Value;

use super::cell::Unfit;

/// Days from year 0, 1 March, to 2000-01-01.
const DAYS_TO_2000: i64 = 730_425;
/// Days of the four centuries after which the calendar repeats itself.
const ERA_DAYS: i64 = 146_097;
const SECOND_MICROS: i64 = 1_000_000;
const DAY_MICROS: i64 = 86_400 * SECOND_MICROS;
/// Decimals of a column whose fraction has no fixed length.
const UNFIXED: u8 = 31;

/// Days since 2000-01-01.
pub(super) fn day(value: &Value) -> Result<i32, Unfit> {
    let days = match *value {
        Value::Date(year, month, day, ..) => days_of(year, month, day)?,
        Value::Bytes(ref text) => {
            let text = utf8(text)?;
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
            let date = date.or_else(|| moment_of_text(text).map(|moment| moment.date()));
            (date.ok_or_else(no_date)? - epoch().date()).num_days()
        }
        _ => return Err(no_date()),
    };
    i32::try_from(days).map_err(|_| no_date())
}

/// Microseconds since 2000-01-01 00:00:00 of an unnamed zone.
pub(super) fn moment(value: &Value) -> Result<i64, Unfit> {
    match *value {
        Value::Date(year, month, day, hour, minute, second, micros) => {
            let days = days_of(year, month, day)?;
            Ok(days * DAY_MICROS + time_micros(0, hour, minute, second, micros))
        }
        Value::Bytes(ref text) => {
            micros_since_epoch(moment_of_text(utf8(text)?).ok_or_else(no_date)?)
        }
        _ => Err(no_date()),
    }
}

/// Microseconds since 2000-01-01 00:00:00 UTC; what has no zone is in the session's, UTC.
pub(super) fn instant(value: &Value) -> Result<i64, Unfit> {
    if let Value::Bytes(text) = value {
        let text = utf8(text)?;
        let zoned = DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.naive_utc());
        return micros_since_epoch(zoned.or_else(|| moment_of_text(text)).ok_or_else(no_date)?);
    }
    moment(value)
}

/// Microseconds since midnight.
pub(super) fn time_of_day(value: &Value) -> Result<i64, Unfit> {
    let micros = match value {
        Value::Date(_, _, _, hour, minute, second, micros) => {
            time_micros(0, *hour, *minute, *second, *micros)
        }
        Value::Bytes(text) => {
            let time = NaiveTime::parse_from_str(utf8(text)?, "%H:%M:%S%.f")
                .map_err(|_| Unfit::because("is no time of day; declare the field `text`"))?;
            (time - NaiveTime::MIN).num_microseconds().unwrap_or_default()
        }
        other => span(other)?,
    };
    if (0..=DAY_MICROS).contains(&micros) {
        return Ok(micros);
    }
    Err(Unfit::because("is no time within one day; declare the field `interval` or `text`"))
}

/// Microseconds of a `time`, which may be negative and beyond a day.
pub(super) fn span(value: &Value) -> Result<i64, Unfit> {
    match *value {
        Value::Time(is_negative, days, hours, minutes, seconds, micros) => {
            let micros = time_micros(days, hours, minutes, seconds, micros);
            Ok(if is_negative { -micros } else { micros })
        }
        _ => Err(Unfit::because("is no time; declare the field `text`")),
    }
}

/// Appends a date, with its time unless the column holds days, as the server prints it; also
/// dates that are none, such as `0000-00-00`.
pub(super) fn write_date(value: &Value, is_day: bool, fraction_digits: u8, out: &mut Vec<u8>) {
    let Value::Date(year, month, day, hour, minute, second, micros) = *value else { return };
    let written = write!(out, "{year:04}-{month:02}-{day:02}");
    written.expect("a vector takes all that is written");
    if !is_day {
        let written = write!(out, " {hour:02}:{minute:02}:{second:02}");
        written.expect("a vector takes all that is written");
        write_fraction(micros, fraction_digits, out);
    }
}

/// Appends a `time` as the server prints it.
pub(super) fn write_time(value: &Value, fraction_digits: u8, out: &mut Vec<u8>) {
    let Value::Time(is_negative, days, hours, minutes, seconds, micros) = *value else { return };
    if is_negative {
        out.push(b'-');
    }
    let hours = days * 24 + u32::from(hours);
    let written = write!(out, "{hours:02}:{minutes:02}:{seconds:02}");
    written.expect("a vector takes all that is written");
    write_fraction(micros, fraction_digits, out);
}

fn write_fraction(micros: u32, fraction_digits: u8, out: &mut Vec<u8>) {
    let digits = match fraction_digits {
        UNFIXED.. if micros == 0 => 0,
        digits => usize::from(digits.min(6)),
    };
    if digits > 0 {
        let text = format!(".{micros:06}");
        out.extend_from_slice(&text.as_bytes()[..=digits]);
    }
}

/// Days since 2000-01-01, of a day that exists.
#[inline]
fn days_of(year: u16, month: u8, day: u8) -> Result<i64, Unfit> {
    if month == 0 || day == 0 {
        return Err(Unfit::because(
            "is a date with a year, month or day of zero; declare the field `text`",
        ));
    }
    if month > 12 || day > days_in_month(year, month) {
        return Err(Unfit::because("is no day of the calendar; declare the field `text`"));
    }
    // Counted from March, so that the leap day comes last and months have a regular length.
    let year = i64::from(year) - i64::from(month <= 2);
    let month = (i64::from(month) + 9) % 12;
    let era = year.div_euclid(400);
    let year = year.rem_euclid(400);
    let day = (153 * month + 2) / 5 + i64::from(day) - 1;
    Ok(era * ERA_DAYS + year * 365 + year / 4 - year / 100 + day - DAYS_TO_2000)
}

fn days_in_month(year: u16, month: u8) -> u8 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn time_micros(days: u32, hours: u8, minutes: u8, seconds: u8, micros: u32) -> i64 {
    let hours = i64::from(days) * 24 + i64::from(hours);
    let seconds = (hours * 60 + i64::from(minutes)) * 60 + i64::from(seconds);
    seconds * SECOND_MICROS + i64::from(micros)
}

fn epoch() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2000, 1, 1).expect("that day exists").and_time(NaiveTime::MIN)
}

fn micros_since_epoch(moment: NaiveDateTime) -> Result<i64, Unfit> {
    (moment - epoch()).num_microseconds().ok_or_else(no_date)
}

fn moment_of_text(text: &str) -> Option<NaiveDateTime> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
    let moment = formats.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    moment.or_else(|| day().map(|day| day.and_time(NaiveTime::MIN)))
}

fn utf8(text: &[u8]) -> Result<&str, Unfit> {
    std::str::from_utf8(text).map_err(|_| no_date())
}

fn no_date() -> Unfit {
    Unfit::because("is no date of the field's type; declare the field `text`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_agree_with_another_calendar() {
        let mut date = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        let last = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap();
        while date < last {
            use chrono::Datelike;
            let (year, month, day_of_month) =
                (date.year().try_into().unwrap(), date.month() as u8, date.day() as u8);
            let value = Value::Date(year, month, day_of_month, 0, 0, 0, 0);
            let days = (date - epoch().date()).num_days();
            assert_eq!(day(&value), Ok(i32::try_from(days).unwrap()), "{date}");
            date = date.checked_add_days(chrono::Days::new(13)).unwrap();
        }
    }

    #[test]
    fn days_that_are_none_are_refused_and_written_as_text() {
        for (year, month, day_of_month) in
            [(0, 0, 0), (2024, 0, 1), (2024, 1, 0), (2023, 2, 29), (1900, 2, 29), (2024, 4, 31)]
        {
            let value = Value::Date(year, month, day_of_month, 0, 0, 0, 0);
            assert!(day(&value).is_err() && moment(&value).is_err() && instant(&value).is_err());
        }
        let mut out = Vec::new();
        write_date(&Value::Date(0, 0, 0, 0, 0, 0, 0), false, 3, &mut out);
        assert_eq!(out, b"0000-00-00 00:00:00.000");
    }

    #[test]
    fn times_go_beyond_a_day_as_spans_and_text_only() {
        let longest = Value::Time(true, 34, 22, 59, 59, 999_999);
        assert_eq!(span(&longest), Ok(-3_020_399_999_999));
        assert!(time_of_day(&longest).is_err());
        let mut out = Vec::new();
        write_time(&longest, 6, &mut out);
        assert_eq!(out, b"-838:59:59.999999");
        assert_eq!(time_of_day(&Value::Time(false, 1, 0, 0, 0, 0)), Ok(DAY_MICROS));
    }

    #[test]
    fn text_is_read_as_a_date_with_or_without_a_zone() {
        let micros = 86_400_000_000 + 3_600_000_000 + 500_000;
        for text in
            ["2000-01-02 01:00:00.5", "2000-01-02T01:00:00.500Z", "2000-01-02T03:00:00.5+02:00"]
        {
            assert_eq!(instant(&Value::from(text)), Ok(micros), "{text}");
        }
        assert_eq!(day(&Value::from("2000-01-02")), Ok(1));
        assert!(day(&Value::from("2000-13-02")).is_err());
    }
}
