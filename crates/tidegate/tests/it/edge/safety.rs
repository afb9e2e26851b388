//! What the edge must not let itself be talked into.

use reqwest::Method;
use serde_json::{Value, json};

use super::server::Server;

#[test]
fn a_request_for_another_host_is_not_answered() {
    let server = Server::new();
    let own = server.base.trim_start_matches("http://");
    let ask = |head: &str| {
        server.raw(&format!("GET /healthz HTTP/1.1\r\n{head}Connection: close\r\n\r\n"))
    };
    assert!(ask(&format!("Host: {own}\r\n")).starts_with("HTTP/1.1 200"));
    for host in ["evil.example", "127.0.0.1.evil.example", "evil.example@127.0.0.1", "", "a b"] {
        let answer = ask(&format!("Host: {host}\r\n"));
        let is_refused = answer.starts_with("HTTP/1.1 421") || answer.starts_with("HTTP/1.1 400");
        assert!(is_refused, "{host}: {answer}");
    }
    let twice = ask(&format!("Host: {own}\r\nHost: evil.example\r\n"));
    assert!(!twice.starts_with("HTTP/1.1 200"), "{twice}");
    // What a proxy that nobody listed says is not believed either.
    let ada = server.with_role("administrator");
    let id = ada.export(&json!({ "subject": "orders", "format": "csv" }));
    let path = format!("/api/v1/exports/{id}/downloads");
    for name in ["x-forwarded-host", "forwarded", "x-original-url", "x-rewrite-url", "x-host"] {
        let sent = ada.request(Method::POST, &path).header(name, "host=evil.example").send();
        let url = sent.unwrap().json::<Value>().unwrap()["url"].as_str().unwrap().to_owned();
        assert!(url.starts_with(&format!("{}/d/", server.base)), "{name}: {url}");
    }
}

#[test]
fn a_request_of_another_site_changes_nothing() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let order = json!({ "subject": "orders", "format": "csv" });
    for (name, value) in
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")]
    {
        let sent = ada.request(Method::POST, "/api/v1/exports").header(name, value).json(&order);
        let refused = sent.send().unwrap();
        assert_eq!(refused.status(), 403, "{name}: {value}");
        let problem: Value = refused.json().unwrap();
        assert_eq!(problem["type"], "urn:tidegate:problem:cross-site");
    }
    // A form of another site cannot say that it is JSON, and what is not JSON is not read.
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let sent = ada.request(Method::POST, "/api/v1/exports").body(order.to_string());
        let refused = sent.header("content-type", media_type).send().unwrap();
        assert_eq!(refused.status(), 415, "{media_type}");
    }
    assert_eq!(ada.read("/api/v1/exports")["items"], json!([]));
}

#[test]
fn what_is_too_large_or_too_deep_is_refused() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let send = |body: String| {
        let sent = ada.request(Method::POST, "/api/v1/exports").body(body);
        sent.header("content-type", "application/json").send().unwrap().status().as_u16()
    };
    let padded = |length: usize| {
        json!({ "subject": "orders", "format": "csv", "reason": "x".repeat(length) }).to_string()
    };
    assert_eq!(send(padded(900)), 202);
    assert_eq!(send(padded(2_000)), 422);
    assert_eq!(send(padded(2 << 20)), 413);
    let nested = |depth: usize| {
        let mut filter = json!({ "field": "id", "op": "eq", "value": 1 });
        for _ in 0..depth {
            filter = json!({ "not": filter });
        }
        json!({ "subject": "orders", "format": "csv", "scope": { "filter": filter } }).to_string()
    };
    assert_eq!(send(nested(7)), 202);
    assert_eq!(send(nested(8)), 422);
    assert_eq!(send("[".repeat(100_000)), 400);
    assert_eq!(send("{\"subject\":\"orders\"".to_owned()), 400);
    assert_eq!(send("\u{0}".to_owned()), 400);
    let ids: Vec<u32> = (0..10_001).collect();
    let many = json!({ "subject": "orders", "format": "csv", "scope": { "ids": ids } });
    assert_eq!(send(many.to_string()), 422);
}

#[test]
fn what_belongs_to_the_job_cannot_be_sent_with_the_request() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    for member in [
        "id",
        "status",
        "created_by",
        "created_at",
        "artifact_key",
        "attempts_max",
        "has_pii",
        "sha256",
        "expires_at",
        "via",
        "hold",
        "run_after",
        "__proto__",
    ] {
        let mut body = json!({ "subject": "orders", "format": "csv" });
        body[member] = json!(1);
        assert_eq!(ada.post("/api/v1/exports", &body).status(), 422, "{member}");
    }
    let role = json!({ "capabilities": [], "slug": "administrator" });
    let sent = ada.request(Method::PUT, "/api/v1/roles/helpers").json(&role).send().unwrap();
    assert_eq!(sent.status(), 422);
}

#[test]
fn no_path_leads_out_of_the_service() {
    let server = Server::new();
    let host = server.base.trim_start_matches("http://");
    for path in [
        "/assets/../../../../etc/passwd",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/assets/%2e%2e/%2e%2e/tidegate.toml",
        "/d/..%2f..%2ftidegate.toml",
        "/d/../tidegate.toml",
        "//etc/passwd",
        "/api/v1/exports/1%00",
        "/api/v1/exports/../../../../tidegate.toml",
    ] {
        let answer = server
            .raw(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(["400", "401", "404"].contains(&status), "{path}: {answer}");
        assert!(!answer.contains("root:") && !answer.contains("[control]"), "{path}");
    }
}

#[test]
fn a_header_cannot_be_injected() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    // What is sent comes back in links and messages.
    let path = "/api/v1/exports?limit=1&subject=orders%0d%0aSet-Cookie:%20x=1";
    let answer = ada.get(path);
    assert!(!answer.headers().contains_key("set-cookie"));
    let sent = "/api/v1/exports?limit=1%0d%0aSet-Cookie:%20x=1";
    assert!(!ada.get(sent).headers().contains_key("set-cookie"));
    let page = server.asker(None).get("/sg-admin/sign-in?next=/%0d%0aSet-Cookie:x=1");
    assert!(!page.headers().contains_key("set-cookie"));
    assert!(!page.text().unwrap().contains("Set-Cookie"));
}

#[test]
fn every_answer_tells_the_browser_to_be_careful() {
    let server = Server::new();
    let nobody = server.asker(None);
    for path in ["/sg-admin/sign-in", "/api/v1/me", "/nowhere", "/assets/door.css", "/healthz"] {
        let answer = nobody.get(path);
        let headers = answer.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}");
        assert!(headers.contains_key("x-request-id"), "{path}");
    }
}
