//! A cron expression of five fields, as local times that it matches.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, Timelike};
use croner::{
    Cron, CronDateTime,
    parser::{CronParser, Seconds, Year},
};

use crate::fault::shown;

/// Characters of an expression: more than one that spells out every minute and hour.
pub const EXPRESSION_CHARACTERS_MAX: usize = 400;
/// Days that are searched for the next one: 29 February on one weekday comes every 28 years, or 40
/// around a century without its leap day.
const DAYS_SEARCHED_MAX: u64 = 41 * 366;
/// Minutes of a day.
const DAY_MINUTES: u32 = 24 * 60;

/// A cron expression: minute, hour, day of month, month, day of week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    text: String,
    cron: Cron,
    /// Minutes of the day, in order.
    minutes: Vec<u32>,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// With what is wrong, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        if text.chars().count() > EXPRESSION_CHARACTERS_MAX {
            return Err(format!(
                "an expression has at most {EXPRESSION_CHARACTERS_MAX} characters"
            ));
        }
        if fields.len() != 5 {
            return Err(format!(
                "`{}` has {} fields; a cron expression has five: minute, hour, day of month, \
                 month, day of week, such as `0 6 * * 1`",
                shown(text),
                fields.len()
            ));
        }
        let text = fields.join(" ");
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(&text).map_err(|_| {
            format!(
                "`{}` is no cron expression: its fields are minute (0-59), hour (0-23), day of \
                 month (1-31 or L), month (1-12) and day of week (0-7 or MON), each a number, a \
                 list `1,2`, a range `1-5`, a step `*/15` or `*`",
                shown(&text)
            )
        })?;
        let minutes = minutes_of(&cron);
        let read = Self { text, cron, minutes };
        let never = || format!("`{}` never happens: no month has such a day", shown(&read.text));
        let start = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a day of the calendar");
        match read.day_from(start) {
            Some(_) if !read.minutes.is_empty() => Ok(read),
            _ => Err(never()),
        }
    }

    /// As it was written, with single spaces.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it means each real hour, and not local times: its hours are `*`, or a step of `*`.
    pub(super) fn is_interval(&self) -> bool {
        self.text.split(' ').nth(1).is_some_and(|hours| hours.contains('*'))
    }

    /// Seconds between two local times that it matches, at least; each day is taken for one that it
    /// matches.
    pub(super) fn least_gap_seconds(&self) -> u32 {
        let next = self.minutes.iter().copied().skip(1);
        let first = self.minutes.first().map(|first| first + DAY_MINUTES);
        let gaps = self.minutes.iter().zip(next.chain(first)).map(|(minute, next)| next - minute);
        60 * gaps.min().unwrap_or(DAY_MINUTES)
    }

    /// The first local time from here on that it matches; this minute, too, if it has just begun.
    pub(super) fn wall_from(&self, from: NaiveDateTime) -> Option<NaiveDateTime> {
        let passed = from.num_seconds_from_midnight();
        let behind = |minute: &&u32| **minute * 60 >= passed;
        let today = self.is_day(from.date()).then(|| self.minutes.iter().find(behind)).flatten();
        match today {
            Some(minute) => at(from.date(), *minute),
            None => {
                let day = self.day_from(from.date().checked_add_days(Days::new(1))?)?;
                at(day, *self.minutes.first()?)
            }
        }
    }

    fn day_from(&self, start: NaiveDate) -> Option<NaiveDate> {
        let days = (0..DAYS_SEARCHED_MAX).map_while(|days| start.checked_add_days(Days::new(days)));
        { days }.find(|day| self.is_day(*day))
    }

    fn is_day(&self, day: NaiveDate) -> bool {
        let Some(midnight) = day.and_hms_opt(0, 0, 0) else { return false };
        let weekday = midnight.and_utc().civil_weekday();
        let (year, month, of_month) = (day.year(), day.month(), day.day());
        let pattern = &self.cron.pattern;
        pattern.month_match(month).unwrap_or(false)
            && pattern.day_match(year, month, of_month, weekday).unwrap_or(false)
    }
}

fn at(day: NaiveDate, minute: u32) -> Option<NaiveDateTime> {
    day.and_hms_opt(minute / 60, minute % 60, 0)
}

fn minutes_of(cron: &Cron) -> Vec<u32> {
    let hours = (0..24).filter(|hour| cron.pattern.hour_match(*hour).unwrap_or(false));
    let minutes = |hour: u32| {
        let minutes = 0..60_u32;
        minutes
            .filter(|minute| cron.pattern.minute_match(*minute).unwrap_or(false))
            .map(move |minute| hour * 60 + minute)
    };
    hours.flat_map(minutes).collect()
}
