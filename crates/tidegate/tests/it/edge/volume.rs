//! Looking is not taking: whoever pages a table out is stopped, and that is written down.

use reqwest::{Method, blocking::Response};
use serde_json::{Value, json};

use super::{
    server::{Asker, Server},
    sign_in::{cookie, sign_in, with_password},
};
use crate::site::Shop;

const USERS: &str = r#"
[[subjects]]
slug = "users"
source = "shop"
table = "users"
pii = true

[settings]
view_rows_max = 250
"#;
const TABLE: &str = "
create table users (id integer primary key, email text);
with recursive c(n) as (select 1 union all select n + 1 from c where n < 1000)
insert into users select n, 'user' || n || '@example.org' from c;
";
const PATH: &str = "/api/v1/subjects/users/rows?limit=50";

/// Follows the links of a list to its end, or to the page that is refused.
fn page_out(asker: &Asker, cookie: &str) -> (Vec<Value>, Response) {
    let mut rows = Vec::new();
    let mut path = PATH.to_owned();
    loop {
        let page = asker.request(Method::GET, &path).header("cookie", cookie).send().unwrap();
        let link = page.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        if !page.status().is_success() {
            return (rows, page);
        }
        let body: Value = page.json().unwrap();
        rows.extend(body["items"].as_array().unwrap().iter().cloned());
        path = link.expect("there are more").split(['<', '>']).nth(1).unwrap().to_owned();
    }
}

#[test]
fn a_script_that_pages_users_out_is_stopped_and_written_down() {
    let shop = Shop::new();
    shop.sqlite(TABLE);
    let server = Server::of(shop, USERS, &[]);
    with_password(&server);
    let nobody = server.asker(None);
    let entered = || cookie(&sign_in(&nobody, "editor@example.com", "correct horse battery"));
    let first = entered();
    let (rows, refused) = page_out(&nobody, &first);
    assert_eq!(rows.len(), 250);
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    let problem: Value = refused.json().unwrap();
    assert_eq!(problem["type"], "urn:tidegate:problem:too-many-rows-seen");
    // To go on asking, or to sign in again, is of no use, and leaves no second entry.
    for cookie in [first, entered()] {
        let refused = nobody.request(Method::GET, PATH).header("cookie", cookie).send().unwrap();
        assert_eq!(refused.status(), 429);
    }
    let log = server.log();
    let told: Vec<&Value> = log.iter().filter(|entry| entry["action"] == "egress.volume").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["name"], "editor@example.com");
    assert_eq!(told[0]["subject"], "users");
    assert_eq!(told[0]["tags"], json!(["egress.pii"]));
    assert_eq!(told[0]["details"]["rows_seen"], 250);
    // Somebody else is not stopped by it.
    let ada = server.with_role("administrator");
    assert_eq!(ada.get(PATH).status(), 200);
}

#[test]
fn a_token_that_may_only_list_users_reads_no_rows_of_them() {
    let shop = Shop::new();
    shop.sqlite(TABLE);
    let server = Server::of(shop, USERS, &[]);
    let lister = server.with_token("administrator", &["--scopes", "users.list"]);
    let refused = lister.get(PATH);
    assert_eq!(refused.status(), 403);
    let text = refused.text().unwrap();
    assert!(text.contains("users.export") && !text.contains("@example.org"), "{text}");
    // Nor does a token of a role that only lists them; its operator does, signed in.
    assert_eq!(server.with_role("editor").get(PATH).status(), 403);
    let taker = server.with_token("administrator", &["--scopes", "users.list,users.export"]);
    assert_eq!(taker.get(PATH).status(), 200);
    let log = server.log();
    let denied = log.iter().filter(|entry| entry["action"] == "rows.viewed");
    assert_eq!(denied.filter(|entry| entry["outcome"] == "denied").count(), 2);
}
