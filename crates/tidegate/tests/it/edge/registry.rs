//! The registry of actions: synced, shown, and what it decides.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use super::server::{Asker, Server};
use crate::site::Shop;

const TABLES: &str = "
create table users (id integer primary key, name text, email text);
insert into users values (1, 'Ada', 'ada@example.org'), (2, 'Grace', 'grace@example.org');
";
/// The declaration of the specification, as the configuration has it.
const USERS: &str = r#"
[[subjects]]
slug = "users"
model = "user.User"
source = "shop"
table = "users"
pii = true
[[actions]]
model = "user.User"
codename = "export"
name = "Export users"
kind = "server"
scope = "bulk"
"#;
/// The same, as an application declares it: only its brackets are JSON's.
const ADMIN_ACTIONS: &str = r#"[
    {"model": "user.User", "codename": "export", "name": "Export users",
     "kind": "server", "scope": "bulk"}
]"#;

fn shop_with(configuration: &str) -> Shop {
    let shop = Shop::new();
    shop.sqlite(TABLES);
    let path = shop.path("tidegate.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{configuration}")).unwrap();
    shop
}

fn server() -> Server {
    Server::of(shop_with(USERS), "", &[])
}

fn synced(server: &Server) -> usize {
    server.log().iter().filter(|entry| entry["action"] == "action.synced").count()
}

#[test]
fn a_sync_adds_renames_and_retires_and_the_second_time_has_nothing_to_do() {
    let server = server();
    let sync = |file: &str, text: &str| {
        fs::write(server.shop.path(file), text).unwrap();
        server.run(&["sync-actions", file])
    };
    let dry = server.run(&["sync-actions", "--dry-run"]);
    assert!(dry.contains("added    user.User export \"Export users\" (users.export)"), "{dry}");
    assert!(dry.contains("1 would be done"), "{dry}");
    assert_eq!(synced(&server), 0, "a dry run changes nothing");
    assert_eq!(server.with_role("administrator").read("/api/v1/actions"), json!([]));
    server.run(&["sync-actions"]);
    assert_eq!(synced(&server), 1);
    let again = sync("actions.json", ADMIN_ACTIONS);
    assert_eq!(again, "0 done, 1 as they were\n", "the application declares the same");
    assert_eq!(synced(&server), 1);

    let renamed = ADMIN_ACTIONS.replace("Export users", "Take users out");
    let push = r#"[{"model": "user.User", "codename": "push", "name": "Push",
        "kind": "server", "scope": "row"},"#;
    let renamed = renamed.replacen('[', push, 1);
    let done = sync("actions.json", &renamed);
    assert!(done.contains("added    user.User push \"Push\" (users.push)"), "{done}");
    assert!(done.contains("changed  user.User export \"Take users out\""), "{done}");
    let ada = server.with_role("administrator");
    let role = json!({ "capabilities": ["users.list", "users.push"] });
    let put = |role: &Value| {
        let sent = ada.request(Method::PUT, "/api/v1/roles/pushers").json(role).send().unwrap();
        assert_eq!(sent.status(), 204);
    };
    put(&role);
    let done = sync("actions.json", ADMIN_ACTIONS);
    assert!(done.contains("retired  user.User push"), "{done}");
    let roles = ada.read("/api/v1/roles");
    let pushers = roles.as_array().unwrap().iter().find(|role| role["slug"] == "pushers").unwrap();
    assert_eq!(pushers["capabilities"], role["capabilities"], "no grant is dropped");
    put(&role);
    let page = ada.get("/sg-admin/roles").text().unwrap();
    assert!(page.contains("Push (retired: grants nothing)"), "{page}");
    let done = sync("actions.json", &renamed);
    assert!(done.contains("revived  user.User push"), "{done}");
    let page = ada.get("/sg-admin/roles").text().unwrap();
    assert!(page.contains("users.push") && !page.contains("retired"), "{page}");
}

#[test]
fn what_is_wrong_is_told_by_name_before_anything_is_changed() {
    let client = USERS.replace("kind = \"server\"", "kind = \"client\"");
    let shop = shop_with(&client);
    let told = shop.run(&["check"]).with_code(2).stderr;
    assert!(told.contains("/actions/0/kind") && told.contains("personal data"), "{told}");

    let server = server();
    let push = |actions: &Value| {
        let ada = server.with_role("administrator");
        let answer = ada.post("/api/v1/actions/sync", &json!({ "actions": actions }));
        (answer.status().as_u16(), answer.text().unwrap())
    };
    let action = |model: &str, codename: &str| {
        json!({ "model": model, "codename": codename, "name": "Do it", "kind": "server",
            "scope": "bulk" })
    };
    let (status, told) = push(&json!([action("user.Usr", "export")]));
    assert_eq!(status, 422);
    assert!(told.contains("/actions/0/model") && told.contains("user.User"), "{told}");
    // Whoever declares it: both are one permission.
    fs::write(
        server.shop.path("tidegate.toml"),
        fs::read_to_string(server.shop.path("tidegate.toml")).unwrap().replacen(
            "slug = \"endless\"",
            "slug = \"endless\"\nmodel = \"user.Group\"",
            1,
        ),
    )
    .unwrap();
    let file = server.shop.path("both.json");
    let both = json!([action("user.User", "merge"), action("user.Group", "merge")]);
    fs::write(&file, both.to_string()).unwrap();
    let ada = ["--as", "administrator@example.com", "sync-actions", "both.json"];
    let told = server.shop.run(&ada).with_code(2).stderr;
    for named in ["`user.User`", "`user.Group`", "`user.merge`"] {
        assert!(told.contains(named), "{told}");
    }
    assert_eq!(synced(&server), 0);
}

/// Everything by which somebody could take users out, and what comes of it.
fn attempts(asker: &Asker, of_another: u64) -> Vec<(&'static str, u16)> {
    let users = json!({ "subject": "users", "format": "csv" });
    let post = |path: &str, body: &Value| asker.post(path, body).status().as_u16();
    let form = |path: &str, fields: &[(&str, &str)]| {
        let sent = asker.request(Method::POST, path).form(fields).send().unwrap();
        let to = sent.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        // A page that is left for the one that says why not.
        let is_back = to.is_some_and(|to| to.starts_with("/sg-admin/exports/new"));
        if is_back { 403 } else { sent.status().as_u16() }
    };
    vec![
        ("api", post("/api/v1/exports", &users)),
        ("preview", post("/api/v1/exports/preview", &users)),
        ("estimate", post("/api/v1/exports/estimate", &users)),
        ("rows by a token", asker.get("/api/v1/subjects/users/rows").status().as_u16()),
        ("re-run", post(&format!("/api/v1/exports/{of_another}/rerun"), &Value::Null)),
        ("download", post(&format!("/api/v1/exports/{of_another}/downloads"), &json!({}))),
        ("manifest", asker.get(&format!("/api/v1/exports/{of_another}/manifest")).status().into()),
        ("wizard", form("/sg-admin/exports/new/start?subject=users&format=csv", &[("key", "k")])),
        ("browser", form("/sg-admin/subjects/users/client-export", &[("rows", "1")])),
    ]
}

#[test]
fn only_three_of_ten_administrators_may_export_users() {
    let server = server();
    server.run(&["sync-actions"]);
    let own = "exports.list.own,exports.download.own,users.list,orders.list,orders.export";
    for role in ["admins", "exporters"] {
        server.run(&["roles", "put", role, "--capabilities", own]);
    }
    let names: Vec<String> = (0..10).map(|number| format!("admin{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        let role = if number < 3 { "exporters" } else { "admins" };
        server.run(&["operators", "add", &format!("{name}@example.com"), "--role", role]);
    }
    let people: Vec<Asker> = names.iter().map(|name| server.with_role(name)).collect();
    let users = json!({ "subject": "users", "format": "csv" });
    let may = |asker: &Asker| asker.post("/api/v1/exports", &users).status() == 202;
    assert_eq!(people.iter().filter(|one| may(one)).count(), 0, "nobody has ticked it yet");

    // The checkbox on the roles page is what decides.
    let ada = server.with_role("administrator");
    let page = ada.get("/sg-admin/roles").text().unwrap();
    assert!(page.contains("Export users"), "the action's own name stands there");
    assert!(page.contains("value=\"exporters:users.export\""), "{page}");
    let was = format!("exporters:{}", sorted(own));
    assert!(page.contains(&was), "{was} in {page}");
    let ticks = own.split(',').chain(["users.export"]).map(|one| format!("exporters:{one}"));
    let mut fields: Vec<(&str, String)> = ticks.map(|tick| ("may", tick)).collect();
    fields.push(("was", was));
    let sent = ada.request(Method::POST, "/sg-admin/roles").form(&fields).send().unwrap();
    assert_eq!(sent.status(), 303, "{}", sent.text().unwrap());

    let jobs: Vec<u64> = people[..3].iter().map(|one| one.export(&users)).collect();
    for one in &people[..3] {
        let list = one.get("/sg-admin/subjects/users").text().unwrap();
        assert!(list.contains("Export all"), "{list}");
    }
    let before = server.log().len();
    for one in &people[3..] {
        let list = one.get("/sg-admin/subjects/users").text().unwrap();
        assert!(!list.contains("Export all") && !list.contains("Export selected"), "{list}");
        let wizard = one.get("/sg-admin/exports/new").text().unwrap();
        assert!(!wizard.contains("value=\"users\""), "{wizard}");
        let got = attempts(one, jobs[0]);
        assert!(got.iter().all(|(_, status)| matches!(status, 403 | 404 | 422)), "{got:?}");
    }
    let log = server.log();
    let refused = log[before..]
        .iter()
        .filter(|entry| entry["outcome"] == "denied" && entry["subject"] == "users");
    let who: std::collections::BTreeSet<&str> =
        refused.map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(who.len(), 7, "each of the seven has left entries: {who:?}");
    let made = log
        .iter()
        .filter(|entry| entry["action"] == "export.created" && entry["outcome"] == "done");
    assert_eq!(made.count(), 3);
    // Out of the group: what has been made is not given out any more.
    server.run(&["operators", "role", "admin0@example.com", "admins"]);
    assert!(!may(&people[0]));
}

fn sorted(list: &str) -> String {
    let mut parts: Vec<&str> = list.split(',').collect();
    parts.sort_unstable();
    parts.join(",")
}
