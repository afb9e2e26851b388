//! How often a page asks the databases: as often with many things as with few.

use std::{collections::BTreeMap, fs};

use clap::Parser;
use reqwest::Method;
use serde_json::{Value, json};
use tidegate::{cli::Cli, control::Control, edge};
use tidegate_testkit::{
    postgres::{Postgres, PostgresDatabase},
    postgres_tap::PostgresTap,
};
use tokio::{runtime::Runtime, sync::watch, task::JoinHandle};

use super::{
    action_runs::{allow, configuration, shop, site},
    server::{Asker, Server},
    sign_in::{PASSWORD, cookie, set_password, sign_in, with_cookie},
};

/// The generated list of the pages.
const PAGES: &str = include_str!("../../../../../docs/reference/pages.md");
/// Pages that show more than their examples do.
const MORE: [&str; 7] = [
    "/sg-admin/",
    "/sg-admin/approvals/2",
    "/sg-admin/exports?q=orders&status=ready&sort=-size&limit=100",
    "/sg-admin/activity?actor=administrator@example.com&limit=100",
    "/sg-admin/activity?subject=orders&tag=pii",
    "/sg-admin/subjects/orders?limit=100&sort=-placed_at",
    "/sg-admin/exports/new/fields?subject=orders&from=1",
];
/// Questions to the control database that a page may have, and messages to the source, which begin
/// and end its transactions, too.
const CONTROL_MAX: usize = 13;
const SOURCE_MAX: usize = 35;
/// Pages that may have more: one counts and reads rows twice, and has both written down, beside what
/// the export will meet; one adds up what went out in a dozen ways; one reads rows for whoever decides,
/// and has that written down, beside everything that it says of what waits.
const LARGER: &[(&str, usize, usize)] = &[
    ("/sg-admin/exports/new/review", 33, 45),
    ("/sg-admin/dashboard", 25, SOURCE_MAX),
    ("/sg-admin/approvals/2", 24, SOURCE_MAX),
];
/// How often each page is asked; what a first one has to learn of a new connection, the next need
/// not.
const TRIES: usize = 3;
const MANY: u64 = 60;

const SITE: &str = r#"
[sources.shop]
url = "SOURCE_URL"

[[subjects]]
slug = "orders"
model = "shop.Order"
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
fn pages(run: i64) -> Vec<String> {
    let lines = PAGES.lines().filter(|line| line.starts_with("| "));
    let examples = lines.filter_map(|line| line.split(" | ").nth(2)?.split('`').nth(1));
    let of_run = |path: &str| path.replace("/runs/1", &format!("/runs/{run}"));
    let pages: Vec<String> = examples.chain(MORE).map(of_run).collect();
    assert!(pages.len() > 20, "{pages:?}");
    pages
}

/// How often each page asks, with what.
fn look(
    server: &Server,
    databases: [&PostgresDatabase<'_>; 2],
    run: i64,
) -> BTreeMap<String, (Asked, String)> {
    let quiet = Quiet::in_front_of(server, databases);
    let asked = |path: String| {
        let asked = quiet.asked(&path);
        (path, asked)
    };
    let asked = pages(run).into_iter().map(asked).collect();
    quiet.end();
    asked
}

/// Two exports that were made, and one of them taken; the first was released without a second
/// person, another one waits for one.
fn few(ada: &Asker) {
    add_webhook(ada);
    add_schedule(ada);
    add_budget(ada, 1);
    add_waiting(ada, 2);
    release(ada, 1);
    for id in [1, ada.export(&orders())] {
        ada.wait(id);
        ada.get(&ada.link(id)).bytes().unwrap();
    }
}

/// Has an action done. Gives the number of the run.
fn refund(ada: &Asker) -> i64 {
    let body = json!({ "scope": { "ids": [1] } });
    let ran: Value = ada.post("/api/v1/actions/orders/refund/runs", &body).json().unwrap();
    ran["run"].as_i64().unwrap_or_else(|| panic!("{ran}"))
}

fn orders() -> Value {
    json!({ "subject": "orders", "format": "csv", "fields": ["id", "customer.email"] })
}

/// Exports that wait for a second person; what is asked for after them does not.
fn add_waiting(ada: &Asker, number: u64) {
    let put = |rules: Value| {
        let rules = json!({ "rules": rules, "break_glass": true });
        let put = ada.request(Method::PUT, "/api/v1/approvals/rules").json(&rules).send().unwrap();
        assert!(put.status().is_success(), "{:?}", put.text());
    };
    put(json!([{ "name": "all" }]));
    for _ in 0..number {
        assert_eq!(ada.post("/api/v1/exports", &orders()).status(), 202);
    }
    // As many rules as before, of which none holds anything.
    put(json!([{ "name": "nobody", "operators": ["nobody@example.com"] }]));
}

fn release(ada: &Asker, id: u64) {
    let path = format!("/api/v1/approvals/{id}/break");
    assert_eq!(ada.post(&path, &json!({ "reason": "it burns" })).status(), 204);
}

fn add_budget(ada: &Asker, number: u64) {
    let budget = |one| json!({ "name": format!("budget {one}"), "rows": 1_000_000 });
    let budgets = json!({ "budgets": (0..number).map(budget).collect::<Vec<_>>() });
    let put = ada.request(Method::PUT, "/api/v1/budgets").json(&budgets).send().unwrap();
    assert!(put.status().is_success(), "{:?}", put.text());
}

fn add_schedule(ada: &Asker) {
    let when = json!({ "cron": "0 6 1 1 *" });
    let schedule = json!({ "subject": "orders", "format": "csv", "schedule": when });
    assert_eq!(ada.post("/api/v1/exports", &schedule).status(), 201);
}

fn add_webhook(ada: &Asker) {
    let webhook = json!({ "url": "https://127.0.0.1/", "topics": ["schedules"] });
    assert_eq!(ada.post("/api/v1/webhooks", &webhook).status(), 201);
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
        add_webhook(ada);
        add_schedule(ada);
        let token = json!({ "name": format!("token {number}"), "days": 1 });
        let made = ada.post("/api/v1/tokens", &token);
        assert!(made.status().is_success(), "{:?}", made.text());
        let made = ada.post("/api/v1/exports", &json!({ "subject": "orders", "format": "csv" }));
        assert_eq!(made.status(), 202, "{:?}", made.text());
        ada.get(&ada.link(1)).bytes().unwrap();
    }
    for id in 4..4 + MANY {
        ada.wait(id);
    }
    add_budget(ada, MANY / 2);
    add_waiting(ada, MANY);
    for id in 4 + MANY..4 + MANY + MANY / 2 {
        release(ada, id);
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
    let shop = shop();
    fs::write(shop.path("tidegate.toml"), SITE.replace("SOURCE_URL", &source.tcp_url())).unwrap();
    let (webhook, _heard) = site(204);
    let actions = configuration(&webhook, "private = true");
    let mut server = Server::on(shop, &control.tcp_url(), &actions, &[]);
    server.run(&["sync-actions"]);
    allow(&server, "administrator");
    set_password(&server, "administrator@example.com");
    let ada = server.with_role("administrator");
    few(&ada);
    let run = refund(&ada);
    let of_few = look(&server, [&control, &source], run);
    many(&ada, &control, &source);
    let of_many = look(&server, [&control, &source], run);
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
