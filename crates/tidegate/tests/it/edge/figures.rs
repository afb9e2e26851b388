//! The figures of a site, as Prometheus reads them.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use reqwest::Method;
use serde_json::json;

use super::{
    downloads::{Halfway, MANY},
    server::Server,
};

/// The value of a sample, by its name and labels.
#[track_caller]
fn value(text: &str, sample: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no `{sample}` in:\n{text}")).parse().unwrap()
}

/// What Prometheus' own checker has to say.
fn promtool(text: &str) -> String {
    let mut checker = Command::new("promtool");
    checker.args(["check", "metrics"]).stdin(Stdio::piped());
    let mut child = checker.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap()
}

#[test]
fn the_figures_are_as_prometheus_wants_them_and_follow_an_export() {
    let server = Server::new();
    let nobody = server.asker(None);
    let figures = || nobody.get("/metrics").text().unwrap();
    let before = figures();
    assert_eq!(value(&before, "tidegate_export_rows_total"), 0.0);
    assert_eq!(value(&before, r#"tidegate_jobs{status="ready"}"#), 0.0);

    let ada = server.with_role("administrator");
    let id = ada.export(&json!({ "subject": "orders", "format": "csv" }));
    let bytes = ada.read(&format!("/api/v1/exports/{id}"))["size_bytes"].as_f64().unwrap();
    ada.get(&ada.link(id)).bytes().unwrap();
    ada.get("/nowhere/c17@example.com");
    let after = figures();
    assert_eq!(promtool(&after), "");
    for (sample, expected) in [
        ("tidegate_queue_depth", 0.0),
        ("tidegate_queue_oldest_seconds", 0.0),
        (r#"tidegate_jobs{status="ready"}"#, 1.0),
        ("tidegate_export_rows_total", 5000.0),
        ("tidegate_export_bytes_total", bytes),
        ("tidegate_download_bytes_total", bytes),
        ("tidegate_leases_lost_total", 0.0),
        (r#"tidegate_http_requests_total{method="GET",route="/d/{token}",status="200"}"#, 1.0),
        (r#"tidegate_http_requests_total{method="GET",route="none",status="404"}"#, 1.0),
        (
            r#"tidegate_http_requests_total{method="POST",route="/api/v1/exports",status="202"}"#,
            1.0,
        ),
    ] {
        assert_eq!(value(&after, sample), expected, "{sample}");
    }
    assert!(value(&after, "tidegate_audit_entries_unsigned") >= 0.0);
    assert!(!after.contains("example.com"), "what was sent stands in a label");
}

#[test]
fn what_is_under_way_is_counted_while_it_is() {
    let server = Server::new();
    server.shop.sqlite(MANY);
    let ada = server.with_role("administrator");
    let figures = || ada.get("/metrics").text().unwrap();
    let id = ada.export(&json!({ "subject": "orders", "format": "csv" }));
    let download = Halfway::begin(&server, &ada, &ada.link(id));
    assert_eq!(value(&figures(), "tidegate_downloads_open"), 1.0);
    assert!(download.comes_whole());
    while value(&figures(), "tidegate_downloads_open") > 0.0 {
        std::thread::yield_now();
    }

    let made = ada.post("/api/v1/exports", &json!({ "subject": "endless", "format": "csv" }));
    let id = made.json::<serde_json::Value>().unwrap()["id"].as_u64().unwrap();
    let path = format!("/api/v1/exports/{id}/events");
    let events = ada.request(Method::GET, &path).header("accept", "text/event-stream").send();
    let mut events = BufReader::new(events.unwrap());
    events.read_line(&mut String::new()).unwrap();
    assert_eq!(value(&figures(), "tidegate_watchers"), 1.0);
    server.run(&["jobs", "cancel", &id.to_string()]);
    assert!(events.lines().map(Result::unwrap).any(|line| line.contains("cancelled")));
    while value(&figures(), "tidegate_watchers") > 0.0 {
        std::thread::yield_now();
    }
    assert_eq!(value(&figures(), r#"tidegate_jobs{status="cancelled"}"#), 1.0);
}

#[test]
fn figures_are_for_this_machine_and_for_whoever_may_see_settings() {
    let server = Server::new();
    let through_proxy = |role: Option<&str>| {
        let asker = role.map_or_else(|| server.asker(None), |role| server.with_role(role));
        let sent = asker.request(Method::GET, "/metrics").header("x-forwarded-for", "192.0.2.7");
        sent.send().unwrap().status().as_u16()
    };
    assert_eq!(server.asker(None).get("/metrics").status(), 200);
    assert_eq!(through_proxy(None), 401);
    assert_eq!(through_proxy(Some("viewer")), 403);
    assert_eq!(through_proxy(Some("editor")), 403);
    assert_eq!(through_proxy(Some("administrator")), 200);
}
