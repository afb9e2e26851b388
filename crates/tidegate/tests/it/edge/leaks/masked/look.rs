//! Looks: lists, previews, estimates, every path of the description, every page.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    super::searcher::{To, word},
    FORMATS,
    site::{MASKED, NORTH, Site},
};

/// Fields of `people` that a list shows.
pub(super) const ALL: [&str; 10] =
    ["id", "region", "amount", "note", "email", "contact", "phone", "born", "profile", "lines"];

/// Rows by the page, forward, and counted.
pub(super) fn rows(site: &mut Site) {
    for query in ["count=exact", "count=about&limit=2", "search=x", "sort=-amount"] {
        let (status, told) = site.get(&format!("/api/v1/subjects/people/rows?{query}"));
        assert_eq!(status, 200, "{told}");
        if query == "count=exact" {
            assert_eq!(told["total"], NORTH, "{told}");
        }
        if let Some(cursor) = told["next"].as_str() {
            let (status, told) =
                site.get(&format!("/api/v1/subjects/people/rows?limit=2&cursor={cursor}"));
            assert!(status == 200 || status == 422, "{told}");
        }
    }
}

/// Previews and estimates, in every format.
pub(super) fn preview(site: &mut Site) {
    for format in FORMATS {
        for path in ["preview", "estimate"] {
            let order = json!({ "subject": "people", "format": format, "fields": ALL });
            let (status, told) = site.post(&format!("/api/v1/exports/{path}"), &order);
            assert_eq!((status, &told["rows"]), (200, &json!(NORTH)), "{told}");
        }
    }
}

/// Whether this is one of the two masks with which everything is looked at: the extremes of what a
/// mask does to a page.
fn is_extreme(site: &Site) -> bool {
    matches!(site.policy, "partial" | "drop")
}

/// Every path of the description that looks.
pub(super) fn every_path(site: &mut Site) {
    let document = site.server.asker(None).read("/api/v1/openapi.json");
    site.searcher.catch(To::Stranger, "description", document.to_string());
    let mut ids: Vec<String> = site.made.iter().map(u64::to_string).collect();
    if !is_extreme(site) {
        ids.truncate(2);
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        if item.get("get").is_none() {
            continue;
        }
        let slugs = ["people", "named", "visits"].map(|slug| path.replace("{slug}", slug));
        let paths: BTreeSet<String> =
            slugs.iter().flat_map(|path| ids.iter().map(|id| path.replace("{id}", id))).collect();
        for path in paths {
            let (status, _) = site.get(&path);
            assert!(status < 500, "{path}: {status}");
        }
    }
    for path in ["/metrics", "/healthz", "/readyz"] {
        let nobody = site.server.asker(None);
        site.fetch(To::Stranger, nobody.request(Method::GET, path));
    }
}

/// Every page that shows rows, exports or schedules.
pub(super) fn every_page(site: &mut Site) {
    let mut ids: Vec<String> = site.made.iter().map(u64::to_string).collect();
    if !is_extreme(site) {
        ids.truncate(1);
    }
    let mut pages: Vec<String> = [
        "",
        "/dashboard",
        "/exports",
        "/activity",
        "/activity/9",
        "/settings",
        "/subjects/named",
        "/subjects/loose",
        "/cron",
        "/cron/1",
        "/cron/2",
        "/cron/3",
        "/notifications",
        "/roles",
        "/roles/clerk",
        "/pause",
    ]
    .map(|path| format!("/sg-admin{path}"))
    .to_vec();
    for query in [
        "",
        "?open=filter",
        "?open=columns",
        "?count=exact",
        "?sort=email",
        "?q=x",
        "?email=x",
        "?fields=email,phone,born,profile,nick,lines,contact",
    ] {
        pages.push(format!("/sg-admin/subjects/people{query}"));
    }
    for id in &ids {
        pages.push(format!("/sg-admin/exports/{id}"));
        for step in ["", "/fields", "/format", "/notify", "/review"] {
            pages.push(format!("/sg-admin/exports/new{step}?from={id}"));
        }
    }
    for path in pages {
        let (status, text) = site.page(&path);
        // What cannot be read says so; nothing else fails.
        assert!(status < 500 || path.ends_with("/loose"), "{path}: {status}: {text}");
    }
}

/// Rows asked for by what is masked: refused by name, and what is sought is not found.
pub(super) fn by_masked_values(site: &mut Site) {
    for field in MASKED {
        for scope in [
            json!({ "filter": { "field": field, "op": "eq", "value": "2020-01-01" } }),
            json!({ "filter": { "not": { "field": field, "op": "is_null" } } }),
            json!({ "sort": [format!("-{field}")] }),
        ] {
            let order = json!({ "subject": "people", "format": "csv", "scope": scope });
            for path in ["", "/preview", "/estimate"] {
                let (status, told) = site.post(&format!("/api/v1/exports{path}"), &order);
                let said = told["errors"][0]["detail"].as_str().unwrap_or_default();
                assert!(status == 422 && said.contains(&format!("`{field}` is masked")), "{told}");
                assert_eq!(told["errors"][0]["code"], "masked", "{told}");
            }
        }
    }
    for scope in [json!({ "email": "x" }), json!({ "date_range": { "from": "2000-01-01" } })] {
        let order = json!({ "subject": "people", "format": "csv", "scope": scope });
        assert_eq!(site.post("/api/v1/exports/preview", &order).0, 422, "{scope}");
    }
    // (What somebody types comes back to them, so it is asked for as a stranger to the search.)
    let part = &site.emails[0][1..13];
    let order = json!({ "subject": "people", "format": "csv", "scope": { "search": part } });
    let preview = site.clerk.post("/api/v1/exports/preview", &order);
    assert_eq!(preview.json::<Value>().unwrap()["rows"], 0);
    let order = json!({ "subject": "named", "format": "csv", "scope": { "ids": ["x"] } });
    assert_eq!(site.post("/api/v1/exports/preview", &order).0, 422);
}

/// Requests that are refused: what they hold is not said again, nor written down.
pub(super) fn refusals(site: &mut Site) {
    let value = format!("x{}", word());
    site.searcher.watch("value of a refused request", &value[1..], &[]);
    for scope in [
        json!({ "filter": { "field": "email", "op": "eq", "value": value } }),
        json!({ "filter": { "any": [{ "field": "contact", "op": "in", "value": [value, "x"] }] } }),
        json!({ "filter": { "field": "phone", "op": "between", "value": [value, value] } }),
        json!({ "filter": { "field": "born", "op": "gte", "value": value } }),
        json!({ "filter": { "field": "amount", "op": "eq", "value": value } }),
        json!({ "filter": { "field": "id", "op": "in", "value": [value] } }),
        json!({ "email": value }),
        json!({ "date_range": { "from": value } }),
        json!({ "ids": [value] }),
    ] {
        let order = json!({ "subject": "people", "format": "csv", "scope": scope });
        for path in ["", "/preview", "/estimate"] {
            let (status, told) = site.post(&format!("/api/v1/exports{path}"), &order);
            assert_eq!(status, 422, "{scope}: {told}");
        }
        if let Some(filter) = scope.get("filter") {
            let path = format!("/api/v1/subjects/people/rows?filter={filter}");
            assert_eq!(site.get(&path).0, 422, "{scope}");
        }
        let page = format!("/sg-admin/subjects/people?filter={}", scope["filter"]);
        // The page holds its address, which the asker has typed.
        let asked = site.server.asker(None).request(Method::GET, &page);
        assert!(asked.send().unwrap().status().as_u16() < 500);
    }
    // A row that cannot be read fails its export, and its values are not in the reason.
    for format in ["csv", "parquet"] {
        let order = json!({ "subject": "loose", "format": format,
            "notify": { "email": "clerk@example.com" } });
        let (status, made) = site.post("/api/v1/exports", &order);
        if site.policy == "drop" {
            // Nothing is left of it.
            assert_eq!(status, 422, "{made}");
            continue;
        }
        assert_eq!(status, 202, "{made}");
        let id = made["id"].as_u64().unwrap();
        assert!(site.take(id).is_none(), "{format}");
        site.get(&format!("/api/v1/exports/{id}/attempts"));
        site.page(&format!("/sg-admin/exports/{id}"));
    }
    for path in ["/api/v1/subjects/loose/rows", "/sg-admin/subjects/loose"] {
        site.page(path);
    }
}
