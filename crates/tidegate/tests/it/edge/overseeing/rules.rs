//! The lists of rules and of budgets, changed by two administrators at once.

use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{Browser, pairs};
use crate::edge::server::Server;

/// A list, its page, and what adds one of a name to it there.
const LISTS: [(&str, &str, &str); 2] = [
    ("rules", "/api/v1/approvals/rules", "/sg-admin/approvals/rules"),
    ("budgets", "/api/v1/budgets", "/sg-admin/budgets"),
];

/// The version that the forms of a page carry.
fn version(page: &str) -> String {
    let (_, rest) = page.split_once(r#"name="version" value=""#).expect("its forms say which");
    rest.split_once('"').unwrap().0.to_owned()
}

#[test]
fn a_list_that_was_changed_since_its_page_was_loaded_is_not_written_over() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let browser = Browser::of(&server, "administrator");
    for (what, api, path) in LISTS {
        let names = || -> Vec<String> {
            let read = ada.read(api);
            let listed = if what == "rules" { &read[what] } else { &read[what][what] };
            let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
            listed.as_array().unwrap().iter().map(name).collect()
        };
        let form = |act: &str, name: &str, version: &str| {
            let form = [
                ("act", act),
                ("name", name),
                ("version", version),
                ("subject", "orders"),
                ("exports", "900"),
                ("rows_over", "1000000"),
            ];
            browser.post(path, &pairs(&form))
        };
        let (one, other) = (version(&browser.page(path)), version(&browser.page(path)));
        assert_eq!(form("add", "first", &one).status(), 303);
        let late = form("add", "second", &other);
        assert_eq!(late.status(), 409, "{what}");
        let page = late.text().unwrap();
        assert!(page.contains("nothing of yours was saved"), "{page}");
        assert!(page.contains("first") && page.contains(r#"value="second""#), "both stand there");
        assert_eq!(names(), ["first"], "nothing is lost");
        let late = form("remove", "first", &other);
        assert_eq!(late.status(), 409);
        assert_eq!(form("add", "unversioned", "").status(), 409, "nor by a page that says none");
        assert_eq!(form("add", "second", &version(&page)).status(), 303);
        assert_eq!(names(), ["first", "second"]);
    }
}

#[test]
fn whoever_changes_a_list_by_the_api_may_say_which_they_have_read() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    for (what, api, _) in LISTS {
        let put = |tag: Option<&str>, name: &str| {
            let mut sent = ada.request(Method::PUT, api);
            if let Some(tag) = tag {
                sent = sent.header(header::IF_MATCH, tag);
            }
            let one = json!({ "name": name, "subject": "orders" });
            let body = match what {
                "rules" => json!({ "rules": [one] }),
                _ => {
                    let mut one = one;
                    one["rows"] = 1_000_000.into();
                    json!({ "budgets": [one] })
                }
            };
            sent.json(&body).send().unwrap()
        };
        let tag = || {
            let answer = ada.get(api);
            answer.headers()[header::ETAG].to_str().unwrap().to_owned()
        };
        let seen = tag();
        assert_eq!(put(Some(&seen), "a").status(), 204);
        let late = put(Some(&seen), "b");
        assert_eq!(late.status(), 409, "{what}");
        let problem: Value = late.json().unwrap();
        assert_eq!(problem["type"], "urn:tidegate:problem:changed-meanwhile");
        assert!(problem["detail"].as_str().unwrap().contains("look at it again"), "{problem}");
        assert!(ada.read(api).to_string().contains(r#""name":"a""#));
        assert_eq!(put(Some(&format!("W/{}", tag())), "b").status(), 204);
        assert_eq!(put(Some("another"), "c").status(), 422);
        assert_eq!(put(Some("*"), "c").status(), 204);
        assert_eq!(put(None, "d").status(), 204, "whoever says none means the list as it is");
    }
}

#[test]
fn a_role_that_there_is_not_is_named_with_the_nearest_one_at_its_control() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let browser = Browser::of(&server, "administrator");
    for (what, control, path) in
        [("budgets", "role", "/sg-admin/budgets"), ("rules", "roles", "/sg-admin/approvals/rules")]
    {
        let version = version(&browser.page(path));
        let form = [
            ("act", "add"),
            ("name", "wrong"),
            ("version", &version),
            (control, "Editor"),
            ("exports", "5"),
        ];
        let answer = browser.post(path, &pairs(&form));
        assert_eq!(answer.status(), 422, "{what}");
        let page = answer.text().unwrap();
        assert!(page.contains(&format!("href=\"#{control}\"")), "{page}");
        assert!(page.contains("is no role; did you mean") && page.contains("editor"), "{page}");
    }
    let wrong = json!({ "rules": [{ "name": "wrong", "roles": ["edtior"] }] });
    let answer = ada.request(Method::PUT, "/api/v1/approvals/rules").json(&wrong).send().unwrap();
    assert_eq!(answer.status(), 422);
    let problem: Value = answer.json().unwrap();
    let fault = &problem["errors"][0];
    assert_eq!(fault["pointer"], "/rules/0/roles");
    assert_eq!(fault["detail"], "`edtior` is no role; did you mean `editor`?");
}
