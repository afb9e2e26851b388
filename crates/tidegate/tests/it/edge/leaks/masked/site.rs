//! A site whose personal values are canaries, with every way out that a site can have.

use std::{
    fmt::Write,
    fs,
    os::unix::net::UnixDatagram,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use reqwest::{Method, blocking::RequestBuilder};
use serde_json::{Value, json};
use tidegate_testkit::{
    hook::HookSink,
    postgres::{Postgres, PostgresDatabase},
    smtp::SmtpSink,
};

use super::super::{
    searcher::{Searcher, To, word},
    site::On,
};
use crate::{
    edge::server::{Asker, CONTROL_URL, Server},
    site::{Ended, Shop},
};

/// Rows that the clerk may see, and those that a limit hides.
pub(super) const NORTH: usize = 6;
const SOUTH: usize = 4;
/// Fields of `people` that are masked for the clerk.
pub(super) const MASKED: [&str; 7] =
    ["email", "contact", "phone", "born", "profile", "nick", "lines"];
/// The key of a site that hands its people over.
const HAND_OVER: &str = "[server.hand_over]\nkey = \"a key that the two sites share, and nobody \
                         else\"\nrole = \"viewer\"\n";

const SUBJECTS: &str = r#"
[[subjects]]
slug = "people"
model = "shop.Person"
source = "SOURCE"
table = "people"
search = ["email", "note"]
sort = ["email", "id"]
date_field = "born"
shorthands = ["email", "region"]
fields = ["id", "region", "amount", "note", { slug = "email", pii = "email" },
  { slug = "contact", column = "email" }, { slug = "phone", pii = "phone" },
  { slug = "born", type = "timestamp", pii = "birth_date" },
  { slug = "profile", type = "json", pii = "name" },
  { slug = "nick", column = "profile", path = "nick", default = false },
  { slug = "lines", relation = "notes", pii = "address", items = ["id", "text"] }]
relations = [{ name = "notes", table = "notes", on = { id = "person" }, many = true, order = "id" }]

[[subjects]]
slug = "named"
model = "shop.Named"
source = "SOURCE"
table = "named"
key = "email"
fields = [{ slug = "email", pii = "email" }, "amount"]

[[subjects]]
slug = "visits"
source = "SOURCE"
table = "visits"
fields = ["id", "region", { slug = "made_at", type = "timestamp" },
  { slug = "left_at", type = "timestamp", pii = "visit" }, { slug = "visitor", pii = "name" }]

[[subjects]]
slug = "loose"
source = "SOURCE"
table = "loose"
key = "email"
fields = [{ slug = "email", pii = "email" }, { slug = "amount", pii = "salary" }]
"#;

/// What happens beside the subjects: mails, webhooks, streams of the log, an action of the site.
const AROUND: &str = r#"
[notify]
smtp_host = "127.0.0.1"
smtp_port = SMTP_PORT
smtp_security = "none"
from = "tidegate@example.com"
webhook_networks = ["127.0.0.0/8"]

[settings]
bearer_link_hours_max = 2

[audit]
stream = ["file:audit/activity.jsonl", "stdout", "syslog:SYSLOG"]

[[actions]]
model = "shop.Person"
codename = "greet"
name = "Greet people"
kind = "server"
scope = "bulk"
webhook = "HOOK"
secret_file = "greet.key"
private = true

[[actions]]
model = "shop.Named"
codename = "hail"
name = "Greet names"
kind = "server"
scope = "bulk"
webhook = "HOOK"
secret_file = "greet.key"
private = true

"#;

/// The site, and what leaves it.
pub(super) struct Site {
    pub(super) server: Server,
    pub(super) searcher: Searcher,
    pub(super) clerk: Asker,
    pub(super) ada: Asker,
    /// The mask of every class for the clerk.
    pub(super) policy: &'static str,
    /// Exports of the administrator's: chosen by masked values, or showing them.
    pub(super) made: Vec<u64>,
    /// Links of the clerk's to a file with the mask before this one: an own one, and one for whoever
    /// has it.
    pub(super) old_links: Vec<String>,
    /// An address of a row of the north, and that of one of the south.
    pub(super) emails: [String; 2],
    /// A key of `named`.
    pub(super) key: String,
    pub(super) hook: HookSink,
    pub(super) smtp: SmtpSink,
    syslog: Arc<Mutex<Vec<u8>>>,
    cookie: String,
    /// The databases of the rows and of the control state, where they are on a server.
    databases: Option<[PostgresDatabase<'static>; 2]>,
}

/// Who may see what is neither masked nor hidden from the clerk.
const SEEN: &[To] = &[To::Clerk, To::Ada];
/// Who may see what an administrator has typed: it stands in the record of what was asked for.
const TYPED: &[To] = &[To::Ada, To::Control];

/// The rows, with an address of each region and a key, which the administrator will type.
fn tables(searcher: &mut Searcher, on: On) -> (String, [String; 2], String) {
    let mut sql = "create table people (id integer primary key, region text, amount integer,
          note text, email text, phone text, born timestamp, profile json);
        create table notes (id integer primary key, person integer, text text);
        create table named (email text primary key, amount integer);
        create table visits (id integer primary key, region text, made_at timestamp,
          left_at timestamp, visitor text);"
        .to_owned();
    let (mut emails, mut typed_key) = ([String::new(), String::new()], String::new());
    for id in 1..=NORTH + SOUTH {
        let is_north = id <= NORTH;
        let region = if is_north { "north" } else { "south" };
        let is_typed = id == NORTH || id == NORTH + SOUTH;
        let may = if is_typed { TYPED } else { &[To::Ada] };
        let email = searcher.hatch(format!("address of the {region}"), may);
        let mut hatch =
            |what: &str| searcher.hatch(format!("{what} of the {region}"), &[To::Ada] as &[To]);
        let (phone, nick, line, visitor) =
            (hatch("phone"), hatch("nick"), hatch("line"), hatch("visitor"));
        let key = searcher.hatch("key", if id == 1 { TYPED } else { &[To::Ada] });
        let may = if is_north { SEEN } else { &[To::Ada] };
        let note = searcher.hatch(format!("note of the {region}"), may);
        let day = format!("1987-0{}-1{}", id % 9 + 1, id % 9);
        searcher.watch(format!("day of the {region}"), &day, &[To::Ada]);
        // The first and the last characters are what a part shows.
        let email = format!("x{email}@y{email}.org");
        writeln!(
            sql,
            "insert into people values ({id}, '{region}', {id}, '{note}', '{email}', \
             '{phone}-17', '1987-0{}-1{} 12:34:56', '{{\"nick\": \"{nick}\"}}');
             insert into notes values ({id}, {id}, '{line}');
             insert into named values ('{key}@example.org', {id});
             insert into visits values ({id}, '{region}', '2026-01-0{} 10:00:00', \
             '1987-0{}-1{} 12:34:56', '{visitor}');",
            id % 9 + 1,
            id % 9,
            id % 9 + 1,
            id % 9 + 1,
            id % 9,
        )
        .unwrap();
        emails[usize::from(!is_north)] = email;
        if id == 1 {
            typed_key = format!("{key}@example.org");
        }
    }
    let value = searcher.hatch("value that cannot be read", &[]);
    let key = searcher.hatch("key of a row that cannot be read", &[To::Ada]);
    let amount = if on == On::Sqlite { "integer" } else { "text" };
    writeln!(
        sql,
        "create table loose (email text primary key, amount {amount});
         insert into loose values ('{key}@example.org', '{value}');"
    )
    .unwrap();
    if on == On::Postgres {
        // What SQLite keeps in a column of integers, PostgreSQL meets in a conversion.
        sql.push_str(
            "alter table loose rename to loose_rows;
             create view loose as select email, amount::integer as amount from loose_rows;",
        );
    }
    (sql, emails, typed_key)
}

/// A socket that takes what is said to a system's log.
fn syslog(shop: &Shop) -> Arc<Mutex<Vec<u8>>> {
    let socket = UnixDatagram::bind(shop.path("syslog")).unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    thread::spawn(move || {
        let mut line = vec![0; 1 << 17];
        while let Ok(bytes) = socket.recv(&mut line) {
            kept.lock().unwrap().extend_from_slice(&line[..bytes]);
        }
    });
    heard
}

impl Site {
    /// The site, with somebody who exports it to whom little is shown.
    pub(super) fn new(on: On) -> Self {
        let mut searcher = Searcher::default();
        let shop = Shop::new();
        let (hook, smtp) = (HookSink::start(), SmtpSink::start());
        let (sql, emails, key) = tables(&mut searcher, on);
        let (subjects, databases, control_url) = match on {
            On::Sqlite => {
                shop.sqlite(&sql);
                (SUBJECTS.replace("SOURCE", "shop"), None, CONTROL_URL.to_owned())
            }
            On::Postgres => {
                let databases = [(); 2].map(|()| Postgres::shared().database());
                databases[0].execute(&sql);
                let near = format!("[sources.near]\nurl = \"{}\"\n", databases[0].url());
                let url = databases[1].url();
                (format!("{near}{}", SUBJECTS.replace("SOURCE", "near")), Some(databases), url)
            }
        };
        fs::write(shop.path("greet.key"), "the secret of an action, of some length").unwrap();
        let syslog = syslog(&shop);
        let around = AROUND
            .replace("SMTP_PORT", &smtp.port().to_string())
            .replace("SYSLOG", shop.path("syslog").to_str().unwrap())
            .replace("HOOK", &hook.url());
        let configuration = format!("{HAND_OVER}{around}{subjects}");
        let shop = Server::staffed_in(shop, &control_url, &configuration);
        let mut serve = shop.command(&["serve"]);
        // One of the streams is standard output.
        let said = fs::File::create(shop.path("said")).unwrap();
        serve.env("RUST_LOG", "trace").stdout(Stdio::from(said));
        let server = Server::started(shop, serve);
        server.run(&["sync-actions"]);
        server.run(&["roles", "put", "sites", "--capabilities", "actions.sync"]);
        server.run(&["operators", "add", "site@example.com", "--role", "sites"]);
        let ada = server.with_role("administrator");
        put_role(&ada, "redact");
        server.run(&["operators", "add", "clerk@example.com", "--role", "clerk"]);
        let clerk = server.with_role("clerk");
        let cookie = signed_in(&server);
        let webhook = json!({ "url": hook.url(), "is_enabled": true,
            "topics": ["jobs", "schedules", "security"] });
        assert_eq!(ada.post("/api/v1/webhooks", &webhook).status(), 201);
        let mut site = Self {
            server,
            searcher,
            clerk,
            ada,
            policy: "redact",
            made: Vec::new(),
            old_links: Vec::new(),
            emails,
            key,
            hook,
            smtp,
            syslog,
            cookie,
            databases,
        };
        for family in ["jobs", "schedules", "security"] {
            let body = json!({ "family": family, "by_mail": true, "in_inbox": true });
            let path = "/api/v1/notifications/subscriptions";
            let (status, told) = site.send(Method::PUT, path, &body);
            assert!(status < 300, "{status}: {told}");
        }
        site
    }

    /// From now on this is what the clerk is shown.
    pub(super) fn mask_by(&mut self, policy: &'static str) {
        put_role(&self.ada, policy);
        self.policy = policy;
    }

    /// Sends a request, and keeps what comes back.
    pub(super) fn fetch(&mut self, to: To, request: RequestBuilder) -> (u16, Vec<u8>) {
        let request = request.build().unwrap();
        let place = format!("{} {}", request.method(), request.url());
        let client = reqwest::blocking::Client::builder();
        let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let answer = client.execute(request).unwrap();
        let status = answer.status().as_u16();
        let headers: Vec<u8> =
            answer.headers().values().flat_map(|value| value.as_bytes().to_vec()).collect();
        self.searcher.catch(to, format!("headers of {place}"), headers);
        let body = answer.bytes().unwrap().to_vec();
        self.searcher.catch(to, place, body.clone());
        (status, body)
    }

    /// Asks as the clerk.
    pub(super) fn get(&mut self, path: &str) -> (u16, Value) {
        let request = self.clerk.request(Method::GET, path);
        let (status, body) = self.fetch(To::Clerk, request);
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Sends as the clerk.
    pub(super) fn send(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.clerk.request(method, path);
        let request = if body.is_null() { request } else { request.json(body) };
        let (status, body) = self.fetch(To::Clerk, request);
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Posts as the clerk.
    pub(super) fn post(&mut self, path: &str, body: &Value) -> (u16, Value) {
        self.send(Method::POST, path, body)
    }

    /// A page, as the clerk sees it.
    pub(super) fn page(&mut self, path: &str) -> (u16, String) {
        let request = self.server.asker(None).request(Method::GET, path);
        self.in_browser(request)
    }

    /// What the clerk's browser is answered.
    pub(super) fn in_browser(&mut self, request: RequestBuilder) -> (u16, String) {
        let request = request.header("cookie", &self.cookie);
        let (status, body) = self.fetch(To::Clerk, request);
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// Waits for an export of the clerk's, and takes its file; none if there is none.
    pub(super) fn take(&mut self, id: u64) -> Option<Vec<u8>> {
        let events = self.clerk.wait(id).join("\n");
        self.searcher.catch(To::Clerk, "events as they come", events);
        let (_, job) = self.get(&format!("/api/v1/exports/{id}"));
        if job["status"] != "ready" {
            return None;
        }
        let link = self.clerk.link(id);
        let request = self.clerk.request(Method::GET, &link);
        let (status, file) = self.fetch(To::Clerk, request);
        assert_eq!(status, 200, "{job}");
        let manifest = self.get(&format!("/api/v1/exports/{id}/manifest"));
        assert_eq!(manifest.0, 200);
        Some(file)
    }

    /// What a command says to the clerk, on both outputs.
    pub(super) fn command(&mut self, arguments: &[&str]) -> Ended {
        let named = [&["--as", "clerk@example.com"][..], arguments].concat();
        let mut command = self.server.shop.command(&named);
        let output = command.env("RUST_LOG", "trace").output().unwrap();
        let place = format!("command {}", arguments.join(" "));
        self.searcher.catch(To::Clerk, place.clone(), output.stdout.clone());
        self.searcher.catch(To::Log, place, output.stderr.clone());
        Ended::new(output)
    }

    /// Changes the control database behind the program's back, as time does.
    pub(super) fn alter(&self, sql: &str) {
        match &self.databases {
            Some([_, control]) => control.execute(sql),
            None => {
                let control = self.server.shop.path("control.db");
                let mut command = Command::new("sqlite3");
                command.args(["-cmd", ".timeout 20000"]).arg(control).arg(sql);
                let done = command.output().unwrap();
                assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            }
        }
    }

    /// What was written down: logs on both outputs, streams of the log, the control database.
    pub(super) fn catch_what_is_written(&mut self) {
        let said = self.server.said();
        assert!(said.len() > 100_000, "it was not talkative");
        self.searcher.catch(To::Log, "standard error", said);
        let shop = &self.server.shop;
        let files = [("standard output", "said"), ("stream", "audit/activity.jsonl")];
        let files = files.map(|(what, name)| (what, fs::read(shop.path(name)).unwrap()));
        let mut texts: Vec<(&str, Vec<u8>)> = files.into();
        texts.push(("syslog", self.syslog.lock().unwrap().clone()));
        for (what, text) in texts {
            assert!(text.len() > 10_000, "{what}: {} bytes", text.len());
            self.searcher.catch(To::Entries, what, text);
        }
        match &self.databases {
            Some([_, control]) => {
                self.searcher.catch(To::Control, "pg_dump of the control state", control.dump(&[]));
            }
            None => {
                for name in ["control.db", "control.db-wal"] {
                    let bytes = fs::read(shop.path(name)).unwrap_or_default();
                    self.searcher.catch(To::Control, name, bytes);
                }
                let control = shop.path("control.db");
                let dump = Command::new("sqlite3").arg(control).arg(".dump").output().unwrap();
                assert!(dump.stdout.len() > 100_000);
                self.searcher.catch(To::Control, "dump of the control state", dump.stdout);
            }
        }
    }
}

/// What the clerk may do: everything but see what is masked.
fn put_role(ada: &Asker, policy: &str) {
    const CAPABILITIES: [&str; 24] = [
        "activity.export",
        "activity.view",
        "exports.approve",
        "exports.cancel.own",
        "exports.delete.own",
        "exports.download.any",
        "exports.download.own",
        "exports.list.any",
        "exports.list.own",
        "exports.schedule",
        "exports.schedule.any",
        "loose.export",
        "loose.list",
        "named.export",
        "named.hail",
        "named.list",
        "notifications.manage",
        "people.export",
        "people.greet",
        "people.list",
        "roles.manage",
        "settings.manage",
        "visits.export",
        "visits.list",
    ];
    let north = json!({ "field": "region", "op": "eq", "value": "north" });
    let limit = |subject: &str| json!({ "subject": subject, "where": north });
    let role = json!({
        "capabilities": CAPABILITIES,
        "limits": [limit("people"), limit("visits")],
        "masks": [{ "class": "*", "policy": policy }],
    });
    let put = ada.request(Method::PUT, "/api/v1/roles/clerk").json(&role).send().unwrap();
    assert_eq!(put.status(), 204, "{}", put.text().unwrap());
}

fn signed_in(server: &Server) -> String {
    let password = word();
    let command = ["--as", "clerk@example.com", "operators", "password", "clerk@example.com"];
    let mut child = server.shop.command(&command).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), password.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let body = json!({ "email": "clerk@example.com", "password": password });
    let entered = server.asker(None).post("/api/v1/sessions", &body);
    let cookie = entered.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}
