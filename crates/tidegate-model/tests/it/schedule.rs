//! When schedules fire, against calendars that are not ours.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::DateTime;
use chrono_tz::IANA_TZDB_VERSION;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tidegate_model::{
    fault::Faults,
    ids::ScheduleId,
    pointer::Pointer,
    schedule::{Due, FIRES_NOTED_MAX, Missed, Timing},
};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 2025 to 2034, with their leap days.
const TEN_YEARS: i64 = 3_652 * DAY;
/// Names the file with every day's fires.
const EVERY_DAY_VARIABLE: &str = "TIDEGATE_ZONES";
/// Zones that Python has and chrono-tz does not: no place, and the own zone of a host.
const NOT_OURS: [&str; 2] = ["Factory", "localtime"];

fn read(document: &Value) -> Result<Timing, Faults> {
    Timing::read(document, None, &Pointer::at("/schedule"))
}

fn timing(document: Value) -> Timing {
    read(&document).unwrap()
}

fn micros(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
}

/// Fires behind a moment, as texts in UTC.
fn fires(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let timing = timing(json!({ "cron": cron, "time_zone": zone }));
    let mut at = micros(after);
    let next = || {
        at = timing.next_after(at)?;
        Some(DateTime::from_timestamp_micros(at)?.format("%m-%dT%H:%MZ").to_string())
    };
    std::iter::from_fn(next).take(count).collect()
}

/// `golden/schedule_fires.py` works the same rules out with another language and library.
#[test]
fn fires_of_every_zone_over_ten_years_are_pythons() {
    let (zones, fires) = compared(include_str!("golden/schedule_fires.txt"), 3 * DAY);
    assert!(zones > 590 && fires > 1_000_000, "{zones} zones, {fires} fires");
}

/// The long form: `cargo xtask fires --plan zones` writes the file.
#[test]
fn fires_of_every_zone_on_every_day_of_ten_years_are_pythons() {
    let Some(path) = std::env::var_os(EVERY_DAY_VARIABLE) else { return };
    let (zones, fires) = compared(&std::fs::read_to_string(path).unwrap(), TEN_YEARS);
    println!("{zones} zones, {fires} fires, none another than Python's");
    assert!(zones > 590 && fires > 100_000_000, "{zones} zones, {fires} fires");
}

/// How many zones and fires there are in windows of this length, all of them as the file says.
fn compared(golden: &str, window: i64) -> (usize, usize) {
    let (head, lines) = golden.split_once('\n').unwrap();
    let mut head = head.strip_prefix("# ").unwrap().split(' ');
    assert_eq!(head.next(), Some(IANA_TZDB_VERSION), "both go by the same data");
    let expressions: Vec<String> = head.map(|word| word.replace('_', " ")).collect();
    let is_ours = |line: &&str| !NOT_OURS.contains(&line.split(' ').next().unwrap());
    let lines: Vec<&str> = lines.lines().filter(is_ours).collect();
    let next = AtomicUsize::new(0);
    let compare = || {
        let (mut fires, mut wrong) = (0, Vec::new());
        while let Some(line) = lines.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (count, differences) = compared_zone(line, &expressions, window);
            fires += count;
            wrong.extend(differences);
        }
        (fires, wrong)
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let found: Vec<(usize, Vec<String>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(compare)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let wrong: Vec<&String> = found.iter().flat_map(|(_, wrong)| wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    (lines.len(), found.iter().map(|(fires, _)| fires).sum())
}

fn compared_zone(line: &str, expressions: &[String], window: i64) -> (usize, Vec<String>) {
    let mut words = line.split(' ');
    let zone = words.next().unwrap();
    let starts: Vec<i64> =
        words.next().unwrap().split(',').map(|day| day.parse::<i64>().unwrap() * DAY).collect();
    let (mut fires, mut wrong) = (0, Vec::new());
    for (expression, expected) in expressions.iter().zip(words) {
        let timing = timing(json!({ "cron": expression, "time_zone": zone }));
        let (mut digest, mut count) = (Sha256::new(), 0);
        for start in &starts {
            let mut at = timing.next_after(start - 1).unwrap();
            while at < start + window {
                digest.update(format!("{}\n", at / SECOND));
                count += 1;
                at = timing.next_after(at).unwrap();
            }
        }
        let hash: String = digest.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect();
        if format!("{count}:{hash}") != expected {
            wrong.push(format!("{zone} {expression}: {count}:{hash}, not {expected}"));
        }
        fires += count;
    }
    (fires, wrong)
}

#[test]
fn a_local_time_that_is_skipped_fires_right_after_the_gap_and_one_that_comes_twice_fires_once() {
    let berlin = |cron, after, count| fires(cron, "Europe/Berlin", after, count);
    let spring = "2026-03-28T12:00:00Z";
    assert_eq!(berlin("30 2 * * *", spring, 2), ["03-29T01:00Z", "03-30T00:30Z"]);
    assert_eq!(berlin("0,15,30 2 * * *", spring, 2), ["03-29T01:00Z", "03-30T00:00Z"]);
    let autumn = "2026-10-24T12:00:00Z";
    assert_eq!(berlin("30 2 * * *", autumn, 2), ["10-25T00:30Z", "10-26T01:30Z"]);
    let half_hours =
        ["10-25T00:00Z", "10-25T00:30Z", "10-25T01:00Z", "10-25T01:30Z", "10-25T02:00Z"];
    assert_eq!(berlin("*/30 * * * *", "2026-10-24T23:45:00Z", 5), half_hours);
    assert_eq!(berlin("*/30 * * * *", "2026-03-29T00:15:00Z", 2), ["03-29T00:30Z", "03-29T01:00Z"]);
    // A whole day was left out there: 30 December 2011.
    let apia = fires("0 6 * * *", "Pacific/Apia", "2011-12-29T20:00:00Z", 2);
    assert_eq!(apia, ["12-30T10:00Z", "12-30T16:00Z"]);
}

#[test]
fn a_start_and_an_end_bound_the_fires() {
    let bounded = timing(json!({
        "cron": "0 6 * * *", "time_zone": "Europe/Berlin",
        "starts_at": "2027-01-02T06:00", "ends_at": "2027-01-04T06:00",
    }));
    let found = bounded.next_fires(micros("2026-01-01T00:00:00Z"));
    let day = |text| micros(text);
    let expected = ["2027-01-02T05:00:00Z", "2027-01-03T05:00:00Z", "2027-01-04T05:00:00Z"];
    assert_eq!(found, expected.map(day));
    let rare = fires("0 0 29 2 +1", "UTC", "2026-01-01T00:00:00Z", 1);
    assert_eq!(rare, ["02-29T00:00Z"], "in 2044");
}

#[test]
fn every_fault_of_a_schedule_is_told_with_its_place() {
    let told = |document: Value| -> Vec<String> {
        read(&document).unwrap_err().0.iter().map(ToString::to_string).collect()
    };
    let starts = |document: Value, expected: &[&str]| {
        let found = told(document.clone());
        assert_eq!(found.len(), expected.len(), "{document}: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{document}: {found}");
        }
    };
    starts(json!("daily"), &["/schedule: a schedule is an object, not text"]);
    starts(json!({}), &["/schedule: a schedule has `cron`, an expression"]);
    starts(
        json!({ "cron": "0 6 * * *", "at": "2027-01-01T00:00:00Z" }),
        &["/schedule: a schedule has `cron` or `at`, not both"],
    );
    starts(json!({ "cron": "0 6 * *" }), &["/schedule/cron: `0 6 * *` has 4 fields"]);
    starts(json!({ "cron": "0 0 6 * * *" }), &["/schedule/cron: `0 0 6 * * *` has 6 fields"]);
    starts(
        json!({ "cron": "61 6 * * *" }),
        &["/schedule/cron: `61 6 * * *` is no cron expression"],
    );
    starts(json!({ "cron": "0 0 30 2 *" }), &["/schedule/cron: `0 0 30 2 *` never happens"]);
    starts(json!({ "cron": "1,".repeat(300) }), &["/schedule/cron: an expression has at most 400"]);
    starts(json!({ "cron": 6 }), &["/schedule/cron: `cron` takes text, not"]);
    starts(json!({ "at": "soon" }), &["/schedule/at: `at` is a moment such as"]);
    starts(
        json!({ "at": "2027-01-01T00:00:00Z", "jitter_seconds": 5, "ends_at": "2028-01-01T00:00", "starts_at": "2027-01-01T00:00" }),
        &[
            "/schedule/starts_at: `starts_at` is for `cron`",
            "/schedule/ends_at: `ends_at` is for `cron`",
            "/schedule/jitter_seconds: `jitter_seconds` is for",
        ],
    );
    starts(
        json!({ "cron": "0 6 * * *", "time_zone": "Europe/Berln" }),
        &["/schedule/time_zone: `Europe/Berln` is no time zone; did you mean"],
    );
    starts(
        json!({ "cron": "0 6 * * *", "missed": "all" }),
        &["/schedule/missed: `all` is no policy"],
    );
    starts(
        json!({ "cron": "0 6 * * *", "lag_seconds": 86_401 }),
        &["/schedule/lag_seconds: `lag_seconds` is a whole number"],
    );
    starts(
        json!({ "cron": "0 6 * * *", "jitter_seconds": "x" }),
        &["/schedule/jitter_seconds: `jitter_seconds` takes a number"],
    );
    starts(
        json!({ "cron": "0 6 * * *", "when": 1 }),
        &["/schedule/when: `when` is no member of a schedule"],
    );
    starts(
        json!({ "cron": "0 6 * * *", "starts_at": "2028-01-01T00:00", "ends_at": "2027-01-01T00:00" }),
        &["/schedule/ends_at: `ends_at` is not before"],
    );
}

#[test]
fn a_schedule_that_the_site_does_not_take_is_told_why() {
    let checked = |document: Value, seconds_min| {
        let at = Pointer::at("/schedule");
        let found = timing(document).check(micros("2026-11-22T12:00:00Z"), seconds_min, &at);
        found.err().map(|Faults(faults)| faults[0].to_string()).unwrap_or_default()
    };
    assert_eq!(checked(json!({ "cron": "*/5 * * * *" }), 300), "");
    assert!(checked(json!({ "cron": "*/7 * * * *" }), 300).contains("fires every 240 seconds"));
    assert!(
        checked(json!({ "cron": "59 23 * * *", "ends_at": "2026-11-22T13:00" }), 300)
            .contains("no fire before")
    );
    assert!(
        checked(json!({ "cron": "0 * * * *", "jitter_seconds": 3_600 }), 300)
            .contains("less than the 3600")
    );
    assert!(checked(json!({ "at": "2026-11-22T11:59:59Z" }), 300).contains("still to come"));
}

#[test]
fn what_is_written_is_read_again_the_same() {
    for document in [
        json!({ "cron": "0  6 * * MON", "time_zone": "Europe/Berlin", "missed": "skip" }),
        json!({ "at": "2027-01-01T06:00", "time_zone": "Asia/Tokyo", "lag_seconds": 7 }),
        json!({ "cron": "0 6 L * *", "starts_at": "2027-01-01T06:00", "jitter_seconds": 9 }),
    ] {
        let timing = timing(document);
        assert_eq!(read(&timing.document()).unwrap(), timing);
    }
}

#[test]
fn the_common_expressions_are_said_in_words() {
    for (cron, words) in [
        ("0 6 * * *", "every day at 06:00"),
        ("0 6,18 * * *", "every day at 06:00 and 18:00"),
        ("30 7 * * 1-5", "Monday to Friday at 07:30"),
        ("0 6 * * 1", "every Monday at 06:00"),
        ("0 6 * * sun,3", "every Sunday and Wednesday at 06:00"),
        ("0 6 1 * *", "day 1 of every month at 06:00"),
        ("0 6 L * *", "the last day of every month at 06:00"),
        ("*/15 * * * *", "every 15 minutes"),
        ("5 * * * *", "every hour at :05"),
        ("0 */6 * * *", "every 6 hours"),
        ("0 6 1-7 * 1", "by `0 6 1-7 * 1`"),
    ] {
        assert_eq!(timing(json!({ "cron": cron })).words(), words);
    }
}

/// Steps of any kind, back and forth: each fire is settled once, in order, and none is left out.
#[test]
fn whatever_the_clock_does_each_fire_is_settled_once_and_in_order() {
    let jumps = [1, 17, 61, 3_599, 3_601, 86_400, -3_600, -86_400, 7 * 86_400, 120, 5, 900];
    for missed in Missed::ALL {
        for cron in ["*/5 * * * *", "0 * * * *", "30 2 * * *", "10 2,14 * * 0,6"] {
            let document = json!({
                "cron": cron, "time_zone": "Europe/Berlin", "missed": missed.slug(),
                "jitter_seconds": 200,
            });
            let (timing, id) = (timing(document), ScheduleId(7));
            let start = micros("2026-03-20T00:00:00Z");
            let (mut now, mut known) = (start, timing.next_after(start).unwrap());
            let mut settled = Vec::new();
            for step in 0..2_000 {
                now += jumps[step % jumps.len()] * SECOND + i64::try_from(step).unwrap() * MINUTE;
                let Due { fire, missed, missed_count, next } = timing.due(id, known, now);
                let noted = missed.len() + usize::from(fire.is_some());
                assert!(noted <= FIRES_NOTED_MAX + 1, "{noted}");
                if missed_count as usize > missed.len() {
                    // The first ones of many are counted only.
                    let left_out = missed_count as usize - missed.len();
                    let mut at = known;
                    for _ in 0..left_out {
                        settled.push(at);
                        at = timing.next_after(at).unwrap();
                    }
                }
                settled.extend(missed);
                settled.extend(fire);
                known = next.unwrap();
            }
            let mut expected = Vec::new();
            let mut at = timing.next_after(start).unwrap();
            while at < known {
                expected.push(at);
                at = timing.next_after(at).unwrap();
            }
            assert_eq!(settled, expected, "{cron} {missed:?}");
        }
    }
}

#[test]
fn a_fire_is_put_off_by_as_much_whoever_looks_and_never_further_than_asked_for() {
    let timing = timing(json!({ "cron": "0 * * * *", "jitter_seconds": 600 }));
    let put_off = |id, hour: i64| timing.due_at(ScheduleId(id), hour * HOUR) - hour * HOUR;
    let all: Vec<i64> = (0..500).map(|hour| put_off(3, hour)).collect();
    assert!(all.iter().all(|micros| (0..=600 * SECOND).contains(micros)));
    assert!(all.iter().max().unwrap() - all.iter().min().unwrap() > 500 * SECOND, "it spreads");
    assert_eq!(all, (0..500).map(|hour| put_off(3, hour)).collect::<Vec<_>>());
    assert_ne!(put_off(3, 1), put_off(4, 1));
}
