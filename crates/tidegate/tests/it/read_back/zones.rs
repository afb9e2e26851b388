//! Instants in the job's time zone, around the hours that do not exist and those that come twice.

use std::collections::BTreeMap;

use tidegate_batch::DataType;
use tidegate_format::FORMATS;
use tidegate_testkit::python;

use super::{
    cell::Cell,
    check::{Check, Content, compare},
    client::{Client, Maria, Psql, Sqlite},
    rule::{expected, expected_records},
};

/// Instants in UTC. In Berlin clocks go forward at 01:00 UTC on 2026-03-29, and back at 01:00 UTC
/// on 2026-10-25.
const INSTANTS: &[&str] = &[
    "2026-03-29 00:59:59.999999",
    "2026-03-29 01:00:00",
    "2026-03-29 01:30:00",
    "2026-10-24 23:30:00",
    "2026-10-25 00:00:00",
    "2026-10-25 00:30:00.5",
    "2026-10-25 00:59:59.999",
    "2026-10-25 01:00:00",
    "2026-10-25 01:30:00",
    "2026-12-31 23:30:00",
    "2026-06-30 22:00:00",
    "1970-01-01 00:00:01",
    "2038-01-19 03:14:07",
];

const ZONES: &[&str] =
    &["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Kiritimati", "UTC"];

/// What Python's zoneinfo makes of the instants: RFC 3339 and the local time, to the millisecond
/// where openpyxl reads it.
fn local_times(zone: &str) -> Vec<(String, String)> {
    const PROGRAM: &str = "
import datetime, sys, zoneinfo
zone = zoneinfo.ZoneInfo(sys.argv[1])

def text(moment):
    date, clock = moment.isoformat().split('T')
    return f'{date}T{clock.rstrip(\"0\").rstrip(\".\") if \".\" in clock else clock}'

for instant in sys.argv[2:]:
    utc = datetime.datetime.fromisoformat(instant).replace(tzinfo=datetime.timezone.utc)
    local = utc.astimezone(zone)
    offset = local.isoformat()[-6:]
    offset = 'Z' if sys.argv[1] == 'UTC' else offset
    plain = local.replace(tzinfo=None)
    micros = round(plain.microsecond / 1000) * 1000
    rounded = plain.replace(microsecond=0) + datetime.timedelta(microseconds=micros)
    print(text(plain) + offset, text(rounded), sep='\\t')
";
    let arguments = [&[zone], INSTANTS].concat();
    let printed = python::script(PROGRAM, &arguments);
    let pair = |line: &str| {
        let (zoned, local) = line.split_once('\t').unwrap();
        (zoned.to_owned(), local.to_owned())
    };
    printed.lines().map(pair).collect()
}

/// The instant, and in a file that has no zone of its own, the local time.
fn cell(format: &str, utc: &str, (zoned, local): &(String, String)) -> Cell {
    match format {
        "csv" | "json" | "ndjson" | "xml" => Cell::text(zoned),
        "xlsx" => Cell::Timestamp(local.clone()),
        "parquet" => Cell::Timestamp(format!("{}Z", utc.replace(' ', "T"))),
        other => panic!("there is no rule for {other}: write how it has instants"),
    }
}

/// The time on the wall, whatever the zone of the export.
fn wall(format: &str, utc: &str, (_, _): &(String, String), rounded: &str) -> Cell {
    match format {
        "xlsx" => Cell::Timestamp(rounded.to_owned()),
        "parquet" => Cell::Timestamp(utc.replace(' ', "T")),
        _ => Cell::text(utc.replace(' ', "T")),
    }
}

fn hold(client: impl Client + 'static, wall_type: Option<&str>) {
    let check = Check::new(client);
    let wall_column = wall_type.map_or(String::new(), |native| format!(", wall {native}"));
    check.client.execute(&format!(
        "create table moments (id integer primary key, at {}{wall_column})",
        check.client.instant_type()
    ));
    for (id, instant) in INSTANTS.iter().enumerate() {
        let offset = if check.client.name() == "postgres" { "+00" } else { "" };
        let wall = wall_type.map_or(String::new(), |_| format!(", '{instant}'"));
        check
            .client
            .execute(&format!("insert into moments values ({id}, '{instant}{offset}'{wall})"));
    }
    let names: &[&str] = if wall_type.is_some() { &["id", "at", "wall"] } else { &["id", "at"] };
    let in_utc = local_times("UTC");
    for zone in ZONES {
        let local = local_times(zone);
        for format in FORMATS {
            let slug = format.slug();
            let file = check.table("moments", slug, &["--time-zone", zone]);
            assert_eq!(file.manifest["time_zone"], *zone);
            let row = |id: usize| {
                let number = match slug {
                    "csv" | "xml" => Cell::text(id.to_string()),
                    _ => Cell::Number(id.to_string()),
                };
                let at = cell(slug, INSTANTS[id], &local[id]);
                let wall = wall(slug, INSTANTS[id], &local[id], &in_utc[id].1);
                let cells = [number, at, wall];
                (id.to_string(), cells[..names.len()].to_vec())
            };
            let rows = |_: &str| (0..INSTANTS.len()).map(row).collect::<BTreeMap<_, _>>();
            let what = format!("{} as {slug} in {zone}", check.client.name());
            compare(&what, &file, &Content { names, rows: &rows });
        }
    }
}

/// The instants as the lines of one record.
const CONFIGURATION: &str = r#"
[[subjects]]
slug = "days"
source = "shop"
table = "days"
key = "id"
fields = ["id", { slug = "moments", relation = "moments", items = ["no", "at"] }]

[[subjects.relations]]
name = "moments"
table = "moments"
on = { id = "day_id" }
many = true
order = "no"
"#;

fn hold_in_lists(client: impl Client + 'static) {
    let check = Check::new(client);
    let offset = if check.client.name() == "postgres" { "+00" } else { "" };
    let lines: Vec<String> = INSTANTS
        .iter()
        .enumerate()
        .map(|(no, instant)| format!("(1, {no}, '{instant}{offset}')"))
        .collect();
    check.client.execute(&format!(
        "create table days (id integer primary key); insert into days values (1);
         create table moments (day_id integer, no integer, at {});
         insert into moments values {}",
        check.client.instant_type(),
        lines.join(", ")
    ));
    let url = format!("[sources.shop]\nurl = {:?}\n", check.client.url());
    std::fs::write(check.folder().join("tidegate.toml"), url + CONFIGURATION).unwrap();
    for zone in ZONES {
        let local = local_times(zone);
        for format in FORMATS {
            let slug = format.slug();
            let file = check.export(slug, &["days", "--time-zone", zone]);
            // Parquet's lists have the instant itself, all others what a clock of the zone shows.
            let (data_type, text): (_, &dyn Fn(usize) -> String) = match slug {
                "parquet" => ("timestamptz", &|no| INSTANTS[no].to_owned()),
                _ => ("text", &|no| local[no].0.clone()),
            };
            let items = [("no", "integer"), ("at", data_type)];
            let line = |no: usize| vec![Some(no.to_string()), Some(text(no))];
            let lines: Vec<_> = (0..INSTANTS.len()).map(line).collect();
            let rows = |reader: &str| {
                let key = expected(&DataType::Integer, Some("1"), slug, reader).unwrap();
                let list = expected_records(&items, &lines, slug, reader).unwrap();
                BTreeMap::from([("1".to_owned(), vec![key, list])])
            };
            let what = format!("lists of {} as {slug} in {zone}", check.client.name());
            compare(&what, &file, &Content { names: &["id", "moments[]"], rows: &rows });
        }
    }
}

#[test]
fn instants_in_lists_of_sqlite_stand_in_the_zone_that_was_asked_for() {
    hold_in_lists(Sqlite::new());
}

#[test]
fn instants_in_lists_of_mariadb_stand_in_the_zone_that_was_asked_for() {
    hold_in_lists(Maria::new());
}

#[test]
fn instants_in_lists_of_postgres_stand_in_the_zone_that_was_asked_for() {
    hold_in_lists(Psql::new());
}

#[test]
fn instants_of_sqlite_stand_in_the_zone_that_was_asked_for() {
    hold(Sqlite::new(), None);
}

#[test]
fn instants_of_mariadb_stand_in_the_zone_that_was_asked_for() {
    hold(Maria::new(), Some("datetime(6)"));
}

#[test]
fn instants_of_postgres_stand_in_the_zone_that_was_asked_for() {
    hold(Psql::new(), Some("timestamp"));
}
