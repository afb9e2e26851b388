//! Every example of the description is sent to a real server, and every answer is held against its
//! schema by a validator that we did not write.

use jsonschema::Validator;
use reqwest::{
    Method,
    blocking::{RequestBuilder, Response},
};
use serde_json::{Map, Value, json};

use super::{
    action_runs,
    hand_over::{self, Handed},
    second_factor::authenticator::{code, step},
    server::{Asker, Server},
};
use crate::site::Ended;

/// A mail server that nobody answers for: a test mail is asked for, and waits.
const NOTIFY: &str = "[notify]\nsmtp_host = \"127.0.0.1\"\nsmtp_port = 9\n\
    smtp_security = \"none\"\nfrom = \"tidegate@example.com\"\n";

/// Operations as the description has them.
struct Described {
    document: Value,
}

struct Operation<'a> {
    id: &'a str,
    method: Method,
    path: &'a str,
    described: &'a Value,
}

impl Described {
    fn operations(&self) -> Vec<Operation<'_>> {
        let paths = self.document["paths"].as_object().unwrap();
        let all = paths.iter().flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, described)| Operation {
                id: described["operationId"].as_str().unwrap(),
                method: method.to_uppercase().parse().unwrap(),
                path,
                described,
            })
        });
        all.collect()
    }

    /// The validator of a schema of the description.
    fn validator(&self, schema: &Value) -> Validator {
        let mut whole = schema.clone();
        whole["components"] = self.document["components"].clone();
        jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&whole)
            .unwrap_or_else(|error| panic!("{schema}: {error}"))
    }

    #[track_caller]
    fn assert_valid(&self, what: &str, schema: &Value, instance: &Value) {
        let validator = self.validator(schema);
        let faults: Vec<String> =
            validator.iter_errors(instance).map(|error| format!("{error}")).collect();
        assert!(faults.is_empty(), "{what}: {faults:#?}\nin {instance:#}");
    }
}

impl Operation<'_> {
    /// The documented success, with its status.
    fn success(&self) -> (u16, &Value) {
        let all = self.described["responses"].as_object().unwrap();
        // Of several ways to succeed with a body, the usual one is the last.
        let good = || all.iter().filter(|(status, _)| status.starts_with('2'));
        let with_body = good().rfind(|(_, answer)| answer.get("content").is_some());
        let (status, success) = with_body.or_else(|| good().next()).unwrap();
        (status.parse().unwrap(), success)
    }

    fn request_content(&self) -> &Value {
        &self.described["requestBody"]["content"]["application/json"]
    }

    /// The request of the examples; what names something that has to be there comes from outside.
    fn request(&self, asker: &Asker, made: &Map<String, Value>) -> RequestBuilder {
        let mut path = self.path.to_owned();
        let mut query: Vec<(String, String)> = Vec::new();
        let mut headers = Vec::new();
        for parameter in self.described["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let Some(value) = made.get(name).or_else(|| parameter.get("example")) else { continue };
            match parameter["in"].as_str().unwrap() {
                "path" => path = path.replace(&format!("{{{name}}}"), &plain(value)),
                "query" => match value {
                    Value::Array(values) => {
                        query.extend(values.iter().map(|value| (name.to_owned(), plain(value))));
                    }
                    value => query.push((name.to_owned(), plain(value))),
                },
                _ => headers.push((name.to_owned(), plain(value))),
            }
        }
        let mut request = asker.request(self.method.clone(), &path).query(&query);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        match made.get("body").or_else(|| self.request_content().get("example")) {
            Some(body) => request.json(body),
            None => request,
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What has to be there before an operation can succeed: numbers of things that were made for it.
fn prepared(server: &Server, ada: &Asker, id: &str) -> Map<String, Value> {
    let orders = json!({ "subject": "orders", "format": "csv" });
    let made = match id {
        "get_export" | "list_attempts" | "get_manifest" | "list_events" | "rerun_export"
        | "delete_artifact" | "create_download" => json!({ "id": ada.export(&orders) }),
        "get_schedule" | "change_schedule" | "delete_schedule" | "run_schedule"
        | "pause_schedule" | "resume_schedule" | "reassign_schedule" => scheduled(ada, id),
        "cancel_export" => {
            let endless = json!({ "subject": "endless", "format": "csv" });
            let made = ada.post("/api/v1/exports", &endless).json::<Value>().unwrap();
            json!({ "id": made["id"] })
        }
        "change_operator" => {
            let grace = json!({ "email": "hopper@example.com", "role": "editor" });
            let added = ada.post("/api/v1/operators", &grace).json::<Value>().unwrap();
            json!({ "id": added["id"] })
        }
        "reset_second_factor" => json!({ "id": ada.read("/api/v1/me")["operator"] }),
        "begin_second_factor" | "confirm_second_factor" | "remove_second_factor" => {
            enrolling(server, ada, id)
        }
        "remove_role" => {
            let path = "/api/v1/roles/auditor";
            let put = ada.request(Method::PUT, path).json(&json!({ "capabilities": [] })).send();
            assert_eq!(put.unwrap().status(), 204);
            json!({})
        }
        "run_action" => {
            action_runs::allow(server, "administrator");
            json!({})
        }
        "take_hand_over" => Handed::of(server).example(),
        "revoke_token" => {
            let token = json!({ "name": "t", "days": 1 });
            let made = ada.post("/api/v1/tokens", &token).json::<Value>().unwrap();
            json!({ "id": made["id"] })
        }
        "get_webhook" | "put_webhook" | "rotate_webhook" | "test_webhook" | "remove_webhook" => {
            json!({ "id": webhook(ada) })
        }
        "redeliver" => json!({ "id": given_up(ada) }),
        "get_approval" | "grant_approval" | "deny_approval" | "break_approval"
        | "review_approval" => json!({ "id": waiting(server, ada, id) }),
        // A secret is nobody's example.
        "start_session" | "end_session" | "end_own_session" => {
            let body = signed_up(server);
            match id {
                "start_session" => json!({ "body": body }),
                "end_session" => {
                    ada.post("/api/v1/sessions", &body).error_for_status().unwrap();
                    let sessions = ada.read("/api/v1/sessions");
                    json!({ "id": sessions[0]["id"] })
                }
                _ => {
                    let started = ada.post("/api/v1/sessions", &body);
                    let cookie = started.headers()["set-cookie"].to_str().unwrap().to_owned();
                    json!({ "cookie": cookie.split(';').next().unwrap() })
                }
            }
        }
        _ => json!({}),
    };
    made.as_object().unwrap().clone()
}

/// A schedule for an operation on one.
fn scheduled(ada: &Asker, id: &str) -> Value {
    let when = json!({ "cron": "0 6 * * 1" });
    let schedule = json!({ "subject": "orders", "format": "csv", "schedule": when });
    let made = ada.post("/api/v1/exports", &schedule).json::<Value>().unwrap();
    if id == "resume_schedule" {
        let path = format!("/api/v1/schedules/{}/pause", made["id"]);
        ada.post(&path, &json!({})).error_for_status().unwrap();
    }
    match id {
        "reassign_schedule" => {
            let owner = ada.read("/api/v1/me")["operator"].clone();
            json!({ "id": made["id"], "body": { "owner": owner } })
        }
        _ => json!({ "id": made["id"] }),
    }
}

/// An export that waits for a second person: the administrator's own where that is what is
/// released, else somebody else's. Nothing else waits afterwards.
fn waiting(server: &Server, ada: &Asker, id: &str) -> Value {
    let email = "second@example.com";
    drop(ada.post("/api/v1/operators", &json!({ "email": email, "role": "administrator" })));
    let create = ["--as", email, "--json", "tokens", "create", "--name", "t", "--days", "1"];
    let token: Value = serde_json::from_str(&server.shop.run(&create).with_code(0).stdout).unwrap();
    let second = server.asker(Some(token["token"].as_str().unwrap().to_owned()));
    let rule = |rules: Value| {
        let rules = json!({ "rules": rules, "break_glass": true });
        let put = ada.request(Method::PUT, "/api/v1/approvals/rules").json(&rules).send();
        put.unwrap().error_for_status().unwrap();
    };
    rule(json!([{ "name": "all" }]));
    let orders = json!({ "subject": "orders", "format": "csv" });
    let creator = if id == "break_approval" { ada } else { &second };
    let made = creator.post("/api/v1/exports", &orders).json::<Value>().unwrap();
    if id == "review_approval" {
        let path = format!("/api/v1/approvals/{}/break", made["id"]);
        let broken = second.post(&path, &json!({ "reason": "it burns" }));
        broken.error_for_status().unwrap();
    }
    rule(json!([]));
    made["id"].clone()
}

/// A webhook at an address that nothing is sent to.
fn webhook(ada: &Asker) -> Value {
    let edit = json!({ "url": "https://127.0.0.1/", "topics": ["schedules"] });
    let made = ada.post("/api/v1/webhooks", &edit).error_for_status().unwrap();
    made.json::<Value>().unwrap()["id"].take()
}

/// A delivery that was given up, as its webhook was switched off.
fn given_up(ada: &Asker) -> Value {
    let id = webhook(ada);
    let path = format!("/api/v1/webhooks/{id}");
    let test = ada.request(Method::POST, &format!("{path}/test")).send().unwrap();
    let begun = test.error_for_status().unwrap().json::<Value>().unwrap();
    for is_enabled in [false, true] {
        let edit = json!({
            "url": "https://127.0.0.1/", "topics": ["schedules"], "is_enabled": is_enabled,
        });
        let put = ada.request(Method::PUT, &path).json(&edit).send().unwrap();
        put.error_for_status().unwrap();
    }
    begun["delivery"].clone()
}

/// What the administrator shows to enrol a second factor, and to be rid of it: it is off afterwards
/// in any case, as others sign in by the password alone.
fn enrolling(server: &Server, ada: &Asker, id: &str) -> Value {
    let path = format!("/api/v1/operators/{}/second-factor", ada.read("/api/v1/me")["operator"]);
    ada.request(Method::DELETE, &path).send().unwrap().error_for_status().unwrap();
    let password = signed_up(server)["password"].take();
    let proof = json!({ "password": password });
    if id == "begin_second_factor" {
        return json!({ "body": proof });
    }
    let offer = ada.post("/api/v1/second-factor", &proof).json::<Value>().unwrap();
    let (secret, now) = (offer["secret"].as_str().unwrap(), step());
    let first = json!({ "code": code(secret, now) });
    if id == "confirm_second_factor" {
        return json!({ "body": first });
    }
    let confirmed = ada.post("/api/v1/second-factor/confirm", &first);
    assert_eq!(confirmed.status(), 201);
    json!({ "body": { "password": password, "code": code(secret, now + 1) } })
}

/// Gives the administrator a password, and says what it signs in with.
fn signed_up(server: &Server) -> Value {
    let (email, password) = ("administrator@example.com", "correct horse battery staple");
    let mut reset = server.shop.command(&["--as", email, "operators", "reset", email]);
    let reset = reset.env("TIDEGATE__SERVER__PUBLIC_URL", &server.base).output().unwrap();
    let said = Ended::new(reset).with_code(0).stdout;
    let url = said.split_whitespace().find(|word| word.starts_with("http")).unwrap().to_owned();
    let token = url.split("token=").nth(1).unwrap().to_owned();
    let form = [("token", token.as_str()), ("email", email), ("password", password)];
    let nobody = server.asker(None);
    let set = nobody.request(Method::POST, "/sg-admin/password").form(&form).send().unwrap();
    assert_eq!(set.status(), 303, "{:?}", set.text());
    json!({ "email": email, "password": password })
}

fn ask(server: &Server, ada: &Asker, operation: &Operation<'_>) -> Response {
    let mut made = prepared(server, ada, operation.id);
    match made.remove("cookie") {
        None => operation.request(ada, &made).send().unwrap(),
        Some(cookie) => {
            let browser = server.asker(None);
            let request = operation.request(&browser, &made).header("cookie", plain(&cookie));
            let request = request.header("sec-fetch-site", "same-origin");
            request.send().unwrap()
        }
    }
}

#[test]
fn every_example_is_answered_as_the_description_says() {
    let (webhook, _heard) = action_runs::site(200);
    let actions = action_runs::configuration(&webhook, "private = true");
    let configuration = format!("{NOTIFY}{}{actions}", hand_over::CONFIGURATION);
    let server = Server::of(action_runs::shop(), &configuration, &[]);
    let ada = server.with_role("administrator");
    let described = Described { document: ada.read("/api/v1/openapi.json") };
    let operations = described.operations();
    let (mut sent, mut held) = (0, 0);
    for operation in &operations {
        let id = operation.id;
        let (status, success) = operation.success();
        if let Some(example) = operation.request_content().get("example") {
            let schema = &operation.request_content()["schema"];
            described.assert_valid(&format!("request of {id}"), schema, example);
            held += 1;
        }
        let answer = ask(&server, &ada, operation);
        sent += 1;
        let found = answer.status().as_u16();
        let text = answer.text().unwrap();
        assert_eq!(found, status, "{id}: {text}");
        let content = &success["content"]["application/json"];
        if let Some(example) = content.get("example") {
            let schema = &content["schema"];
            described.assert_valid(&format!("example of {id}"), schema, example);
            let body: Value = serde_json::from_str(&text).unwrap();
            described.assert_valid(&format!("answer of {id}"), schema, &body);
            held += 2;
        } else {
            assert_eq!(text, "", "{id} answers with a body that nobody describes");
        }
    }
    println!("{sent} operations asked with their examples, {held} bodies held against schemas");
    assert_eq!(sent, operations.len());
}

#[test]
fn a_refusal_is_the_problem_that_the_description_shows() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let described = Described { document: ada.read("/api/v1/openapi.json") };
    let problem = json!({ "$ref": "#/components/schemas/Problem" });
    for operation in described.operations() {
        for response in operation.described["responses"].as_object().unwrap().values() {
            let example = response["content"]["application/problem+json"].get("example");
            if let Some(example) = example {
                described.assert_valid(operation.id, &problem, example);
            }
        }
    }
    let wrong = json!({ "subject": "orders", "format": "csv", "fields": ["id", "totl"] });
    let refused = ada.post("/api/v1/exports", &wrong).json::<Value>().unwrap();
    described.assert_valid("a refused request", &problem, &refused);
    assert_eq!(refused["errors"][0]["pointer"], "/fields/1");
}

#[test]
fn the_schema_of_a_filter_ends_where_the_server_does() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let described = Described { document: ada.read("/api/v1/openapi.json") };
    let request = json!({ "$ref": "#/components/schemas/ExportRequest" });
    let validator = described.validator(&request);
    for (groups, is_right) in [(0, true), (7, true), (8, false), (9, false)] {
        for group in ["all", "any", "not"] {
            let mut filter = json!({ "field": "status", "op": "eq", "value": "paid" });
            for _ in 0..groups {
                filter = if group == "not" {
                    json!({ group: filter })
                } else {
                    json!({ group: [filter] })
                };
            }
            let body =
                json!({ "subject": "orders", "format": "csv", "scope": { "filter": filter } });
            assert_eq!(validator.is_valid(&body), is_right, "{groups} times {group}");
            let answer = ada.post("/api/v1/exports/estimate", &body);
            assert_eq!(answer.status() == 200, is_right, "{groups} times {group}");
        }
    }
}

#[test]
fn a_text_with_nul_is_refused_wherever_it_stands() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let bodies = [
        (
            Method::POST,
            "/api/v1/exports",
            json!({ "subject": "orders", "format": "csv", "reason": "\0" }),
        ),
        (Method::POST, "/api/v1/tokens", json!({ "name": "a\0b", "days": 1 })),
        (
            Method::POST,
            "/api/v1/operators",
            json!({ "email": "a\0@example.com", "role": "editor" }),
        ),
        (Method::PUT, "/api/v1/roles/auditor", json!({ "label": "\0", "capabilities": [] })),
    ];
    for (method, path, body) in bodies {
        let answer = ada.request(method, path).json(&body).send().unwrap();
        assert_eq!(answer.status(), 422, "{path}");
    }
    assert_eq!(ada.get("/api/v1/subjects/orders/rows?search=%00").status(), 422);
    assert_eq!(ada.get("/api/v1/subjects/%00").status(), 404);
}

#[test]
fn what_is_sent_without_a_value_is_not_taken_for_absent() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    for path in ["exports?limit=", "activity?operator=", "subjects/orders/rows?filter="] {
        assert_eq!(ada.get(&format!("/api/v1/{path}")).status(), 422, "{path}");
    }
    // A key that cannot be read would let a request be done twice.
    let orders = json!({ "subject": "orders", "format": "csv" });
    for key in ["", "a b", "schlüssel"] {
        let request = ada.request(Method::POST, "/api/v1/exports").header("idempotency-key", key);
        assert_eq!(request.json(&orders).send().unwrap().status(), 422, "{key:?}");
    }
}

#[test]
fn settings_that_would_shut_everybody_out_are_refused() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let put =
        |body: &Value| ada.request(Method::PUT, "/api/v1/settings").json(body).send().unwrap();
    let refused = put(&json!({ "session_hours_max": 0, "link_minutes": 0 }));
    assert_eq!(refused.status(), 422);
    let problem: Value = refused.json().unwrap();
    let places: Vec<&Value> =
        problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(places, ["/link_minutes", "/session_hours_max"]);
    // To JSON Schema, 30.0 is the integer 30.
    let taken = put(&json!({ "retention_days": 30.0 }));
    assert_eq!(taken.json::<Value>().unwrap()["retention_days"], 30);
}
