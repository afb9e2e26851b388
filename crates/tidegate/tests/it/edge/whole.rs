//! From a request to a file, and what is refused on the way.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::server::Server;
use crate::site::Ended;

fn orders() -> Value {
    json!({ "subject": "orders", "format": "csv" })
}

#[test]
fn an_export_is_asked_for_watched_and_fetched() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let made = ada.post("/api/v1/exports", &orders());
    assert_eq!(made.status(), 202);
    let place = made.headers()["location"].to_str().unwrap().to_owned();
    assert!(made.headers().contains_key("retry-after"));
    let id = made.json::<Value>().unwrap()["id"].as_u64().unwrap();
    assert_eq!(place, format!("{}/api/v1/exports/{id}", server.base));

    let events = ada.wait(id);
    let data: Vec<Value> = events
        .iter()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let last = data.last().unwrap();
    assert_eq!((&last["status"], &last["rows_done"]), (&json!("ready"), &json!(5000)));
    let polled = ada.read(&format!("/api/v1/exports/{id}/events"));
    assert_eq!(polled["items"].as_array().unwrap().last().unwrap()["data"], *last);
    // Whoever has the last event is told that there is nothing more, and stops asking.
    let known = ada
        .request(reqwest::Method::GET, &format!("/api/v1/exports/{id}/events"))
        .header("accept", "text/event-stream")
        .header("last-event-id", polled["next"].as_str().unwrap());
    assert_eq!(known.send().unwrap().status(), 204);

    let job = ada.read(&place);
    let file = ada.get(&ada.link(id));
    let headers = file.headers().clone();
    assert_eq!(headers["content-length"], job["size_bytes"].to_string().as_str());
    assert_eq!(headers["cache-control"], "private, no-store");
    let name = job["file_name"].as_str().unwrap();
    let expected = format!("attachment; filename=\"{name}\"");
    assert_eq!(headers["content-disposition"], expected.as_str());
    let bytes = file.bytes().unwrap();
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(job["sha256"], digest.as_str());
    assert_eq!(headers["etag"], format!("\"{digest}\"").as_str());
    let manifest = ada.read(&format!("{place}/manifest"));
    assert!(manifest.to_string().contains(&digest));
}

#[test]
fn the_same_key_is_the_same_export_and_another_request_with_it_is_refused() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let send = |body: &Value| {
        let request = ada.request(reqwest::Method::POST, "/api/v1/exports");
        request.header("idempotency-key", "monday").json(body).send().unwrap()
    };
    let first = send(&orders()).json::<Value>().unwrap();
    let again = send(&orders());
    assert_eq!(again.status(), 202);
    assert_eq!(again.json::<Value>().unwrap()["id"], first["id"]);
    let other = send(&json!({ "subject": "orders", "format": "json" }));
    assert_eq!(other.status(), 422);
    let problem = other.json::<Value>().unwrap();
    assert_eq!(problem["type"], "urn:tidegate:problem:idempotency-key-reused");
    let listed = ada.read("/api/v1/exports");
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_list_is_paged_by_its_links() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    for _ in 0..5 {
        ada.post("/api/v1/exports", &orders());
    }
    let mut seen = Vec::new();
    let mut next = Some("/api/v1/exports?limit=2".to_owned());
    while let Some(path) = next {
        let page = ada.get(&path);
        let link = page.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let page: Value = page.json().unwrap();
        seen.extend(page["items"].as_array().unwrap().iter().map(|job| job["id"].clone()));
        next = link.map(|link| link.split(['<', '>']).nth(1).unwrap().to_owned());
    }
    assert_eq!(seen, [5, 4, 3, 2, 1].map(|id: u64| json!(id)));
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let id = ada.export(&orders());
    let path = format!("/api/v1/exports/{id}");
    let tag = ada.get(&path).headers()["etag"].clone();
    let same = ada.request(reqwest::Method::GET, &path).header("if-none-match", &tag).send();
    assert_eq!(same.unwrap().status(), 304);
    ada.request(reqwest::Method::DELETE, &format!("{path}/artifact")).send().unwrap();
    let changed = ada.request(reqwest::Method::GET, &path).header("if-none-match", &tag).send();
    assert_eq!(changed.unwrap().status(), 200);
}

#[test]
fn every_fault_of_a_request_is_told_with_its_place() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let wrong = json!({
        "subject": "orders", "format": "cvs", "fields": ["id", "margin"], "time_zone": "Berlin",
        "scope": { "filter": { "field": "total", "op": "eq", "value": "much" } },
    });
    let refused = ada.post("/api/v1/exports", &wrong);
    assert_eq!(refused.status(), 422);
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    let problem: Value = refused.json().unwrap();
    let places: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(places, ["/format", "/fields/1", "/time_zone", "/scope/filter/value"]);
    let unknown = ada.post("/api/v1/tokens", &json!({ "name": "t", "days": 1, "operator": 1 }));
    assert_eq!(unknown.status(), 422, "a member that nobody knows is not ignored");
}

#[test]
fn a_preview_is_how_the_file_begins() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    for format in ["csv", "ndjson"] {
        let request = json!({
            "subject": "orders", "format": format, "scope": { "sort": ["-total"] },
            "fields": ["id", "total", "note"], "options": {}, "time_zone": "Europe/Berlin",
        });
        let preview = ada.post("/api/v1/exports/preview", &request).json::<Value>().unwrap();
        let text = preview["text"].as_str().unwrap().to_owned();
        assert_eq!(preview["rows"], 20);
        let id = ada.export(&request);
        let file = ada.get(&ada.link(id)).text().unwrap();
        assert!(file.starts_with(&text), "{format}");
    }
    let counted = ada.post("/api/v1/exports/estimate", &orders()).json::<Value>().unwrap();
    assert_eq!(counted["rows"], 5000);
    let previewed = |entry: &&Value| entry["action"] == "export.previewed";
    assert_eq!(server.log().iter().filter(previewed).count(), 2);
}

#[test]
fn an_export_is_followed_from_another_machine_by_its_events() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let made = ada.post("/api/v1/exports", &orders());
    let id = made.json::<Value>().unwrap()["id"].to_string();
    // A folder without any configuration: only the address and the token are known.
    let elsewhere = tempfile::tempdir().unwrap();
    let watch = |id: &str| {
        let mut command = server.shop.command(&["--json", "jobs", "watch", id]);
        command.current_dir(elsewhere.path()).env("TIDEGATE_SERVER", &server.base);
        command.env("TIDEGATE_TOKEN", ada.token.as_ref().unwrap());
        Ended::new(command.output().unwrap())
    };
    let watched = watch(&id).with_code(0);
    let last: Value = serde_json::from_str(watched.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"]["status"], "ready");
    assert_eq!(last["event"]["rows_done"], 5000);
    watch("999").with_code(1).saying(&["no export 999"]);
}
