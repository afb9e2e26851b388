//! How often a page asks the databases: as often with many things as with few.

use std::{collections::BTreeMap, fs};

use clap::Parser;
use reqwest::Method;
use serde_json::json;
use tidegate::{cli::Cli, control::Control, edge};
use tidegate_testkit::{
    postgres::{Postgres, PostgresDatabase},
    postgres_tap::PostgresTap,
};
use tokio::{runtime::Runtime, sync::watch, task::JoinHandle};

use super::{
    server::{Asker, Server},
    sign_in::{PASSWORD, cookie, set_password, sign_in, with_cookie},
};
use crate::site::Shop;

/// The generated list of the pages.
const PAGES: &str = include_str!("../../../../../docs/reference/pages.md");
/// Pages that show more than their examples do.
const MORE: [&str; 6] = [
    "/sg-admin/",
    "/sg-admin/exports?q=orders&status=ready&sort=-size&limit=100",
    "/sg-admin/activity?actor=administrator@example.com&limit=100",
    "/sg-admin/activity?subject=orders&tag=pii",
    "/sg-admin/subjects/orders?limit=100&sort=-placed_at",
    "/sg-admin/exports/new/fields?subject=orders&from=1",
];
/// Questions to the control database that a page may have, and messages to the source, which begin
/// and end its transactions, too.
const CONTROL_MAX: usize = 12;
const SOURCE_MAX: usize = 35;
/// Pages that may have more: one counts and reads rows twice, and has both written down; the other
/// adds up what went out in a dozen ways.
const LARGER: &[(&str, usize, usize)] =
    &[("/sg-admin/exports/new/review", 30, 45), ("/sg-admin/dashboard", 24, SOURCE_MAX)];
/// How often each page is asked; what a first one has to learn of a new connection, the next need
/// not.
const TRIES: usize = 3;
const MANY: u64 = 60;

const SITE: &str = r#"
[sources.shop]
url = "SOURCE_URL"

[[subjects]]
slug = "orders"
source = "shop"
table = "orders"
date_field = "placed_at"
search = ["note"]
shorthands = ["status"]
fields = [
  { slug = "id" }, { slug = "status" }, { slug = "placed_at" }, { slug = "note" },
  { slug = "customer.email", column = "email", pii = "email", default = false },
]
"#;
const TABLE: &str = "create table orders (id int primary key, status text not null, \
    placed_at timestamptz not null, email text, note text)";

fn rows(from: u64, to: u64) -> String {
    format!(
        "insert into orders select n, 'paid', timestamptz '2026-01-01' + n * interval '1 hour', \
         'c' || n || '@example.com', 'note ' || n from generate_series({from}, {to}) n"
    )
}

/// The edge alone, within this process: no worker and no upkeep ask beside it.
struct Quiet {
    runtime: Runtime,
    running: JoinHandle<()>,
    stop: watch::Sender<bool>,
    asker: Asker,
    cookie: String,
    control: PostgresTap,
    source: PostgresTap,
}

/// How often a page asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    control: usize,
    source: usize,
}

impl Quiet {
    /// In front of databases that a site has, each behind a tap.
    fn in_front_of(server: &Server, databases: [&PostgresDatabase<'_>; 2]) -> Self {
        let port = Postgres::shared().port();
        let [control, source] = [PostgresTap::start(port), PostgresTap::start(port)];
        let path = server.shop.path("tidegate.toml");
        let mut text = fs::read_to_string(path).unwrap();
        for (database, tap) in databases.into_iter().zip([&control, &source]) {
            let tapped = database.url_by(tap.port());
            assert!(text.contains(&database.tcp_url()), "{text}");
            text = text.replace(&database.tcp_url(), &tapped);
        }
        let path = server.shop.path("tapped.toml");
        fs::write(&path, text).unwrap();
        let cli = Cli::parse_from(["tidegate", "--config", path.to_str().unwrap(), "serve"]);
        let runtime = Runtime::new().unwrap();
        let (stop, stopped) = watch::channel(false);
        let listening = runtime.block_on(async {
            let control = Control::open(&cli).await.unwrap();
            edge::open(&control).await.unwrap()
        });
        let asker = server.asker(None).at(listening.address());
        let running = runtime.spawn(listening.run(stopped));
        let cookie = cookie(&sign_in(&asker, "administrator@example.com", PASSWORD));
        Self { runtime, running, stop, asker, cookie, control, source }
    }

    /// How often a page asks; of several tries, the least.
    #[track_caller]
    fn asked(&self, path: &str) -> (Asked, String) {
        let tries = (0..TRIES).map(|_| {
            drop((self.control.take(), self.source.take()));
            let answer = with_cookie(&self.asker, Method::GET, path, &self.cookie);
            let status = answer.status();
            let text = answer.text().unwrap();
            assert!(status == 200 || status == 303, "{path}: {status} {text}");
            let heard = [self.control.take(), self.source.take()];
            let asked = Asked { control: heard[0].len(), source: heard[1].len() };
            (asked, heard.concat().join("\n"))
        });
        tries.min_by_key(|(asked, _)| asked.control + asked.source).unwrap()
    }

    fn end(self) {
        self.stop.send_replace(true);
        self.runtime.block_on(self.running).unwrap();
    }
}

/// Every page that can be looked at.
fn pages() -> Vec<&'static str> {
    let lines = PAGES.lines().filter(|line| line.starts_with("| "));
    let examples = lines.filter_map(|line| line.split(" | ").nth(2)?.split('`').nth(1));
    let pages: Vec<&str> = examples.chain(MORE).collect();
    assert!(pages.len() > 20, "{pages:?}");
    pages
}

/// How often each page asks, with what.
fn look(
    server: &Server,
    databases: [&PostgresDatabase<'_>; 2],
) -> BTreeMap<String, (Asked, String)> {
    let quiet = Quiet::in_front_of(server, databases);
    let asked = pages().into_iter().map(|path| (path.to_owned(), quiet.asked(path))).collect();
    quiet.end();
    asked
}

/// Two exports that were made, and one of them taken.
fn few(ada: &Asker) {
    for _ in 0..2 {
        let fields = ["id", "customer.email"];
        let order = json!({ "subject": "orders", "format": "csv", "fields": fields });
        let id = ada.export(&order);
        ada.get(&ada.link(id)).bytes().unwrap();
    }
}

/// Many of everything that stands on a page.
fn many(ada: &Asker, control: &PostgresDatabase<'_>, source: &PostgresDatabase<'_>) {
    source.execute(&rows(6, MANY + 5));
    for number in 0..MANY {
        let email = format!("somebody{number}@example.com");
        let add = json!({ "email": email, "role": "editor" });
        assert!(ada.post("/api/v1/operators", &add).status().is_success());
        let role = json!({ "label": "", "capabilities": ["orders.list"], "limits": [] });
        let put = ada.request(Method::PUT, &format!("/api/v1/roles/role_{number}"));
        let put = put.json(&role).send().unwrap();
        assert!(put.status().is_success(), "{:?}", put.text());
        let token = json!({ "name": format!("token {number}"), "days": 1 });
        let made = ada.post("/api/v1/tokens", &token);
        assert!(made.status().is_success(), "{:?}", made.text());
        let made = ada.post("/api/v1/exports", &json!({ "subject": "orders", "format": "csv" }));
        assert_eq!(made.status(), 202, "{:?}", made.text());
        ada.get(&ada.link(1)).bytes().unwrap();
    }
    for id in 3..3 + MANY {
        ada.wait(id);
    }
    // Somebody who has signed in from many places, and others who have once.
    control.execute(
        "insert into sessions (operator_id, hash, created_at, seen_at, expires_at, is_vouched) \
         select 1, 'h' || n, created_at, seen_at, expires_at, 0 from sessions, \
             generate_series(1, 60) n where id = 1;
         insert into sessions (operator_id, hash, created_at, seen_at, expires_at, is_vouched) \
         select o.id, 'o' || o.id, s.created_at, s.seen_at, s.expires_at, 0 \
         from sessions s, operators o where s.id = 1",
    );
}

#[test]
fn no_page_asks_more_often_when_there_is_more() {
    let (control, source) = (Postgres::shared().database(), Postgres::shared().database());
    source.execute(TABLE);
    source.execute(&rows(1, 5));
    let shop = Shop::new();
    fs::write(shop.path("tidegate.toml"), SITE.replace("SOURCE_URL", &source.tcp_url())).unwrap();
    let mut server = Server::on(shop, &control.tcp_url(), "", &[]);
    set_password(&server, "administrator@example.com");
    let ada = server.with_role("administrator");
    few(&ada);
    let of_few = look(&server, [&control, &source]);
    many(&ada, &control, &source);
    let of_many = look(&server, [&control, &source]);
    server.tell_to_end();
    server.ended();

    println!("| page | control | source |\n| --- | --- | --- |");
    for (page, (asked, _)) in &of_many {
        println!("| `{page}` | {} | {} |", asked.control, asked.source);
    }
    for (page, (many, words)) in &of_many {
        let (few, before) = &of_few[page];
        let told = format!("{page}: of few {few:?}\n{before}\nof many {many:?}\n{words}");
        assert_eq!(few.control, many.control, "{told}");
        // Rows that do not fill a page are followed by a question for those without a value.
        assert!(many.source <= few.source, "{told}");
        let larger = LARGER.iter().find(|(path, _, _)| page.starts_with(path));
        let (control_max, source_max) =
            larger.map_or((CONTROL_MAX, SOURCE_MAX), |(_, control, source)| (*control, *source));
        assert!(few.control <= control_max && few.source <= source_max, "{told}");
    }
}
