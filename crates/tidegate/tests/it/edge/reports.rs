//! Signed reports of the log: who took what, held against what the API says.

use std::{collections::BTreeMap, fs, path::Path};

use reqwest::Method;
use serde_json::{Value, json};
use tidegate_testkit::python;

use super::server::{Asker, Server};
use crate::site::{Ended, Shop};

const SUBJECTS: &str = r#"
[[subjects]]
slug = "users"
source = "shop"
table = "users"
pii = true
"#;
const TABLES: &str = "
create table users (id integer primary key, name text, email text);
insert into users values (1, 'Ada', 'ada@example.org'), (2, 'Grace', 'grace@example.org');
";
const REPORT: &str = "/api/v1/activity/report";

/// A row by the names of its columns.
type Row = BTreeMap<String, String>;

fn site() -> Server {
    let shop = Shop::new();
    shop.sqlite(TABLES);
    Server::of(shop, SUBJECTS, &[])
}

/// Exports of orders and users, one of them with a field more; some are downloaded, one is deleted,
/// one fails.
fn live(server: &Server, ada: &Asker) -> Vec<u64> {
    let edith = server.with_token("editor", &[]);
    let role = json!({ "capabilities": [
        "exports.list.own", "exports.download.own", "orders.list", "orders.export",
    ] });
    let put = ada.request(Method::PUT, "/api/v1/roles/editor").json(&role).send().unwrap();
    assert_eq!(put.status(), 204);
    let email = json!(["id", { "slug": "customer.email", "as": "Mail" }]);
    let paid = json!({ "filter": { "field": "status", "op": "eq", "value": "paid" } });
    let ids = vec![
        ada.export(&json!({ "subject": "orders", "format": "csv", "fields": email })),
        edith.export(&json!({ "subject": "orders", "format": "xlsx", "scope": paid,
            "reason": "=HYPERLINK(\"http://example.org\")" })),
        ada.export(&json!({ "subject": "users", "format": "ndjson", "fields": ["id", "email"] })),
    ];
    for (asker, id) in [(ada, ids[0]), (ada, ids[1]), (&edith, ids[1]), (ada, ids[2])] {
        asker.get(&asker.link(id)).bytes().unwrap();
    }
    let path = format!("/api/v1/exports/{}/artifact", ids[2]);
    assert_eq!(ada.request(Method::DELETE, &path).send().unwrap().status(), 204);
    while ada.read("/api/v1/egress")["total"]["all"]["downloads"] != 4 {
        std::thread::yield_now();
    }
    ids
}

fn report(asker: &Asker, body: &Value) -> Value {
    let answer = asker.post(REPORT, body);
    let status = answer.status();
    let answer: Value = answer.json().unwrap();
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Keeps a report as files; gives their paths.
fn kept(server: &Server, report: &Value) -> [String; 2] {
    let name = report["name"].as_str().unwrap();
    let [csv, manifest] = [name.to_owned(), format!("{name}.manifest.json")];
    for (name, member) in [(&csv, "csv"), (&manifest, "manifest")] {
        fs::write(server.shop.path(name), report[member].as_str().unwrap()).unwrap();
    }
    [csv, manifest]
}

/// Rows as a reader that is not ours reads them.
fn rows(path: &Path) -> Vec<Row> {
    let table = python::read(path, "csv");
    let names: Vec<String> =
        table.names.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
    let row = |cells: Vec<Option<String>>| -> Row {
        names.iter().cloned().zip(cells.into_iter().map(Option::unwrap_or_default)).collect()
    };
    table.rows.into_iter().map(row).collect()
}

fn verify(server: &Server, [csv, manifest]: &[String; 2]) -> Ended {
    server.shop.run(&["manifest", "verify", manifest, csv])
}

/// All entries of the log, oldest first.
fn entries(ada: &Asker, query: &str) -> Vec<Value> {
    let page = ada.read(&format!("/api/v1/activity?sort=at&limit=100&{query}"));
    page["items"].as_array().unwrap().clone()
}

/// What a row of a report has to say, by what the API says of the export and its downloads.
fn expected(ada: &Asker, id: u64, makers: &BTreeMap<i64, &str>) -> Row {
    let job = ada.read(&format!("/api/v1/exports/{id}"));
    let log = entries(ada, &format!("export={id}"));
    let of = |action: &str| -> Vec<&Value> {
        let all = log.iter().map(|item| &item["entry"]);
        all.filter(|entry| entry["action"] == action).collect()
    };
    let (begun, ended) = (of("download.started"), of("download.finished"));
    let sent: i64 = ended.iter().map(|entry| entry["details"]["bytes"].as_i64().unwrap()).sum();
    let mut takers: Vec<&str> = begun.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    takers.sort_unstable();
    takers.dedup();
    let slug = |field: &Value| field.as_str().or(field["slug"].as_str()).unwrap().to_owned();
    let fields: Vec<String> = job["fields"].as_array().unwrap().iter().map(slug).collect();
    let at = |entry: Option<&&Value>| {
        entry.map(|entry| entry["at"].as_str().unwrap().to_owned()).unwrap_or_default()
    };
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let row = [
        ("export", id.to_string()),
        ("asked_by", makers[&job["created_by"].as_i64().unwrap()].to_owned()),
        ("subject", text(&job["subject"])),
        ("fields", fields.join(", ")),
        ("personal_data", text(&job["has_pii"])),
        ("state", text(&job["status"])),
        ("format", text(&job["format"])),
        ("rows", text(&job["rows_done"])),
        ("bytes", text(&job["size_bytes"])),
        ("sha256", text(&job["sha256"])),
        ("downloads", begun.len().to_string()),
        ("bytes_sent", sent.to_string()),
        ("taken_by", takers.join(" ")),
        ("first_download_at", at(begun.first())),
        ("last_download_at", at(begun.last())),
        ("asked_at", at(of("export.created").first())),
    ];
    row.map(|(name, value)| (name.to_owned(), value)).into()
}

#[test]
fn a_report_says_who_took_what_and_its_manifest_proves_it() {
    let server = site();
    let ada = server.with_role("administrator");
    let ids = live(&server, &ada);
    let makers = BTreeMap::from([(1, "administrator@example.com"), (2, "editor@example.com")]);
    for (filters, of) in [
        (json!({}), vec![0, 1, 2]),
        (json!({ "subject": "orders" }), vec![0, 1]),
        (json!({ "tag": "egress.pii" }), vec![0, 2]),
        (json!({ "field": "customer.email" }), vec![0]),
        (json!({ "field": "email" }), vec![2]),
        (json!({ "field": "Mail" }), vec![]),
        (json!({ "actor": "editor@example.com" }), vec![1]),
        (json!({ "actor": "administrator@example.com", "subject": "orders" }), vec![0, 1]),
        (json!({ "export": ids[2] }), vec![2]),
        (json!({ "to": "2020-01-01T00:00:00Z" }), vec![]),
    ] {
        let mut body = filters.clone();
        body["kind"] = json!("exports");
        let report = report(&ada, &body);
        let files = kept(&server, &report);
        let found = rows(&server.shop.path(&files[0]));
        assert_eq!(report["rows"], found.len(), "{filters}");
        let wanted: Vec<String> = of.iter().map(|place: &usize| ids[*place].to_string()).collect();
        let numbers: Vec<&String> = found.iter().map(|row| &row["export"]).collect();
        assert_eq!(numbers, wanted.iter().collect::<Vec<_>>(), "{filters}");
        for (row, place) in found.iter().zip(of) {
            for (name, value) in expected(&ada, ids[place], &makers) {
                assert_eq!(row[&name], value, "{name} of {filters}");
            }
        }
        verify(&server, &files).with_code(0);
        let manifest: Value = serde_json::from_str(report["manifest"].as_str().unwrap()).unwrap();
        assert_eq!(
            (&manifest["subject"], &manifest["scope"]),
            (&json!("activity"), &filters_said(&filters))
        );
        for path in &files {
            fs::remove_file(server.shop.path(path)).unwrap();
        }
    }
    let all = report(&ada, &json!({ "kind": "exports" }));
    let files = kept(&server, &all);
    let found = rows(&server.shop.path(&files[0]));
    assert_eq!(found[1]["scope"], "Status is paid");
    assert_eq!((found[0]["file"].as_str(), found[2]["state"].as_str()), ("there", "deleted"));
    assert!(["withdrawn", "gone"].contains(&found[2]["file"].as_str()), "{:?}", found[2]);
    // A spreadsheet would run it.
    assert_eq!(found[1]["reason"], "'=HYPERLINK(\"http://example.org\")");
    let manifest: Value = serde_json::from_str(all["manifest"].as_str().unwrap()).unwrap();
    assert_eq!(manifest["changes"]["neutralised"], 1);

    // One byte of either is another one, and nothing holds any more.
    for changed in &files {
        let path = server.shop.path(changed);
        let whole = fs::read(&path).unwrap();
        let mut other = whole.clone();
        other[whole.len() / 2] ^= 1;
        fs::write(&path, other).unwrap();
        verify(&server, &files).with_code(1);
        fs::write(&path, whole).unwrap();
    }
    verify(&server, &files).with_code(0);
}

/// The filters of a request as a manifest says them.
fn filters_said(filters: &Value) -> Value {
    let mut said = filters.clone();
    if let Some(to) = said.get_mut("to") {
        *to = json!("2020-01-01T00:00:00.000000Z");
    }
    said
}

#[test]
fn the_log_itself_is_a_report_too_and_a_field_narrows_it_down() {
    let server = site();
    let ada = server.with_role("administrator");
    let ids = live(&server, &ada);
    for (query, body) in [
        ("subject=orders", json!({ "subject": "orders" })),
        ("field=customer.email", json!({ "field": "customer.email" })),
        ("action=download&outcome=done", json!({ "action": "download", "outcome": "done" })),
    ] {
        let mut body = body;
        body["kind"] = json!("entries");
        let listed = entries(&ada, query);
        assert!(!listed.is_empty());
        let report = report(&ada, &body);
        let files = kept(&server, &report);
        let found = rows(&server.shop.path(&files[0]));
        let told: Vec<(String, &Value)> =
            listed.iter().map(|item| (item["entry"]["seq"].to_string(), &item["hash"])).collect();
        let in_file: Vec<(String, Value)> =
            found.iter().map(|row| (row["entry"].clone(), json!(row["hash"]))).collect();
        let in_file: Vec<(String, &Value)> =
            in_file.iter().map(|(seq, hash)| (seq.clone(), hash)).collect();
        assert_eq!(in_file, told, "{query}");
        verify(&server, &files).with_code(0);
        fs::remove_file(server.shop.path(&files[0])).unwrap();
    }
    let jobs: Vec<Value> = entries(&ada, "field=customer.email")
        .into_iter()
        .map(|item| item["entry"]["job"].clone())
        .collect();
    assert!(jobs.iter().all(|job| *job == ids[0]), "{jobs:?}");
    // By the command line, the same.
    let made = server.run(&["--json", "audit", "report", "--field", "customer.email"]);
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(made["rows"], 1);
    let name = |member: &str| made[member].as_str().unwrap().to_owned();
    verify(&server, &[name("file"), name("manifest")]).with_code(0);
}

#[test]
fn a_report_takes_its_right_leaves_its_entry_and_tells_nothing_of_what_may_not_be_seen() {
    let server = site();
    let ada = server.with_role("administrator");
    live(&server, &ada);
    let vera = server.with_role("viewer");
    let last = || entries(&ada, "action=activity.exported").pop();
    assert_eq!(vera.post(REPORT, &json!({ "kind": "exports" })).status(), 403);
    assert_eq!(last().unwrap()["entry"]["outcome"], "denied");
    for wrong in [
        json!({ "kind": "rows" }),
        json!({ "kind": "exports", "action": "download" }),
        json!({ "kind": "exports", "outcome": "done" }),
        json!({ "kind": "exports", "tag": "other" }),
        json!({ "kind": "entries", "fields": ["x"] }),
    ] {
        assert_eq!(ada.post(REPORT, &wrong).status(), 422, "{wrong}");
    }
    let made = report(&ada, &json!({ "kind": "exports", "subject": "users" }));
    let entry = last().unwrap()["entry"].take();
    assert_eq!((&entry["outcome"], &entry["details"]["rows"]), (&json!("done"), &json!(1)));
    assert_eq!(entry["details"]["sha256"], made["sha256"]);
    assert_eq!(entry["details"]["filter"], json!({ "subject": "users" }));

    let role = json!({ "capabilities": ["activity.view", "activity.export", "orders.list"] });
    let put = ada.request(Method::PUT, "/api/v1/roles/viewer").json(&role).send().unwrap();
    assert_eq!(put.status(), 204);
    for kind in ["exports", "entries"] {
        let seen = report(&vera, &json!({ "kind": kind }));
        let csv = seen["csv"].as_str().unwrap();
        let cells: Vec<&str> = csv.split([',', '\n']).collect();
        assert!(seen["rows"].as_u64().unwrap() >= 2 && !cells.contains(&"users"), "{csv}");
        let none = report(&vera, &json!({ "kind": kind, "subject": "users" }));
        assert_eq!(none["rows"], 0, "{none}");
    }
}

#[test]
fn the_page_gives_file_and_manifest_as_one() {
    let server = site();
    let ada = server.with_role("administrator");
    live(&server, &ada);
    let page = ada.get("/sg-admin/activity?field=customer.email").text().unwrap();
    assert!(page.contains("Remove filter: Field is customer.email"), "{page}");
    assert!(page.contains("value=\"exports\"") && page.contains("value=\"entries\""));
    let narrowed = ada.get("/sg-admin/activity?outcome=denied").text().unwrap();
    assert!(!narrowed.contains("value=\"exports\" title"));
    let send = |form: &[(&str, &str)]| {
        ada.request(Method::POST, "/sg-admin/activity/report").form(form).send().unwrap()
    };
    let answer = send(&[("kind", "exports"), ("field", "customer.email")]);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/zip");
    let name = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(name.contains("activity-exports-") && name.ends_with(".zip\""), "{name}");
    let path = server.shop.path("report.zip");
    fs::write(&path, answer.bytes().unwrap()).unwrap();
    let folder = server.shop.path("report");
    let unpack = ["-m", "zipfile", "-e", "report.zip", "report"];
    let done = std::process::Command::new("python3")
        .args(unpack)
        .current_dir(path.parent().unwrap())
        .status()
        .unwrap();
    assert!(done.success());
    let mut files: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|file| format!("report/{}", file.unwrap().file_name().into_string().unwrap()))
        .collect();
    files.sort();
    let files: [String; 2] = files.try_into().unwrap();
    verify(&server, &files).with_code(0);
    assert_eq!(rows(&server.shop.path(&files[0])).len(), 1);
    assert_eq!(send(&[("kind", "all")]).status(), 422);
    assert_eq!(send(&[("kind", "exports"), ("from", "never")]).status(), 422);
}
