//! The days that are looked back on, as they begin and end in somebody's zone.

use std::ops::Range;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Offset, TimeZone, Timelike};
use chrono_tz::Tz;

/// Microseconds of a quarter of an hour: no zone of now is off by less.
const QUARTER: i64 = 900 * 1_000_000;
/// Microseconds of an hour.
const HOUR: i64 = 4 * QUARTER;
/// Hours after midnight at which a day has begun at the latest, whatever is done to the clocks.
const LATE_HOURS: u32 = 4;

/// Days of a zone, in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EgressWindow {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub until: NaiveDate,
    /// Where they begin and end.
    pub zone: Tz,
}

impl EgressWindow {
    /// So many days, the last of which is this one.
    pub(super) fn ending(until: NaiveDate, days: u32, zone: Tz) -> Self {
        let back = Days::new(days.saturating_sub(1).into());
        Self { from: until.checked_sub_days(back).unwrap_or(until), until, zone }
    }

    /// As many days before it.
    pub fn before(&self) -> Self {
        let until = self.from.pred_opt().unwrap_or(self.from);
        Self::ending(until, self.days(), self.zone)
    }

    /// As many days behind it.
    pub fn behind(&self) -> Self {
        let days = Days::new(self.days().into());
        let until = self.until.checked_add_days(days).unwrap_or(self.until);
        Self::ending(until, self.days(), self.zone)
    }

    /// How many days there are.
    pub fn days(&self) -> u32 {
        let days = (self.until - self.from).num_days() + 1;
        u32::try_from(days).unwrap_or(1)
    }

    /// Every day.
    pub fn dates(&self) -> impl Iterator<Item = NaiveDate> {
        self.from.iter_days().take(self.days() as usize)
    }

    /// From the first moment on, and before the last one, in microseconds since 1970.
    pub fn within(&self) -> Range<i64> {
        self.of_day(self.from).start..self.of_day(self.until).end
    }

    /// The same of one day.
    pub fn of_day(&self, day: NaiveDate) -> Range<i64> {
        let next = day.succ_opt().unwrap_or(day);
        self.begins(day)..self.begins(next)
    }

    /// Place of a moment among the days; none where it lies outside.
    pub(super) fn place(&self, micros: i64) -> Option<usize> {
        let local = self.zone.timestamp_micros(micros).single()?;
        usize::try_from((local.date_naive() - self.from).num_days()).ok()
    }

    /// Day of the week from Monday on, and hour.
    pub(super) fn hour(&self, micros: i64) -> Option<(usize, usize)> {
        let local = self.zone.timestamp_micros(micros).single()?;
        Some((local.weekday().num_days_from_monday() as usize, local.hour() as usize))
    }

    /// Spans in which days and hours of the zone are whole: hours where it is off by whole ones.
    pub(super) fn step_micros(&self) -> i64 {
        let is_whole = |day: NaiveDate| {
            let offset = self.zone.offset_from_utc_datetime(&day.and_time(NaiveTime::MIN)).fix();
            offset.local_minus_utc() % 3600 == 0
        };
        let next = self.until.succ_opt().unwrap_or(self.until);
        let is_all_whole = self.dates().chain([next]).all(is_whole);
        if is_all_whole { HOUR } else { QUARTER }
    }

    /// The first moment of a day: where clocks go forward at midnight, a later one.
    fn begins(&self, day: NaiveDate) -> i64 {
        let hours = (0..LATE_HOURS).filter_map(|hour| day.and_hms_opt(hour, 0, 0));
        let first = hours.filter_map(|at| self.zone.from_local_datetime(&at).earliest()).next();
        first.map_or_else(
            || day.and_time(NaiveTime::MIN).and_utc().timestamp_micros(),
            |first| first.timestamp_micros(),
        )
    }
}

/// Every such hour of the week within the days, as it is in the zone.
pub fn hours_of(window: &EgressWindow, weekday: u32, hour: u32) -> Vec<Range<i64>> {
    let days = window.dates().filter(|day| day.weekday().num_days_from_monday() == weekday);
    let spans = days.flat_map(|day| {
        let step = window.step_micros();
        let Range { start, end } = window.of_day(day);
        let steps = (0..).map(move |number| start + number * step).take_while(move |at| *at < end);
        let is_it = move |at: &i64| window.hour(*at).is_some_and(|(_, of)| of == hour as usize);
        steps.filter(is_it).map(move |at| at..at + step)
    });
    // Quarters of an hour that follow each other are one span.
    spans.fold(Vec::new(), |mut all: Vec<Range<i64>>, span| {
        match all.last_mut() {
            Some(last) if last.end == span.start => last.end = span.end,
            _ => all.push(span),
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(until: &str, days: u32, zone: Tz) -> EgressWindow {
        EgressWindow::ending(until.parse().unwrap(), days, zone)
    }

    fn at(text: &str) -> i64 {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
    }

    #[test]
    fn days_are_those_of_the_zone_and_have_its_lengths() {
        let week = window("2026-11-02", 7, Tz::Europe__Berlin);
        assert_eq!((week.from.to_string(), week.days()), ("2026-10-27".to_owned(), 7));
        let sunday = "2026-10-25".parse().unwrap();
        let berlin = window("2026-10-25", 1, Tz::Europe__Berlin);
        let hours = |of: Range<i64>| (of.end - of.start) / HOUR;
        assert_eq!(hours(berlin.of_day(sunday)), 25, "clocks go back");
        assert_eq!(berlin.within().start, at("2026-10-24T22:00:00Z"));
        // Clocks go forward at midnight: the day begins at one.
        let gap = "2018-11-04".parse().unwrap();
        let brasilia = window("2018-11-04", 1, Tz::America__Sao_Paulo);
        assert_eq!(hours(brasilia.of_day(gap)), 23);
        assert_eq!(week.before().until.to_string(), "2026-10-26");
        assert_eq!(week.before().behind(), week);
    }

    #[test]
    fn spans_are_whole_hours_where_the_zone_is_off_by_whole_ones() {
        for (zone, step) in [
            (Tz::UTC, HOUR),
            (Tz::Europe__Lisbon, HOUR),
            (Tz::Asia__Kolkata, QUARTER),
            (Tz::Asia__Kathmandu, QUARTER),
            (Tz::Australia__Lord_Howe, QUARTER),
        ] {
            assert_eq!(window("2026-11-22", 90, zone).step_micros(), step, "{zone}");
        }
    }

    #[test]
    fn an_hour_of_the_week_is_found_in_every_week_and_lasts_an_hour() {
        for zone in [Tz::UTC, Tz::Asia__Kathmandu, Tz::America__New_York] {
            let quarter = window("2026-11-22", 90, zone);
            let (mut count, mut whole) = (0, 0);
            for weekday in 0..7 {
                for hour in 0..24 {
                    for span in hours_of(&quarter, weekday, hour) {
                        let place = (weekday as usize, hour as usize);
                        assert_eq!(quarter.hour(span.start), Some(place));
                        assert_eq!(quarter.hour(span.end - 1), Some(place));
                        count += 1;
                        whole += span.end - span.start;
                    }
                }
            }
            let within = quarter.within();
            assert_eq!(whole, within.end - within.start, "{zone}");
            assert!((90 * 24..=90 * 24 + 1).contains(&count), "{zone}: {count}");
        }
    }

    #[test]
    fn a_moment_has_its_place_among_the_days() {
        let week = window("2026-11-22", 7, Tz::Asia__Tokyo);
        assert_eq!(week.place(at("2026-11-15T15:00:00Z")), Some(0));
        assert_eq!(week.place(at("2026-11-22T14:59:59Z")), Some(6));
        assert_eq!(week.place(at("2026-11-15T14:59:59Z")), None);
        assert_eq!(week.hour(at("2026-11-22T14:59:59Z")), Some((6, 23)));
    }
}
