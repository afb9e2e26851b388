//! Every operation of the document, by everybody, to everything: as SPEC says, and written down.

mod oracle;
mod people;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{Method, blocking::RequestBuilder};
use serde_json::{Value, json};

use self::{
    oracle::{About, By, Matter, OPERATIONS, Operation, Rights, refusal},
    people::{
        DESKS, DOOR, Kind, NOTICE_DESK, PASSWORD, SCHEDULE_DESK, SHARED_WEBHOOK, SUBJECT_SLUGS,
        Site,
    },
};
use super::{
    hand_over,
    second_factor::authenticator::{code, step},
    server::{Asker, Server},
};

/// Where an allowed operation does not do what it is for, and why. It may only shrink.
const NOT_DONE: &[(&str, u16, &str)] =
    &[("DELETE /sessions/current", 404, "whoever shows a token is in no session that could end")];
/// Entries of a request beside its own, and why. It may only shrink.
const ALSO_LEFT: &[(&str, &str, &str)] = &[(
    "POST /exports/{id}/cancel",
    "job.cancelled",
    "nobody works on the job: the request that asks is also the one that ends it",
)];
/// Methods of a path that are operations.
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// One request, and who sends it.
struct Cell<'a> {
    operation: &'a Operation,
    kind: &'a Kind,
    place: usize,
    matter: Matter,
}

/// Everything that an operation can be done to, with the desk whose fixtures are for it.
fn matters(about: About) -> Vec<(usize, Matter)> {
    let matter = |subject, is_own| Matter { subject, is_own };
    let places = 0..SUBJECT_SLUGS.len();
    let own = places.clone().map(|place| (place, matter(SUBJECT_SLUGS[place], true)));
    let others = places.map(|place| (place, matter(SUBJECT_SLUGS[place], false)));
    match about {
        About::Site => vec![(DESKS - 1, matter("content", true))],
        About::Notices => vec![(NOTICE_DESK, matter("content", true))],
        About::Thing => [true, false].map(|own| (DESKS - 1, matter("content", own))).to_vec(),
        // Not at the last desk: its sessions are ended by operations of their own.
        About::Own => vec![(0, matter("content", true))],
        About::Subject => own.collect(),
        About::Job => own.chain(others).collect(),
        About::Schedule => {
            let moved = |(place, matter)| (SCHEDULE_DESK + place, matter);
            own.chain(others).map(moved).collect()
        }
    }
}

impl Cell<'_> {
    /// The request, as somebody sends it.
    fn request(&self, site: &Site, asker: &Asker) -> RequestBuilder {
        let (method, path) = self.operation.name.split_once(' ').unwrap();
        let desk = &self.kind.desks[self.place];
        let number = self.number(site);
        let slug = match (self.operation.about, method) {
            _ if self.operation.name.contains("/templates/") => "export.ready".to_owned(),
            (About::Subject, _) => self.matter.subject.to_owned(),
            (_, "DELETE") => format!("spare_{}", self.kind.name),
            _ => format!("made_{}", self.kind.name),
        };
        let path = path.replace("{id}", &number.to_string()).replace("{slug}", &slug);
        let whose = if self.matter.is_own { desk.operator } else { site.other.operator };
        let query = match self.operation.name {
            "GET /sessions" => format!("?operator={whose}"),
            "GET /subjects/{slug}/rows" => "?limit=1".to_owned(),
            "DELETE /pause" => format!("?subject={}", self.matter.subject),
            _ => String::new(),
        };
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = asker.request(method, &format!("/api/v1{path}{query}"));
        let export = json!({ "subject": self.matter.subject, "format": "csv" });
        match self.operation.name {
            "POST /exports" | "POST /exports/preview" | "POST /exports/estimate" => {
                request.json(&export)
            }
            "POST /activity/report" => request.json(&json!({ "kind": "exports" })),
            "POST /operators" => {
                let email = format!("made-{}@example.com", self.kind.name);
                request.json(&json!({ "email": email, "role": "viewer" }))
            }
            "PATCH /operators/{id}" => request.json(&json!({ "role": "viewer" })),
            "PUT /roles/{slug}" => request.json(&json!({ "capabilities": [] })),
            "POST /actions/sync" => {
                let name = format!("Export users, says {}", self.kind.name);
                let action = json!({ "model": "user.User", "codename": "export", "name": name,
                    "kind": "server", "scope": "bulk" });
                request.json(&json!({ "actions": [action] }))
            }
            "POST /actions/{slug}/{codename}/runs" => request.json(&json!({ "scope": {} })),
            "POST /hand-overs" => {
                let mut whose = hand_over::Handed::of(&site.server);
                whose.email = "victim@example.com";
                whose.sign(request)
            }
            "PUT /settings" => request.json(&site.settings),
            "POST /tokens" => request.json(&json!({ "name": "t", "days": 1 })),
            "POST /sessions" => {
                let body = json!({ "email": DOOR, "password": PASSWORD });
                desk.in_own_network(request).json(&body)
            }
            "POST /second-factor" => {
                desk.in_own_network(request).json(&json!({ "password": PASSWORD }))
            }
            "POST /second-factor/confirm" => {
                request.json(&json!({ "code": code(&desk.offered, step()) }))
            }
            "POST /second-factor/remove" => {
                // The code before was used up by what came before.
                let code = code(&desk.offered, step() + 1);
                let body = json!({ "password": PASSWORD, "code": code });
                desk.in_own_network(request).json(&body)
            }
            name => match of_notices(name).or_else(|| self.of_others(site)) {
                Some(body) => request.json(&body),
                None => request,
            },
        }
    }

    fn of_others(&self, site: &Site) -> Option<Value> {
        match self.operation.name {
            "POST /pause" => Some(json!({ "subject": self.matter.subject, "reason": "a leak" })),
            "PATCH /schedules/{id}" => Some(json!({ "schedule": { "cron": "0 7 1 1 *" } })),
            "POST /schedules/{id}/reassign" => Some(json!({ "owner": site.other.operator })),
            _ => None,
        }
    }

    /// Number of what it is done to.
    fn number(&self, site: &Site) -> u64 {
        let desk = &self.kind.desks[self.place];
        let id = match (self.operation.about, self.operation.name) {
            (About::Job, "POST /exports/{id}/cancel") => self.kind.jobs(self.matter).pending,
            (About::Schedule, "DELETE /schedules/{id}") => self.kind.jobs(self.matter).doomed,
            (About::Schedule, _) => self.kind.jobs(self.matter).schedule,
            (About::Job, _) => self.kind.jobs(self.matter).ready,
            (About::Thing, _) => desk.thing(self.matter.is_own),
            (About::Site | About::Notices | About::Subject | About::Own, _) => site.victim,
        };
        match self.operation.name {
            "POST /notifications/deliveries/{id}/redeliver" => desk.delivery(),
            "DELETE /webhooks/{id}" => desk.webhook(),
            name if name.contains(" /webhooks/{id}") => SHARED_WEBHOOK,
            _ => id,
        }
    }

    fn name(&self) -> String {
        let Matter { subject, is_own } = self.matter;
        let whose = if is_own { "own" } else { "other's" };
        format!("{} · {} · {whose} {subject}", self.kind.name, self.operation.name)
    }

    /// Whose entries tell of it: whoever signs in is somebody else than who asked.
    fn actor(&self) -> &str {
        match self.operation.name {
            "POST /sessions" => DOOR,
            _ => &self.kind.desks[self.place].email,
        }
    }
}

/// What is sent to an operation on notices or approvals, if it takes something.
fn of_notices(name: &str) -> Option<Value> {
    Some(match name {
        "PUT /approvals/rules" | "PUT /budgets" => json!({}),
        "POST /approvals/{id}/deny" | "POST /approvals/{id}/review" => json!({ "note": "seen" }),
        "POST /approvals/{id}/break" => json!({ "reason": "it burns" }),
        "POST /notifications/read" => json!({ "up_to": 1 }),
        "PUT /notifications/subscriptions" => {
            json!({ "family": "jobs", "by_mail": false, "in_inbox": true })
        }
        "PUT /notifications/templates/{slug}" | "POST /notifications/templates/{slug}/preview" => {
            json!({ "title": "{{ title }}", "body": "{{ at }}" })
        }
        "POST /webhooks" | "PUT /webhooks/{id}" => {
            json!({ "url": "https://127.0.0.1/", "topics": ["jobs"] })
        }
        _ => return None,
    })
}

/// The log, as far as it was read.
#[derive(Default)]
struct Log(BTreeMap<String, u64>);

impl Log {
    /// Action and outcome of what an operator has left since this was asked last.
    fn news(&mut self, site: &Site, actor: &str) -> Vec<(String, String)> {
        let path = format!("/api/v1/activity?actor={actor}&limit=50");
        let page = site.ada.read(&path);
        let known = self.0.get(actor).copied();
        let entries = page["items"].as_array().unwrap().iter().map(|item| &item["entry"]);
        let number = |entry: &Value| entry["seq"].as_u64().unwrap();
        let entries: Vec<&Value> = entries.collect();
        let last = entries.first().map_or(0, |entry| number(entry));
        self.0.insert(actor.to_owned(), last.max(known.unwrap_or(0)));
        let text = |entry: &Value, member: &str| entry[member].as_str().unwrap().to_owned();
        let news = entries.iter().take_while(|entry| number(entry) > known.unwrap_or(0));
        news.map(|entry| (text(entry, "action"), text(entry, "outcome"))).collect()
    }
}

/// What is wrong with a cell, if anything is.
fn fault(
    cell: &Cell<'_>,
    rights: &Rights,
    status: u16,
    news: &[(String, String)],
) -> Option<String> {
    let operation = cell.operation;
    let refused = refusal(operation, rights, cell.matter);
    let not_done = NOT_DONE.iter().find(|(name, ..)| *name == operation.name);
    let not_done = not_done.filter(|_| rights.by != By::Session);
    let is_right = match (refused, not_done) {
        (Some(expected), _) => status == expected,
        (None, Some((_, expected, _))) => status == *expected,
        (None, None) => (200..300).contains(&status),
    };
    let also = |action: &str| {
        ALSO_LEFT.iter().any(|(name, left, _)| *name == operation.name && *left == action)
    };
    let own: Vec<_> = news.iter().filter(|(action, _)| !also(action)).collect();
    let outcome = if refused.is_some() { "denied" } else { "done" };
    let is_its = own.iter().all(|(action, told)| {
        told == outcome
            && (operation.leaves.is_empty() || operation.leaves.contains(&action.as_str()))
    });
    let is_written = match (operation.leaves.is_empty(), refused) {
        (_, Some(401)) => own.is_empty(),
        // Whoever asks may; that the owner may not is a state.
        (false, Some(409)) => own.is_empty(),
        (true, Some(_)) => own.len() <= 1 && is_its,
        (true, None) => own.is_empty(),
        (false, None) if not_done.is_some() => own.is_empty(),
        (false, _) => own.len() == 1 && is_its,
    };
    let expected = refused.map_or("allowed".to_owned(), |status| status.to_string());
    match is_right && is_written {
        true => None,
        false => {
            Some(format!("{}: {expected} expected, {status} came; left {news:?}", cell.name()))
        }
    }
}

fn described(server: &Server) -> BTreeSet<String> {
    let document = server.asker(None).read("/api/v1/openapi.json");
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let methods = METHODS.iter().filter(move |method| item.get(method).is_some());
        let path = path.strip_prefix("/api/v1").unwrap();
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}

/// Cells of strangers: whatever they ask, they get the same answer and leave nothing.
fn ask_as_strangers(site: &Site, faults: &mut Vec<String>) -> usize {
    let strangers = [None, Some("tdg_garbage".to_owned())].map(|token| site.server.asker(token));
    let mut cells = 0;
    let mut log = Log::default();
    for operation in OPERATIONS {
        for (place, matter) in matters(operation.about) {
            for asker in &strangers {
                let cell = Cell { operation, kind: &site.kinds[cells % 2], place, matter };
                log.news(site, cell.actor());
                let head = site.head();
                let answer = cell.request(site, asker).send().unwrap();
                let news = log.news(site, cell.actor());
                let is_open = refusal(operation, &Rights::default(), matter).is_none();
                if !is_open && site.head() != head {
                    faults.push(format!("{}: a stranger left an entry", cell.name()));
                }
                let status = answer.status().as_u16();
                faults.extend(fault(&cell, &Rights::default(), status, &news));
                cells += 1;
            }
        }
    }
    cells
}

impl Site {
    /// Number of the last entry.
    fn head(&self) -> Value {
        self.ada.read("/api/v1/activity?limit=1")["items"][0]["entry"]["seq"].clone()
    }
}

#[test]
fn everybody_may_do_to_everything_what_the_specification_says_and_it_is_written_down() {
    let site = Site::new();
    let known: BTreeSet<String> =
        OPERATIONS.iter().map(|operation| operation.name.to_owned()).collect();
    assert_eq!(described(&site.server), known, "the oracle does not know the document");
    let mut faults = Vec::new();
    let mut cells = ask_as_strangers(&site, &mut faults);
    let (mut allowed, mut log) = (0, Log::default());
    let nobody = site.server.asker(None);
    for kind in &site.kinds {
        for desk in kind.desks.iter().map(|desk| desk.email.as_str()).chain([DOOR]) {
            log.news(&site, desk);
        }
        for operation in OPERATIONS {
            for (place, matter) in matters(operation.about) {
                let cell = Cell { operation, kind, place, matter };
                let desk = &kind.desks[place];
                let request = match kind.rights.by {
                    By::Session => cell
                        .request(&site, &nobody)
                        .header("cookie", desk.cookie())
                        .header("sec-fetch-site", "same-origin"),
                    By::Nothing | By::Token | By::ScopedToken => cell.request(&site, &desk.asker),
                };
                let status = request.send().unwrap().status().as_u16();
                let news = log.news(&site, cell.actor());
                faults.extend(fault(&cell, &kind.rights, status, &news));
                allowed += usize::from(refusal(operation, &kind.rights, matter).is_none());
                cells += 1;
            }
        }
    }
    println!(
        "{cells} cells, of {} operations and {} kinds of people; {allowed} were allowed",
        OPERATIONS.len(),
        site.kinds.len() + 2
    );
    assert!(faults.is_empty(), "{} of {cells}:\n{}", faults.len(), faults.join("\n"));
}
