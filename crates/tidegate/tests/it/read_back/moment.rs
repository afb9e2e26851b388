//! Dates and times as clients print them, as files have them.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, TimeDelta, Timelike};

/// The last microsecond that 64 bits of them count from 1970, where Parquet's timestamps end.
const PARQUET_LAST: &str = "+294247-01-10T04:00:54.775807";

/// A date, a time, or both, in ISO 8601 without a zone: `-4713-11-24T00:00:00`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment(pub(super) String);

impl Moment {
    /// Reads `2024-02-29`, `23:59:59.50`, `4714-11-24 00:00:00+00 BC`, `infinity`. An offset, if
    /// there is one, must be that of UTC.
    pub(super) fn of_client(text: &str) -> Self {
        match text {
            "infinity" => return Self("Infinity".to_owned()),
            "-infinity" => return Self("-Infinity".to_owned()),
            _ => {}
        }
        let (text, is_bc) = text.strip_suffix(" BC").map_or((text, false), |text| (text, true));
        let text = text.strip_suffix("+00").unwrap_or(text);
        let (day, clock) = match text.split_once(' ') {
            Some((day, clock)) => (Some(day), Some(clock)),
            None if text.contains(':') => (None, Some(text)),
            None => (Some(text), None),
        };
        let day = day.map(|day| iso_day(day, is_bc));
        let parts: Vec<String> = day.into_iter().chain(clock.map(without_zeros)).collect();
        Self(parts.join("T"))
    }

    pub(super) fn is_infinite(&self) -> bool {
        self.0.ends_with("Infinity")
    }

    /// Whether Parquet's timestamps reach as far.
    pub(super) fn is_in_parquet(&self) -> bool {
        // All years beyond 9999 that PostgreSQL has are written with a sign and six digits.
        let is_too_far = self.0.len() >= PARQUET_LAST.len() - 7
            && self.0.starts_with("+2")
            && *self.0 > *PARQUET_LAST;
        !self.is_infinite() && !is_too_far
    }

    /// Whether spreadsheets have a serial number for it.
    pub(super) fn is_in_sheet(&self) -> bool {
        let has_plain_year = self.0.as_bytes().get(4) == Some(&b'-');
        has_plain_year && !self.0.starts_with('-') && *self.0 >= *"1900-03-01"
    }

    /// The same to the millisecond, as openpyxl reads it; none where that rounds past year 9999.
    pub(super) fn to_millisecond(&self) -> Option<NaiveDateTime> {
        let moment: NaiveDateTime = self.0.parse().expect("it is in the sheet");
        let rounded = moment.round_subsecs(3);
        let last = NaiveDate::from_ymd_opt(9999, 12, 31).expect("that day exists");
        (rounded.date() <= last).then_some(rounded)
    }
}

/// A time of day to the millisecond; none where that is 24:00:00.
pub(super) fn time_to_millisecond(text: &str) -> Option<NaiveTime> {
    let time: NaiveTime = text.parse().expect("it is within a day");
    let to_round = i64::from(time.nanosecond() % 1_000_000);
    let delta = if to_round >= 500_000 { 1_000_000 - to_round } else { -to_round };
    let (rounded, days) = time.overflowing_add_signed(TimeDelta::nanoseconds(delta));
    (days == 0).then_some(rounded)
}

/// `23:59:59.5`, as the testkit's readers write it.
pub(super) fn clock_text(time: NaiveTime) -> String {
    without_zeros(&time.format("%H:%M:%S%.9f").to_string())
}

/// Drops the zeros at the end of a fraction.
fn without_zeros(clock: &str) -> String {
    match clock.contains('.') {
        true => clock.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => clock.to_owned(),
    }
}

/// A day with its year as ISO 8601 counts: there is a year 0, and more than four digits need a sign.
fn iso_day(day: &str, is_bc: bool) -> String {
    let (year, rest) = day.split_once('-').expect("a day has a month");
    let year: i64 = year.parse().expect("a year is a number");
    let year = if is_bc { 1 - year } else { year };
    let sign = match year {
        ..0 => "-",
        0..10_000 => "",
        _ => "+",
    };
    format!("{sign}{:04}-{rest}", year.abs())
}
