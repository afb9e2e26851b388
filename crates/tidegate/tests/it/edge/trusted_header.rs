//! Who somebody is, said by a proxy in a header: believed from a listed one only.

use reqwest::{Method, blocking::Response};
use serde_json::{Value, json};

use super::server::Server;

const FROM_HERE: &str = r#"proxies = ["127.0.0.1"]"#;

fn server(more: &str) -> Server {
    let section = "[server.trusted_header]\nname = \"X-Remote-User\"";
    Server::with(&format!("{FROM_HERE}\n{section}\n{more}\n"))
}

fn me(server: &Server, headers: &[(&str, &str)]) -> Response {
    let request = server.asker(None).request(Method::GET, "/api/v1/me");
    let with = |request: reqwest::blocking::RequestBuilder, (name, value): &(&str, &str)| {
        request.header(*name, *value)
    };
    headers.iter().fold(request, with).send().unwrap()
}

#[test]
fn an_operator_is_whom_a_listed_proxy_names() {
    let server = server("");
    let found = me(&server, &[("x-remote-user", "Editor@Example.com")]);
    assert_eq!(found.status(), 200);
    let found: Value = found.json().unwrap();
    assert_eq!((&found["email"], &found["role"]), (&json!("editor@example.com"), &json!("editor")));
    for unknown in ["nobody@example.com", "editor", "editor@example.com, viewer@example.com"] {
        assert_eq!(me(&server, &[("x-remote-user", unknown)]).status(), 401, "{unknown}");
    }
    let twice = [("x-remote-user", "editor@example.com"), ("x-remote-user", "viewer@example.com")];
    assert_eq!(me(&server, &twice).status(), 401);
    server.run(&["operators", "disable", "editor@example.com"]);
    assert_eq!(me(&server, &[("x-remote-user", "editor@example.com")]).status(), 401);
    // The page knows whoever comes, too.
    let home = server.asker(None).request(Method::GET, "/sg-admin/exports");
    let home = home.header("x-remote-user", "viewer@example.com").send().unwrap();
    assert!(home.text().unwrap().contains("viewer@example.com"));
}

#[test]
fn a_proxy_vouches_for_no_page_of_another_site() {
    let server = server("");
    let order = json!({ "subject": "orders", "format": "csv" });
    let send = |name: &str, value: &str| {
        let request = server.asker(None).request(Method::POST, "/api/v1/exports").json(&order);
        let request = request.header("x-remote-user", "administrator@example.com");
        request.header(name, value).send().unwrap().status().as_u16()
    };
    assert_eq!(send("accept", "*/*"), 403);
    assert_eq!(send("origin", "https://evil.example"), 403);
    assert_eq!(send("sec-fetch-site", "cross-site"), 403);
    assert_eq!(send("sec-fetch-site", "same-origin"), 202);
    let log = server.log();
    let made = log.iter().find(|entry| entry["action"] == "export.created");
    assert_eq!(made.unwrap()["name"], "administrator@example.com");
}

#[test]
fn nobody_but_a_listed_proxy_is_believed() {
    let shop = "[server.trusted_header]\nname = \"X-Remote-User\"\ncreate = true\n\
                default_role = \"administrator\"\n";
    let server = Server::with(&format!("proxies = [\"192.0.2.1\"]\n{shop}"));
    for more in [("accept", "*/*"), ("x-forwarded-for", "192.0.2.1"), ("x-real-ip", "192.0.2.1")] {
        let refused = me(&server, &[("x-remote-user", "administrator@example.com"), more]);
        assert_eq!(refused.status(), 401, "{more:?}");
    }
    assert_eq!(me(&server, &[("x-remote-user", "new@example.com")]).status(), 401);
    assert!(!server.run(&["operators", "list"]).contains("new@example.com"));
}

#[test]
fn a_header_that_nobody_may_send_is_no_configuration() {
    let server = Server::new();
    let mut serve = server.shop.command(&["serve"]);
    let refused = serve.env("TIDEGATE__SERVER__TRUSTED_HEADER__NAME", "X-Remote-User").output();
    let refused = crate::site::Ended::new(refused.unwrap());
    refused.with_code(2).saying(&["[server.trusted_header]", "proxies"]);
}

#[test]
fn groups_make_operators_and_their_roles_and_the_log_says_who_did() {
    let server = server(
        "role_name = \"X-Remote-Groups\"\ncreate = true\nroles = [\n\
         { value = \"exports-admin\", role = \"administrator\" },\n\
         { value = \"staff\", role = \"viewer\" },\n]\n",
    );
    let role = |groups: &str| {
        let sent = [("x-remote-user", "new@example.com"), ("x-remote-groups", groups)];
        let found = me(&server, &sent);
        match found.status().as_u16() {
            200 => found.json::<Value>().unwrap()["role"].as_str().unwrap().to_owned(),
            status => status.to_string(),
        }
    };
    assert_eq!(role("others"), "401");
    assert_eq!(role("others,staff"), "viewer");
    assert_eq!(role("staff, exports-admin"), "administrator");
    assert_eq!(role("staff, exports-admin"), "administrator");
    assert_eq!(role("staff"), "viewer");
    assert_eq!(role(""), "401", "without a group the right to come in is gone");
    let log = server.log();
    let done: Vec<(&str, &str)> = log
        .iter()
        .filter(|entry| entry["name"] == "trusted header")
        .map(|entry| (entry["actor"].as_str().unwrap(), entry["action"].as_str().unwrap()))
        .collect();
    let expected = [
        ("provider", "operator.added"),
        ("provider", "operator.changed"),
        ("provider", "operator.changed"),
    ];
    assert_eq!(done, expected);
}
