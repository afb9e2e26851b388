//! Two sites that differ only in what may not be seen answer alike, to the byte.

use std::{cell::RefCell, fmt::Write};

use reqwest::{Method, blocking::Response};
use serde_json::{Value, json};

use super::site::NORTH;
use crate::{
    edge::server::{Asker, Server},
    site::Shop,
};

const SUBJECT: &str = r#"
[[subjects]]
slug = "sales"
source = "shop"
table = "sales"
search = ["note"]
fields = ["id", "region", "amount", "note"]
"#;
const FORMATS: [&str; 6] = ["csv", "ndjson", "json", "xml", "xlsx", "parquet"];
/// Members that differ from one run to the next.
const VOLATILE: [&str; 13] = [
    "id",
    "created_at",
    "completed_at",
    "expires_at",
    "started_at",
    "at",
    "url",
    "job",
    "version",
    "seconds",
    "file_name",
    "cursor",
    "run_after",
];

/// A site whose clerk sees the north; of the south there are so many rows, with this in them.
fn site(south: usize, note: &str) -> (Server, Asker) {
    let shop = Shop::new();
    let mut sql = "create table sales (id integer primary key, region text, amount integer, \
                   note text, cost text);"
        .to_owned();
    for id in 1..=NORTH {
        write!(sql, "insert into sales values ({id}, 'north', {id}, 'seen {id}', 'x');").unwrap();
    }
    write!(
        sql,
        "with recursive c(n) as (select {NORTH} + 1 union all select n + 1 from c \
             where n < {NORTH} + {south})
         insert into sales select n, 'south', -n, '{note}', '{note}' from c;"
    )
    .unwrap();
    shop.sqlite(&sql);
    let server = Server::of(shop, SUBJECT, &[]);
    let ada = server.with_role("administrator");
    let capabilities = ["exports.list.own", "exports.download.own", "sales.list", "sales.export"];
    let limit = json!({ "field": "region", "op": "eq", "value": "north" });
    let limits = json!([{ "subject": "sales", "where": limit }]);
    let role = json!({ "capabilities": capabilities, "limits": limits });
    let put = ada.request(Method::PUT, "/api/v1/roles/clerk").json(&role).send().unwrap();
    assert_eq!(put.status(), 204);
    server.run(&["operators", "add", "clerk@example.com", "--role", "clerk"]);
    let clerk = server.with_role("clerk");
    (server, clerk)
}

/// A document without what differs from one run to the next.
fn steady(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !VOLATILE.contains(&name.as_str()));
            members.values_mut().for_each(steady);
        }
        Value::Array(items) => items.iter_mut().for_each(steady),
        _ => {}
    }
}

/// Everything that the clerk is told.
fn told(clerk: &Asker) -> Vec<String> {
    let told = RefCell::new(Vec::new());
    let keep = |place: String, answer: Response| {
        let status = answer.status();
        let tag = answer.headers().get("etag").cloned();
        let text = answer.text().unwrap();
        let Ok(whole) = serde_json::from_str::<Value>(&text) else {
            return told.borrow_mut().push(format!("{place}: {status} {tag:?} {text}"));
        };
        let mut text = whole.clone();
        steady(&mut text);
        // The tag of a moment is as good as the moment.
        let tag = tag.filter(|_| text == whole);
        told.borrow_mut().push(format!("{place}: {status} {tag:?} {text}"));
    };
    let hidden = json!({ "field": "region", "op": "eq", "value": "south" });
    let negative = json!({ "field": "amount", "op": "lt", "value": 0 });
    for query in [
        "".to_owned(),
        "limit=7".to_owned(),
        "sort=-amount".to_owned(),
        "sort=note,-id".to_owned(),
        "search=hidden".to_owned(),
        "search=e".to_owned(),
        "sort=cost".to_owned(),
        "filter={".to_owned(),
        format!("filter={hidden}"),
        format!("filter={negative}"),
        format!("filter={}", json!({ "not": hidden })),
        format!("filter={}", json!({ "field": "cost", "op": "is_null" })),
        format!("filter={}", json!({ "field": "amount", "op": "lt", "value": "x" })),
    ] {
        let path = format!("/api/v1/subjects/sales/rows?total=true&{query}");
        keep(path.clone(), clerk.get(path.trim_end_matches('&')));
    }
    keep("subject".to_owned(), clerk.get("/api/v1/subjects/sales"));
    for scope in [
        json!({}),
        json!({ "search": "hidden" }),
        json!({ "filter": hidden }),
        json!({ "filter": { "any": [hidden, negative] } }),
        json!({ "sort": ["-amount"] }),
        json!({ "ids": [1, NORTH + 1, NORTH + 2] }),
        json!({ "except_ids": [1] }),
        json!({ "sort": ["cost"] }),
    ] {
        for path in ["preview", "estimate"] {
            let order = json!({ "subject": "sales", "format": "csv", "scope": scope });
            let answer = clerk.post(&format!("/api/v1/exports/{path}"), &order);
            keep(format!("{path} of {scope}"), answer);
        }
    }
    for format in FORMATS {
        let id = clerk.export(&json!({ "subject": "sales", "format": format }));
        keep(format!("job of {format}"), clerk.get(&format!("/api/v1/exports/{id}")));
        let link = clerk.link(id);
        let head = clerk.request(Method::HEAD, &link).send().unwrap();
        let length = head.headers()["content-length"].clone();
        keep(format!("head of {format}, {length:?}"), head);
        let file = clerk.get(&link);
        let tag = file.headers()["etag"].clone();
        let bytes = file.bytes().unwrap();
        told.borrow_mut().push(format!("file of {format}: {} bytes, {tag:?}", bytes.len()));
    }
    told.into_inner()
}

#[test]
fn sites_that_differ_only_in_what_may_not_be_seen_answer_alike() {
    let (few, many) = (site(3, "hidden"), site(700, &"another hidden thing ".repeat(40)));
    let (few, many) = (told(&few.1), told(&many.1));
    assert!(few.len() > 40, "{}", few.len());
    for (few, many) in few.iter().zip(&many) {
        assert_eq!(few, many);
    }
}
