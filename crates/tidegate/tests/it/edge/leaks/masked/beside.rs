//! Beside the pages and the API: commands, the log as a file, actions of the site, people handed over.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    super::searcher::To,
    FORMATS,
    site::{NORTH, Site},
};
use crate::edge::hand_over::Handed;

/// The command line, in the clerk's name, as talkative as it gets.
pub(super) fn commands(site: &mut Site) {
    let fields = "id,region,note,email,contact,phone,born,profile,lines";
    for format in FORMATS {
        let name = format!("file-{}.{format}", site.policy);
        let arguments = ["export", "people", "--format", format, "-o", &name, "--fields", fields];
        site.command(&arguments).with_code(0);
        for name in [name.clone(), format!("{name}.manifest.json")] {
            let file = std::fs::read(site.server.shop.path(&name)).unwrap_or_default();
            site.searcher.catch(To::Clerk, name, file);
        }
    }
    let rows = site.command(&["export", "people", "--fields", "id", "-o", "-"]).with_code(0);
    assert_eq!(rows.stdout.lines().count(), NORTH + 1, "{}", rows.stdout);
    site.command(&["--json", "export", "loose", "-o", "loose.csv"]);
    let made = site.made[0].to_string();
    let filter = json!({ "field": "phone", "op": "is_null" }).to_string();
    for arguments in [
        &["export", "people", "--where", &filter, "-o", "-"][..],
        &["export", "people", "--sort", "email", "-o", "-"],
        &["export", "people", "--ids", "1,9", "-o", "-"],
        &["export", "named", "--ids", "x", "-o", "-"],
        &["jobs", "list"],
        &["--json", "jobs", "list"],
        &["jobs", "show", &made],
        &["--json", "jobs", "show", &made],
        &["jobs", "rerun", &made],
        &["jobs", "download", &made, "-o", "theirs.csv"],
        &["jobs", "link", &made],
        &["schedules", "list"],
        &["--json", "schedules", "list"],
        &["roles", "explain", "clerk@example.com", "people"],
        &["--json", "roles", "list"],
        &["--json", "audit", "list", "--limit", "1000"],
        &["audit", "list", "--subject", "people"],
        &["audit", "report"],
        &["audit", "report", "--help"],
        &["check"],
        &["--json", "check"],
    ] {
        site.command(arguments);
    }
    assert!(!site.server.shop.path("theirs.csv").exists(), "it is withheld");
}

/// The log of activity, taken away as files, by the API and by the page, and looked at.
pub(super) fn log_export(site: &mut Site) {
    for kind in ["exports", "entries"] {
        for more in [json!({}), json!({ "subject": "people" }), json!({ "field": "email" })] {
            let mut order = json!({ "kind": kind });
            order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let (status, told) = site.post("/api/v1/activity/report", &order);
            assert!(status == 200 || (kind, status) == ("exports", 422) || status == 422, "{told}");
        }
        let nobody = site.server.asker(None);
        let request = nobody.request(Method::POST, "/sg-admin/activity/report");
        let request = request.header("sec-fetch-site", "same-origin").form(&[("kind", kind)]);
        let (status, text) = site.in_browser(request);
        assert_eq!(status, 200, "{text}");
    }
    let (status, told) = site.get("/api/v1/activity?limit=100&tag=egress.pii");
    assert!(status == 200 && !told["items"].as_array().unwrap().is_empty(), "{told}");
}

/// What another site is asked to do: it is sent keys, those within the limit.
pub(super) fn actions(site: &mut Site) {
    let run = "/api/v1/actions/people/greet/runs";
    let before = site.hook.calls().len();
    let (status, told) = site.post(run, &json!({ "scope": { "ids": [1, 2, NORTH + 1] } }));
    assert_eq!((status, &told["records"]), (200, &json!(2)), "{told}");
    let (status, told) = site.post(run, &json!({ "scope": {} }));
    assert_eq!((status, &told["records"]), (200, &json!(NORTH)), "{told}");
    let sent: Vec<Value> = site
        .hook
        .wait_for(before + 2)
        .iter()
        .filter_map(|call| serde_json::from_str::<Value>(&call.body).ok())
        .filter(|body| body["type"] == "action.run")
        .collect();
    let keys = json!((1..=NORTH).collect::<Vec<_>>());
    assert_eq!(sent.last().unwrap()["data"]["keys"], keys);
    for scope in
        [json!({ "filter": { "field": "email", "op": "is_null" } }), json!({ "ids": [NORTH + 1] })]
    {
        assert_eq!(site.post(run, &json!({ "scope": scope })).0, 422, "{scope}");
    }
    // Records whose keys are masked cannot be named, nor handed out.
    let run = "/api/v1/actions/named/hail/runs";
    for scope in [json!({}), json!({ "ids": ["x"] })] {
        let (status, told) = site.post(run, &json!({ "scope": scope }));
        assert!((400..500).contains(&status), "{status}: {told}");
    }
    for call in site.hook.calls() {
        site.searcher.catch(To::Stranger, "webhook of an action", call.body);
    }
}

/// Somebody whom another site hands over, with what its list shows.
pub(super) fn hand_over(site: &mut Site) {
    let desk = site.server.with_role("site");
    let orders = [
        (json!({ "subject": "people", "format": "csv" }), Some(NORTH)),
        (
            json!({ "subject": "people", "format": "csv", "scope": { "ids": [2, 3, NORTH + 1] } }),
            Some(2),
        ),
        (
            json!({ "subject": "people", "format": "csv",
            "scope": { "filter": { "field": "email", "op": "eq", "value": "x" } } }),
            None,
        ),
        (json!({ "subject": "people", "format": "csv", "scope": { "sort": ["-phone"] } }), None),
        (json!({ "subject": "people", "format": "csv", "fields": ["id", "email"] }), Some(NORTH)),
        (json!({ "subject": "named", "format": "csv", "scope": { "ids": ["x"] } }), None),
    ];
    for (export, rows) in orders {
        let mut handed = Handed::of(&site.server);
        handed.email = "clerk@example.com";
        handed.export = export.clone();
        let request = handed.sign(desk.request(Method::POST, "/api/v1/hand-overs"));
        let (status, told) = site.fetch(To::Clerk, request);
        let told: Value = serde_json::from_slice(&told).unwrap();
        let Some(rows) = rows else {
            // (Of a field that is not there, nobody says that it is masked.)
            assert_eq!(status, 422, "{export}: {told}");
            continue;
        };
        if site.policy == "drop" && export["fields"].is_array() {
            continue;
        }
        assert_eq!(status, 201, "{export}: {told}");
        let id = told["job"].as_u64().unwrap();
        site.take(id).expect("it is ready");
        let (_, job) = site.get(&format!("/api/v1/exports/{id}"));
        assert_eq!(job["rows_done"], rows, "{export}: {job}");
    }
}
