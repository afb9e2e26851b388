//! A site whose values are canaries, and people who ask it for them.

use std::{fmt::Write, fs, process::Command};

use reqwest::{
    Method,
    blocking::{RequestBuilder, Response},
};
use serde_json::{Value, json};

use super::searcher::{Searcher, To, word};
use crate::{
    edge::server::{Asker, CONTROL_URL, Server},
    site::Shop,
};
use tidegate_testkit::postgres::{Postgres, PostgresDatabase};

/// Rows of each table.
const ROWS: usize = 40;
/// Rows of the north, which the clerk may see.
pub(super) const NORTH: usize = ROWS / 2;
/// Subjects of the site, whether somebody may see them or not.
pub(super) const SUBJECTS: [&str; 5] = ["sales", "people", "loose", "named", "remote"];
/// What the clerk may do.
const CAPABILITIES: [&str; 13] = [
    "exports.list.own",
    "exports.download.own",
    "exports.cancel.own",
    "exports.delete.own",
    "activity.view",
    "sales.list",
    "sales.export",
    "loose.list",
    "loose.export",
    "named.list",
    "named.export",
    "remote.list",
    "remote.export",
];

const CONFIGURATION: &str = r#"
proxies = ["127.0.0.1"]

[sources.far]
url = "postgres://reader:PASSWORD@127.0.0.1:1/shop"

[[subjects]]
slug = "sales"
source = "SOURCE"
table = "sales"
search = ["note", "email"]
fields = ["id", "region", "amount", "note", { slug = "email", pii = "email", default = false },
  { slug = "staff", internal = true }]

[[subjects]]
slug = "people"
source = "SOURCE"
table = "people"
pii = true

[[subjects]]
slug = "loose"
source = "SOURCE"
table = "loose"
key = "id"

[[subjects]]
slug = "named"
source = "SOURCE"
table = "named"
key = "email"
fields = [{ slug = "email", pii = "email" }, "amount"]

[[subjects]]
slug = "remote"
source = "far"
table = "remote"
key = "id"
fields = [{ slug = "id", type = "integer" }]
"#;

/// Where the rows and the control state are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    Sqlite,
    Postgres,
}

/// The site, and what leaves it.
pub(super) struct Site {
    pub(super) server: Server,
    pub(super) searcher: Searcher,
    pub(super) ada: Asker,
    pub(super) clerk: Asker,
    /// Address of a row of the north.
    pub(super) seen_email: String,
    /// Note of a row of the south.
    pub(super) hidden_note: String,
    pub(super) password: String,
    /// The databases of the rows and of the control state, where they are on a server.
    databases: Option<[PostgresDatabase<'static>; 2]>,
}

impl Site {
    /// The site, with a clerk who may see the north only, and no people.
    pub(super) fn new(on: On) -> Self {
        let mut searcher = Searcher::default();
        let shop = Shop::new();
        let (sql, seen_email, hidden_note) = tables(&mut searcher, on);
        let source = searcher.hatch("password of a source that is away", &[]);
        let configuration = CONFIGURATION.replace("PASSWORD", &source);
        let (configuration, databases, control_url) = match on {
            On::Sqlite => {
                shop.sqlite(&sql);
                (configuration.replace("SOURCE", "shop"), None, CONTROL_URL.to_owned())
            }
            On::Postgres => {
                let source = Postgres::shared().database();
                source.execute(&sql);
                let control = Postgres::shared().database();
                let url = account(&source, &searcher.hatch("password of a source", &[]));
                source.execute(&format!(
                    "grant select on all tables in schema public to r_{};",
                    source.name()
                ));
                let near =
                    format!("[sources.near]\nurl = \"{url}\"\n\n[[subjects]]\nslug = \"sales\"");
                let configuration = configuration
                    .replacen("[[subjects]]\nslug = \"sales\"", &near, 1)
                    .replace("SOURCE", "near");
                let url =
                    account(&control, &searcher.hatch("password of the control database", &[]));
                (configuration, Some([source, control]), url)
            }
        };
        let variables = [("RUST_LOG", "debug")];
        let server = Server::on(shop, &control_url, &configuration, &variables);
        let ada = server.with_role("administrator");
        let limits = json!([{ "subject": "sales",
            "where": { "field": "region", "op": "eq", "value": "north" } }]);
        let role = json!({ "capabilities": CAPABILITIES, "limits": limits });
        let put = ada.request(Method::PUT, "/api/v1/roles/clerk").json(&role).send().unwrap();
        assert_eq!(put.status(), 204);
        server.run(&["operators", "add", "clerk@example.com", "--role", "clerk"]);
        let clerk = server.with_role("clerk");
        for (whose, asker) in [("administrator", &ada), ("clerk", &clerk)] {
            let token = asker.token.as_ref().unwrap();
            searcher.watch(format!("token of the {whose}"), &token[4..], &[]);
        }
        let password = searcher.hatch("password of the clerk", &[]);
        Self { databases, server, searcher, ada, clerk, seen_email, hidden_note, password }
    }

    /// Somebody who asks.
    pub(super) fn asker(&self, to: To) -> Asker {
        self.server.asker(match to {
            To::Clerk | To::ClerkAsking | To::ClerksSecrets => self.clerk.token.clone(),
            To::Ada | To::Entries | To::Log | To::Host => self.ada.token.clone(),
            To::Stranger | To::Control => None,
        })
    }

    /// Sends a request, and keeps what comes back.
    pub(super) fn ask(&mut self, to: To, request: RequestBuilder) -> (u16, String) {
        let (status, body) = self.fetch(to, request);
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// The same, with the bytes that came.
    pub(super) fn fetch(&mut self, to: To, request: RequestBuilder) -> (u16, Vec<u8>) {
        let request = request.build().unwrap();
        let place = format!("{} {}", request.method(), request.url().path());
        let client = reqwest::blocking::Client::builder();
        let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        self.keep(to, place, client.execute(request).unwrap())
    }

    /// Keeps an answer whole: its headers, too.
    fn keep(&mut self, to: To, place: String, answer: Response) -> (u16, Vec<u8>) {
        let status = answer.status().as_u16();
        let headers = answer.headers().iter();
        let headers: Vec<u8> = headers
            .flat_map(|(name, value)| [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"])
            .flatten()
            .copied()
            .collect();
        self.searcher.catch(to, format!("headers of {place}"), headers);
        // By itself: what is packed is known by its first bytes.
        let body = answer.bytes().unwrap().to_vec();
        self.searcher.catch(to, place, body.clone());
        (status, body)
    }

    /// Asks as the clerk.
    pub(super) fn get(&mut self, path: &str) -> (u16, String) {
        let request = self.clerk.request(Method::GET, path);
        self.ask(To::Clerk, request)
    }

    /// Sends as the clerk.
    pub(super) fn post(&mut self, path: &str, body: &Value) -> (u16, String) {
        let request = self.clerk.request(Method::POST, path).json(body);
        self.ask(To::Clerk, request)
    }

    /// Watches what the control database and the keys hold, which is nobody's.
    pub(super) fn watch_control_state(&mut self) {
        const SECRETS: [(&str, &str); 9] = [
            ("hash of a password", "select password_hash from operators"),
            ("hash of a token", "select hash from tokens"),
            ("hash of a session", "select hash from sessions"),
            ("hash of an invitation", "select hash from invitations"),
            ("sealed secret", "select sealed from second_factors where sealed is not null"),
            ("hash of a recovery code", "select hash from recovery_codes"),
            ("hash of a second step", "select hash from second_steps"),
            ("key of a lease", "select lease_token from attempts"),
            ("place of a file", "select object_key from attempts"),
        ];
        let control = self.server.shop.path("control.db");
        let select = |sql: &str| {
            if let Some([_, control]) = &self.databases {
                return control.query(sql);
            }
            let output = Command::new("sqlite3").arg(&control).arg(sql).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        for (what, sql) in SECRETS {
            for secret in select(sql).lines().filter(|line| !line.is_empty()) {
                // The random part: the folders of a place are what they are, and so is the method
                // of a hash, which may hold slashes.
                let separator: &[char] = if secret.contains('$') { &['$'] } else { &['/', '-'] };
                let secret = secret.split(separator).max_by_key(|part| part.len()).unwrap();
                self.searcher.watch(what, secret, &[]);
            }
        }
        for nonce in select("select nonce from links").lines() {
            self.searcher.watch("word of a link", nonce, &[To::ClerksSecrets]);
        }
        for entry in fs::read_dir(self.server.shop.path("keys")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if name.starts_with("public-") || name == "current" {
                continue;
            }
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            for line in text.lines().filter(|line| !line.starts_with('-') && line.len() > 20) {
                self.searcher.watch(format!("key in {name}"), line, &[]);
            }
        }
    }
}

/// The tables; an address that may be seen, and a note that may not.
fn tables(searcher: &mut Searcher, on: On) -> (String, String, String) {
    const SEEN: &[To] = &[To::Clerk, To::ClerkAsking, To::Ada];
    let mut sql = "
create table sales (id integer primary key, region text, amount integer, note text, email text,
  staff text, cost text);
create table people (id integer primary key, name text, email text);
create table loose (id integer primary key, amount AMOUNT);
create table named (email text primary key, amount AMOUNT);
"
    .replace("AMOUNT", if on == On::Sqlite { "integer" } else { "text" });
    let (mut seen, mut hidden) = (String::new(), String::new());
    for id in 1..=ROWS {
        let is_north = id % 2 == 0;
        let (region, may) = if is_north { ("north", SEEN) } else { ("south", &[To::Ada] as &[To]) };
        let note = searcher.hatch(format!("note of the {region}"), may);
        let email = searcher.hatch(format!("address of the {region}"), may);
        let staff: &[To] = if is_north { &[To::ClerkAsking, To::Ada] } else { &[To::Ada] };
        let staff = searcher.hatch(format!("internal field of the {region}"), staff);
        let cost = searcher.hatch("column that is no field", &[]);
        let name = searcher.hatch("name of a person", &[To::Ada]);
        let address = searcher.hatch("address of a person", &[To::Ada]);
        writeln!(
            sql,
            "insert into sales values ({id}, '{region}', {id}, '{note}', '{email}@example.org', \
             '{staff}', '{cost}');
             insert into people values ({id}, '{name}', '{address}@example.org');"
        )
        .unwrap();
        *(if is_north { &mut seen } else { &mut hidden }) = if is_north { email } else { note };
    }
    let value = searcher.hatch("value that cannot be read", &[]);
    let key = searcher.hatch("key with a class of personal data", &[]);
    writeln!(
        sql,
        "insert into loose values (1, 5), (2, '{value}');
         insert into named values ('{key}@example.org', '{value}{}');",
        word()
    )
    .unwrap();
    if on == On::Postgres {
        // What SQLite keeps in a column of integers, PostgreSQL meets in a conversion.
        for (table, key) in [("loose", "id"), ("named", "email")] {
            writeln!(
                sql,
                "alter table {table} rename to {table}_rows;
                 create view {table} as select {key}, amount::integer as amount from {table}_rows;"
            )
            .unwrap();
        }
    }
    (sql, format!("{seen}@example.org"), hidden)
}

/// An account that owns a database, with this password; gives the URL by which it comes.
fn account(database: &PostgresDatabase<'_>, password: &str) -> String {
    let name = database.name();
    database.execute(&format!(
        "drop role if exists r_{name};
         create role r_{name} login password '{password}';
         alter database {name} owner to r_{name};"
    ));
    database.url_as(&format!("r_{name}"), password)
}
