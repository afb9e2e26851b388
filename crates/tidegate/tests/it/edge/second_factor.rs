//! The second factor: enrolled, asked for after the password, used once, recovered, taken away.

mod at_rest;
pub(crate) mod authenticator;

use std::process::Command;

use reqwest::{
    Method, StatusCode,
    blocking::{RequestBuilder, Response},
};
use serde_json::{Value, json};

use self::authenticator::{code, step, wrong};
use super::{
    server::{Asker, Server},
    sign_in::{PASSWORD, cookie, sign_in, with_password},
};

const EDITOR: &str = "editor@example.com";

/// The editor with a second factor.
struct Enrolled {
    server: Server,
    nobody: Asker,
    /// In base32.
    secret: String,
    /// The step that codes are counted from.
    now: i64,
    recovery: Vec<String>,
    /// Of the session that it was enrolled in.
    cookie: String,
}

/// Sends as a page of the server would, with a cookie.
fn by(nobody: &Asker, method: Method, path: &str, cookie: &str) -> RequestBuilder {
    let request = nobody.request(method, path).header("cookie", cookie);
    request.header("sec-fetch-site", "same-origin")
}

#[track_caller]
fn read(answer: Response, status: u16) -> Value {
    let found = answer.status().as_u16();
    let text = answer.text().unwrap();
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap_or_default()
}

#[track_caller]
fn assert_problem(answer: Response, status: u16, slug: &str) {
    let problem = read(answer, status);
    assert_eq!(problem["type"], format!("urn:tidegate:problem:{slug}"), "{problem}");
}

/// Signs in at once, with a code.
fn with_code(nobody: &Asker, code: &str) -> Response {
    let body = json!({ "email": EDITOR, "password": PASSWORD, "code": code });
    nobody.post("/api/v1/sessions", &body)
}

fn begin(nobody: &Asker, cookie: &str, proof: &Value) -> Response {
    by(nobody, Method::POST, "/api/v1/second-factor", cookie).json(proof).send().unwrap()
}

fn confirm(nobody: &Asker, cookie: &str, code: &str) -> Response {
    let request = by(nobody, Method::POST, "/api/v1/second-factor/confirm", cookie);
    request.json(&json!({ "code": code })).send().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl Enrolled {
    /// The code of the step before this one is used with it.
    fn new() -> Self {
        Self::with("")
    }

    fn with(configuration: &str) -> Self {
        let server = Server::with(configuration);
        with_password(&server);
        let nobody = server.asker(None);
        let cookie = cookie(&sign_in(&nobody, EDITOR, PASSWORD));
        let offer = read(begin(&nobody, &cookie, &json!({ "password": PASSWORD })), 201);
        let (secret, now) = (text(&offer["secret"]), step());
        let codes = read(confirm(&nobody, &cookie, &code(&secret, now - 1)), 201);
        let recovery = codes["recovery_codes"].as_array().unwrap().iter().map(text).collect();
        Self { server, nobody, secret, now, recovery, cookie }
    }

    fn code(&self, off: i64) -> String {
        code(&self.secret, self.now + off)
    }

    fn wrong(&self) -> String {
        wrong(&self.secret, self.now)
    }

    /// What the form for the password leads to: the cookie of the second step.
    fn step(&self) -> String {
        let form = [("email", EDITOR), ("password", PASSWORD), ("next", "/api/v1/me")];
        let sent = self.nobody.request(Method::POST, "/sg-admin/sign-in").form(&form);
        let answer = sent.send().unwrap();
        assert_eq!(answer.status(), 303);
        assert_eq!(answer.headers()["location"], "/sg-admin/sign-in/code?next=%2Fapi%2Fv1%2Fme");
        let set = answer.headers()["set-cookie"].to_str().unwrap();
        for word in ["tidegate_second_step=", "HttpOnly", "SameSite=Lax", "Max-Age=300"] {
            assert!(set.contains(word), "{set}");
        }
        assert_eq!(answer.headers().get_all("set-cookie").iter().count(), 1, "no session");
        cookie(&answer)
    }

    /// Shows a code at the second step.
    fn show(&self, step: &str, code: &str) -> Response {
        let request = by(&self.nobody, Method::POST, "/sg-admin/sign-in/code", step);
        request.form(&[("code", code), ("next", "/api/v1/me")]).send().unwrap()
    }

    /// Words and outcomes of the entries that hold one of these words.
    fn log(&self, words: &[&str]) -> Vec<(String, String)> {
        let entries = self.server.log().into_iter().filter(|entry| entry["name"] == EDITOR);
        let told = entries.map(|entry| (text(&entry["action"]), text(&entry["outcome"])));
        told.filter(|(action, _)| words.iter().any(|word| action.starts_with(word))).collect()
    }
}

fn told(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(action, outcome)| ((*action).to_owned(), (*outcome).to_owned())).collect()
}

#[test]
fn whoever_has_a_second_factor_gets_in_by_password_and_code() {
    let site = Enrolled::new();
    assert_problem(sign_in(&site.nobody, EDITOR, PASSWORD), 401, "second-factor-required");
    assert_problem(with_code(&site.nobody, &site.wrong()), 401, "second-factor-failed");
    let started = with_code(&site.nobody, &site.code(0));
    assert_eq!(started.status(), 201);
    let cookie = cookie(&started);
    let me = by(&site.nobody, Method::GET, "/api/v1/me", &cookie).send().unwrap();
    assert_eq!(read(me, 200)["email"], EDITOR);
    let expected = [
        ("second_factor.offered", "done"),
        ("second_factor.enrolled", "done"),
        ("second_factor.asked", "denied"),
        ("second_factor.shown", "denied"),
        ("session.started", "done"),
    ];
    assert_eq!(site.log(&["second_factor", "session.started"])[1..], told(&expected));
    let entry = site.server.log().into_iter().rfind(|entry| entry["action"] == "session.started");
    assert_eq!(entry.unwrap()["details"]["second_factor"], "code");
}

#[test]
fn a_code_lets_in_once() {
    let site = Enrolled::new();
    assert_problem(with_code(&site.nobody, &site.code(-1)), 401, "second-factor-failed");
    let now = site.code(0);
    assert_eq!(with_code(&site.nobody, &now).status(), 201);
    assert_problem(with_code(&site.nobody, &now), 401, "second-factor-failed");
    // Nor an older one, after a newer one was used.
    assert_eq!(with_code(&site.nobody, &site.code(1)).status(), 201);
    assert_problem(with_code(&site.nobody, &now), 401, "second-factor-failed");
}

#[test]
fn of_many_who_show_the_same_code_at_once_one_gets_in() {
    let site = Enrolled::new();
    let (code, askers) = (site.code(0), 6);
    let shown: Vec<StatusCode> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..askers)
            .map(|_| scope.spawn(|| with_code(&site.server.asker(None), &code).status()))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(shown.iter().filter(|status| **status == 201).count(), 1, "{shown:?}");
    assert_eq!(shown.iter().filter(|status| **status == 401).count(), askers - 1, "{shown:?}");
}

#[test]
fn a_clock_may_be_off_by_one_code() {
    let site = Enrolled::new();
    for off in [-3, -2, 3, 4] {
        let refused = with_code(&site.nobody, &site.code(off));
        assert_problem(refused, 401, "second-factor-failed");
    }
    assert_eq!(with_code(&site.nobody, &site.code(1)).status(), 201);
}

#[test]
fn what_lies_between_password_and_code_can_do_nothing_else() {
    let site = Enrolled::new();
    let step = site.step();
    let secret = step.split_once('=').unwrap().1;
    let document = site.nobody.read("/api/v1/openapi.json");
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", "1").replace("{slug}", "orders");
        for (method, operation) in item.as_object().unwrap() {
            if operation["security"] == json!([{}]) {
                continue;
            }
            let method: Method = method.to_uppercase().parse().unwrap();
            // As itself, as the cookie of a session, as a token.
            let as_session = format!("tidegate_session={secret}");
            let nobody = &site.nobody;
            let token = nobody.request(method.clone(), &path).bearer_auth(secret);
            let shown = [by(nobody, method.clone(), &path, &step), token];
            let shown = shown.into_iter().chain([by(nobody, method.clone(), &path, &as_session)]);
            for request in shown {
                let refused = request.json(&json!({})).send().unwrap();
                assert_eq!(refused.status(), 401, "{method} {path}");
                asked += 1;
            }
        }
    }
    assert!(asked > 100, "{asked}");
    for path in ["/sg-admin/", "/sg-admin/second-factor"] {
        let away = by(&site.nobody, Method::GET, path, &step).send().unwrap();
        assert_eq!(away.status(), 303, "{path}");
        assert!(away.headers()["location"].to_str().unwrap().starts_with("/sg-admin/sign-in"));
    }
    for path in ["", "/confirm", "/remove"] {
        let path = format!("/sg-admin/second-factor{path}");
        let form = [("password", PASSWORD), ("code", "123456")];
        let refused = by(&site.nobody, Method::POST, &path, &step).form(&form).send().unwrap();
        assert_eq!(refused.status(), 401, "{path}");
    }
}

#[test]
fn the_second_step_of_the_pages_leads_to_a_new_session_once() {
    let site = Enrolled::new();
    let step = site.step();
    let form = by(&site.nobody, Method::GET, "/sg-admin/sign-in/code", &step).send().unwrap();
    assert!(form.text().unwrap().contains(EDITOR));
    let refused = site.show(&step, &site.wrong());
    assert_eq!(refused.status(), 401);
    assert!(refused.text().unwrap().contains("role=\"alert\""));
    let code = site.code(0);
    let entered = site.show(&step, &code);
    assert_eq!(
        (entered.status().as_u16(), &entered.headers()["location"]),
        (303, &"/api/v1/me".parse().unwrap())
    );
    let set: Vec<&str> =
        entered.headers().get_all("set-cookie").iter().map(|one| one.to_str().unwrap()).collect();
    let session = set.iter().find(|one| one.starts_with("tidegate_session=")).unwrap();
    let gone = set.iter().find(|one| one.starts_with("tidegate_second_step=;")).unwrap();
    assert!(gone.contains("Max-Age=0"));
    let session = session.split(';').next().unwrap();
    assert_ne!(session.split_once('=').unwrap().1, step.split_once('=').unwrap().1);
    let me = by(&site.nobody, Method::GET, "/api/v1/me", session).send().unwrap();
    assert_eq!(me.status(), 200);
    // The step is over, whatever is shown with it now.
    let again = site.show(&step, &site.code(1));
    assert_eq!(again.status(), 401);
    assert!(again.text().unwrap().contains("Sign in again"));
    let expected = [
        ("second_factor.asked", "done"),
        ("second_factor.shown", "denied"),
        ("session.started", "done"),
    ];
    assert_eq!(site.log(&["second_factor", "session.started"])[3..], told(&expected));
}

#[test]
fn a_wait_for_a_code_ends_by_itself_and_with_the_password() {
    let site = Enrolled::new();
    let step = site.step();
    // Time is the database's: what would end in five minutes has ended.
    let control = site.server.shop.path("control.db");
    let past = "update second_steps set expires_at = expires_at - 300000000";
    let mut sqlite = Command::new("sqlite3");
    let sqlite = sqlite.args(["-cmd", ".timeout 30000"]).arg(control).arg(past);
    assert!(sqlite.status().unwrap().success());
    assert!(site.show(&step, &site.code(0)).text().unwrap().contains("Sign in again"));
    let step = site.step();
    with_password(&site.server);
    assert!(site.show(&step, &site.code(0)).text().unwrap().contains("Sign in again"));
    let step = site.step();
    site.server.run(&["operators", "disable", EDITOR]);
    assert!(site.show(&step, &site.code(0)).text().unwrap().contains("Sign in again"));
    assert_eq!(site.log(&["session.started"]).len(), 1, "nobody got in");
}

#[test]
fn a_page_of_another_site_can_neither_show_a_code_nor_change_the_second_factor() {
    let site = Enrolled::new();
    let step = site.step();
    let paths = ["/sg-admin/second-factor", "/sg-admin/second-factor/confirm"];
    let paths = paths.map(|path| (path, &site.cookie)).into_iter();
    let paths = paths.chain([
        ("/sg-admin/second-factor/remove", &site.cookie),
        ("/api/v1/second-factor", &site.cookie),
        ("/api/v1/second-factor/confirm", &site.cookie),
        ("/api/v1/second-factor/remove", &site.cookie),
        ("/sg-admin/sign-in/code", &step),
    ]);
    let code = site.code(0);
    for (path, cookie) in paths {
        let form = [("password", PASSWORD), ("code", &code)];
        for header in
            [None, Some(("origin", "https://evil.example")), Some(("sec-fetch-site", "cross-site"))]
        {
            let request = site.nobody.request(Method::POST, path).header("cookie", cookie);
            let request = match header {
                Some((name, value)) => request.header(name, value),
                None => request,
            };
            // Where a page is not asked for, a problem is told as one.
            let request = request.header("accept", "application/json");
            assert_problem(request.form(&form).send().unwrap(), 403, "cross-site");
        }
    }
    assert_eq!(with_code(&site.nobody, &code).status(), 201, "nothing has changed");
}

#[test]
fn codes_cannot_be_tried_out_and_a_recovery_code_gets_in_all_the_same() {
    let site = Enrolled::with("proxies = [\"127.0.0.1\"]\n");
    // From as many networks as there are attempts, so that only the operator is counted.
    let from = |network: usize, code: &str| {
        let body = json!({ "email": EDITOR, "password": PASSWORD, "code": code });
        let request = site.nobody.request(Method::POST, "/api/v1/sessions").json(&body);
        request.header("x-forwarded-for", format!("10.0.{network}.1")).send().unwrap()
    };
    let bad = site.wrong();
    let statuses: Vec<u16> = (0..20).map(|network| from(network, &bad).status().as_u16()).collect();
    let slowed = statuses.iter().filter(|status| **status == 429).count();
    assert!((9..=10).contains(&slowed), "{statuses:?}");
    let right = from(30, &site.code(0));
    assert!(right.headers().contains_key("retry-after"));
    assert_problem(right, 429, "too-many-attempts");
    let recovered = from(31, &site.recovery[0]);
    assert_eq!(read(recovered, 201)["recovery_codes_left"], 9);
    // Somebody else is not kept waiting.
    let denied = site.log(&["second_factor.shown"]);
    assert!(denied.len() >= 10 && denied.iter().all(|(_, outcome)| outcome == "denied"));
}

#[test]
fn a_recovery_code_lets_in_once_and_is_told() {
    let site = Enrolled::new();
    let [first, second] = [&site.recovery[0], &site.recovery[1]];
    assert_eq!((site.recovery.len(), first.len()), (10, 19));
    let spelled = first.to_uppercase().replace('-', " ");
    assert_eq!(read(with_code(&site.nobody, &spelled), 201)["recovery_codes_left"], 9);
    assert_problem(with_code(&site.nobody, first), 401, "second-factor-failed");
    let entered = site.show(&site.step(), second);
    assert_eq!(entered.headers()["location"], "/sg-admin/second-factor?recovery=used");
    let session = entered.headers().get_all("set-cookie").iter();
    let session = { session }.find(|one| one.as_bytes().starts_with(b"tidegate_session="));
    let session = session.unwrap().to_str().unwrap().split(';').next().unwrap();
    let page = by(&site.nobody, Method::GET, "/sg-admin/second-factor?recovery=used", session);
    let page = page.send().unwrap().text().unwrap();
    assert!(page.contains("signed in with a recovery code") && page.contains("<strong>8</strong>"));
    let used = site.log(&["recovery_code"]);
    assert_eq!(used, told(&[("recovery_code.used", "done"), ("recovery_code.used", "done")]));
    // Those of another enrolment are worth nothing.
    let proof = json!({ "password": PASSWORD, "code": site.recovery[2] });
    let offer = read(begin(&site.nobody, session, &proof), 201);
    read(confirm(&site.nobody, session, &code(&text(&offer["secret"]), site.now)), 201);
    assert_problem(with_code(&site.nobody, &site.recovery[3]), 401, "second-factor-failed");
}

#[test]
fn an_open_session_alone_changes_no_second_factor() {
    let site = Enrolled::new();
    let remove = |proof: &Value| {
        let path = "/api/v1/second-factor/remove";
        by(&site.nobody, Method::POST, path, &site.cookie).json(proof).send().unwrap()
    };
    let bad = site.wrong();
    for (proof, place) in [
        (json!({ "password": "wrong horse battery", "code": site.code(0) }), "/password"),
        (json!({ "password": PASSWORD }), "/code"),
        (json!({ "password": PASSWORD, "code": bad }), "/code"),
        (json!({ "password": PASSWORD, "code": site.code(-1) }), "/code"),
    ] {
        assert_eq!(read(remove(&proof), 422)["errors"][0]["pointer"], place, "{proof}");
    }
    // Ten passwords at a time: not all of it again.
    let begun = begin(&site.nobody, &site.cookie, &json!({ "password": PASSWORD }));
    assert_eq!(read(begun, 422)["errors"][0]["pointer"], "/code");
    assert_eq!(site.log(&["second_factor.shown"]).len(), 5);
    let proof = json!({ "password": PASSWORD, "code": site.code(0) });
    assert_eq!(remove(&proof).status(), 204);
    assert_eq!(remove(&proof).status(), 404);
    assert_eq!(sign_in(&site.nobody, EDITOR, PASSWORD).status(), 201);
    assert_eq!(site.log(&["second_factor.removed"]), told(&[("second_factor.removed", "done")]));
}

#[test]
fn the_old_second_factor_counts_until_a_code_of_the_new_one_was_shown() {
    let site = Enrolled::new();
    let proof = json!({ "password": PASSWORD, "code": site.code(0) });
    let offer = read(begin(&site.nobody, &site.cookie, &proof), 201);
    let new = text(&offer["secret"]);
    assert_ne!(new, site.secret);
    assert_problem(with_code(&site.nobody, &code(&new, site.now)), 401, "second-factor-failed");
    let refused = confirm(&site.nobody, &site.cookie, &site.code(1));
    assert_eq!(read(refused, 422)["errors"][0]["pointer"], "/code");
    assert_eq!(with_code(&site.nobody, &site.code(1)).status(), 201);
    let first = code(&new, site.now);
    read(confirm(&site.nobody, &site.cookie, &first), 201);
    let again = confirm(&site.nobody, &site.cookie, &code(&new, site.now + 1));
    assert_eq!(read(again, 422)["errors"][0]["pointer"], "/code", "nothing waits any more");
    assert_problem(with_code(&site.nobody, &first), 401, "second-factor-failed");
    assert_problem(with_code(&site.nobody, &site.code(1)), 401, "second-factor-failed");
    assert_eq!(with_code(&site.nobody, &code(&new, site.now + 1)).status(), 201);
}

#[test]
fn enrolling_ends_every_other_session() {
    let server = Server::new();
    with_password(&server);
    let nobody = server.asker(None);
    let [own, other] = [0; 2].map(|_| cookie(&sign_in(&nobody, EDITOR, PASSWORD)));
    let offer = read(begin(&nobody, &own, &json!({ "password": PASSWORD })), 201);
    let status = |cookie: &str| {
        by(&nobody, Method::GET, "/api/v1/me", cookie).send().unwrap().status().as_u16()
    };
    assert_eq!((status(&own), status(&other)), (200, 200), "nothing counts yet");
    read(confirm(&nobody, &own, &code(&text(&offer["secret"]), step())), 201);
    assert_eq!((status(&own), status(&other)), (200, 401));
}

#[test]
fn a_link_for_a_new_password_leaves_the_second_factor_and_a_reset_takes_it_away() {
    let site = Enrolled::new();
    let reset = ["--as", "administrator@example.com", "operators", "reset", EDITOR];
    let mut reset = site.server.shop.command(&reset);
    let reset = reset.env("TIDEGATE__SERVER__PUBLIC_URL", &site.server.base).output().unwrap();
    assert!(String::from_utf8_lossy(&reset.stderr).contains("keeps the second factor"));
    let link = String::from_utf8(reset.stdout).unwrap();
    let token = link.trim().split("token=").nth(1).unwrap();
    let form = [("token", token), ("password", PASSWORD)];
    let set = site.nobody.request(Method::POST, "/sg-admin/password").form(&form).send().unwrap();
    assert!(set.headers()["location"].to_str().unwrap().starts_with("/sg-admin/sign-in/code"));
    assert!(cookie(&set).starts_with("tidegate_second_step="));
    let entered = site.show(&cookie(&set), &site.code(0));
    assert_eq!(entered.status(), 303);
    assert_problem(sign_in(&site.nobody, EDITOR, PASSWORD), 401, "second-factor-required");
    let step = site.step();
    site.server.run(&["operators", "reset-second-factor", EDITOR]);
    assert!(site.show(&step, &site.recovery[0]).text().unwrap().contains("Sign in again"));
    assert_eq!(sign_in(&site.nobody, EDITOR, PASSWORD).status(), 201);
    let entries = site.server.log();
    let reset = entries.iter().find(|entry| entry["action"] == "second_factor.reset").unwrap();
    assert_eq!(reset["name"], "administrator@example.com");
    assert!(reset["details"]["owner"].is_i64());
}

#[test]
fn whoever_has_to_have_a_second_factor_can_do_nothing_before() {
    let server = Server::new();
    with_password(&server);
    let nobody = server.asker(None);
    let ada = server.with_role("administrator");
    let editor = server.with_role("editor");
    let cookie = cookie(&sign_in(&nobody, EDITOR, PASSWORD));
    let require = |whom: &str| {
        let body = json!({ "require_second_factor": whom });
        let put = ada.request(Method::PUT, "/api/v1/settings").json(&body).send().unwrap();
        assert_eq!(put.status(), 200);
    };
    let me = || by(&nobody, Method::GET, "/api/v1/me", &cookie).send().unwrap();
    require("administrators");
    assert_eq!(me().status(), 200, "an editor is no administrator");
    require("all");
    let document = nobody.read("/api/v1/openapi.json");
    let open =
        ["/api/v1/second-factor", "/api/v1/second-factor/confirm", "/api/v1/sessions/current"];
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["security"] == json!([{}]) || open.contains(&path.as_str()) {
                continue;
            }
            let path = path.replace("{id}", "1").replace("{slug}", "orders");
            let request = by(&nobody, method.to_uppercase().parse().unwrap(), &path, &cookie);
            assert_problem(request.json(&json!({})).send().unwrap(), 403, "second-factor-missing");
        }
    }
    let home = by(&nobody, Method::GET, "/sg-admin/", &cookie).send().unwrap();
    assert_eq!(home.headers()["location"], "/sg-admin/second-factor");
    assert_eq!(editor.get("/api/v1/me").status(), 200, "tokens go on");
    let state = by(&nobody, Method::GET, "/api/v1/second-factor", &cookie).send().unwrap();
    assert_eq!(read(state, 200)["is_required"], true);
    let offer = read(begin(&nobody, &cookie, &json!({ "password": PASSWORD })), 201);
    assert_eq!(me().status(), 403, "a secret that nobody has shown a code of is none");
    read(confirm(&nobody, &cookie, &code(&text(&offer["secret"]), step())), 201);
    assert_eq!(me().status(), 200);
}
