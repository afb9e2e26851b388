//! Pages of whoever oversees the site: every form posted without a script leaves its entry, and
//! nobody else sees or posts any of them.

mod rules;

use std::process::Command;

use reqwest::{Method, blocking::Response};
use serde_json::{Value, json};

use super::{
    server::{Asker, Server},
    sign_in::{PASSWORD, cookie, set_password, sign_in},
};

/// A path, what its form sends, and the status of the answer.
type Form<'a> = (&'a str, Vec<(&'a str, String)>, u16);

/// Somebody in a browser without scripts.
struct Browser {
    nobody: Asker,
    cookie: String,
}

impl Browser {
    fn of(server: &Server, role: &str) -> Self {
        let email = format!("{role}@example.com");
        set_password(server, &email);
        let nobody = server.asker(None);
        let cookie = cookie(&sign_in(&nobody, &email, PASSWORD));
        Self { nobody, cookie }
    }

    fn get(&self, path: &str) -> Response {
        let request = self.nobody.request(Method::GET, path).header("cookie", &self.cookie);
        request.header("accept", "text/html").send().unwrap()
    }

    fn post(&self, path: &str, form: &[(&str, String)]) -> Response {
        let request = self.nobody.request(Method::POST, path).header("cookie", &self.cookie);
        let request = request.header("accept", "text/html").header("sec-fetch-site", "same-origin");
        request.form(form).send().unwrap()
    }

    #[track_caller]
    fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().unwrap()
    }
}

/// What somebody did by pages: action and outcome, oldest first.
fn done_by(server: &Server, email: &str) -> Vec<(String, String)> {
    let log = server.log().into_iter();
    let own = log.filter(|entry| entry["name"] == email && entry["via"] == "admin");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    own.map(|entry| (text(&entry["action"]), text(&entry["outcome"]))).collect()
}

fn pairs<'a>(form: &[(&'a str, &str)]) -> Vec<(&'a str, String)> {
    form.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

/// What stands in the form of the settings, with one of them changed.
fn settings(ada: &Asker) -> Vec<(&'static str, String)> {
    let now = ada.read("/api/v1/settings");
    let text = |(name, value): (&String, &Value)| {
        let text = match value {
            Value::Null => String::new(),
            Value::String(word) => word.clone(),
            other => other.to_string(),
        };
        (&*name.clone().leak(), if name == "link_minutes" { "20".to_owned() } else { text })
    };
    now.as_object().unwrap().iter().map(text).collect()
}

#[test]
fn a_role_keeps_the_limits_that_a_form_does_not_speak_of() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let browser = Browser::of(&server, "administrator");
    let limits = || {
        let roles = ada.read("/api/v1/roles");
        let is_editor = |role: &&Value| role["slug"] == "editor";
        roles.as_array().unwrap().iter().find(is_editor).unwrap()["limits"].clone()
    };
    let filter = json!({ "field": "status", "op": "eq", "value": "paid" });
    let text = filter.to_string();
    let send = |form: &[(&str, &str)]| {
        let answer = browser.post("/sg-admin/roles/editor", &pairs(form));
        assert_eq!(answer.status(), 303);
    };
    send(&[("label", "Editor"), ("subject", "orders"), ("filter.orders", &text)]);
    let limited = json!([{ "subject": "orders", "where": filter }]);
    assert_eq!(limits(), limited);
    send(&[("label", "Editors")]);
    assert_eq!(limits(), limited);
    send(&[("label", "Editors"), ("subject", "orders"), ("filter.orders", "")]);
    assert_eq!(limits(), json!([]));
}

#[test]
fn a_site_says_whether_its_pages_begin_with_a_formula_guard() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let browser = Browser::of(&server, "administrator");
    let profile = || {
        let page = browser.page("/sg-admin/exports/new/format?subject=orders");
        let chosen = ["spreadsheet", "exact"].into_iter();
        let mut chosen = chosen.filter(|one| page.contains(&format!("<option selected>{one}<")));
        (chosen.next(), chosen.next())
    };
    assert_eq!(profile(), (Some("spreadsheet"), None));
    let mut settings = ada.read("/api/v1/settings");
    settings["formula_guard"] = false.into();
    ada.request(Method::PUT, "/api/v1/settings").json(&settings).send().unwrap();
    assert_eq!(profile(), (Some("exact"), None));
    // Whoever has said what they want has it.
    let said = browser
        .page("/sg-admin/exports/new/format?subject=orders&format=csv&option.profile=spreadsheet");
    assert!(said.contains("<option selected>spreadsheet<"));
    let page = browser.page("/sg-admin/settings");
    assert!(page.contains("What is personal data"));
}

/// The capabilities of a role, as the matrix has read them.
fn was(browser: &Browser, role: &str) -> String {
    let page = browser.page("/sg-admin/roles");
    let start = format!("name=\"was\" value=\"{role}:");
    let rest = page.split_once(&start).unwrap().1;
    format!("{role}:{}", rest.split('"').next().unwrap())
}

#[test]
fn each_form_leaves_its_entry_and_is_refused_to_whoever_may_not() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let mine = Browser::of(&server, "administrator");
    let theirs = Browser::of(&server, "viewer");
    let filter = json!({ "field": "status", "op": "eq", "value": "paid" }).to_string();
    let limit = [("label", "North"), ("subject", "orders"), ("filter.orders", filter.as_str())];
    let mut changed = 0;
    let mut send = |form: Form<'_>, actions: &[&str]| {
        let (path, sent, status) = form;
        let refused = theirs.post(path, &sent).status().as_u16();
        assert!([403, 404].contains(&refused), "{path}: {refused} to the viewer");
        let before = done_by(&server, "administrator@example.com").len();
        let answer = mine.post(path, &sent);
        assert_eq!(answer.status(), status, "{path}: {}", answer.text().unwrap());
        let log = done_by(&server, "administrator@example.com");
        let new: Vec<&str> = log[before..].iter().map(|(action, _)| action.as_str()).collect();
        assert_eq!(new, actions, "{path}");
        assert!(log[before..].iter().all(|(_, outcome)| outcome == "done"), "{path}");
        changed += 1;
    };
    let invited = pairs(&[("email", "new@example.com"), ("role", "viewer")]);
    let invite = ("/sg-admin/operators/invite", invited, 200);
    send(invite, &["operator.added", "operator.invited"]);
    let role = pairs(&[("role", "editor")]);
    send(("/sg-admin/operators/4/role", role, 303), &["operator.changed"]);
    send(("/sg-admin/operators/4/link", Vec::new(), 200), &["operator.invited"]);
    send(("/sg-admin/operators/4/disable", Vec::new(), 303), &["operator.disabled"]);
    send(("/sg-admin/operators/4/enable", Vec::new(), 303), &["operator.changed"]);
    let north = pairs(&[("slug", "north"), ("label", "North"), ("like", "editor")]);
    send(("/sg-admin/roles/new-role", north, 303), &["role.changed"]);
    send(("/sg-admin/roles/north", pairs(&limit), 303), &["role.changed"]);
    let matrix = vec![("was", was(&mine, "north")), ("may", "north:orders.list".to_owned())];
    send(("/sg-admin/roles", matrix, 303), &["role.changed"]);
    send(("/sg-admin/roles/north/remove", Vec::new(), 303), &["role.removed"]);
    send(("/sg-admin/settings", settings(&ada), 303), &["setting.changed"]);
    let back = pairs(&[("back", "/sg-admin/account")]);
    let tokens = ada.read("/api/v1/tokens");
    let revoke = format!("/sg-admin/tokens/{}/revoke", tokens[0]["id"]);
    send((&revoke, back.clone(), 303), &["token.revoked"]);
    let page = mine.page("/sg-admin/account");
    let end = page.split("formaction=\"").find(|it| it.starts_with("/sg-admin/sessions/")).unwrap();
    let end = end.split('"').next().unwrap().to_owned();
    assert_eq!(changed, 11);

    // What is one's own is everybody's to change, and nobody else's.
    assert_eq!(theirs.post(&end, &back).status(), 404);
    let token = pairs(&[("name", "mine"), ("days", "3"), ("scope", "exports.list.own")]);
    let made = theirs.post("/sg-admin/account/tokens", &token);
    assert_eq!(made.status(), 200);
    assert_eq!(made.headers()["cache-control"], "no-store");
    assert!(made.text().unwrap().contains("tdg_"));
    let wrong = pairs(&[("current", "no"), ("next", "another long password")]);
    let wrong = theirs.post("/sg-admin/account/password", &wrong);
    assert_eq!(wrong.status(), 422);
    assert!(wrong.text().unwrap().contains("This is not your password."));
    let right = pairs(&[("current", PASSWORD), ("next", "another long password")]);
    assert_eq!(theirs.post("/sg-admin/account/password", &right).status(), 303);
    let done: Vec<String> = done_by(&server, "viewer@example.com")
        .into_iter()
        .filter(|(_, outcome)| outcome == "done")
        .map(|(action, _)| action)
        .collect();
    assert_eq!(done, ["token.created", "operator.password_set"]);
    assert_eq!(theirs.get("/sg-admin/account").status(), 200, "this session stays");
}

#[test]
fn a_page_that_one_may_not_see_says_what_it_takes() {
    let server = Server::new();
    let browser = Browser::of(&server, "viewer");
    for (path, capability) in [
        ("/sg-admin/activity", "activity.view"),
        ("/sg-admin/activity/1", "activity.view"),
        ("/sg-admin/operators", "operators.manage"),
        ("/sg-admin/operators/invite", "operators.manage"),
        ("/sg-admin/operators/1", "operators.manage"),
        ("/sg-admin/operators/99", "operators.manage"),
        ("/sg-admin/operators/1/disable", "operators.manage"),
        ("/sg-admin/operators/1/reset-factor", "operators.manage"),
        ("/sg-admin/roles", "roles.manage"),
        ("/sg-admin/roles/new-role", "roles.manage"),
        ("/sg-admin/roles/editor", "roles.manage"),
        ("/sg-admin/roles/editor/remove", "roles.manage"),
        ("/sg-admin/access", "roles.manage"),
        ("/sg-admin/settings", "settings.manage"),
    ] {
        let refused = browser.get(path);
        assert_eq!(refused.status(), 403, "{path}");
        let page = refused.text().unwrap();
        assert!(page.contains(capability), "{path}: {page}");
        let nobody = server.asker(None).request(Method::GET, path);
        let away = nobody.header("accept", "text/html").send().unwrap();
        assert_eq!(away.status(), 303, "{path}");
    }
    let page = browser.page("/sg-admin/account");
    for place in ["/sg-admin/operators", "/sg-admin/roles", "/sg-admin/settings"] {
        assert!(!page.contains(&format!("href=\"{place}\"")), "{place}");
    }
}

/// What a form sends.
type Sent<'a> = Vec<(&'a str, &'a str)>;

#[test]
fn faults_stand_at_their_fields() {
    let server = Server::new();
    let mine = Browser::of(&server, "administrator");
    let filter = json!({ "field": "colour", "op": "eq", "value": 1 }).to_string();
    let forms: [(&str, Sent<'_>, &str); 7] = [
        ("/sg-admin/operators/invite", vec![("email", "none"), ("role", "viewer")], "email-fault"),
        (
            "/sg-admin/operators/invite",
            vec![("email", "a@example.com"), ("role", "x")],
            "role-fault",
        ),
        ("/sg-admin/roles/new-role", vec![("slug", "No Slug"), ("label", "x")], "slug-fault"),
        ("/sg-admin/roles/new-role", vec![("slug", "editor"), ("label", "x")], "slug-fault"),
        (
            "/sg-admin/roles/editor",
            vec![("label", "E"), ("subject", "orders"), ("filter.orders", &filter)],
            "filter-orders-fault",
        ),
        (
            "/sg-admin/roles/editor",
            vec![("label", "E"), ("subject", "orders"), ("filter.orders", "{")],
            "filter-orders-fault",
        ),
        ("/sg-admin/account/tokens", vec![("name", "t"), ("days", "many")], "days-fault"),
    ];
    for (path, form, fault) in forms {
        let answer = mine.post(path, &pairs(&form));
        assert_eq!(answer.status(), 422, "{path}");
        let page = answer.text().unwrap();
        assert!(page.contains(&format!("id=\"{fault}\"")), "{path}: {page}");
    }
    let kept = pairs(&[("role", "viewer")]);
    let kept = mine.post("/sg-admin/operators/1/role", &kept);
    assert_eq!(kept.status(), 303);
    assert!(mine.page("/sg-admin/operators/1").contains("administrator@example.com"));
    let stale = pairs(&[("was", "viewer:orders.list"), ("may", "viewer:orders.export")]);
    let stale = mine.post("/sg-admin/roles", &stale);
    assert_eq!(stale.status(), 422);
    assert!(stale.text().unwrap().contains("since you looked"));
}

#[test]
fn the_log_goes_back_as_it_went_forward_and_claims_what_was_checked() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let mine = Browser::of(&server, "administrator");
    let settings = ada.read("/api/v1/settings");
    for _ in 0..30 {
        let sent = ada.request(Method::PUT, "/api/v1/settings").json(&settings);
        assert_eq!(sent.send().unwrap().status(), 200);
    }
    let list = "/sg-admin/activity?action=setting.changed&limit=25";
    let first = mine.page(list);
    assert_eq!(first.matches("Changed settings</b>").count(), 25);
    let older = mine.page(&link(&first, "next"));
    assert!(older.matches("Changed settings</b>").count() >= 5);
    let newer = mine.page(&link(&older, "prev"));
    assert_eq!(numbers(&newer), numbers(&first));
    assert_eq!(mine.get(&format!("{list}&cursor=none")).status(), 422);
    assert_eq!(mine.get("/sg-admin/activity?export=many").status(), 422);

    let entry = mine.page("/sg-admin/activity/2");
    assert!(entry.contains("The hash is that of the text"), "{entry}");
    assert!(entry.contains("It names the hash of entry #1"), "{entry}");
    assert_eq!(mine.get("/sg-admin/activity/999999").status(), 404);
}

/// The link of a page to another one.
fn link(page: &str, rel: &str) -> String {
    let start = format!("rel=\"{rel}\" href=\"");
    let rest = page.split_once(&start).unwrap().1;
    rest.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&")
}

fn numbers(page: &str) -> Vec<&str> {
    let links = page.split("href=\"/sg-admin/activity/").skip(1);
    links.map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn personal_data_and_refusals_are_marked_and_a_changed_entry_is_told() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let mine = Browser::of(&server, "administrator");
    let theirs = Browser::of(&server, "viewer");
    let fields = json!(["id", "customer.email"]);
    let id = ada.export(&json!({ "subject": "orders", "format": "csv", "fields": fields }));
    assert_eq!(theirs.get("/sg-admin/settings").status(), 403);
    let personal = mine.page("/sg-admin/activity?tag=egress.pii");
    assert!(personal.contains("class=\"is-pii "), "{personal}");
    assert!(personal.contains("egress.pii</span>") && personal.contains("#i-fingerprint"));
    assert!(personal.contains(&format!("#{id}")));
    let refused = mine.page("/sg-admin/activity?outcome=denied");
    assert!(refused.contains("Refused: a look at the settings</b>"), "{refused}");
    assert!(refused.contains("Capability settings.manage is missing"), "{refused}");
    assert!(refused.contains("denied</span>") && !refused.contains("class=\"is-pii "));

    // Whoever may read the log, but not see orders, finds nothing of them.
    let number = numbers(&personal)[0].to_owned();
    let auditor = json!({ "label": "Auditor", "capabilities": ["activity.view"] });
    let put = ada.request(Method::PUT, "/api/v1/roles/auditor").json(&auditor).send().unwrap();
    assert_eq!(put.status(), 204);
    server.run(&["operators", "add", "auditor@example.com", "--role", "auditor"]);
    let auditor = Browser::of(&server, "auditor");
    assert!(!numbers(&auditor.page("/sg-admin/activity?limit=100")).contains(&number.as_str()));
    assert_eq!(auditor.get(&format!("/sg-admin/activity/{number}")).status(), 404);
    assert_eq!(mine.get(&format!("/sg-admin/activity/{number}")).status(), 200);

    let change = "drop trigger activity_appended; \
        update activity set entry = replace(entry, '\"via\":\"cli\"', '\"via\":\"api\"') where seq = 2;";
    let database = server.shop.path("control.db");
    let changed = Command::new("sqlite3").arg(database).arg(change).status().unwrap();
    assert!(changed.success());
    let entry = mine.page("/sg-admin/activity/2");
    assert!(entry.contains("The hash is not that of the text: it was changed"), "{entry}");
    let list = mine.page("/sg-admin/activity?limit=100");
    assert_eq!(list.matches("changed: its hash is another").count(), 1);
}
