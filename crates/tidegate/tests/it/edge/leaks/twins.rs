//! Two sites that differ only in what may not be seen answer alike, to the byte.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    site::{NORTH, On},
    told::{Told, assert_alike},
    twin::Twin,
};
use crate::edge::server::Asker;

const SUBJECT: &str = r#"
search = ["note"]
fields = ["id", "region", "amount", "note"]
"#;
/// Formats, the packed ones last.
const FORMATS: [&str; 6] = ["csv", "ndjson", "json", "xml", "xlsx", "parquet"];
/// How many of them are not packed.
const PLAIN: usize = 4;
/// Times at which a schedule of the test fires: not before the test is over.
const TIMES: &str = "0 3 1 1 *";
/// Figures of the site that follow from what was exported.
const FIGURES: [&str; 6] = [
    "tidegate_queue_depth",
    "tidegate_jobs",
    "tidegate_jobs_failed_total",
    "tidegate_export_rows_total",
    "tidegate_export_bytes_total",
    "tidegate_download_bytes_total",
];

/// A site whose clerk sees the north; there are so many rows of it, and of the south, with this in
/// those.
fn site(on: On, [north, south]: [usize; 2], note: &str) -> Twin {
    let sql = format!(
        "create table sales (id integer primary key, region text, amount integer, note text,
             cost text);
         with recursive c(n) as (select 1 union all select n + 1 from c where n < {north})
         insert into sales select n, 'north', n, 'seen ' || n, 'x' from c;
         with recursive c(n) as (select {north} + 1 union all select n + 1 from c
             where n < {north} + {south})
         insert into sales select n, 'south', -n, '{note}', '{note}' from c;"
    );
    let limit = json!({ "field": "region", "op": "eq", "value": "north" });
    let role = json!({ "limits": [{ "subject": "sales", "where": limit }] });
    Twin::new(on, &sql, SUBJECT, &role)
}

/// Everything that the clerk is told.
pub(super) fn told(clerk: &Asker, has_hashes: bool) -> Told<'_> {
    let mut told = Told::new(clerk, has_hashes);
    rows(&mut told);
    looks(&mut told);
    list_pages(&mut told);
    for format in &FORMATS[..PLAIN] {
        export(&mut told, clerk, format);
    }
    // What a source expects of a filter follows from all rows of its table.
    let negative = json!({ "filter": filters()[0] });
    let id = clerk.export(&json!({ "subject": "sales", "format": "csv", "scope": negative }));
    told.get(&format!("/api/v1/exports/{id}"));
    told.get(&format!("/api/v1/exports/{id}/events"));
    schedule(&mut told, clerk);
    pages(&mut told);
    figures(&mut told, clerk);
    for format in &FORMATS[PLAIN..] {
        export(&mut told, clerk, format);
    }
    told
}

fn filters() -> [Value; 7] {
    let hidden = json!({ "field": "region", "op": "eq", "value": "south" });
    [
        json!({ "field": "amount", "op": "lt", "value": 0 }),
        json!({ "not": hidden }),
        hidden,
        json!({ "field": "cost", "op": "is_null" }),
        json!({ "field": "email", "op": "contains", "value": "a" }),
        json!({ "not": { "field": "phone", "op": "is_null" } }),
        json!({ "field": "amount", "op": "lt", "value": "x" }),
    ]
}

/// These queries, and one for each filter.
fn with_filters(queries: &[&str]) -> Vec<String> {
    let filters = filters().map(|filter| format!("count=exact&filter={filter}"));
    queries.iter().map(ToString::to_string).chain(filters).collect()
}

fn rows(told: &mut Told<'_>) {
    let queries = with_filters(&[
        "",
        "limit=7",
        "count=exact",
        "count=about&limit=3",
        "sort=-amount",
        "sort=note,-id",
        "sort=cost",
        "sort=-email",
        "search=hidden",
        "search=e",
        "search=ex.org",
        "fields=amount,note",
        "fields=email,phone,cost,age",
        "filter={",
    ]);
    for query in queries {
        let found = told.get(&format!("/api/v1/subjects/sales/rows?total=true&{query}"));
        let found = if found["items"].is_null() {
            told.get(&format!("/api/v1/subjects/sales/rows?{query}"))
        } else {
            found
        };
        if let Some(cursor) = found["next"].as_str() {
            told.get(&format!("/api/v1/subjects/sales/rows?{query}&cursor={cursor}"));
        }
    }
    told.get("/api/v1/subjects/sales");
    told.get("/api/v1/subjects");
}

fn looks(told: &mut Told<'_>) {
    let mut scopes = vec![
        json!({}),
        json!({ "search": "hidden" }),
        json!({ "search": "ex.org" }),
        json!({ "sort": ["-amount"] }),
        json!({ "sort": ["-email"] }),
        json!({ "sort": ["cost"] }),
        json!({ "ids": [1, NORTH + 1, NORTH + 2] }),
        json!({ "except_ids": [1] }),
    ];
    scopes.extend(filters().map(|filter| json!({ "filter": filter })));
    scopes.push(json!({ "filter": { "any": filters()[..3] } }));
    for scope in scopes {
        let order = json!({ "subject": "sales", "format": "csv", "scope": scope });
        for path in ["preview", "estimate", "estimate?exact=true"] {
            told.post(&format!("/api/v1/exports/{path}"), &order);
        }
    }
    for format in &FORMATS[1..PLAIN] {
        let order = json!({ "subject": "sales", "format": format });
        told.post("/api/v1/exports/preview", &order);
    }
}

fn list_pages(told: &mut Told<'_>) {
    let queries = with_filters(&[
        "",
        "open=filter",
        "open=columns",
        "count=exact",
        "limit=10",
        "sort=-amount",
        "sort=email",
        "q=hidden",
        "q=e",
        "q=ex.org",
        "fields=email,phone,cost,age",
    ]);
    for query in queries {
        told.page(&format!("/sg-admin/subjects/sales?{query}"));
    }
    let wizard = "/sg-admin/exports/new";
    let filter = &filters()[1];
    for query in ["subject=sales&format=csv", &format!("subject=sales&format=csv&filter={filter}")]
    {
        // With hashes, a page that tells the size of packed files tells which are the same.
        for step in ["", "/fields", "/notify", "/review", "/format"] {
            if step != "/format" || !told.has_hashes {
                told.page(&format!("{wizard}{step}?{query}"));
            }
        }
    }
}

/// An export with all that is told of it.
fn export(told: &mut Told<'_>, clerk: &Asker, format: &str) {
    let id = clerk.export(&json!({ "subject": "sales", "format": format }));
    // The size of a packed file may tell how many of its hashes are the same.
    if !told.has_hashes || !FORMATS[PLAIN..].contains(&format) {
        told.get(&format!("/api/v1/exports/{id}"));
        told.get(&format!("/api/v1/exports/{id}/manifest"));
        told.page(&format!("/sg-admin/exports/{id}"));
    }
    told.file(id, format);
}

/// A schedule, a run of it, and what is told of them.
fn schedule(told: &mut Told<'_>, clerk: &Asker) {
    let order = json!({ "subject": "sales", "format": "csv", "schedule": { "cron": TIMES } });
    let made = told.post("/api/v1/exports", &order);
    let id = made["id"].as_u64().unwrap_or_else(|| panic!("{made}"));
    let run = told.post(&format!("/api/v1/schedules/{id}/run"), &Value::Null);
    clerk.wait(run["id"].as_u64().unwrap_or_else(|| panic!("{run}")));
    told.get(&format!("/api/v1/schedules/{id}"));
    told.get("/api/v1/schedules");
    told.page(&format!("/sg-admin/cron/{id}"));
    told.page("/sg-admin/cron");
    let path = format!("/api/v1/schedules/{id}");
    assert!(clerk.request(Method::DELETE, &path).send().unwrap().status().is_success());
}

fn pages(told: &mut Told<'_>) {
    told.get("/api/v1/exports");
    for path in ["", "dashboard", "exports", "notifications", "activity", "help"] {
        told.page(&format!("/sg-admin/{path}"));
    }
}

/// What everybody on this machine may read of the site, as far as it is not about time.
fn figures(told: &mut Told<'_>, clerk: &Asker) {
    let text = clerk.get("/metrics").text().unwrap();
    let is_of_rows = |line: &&str| {
        let name = line.split(['{', ' ']).next().unwrap();
        FIGURES.contains(&name)
    };
    let lines: Vec<&str> = text.lines().filter(is_of_rows).collect();
    assert!(lines.len() > FIGURES.len(), "{text}");
    told.answers.push(("/metrics".to_owned(), lines.join("\n")));
}

/// Asserts that both sites answer alike on a database.
fn compare(on: On) {
    let long = "another hidden thing ".repeat(40);
    let (few, many) = (site(on, [NORTH, 3], "hidden"), site(on, [NORTH, 700], &long));
    let (few, many) = (told(&few.clerk, false), told(&many.clerk, false));
    assert!(few.answers.len() > 120, "{}", few.answers.len());
    assert_alike("row limit", &few, &many);
}

#[test]
fn sites_that_differ_only_in_what_may_not_be_seen_answer_alike() {
    compare(On::Sqlite);
}

#[test]
fn so_do_those_with_rows_and_control_state_in_postgres() {
    compare(On::Postgres);
}

#[test]
fn what_is_expected_of_many_rows_does_not_tell_of_hidden_ones() {
    let sites = [3, 40_000].map(|south| site(On::Postgres, [20_000, south], "hidden"));
    let [few, many] = [&sites[0], &sites[1]].map(|site| {
        let mut told = Told::new(&site.clerk, false);
        for filter in filters() {
            let order =
                json!({ "subject": "sales", "format": "csv", "scope": { "filter": filter } });
            told.post("/api/v1/exports/estimate", &order);
            told.get(&format!("/api/v1/subjects/sales/rows?limit=1&count=about&filter={filter}"));
        }
        told
    });
    assert_alike("rows expected", &few, &many);
}
