//! Signing in by a provider: whom it vouches for is let in, and nobody else.

use reqwest::{Method, blocking::Response};
use serde_json::{Value, json};

use super::{
    issuer::{CLIENT, Issuer},
    server::Server,
};

const BEGIN: &str = "/sg-admin/sign-in/provider";

fn server(issuer: &Issuer, more: &str) -> Server {
    let (id, secret) = CLIENT;
    Server::with(&format!(
        "[server.oidc]\nissuer = \"{}\"\nclient_id = \"{id}\"\nclient_secret = \"{secret}\"\n\
         label = \"Example ID\"\n{more}\n",
        issuer.url
    ))
}

/// A browser on its way: where it was sent, and what it keeps.
struct Away {
    url: String,
    cookie: String,
}

fn cookie(answer: &Response, name: &str) -> Option<String> {
    let set = answer.headers().get_all("set-cookie").iter();
    let found = set.map(|set| set.to_str().unwrap().split(';').next().unwrap().to_owned());
    found.into_iter().find(|set| set.starts_with(name) && !set.ends_with('='))
}

fn leave(server: &Server, next: &str) -> Away {
    let sent = server.asker(None).get(&format!("{BEGIN}?next={next}"));
    assert_eq!(sent.status(), 303);
    let set = sent.headers()["set-cookie"].to_str().unwrap();
    for word in ["HttpOnly", "SameSite=Lax", "Max-Age=600"] {
        assert!(set.contains(word), "{set}");
    }
    let url = sent.headers()["location"].to_str().unwrap().to_owned();
    Away { url, cookie: cookie(&sent, "tidegate_sign_on=").unwrap() }
}

impl Away {
    fn state(&self) -> String {
        let url = reqwest::Url::parse(&self.url).unwrap();
        let found = url.query_pairs().find(|(name, _)| name == "state");
        found.unwrap().1.into_owned()
    }

    fn arrive(&self, server: &Server, code: &str) -> Response {
        let path = format!("{BEGIN}/done?code={code}&state={}", self.state());
        server
            .asker(None)
            .request(Method::GET, &path)
            .header("cookie", &self.cookie)
            .send()
            .unwrap()
    }
}

/// Signs in with these claims; the status, and whom the cookie then is.
fn signed_on(server: &Server, issuer: &Issuer, claims: &Value) -> (u16, Option<Value>) {
    let away = leave(server, "/sg-admin/");
    let arrived = away.arrive(server, &issuer.grant(&away.url, claims));
    let me = cookie(&arrived, "tidegate_session=").map(|cookie| {
        let me = server.asker(None).request(Method::GET, "/api/v1/me").header("cookie", cookie);
        me.send().unwrap().json().unwrap()
    });
    (arrived.status().as_u16(), me)
}

#[test]
fn whoever_the_provider_vouches_for_is_signed_in() {
    let issuer = Issuer::new();
    let server = server(&issuer, "");
    let page = server.asker(None).get("/sg-admin/sign-in?next=/api/v1/me").text().unwrap();
    assert!(page.contains("Sign in with Example ID"), "{page}");
    let away = leave(&server, "/api/v1/me");
    assert!(away.url.starts_with(&format!("{}/authorize?", issuer.url)), "{}", away.url);
    let code = issuer.grant(&away.url, &json!({ "email": "Editor@example.com" }));
    let arrived = away.arrive(&server, &code);
    assert_eq!(
        (arrived.status().as_u16(), &arrived.headers()["location"]),
        (303, &"/api/v1/me".parse().unwrap())
    );
    let session = cookie(&arrived, "tidegate_session=").unwrap();
    let me = server.asker(None).request(Method::GET, "/api/v1/me").header("cookie", session);
    let me: Value = me.send().unwrap().json().unwrap();
    assert_eq!((&me["email"], &me["role"]), (&json!("editor@example.com"), &json!("editor")));
    let started: Vec<Value> =
        server.log().into_iter().filter(|entry| entry["action"] == "session.started").collect();
    assert_eq!(started.len(), 1);
    assert_eq!(
        (&started[0]["name"], &started[0]["outcome"]),
        (&json!("editor@example.com"), &json!("done"))
    );
    // The code is used up, and it was never worth anything in another browser.
    assert_eq!(away.arrive(&server, &code).status(), 401);
}

#[test]
fn nobody_is_signed_in_by_an_answer_to_somebody_else() {
    let issuer = Issuer::new();
    let server = server(&issuer, "");
    let editor = json!({ "email": "editor@example.com" });
    let (own, other) = (leave(&server, "/"), leave(&server, "/"));
    let code = issuer.grant(&other.url, &editor);
    // The answer of another browser's attempt, with its state and without, and with our state.
    let swapped = Away { url: other.url.clone(), cookie: own.cookie.clone() };
    assert_eq!(swapped.arrive(&server, &code).status(), 401);
    assert_eq!(own.arrive(&server, &code).status(), 401, "the verifier is another");
    let bare = server.asker(None).get(&format!("{BEGIN}/done?code={code}&state={}", other.state()));
    assert_eq!(bare.status(), 401);
    let given_up =
        server.asker(None).request(Method::GET, &format!("{BEGIN}/done?error=access_denied"));
    assert_eq!(given_up.header("cookie", &own.cookie).send().unwrap().status(), 401);
    for (what, claims) in [
        ("nonce", json!({ "nonce": "another" })),
        ("audience", json!({ "aud": "another" })),
        ("issuer", json!({ "iss": "http://127.0.0.1:1" })),
        ("expiry", json!({ "exp": 1_767_225_601 })),
        ("unverified address", json!({ "email_verified": false })),
        ("address said to be verified by a word", json!({ "email_verified": "false" })),
        ("no address", json!({ "email": null })),
    ] {
        let mut said = editor.clone();
        said.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        assert_eq!(signed_on(&server, &issuer, &said), (401, None), "{what}");
    }
    let stranger = json!({ "email": "stranger@example.com" });
    assert_eq!(signed_on(&server, &issuer, &stranger), (403, None));
    server.run(&["operators", "disable", "editor@example.com"]);
    assert_eq!(signed_on(&server, &issuer, &editor), (403, None));
    let log = server.log();
    let of = |outcome: &str| {
        log.iter()
            .filter(|entry| entry["action"] == "session.started" && entry["outcome"] == outcome)
            .count()
    };
    assert_eq!((of("done"), of("denied")), (0, 2));
}

#[test]
fn claims_make_operators_and_their_roles_and_the_log_says_who_did() {
    let issuer = Issuer::new();
    let server = server(
        &issuer,
        "role_claim = \"groups\"\ncreate = true\ndefault_role = \"viewer\"\n\
         domains = [\"example.com\"]\nroles = [\n{ value = \"admins\", role = \"administrator\" },\n\
         { value = \"staff\", role = \"editor\" },\n]\n",
    );
    let role = |groups: Value| {
        let (status, me) =
            signed_on(&server, &issuer, &json!({ "email": "new@example.com", "groups": groups }));
        assert_eq!(status, 303);
        me.unwrap()["role"].as_str().unwrap().to_owned()
    };
    assert_eq!(role(json!(["staff", "admins"])), "administrator");
    assert_eq!(role(json!("staff")), "editor");
    assert_eq!(role(json!(["staff"])), "editor");
    assert_eq!(role(Value::Null), "viewer");
    let elsewhere = json!({ "email": "new@example.com.evil.example", "groups": ["admins"] });
    assert_eq!(signed_on(&server, &issuer, &elsewhere), (403, None));
    let log = server.log();
    let done: Vec<&str> = log
        .iter()
        .filter(|entry| entry["actor"] == "provider" && entry["name"] == issuer.url.as_str())
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(done, ["operator.added", "operator.changed", "operator.changed"]);
}

#[test]
fn a_provider_may_change_its_key_and_may_be_away() {
    let issuer = Issuer::new();
    let server = server(&issuer, "");
    let editor = json!({ "email": "editor@example.com" });
    assert_eq!(signed_on(&server, &issuer, &editor).0, 303);
    assert_eq!(signed_on(&server, &issuer, &editor).0, 303);
    assert_eq!(issuer.asked("/keys"), 1, "what it says of itself is kept");
    issuer.rotate();
    assert_eq!(signed_on(&server, &issuer, &editor).0, 303);
    assert_eq!(issuer.asked("/keys"), 2);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone =
        Server::with(&format!("[server.oidc]\nissuer = \"http://{nobody}\"\nclient_id = \"x\"\n"));
    let page = gone.asker(None).get(BEGIN);
    assert_eq!(page.status(), 502);
    assert!(page.text().unwrap().contains("cannot be reached"));
}

#[test]
fn a_provider_in_the_open_is_no_configuration() {
    let server = Server::new();
    let mut serve = server.shop.command(&["serve"]);
    let serve = serve
        .env("TIDEGATE__SERVER__OIDC__ISSUER", "http://id.example.com")
        .env("TIDEGATE__SERVER__OIDC__CLIENT_ID", "tidegate");
    let refused = crate::site::Ended::new(serve.output().unwrap());
    refused.with_code(2).saying(&["[server.oidc] issuer", "https"]);
    assert_eq!(server.asker(None).get(BEGIN).status(), 404, "none is set here");
}
