//! Events of exports, asked for at random: whatever is sent, nothing fails, is missed or comes twice.

use std::io::{BufRead, BufReader};

use reqwest::{Method, header::HeaderValue};
use serde_json::{Value, json};

use super::server::{Asker, Server};

/// Requests with whatever may stand where an id belongs.
const REQUESTS: usize = 2_000;
/// Where chance begins: a failure can be repeated.
const SEED: u64 = 0x7469_6465_6761_7465;
/// Watchers of each export, who leave and come back.
const WATCHERS: usize = 12;
/// Places in an export that does not end which are told before it is cancelled.
const PLACES_LEAST: usize = 6;
const STREAM: &str = "text/event-stream";

/// What may stand where a number of an id belongs.
const PIECES: [&str; 19] = [
    "0",
    "1",
    "7",
    "-1",
    "01",
    "+1",
    "1e3",
    "0x1",
    "",
    " ",
    "\u{661}",
    "NaN",
    "%00",
    "%0A",
    "'",
    "99999999999999999999",
    "999999999999999999",
    "9223372036854775807",
    "\u{fffd}",
];
/// What may be accepted.
const ACCEPTS: [&str; 10] = [
    STREAM,
    "application/json",
    "*/*",
    "text/event-stream;q=0",
    "text/html, text/event-stream",
    "",
    "text/event-stream\t",
    "application/json;q=0.1, */*",
    ",,;;=",
    "TEXT/EVENT-STREAM",
];

/// Numbers by chance: the same in every run (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).unwrap()
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// An event: its id, its kind, what it says.
type Event = (String, String, Value);

/// The next event of a stream; none at its end.
fn next_event(stream: &mut impl BufRead) -> Option<Event> {
    let (mut id, mut kind, mut data) = (None, None, None);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("id", text)) => id = Some(text.to_owned()),
            Some(("event", text)) => kind = Some(text.to_owned()),
            Some(("data", text)) => data = Some(serde_json::from_str(text).unwrap()),
            Some(_) => {}
            None if id.is_some() => return Some((id?, kind?, data?)),
            None => {}
        }
    }
}

fn events_path(id: u64) -> String {
    format!("/api/v1/exports/{id}/events")
}

/// What happened, by asking: the transitions.
fn polled(asker: &Asker, id: u64, after: Option<&str>) -> (Vec<Event>, String, bool) {
    let after = after.map(|after| format!("?after={after}")).unwrap_or_default();
    let told = asker.read(&format!("{}{after}", events_path(id)));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = told["items"].as_array().unwrap().iter();
    let items = items.map(|one| (text(&one["id"]), text(&one["event"]), one["data"].clone()));
    (items.collect(), text(&told["next"]), told["is_over"].as_bool().unwrap())
}

/// States that were told, in their order.
fn states(events: &[Event]) -> Vec<String> {
    let transitions = events.iter().filter(|(_, kind, _)| kind == "transition");
    transitions.map(|(_, _, data)| data["status"].as_str().unwrap().to_owned()).collect()
}

fn is_id(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let is_number = |part: &&str| {
        (1..=18).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    parts.len() == 4 && parts.iter().all(is_number)
}

#[test]
fn whatever_stands_where_an_id_belongs_nothing_fails() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let order = json!({ "subject": "orders", "format": "csv" });
    let jobs = [ada.export(&order), ada.export(&order)];
    let (_, last, _) = polled(&ada, jobs[0], None);
    let (_, others, _) = polled(&ada, jobs[1], None);
    let many = "9".repeat(18);
    let mut chance = Chance(SEED);
    let mut statuses = std::collections::BTreeMap::new();
    for number in 0..REQUESTS {
        let id = match chance.below(6) {
            0 => last.clone(),
            1 => others.clone(),
            2 => format!("{many}.{many}.{many}.{many}"),
            _ => {
                let parts = (0..chance.below(6)).map(|_| *chance.one(&PIECES)).collect::<Vec<_>>();
                parts.join(*chance.one(&[".", ".", ".", "", ",", ".."]))
            }
        };
        let mut path = events_path(*chance.one(&[jobs[0], jobs[1], 1_000_000, u64::MAX]));
        if chance.below(2) == 0 {
            path += &format!("?after={}", id.replace(['+', ' ', '\''], "%2B"));
        }
        let mut request = ada.request(Method::GET, &path).header("accept", *chance.one(&ACCEPTS));
        if chance.below(2) == 0 {
            request = request.header(
                "last-event-id",
                HeaderValue::from_bytes(id.as_bytes())
                    .unwrap_or_else(|_| HeaderValue::from_static("?")),
            );
        }
        let answer = request.send().unwrap();
        let status = answer.status().as_u16();
        *statuses.entry(status).or_insert(0) += 1;
        let text = answer.text().unwrap();
        assert!(
            [200, 204, 404, 422].contains(&status),
            "request {number}, {path}, {id:?}: {status}: {text}"
        );
        // What is one is a place, wherever it lies.
        if status == 422 {
            assert!(!is_id(&id), "{id} was refused: {text}");
        }
    }
    println!("{REQUESTS} requests: {statuses:?}");
    assert_eq!(statuses.len(), 4, "each kind of answer was met");
}

/// Watches an export to its end, leaving and coming back by chance; what came, in its order.
fn watch(asker: &Asker, id: u64, mut chance: Chance) -> Vec<Event> {
    let mut seen: Vec<Event> = Vec::new();
    loop {
        let last = seen.last().map(|(id, _, _)| id.clone());
        if chance.below(3) == 0 {
            let (items, next, is_over) = polled(asker, id, last.as_deref());
            if let Some((id, _, _)) = items.last() {
                assert_eq!(*id, next);
            }
            seen.extend(items);
            if is_over {
                return seen;
            }
            continue;
        }
        let mut request = asker.request(Method::GET, &events_path(id)).header("accept", STREAM);
        if let Some(last) = &last {
            // What is read first is heeded first.
            request = match chance.below(3) {
                0 => request.query(&[("after", last)]),
                1 => request.query(&[("after", last)]).header("last-event-id", "0.0.0.0"),
                _ => request.header("last-event-id", last),
            };
        }
        let answer = request.send().unwrap();
        if answer.status() == 204 {
            return seen;
        }
        assert_eq!(answer.status(), 200);
        let mut stream = BufReader::new(answer);
        for _ in 0..=chance.below(3) {
            match next_event(&mut stream) {
                Some(event) => seen.push(event),
                // The export has ended, and so has the stream.
                None => return seen,
            }
        }
    }
}

#[test]
fn whoever_leaves_and_comes_back_misses_no_event_and_gets_none_twice() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    server.shop.sqlite(super::downloads::MANY);
    let mut watched = 0;
    for round in 0..6_u64 {
        let is_endless = round % 3 == 2;
        let subject = if is_endless { "endless" } else { "orders" };
        let made = ada.post("/api/v1/exports", &json!({ "subject": subject, "format": "ndjson" }));
        let id = made.json::<Value>().unwrap()["id"].as_u64().unwrap();
        let all: Vec<Vec<Event>> = std::thread::scope(|scope| {
            let watchers: Vec<_> = (0..WATCHERS as u64)
                .map(|number| {
                    let asker = server.asker(ada.token.clone());
                    let chance = Chance(SEED ^ (round << 32) ^ number);
                    scope.spawn(move || watch(&asker, id, chance))
                })
                .collect();
            if is_endless {
                // Until its progress was told a few times, so that there is something to miss.
                let mut places = std::collections::BTreeSet::new();
                while places.len() < PLACES_LEAST {
                    places.insert(polled(&ada, id, None).1);
                }
                server.run(&["jobs", "cancel", &id.to_string()]);
            }
            watchers.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let (expected, _, is_over) = polled(&ada, id, None);
        assert!(is_over);
        let expected = states(&expected);
        for events in all {
            assert_eq!(states(&events), expected, "{events:#?}");
            let mut ids: Vec<&String> = events.iter().map(|(id, _, _)| id).collect();
            let count = ids.len();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), count, "an event came twice: {events:#?}");
            watched += count;
        }
    }
    println!("{watched} events came to {} watchers", 6 * WATCHERS);
}
