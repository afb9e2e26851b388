//! Takes: files of every format, whole and in parts, what others have made, and again.

use reqwest::Method;
use serde_json::{Value, json};
use tidegate_testkit::python;

use super::{
    super::searcher::To,
    FORMATS,
    look::ALL,
    site::{NORTH, Site},
};

/// Requests of somebody who sees everything: what was chosen by masked values, and what shows them.
pub(super) fn made_by_ada(site: &mut Site) {
    let [north, south] = site.emails.clone();
    let equals = json!({ "field": "email", "op": "eq", "value": north });
    let scopes = [
        json!({ "filter": equals }),
        json!({ "filter": { "any": [{ "field": "contact", "op": "in", "value": [north, south] }] } }),
        json!({ "search": north }),
        json!({ "email": south }),
        json!({ "sort": ["-email"] }),
        json!({}),
    ];
    for scope in scopes {
        for fields in [Value::Null, json!(["id", "region"])] {
            let order =
                json!({ "subject": "people", "format": "csv", "scope": scope, "fields": fields });
            site.made.push(site.ada.export(&order));
        }
    }
    let order = json!({ "subject": "named", "format": "csv", "scope": { "ids": [site.key] } });
    site.made.push(site.ada.export(&order));
    // Where the values stand in an address.
    for path in ["/api/v1/subjects/people/rows", "/sg-admin/subjects/people"] {
        let asked = site.ada.get(&format!("{path}?filter={equals}&search={south}"));
        assert!(asked.status().as_u16() < 500);
        site.ada.get(&format!("{path}?email={north}&q={south}"));
    }
}

/// Files of every format, packed in every way, and their manifests.
pub(super) fn files(site: &mut Site) {
    for format in FORMATS {
        for compress in [None, Some("gzip"), Some("zstd")] {
            if compress.is_some() && matches!(format, "xlsx" | "parquet") {
                continue;
            }
            let mut order = json!({ "subject": "people", "format": format, "fields": ALL,
                "notify": { "email": "clerk@example.com" } });
            if let Some(compress) = compress {
                order["options"] = json!({ "compress": compress });
            }
            let (status, made) = site.post("/api/v1/exports", &order);
            assert_eq!(status, 202, "{made}");
            let id = made["id"].as_u64().unwrap();
            let file = site.take(id).expect("it is ready");
            let (_, job) = site.get(&format!("/api/v1/exports/{id}"));
            assert_eq!(job["rows_done"], NORTH, "{job}");
            if compress.is_none() {
                read_back(site, format, &file);
            }
        }
    }
}

/// Reads a file with a program that is not ours, and looks at its columns.
fn read_back(site: &mut Site, format: &str, file: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file").with_extension(format);
    std::fs::write(&path, file).unwrap();
    let table = python::read(&path, format);
    assert_eq!(table.rows.len(), NORTH, "{format}: {table:?}");
    let is_there = table.names.iter().any(|name| name == "email");
    assert_eq!(is_there, site.policy != "drop", "{format}: {:?}", table.names);
    let cells = table.rows.into_iter().flatten().flatten();
    let text = table.names.into_iter().chain(cells).collect::<Vec<_>>().join("\n");
    site.searcher.catch(To::Clerk, format!("rows of {format}"), text);
}

/// Downloads in parts, by links of one's own, of others, and from before the mask of now.
pub(super) fn parts_of_files(site: &mut Site) {
    for (number, link) in std::mem::take(&mut site.old_links).into_iter().enumerate() {
        for range in [None, Some("bytes=0-"), Some("bytes=5-90"), Some("bytes=-40")] {
            // The second one is good for whoever has it.
            let asker = if number == 1 { &site.server.asker(None) } else { &site.clerk };
            let request = asker.request(Method::GET, &link);
            let request = range.into_iter().fold(request, |it, range| it.header("range", range));
            // Each of these masks shows another thing than the one before.
            let (status, _) = site.fetch(To::Clerk, request);
            assert!(matches!(status, 403 | 404), "{} {range:?}: {status}", site.policy);
        }
    }
    let theirs = site.ada.link(*site.made.last().unwrap());
    let bearer = json!({ "bearer": true });
    for (method, range) in
        [(Method::HEAD, "bytes=0-"), (Method::GET, "bytes=0-"), (Method::GET, "bytes=3-60")]
    {
        let request = site.clerk.request(method, &theirs).header("range", range);
        let (status, _) = site.fetch(To::Clerk, request);
        assert!(matches!(status, 403 | 404), "{status}");
    }
    let order = json!({ "subject": "people", "format": "csv", "fields": ALL });
    let id = site.clerk.export(&order);
    let link = site.clerk.link(id);
    let mut whole = Vec::new();
    for from in (0..).step_by(97) {
        let range = format!("bytes={from}-{}", from + 96);
        let request = site.clerk.request(Method::GET, &link).header("range", range);
        match site.fetch(To::Clerk, request) {
            (206, part) => whole.extend(part),
            (416, _) => break,
            (status, _) => panic!("{status}"),
        }
    }
    site.searcher.catch(To::Clerk, "a file put together from parts", whole.clone());
    let lines = String::from_utf8_lossy(&whole).lines().count();
    assert_eq!(lines, NORTH + 1, "{}", site.policy);
    let (status, told) = site.post(&format!("/api/v1/exports/{id}/downloads"), &bearer);
    assert_eq!(status, 201, "{told}");
    site.old_links = vec![link, told["url"].as_str().unwrap().to_owned()];
}

/// What others have made: withheld. Made again, or opened in the wizard: with the masks of now.
pub(super) fn again(site: &mut Site) {
    for id in site.made.clone() {
        let (status, told) = site.post(&format!("/api/v1/exports/{id}/downloads"), &json!({}));
        assert_eq!((status, &told["type"]), (403, &json!("urn:tidegate:problem:file-withheld")));
        assert_eq!(site.get(&format!("/api/v1/exports/{id}/manifest")).0, 403);
        let (status, told) = site.post(&format!("/api/v1/exports/{id}/rerun"), &Value::Null);
        assert!(status == 422 || status == 202, "{told}");
        if let Some(again) = told["id"].as_u64() {
            site.take(again);
        }
        let nobody = site.server.asker(None);
        for path in ["rerun", "download"] {
            let request = nobody.request(Method::POST, &format!("/sg-admin/exports/{id}/{path}"));
            let request = request.header("sec-fetch-site", "same-origin");
            let (status, _) = site.in_browser(request.form(&[("from", "export")]));
            assert!(status < 500, "{path}: {status}");
        }
    }
    // The review of what somebody else has made is sent as it stands.
    let from = site.made[0];
    let nobody = site.server.asker(None);
    let form = [("from", from.to_string()), ("subject", "people".to_owned())];
    let request = nobody.request(Method::POST, "/sg-admin/exports/new/start");
    let request = request.header("sec-fetch-site", "same-origin").form(&form);
    let (status, _) = site.in_browser(request);
    assert!(status < 500, "{status}");
}

/// What somebody has asked for who sees more is looked at, and agreed to or not, by whoever sees less.
pub(super) fn approved(site: &mut Site) {
    let rules = |rules: Value| {
        json!({ "rules": rules, "break_glass": false,
            "reason": { "required_for": "none", "pattern": null } })
    };
    let rule = json!([{ "name": "Personal data", "subject": "people", "pii": true,
        "rows_over": null, "operators": [], "roles": ["administrator"], "hours": null,
        "wait_hours": 24, "good_hours": 8 }]);
    let put = |site: &Site, body: &Value| {
        let put = site.ada.request(Method::PUT, "/api/v1/approvals/rules").json(body).send();
        let put = put.unwrap();
        assert!(put.status().is_success(), "{}", put.text().unwrap());
    };
    put(site, &rules(rule));
    let [north, south] = site.emails.clone();
    for (scope, decision) in [
        (json!({ "filter": { "field": "email", "op": "in", "value": [north, south] } }), "deny"),
        (json!({ "search": south }), "deny"),
        (json!({ "ids": [NORTH, NORTH + 1, NORTH + 2] }), "deny"),
        (json!({ "sort": ["-email"] }), "grant"),
    ] {
        let order = json!({ "subject": "people", "format": "csv", "fields": ALL, "scope": scope });
        let made = site.ada.post("/api/v1/exports", &order);
        assert_eq!(made.status(), 202);
        let id = made.json::<Value>().unwrap()["id"].as_u64().unwrap();
        for path in ["approvals", &format!("approvals/{id}"), &format!("exports/{id}")] {
            let (status, told) = site.get(&format!("/api/v1/{path}"));
            assert_eq!(status, 200, "{path}: {told}");
            let (status, _) = site.page(&format!("/sg-admin/{path}"));
            assert_eq!(status, 200, "{path}");
        }
        let note = json!({ "note": "looked at" });
        let (status, told) = site.post(&format!("/api/v1/approvals/{id}/{decision}"), &note);
        assert!(status < 300 || status == 403, "{status}: {told}");
        if status < 300 {
            site.ada.wait(id);
        } else {
            site.ada.post(&format!("/api/v1/exports/{id}/cancel"), &Value::Null);
        }
        let (status, _) = site.post(&format!("/api/v1/exports/{id}/downloads"), &json!({}));
        assert!(status == 403 || status == 409 || status == 410, "{status}");
    }
    put(site, &rules(json!([])));
}
