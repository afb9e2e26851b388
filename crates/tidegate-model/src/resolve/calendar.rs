//! Days, weeks and months of a time zone, as bounds that a source can compare with.

use chrono::{
    DateTime, Datelike, Days, Duration as Elapsed, MappedLocalTime, Months, NaiveDate,
    NaiveDateTime, NaiveTime, TimeZone, Utc,
};
use chrono_tz::Tz;

use super::Moment;
use crate::{
    DataType,
    query::Literal,
    scope::{Duration, Span, Unit, clamped, first_moment, last_moment},
};

/// Widest gap that a clock was ever put forward, and then some: Samoa and the Marshall Islands left
/// out a whole day.
const GAP_HOURS_MAX: i64 = 25;

/// A span of a field's values: from the start (or ever), up to but not including the end.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bounds {
    pub(super) start: Option<Literal>,
    pub(super) end: Literal,
}

/// The calendar of a zone, around a moment.
pub(super) struct Calendar<'a> {
    moment: &'a Moment,
    /// What the wall shows now.
    wall: NaiveDateTime,
}

/// Before or after now.
#[derive(Clone, Copy)]
enum Direction {
    Back,
    Ahead,
}

impl<'a> Calendar<'a> {
    pub(super) fn new(moment: &'a Moment) -> Self {
        Self { moment, wall: moment.now.with_timezone(&moment.time_zone).naive_local() }
    }

    /// The first instant at which the wall shows `local` or later: the earlier one of two, and the
    /// end of the gap for a time that the clock skips.
    pub(super) fn instant(&self, local: NaiveDateTime) -> DateTime<Utc> {
        clamped(instant_of(self.moment.time_zone, local))
    }

    /// A whole day.
    pub(super) fn day(&self, day: NaiveDate, data_type: &DataType) -> Bounds {
        self.days(day, next_day(day), data_type)
    }

    /// The span before now.
    pub(super) fn last(&self, span: Span, data_type: &DataType) -> Bounds {
        match span {
            Span::Unit(unit) => {
                let start = first_day(unit, self.wall.date());
                self.days(shifted_unit(unit, start, Direction::Back), start, data_type)
            }
            Span::Duration(duration) => Bounds {
                start: Some(self.edge(duration, Direction::Back, data_type)),
                end: self.now(data_type),
            },
        }
    }

    /// The span after now.
    pub(super) fn next(&self, span: Span, data_type: &DataType) -> Bounds {
        match span {
            Span::Unit(unit) => {
                let start = shifted_unit(unit, first_day(unit, self.wall.date()), Direction::Ahead);
                self.days(start, shifted_unit(unit, start, Direction::Ahead), data_type)
            }
            Span::Duration(duration) => Bounds {
                start: Some(self.now(data_type)),
                end: self.edge(duration, Direction::Ahead, data_type),
            },
        }
    }

    /// The unit that holds now.
    pub(super) fn this(&self, unit: Unit, data_type: &DataType) -> Bounds {
        let start = first_day(unit, self.wall.date());
        self.days(start, shifted_unit(unit, start, Direction::Ahead), data_type)
    }

    /// From where the last run ended up to where this one does; from ever before the first run.
    pub(super) fn since_last(&self, data_type: &DataType) -> Bounds {
        let at = |now| {
            let then = Moment { now, ..*self.moment };
            Calendar::new(&then).now(data_type)
        };
        let end = at(self.moment.until.unwrap_or(self.moment.now));
        Bounds { start: self.moment.last_run.map(at), end }
    }

    fn days(&self, start: NaiveDate, end: NaiveDate, data_type: &DataType) -> Bounds {
        let edge = |day: NaiveDate| match data_type {
            DataType::Date => at_date(day),
            DataType::Timestamp => at_local(midnight(day)),
            _ => Literal::TimestampTz(self.instant(midnight(day))),
        };
        Bounds { start: Some(edge(start)), end: edge(end) }
    }

    /// This moment: an instant, what the wall shows, or the day.
    fn now(&self, data_type: &DataType) -> Literal {
        match data_type {
            DataType::Date => at_date(self.wall.date()),
            DataType::Timestamp => at_local(self.wall),
            _ => Literal::TimestampTz(self.moment.now),
        }
    }

    /// The other end of a duration that begins or ends now. Months and days go by the calendar,
    /// hours and less by the clock.
    fn edge(&self, duration: Duration, direction: Direction, data_type: &DataType) -> Literal {
        let local = shifted(self.wall, duration, direction);
        let by_clock = || {
            let start = match (duration.months, duration.days) {
                // The wall may show this time twice; the instant is known.
                (0, 0) => self.moment.now,
                _ => instant_of(self.moment.time_zone, local),
            };
            elapsed(start, duration.seconds, direction)
        };
        match data_type {
            DataType::Date => at_date(local.date()),
            DataType::Timestamp if duration.seconds == 0 => at_local(local),
            DataType::Timestamp => {
                at_local(by_clock().with_timezone(&self.moment.time_zone).naive_local())
            }
            _ => Literal::TimestampTz(clamped(by_clock())),
        }
    }
}

fn at_date(day: NaiveDate) -> Literal {
    Literal::Date(day.clamp(first_moment().date(), last_moment().date()))
}

fn at_local(local: NaiveDateTime) -> Literal {
    Literal::Timestamp(local.clamp(first_moment(), last_moment()))
}

fn midnight(day: NaiveDate) -> NaiveDateTime {
    day.and_time(NaiveTime::MIN)
}

fn next_day(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

/// First day of the unit that holds `day`.
fn first_day(unit: Unit, day: NaiveDate) -> NaiveDate {
    let first_of_month = |month0: u32| day.with_day(1).and_then(|first| first.with_month0(month0));
    let first = match unit {
        Unit::Day => Some(day),
        Unit::Week => day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())),
        Unit::Month => first_of_month(day.month0()),
        Unit::Quarter => first_of_month(day.month0() / 3 * 3),
        Unit::Year => first_of_month(0),
    };
    first.unwrap_or(day)
}

/// First day of the unit before or after the one that begins with `first`.
fn shifted_unit(unit: Unit, first: NaiveDate, direction: Direction) -> NaiveDate {
    let (months, days) = match unit {
        Unit::Day => (0, 1),
        Unit::Week => (0, 7),
        Unit::Month => (1, 0),
        Unit::Quarter => (3, 0),
        Unit::Year => (12, 0),
    };
    shifted(midnight(first), Duration { months, days, seconds: 0 }, direction).date()
}

/// Months, then days, by the calendar. A day that the month does not have becomes its last: one
/// month before 31 March is 28 or 29 February.
fn shifted(local: NaiveDateTime, duration: Duration, direction: Direction) -> NaiveDateTime {
    let months = Months::new(duration.months);
    let days = Days::new(duration.days.into());
    let (shifted, limit) = match direction {
        Direction::Back => (
            local.checked_sub_months(months).and_then(|l| l.checked_sub_days(days)),
            first_moment(),
        ),
        Direction::Ahead => {
            (local.checked_add_months(months).and_then(|l| l.checked_add_days(days)), last_moment())
        }
    };
    shifted.unwrap_or(limit)
}

fn elapsed(instant: DateTime<Utc>, seconds: u64, direction: Direction) -> DateTime<Utc> {
    let elapsed = i64::try_from(seconds).ok().and_then(Elapsed::try_seconds);
    let (shifted, limit) = match direction {
        Direction::Back => {
            (elapsed.and_then(|by| instant.checked_sub_signed(by)), first_moment().and_utc())
        }
        Direction::Ahead => {
            (elapsed.and_then(|by| instant.checked_add_signed(by)), last_moment().and_utc())
        }
    };
    shifted.unwrap_or(limit)
}

/// The first instant at which a wall in the zone shows `local` or later.
pub(crate) fn instant_of(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(instant) => instant.with_timezone(&Utc),
        MappedLocalTime::Ambiguous(earlier, _) => earlier.with_timezone(&Utc),
        MappedLocalTime::None => end_of_gap(zone, local).unwrap_or_else(|| local.and_utc()),
    }
}

/// The instant at which the clock jumps over `local`: a second after the last one that it shows.
fn end_of_gap(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    let shows = |local: NaiveDateTime| zone.from_local_datetime(&local).latest();
    let start = local.checked_sub_signed(Elapsed::hours(GAP_HOURS_MAX))?;
    shows(start)?;
    // Gaps begin and end at whole seconds; between these two, the first second that is skipped.
    let (mut shown, mut skipped) = (0, GAP_HOURS_MAX * 3_600);
    while skipped - shown > 1 {
        let middle = shown + (skipped - shown) / 2;
        match shows(start + Elapsed::seconds(middle)) {
            Some(_) => shown = middle,
            None => skipped = middle,
        }
    }
    let last = shows(start + Elapsed::seconds(shown))?;
    Some((last + Elapsed::seconds(1)).with_timezone(&Utc))
}
