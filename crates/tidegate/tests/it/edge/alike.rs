//! What may not be seen answers as what does not exist: to the byte, but for the name in it.

use reqwest::{Method, blocking::Response};
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
insert into content values (1, 'Welcome');
create table users (id integer primary key, email text);
insert into users values (1, 'ada@example.org');
";
/// A name of nothing, as long as `users` and like no other.
const NOTHING: &str = "qqqqq";
/// A number of nothing, as long as those of the things.
const NOBODY: u64 = 9;
/// Headers that differ from one answer to the next.
const VOLATILE: [&str; 3] = ["date", "x-request-id", "ratelimit"];

fn site() -> Server {
    let shop = Shop::new();
    shop.sqlite(TABLES);
    Server::of(shop, SUBJECTS, &[])
}

/// All that somebody is told, with a name taken out.
fn told(answer: Response, name: &str) -> String {
    let status = answer.status();
    let headers = answer.headers().clone();
    let mut lines: Vec<String> = headers
        .iter()
        .filter(|(name, _)| !VOLATILE.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    let body = answer.text().unwrap();
    // A number is no name: if one were told, it would have to be seen here.
    let body = if name.parse::<u64>().is_ok() { body } else { body.replace(name, "…") };
    format!("{status}\n{}\n{body}", lines.join("\n"))
}

/// Asks the same of two names, and gives what both were told.
#[track_caller]
fn alike(asker: &Asker, method: &Method, path: &str, body: &Value, names: [&str; 2]) -> String {
    let [hidden, absent] = names.map(|name| {
        let path = path.replace("{}", name);
        let body: Value = serde_json::from_str(&body.to_string().replace("{}", name)).unwrap();
        let request = asker.request(method.clone(), &path);
        let request = if body.is_null() { request } else { request.json(&body) };
        told(request.send().unwrap(), name)
    });
    assert_eq!(hidden, absent, "{method} {path}");
    hidden
}

#[test]
fn a_thing_of_another_answers_as_one_that_is_not_there() {
    let server = site();
    let (ada, eve) = (server.with_role("administrator"), server.with_role("viewer"));
    let job = ada.export(&json!({ "subject": "content", "format": "csv" })).to_string();
    let absent = NOBODY.to_string();
    let none = Value::Null;
    let jobs = [job.as_str(), &absent];
    for path in ["", "/attempts", "/manifest", "/events"] {
        let path = format!("/api/v1/exports/{{}}{path}");
        let text = alike(&eve, &Method::GET, &path, &none, jobs);
        assert!(text.starts_with("404"), "{text}");
    }
    for path in ["/cancel", "/rerun", "/downloads"] {
        let path = format!("/api/v1/exports/{{}}{path}");
        assert!(
            alike(&eve, &Method::POST, &path, &json!({ "bearer": false }), jobs).starts_with("404")
        );
    }
    let path = "/api/v1/exports/{}/artifact";
    assert!(alike(&eve, &Method::DELETE, path, &none, jobs).starts_with("404"));
    // A link of another, one that was changed, and one that never was.
    let link = ada.link(job.parse().unwrap());
    let token = link.rsplit('/').next().unwrap();
    let changed: String = token.chars().rev().collect();
    assert!(alike(&eve, &Method::GET, "/d/{}", &none, [token, &changed]).starts_with("404"));
    alike(&eve, &Method::GET, "/d/{}", &none, [token, "nowhere-at-all"]);

    // Tokens, and sessions: those of others are 1, the one of whoever asks is 2.
    let path = "/api/v1/tokens/{}";
    assert!(alike(&eve, &Method::DELETE, path, &none, ["1", &absent]).starts_with("404"));
    let control = server.shop.path("control.db");
    let session = "insert into sessions (operator_id, hash, created_at, seen_at, expires_at) \
        values (1, 'x', 0, 0, 9000000000000000)";
    let made = std::process::Command::new("sqlite3").arg(control).arg(session).status().unwrap();
    assert!(made.success());
    let path = "/api/v1/sessions/{}";
    assert!(alike(&eve, &Method::DELETE, path, &none, ["1", &absent]).starts_with("404"));
    let path = "/api/v1/sessions?operator={}";
    assert!(alike(&eve, &Method::GET, path, &none, ["1", &absent]).starts_with("403"));
}

#[test]
fn whoever_may_not_manage_learns_of_no_operator_and_no_role() {
    let server = site();
    let eve = server.with_role("viewer");
    let none = Value::Null;
    for body in [json!({ "role": "viewer" }), json!({ "is_disabled": true })] {
        for names in [["1", "9"], ["3", "9"]] {
            let text = alike(&eve, &Method::PATCH, "/api/v1/operators/{}", &body, names);
            assert!(text.starts_with("403"), "{text}");
        }
    }
    let names = ["editor", "nobody"];
    let body = json!({ "capabilities": ["users.list"] });
    let wrong = json!({ "capabilities": ["{}.list"] });
    for body in [&body, &wrong] {
        let text = alike(&eve, &Method::PUT, "/api/v1/roles/{}", body, names);
        assert!(text.starts_with("403"), "{text}");
    }
    assert!(alike(&eve, &Method::DELETE, "/api/v1/roles/{}", &none, names).starts_with("403"));
    let body = json!({ "email": "{}@example.com", "role": "viewer" });
    let names = ["editor", "nobody"];
    assert!(alike(&eve, &Method::POST, "/api/v1/operators", &body, names).starts_with("403"));
    let body = json!({ "email": "eve@example.com", "role": "{}" });
    assert!(alike(&eve, &Method::POST, "/api/v1/operators", &body, names).starts_with("403"));
}

#[test]
fn a_subject_that_may_not_be_seen_answers_as_one_that_is_not_there() {
    let server = site();
    let (ada, eve) = (server.with_role("administrator"), server.with_role("viewer"));
    ada.export(&json!({ "subject": "users", "format": "csv" }));
    let names = ["users", NOTHING];
    let none = Value::Null;
    for path in ["/api/v1/subjects/{}", "/api/v1/subjects/{}/rows", "/api/v1/subjects/{}/rows?x=1"]
    {
        let text = alike(&eve, &Method::GET, path, &none, names);
        assert!(text.starts_with("404") || path.ends_with("x=1"), "{text}");
    }
    for path in ["", "/preview", "/estimate"] {
        let path = format!("/api/v1/exports{path}");
        for more in [json!({}), json!({ "fields": ["email"] }), json!({ "format": "docx" })] {
            let mut body = json!({ "subject": "{}", "format": "csv" });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let text = alike(&eve, &Method::POST, &path, &body, names);
            assert!(text.starts_with("422"), "{text}");
        }
    }
    let listed = alike(&eve, &Method::GET, "/api/v1/exports?subject={}", &none, names);
    assert!(listed.starts_with("200"), "{listed}");
    // Names of capabilities name subjects, too.
    for scope in ["{}.list", "{}.export"] {
        let body = json!({ "name": "t", "days": 1, "scopes": [scope] });
        let text = alike(&eve, &Method::POST, "/api/v1/tokens", &body, names);
        assert!(text.starts_with("422") && !text.contains("users"), "{text}");
    }
    // The log of whoever may read it, but not see the subject.
    let role = json!({ "capabilities": ["activity.view", "content.list"] });
    let put = ada.request(Method::PUT, "/api/v1/roles/viewer").json(&role).send().unwrap();
    assert_eq!(put.status(), 204);
    let text = alike(&eve, &Method::GET, "/api/v1/activity?subject={}", &none, names);
    assert!(text.starts_with("200") && text.contains("\"items\":[]"), "{text}");
}
