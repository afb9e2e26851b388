//! Actions that another site does: who may, what it is sent, and what is written down.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
};

use reqwest::Method;
use serde_json::{Value, json};
use tidegate_service::SharedKey;

use super::server::{Asker, Server};
use crate::site::Shop;

const SECRET: &str = "the secret of an action, of some length";

/// What the site was sent.
pub(crate) struct Sent {
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(one, _)| one == name).unwrap().1
    }
}

/// A site that does what it is asked, and answers with one status.
pub(crate) fn site(status: u16) -> (String, Receiver<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/actions", listener.local_addr().unwrap());
    let (told, heard) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut headers = Vec::new();
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap() <= 2 {
                    break;
                }
                if let Some((name, value)) = line.trim_end().split_once(": ") {
                    headers.push((name.to_lowercase(), value.to_owned()));
                }
            }
            let sent = headers.iter().find(|(name, _)| name == "content-length");
            let mut body = vec![0; sent.map_or(0, |(_, value)| value.parse().unwrap())];
            stream.read_exact(&mut body).unwrap();
            // Wherever it points to, nobody follows.
            let answer = format!(
                "HTTP/1.1 {status} So\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 6\r\n\
                 connection: close\r\n\r\nsecret"
            );
            drop(stream.get_mut().write_all(answer.as_bytes()));
            if told.send(Sent { headers, body }).is_err() {
                return;
            }
        }
    });
    (address, heard)
}

/// `[[actions]]` that this site does.
pub(crate) fn configuration(webhook: &str, more: &str) -> String {
    format!(
        "\n[[actions]]\nmodel = \"shop.Order\"\ncodename = \"refund\"\nname = \"Refund orders\"\n\
         kind = \"server\"\nscope = \"bulk\"\nwebhook = \"{webhook}\"\nsecret_file = \"refund.key\"\n\
         {more}\n"
    )
}

/// A shop that has the secret.
pub(crate) fn shop() -> Shop {
    let shop = Shop::new();
    std::fs::write(shop.path("refund.key"), SECRET).unwrap();
    shop
}

/// Lets a role have it done.
pub(crate) fn allow(server: &Server, role: &str) {
    let ada = server.with_role("administrator");
    let roles = ada.read("/api/v1/roles");
    let found = roles.as_array().unwrap().iter().find(|one| one["slug"] == role).unwrap();
    let mut capabilities = found["capabilities"].as_array().unwrap().clone();
    capabilities.extend(["orders.list".into(), "orders.refund".into()]);
    let body = json!({ "label": found["label"], "capabilities": capabilities });
    let put = ada.request(Method::PUT, &format!("/api/v1/roles/{role}")).json(&body).send();
    assert_eq!(put.unwrap().status(), 204);
}

fn run(asker: &Asker, body: &Value) -> (u16, Value) {
    let answer = asker.post("/api/v1/actions/orders/refund/runs", body);
    (answer.status().as_u16(), answer.json().unwrap())
}

pub(crate) fn entries(server: &Server, action: &str) -> Vec<Value> {
    let log = server.log();
    log.into_iter().filter(|entry| entry["action"] == action).collect()
}

#[test]
fn what_is_done_by_the_site_is_signed_and_written_down_before_and_after() {
    let (webhook, heard) = site(204);
    let more = "private = true\nreason = true";
    let server = Server::of(shop(), &configuration(&webhook, more), &[]);
    server.run(&["sync-actions"]);
    let editor = server.with_role("editor");
    let body = json!({ "scope": { "ids": [3, 5] }, "reason": "Damaged" });
    // Nobody has it before somebody ticks it, the administrator neither.
    for role in ["editor", "administrator"] {
        assert_eq!(run(&server.with_role(role), &body).0, 403, "{role}");
    }
    assert_eq!(run(&server.with_role("viewer"), &body).0, 404, "without the subject");
    assert!(heard.try_recv().is_err());
    let refused = entries(&server, "action.run");
    assert!(refused.len() == 3 && refused.iter().all(|one| one["outcome"] == "denied"));

    allow(&server, "editor");
    let listed = editor.read("/api/v1/actions");
    assert_eq!((&listed[0]["is_allowed"], &listed[0]["can_run"]), (&json!(true), &json!(true)));
    let (status, told) = run(&editor, &json!({ "scope": { "ids": [3] } }));
    assert_eq!((status, &told["errors"][0]["pointer"]), (422, &json!("/reason")));
    let (status, ran) = run(&editor, &body);
    assert_eq!(status, 200, "{ran}");
    assert_eq!(
        (&ran["records"], &ran["outcome"], &ran["status"]),
        (&json!(2), &json!("done"), &json!(204))
    );

    let sent = heard.recv().unwrap();
    let at = sent.header("webhook-timestamp").parse().unwrap();
    let key = SharedKey::read(&SECRET.into()).unwrap();
    let id = sent.header("webhook-id");
    assert!(key.verifies(id, at, &sent.body, sent.header("webhook-signature")));
    let told: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!(told["type"], "action.run");
    assert_eq!(told["data"]["keys"], json!([3, 5]));
    assert_eq!(told["data"]["operator"], "editor@example.com");
    assert_eq!(
        (&told["data"]["model"], &told["data"]["codename"]),
        (&json!("shop.Order"), &json!("refund"))
    );
    assert_eq!(*id, format!("run_{}", ran["run"]));

    let begun = entries(&server, "action.run").pop().unwrap();
    let ended = entries(&server, "action.finished").pop().unwrap();
    assert_eq!((&begun["seq"], &begun["details"]["records"]), (&ran["run"], &json!(2)));
    assert_eq!(
        (&ended["details"]["run"], &ended["details"]["outcome"]),
        (&ran["run"], &json!("done"))
    );
    assert!(begun["seq"].as_u64() < ended["seq"].as_u64());
    assert!(!ended.to_string().contains("secret"), "nothing of the answer's body");
}

#[test]
fn a_selection_is_within_the_row_limit_and_of_a_size_and_all_but_some_is_one() {
    let (webhook, heard) = site(200);
    let server = Server::of(shop(), &configuration(&webhook, "private = true"), &[]);
    server.run(&["sync-actions"]);
    let limit = r#"orders={"field":"id","op":"lte","value":5}"#;
    let may = "orders.list,orders.refund";
    server.run(&["roles", "put", "few", "--capabilities", may, "--limit", limit]);
    server.run(&["operators", "add", "few@example.com", "--role", "few"]);
    let few = server.with_role("few");
    let (_, ran) = run(&few, &json!({ "scope": { "ids": [4, 5, 6, 7] } }));
    assert_eq!(ran["records"], 2, "{ran}");
    let told: Value = serde_json::from_slice(&heard.recv().unwrap().body).unwrap();
    assert_eq!(told["data"]["keys"], json!([4, 5]));
    let (_, ran) = run(&few, &json!({ "scope": { "except_ids": [1, 2] } }));
    assert_eq!(ran["records"], 3, "{ran}");
    let (status, none) = run(&few, &json!({ "scope": { "ids": [6] } }));
    assert_eq!((status, &none["errors"][0]["pointer"]), (422, &json!("/scope")));
    allow(&server, "editor");
    let (status, many) = run(&server.with_role("editor"), &json!({ "scope": {} }));
    assert_eq!(status, 422);
    assert!(many.to_string().contains("at most 1000 records"), "{many}");
}

#[test]
fn what_the_site_does_not_do_is_the_outcome_and_no_redirect_is_followed() {
    for (status, outcome) in [(302, "refused"), (500, "refused")] {
        let (webhook, _heard) = site(status);
        let server = Server::of(shop(), &configuration(&webhook, "private = true"), &[]);
        server.run(&["sync-actions"]);
        allow(&server, "editor");
        let (_, ran) = run(&server.with_role("editor"), &json!({ "scope": { "ids": [1] } }));
        assert_eq!((&ran["outcome"], &ran["status"]), (&json!(outcome), &json!(status)));
    }
    // An address of the inside is refused unless it is meant, and one where nobody listens is told.
    let (webhook, heard) = site(200);
    for (webhook, more, outcome) in [
        (webhook.as_str(), "", "address_refused"),
        ("http://127.0.0.1:9/", "private = true", "unreachable"),
    ] {
        let server = Server::of(shop(), &configuration(webhook, more), &[]);
        server.run(&["sync-actions"]);
        allow(&server, "editor");
        let (_, ran) = run(&server.with_role("editor"), &json!({ "scope": { "ids": [1] } }));
        assert_eq!((&ran["outcome"], &ran["status"]), (&json!(outcome), &Value::Null));
        let ended = entries(&server, "action.finished").pop().unwrap();
        assert_eq!(ended["details"]["outcome"], outcome);
    }
    assert!(heard.try_recv().is_err());
}
