//! The wizard: what it shows is what is made, and what the API makes of the same request.

use reqwest::{Method, blocking::Response, redirect::Policy};
use serde_json::{Value, json};

use super::{
    server::{Asker, Server},
    sign_in::{PASSWORD, cookie, set_password, sign_in},
};

const NEW: &str = "/sg-admin/exports/new";

/// An administrator in a browser, and by the API.
struct Browser {
    ada: Asker,
    base: String,
    cookie: String,
    client: reqwest::blocking::Client,
}

impl Browser {
    fn of(server: &Server) -> Self {
        set_password(server, "administrator@example.com");
        let session = sign_in(&server.asker(None), "administrator@example.com", PASSWORD);
        Self {
            ada: server.with_role("administrator"),
            base: server.base.clone(),
            cookie: cookie(&session),
            client: reqwest::blocking::Client::builder().redirect(Policy::none()).build().unwrap(),
        }
    }

    fn ask(&self, method: Method, path: &str, form: &[(&str, &str)]) -> Response {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request.header("cookie", &self.cookie).header("accept", "text/html");
        request.header("sec-fetch-site", "same-origin").form(form).send().unwrap()
    }

    fn look(&self, path: &str) -> (u16, String) {
        let request = self.client.get(format!("{}{path}", self.base));
        let request = request.header("cookie", &self.cookie).header("accept", "text/html");
        let answer = request.send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    }
}

/// What stands between two texts, as a browser reads it.
fn between<'a>(page: &'a str, begin: &str, end: &str) -> &'a str {
    let from = page.find(begin).unwrap_or_else(|| panic!("no {begin} in {page}")) + begin.len();
    &page[from..from + page[from..].find(end).unwrap()]
}

fn unescaped(html: &str) -> String {
    let codes = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    codes.iter().fold(html.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

#[test]
fn the_file_begins_as_the_preview_and_is_what_the_api_makes_of_the_same_call() {
    let server = Server::new();
    let browser = Browser::of(&server);
    for format in ["csv", "ndjson"] {
        let query = format!(
            "{NEW}/review?subject=orders&format={format}&time_zone=Europe/Berlin\
             &fields=id,total:Sum\\,%20all,placed_at&sort=id"
        );
        let (status, page) = browser.look(&query);
        assert_eq!(status, 200, "{page}");
        let preview = unescaped(between(&page, "id=\"first\">\n", "</pre>"));
        let call = unescaped(between(&page, "id=\"call\" tabindex=\"0\">\n", "</pre>"));
        let body: Value = serde_json::from_str(between(&call, "-d '", "'")).unwrap();
        let key = between(&page, "name=\"key\" value=\"", "\"").to_owned();
        let form = [
            ("subject", "orders"),
            ("format", format),
            ("time_zone", "Europe/Berlin"),
            ("fields", "id,total:Sum\\, all,placed_at"),
            ("sort", "id"),
            ("key", &key),
        ];
        let mut form = form.to_vec();
        if format == "csv" {
            form.push(("option.profile", "spreadsheet"));
        }
        let started = browser.ask(Method::POST, &format!("{NEW}/start"), &form);
        assert_eq!(started.status(), 303);
        let path = started.headers()["location"].to_str().unwrap().to_owned();
        let again = browser.ask(Method::POST, &format!("{NEW}/start"), &form);
        assert_eq!(again.headers()["location"].to_str().unwrap(), path, "one key, one export");
        let made: u64 = path.rsplit('/').next().unwrap().parse().unwrap();
        browser.ada.wait(made);
        let file = |id| browser.ada.get(&browser.ada.link(id)).text().unwrap();
        let text = file(made);
        assert!(preview.lines().count() > 15, "{preview}");
        assert!(text.starts_with(&preview), "{preview}\n---\n{}", &text[..600]);
        assert_eq!(text, file(browser.ada.export(&body)));
    }
}

#[test]
fn a_bad_address_is_told_and_never_a_fault_of_the_server() {
    let server = Server::new();
    let browser = Browser::of(&server);
    for query in [
        "subject=nothing",
        "subject=orders&format=doc",
        "subject=orders&filter={",
        "subject=orders&filter=[]&sort=,,\\&fields=\\,:",
        "subject=orders&fields=nothing",
        "subject=orders&kind=none&ids=,,x&except=%00",
        "subject=orders&option.profile=x&option.=&scope.=1&scope.filter=1",
        "subject=orders&time_zone=Mars&reason=%00",
        "%ff=%ff&from=-1&move=up&drop=99&add.field=%00&date.from=x",
    ] {
        for step in ["", "/fields", "/format", "/notify", "/review"] {
            let (status, page) = browser.look(&format!("{NEW}{step}?{query}"));
            assert!(matches!(status, 200 | 303 | 404 | 422), "{step} {query}: {status} {page}");
        }
        let (status, _) = browser.look(&format!("{NEW}/review?{query}"));
        assert_ne!(status, 200, "{query}");
    }
}

#[test]
fn what_may_not_be_exported_is_not_there() {
    let server = Server::new();
    set_password(&server, "viewer@example.com");
    let session = sign_in(&server.asker(None), "viewer@example.com", PASSWORD);
    let browser = Browser { cookie: cookie(&session), ..Browser::of(&server) };
    let (status, page) = browser.look(NEW);
    assert_eq!(status, 200);
    assert!(!page.contains("subject=orders"), "{page}");
    let of = |slug: &str| browser.look(&format!("{NEW}/review?subject={slug}&format=csv"));
    let (orders, nothing) = (of("orders"), of("qqqqq"));
    assert_eq!((orders.0, nothing.0), (422, 422));
    assert_eq!(orders.1.replace("orders", ""), nothing.1.replace("qqqqq", ""));
    let form = [("subject", "orders"), ("format", "csv"), ("key", "k")];
    let started = browser.ask(Method::POST, &format!("{NEW}/start"), &form);
    // Back to where it can be put right, and nothing was made.
    let back = started.headers()["location"].to_str().unwrap();
    assert!(back.starts_with(NEW), "{back}");
    let ada = server.with_role("administrator");
    assert_eq!(ada.read("/api/v1/exports")["total"], 0);
}

#[test]
fn a_large_selection_goes_through_every_step_by_post() {
    let server = Server::new();
    let browser = Browser::of(&server);
    let ids: Vec<String> = (1..=3_000).map(|id| id.to_string()).collect();
    let ids = ids.join(",");
    let form = [("subject", "orders"), ("format", "csv"), ("ids", ids.as_str())];
    for step in ["", "/fields", "/format", "/notify", "/review"] {
        let page = browser.ask(Method::POST, &format!("{NEW}{step}"), &form);
        assert_eq!(page.status(), 200, "{step}");
        let page = page.text().unwrap();
        assert!(page.contains(&format!("name=\"ids\" value=\"{ids}\"")), "{step}");
        assert!(page.contains("method=\"post\""), "{step}");
    }
    let started = browser.ask(Method::POST, &format!("{NEW}/start"), &form);
    let path = started.headers()["location"].to_str().unwrap().to_owned();
    let id: u64 = path.rsplit('/').next().unwrap().parse().unwrap();
    browser.ada.wait(id);
    let job = browser.ada.read(&format!("/api/v1/exports/{id}"));
    assert_eq!(job["rows_done"], json!(3_000));
}

#[test]
fn an_export_is_begun_again_from_an_old_one() {
    let server = Server::new();
    let browser = Browser::of(&server);
    let request = json!({
        "subject": "orders", "format": "csv",
        "scope": { "filter": { "field": "id", "op": "lt", "value": 4 } },
        "fields": [{ "slug": "id", "as": "No, really" }],
    });
    let id = browser.ada.export(&request);
    let answer = browser.ask(Method::GET, &format!("{NEW}/review?from={id}"), &[]);
    assert_eq!(answer.status(), 303);
    let path = answer.headers()["location"].to_str().unwrap().to_owned();
    let (status, page) = browser.look(&path);
    assert_eq!(status, 200);
    let preview = unescaped(between(&page, "id=\"first\">\n", "</pre>"));
    assert_eq!(preview, "\"No, really\"\n1\n2\n3\n");
}
