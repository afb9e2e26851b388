//! A site with people of every kind, and everything that an operation can be done to.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{Command, Stdio},
};

use reqwest::{Method, blocking::RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::oracle::{By, Matter, Rights, default_role, everything};
use crate::{
    edge::{
        hand_over,
        server::{Asker, Server},
    },
    site::Shop,
};

/// Content, users, and a subject whose exports never end and write nothing.
const SUBJECTS: &str = r#"
[[subjects]]
slug = "content"
source = "shop"
table = "content"

[[subjects]]
slug = "users"
model = "user.User"
source = "shop"
table = "users"
pii = true

[[subjects]]
slug = "silent"
source = "shop"
query = "with recursive c(n) as (select 1 union all select n + 1 from c) select n from c where n < 0"
key = "n"
"#;
const TABLES: &str = "
create table content (id integer primary key, title text);
insert into content values (1, 'Welcome'), (2, 'Terms');
create table users (id integer primary key, name text, email text);
insert into users values (1, 'Ada', 'ada@example.org'), (2, 'Grace', 'grace@example.org');
";
/// Behind the routes of the edge, so that sign-ins come from networks of their own.
const PROXY: &str = "proxies = [\"127.0.0.1\"]\n";

/// A mail server that nobody answers for: a test mail is asked for, and waits.
const NOTIFY: &str = "[notify]\nsmtp_host = \"127.0.0.1\"\nsmtp_port = 9\n\
    smtp_security = \"none\"\nfrom = \"tidegate@example.com\"\n";
/// A webhook that operations are done to which leave it there.
pub(super) const SHARED_WEBHOOK: u64 = 39_999;

/// Subjects that operations are done to.
pub(super) const SUBJECT_SLUGS: [&str; 2] = ["content", "users"];
/// Roles at random, from this seed.
const RANDOM_ROLES: usize = 12;
const SEED: u64 = 0x7464_6761_7465_0001;
/// Tokens with scopes at random.
const SCOPED_TOKENS: usize = 3;
/// Roles that may do everything but what begins like this.
const ROLES_WITHOUT: [&str; 6] = [
    "exports.list",
    "exports.list.own",
    "exports.list.any",
    "users.list",
    "users.export",
    "exports.d",
];
/// Tokens of which the same is true.
const TOKENS_WITHOUT: [&str; 2] = ["tokens.manage", "operators.manage"];
/// Operators of a kind: each gets so few refusals that all of them are written down.
pub(super) const DESKS: usize = 6;
/// Of these, the first for schedules: one for each subject.
pub(super) const SCHEDULE_DESK: usize = SUBJECT_SLUGS.len();
/// The one for operations on notices.
pub(super) const NOTICE_DESK: usize = DESKS - 2;
/// Who signs in.
pub(super) const DOOR: &str = "door@example.com";
/// By this password.
pub(super) const PASSWORD: &str = "correct horse battery";

/// Operators who may do the same.
pub(super) struct Kind {
    pub(super) name: String,
    pub(super) rights: Rights,
    role: String,
    pub(super) desks: Vec<Desk>,
    jobs: BTreeMap<(&'static str, bool), Jobs>,
}

/// One of them.
pub(super) struct Desk {
    pub(super) operator: u64,
    pub(super) email: String,
    pub(super) asker: Asker,
    /// Secret of a second factor that waits for a code, where there is one.
    pub(super) offered: String,
}

/// Exports of a subject: one with a file, one that waits. And schedules: one to be changed, and one
/// to be deleted.
#[derive(Clone, Copy, Default)]
pub(super) struct Jobs {
    pub(super) ready: u64,
    pub(super) pending: u64,
    pub(super) schedule: u64,
    pub(super) doomed: u64,
}

/// The site.
pub(super) struct Site {
    pub(super) server: Server,
    pub(super) ada: Asker,
    pub(super) other: Desk,
    /// Whose role is changed.
    pub(super) victim: u64,
    pub(super) settings: Value,
    pub(super) kinds: Vec<Kind>,
}

impl Kind {
    /// The export of this kind that a matter names.
    pub(super) fn jobs(&self, matter: Matter) -> Jobs {
        self.jobs[&(matter.subject, matter.is_own)]
    }
}

impl Desk {
    /// From a network of its own: who tries too often from one has to wait.
    pub(super) fn in_own_network(&self, request: RequestBuilder) -> RequestBuilder {
        let network = format!("10.{}.{}.1", self.operator / 250, self.operator % 250);
        request.header("x-forwarded-for", network)
    }

    /// What shows that somebody has signed in.
    pub(super) fn cookie(&self) -> String {
        format!("tidegate_session={}", secret(self.operator))
    }

    /// Number of a webhook that may be removed.
    pub(super) fn webhook(&self) -> u64 {
        self.operator + 40_000
    }

    /// Number of a delivery that was given up.
    pub(super) fn delivery(&self) -> u64 {
        self.operator + 50_000
    }

    /// Number of the token and of the session that can be taken back: one's own, or the other's.
    pub(super) fn thing(&self, is_own: bool) -> u64 {
        self.operator + if is_own { 20_000 } else { 30_000 }
    }
}

impl Site {
    /// Everybody, and all that they need.
    pub(super) fn new() -> Self {
        let shop = Shop::new();
        shop.sqlite(TABLES);
        let more = format!("{PROXY}{NOTIFY}{SUBJECTS}{}", hand_over::CONFIGURATION);
        let server = Server::of(shop, &more, &[]);
        let ada = server.with_role("administrator");
        add_operator(&ada, "door");
        let settings = json!({ "open_jobs_max": 10_000, "builds_max": 4 });
        send(&ada, Method::PUT, "/settings", &settings);
        let mut site = Self {
            other: desk(&server, &ada, "other"),
            victim: add_operator(&ada, "victim"),
            settings,
            kinds: Vec::new(),
            ada,
            server,
        };
        site.kinds = kinds().into_iter().map(|kind| site.staffed(kind)).collect();
        site.give_tokens();
        site.give_webhooks();
        site.set_passwords();
        site.offer_second_factors();
        site.make_exports();
        for kind in &site.kinds {
            for desk in &kind.desks {
                let path = format!("/operators/{}", desk.operator);
                send(&site.ada, Method::PATCH, &path, &json!({ "role": kind.role }));
            }
        }
        site
    }

    /// The kind with its operators, who are administrators at first: they have to make things that
    /// their role may not make.
    fn staffed(&self, kind: Kind) -> Kind {
        let Kind { name, rights, role, .. } = &kind;
        if !["administrator", "editor", "viewer"].contains(&role.as_str()) {
            let capabilities: Vec<&String> = rights.capabilities.iter().collect();
            let body = json!({ "capabilities": capabilities });
            send(&self.ada, Method::PUT, &format!("/roles/{role}"), &body);
        }
        send(
            &self.ada,
            Method::PUT,
            &format!("/roles/spare_{name}"),
            &json!({ "capabilities": [] }),
        );
        let desks =
            (0..DESKS).map(|number| desk(&self.server, &self.ada, &format!("{name}{number}")));
        Kind { desks: desks.collect(), ..kind }
    }

    /// Tokens to ask with, and tokens and sessions to be taken back. They are written into the
    /// database: that is a fixture of many, and how they are made is tested elsewhere.
    fn give_tokens(&self) {
        let mut sql = String::new();
        let mut token = |id: u64, operator: u64, secret: &str, scopes: &str| {
            let hash: String =
                Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect();
            sql.push_str(&format!(
                "insert into tokens (id, operator_id, name, hash, scopes, created_at, expires_at) \
                 values ({id}, {operator}, 't', '{hash}', {scopes}, {NOW}, {NOW} + 86400000000);\n\
                 insert into sessions (id, operator_id, hash, created_at, seen_at, expires_at) \
                 values ({id}, {operator}, '{hash}', {NOW}, {NOW}, {NOW} + 86400000000);\n"
            ));
        };
        let own = self.other.thing(true);
        token(own, self.other.operator, &format!("own {own}"), "null");
        for kind in &self.kinds {
            let scopes = match kind.rights.by == By::ScopedToken {
                true => format!("'{}'", json!(kind.rights.capabilities)),
                false => "null".to_owned(),
            };
            for desk in &kind.desks {
                token(desk.operator + 10_000, desk.operator, &secret(desk.operator), &scopes);
                let (own, others) = (desk.thing(true), desk.thing(false));
                token(own, desk.operator, &format!("own {own}"), "null");
                token(others, self.other.operator, &format!("others {others}"), "null");
            }
        }
        self.write(&sql);
    }

    /// Webhooks to be removed, one that stays, and deliveries to be sent again.
    fn give_webhooks(&self) {
        let by = self.other.operator;
        let webhook = |id: u64| {
            format!(
                "insert into webhooks (id, public_id, url, topics, secret, created_by, created_at) \
                 values ({id}, 'ep_{id}', 'https://127.0.0.1/', '[\"schedules\"]', '', {by}, {NOW});\n"
            )
        };
        let mut sql = webhook(SHARED_WEBHOOK);
        for kind in &self.kinds {
            let desk = &kind.desks[NOTICE_DESK];
            let id = desk.delivery();
            sql.push_str(&webhook(desk.webhook()));
            sql.push_str(&format!(
                "insert into outbox (id, topic, payload, created_at, fanned_at) \
                 values ({id}, 'export.ready', '{{}}', {NOW}, {NOW});\n\
                 insert into deliveries (id, outbox_id, channel, recipient, message, state, next_at, \
                    created_at, ended_at) \
                 values ({id}, {id}, 'mail', 'nobody@example.com', 'msg_{id}', 'dead', {NOW}, {NOW}, \
                    {NOW});\n"
            ));
        }
        self.write(&sql);
    }

    /// Writes into the control database.
    fn write(&self, sql: &str) {
        let control = self.server.shop.path("control.db");
        let mut sqlite = Command::new("sqlite3")
            .args(["-bail", "-cmd", ".timeout 30000"])
            .arg(control)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let script = format!("begin immediate;\n{sql}commit;\n");
        sqlite.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(sqlite.wait().unwrap().success());
    }

    /// One password for all: how it is hashed is tested elsewhere, and slow.
    fn set_passwords(&self) {
        let arguments = ["--as", "administrator@example.com", "operators", "password"];
        let mut command = self.server.shop.command(&[&arguments[..], &[DOOR]].concat());
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        self.write(&format!(
            "update operators set password_hash = \
                 (select password_hash from operators where email = '{DOOR}');\n"
        ));
    }

    /// A secret at the first desk of each kind.
    fn offer_second_factors(&mut self) {
        for kind in &mut self.kinds {
            let desk = &mut kind.desks[0];
            let asker = owner(&self.server, desk);
            let request = asker.request(Method::POST, "/api/v1/second-factor");
            let request = desk.in_own_network(request).json(&json!({ "password": PASSWORD }));
            let offer: Value = request.send().unwrap().error_for_status().unwrap().json().unwrap();
            desk.offered = offer["secret"].as_str().unwrap().to_owned();
        }
    }

    /// An export with a file and one that waits, for each kind, of each subject, own and other's.
    fn make_exports(&mut self) {
        self.each_export(SCHEDULE_DESK, |asker, jobs, subject| {
            jobs.schedule = make_schedule(asker, subject);
            jobs.doomed = make_schedule(asker, subject);
        });
        let mut ready: Vec<u64> = Vec::new();
        self.each_export(0, |asker, jobs, subject| {
            jobs.ready = make(asker, subject);
            ready.push(jobs.ready);
        });
        for id in ready {
            self.ada.wait(id);
            assert_eq!(self.ada.read(&format!("/api/v1/exports/{id}"))["status"], "ready");
        }
        // One worker's place, and an export that never leaves it: all others wait.
        self.settings["builds_max"] = json!(1);
        send(&self.ada, Method::PUT, "/settings", &self.settings);
        let silent = make(&self.ada, "silent");
        while self.ada.read(&format!("/api/v1/exports/{silent}"))["status"] != "building" {
            std::thread::yield_now();
        }
        self.each_export(0, |asker, jobs, subject| jobs.pending = make(asker, subject));
    }

    /// Works for each subject, at the desks from `first` on.
    fn each_export(&mut self, first: usize, mut work: impl FnMut(&Asker, &mut Jobs, &str)) {
        for kind in &mut self.kinds {
            for (place, subject) in SUBJECT_SLUGS.into_iter().enumerate() {
                for is_own in [true, false] {
                    let desk = if is_own { &kind.desks[first + place] } else { &self.other };
                    let none = Jobs::default();
                    let jobs = kind.jobs.entry((subject, is_own)).or_insert(none);
                    work(&owner(&self.server, desk), jobs, subject);
                }
            }
        }
    }
}

/// This moment, in microseconds since 1970, to SQLite.
const NOW: &str = "(cast(strftime('%s', 'now') as integer) * 1000000)";

/// The token that an operator asks with.
fn secret(operator: u64) -> String {
    format!("tdg_{operator}")
}

/// Somebody with all rights of an operator, whatever the scopes of its token: the token that is to
/// be taken back later is as good as any until then.
fn owner(server: &Server, desk: &Desk) -> Asker {
    server.asker(Some(format!("own {}", desk.thing(true))))
}

fn desk(server: &Server, ada: &Asker, name: &str) -> Desk {
    let operator = add_operator(ada, name);
    let asker = server.asker(Some(secret(operator)));
    Desk { operator, email: email(name), asker, offered: String::new() }
}

fn email(name: &str) -> String {
    format!("{name}@example.com")
}

fn add_operator(ada: &Asker, name: &str) -> u64 {
    let body = json!({ "email": email(name), "role": "administrator" });
    send(ada, Method::POST, "/operators", &body)["id"].as_u64().unwrap()
}

fn make(asker: &Asker, subject: &str) -> u64 {
    let body = json!({ "subject": subject, "format": "csv" });
    send(asker, Method::POST, "/exports", &body)["id"].as_u64().unwrap()
}

fn make_schedule(asker: &Asker, subject: &str) -> u64 {
    let when = json!({ "cron": "0 6 1 1 *" });
    let body = json!({ "subject": subject, "format": "csv", "schedule": when });
    send(asker, Method::POST, "/exports", &body)["id"].as_u64().unwrap()
}

#[track_caller]
fn send(asker: &Asker, method: Method, path: &str, body: &Value) -> Value {
    let sent = asker.request(method, &format!("/api/v1{path}")).json(body).send().unwrap();
    let status = sent.status();
    let answer = sent.text().unwrap();
    assert!(status.is_success(), "{path}: {status}: {answer}");
    serde_json::from_str(&answer).unwrap_or_default()
}

/// The default roles, by tokens and signed in, roles at random, and tokens with scopes at random.
fn kinds() -> Vec<Kind> {
    let mut random = Random(SEED);
    let all = everything();
    let kind = |name: String, role: String, capabilities: BTreeSet<String>, by| Kind {
        rights: Rights { capabilities, by },
        name,
        role,
        desks: Vec::new(),
        jobs: BTreeMap::new(),
    };
    let mut kinds = Vec::new();
    for slug in ["administrator", "editor", "viewer"] {
        for (name, by) in [("", By::Token), ("_session", By::Session)] {
            kinds.push(kind(format!("{slug}{name}"), slug.to_owned(), default_role(slug), by));
        }
    }
    for number in 0..RANDOM_ROLES + SCOPED_TOKENS {
        // From a role that may little to one that may nearly everything.
        let percent = 25 + 60 * u64::try_from(number % RANDOM_ROLES).unwrap() / 11;
        let some = all.iter().filter(|_| random.next() % 100 < percent);
        let capabilities = some.map(|&slug| slug.to_owned()).collect();
        let name = format!("random_{number}");
        let (role, by) = match number {
            RANDOM_ROLES.. => ("administrator", By::ScopedToken),
            _ if number % 4 == 3 => (name.as_str(), By::Session),
            _ => (name.as_str(), By::Token),
        };
        kinds.push(kind(name.clone(), role.to_owned(), capabilities, by));
    }
    let without = ROLES_WITHOUT.map(|start| (start, By::Token)).into_iter();
    for (start, by) in without.chain(TOKENS_WITHOUT.map(|start| (start, By::ScopedToken))) {
        let rest = all.iter().filter(|slug| !slug.starts_with(start));
        let capabilities = rest.map(|&slug| slug.to_owned()).collect();
        let name = format!("without_{}", start.replace('.', "_"));
        let role = if by == By::ScopedToken { "administrator" } else { name.as_str() };
        kinds.push(kind(name.clone(), role.to_owned(), capabilities, by));
    }
    kinds
}

/// Numbers that look random (splitmix64), the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}
