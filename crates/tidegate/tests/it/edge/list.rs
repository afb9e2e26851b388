//! The list of a subject, as a page: what is offered to whom, and what its forms do.

use reqwest::{Method, StatusCode, blocking::Response, header};
use serde_json::{Value, json};

use super::server::{Asker, Server};
use crate::site::Shop;

const SUBJECTS: &str = r#"
[[subjects]]
slug = "notes"
source = "shop"
table = "notes"
sort = ["-rank", "id"]
fields = ["id", "rank", "word", { slug = "mail", pii = "email", default = false }]

[[subjects]]
slug = "people"
source = "shop"
table = "notes"
pii = true
fields = ["id", "word"]

[[subjects]]
slug = "visits"
source = "shop"
table = "notes"
pii_when = "mail"
fields = ["id", "mail"]

[[subjects]]
slug = "torn"
source = "shop"
table = "torn"

[[roles]]
slug = "looker"
capabilities = ["notes.list"]
[[roles]]
slug = "north"
capabilities = ["notes.list", "notes.export", "exports.list.own"]
[[roles.limits]]
subject = "notes"
where = { any = [{ field = "rank", op = "eq", value = 1 }, { not = { field = "id", op = "gt", value = 5 } }] }
"#;
const TABLES: &str = "
create table notes (id integer primary key, rank integer, word text, mail text);
with recursive c(n) as (select 1 union all select n + 1 from c where n < 60)
insert into notes select n, n % 4, 'word' || n, 'm' || n || '@example.com' from c;
update notes set word = '' where id = 1;
update notes set word = null where id = 2;
update notes set word = '=1+1, \"x\"' || char(13) || char(10) || '</button>' where id = 3;
create table torn (id integer primary key, n integer);
insert into torn values (1, 1), (2, 'jabberwocky');
";
const LIST: &str = "/sg-admin/subjects/notes";

fn server() -> Server {
    let shop = Shop::new();
    shop.sqlite(TABLES);
    Server::of(shop, SUBJECTS, &[])
}

/// Somebody of a role of the configuration.
fn with_own_role(server: &Server, role: &str) -> Asker {
    server.run(&["operators", "add", &format!("{role}@example.com"), "--role", role]);
    server.with_role(role)
}

fn page(asker: &Asker, path: &str) -> String {
    let answer = asker.get(path);
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().unwrap()
}

fn send(asker: &Asker, path: &str, form: &[(&str, &str)]) -> Response {
    asker.request(Method::POST, path).form(form).send().unwrap()
}

fn leads_to(answer: &Response) -> &str {
    answer.headers()[header::LOCATION].to_str().unwrap()
}

/// What a browser would make a file of.
fn file_of(page: &str) -> Option<Value> {
    let (_, rest) = page.split_once("data-file=\"")?;
    let text = rest.split('"').next().unwrap();
    let codes = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    let text = codes.iter().fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain));
    Some(serde_json::from_str(&text).unwrap())
}

fn noted(server: &Server) -> Vec<Value> {
    let mut log = server.log();
    log.retain(|entry| entry["action"] == "export.client");
    log
}

#[test]
fn a_browser_is_given_the_rows_on_screen_as_they_are_and_no_others() {
    let server = server();
    let ada = server.with_role("administrator");
    let shown = page(&ada, &format!("{LIST}?sort=id&fields=word,id&limit=50"));
    let file = file_of(&shown).unwrap();
    assert_eq!(file["columns"], json!([["word", "text"], ["id", "plain"]]));
    let rows = file["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 50);
    let first = [
        json!(["", "1"]),
        json!([null, "2"]),
        json!(["=1+1, \"x\"\r\n</button>", "3"]),
        json!(["word4", "4"]),
    ];
    assert_eq!(rows[..4], first);
    // The key is asked for to name the rows; where it is not shown, it is not given.
    let shown = page(&ada, &format!("{LIST}?sort=id&fields=word"));
    assert_eq!(file_of(&shown).unwrap()["rows"][3], json!(["word4"]));
}

#[test]
fn a_file_made_in_a_browser_is_noted_once_and_is_never_personal() {
    let server = server();
    let ada = server.with_role("administrator");
    let path = format!("{LIST}/client-export");
    let filter = r#"{"field":"rank","op":"eq","value":1}"#;
    let sent = send(&ada, &path, &[("rows", "15"), ("filter", filter), ("fields", "id,word")]);
    assert_eq!(sent.status(), StatusCode::NO_CONTENT);
    let entries = noted(&server);
    assert_eq!(entries.len(), 1);
    let details = &entries[0]["details"];
    assert_eq!((&details["rows"], &details["format"]), (&json!(15), &json!("csv")));
    assert_eq!(details["fields"], json!(["id", "word"]));
    assert!(details["scope"].to_string().contains("rank"), "{details}");
    for (path, form, status) in [
        ("/sg-admin/subjects/people/client-export", &[("rows", "1")][..], 422),
        (&path, &[("rows", "1"), ("fields", "id,mail")], 422),
        (&path, &[("rows", "101")], 422),
        (&path, &[("rows", "0")], 422),
        (&path, &[], 422),
        (&path, &[("rows", "1"), ("filter", "{")], 422),
        ("/sg-admin/subjects/nothing/client-export", &[("rows", "1")], 422),
    ] {
        assert_eq!(send(&ada, path, form).status(), status, "{path} {form:?}");
    }
    assert_eq!(noted(&server).len(), 1);
    let visits = "/sg-admin/subjects/visits";
    for path in ["/sg-admin/subjects/people", &format!("{LIST}?fields=id,mail"), visits] {
        let shown = page(&ada, path);
        assert!(shown.contains("ersonal data</span>"), "{path}");
        assert!(file_of(&shown).is_none() && !shown.contains("id=\"make\""), "{path}");
    }
    let nobody = r#"{"field":"mail","op":"is_null","value":true}"#;
    let shown = page(&ada, &format!("{visits}?filter={nobody}"));
    assert!(!shown.contains("ersonal data</span>"), "{shown}");
}

#[test]
fn a_site_may_turn_off_files_made_in_browsers() {
    let server = server();
    let ada = server.with_role("administrator");
    assert!(file_of(&page(&ada, LIST)).is_some());
    let settings = ada.request(Method::PUT, "/api/v1/settings");
    let set = settings.json(&json!({ "client_export": false })).send().unwrap();
    assert_eq!(set.json::<Value>().unwrap()["client_export"], false);
    assert!(file_of(&page(&ada, LIST)).is_none());
    let sent = send(&ada, &format!("{LIST}/client-export"), &[("rows", "1")]);
    assert_eq!(sent.status(), 422);
    assert!(noted(&server).is_empty());
}

#[test]
fn the_first_value_of_that_setting_stands_in_the_configuration() {
    let shop = Shop::new();
    shop.sqlite(TABLES);
    let server = Server::of(shop, &format!("{SUBJECTS}\n[settings]\nclient_export = false\n"), &[]);
    assert!(file_of(&page(&server.with_role("administrator"), LIST)).is_none());
}

#[test]
fn who_lists_and_does_not_export_is_offered_no_way_to_take_anything() {
    let server = server();
    with_own_role(&server, "looker");
    let ada = server.with_role("administrator");
    // A token would have to hold the export to see rows at all: this is somebody in a browser.
    super::sign_in::set_password(&server, "looker@example.com");
    let session = super::sign_in::sign_in(
        &server.asker(None),
        "looker@example.com",
        super::sign_in::PASSWORD,
    );
    let cookie = super::sign_in::cookie(&session);
    let nobody = server.asker(None);
    let look =
        |path: &str| nobody.request(Method::GET, path).header("cookie", &cookie).send().unwrap();
    let shown = look(LIST).text().unwrap();
    assert!(shown.contains("word59"), "{shown}");
    for word in ["/take", "type=\"checkbox\"", "exports/new", "data-file", "id=\"bulk\""] {
        assert!(!shown.contains(word), "{word}");
    }
    assert!(page(&ada, LIST).contains("/take"));
    let send = |path: &str, form: &[(&str, &str)]| {
        let request = nobody.request(Method::POST, path).header("cookie", &cookie);
        request.header("sec-fetch-site", "same-origin").form(form).send().unwrap().status()
    };
    assert_eq!(send(&format!("{LIST}/client-export"), &[("rows", "1")]), 403);
    assert_eq!(send(&format!("{LIST}/take"), &[("how", "all"), ("format", "csv")]), 403);
    let entries = noted(&server);
    assert_eq!((entries.len(), &entries[0]["outcome"]), (1, &json!("denied")));
    assert_eq!(look("/sg-admin/subjects/people").status(), 404);
}

#[test]
fn the_row_limit_of_a_role_is_said_in_words() {
    let server = server();
    let north = with_own_role(&server, "north");
    let shown = page(&north, LIST);
    let words = "You see only rows where Rank is 1 or not Id above 5.";
    assert!(shown.contains(words), "{shown}");
    assert!(!page(&server.with_role("administrator"), LIST).contains("You see only"));
    let nothing =
        page(&north, &format!("{LIST}?filter={{\"field\":\"id\",\"op\":\"eq\",\"value\":6}}"));
    assert!(nothing.contains("Nothing matches") && nothing.contains(words), "{nothing}");
}

#[test]
fn what_is_soon_built_is_built_at_once_and_once() {
    let server = server();
    let ada = server.with_role("administrator");
    let form = [
        ("subject", "people"),
        ("form_key", "k"),
        ("sort", "-rank,id"),
        ("format", "csv"),
        ("ids", "7"),
        ("ids", "3"),
        ("how", "selected"),
    ];
    let take = format!("{LIST}/take");
    let made = [0, 1].map(|_| leads_to(&send(&ada, &take, &form)).to_owned());
    assert_eq!(made[0], made[1], "a second click");
    let path = made[0].strip_suffix("?take=true").unwrap();
    let id: u64 = path.rsplit('/').next().unwrap().parse().unwrap();
    ada.wait(id);
    let job = ada.read(&format!("/api/v1/exports/{id}"));
    assert_eq!(job["subject"], "notes", "what the path says");
    assert_eq!(job["options"]["profile"], "spreadsheet");
    let text = ada.get(&ada.link(id)).text().unwrap();
    let expected = "\u{FEFF}id,rank,word\r\n3,3,\"'=1+1, \"\"x\"\"\r\n</button>\"\r\n7,3,word7\r\n";
    assert_eq!(text, expected);
    let shown = page(&ada, &made[0]);
    assert!(shown.contains("data-take"), "{shown}");
    assert!(!page(&ada, path).contains("data-take"), "it is only once that it comes by itself");
    // Nothing ticked is nothing, and one is back where one was.
    let nothing = [("filter", "{}"), ("format", "csv"), ("how", "selected")];
    assert_eq!(leads_to(&send(&ada, &take, &nothing)), format!("{LIST}?filter=%7B%7D"));
}

#[test]
fn what_is_not_told_to_be_small_is_asked_about_first() {
    let server = server();
    let ada = server.with_role("administrator");
    // Nobody can count rows of which one cannot be read; a wrong filter is told in the wizard, too.
    let wrong = [("filter", "{"), ("format", "csv"), ("how", "all")];
    let sent = send(&ada, &format!("{LIST}/take"), &wrong);
    assert_eq!(sent.status(), 303);
    assert!(leads_to(&sent).starts_with("/sg-admin/exports/new/review?subject=notes"));
    // What is too long for an address is sent on as the form that it came in.
    let ids: Vec<String> = (1..=5_000).map(|id| id.to_string()).collect();
    let ids = ids.join(",");
    let long = [("filter", "{"), ("except", &ids), ("mode", "all"), ("how", "selected")];
    let sent = send(&ada, &format!("{LIST}/take"), &long);
    assert_eq!(sent.status(), 307);
    assert_eq!(leads_to(&sent), "/sg-admin/exports/new/review");
}

#[test]
fn what_cannot_be_shown_is_said_in_plain_words_beside_the_filters() {
    let server = server();
    let ada = server.with_role("administrator");
    let torn = ada.get("/sg-admin/subjects/torn");
    assert_eq!(torn.status(), 409);
    let text = torn.text().unwrap();
    assert!(text.contains("No rows can be shown.") && !text.contains("jabberwocky"), "{text}");
    assert!(text.contains("Export what"), "it can still be asked for");
    for query in ["filter={", "sort=nothing", "fields=nothing", "cursor=x", "kind=x"] {
        let answer = ada.get(&format!("{LIST}?{query}"));
        assert_eq!(answer.status(), 422, "{query}");
    }
}
