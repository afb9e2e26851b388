//! The instants at which an expression fires in a time zone, over the changes of its clock.

use chrono::{DateTime, Duration, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

use super::expression::Expression;
use crate::resolve::instant_of;

/// Hours within which a zone's clock is changed once at most.
const CHANGE_HOURS: i64 = 6;

/// The first fire after a moment.
///
/// Hours that are spelled out are local times: one that the clock skips fires right after the gap,
/// and one that it shows twice fires the first time. Hours given as `*` are real ones: whenever the
/// clock shows such a time, it fires.
pub(super) fn next_after(
    expression: &Expression,
    zone: Tz,
    after: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    match expression.is_interval() {
        true => next_real(expression, zone, after),
        false => next_local(expression, zone, after),
    }
}

/// `instant_of` is the first instant at which the clock shows a time or a later one, so it never
/// goes back where the times go on.
fn next_local(expression: &Expression, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut wall = wall_at(zone, after);
    loop {
        wall = expression.wall_from(wall + Duration::seconds(1))?;
        let instant = instant_of(zone, wall);
        if instant > after {
            return Some(instant);
        }
    }
}

/// Between two changes of the clock its times are instants.
fn next_real(expression: &Expression, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut from = after + Duration::seconds(1);
    loop {
        let offset = offset_at(zone, from);
        let wall = expression.wall_from(from.naive_utc() + offset)?;
        let instant = (wall - offset).and_utc();
        match first_change(zone, from, instant) {
            None => return Some(instant),
            Some(change) => from = change,
        }
    }
}

/// The first instant behind `from`, and not behind `until`, at which the offset is another one.
fn first_change(zone: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let offset = offset_at(zone, from);
    let mut same = from;
    while same < until {
        let later = (same + Duration::hours(CHANGE_HOURS)).min(until);
        if offset_at(zone, later) != offset {
            return Some(changed_between(zone, same, later));
        }
        same = later;
    }
    None
}

fn changed_between(zone: Tz, same: DateTime<Utc>, changed: DateTime<Utc>) -> DateTime<Utc> {
    let offset = offset_at(zone, same);
    let (mut same, mut changed) = (same, changed);
    while (changed - same).num_seconds() > 1 {
        let middle = same + Duration::seconds((changed - same).num_seconds() / 2);
        match offset_at(zone, middle) == offset {
            true => same = middle,
            false => changed = middle,
        }
    }
    changed
}

fn wall_at(zone: Tz, instant: DateTime<Utc>) -> NaiveDateTime {
    instant.naive_utc() + offset_at(zone, instant)
}

fn offset_at(zone: Tz, instant: DateTime<Utc>) -> Duration {
    let offset = zone.offset_from_utc_datetime(&instant.naive_utc()).fix();
    Duration::seconds(offset.local_minus_utc().into())
}
