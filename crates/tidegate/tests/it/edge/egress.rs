//! What went out: the sum of what the lists of exports and of entries say, for each who looks.

use std::collections::BTreeMap;

use reqwest::{Method, header};
use serde_json::{Value, json};

use super::server::{Asker, Server};
use crate::site::Shop;

const SUBJECTS: &str = r#"
[[subjects]]
slug = "content"
source = "shop"
table = "content"

[[subjects]]
slug = "users"
source = "shop"
table = "users"
pii = true
"#;
const TABLES: &str = "
create table content (id integer primary key, title text);
insert into content values (1, 'Welcome'), (2, 'Terms');
create table users (id integer primary key, name text, email text);
insert into users values (1, 'Ada', 'ada@example.org'), (2, 'Grace', 'grace@example.org');
";
/// Parameters of a list that take the log's entries about downloads that ended.
const ENDED: &str = "action=download.finished";

/// A site with exports of three people, of three subjects, some of which were downloaded.
struct Site {
    server: Server,
    ada: Asker,
    vera: Asker,
}

impl Site {
    fn new() -> Self {
        let shop = Shop::new();
        shop.sqlite(TABLES);
        let server = Server::of(shop, SUBJECTS, &[]);
        let people = ["administrator", "editor", "viewer"].map(|role| server.with_role(role));
        let [ada, edith, vera] = people;
        let mut downloads = 0;
        for (number, asker) in [&ada, &ada, &edith, &vera, &ada, &vera].into_iter().enumerate() {
            let subject = match (number, std::ptr::eq(asker, &raw const ada)) {
                (0, _) => "orders",
                (_, true) => "users",
                (_, false) => "content",
            };
            let format = ["csv", "ndjson", "xlsx"][number % 3];
            let id = asker.export(&json!({ "subject": subject, "format": format }));
            for turn in 0..number % 3 {
                let taker = if turn == 1 { &ada } else { asker };
                let request = taker.request(Method::GET, &taker.link(id));
                // Half of a file is half of it.
                let request = request.header(header::RANGE, format!("bytes={turn}-{}", turn + 20));
                assert_eq!(request.send().unwrap().bytes().unwrap().len(), 21);
                downloads += 1;
            }
        }
        ada.post("/api/v1/exports", &json!({ "subject": "endless", "format": "csv" }));
        // The end of a download is noted once it was sent.
        while ada.read("/api/v1/egress")["total"]["all"]["downloads"] != downloads {
            std::thread::yield_now();
        }
        Self { server, ada, vera }
    }
}

/// A number of a document.
fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

/// All pages of a list.
fn all(asker: &Asker, path: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = asker.read(&format!("{path}{cursor}"));
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

/// What some exports and some entries add up to, by the words of the document.
fn added<'a>(
    jobs: impl Iterator<Item = &'a Value>,
    entries: impl Iterator<Item = &'a Value>,
) -> Value {
    let mut sum: BTreeMap<&str, i64> = BTreeMap::new();
    let words = ["exports", "failed", "files", "rows", "bytes", "downloads", "bytes_sent"];
    sum.extend(words.map(|word| (word, 0)));
    for job in jobs {
        *sum.get_mut("exports").unwrap() += 1;
        *sum.get_mut("failed").unwrap() += i64::from(job["status"] == "failed");
        if !job["size_bytes"].is_null() {
            *sum.get_mut("files").unwrap() += 1;
            *sum.get_mut("rows").unwrap() += number(&job["rows_done"]);
            *sum.get_mut("bytes").unwrap() += number(&job["size_bytes"]);
        }
    }
    for entry in entries {
        *sum.get_mut("downloads").unwrap() += 1;
        *sum.get_mut("bytes_sent").unwrap() += number(&entry["entry"]["details"]["bytes"]);
    }
    json!(sum)
}

#[test]
fn what_went_out_is_the_sum_of_the_exports_and_of_the_entries_of_their_downloads() {
    let site = Site::new();
    let jobs = all(&site.ada, "/api/v1/exports?limit=2");
    let entries = all(&site.ada, &format!("/api/v1/activity?{ENDED}&limit=2"));
    assert!(jobs.len() == 7 && entries.len() == 6);
    for by in ["subject", "operator"] {
        let egress = site.ada.read(&format!("/api/v1/egress?days=7&by={by}"));
        assert_eq!(egress["total"]["all"], added(jobs.iter(), entries.iter()), "{egress}");
        let personal = added(
            jobs.iter().filter(|job| job["has_pii"] == true),
            entries.iter().filter(|entry| entry["entry"]["tags"] == json!(["egress.pii"])),
        );
        assert_eq!(egress["total"]["personal"], personal);
        for part in egress["subjects"].as_array().unwrap() {
            let slug = &part["subject"];
            let of = added(
                jobs.iter().filter(|job| job["subject"] == *slug),
                entries.iter().filter(|entry| entry["entry"]["subject"] == *slug),
            );
            assert_eq!(part["all"], of, "{slug}");
        }
        for part in egress["operators"].as_array().unwrap() {
            let id = &part["operator"];
            let of = added(
                jobs.iter().filter(|job| job["created_by"] == *id),
                entries.iter().filter(|entry| entry["entry"]["operator"] == *id),
            );
            assert_eq!(part["all"], of, "{id}");
        }
        let days = egress["days"].as_array().unwrap();
        assert_eq!(days.len(), 7);
        let of_days = |word: &str| days.iter().map(|day| number(&day["all"][word])).sum::<i64>();
        let of_parts = |word: &str| -> i64 {
            let parts = days.iter().flat_map(|day| day["parts"].as_array().unwrap());
            parts.map(|part| number(&part["all"][word])).sum()
        };
        for (word, total) in egress["total"]["all"].as_object().unwrap() {
            assert_eq!((of_days(word), of_parts(word)), (number(total), number(total)), "{word}");
        }
        let hours = egress["hours"].as_array().unwrap().iter();
        let started: i64 = hours.flat_map(|day| day.as_array().unwrap()).map(number).sum();
        assert_eq!(started, 7);
        assert_eq!(egress["before"]["all"]["exports"], 0);
    }
    for wrong in ["days=0", "days=93", "time_zone=Mars", "until=12026-01-01", "until=1066-10-14"] {
        let refused = site.ada.get(&format!("/api/v1/egress?{wrong}"));
        assert_eq!(refused.status(), 422, "{wrong}");
    }
    let elsewhere = site.ada.read("/api/v1/egress?until=2020-02-29&time_zone=Asia/Kathmandu");
    assert_eq!(elsewhere["total"]["all"]["exports"], 0);
    assert_eq!(
        (&elsewhere["from"], &elsewhere["until"]),
        (&json!("2020-01-31"), &json!("2020-02-29"))
    );
}

#[test]
fn whoever_looks_sees_what_they_may_see_added_up_and_nothing_else() {
    let site = Site::new();
    let own = all(&site.vera, "/api/v1/exports?limit=50");
    assert_eq!(own.len(), 2);
    let ids: Vec<&Value> = own.iter().map(|job| &job["id"]).collect();
    let entries = all(&site.ada, &format!("/api/v1/activity?{ENDED}"));
    let taken = entries.iter().filter(|entry| ids.contains(&&entry["entry"]["job"]));
    let egress = site.vera.read("/api/v1/egress");
    assert_eq!(egress["total"]["all"], added(own.iter(), taken));
    assert_eq!(egress["total"]["personal"]["exports"], 0);
    let text = egress.to_string();
    assert!(!text.contains("users") && !text.contains("orders"), "{text}");
    let page = site.vera.get("/sg-admin/dashboard").text().unwrap();
    let body = page.split_once("<main").unwrap().1;
    assert!(body.contains("Content") && !body.contains("Users") && !body.contains("Orders"));
    assert!(!body.contains("edith") && !body.contains("/sg-admin/activity"), "{body}");

    // A role that may see everybody's, but not users: what others took of those is not told.
    let role = json!({ "capabilities": ["exports.list.any", "content.list", "orders.list"] });
    let put = site.ada.request(Method::PUT, "/api/v1/roles/viewer").json(&role).send().unwrap();
    assert_eq!(put.status(), 204);
    let seen = all(&site.vera, "/api/v1/exports?limit=50");
    assert!(seen.iter().all(|job| job["subject"] != "users"));
    let egress = site.vera.read("/api/v1/egress");
    let ids: Vec<&Value> = seen.iter().map(|job| &job["id"]).collect();
    let taken = entries.iter().filter(|entry| ids.contains(&&entry["entry"]["job"]));
    assert_eq!(egress["total"]["all"], added(seen.iter(), taken));
    assert!(!egress.to_string().contains("users"));

    let none = json!({ "capabilities": ["content.list"] });
    let put = site.ada.request(Method::PUT, "/api/v1/roles/viewer").json(&none).send().unwrap();
    assert_eq!(put.status(), 204);
    for path in ["/api/v1/egress", "/sg-admin/dashboard"] {
        assert_eq!(site.vera.get(path).status(), 403, "{path}");
    }
}

/// The links of a page that lead to lists.
fn lists(page: &str) -> Vec<String> {
    let links = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let links = links.map(|link| link.replace("&#38;", "&").replace("&amp;", "&"));
    links.filter(|link| link.contains("from=")).collect()
}

#[test]
fn every_figure_leads_to_a_list_that_is_there() {
    let site = Site::new();
    let mut seen = 0;
    for query in ["", "?show=files&by=person", "?show=rows&days=90", "?days=7&until=2020-01-01"] {
        let answer = site.ada.get(&format!("/sg-admin/dashboard{query}"));
        assert_eq!(answer.status(), 200, "{query}");
        let page = answer.text().unwrap();
        assert!(!page.contains("style=\""), "a strict policy holds");
        for link in lists(&page) {
            let list = site.ada.get(&link);
            assert_eq!(list.status(), 200, "{link}");
            let list = list.text().unwrap();
            assert!(
                !list.contains("No export matches") && !list.contains("No entry fits"),
                "{link}"
            );
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen} links were followed");
    for wrong in [
        "from=x",
        "hour=mon-09",
        "hour=mon-24&from=2026-01-01&to=2026-02-01",
        "by=x",
        "pii=perhaps",
        "status=ready,none",
        "hour=mon-09&from=2025-01-01&to=2026-02-01",
    ] {
        let refused = site.ada.get(&format!("/sg-admin/exports?{wrong}"));
        assert_eq!(refused.status(), 422, "{wrong}");
    }
    let empty =
        site.server.asker(site.vera.token.clone()).get("/sg-admin/dashboard?until=2020-01-01");
    assert!(empty.text().unwrap().contains("Nothing went out in these days"));
}
