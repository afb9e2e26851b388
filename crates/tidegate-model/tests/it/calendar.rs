//! What relative dates mean, against calendars that are not ours.

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_model::{
    query::{Comparison, Literal, Predicate},
    resolve::Moment,
};

use crate::shop;

/// The two ends of a condition at a moment: from the first, up to but not including the second.
fn bounds(field: &str, op: &str, value: &Value, at: &Moment) -> (Literal, Literal) {
    let filter = json!({"filter": {"field": field, "op": op, "value": value}});
    let scope = shop::check(&shop::every_type(), &filter).unwrap();
    let Predicate::All(parts) = scope.resolve(at).predicate else { panic!("no span") };
    let [
        Predicate::Compare { comparison: Comparison::Gte, value: start, .. },
        Predicate::Compare { comparison: Comparison::Lt, value: end, .. },
    ] = parts.as_slice()
    else {
        panic!("no span: {parts:?}")
    };
    (start.clone(), end.clone())
}

fn written(literal: &Literal) -> String {
    match literal {
        Literal::Date(date) => date.to_string(),
        Literal::Timestamp(local) => local.format("%Y-%m-%dT%H:%M:%S").to_string(),
        Literal::TimestampTz(instant) => instant.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        other => panic!("no date: {other:?}"),
    }
}

fn span(field: &str, op: &str, value: &str, at: &str) -> String {
    let (start, end) = bounds(field, op, &json!(value), &shop::moment(at));
    format!("{} {}", written(&start), written(&end))
}

fn instants(op: &str, value: &str, at: &Moment) -> (DateTime<Utc>, DateTime<Utc>) {
    match bounds("timestamptz", op, &json!(value), at) {
        (Literal::TimestampTz(start), Literal::TimestampTz(end)) => (start, end),
        other => panic!("no instants: {other:?}"),
    }
}

/// `golden/relative_dates.py` works the same rules out with another language and library.
#[test]
fn the_calendar_agrees_with_pythons() {
    let golden = include_str!("golden/relative_dates.txt");
    let mut moment = "";
    let mut wrong = Vec::new();
    let mut cases = 0;
    for line in golden.lines() {
        let Some(case) = line.strip_prefix('\t') else {
            moment = line;
            continue;
        };
        let (question, expected) = case.split_once(": ").unwrap();
        let words: Vec<&str> = question.split(' ').collect();
        let found = span(words[0], words[1], words[2], moment);
        if found != expected {
            wrong.push(format!("{moment} {question}: {found}, expected {expected}"));
        }
        cases += 1;
    }
    assert_eq!(wrong, [""; 0]);
    assert!(cases > 1_500, "{cases}");
}

/// A field, an operator and its value, a moment, and the span that is meant.
const BY_HAND: &[(&str, &str, &str, &str, &str)] = &[
    // A day that has 23 hours, and one that has 25.
    (
        "timestamptz",
        "this",
        "day",
        "2026-03-29T10:00:00Z Europe/Berlin",
        "2026-03-28T23:00:00Z 2026-03-29T22:00:00Z",
    ),
    (
        "timestamptz",
        "this",
        "day",
        "2026-10-25T10:00:00Z Europe/Berlin",
        "2026-10-24T22:00:00Z 2026-10-25T23:00:00Z",
    ),
    // A day before the jump, by the calendar; 24 hours before it, by the clock.
    (
        "timestamptz",
        "last",
        "P1D",
        "2026-03-29T10:00:00Z Europe/Berlin",
        "2026-03-28T11:00:00Z 2026-03-29T10:00:00Z",
    ),
    (
        "timestamptz",
        "last",
        "PT24H",
        "2026-03-29T10:00:00Z Europe/Berlin",
        "2026-03-28T10:00:00Z 2026-03-29T10:00:00Z",
    ),
    // 02:30 was skipped on the day before: the first instant after the gap.
    (
        "timestamptz",
        "last",
        "P1D",
        "2026-03-30T00:30:00Z Europe/Berlin",
        "2026-03-29T01:00:00Z 2026-03-30T00:30:00Z",
    ),
    // 02:30 came twice on the day before: the earlier one.
    (
        "timestamptz",
        "last",
        "P1D",
        "2026-10-26T01:30:00Z Europe/Berlin",
        "2026-10-25T00:30:00Z 2026-10-26T01:30:00Z",
    ),
    // Now is the second 02:30: an hour before it is the first one, on the same wall time.
    (
        "timestamptz",
        "last",
        "PT1H",
        "2026-10-25T01:30:00Z Europe/Berlin",
        "2026-10-25T00:30:00Z 2026-10-25T01:30:00Z",
    ),
    (
        "timestamp",
        "last",
        "PT1H",
        "2026-10-25T01:30:00Z Europe/Berlin",
        "2026-10-25T02:30:00 2026-10-25T02:30:00",
    ),
    (
        "timestamptz",
        "this",
        "day",
        "2026-03-08T12:00:00Z America/New_York",
        "2026-03-08T05:00:00Z 2026-03-09T04:00:00Z",
    ),
    (
        "timestamptz",
        "last",
        "day",
        "2026-11-02T05:00:00Z America/New_York",
        "2026-11-01T04:00:00Z 2026-11-02T05:00:00Z",
    ),
    // Five hours and three quarters ahead.
    (
        "timestamptz",
        "this",
        "day",
        "2026-05-15T18:14:59Z Asia/Kathmandu",
        "2026-05-14T18:15:00Z 2026-05-15T18:15:00Z",
    ),
    (
        "timestamptz",
        "this",
        "day",
        "2026-05-15T18:15:00Z Asia/Kathmandu",
        "2026-05-15T18:15:00Z 2026-05-16T18:15:00Z",
    ),
    // Samoa had no 30 December 2011: that day is empty, and the days around it meet.
    (
        "timestamptz",
        "this",
        "day",
        "2011-12-30T09:00:00Z Pacific/Apia",
        "2011-12-29T10:00:00Z 2011-12-30T10:00:00Z",
    ),
    (
        "timestamptz",
        "next",
        "day",
        "2011-12-30T09:00:00Z Pacific/Apia",
        "2011-12-30T10:00:00Z 2011-12-30T10:00:00Z",
    ),
    (
        "timestamptz",
        "this",
        "day",
        "2011-12-30T10:00:00Z Pacific/Apia",
        "2011-12-30T10:00:00Z 2011-12-31T10:00:00Z",
    ),
    (
        "timestamptz",
        "last",
        "P7D",
        "2012-01-02T00:00:00Z Pacific/Apia",
        "2011-12-27T00:00:00Z 2012-01-02T00:00:00Z",
    ),
    // Morocco puts its clocks back for Ramadan.
    (
        "timestamptz",
        "this",
        "day",
        "2024-03-10T12:00:00Z Africa/Casablanca",
        "2024-03-09T23:00:00Z 2024-03-11T00:00:00Z",
    ),
    (
        "timestamptz",
        "this",
        "day",
        "2024-04-14T12:00:00Z Africa/Casablanca",
        "2024-04-14T00:00:00Z 2024-04-14T23:00:00Z",
    ),
    // Cuba begins summer time at midnight, so that the day begins at one.
    (
        "timestamptz",
        "this",
        "day",
        "2024-03-10T12:00:00Z America/Havana",
        "2024-03-10T05:00:00Z 2024-03-11T04:00:00Z",
    ),
    // A month before the 31st.
    ("date", "last", "P1M", "2024-03-31T12:00:00Z UTC", "2024-02-29 2024-03-31"),
    ("date", "last", "P1M", "2023-03-31T12:00:00Z UTC", "2023-02-28 2023-03-31"),
    ("date", "next", "P1Y", "2024-02-29T12:00:00Z UTC", "2024-02-29 2025-02-28"),
    // Months first, then days: 31 March, less a month, less a day.
    ("date", "last", "P1M1D", "2023-03-31T12:00:00Z UTC", "2023-02-27 2023-03-31"),
    // The day is the zone's, not that of UTC.
    ("date", "last", "P7D", "2026-03-31T23:30:00Z Europe/Berlin", "2026-03-25 2026-04-01"),
    ("date", "this", "month", "2026-03-31T23:30:00Z Europe/Berlin", "2026-04-01 2026-05-01"),
    ("date", "this", "month", "2026-04-01T02:00:00Z America/New_York", "2026-03-01 2026-04-01"),
    // ISO weeks begin on Monday; 3 January 2021 was a Sunday.
    ("date", "this", "week", "2021-01-03T12:00:00Z UTC", "2020-12-28 2021-01-04"),
    ("date", "last", "week", "2021-01-04T00:00:00Z UTC", "2020-12-28 2021-01-04"),
    ("date", "this", "quarter", "2026-12-31T12:00:00Z UTC", "2026-10-01 2027-01-01"),
    ("date", "last", "quarter", "2026-01-01T00:00:00Z UTC", "2025-10-01 2026-01-01"),
    ("date", "next", "quarter", "2026-11-30T12:00:00Z UTC", "2027-01-01 2027-04-01"),
    ("date", "last", "year", "2024-02-29T12:00:00Z UTC", "2023-01-01 2024-01-01"),
    (
        "timestamp",
        "last",
        "month",
        "2026-03-31T23:30:00Z Europe/Berlin",
        "2026-03-01T00:00:00 2026-04-01T00:00:00",
    ),
    (
        "timestamp",
        "last",
        "P7D",
        "2026-03-31T12:00:00Z Europe/Berlin",
        "2026-03-24T14:00:00 2026-03-31T14:00:00",
    ),
];

#[test]
fn worked_out_by_hand() {
    for (field, op, value, at, expected) in BY_HAND {
        assert_eq!(&span(field, op, value, at), expected, "{field} {op} {value} at {at}");
    }
}

#[test]
fn bare_dates_mean_the_whole_day_in_the_zone() {
    let subject = shop::every_type();
    let filter = |field: &str, op: &str, value: Value| {
        let scope = json!({"filter": {"field": field, "op": op, "value": value}});
        shop::resolve(&subject, &scope, "2026-03-31T12:00:00Z Europe/Berlin").json["filter"].clone()
    };
    let test = |op: &str, value: &str| json!({"field": "timestamptz", "op": op, "value": value});
    let (start, end) = ("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00");
    let day = || json!("2026-03-29");
    assert_eq!(filter("timestamptz", "gte", day()), test("gte", start));
    assert_eq!(filter("timestamptz", "lt", day()), test("lt", start));
    assert_eq!(filter("timestamptz", "gt", day()), test("gte", end));
    assert_eq!(filter("timestamptz", "lte", day()), test("lt", end));
    let whole_day = json!({"all": [test("gte", start), test("lt", end)]});
    assert_eq!(filter("timestamptz", "eq", day()), whole_day);
    assert_eq!(filter("timestamptz", "ne", day()), json!({"not": whole_day}));
    assert_eq!(filter("timestamptz", "between", json!([day(), day()])), whole_day);
    let instant = "2026-03-01T12:00:00+01:00";
    assert_eq!(
        filter("timestamptz", "in", json!([day(), "2026-03-01T12:00:00"])),
        json!({"any": [
            {"field": "timestamptz", "op": "in", "value": [instant]},
            whole_day,
        ]})
    );
    // A date field has no hours, so a date is a date.
    assert_eq!(
        filter("date", "lte", day()),
        json!({"field": "date", "op": "lte", "value": "2026-03-29"})
    );
    // A time without a zone is one of the job's zone; 02:30 was skipped on that day.
    assert_eq!(
        filter("timestamptz", "gte", json!("2026-03-29T02:30")),
        test("gte", "2026-03-29T03:00:00+02:00")
    );
}

#[test]
fn now_is_a_microsecond_to_every_source() {
    let (start, end) =
        instants("last", "PT1S", &shop::moment("2026-03-31T12:00:00.123456789Z UTC"));
    assert_eq!(start.to_string(), "2026-03-31 11:59:59.123456 UTC");
    assert_eq!(end.to_string(), "2026-03-31 12:00:00.123456 UTC");
}

/// The instant that a local time stands for, as a filter takes it.
fn instant_of(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    let at = Moment { now: DateTime::UNIX_EPOCH, time_zone: zone, last_run: None, until: None };
    let value = local.format("%Y-%m-%dT%H:%M:%S%.f").to_string();
    let filter = json!({"filter": {"field": "timestamptz", "op": "eq", "value": value}});
    let scope = shop::check(&shop::every_type(), &filter).unwrap();
    match scope.resolve(&at).predicate {
        Predicate::Compare { value: Literal::TimestampTz(instant), .. } => instant,
        other => panic!("no instant: {other:?}"),
    }
}

fn wall(zone: Tz, instant: DateTime<Utc>) -> NaiveDateTime {
    instant.with_timezone(&zone).naive_local()
}

/// Instants at which the clocks of a zone were put forward or back, to the second.
fn transitions(zone: Tz, years: std::ops::Range<i32>) -> Vec<DateTime<Utc>> {
    let offset = |instant: DateTime<Utc>| wall(zone, instant) - instant.naive_utc();
    let first = |year: i32| NaiveDate::from_ymd_opt(year, 1, 1).unwrap().and_hms_opt(0, 0, 0);
    let end = first(years.end).unwrap().and_utc();
    let mut instant = first(years.start).unwrap().and_utc();
    let mut found = Vec::new();
    while instant < end {
        let next = instant + Days::new(5);
        if offset(instant) != offset(next) {
            let (mut before, mut after) = (instant, next);
            while after - before > Duration::seconds(1) {
                let middle = before + (after - before) / 2;
                let middle = DateTime::from_timestamp(middle.timestamp(), 0).unwrap();
                match offset(middle) == offset(instant) {
                    true => before = middle,
                    false => after = middle,
                }
            }
            found.push(after);
        }
        instant = next;
    }
    found
}

/// Only the way from an instant to the wall is used here, never the way back that the code takes.
#[test]
fn around_every_change_of_the_clocks_a_local_time_is_the_first_instant_that_shows_it() {
    let mut seen = 0;
    for zone in TZ_VARIANTS {
        for transition in transitions(zone, 2005..2024) {
            let (before, after) =
                (wall(zone, transition - Duration::seconds(1)), { wall(zone, transition) });
            let jump = after - before - Duration::seconds(1);
            seen += 1;
            // The second at which the clock jumps, one in the middle of the jump, and one after it.
            for local in [
                before + Duration::seconds(1),
                before + Duration::seconds(1) + jump / 2,
                after + jump.abs(),
            ] {
                let found = instant_of(zone, local);
                let second = Duration::seconds(1);
                assert!(wall(zone, found) >= local, "{zone} {local}: {found} is too early");
                // What the wall has shown is most just before found, or before it was put back.
                let shown_before = wall(zone, found - second) >= local
                    || wall(zone, transition - second) >= local && transition <= found;
                assert!(!shown_before, "{zone} {local}: {found} is too late");
            }
        }
    }
    assert!(seen > 5_000, "only {seen} changes of the clocks were met");
}

proptest! {
    #[test]
    fn spans_meet_each_other_and_now(
        seconds in 0_i64..2_000_000_000,
        zone in proptest::sample::select(TZ_VARIANTS.to_vec()),
        unit in proptest::sample::select(vec!["day", "week", "month", "quarter", "year"]),
        duration in "P([1-9]Y)?([1-9]M)?[1-9]D(T[1-9]H)?",
    ) {
        let now = DateTime::from_timestamp(seconds, 0).unwrap();
        let at = Moment { now, time_zone: zone, last_run: None, until: None };
        let (last, this, next) = (
            instants("last", unit, &at),
            instants("this", unit, &at),
            instants("next", unit, &at),
        );
        prop_assert_eq!(last.1, this.0);
        prop_assert_eq!(this.1, next.0);
        prop_assert!(last.0 <= last.1 && this.0 < this.1 && next.0 <= next.1);
        prop_assert!(this.0 <= now);
        // In Newfoundland, until 2011, clocks went back a minute past midnight into the day before.
        prop_assert!(now < this.1 || this.1 - now + Duration::hours(1) > Duration::zero());
        let (last, next) = (instants("last", &duration, &at), instants("next", &duration, &at));
        prop_assert_eq!(last.1, now);
        prop_assert_eq!(next.0, now);
        prop_assert!(last.0 < now && now < next.1);
    }

    #[test]
    fn a_moment_at_either_end_of_time_does_no_harm(
        seconds in proptest::num::i64::ANY,
        zone in proptest::sample::select(TZ_VARIANTS.to_vec()),
        op in proptest::sample::select(vec!["last", "next", "this"]),
    ) {
        let limit = DateTime::<Utc>::MAX_UTC.timestamp();
        let now = DateTime::from_timestamp(seconds % limit, 0).unwrap();
        let at = Moment { now, time_zone: zone, last_run: Some(now), until: None };
        let value = if op == "this" { "year" } else { "P1000Y" };
        let (start, end) = instants(op, value, &at);
        prop_assert!(start <= end);
        prop_assert!(chrono::Datelike::year(&start) >= 1 && chrono::Datelike::year(&end) <= 9999);
    }
}
