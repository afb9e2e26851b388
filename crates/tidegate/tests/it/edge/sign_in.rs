//! Signing in: by whom, how often, for how long.

use std::process::Stdio;

use reqwest::{Method, blocking::Response};
use serde_json::{Value, json};

use super::server::{Asker, Server};
use crate::site::Ended;

pub(super) const PASSWORD: &str = "correct horse battery";

/// Gives the editor a password.
pub(super) fn with_password(server: &Server) {
    set_password(server, "editor@example.com");
}

/// Gives an operator a password.
pub(super) fn set_password(server: &Server, email: &str) {
    let command = ["--as", email, "operators", "password", email];
    let mut child = server.shop.command(&command).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), PASSWORD.as_bytes()).unwrap();
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

pub(super) fn sign_in(nobody: &Asker, email: &str, password: &str) -> Response {
    nobody.post("/api/v1/sessions", &json!({ "email": email, "password": password }))
}

pub(super) fn cookie(answer: &Response) -> String {
    let set = answer.headers()["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

pub(super) fn with_cookie(nobody: &Asker, method: Method, path: &str, cookie: &str) -> Response {
    let request = nobody.request(method, path).header("cookie", cookie);
    request.header("sec-fetch-site", "same-origin").send().unwrap()
}

#[test]
fn whoever_signs_in_is_let_in_until_signing_out() {
    let server = Server::new();
    with_password(&server);
    let nobody = server.asker(None);
    let started = sign_in(&nobody, "Editor@Example.com", PASSWORD);
    assert_eq!(started.status(), 201);
    let set = started.headers()["set-cookie"].to_str().unwrap();
    for word in ["tidegate_session=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"] {
        assert!(set.contains(word), "{set}");
    }
    let cookie = cookie(&started);
    let me: Value = with_cookie(&nobody, Method::GET, "/api/v1/me", &cookie).json().unwrap();
    assert_eq!(me["email"], "editor@example.com");
    let sessions: Value =
        with_cookie(&nobody, Method::GET, "/api/v1/sessions", &cookie).json().unwrap();
    assert_eq!(sessions.as_array().unwrap().len(), 1);
    let out = with_cookie(&nobody, Method::DELETE, "/api/v1/sessions/current", &cookie);
    assert_eq!(out.status(), 204);
    assert_eq!(with_cookie(&nobody, Method::GET, "/api/v1/me", &cookie).status(), 401);
}

#[test]
fn nobody_learns_who_exists_and_guessing_is_slow() {
    let server = Server::new();
    with_password(&server);
    let nobody = server.asker(None);
    let wrong = sign_in(&nobody, "editor@example.com", "wrong horse battery");
    let unknown = sign_in(&nobody, "nobody@example.com", "wrong horse battery");
    let without = sign_in(&nobody, "viewer@example.com", "wrong horse battery");
    let told = |answer: Response| (answer.status().as_u16(), answer.text().unwrap());
    let wrong = told(wrong);
    assert_eq!(wrong.0, 401);
    assert_eq!(wrong, told(unknown));
    assert_eq!(wrong, told(without));
    let mut refused = 0;
    for _ in 0..30 {
        refused += u32::from(sign_in(&nobody, "editor@example.com", "no").status() == 429);
    }
    assert!(refused >= 20, "{refused}");
    let known = sign_in(&nobody, "editor@example.com", PASSWORD);
    assert_eq!(known.status(), 429, "the right word is not told from here any more either");
    assert!(known.headers().contains_key("retry-after"));
    let log = server.log();
    let denied: Vec<&Value> =
        log.iter().filter(|entry| entry["action"] == "session.started").collect();
    assert!(denied.len() >= 10 && denied.iter().all(|entry| entry["outcome"] == "denied"));
    assert!(!format!("{denied:?}").contains("nobody@example.com"));
}

#[test]
fn a_session_ends_with_the_password_and_with_the_operator() {
    let server = Server::new();
    with_password(&server);
    let nobody = server.asker(None);
    let first = cookie(&sign_in(&nobody, "editor@example.com", PASSWORD));
    with_password(&server);
    assert_eq!(with_cookie(&nobody, Method::GET, "/api/v1/me", &first).status(), 401);
    let second = cookie(&sign_in(&nobody, "editor@example.com", PASSWORD));
    server.run(&["operators", "disable", "editor@example.com"]);
    assert_eq!(with_cookie(&nobody, Method::GET, "/api/v1/me", &second).status(), 401);
    server.run(&["operators", "enable", "editor@example.com"]);
    assert_eq!(with_cookie(&nobody, Method::GET, "/api/v1/me", &second).status(), 401);
}

#[test]
fn a_link_sets_a_password_once() {
    let server = Server::new();
    let reset = ["--as", "administrator@example.com", "operators", "reset", "viewer@example.com"];
    let mut reset = server.shop.command(&reset);
    let reset = reset.env("TIDEGATE__SERVER__PUBLIC_URL", &server.base).output().unwrap();
    let link = Ended::new(reset).with_code(0).stdout;
    let path = link.trim().strip_prefix(&server.base).unwrap().to_owned();
    let nobody = server.asker(None);
    let page = nobody.get(&path).text().unwrap();
    assert!(page.contains("viewer@example.com"), "{page}");
    let token = path.split("token=").nth(1).unwrap();
    let set = |password: &str| {
        let form = [("token", token), ("password", password)];
        nobody.request(Method::POST, "/sg-admin/password").form(&form).send().unwrap()
    };
    assert_eq!(set("short").status(), 422);
    let done = set(PASSWORD);
    assert_eq!(done.status(), 303);
    assert!(done.headers().contains_key("set-cookie"));
    assert_eq!(set("another horse battery").status(), 404, "it works once");
    assert_eq!(sign_in(&nobody, "viewer@example.com", PASSWORD).status(), 201);
}

#[test]
fn a_cookie_changes_nothing_without_the_name_of_the_page_that_asks() {
    let server = Server::new();
    with_password(&server);
    let nobody = server.asker(None);
    let cookie = cookie(&sign_in(&nobody, "editor@example.com", PASSWORD));
    let order = json!({ "subject": "orders", "format": "csv" });
    let send = |path: &str, header: Option<(&str, &str)>| {
        let request = nobody.request(Method::POST, path).header("cookie", &cookie).json(&order);
        let request = match header {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        request.send().unwrap()
    };
    for header in [None, Some(("origin", "null")), Some(("sec-fetch-site", "same-site"))] {
        let refused = send("/api/v1/exports", header);
        assert_eq!(refused.status(), 403, "{header:?}");
        let problem: Value = refused.json().unwrap();
        assert_eq!(problem["type"], "urn:tidegate:problem:cross-site");
        assert_eq!(send("/sg-admin/sign-out", header).status(), 403, "{header:?}");
    }
    let listed: Value =
        with_cookie(&nobody, Method::GET, "/api/v1/exports", &cookie).json().unwrap();
    assert_eq!(listed["items"], json!([]));
    // What comes from here is judged by what the editor may, which is not this.
    let own = Some(("origin", server.base.as_str()));
    let refused: Value = send("/api/v1/exports", own).json().unwrap();
    assert_eq!(refused["type"], "urn:tidegate:problem:not-allowed");
    assert_eq!(send("/sg-admin/sign-out", own).status(), 303);
}

#[test]
fn passwords_do_not_travel_in_the_open_unless_the_site_says_so() {
    let server =
        Server::with("public_url = \"http://exports.example.com\"\ninsecure_http = true\n");
    assert_eq!(server.base, "http://exports.example.com");
    let shop = &server.shop;
    let mut serve = shop.command(&["serve"]);
    let refused = serve.env("TIDEGATE__SERVER__INSECURE_HTTP", "false").output().unwrap();
    Ended::new(refused).with_code(2).saying(&["public_url", "plain http", "insecure_http = true"]);
}
