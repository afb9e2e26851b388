//! A look at rows: pages both ways, how many there are, and what cannot be shown.

use reqwest::Method;
use serde_json::{Value, json};
use tidegate_testkit::postgres::Postgres;

use super::server::{Asker, Server};
use crate::site::Shop;

const SUBJECTS: &str = r#"
[[subjects]]
slug = "notes"
source = "shop"
table = "notes"
fields = [
  { slug = "id" }, { slug = "rank" }, { slug = "word", default = false },
  { slug = "secret", default = false },
]

[[subjects]]
slug = "torn"
source = "shop"
table = "torn"

[[roles]]
slug = "north"
capabilities = ["notes.list", "notes.export"]
[[roles.limits]]
subject = "notes"
where = { field = "rank", op = "eq", value = 1 }
"#;
/// Ranks have ties and NULLs.
const TABLES: &str = "
create table notes (id integer primary key, rank integer, word text, secret text);
with recursive c(n) as (select 1 union all select n + 1 from c where n < 57)
insert into notes select n, nullif(n % 5, 0), 'word' || (n % 3), 'treasure' || n from c;
create table torn (id integer primary key, n integer);
insert into torn values (1, 1), (2, 'jabberwocky');
";
const PATH: &str = "/api/v1/subjects/notes/rows";

fn server() -> Server {
    let shop = Shop::new();
    shop.sqlite(TABLES);
    Server::of(shop, SUBJECTS, &[])
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].to_string()).collect()
}

fn page(asker: &Asker, query: &str, cursor: Option<&str>) -> Value {
    let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    asker.read(&format!("{PATH}?{query}{cursor}"))
}

/// Pages from one on, by the cursor of that name, as long as there is one.
fn walked(asker: &Asker, query: &str, from: Option<&str>, way: &str) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), from.map(str::to_owned));
    loop {
        let found = page(asker, query, cursor.as_deref());
        pages.push(ids(&found));
        match found[way].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return pages,
        }
    }
}

#[test]
fn pages_forward_and_backward_are_the_same_rows_in_the_same_order() {
    let server = server();
    let ada = server.with_role("administrator");
    for sort in ["id", "-id", "rank", "-rank", "word,-rank", "-secret", "-rank,-word,-id"] {
        let whole = ids(&page(&ada, &format!("sort={sort}&limit=100"), None));
        assert_eq!(whole.len(), 57);
        let query = format!("sort={sort}&limit=10");
        let forward = walked(&ada, &query, None, "next");
        assert_eq!(forward.concat(), whole, "{sort}");
        let last = page(&ada, &query, None)["last"].as_str().unwrap().to_owned();
        let mut backward = walked(&ada, &query, Some(&last), "previous");
        assert_eq!(backward[0], whole[47..], "the last page is full: {sort}");
        backward.reverse();
        assert_eq!(backward.concat(), whole, "{sort}");
    }
    let answer = ada.get(&format!("{PATH}?limit=10"));
    let link = answer.headers()["link"].to_str().unwrap();
    assert!(link.contains("rel=\"next\"") && link.contains("rel=\"last\""), "{link}");
}

#[test]
fn a_cursor_is_good_for_its_question_and_tells_nobody_anything() {
    let server = server();
    let ada = server.with_role("administrator");
    let query = "sort=secret&limit=2";
    let cursor = page(&ada, query, None)["next"].as_str().unwrap().to_owned();
    assert_eq!(ids(&page(&ada, query, Some(&cursor))).len(), 2);
    assert_ne!(page(&ada, query, None)["next"], cursor, "equal places do not look alike");
    let filter = r#"{"field":"rank","op":"gt","value":1}"#;
    for other in ["sort=-secret", "sort=secret,rank", &format!("sort=secret&filter={filter}")] {
        let refused = ada.get(&format!("{PATH}?{other}&cursor={cursor}"));
        assert_eq!(refused.status(), 422, "{other}");
        let problem: Value = refused.json().unwrap();
        assert_eq!(problem["errors"][0]["pointer"], "/cursor", "{problem}");
    }
    // The rows in front of the next page may be gone by the time it is asked for.
    server.shop.sqlite("delete from notes where id in (1, 10)");
    assert_eq!(ids(&page(&ada, query, Some(&cursor))).len(), 2);
}

#[test]
fn an_estimate_says_whether_it_was_counted_and_what_its_time_follows_from() {
    let server = server();
    let ada = server.with_role("administrator");
    let path = "/api/v1/exports/estimate";
    let notes = json!({ "subject": "notes", "format": "csv" });
    for query in ["", "?exact=true", "?exact=false"] {
        let told: Value = ada.post(&format!("{path}{query}"), &notes).json().unwrap();
        assert_eq!((&told["rows"], &told["is_exact"]), (&json!(57), &json!(true)), "{told}");
        assert_eq!(told["seconds"], 1);
        assert_eq!(told["formats"][0]["basis"], "assumption", "{told}");
    }
    // What was analyzed long ago is only about right; counting is asked for.
    let many = "with recursive c(n) as (select 100 union all select n + 1 from c where n < 30000)
        insert into notes select n, 9, 'w', 's' from c; analyze;
        delete from notes where id > 29000;";
    server.shop.sqlite(many);
    let about: Value = ada.post(path, &notes).json().unwrap();
    assert_eq!((&about["rows"], &about["is_exact"]), (&json!(29_958), &json!(false)), "{about}");
    let exact: Value = ada.post(&format!("{path}?exact=true"), &notes).json().unwrap();
    assert_eq!((&exact["rows"], &exact["is_exact"]), (&json!(28_958), &json!(true)), "{exact}");
    let list = |count: &str| page(&ada, &format!("limit=1&count={count}"), None);
    assert_eq!(list("about")["total"], 29_958);
    assert_eq!(list("exact")["total"], 28_958);
    assert_eq!(list("none")["total"], Value::Null);
    ada.wait(ada.export(&notes));
    let told: Value = ada.post(path, &notes).json().unwrap();
    let csv = told["formats"].as_array().unwrap().iter().find(|one| one["format"] == "csv");
    assert_eq!(csv.unwrap()["basis"], "subject", "{told}");
    assert_eq!(ada.post(&format!("{path}?exact=perhaps"), &notes).status(), 422);
}

#[test]
fn a_row_limit_is_in_every_number() {
    let server = server();
    let add = json!({ "email": "north@example.com", "role": "north" });
    let ada = server.with_role("administrator");
    assert!(ada.post("/api/v1/operators", &add).status().is_success());
    let many = "with recursive c(n) as (select 100 union all select n + 1 from c where n < 30000)
        insert into notes select n, 9, 'w', 's' from c; analyze;";
    server.shop.sqlite(many);
    let north = server.with_role("north");
    let estimate = |scope: Value| -> Value {
        let order = json!({ "subject": "notes", "format": "csv", "scope": scope });
        north.post("/api/v1/exports/estimate", &order).json().unwrap()
    };
    assert_eq!(estimate(Value::Null)["rows"], 12);
    let hidden = json!({ "filter": { "field": "rank", "op": "eq", "value": 9 } });
    assert_eq!(estimate(hidden)["rows"], 0);
    assert_eq!(page(&north, "limit=5&count=about", None)["total"], 12);
    assert_eq!(walked(&north, "limit=5", None, "next").concat().len(), 12);
}

#[test]
fn no_plan_tells_what_lies_beyond_a_row_limit() {
    const TABLE: &str = "create table wide (id bigint primary key, region text, word text);
        insert into wide select n, case n % 2 when 0 then 'north' else 'south' end,
            case n % 2 when 0 then 'seen' else 'hidden' end from generate_series(1, 60000) n;
        analyze wide;";
    let database = Postgres::shared().database();
    database.execute(TABLE);
    let configuration = format!(
        r#"
[sources.far]
url = "{}"

[[subjects]]
slug = "wide"
source = "far"
table = "wide"

[[roles]]
slug = "north"
capabilities = ["wide.list", "wide.export"]
[[roles.limits]]
subject = "wide"
where = {{ field = "region", op = "eq", value = "north" }}
"#,
        database.url()
    );
    let server = Server::of(Shop::new(), &configuration, &[]);
    let ada = server.with_role("administrator");
    let add = json!({ "email": "north@example.com", "role": "north" });
    assert!(ada.post("/api/v1/operators", &add).status().is_success());
    let north = server.with_role("north");
    let rows = |asker: &Asker, word: &str| -> [Value; 2] {
        let filter = json!({ "field": "word", "op": "eq", "value": word });
        let order = json!({ "subject": "wide", "format": "csv", "scope": { "filter": filter } });
        let told: Value = asker.post("/api/v1/exports/estimate", &order).json().unwrap();
        let list = format!("/api/v1/subjects/wide/rows?limit=1&count=about&filter={filter}");
        [told["rows"].clone(), asker.read(&list)["total"].clone()]
    };
    assert!(rows(&ada, "hidden")[0].as_u64().unwrap() > 20_000, "the planner knows of them");
    assert_eq!(rows(&north, "hidden"), rows(&north, "nowhere"));
}

#[test]
fn a_value_that_cannot_be_read_is_told_by_its_field_and_never_shown() {
    let server = server();
    let ada = server.with_role("administrator");
    let order = json!({ "subject": "torn", "format": "csv" });
    for answer in [
        ada.get("/api/v1/subjects/torn/rows"),
        ada.post("/api/v1/exports/preview", &order),
        ada.post("/api/v1/exports/estimate", &order),
    ] {
        assert_eq!(answer.status(), 409);
        assert!(!answer.headers().contains_key("retry-after"));
        let text = answer.text().unwrap();
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(problem["type"], "urn:tidegate:problem:unreadable-value");
        assert!(problem["detail"].as_str().unwrap().contains("field `n`"), "{text}");
        assert!(!text.contains("jabberwocky"), "{text}");
    }
    assert_eq!(ada.get("/api/v1/subjects/torn/rows?fields=id").status(), 200);
}

#[test]
fn a_look_that_takes_too_long_is_cut_and_says_what_an_index_needs() {
    let limit = ("TIDEGATE__SOURCES__SHOP__STATEMENT_SECONDS_MAX", "1");
    let server = Server::of(Shop::new(), "", &[limit]);
    let ada = server.with_role("administrator");
    let endless = "/api/v1/subjects/endless";
    let fields = ada.read(endless)["shapes"][0]["fields"].clone();
    let field = fields[0]["slug"].as_str().unwrap();
    let filter = json!({ "field": field, "op": "is_null" });
    let refused = ada.get(&format!("{endless}/rows?count=exact&filter={filter}"));
    assert_eq!(refused.status(), 422);
    let problem: Value = refused.json().unwrap();
    assert_eq!(problem["type"], "urn:tidegate:problem:look-too-long", "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("index `{field}`")), "{detail}");
}

#[test]
fn a_limit_is_checked_before_anybody_has_it() {
    let server = server();
    let ada = server.with_role("administrator");
    let put = |limits: Value| {
        let role = json!({ "label": "", "capabilities": ["notes.list"], "limits": limits });
        ada.request(Method::PUT, "/api/v1/roles/south").json(&role).send().unwrap()
    };
    let leaf =
        |field: &str, op: &str, value: Value| json!({ "field": field, "op": op, "value": value });
    let of = |filter: &Value| json!({ "subject": "notes", "where": filter });
    for (limits, place) in [
        (json!([{ "subject": "nots", "where": {} }]), "/limits/0/subject"),
        (json!([of(&leaf("rnk", "eq", json!(1)))]), "/limits/0/where/field"),
        (json!([of(&leaf("rank", "like", json!(1)))]), "/limits/0/where/op"),
        (json!([of(&leaf("rank", "eq", json!("x")))]), "/limits/0/where/value"),
        (json!([of(&Value::Null)]), "/limits/0/where"),
        (
            json!([of(&leaf("rank", "eq", json!(1))), of(&leaf("rank", "eq", json!(2)))]),
            "/limits/1/subject",
        ),
    ] {
        let refused = put(limits);
        assert_eq!(refused.status(), 422, "{place}");
        let problem: Value = refused.json().unwrap();
        assert_eq!(problem["errors"][0]["pointer"], place, "{problem}");
    }
    let roles = ada.read("/api/v1/roles");
    assert!(!roles.to_string().contains("south"), "nothing of it was kept");
    assert_eq!(put(json!([of(&leaf("rank", "eq", json!(2)))])).status(), 204);
}
