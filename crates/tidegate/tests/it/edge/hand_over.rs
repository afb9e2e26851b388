//! Requests that another site has signed: whom it vouches for, what that amounts to, and what is
//! refused.

use chrono::Utc;
use reqwest::{
    Method,
    blocking::{RequestBuilder, Response},
    header,
};
use serde_json::{Value, json};
use tidegate_service::SharedKey;

use super::server::{Asker, Server};

/// A site whose key we have, and whose people are signed in.
pub(crate) const CONFIGURATION: &str = r#"
[server.hand_over]
key = "a key that the two sites share, and nobody else"
role = "viewer"
create = true
sign_in = true
"#;
const SECOND_MICROS: i64 = 1_000_000;
const KEY: &str = "a key that the two sites share, and nobody else";

/// A request, and how it is signed.
pub(crate) struct Handed<'a> {
    pub(crate) email: &'a str,
    key: &'a str,
    audience: String,
    issuer: &'a str,
    nonce: String,
    /// When it was put together, in microseconds.
    at: i64,
    /// Seconds before that at which it was signed.
    age: i64,
    /// Whether the body says the moment, too, and not the header alone its second.
    says_moment: bool,
    is_active: bool,
    memberships: Value,
    pub(crate) export: Value,
}

impl<'a> Handed<'a> {
    /// One that is good.
    #[expect(clippy::disallowed_methods, reason = "the other site has a clock of its own")]
    pub(crate) fn of(server: &Server) -> Self {
        Self {
            email: "hedy@example.com",
            key: KEY,
            audience: server.base.clone(),
            issuer: "django",
            nonce: format!("{:032x}", rand::random::<u128>()),
            at: Utc::now().timestamp_micros(),
            age: 0,
            says_moment: true,
            is_active: true,
            memberships: json!([{ "model": "shop.Order", "codenames": ["view", "export"] }]),
            export: Value::Null,
        }
    }

    fn signed_at(&self) -> i64 {
        self.at - self.age * SECOND_MICROS
    }

    fn body(&self) -> Value {
        let mut body = json!({
            "issuer": self.issuer,
            "audience": self.audience,
            "user": { "email": self.email, "is_active": self.is_active },
            "memberships": self.memberships,
            "export": self.export,
        });
        if self.says_moment {
            body["signed_at"] = self.signed_at().into();
        }
        body
    }

    fn headers(&self) -> [(&'static str, String); 3] {
        let at = self.signed_at() / SECOND_MICROS;
        let key = SharedKey::read(&self.key.into()).unwrap();
        let body = serde_json::to_vec(&self.body()).unwrap();
        [
            ("webhook-id", self.nonce.clone()),
            ("webhook-timestamp", at.to_string()),
            ("webhook-signature", key.sign(&self.nonce, at, &body)),
        ]
    }

    pub(crate) fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        let signed = self.headers().into_iter();
        signed
            .fold(request, |request, (name, value)| request.header(name, value))
            .json(&self.body())
    }

    /// Its parts by name, for whoever puts the request together.
    pub(crate) fn example(&self) -> Value {
        let mut parts = json!({ "body": self.body() });
        for (name, value) in self.headers() {
            parts[name] = value.into();
        }
        parts
    }

    fn sent(&self, asker: &Asker) -> Response {
        self.sign(asker.request(Method::POST, "/api/v1/hand-overs")).send().unwrap()
    }
}

fn server() -> Server {
    let server = Server::with(CONFIGURATION);
    let export = r#"[{"model": "shop.Order", "codename": "export", "name": "Export orders",
        "kind": "server", "scope": "bulk"}]"#;
    std::fs::write(server.shop.path("actions.json"), export).unwrap();
    server.run(&["sync-actions", "actions.json"]);
    // The service account of the other site: it may do nothing else.
    server.run(&["roles", "put", "sites", "--capabilities", "actions.sync"]);
    server.run(&["operators", "add", "site@example.com", "--role", "sites"]);
    server
}

fn orders() -> Value {
    json!({ "subject": "orders", "format": "csv", "scope": { "ids": [3, 5] } })
}

#[test]
fn whoever_is_handed_over_lands_on_the_export_signed_in_and_once() {
    let server = server();
    let site = server.with_role("site");
    let request = Handed { export: orders(), ..Handed::of(&server) };
    let taken = request.sent(&site);
    assert_eq!(taken.status(), 201, "{}", taken.text().unwrap());
    let taken: Value = taken.json().unwrap();
    assert_eq!(taken["granted"], json!(["orders.export", "orders.list"]));
    let job = taken["job"].as_u64().unwrap();
    let url = taken["url"].as_str().unwrap();
    assert!(!url.contains("hedy"), "{url}");

    // In a browser that is signed in as somebody else it lets nobody in.
    super::sign_in::set_password(&server, "editor@example.com");
    let nobody = server.asker(None);
    let password = super::sign_in::PASSWORD;
    let eve = super::sign_in::sign_in(&nobody, "editor@example.com", password);
    let eve = super::sign_in::cookie(&eve);
    let other = nobody.request(Method::GET, url).header("cookie", &eve).send().unwrap();
    assert!(other.headers().get(header::SET_COOKIE).is_none());

    let landed = nobody.get(url);
    assert_eq!(landed.status(), 303);
    assert_eq!(landed.headers()[header::LOCATION], format!("/sg-admin/exports/{job}"));
    let cookie = super::sign_in::cookie(&landed);
    let page = nobody.request(Method::GET, &format!("/sg-admin/exports/{job}"));
    let page = page.header("cookie", &cookie).send().unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().unwrap().contains("hedy"));
    let again = nobody.get(url);
    assert!(again.headers().get(header::SET_COOKIE).is_none(), "once");
    assert!(again.headers()[header::LOCATION].to_str().unwrap().contains("sign-in?next="));

    let log = server.log();
    let of = |action: &str| -> Vec<&Value> {
        log.iter().filter(|entry| entry["action"] == action).collect()
    };
    assert_eq!(of("hand_over.taken").len(), 1);
    assert_eq!(of("grant.renewed")[0]["actor"], "provider");
    assert_eq!(of("grant.renewed")[0]["name"], "django");
    let made = of("export.created");
    assert_eq!((made.len(), &made[0]["name"]), (1, &json!("hedy@example.com")));
    let started = log.iter().filter(|entry| entry["details"]["handed_over"] == true);
    assert_eq!(started.count(), 1);
}

#[test]
fn what_is_forged_replayed_old_or_for_somebody_else_is_refused() {
    let server = server();
    let site = server.with_role("site");
    let good = || Handed { export: orders(), ..Handed::of(&server) };
    let told = |answer: Response| (answer.status().as_u16(), answer.text().unwrap());
    let forged = Handed { key: "another key of more than twenty-four bytes", ..good() };
    let (status, text) = told(forged.sent(&site));
    assert!(status == 422 && text.contains("not signed with the key"), "{text}");
    // What was signed for one is not good for another: the body is what is signed.
    let one = good();
    let other = Handed { email: "administrator@example.com", nonce: one.nonce.clone(), ..good() };
    let request = site.request(Method::POST, "/api/v1/hand-overs").json(&other.body());
    let request =
        one.headers().into_iter().fold(request, |it, (name, value)| it.header(name, value));
    let (status, text) = told(request.send().unwrap());
    assert!(status == 422 && text.contains("not signed with the key"), "{text}");
    for (age, is_good) in [(61, false), (55, true), (-30, false)] {
        let (status, text) = told(Handed { age, ..good() }.sent(&site));
        assert_eq!(status == 201, is_good, "{age}: {text}");
    }
    let elsewhere = Handed { audience: "https://other.example.com".to_owned(), ..good() };
    assert_eq!(elsewhere.sent(&site).status(), 422);
    assert_eq!(Handed { issuer: "wagtail", ..good() }.sent(&site).status(), 422);
    let once = good();
    assert_eq!(once.sent(&site).status(), 201);
    assert_eq!(once.sent(&site).status(), 409, "it was taken before");
    // The key alone is not enough, nor is a token without the capability.
    assert_eq!(good().sent(&server.asker(None)).status(), 401);
    assert_eq!(good().sent(&server.with_role("editor")).status(), 403);
    let log = server.log();
    let denied = log
        .iter()
        .filter(|entry| entry["action"] == "hand_over.taken" && entry["outcome"] == "denied");
    assert!(denied.count() >= 6, "each has left its entry");
}

#[test]
fn a_site_grants_what_is_of_its_models_and_signs_no_administrator_in() {
    let server = server();
    let site = server.with_role("site");
    let all = json!([
        { "model": "shop.Order", "codenames": ["view", "export", "manage", "list"] },
        { "model": "roles.Role", "codenames": ["manage", "view"] },
        { "model": "unknown", "codenames": ["export"] },
    ]);
    let greedy = Handed { memberships: all, ..Handed::of(&server) };
    let taken: Value = greedy.sent(&site).json().unwrap();
    assert_eq!(taken["granted"], json!(["orders.export", "orders.list"]));
    assert_eq!((&taken["job"], &taken["url"]), (&Value::Null, &Value::Null));

    let ada =
        Handed { email: "administrator@example.com", export: orders(), ..Handed::of(&server) };
    let taken: Value = ada.sent(&site).json().unwrap();
    assert!(!taken["url"].as_str().unwrap().contains("ticket"), "{taken}");

    // Out of the group, or shut out: the same day, not a day later.
    let export = |memberships: Value, is_active: bool| {
        let whose = Handed { memberships, is_active, export: orders(), ..Handed::of(&server) };
        whose.sent(&site).status().as_u16()
    };
    let orders_of = |codenames: Value| json!([{ "model": "shop.Order", "codenames": codenames }]);
    assert_eq!(export(orders_of(json!(["view", "export"])), true), 201);
    assert_eq!(export(orders_of(json!(["view"])), true), 403, "no export any more");
    assert_eq!(export(json!([]), true), 422, "nor is the subject there");
    assert_eq!(export(orders_of(json!(["view", "export"])), false), 422);
    // Whoever may nothing is made no operator.
    let stranger =
        Handed { email: "nobody@example.com", memberships: json!([]), ..Handed::of(&server) };
    assert_eq!(stranger.sent(&site).status(), 422);
    let people = server.with_role("administrator").read("/api/v1/operators").to_string();
    assert!(!people.contains("nobody@example.com") && people.contains("hedy@example.com"));
}

#[test]
fn an_older_word_does_not_bring_back_what_a_newer_one_has_taken() {
    for says_moment in [true, false] {
        let server = server();
        let site = server.with_role("site");
        let word = |age: i64, memberships: Value| Handed {
            age,
            says_moment,
            memberships,
            ..Handed::of(&server)
        };
        let orders_of = || json!([{ "model": "shop.Order", "codenames": ["view", "export"] }]);
        assert_eq!(word(20, orders_of()).sent(&site).status(), 201);
        let older = word(8, orders_of());
        let click = Handed { export: orders(), ..word(6, orders_of()) };
        assert_eq!(word(2, json!([])).sent(&site).status(), 201);
        let taken: Value = older.sent(&site).json().unwrap();
        assert_eq!(taken["granted"], json!([]), "the newer word counts");
        assert_eq!(click.sent(&site).status(), 422, "for a click, too");
        let made = server.log();
        assert!(
            !made
                .iter()
                .any(|entry| entry["action"] == "export.created" && entry["outcome"] == "done")
        );
        let taken: Value = word(1, orders_of()).sent(&site).json().unwrap();
        assert_eq!(taken["granted"], json!(["orders.export", "orders.list"]), "said again");
    }
}

#[test]
fn a_moment_that_is_not_of_the_second_that_was_signed_is_refused() {
    let server = server();
    let site = server.with_role("site");
    let good = Handed::of(&server);
    let mut body = good.body();
    body["signed_at"] = (good.signed_at() + SECOND_MICROS).into();
    let (id, at) = (good.nonce.clone(), good.signed_at() / SECOND_MICROS);
    let key = SharedKey::read(&KEY.into()).unwrap();
    let signature = key.sign(&id, at, &serde_json::to_vec(&body).unwrap());
    let request = site.request(Method::POST, "/api/v1/hand-overs").header("webhook-id", id);
    let request = request.header("webhook-timestamp", at).header("webhook-signature", signature);
    let answer = request.json(&body).send().unwrap();
    assert_eq!(answer.status(), 422);
    assert!(answer.text().unwrap().contains("another second"));
}

#[test]
fn without_a_key_no_signed_request_is_taken() {
    let server = Server::new();
    let answer = Handed::of(&server).sent(&server.with_role("administrator"));
    assert_eq!(answer.status(), 422);
    assert!(answer.text().unwrap().contains("[server.hand_over]"));
    assert_eq!(
        server.asker(None).get("/sg-admin/sign-in/handed-over?ticket=x&job=1").status(),
        404
    );
}
