//! No byte that leaves holds what its recipient may not see: canaries in every place.

mod host;
mod masked;
mod packed;
mod searcher;
mod site;
mod told;
mod twin;
mod twins;

use std::{collections::BTreeSet, process::Stdio};

use reqwest::Method;
use serde_json::{Value, json};
use tidegate_testkit::python;

use self::{
    searcher::To,
    site::{NORTH, On, SUBJECTS, Site},
};
use super::second_factor::authenticator::{code, step};

/// Every format.
const FORMATS: [&str; 6] = ["csv", "ndjson", "json", "xml", "xlsx", "parquet"];
/// Formats whose files are text, which may be packed.
const TEXTS: [&str; 4] = ["csv", "ndjson", "json", "xml"];
/// Fields of `sales` that the clerk asks for beyond the default set.
const ALL: [&str; 6] = ["id", "region", "amount", "note", "email", "staff"];
/// Numbers that things of the run may have.
const IDS: std::ops::RangeInclusive<u64> = 1..=24;

/// Subjects whose rows cannot be read.
const BROKEN: [&str; 3] = ["loose", "named", "remote"];

/// Asks every path of the document that looks, with every name and number there is.
fn look_everywhere(site: &mut Site) {
    let document = site.server.asker(None).read("/api/v1/openapi.json");
    for (path, item) in document["paths"].as_object().unwrap() {
        if item.get("get").is_none() {
            continue;
        }
        let slugs = SUBJECTS.map(|slug| path.replace("{slug}", slug));
        let paths: BTreeSet<String> = slugs
            .iter()
            .flat_map(|path| IDS.map(|id| path.replace("{id}", &id.to_string())))
            .collect();
        for path in &paths {
            for to in [To::Clerk, To::Ada, To::Stranger] {
                let asker = site.asker(to);
                let (status, text) = site.ask(to, asker.request(Method::GET, path));
                // What cannot be reached or read says so; nothing else fails.
                let is_broken = BROKEN.iter().any(|slug| path.contains(slug));
                assert!(status < 500 || is_broken, "{path}: {status}: {text}");
            }
        }
    }
    for path in ["/metrics", "/healthz", "/readyz", "/", "/sg-admin/", "/sg-admin/sign-in"] {
        let nobody = site.server.asker(None);
        site.ask(To::Stranger, nobody.request(Method::GET, path));
    }
}

/// Exports everything in every way, and fetches it.
fn take_everything(site: &mut Site) {
    let unpacked = FORMATS.map(|format| (format, None));
    let packed = TEXTS.map(|format| (format, Some("gzip"))).into_iter();
    let packed = packed.chain(TEXTS.map(|format| (format, Some("zstd"))));
    for (format, compress) in unpacked.into_iter().chain(packed) {
        let mut order = json!({ "subject": "sales", "format": format, "fields": ALL });
        if let Some(compress) = compress {
            order["options"] = json!({ "compress": compress });
        }
        let request = site.clerk.request(Method::POST, "/api/v1/exports").json(&order);
        let key = site.searcher.hatch("idempotency key", &[]);
        let (status, text) = site.ask(To::ClerkAsking, request.header("idempotency-key", key));
        assert_eq!(status, 202, "{text}");
        let id = serde_json::from_str::<Value>(&text).unwrap()["id"].as_u64().unwrap();
        let events = site.clerk.wait(id);
        site.searcher.catch(To::Clerk, "events as they come", events.join("\n"));
        look_back(site, id);
        let links = site.clerk.request(Method::POST, &format!("/api/v1/exports/{id}/downloads"));
        let (status, link) = site.ask(To::ClerksSecrets, links);
        assert_eq!(status, 201, "{link}");
        let link: Value = serde_json::from_str(&link).unwrap();
        let url = link["url"].as_str().unwrap();
        let token = url.rsplit('/').next().unwrap();
        site.searcher.watch("link", token, &[To::ClerksSecrets]);
        for to in [To::ClerkAsking, To::Ada] {
            let asker = site.asker(to);
            let (status, file) = site.fetch(to, asker.request(Method::GET, url));
            assert_eq!(status, if to == To::Ada { 404 } else { 200 });
            if to == To::ClerkAsking {
                read_file(site, format, &file);
            }
        }
    }
    for format in FORMATS {
        let order = json!({ "subject": "sales", "format": format });
        for path in ["preview", "estimate"] {
            let (status, text) = site.post(&format!("/api/v1/exports/{path}"), &order);
            assert_eq!(status, 200, "{text}");
            let told: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(told["rows"], NORTH.min(20), "{path}: {text}");
        }
    }
}

/// Reads a file of the clerk's with a program that is not ours.
fn read_file(site: &mut Site, format: &str, file: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file").with_extension(format);
    std::fs::write(&path, file).unwrap();
    let table = python::read(&path, format);
    let rows = table.rows.iter().filter(|row| row.contains(&Some("north".to_owned()))).count();
    assert_eq!((rows, table.rows.len()), (NORTH, NORTH), "{format}: {table:?}");
    let cells = table.rows.into_iter().flatten().flatten();
    let text = table.names.into_iter().chain(cells).collect::<Vec<_>>().join("\n");
    site.searcher.catch(To::ClerkAsking, format!("rows of {format}"), text);
}

/// What happened to an export, as a stream and by asking, whoever asks and from wherever on.
fn look_back(site: &mut Site, id: u64) {
    for to in [To::Clerk, To::Ada, To::Stranger] {
        for after in ["", "?after=0.0.0.0", "?after=1.1.50.7", "?after=x"] {
            for accept in ["text/event-stream", "application/json"] {
                let path = format!("/api/v1/exports/{id}/events{after}");
                let request = site.asker(to).request(Method::GET, &path).header("accept", accept);
                let (status, text) = site.ask(to, request);
                assert!([200, 204, 401, 422].contains(&status), "{path}: {status}: {text}");
            }
        }
    }
}

/// Looks for rows that may not be seen, by everything that a request can say of them.
fn ask_for_hidden_rows(site: &mut Site) {
    let (hidden, nothing) = (site.hidden_note.clone(), searcher::word());
    let rows = "/api/v1/subjects/sales/rows?count=about&limit=100";
    let count = |text: &str| serde_json::from_str::<Value>(text).unwrap()["total"].clone();
    let (_, all) = site.get(rows);
    assert_eq!(count(&all), NORTH);
    let filter = |value: &str| json!({ "field": "note", "op": "contains", "value": value });
    for (to_hidden, to_nothing) in [
        (format!("search={hidden}"), format!("search={nothing}")),
        (format!("filter={}", filter(&hidden)), format!("filter={}", filter(&nothing))),
        (
            format!("filter={}", json!({ "any": [filter(&hidden), filter(&nothing)] })),
            format!("filter={}", filter(&nothing)),
        ),
        (
            format!("filter={}", json!({ "field": "region", "op": "eq", "value": "south" })),
            format!("filter={}", json!({ "field": "region", "op": "eq", "value": "east" })),
        ),
    ] {
        let seen = site.get(&format!("{rows}&{to_hidden}"));
        assert_eq!(seen, site.get(&format!("{rows}&{to_nothing}")), "{to_hidden}");
        assert_eq!(count(&seen.1), 0);
    }
    for scope in [
        json!({ "ids": [1, 3, 5] }),
        json!({ "filter": { "not": { "field": "region", "op": "eq", "value": "north" } } }),
        json!({ "filter": { "any": [{ "field": "id", "op": "gt", "value": 0 }] }, "ids": [7] }),
    ] {
        let order = json!({ "subject": "sales", "format": "csv", "fields": ALL, "scope": scope });
        for path in ["preview", "estimate"] {
            let (_, text) = site.post(&format!("/api/v1/exports/{path}"), &order);
            let told: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(told["rows"], 0, "{path} {scope}: {text}");
        }
        // The file, too. (Its job shows to its maker what was asked for, so no canary is.)
        let id = site.clerk.export(&order);
        let (_, job) = site.get(&format!("/api/v1/exports/{id}"));
        let job: Value = serde_json::from_str(&job).unwrap();
        assert_eq!((&job["status"], &job["rows_done"]), (&json!("ready"), &json!(0)), "{job}");
    }
    let order = json!({ "subject": "sales", "format": "csv", "scope": { "search": hidden } });
    for path in ["preview", "estimate"] {
        let (_, text) = site.post(&format!("/api/v1/exports/{path}"), &order);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["rows"], 0, "{path}: {text}");
    }
    // A value of a field with a class stands in no entry, nor in a log.
    let email = site.seen_email.clone();
    for scope in [
        json!({ "filter": { "field": "email", "op": "eq", "value": email } }),
        json!({ "search": email }),
    ] {
        let order = json!({ "subject": "sales", "format": "csv", "scope": scope });
        let (status, text) = site.post("/api/v1/exports/preview", &order);
        assert_eq!(status, 200, "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["rows"], 1);
    }
}

/// Makes what fails fail, and asks why.
fn make_it_fail(site: &mut Site) {
    for subject in BROKEN {
        let order = json!({ "subject": subject, "format": "csv" });
        let (status, text) = site.post("/api/v1/exports", &order);
        if status == 202 {
            let id = serde_json::from_str::<Value>(&text).unwrap()["id"].as_u64().unwrap();
            site.clerk.wait(id);
            let (_, job) = site.get(&format!("/api/v1/exports/{id}"));
            assert_eq!(serde_json::from_str::<Value>(&job).unwrap()["status"], "failed", "{job}");
        }
        for path in ["preview", "estimate"] {
            let (status, _) = site.post(&format!("/api/v1/exports/{path}"), &order);
            assert!(status >= 400, "{subject}: {path}");
        }
        let (status, _) = site.get(&format!("/api/v1/subjects/{subject}/rows?count=about"));
        assert!(status >= 400, "{subject}");
    }
    for order in [
        json!({ "subject": "people", "format": "csv" }),
        json!({ "subject": "sales", "format": "csv", "fields": ["cost"] }),
        json!({ "subject": "sales", "format": "csv", "scope": { "sort": ["cost"] } }),
        json!({ "subject": "sales", "format": "csv", "scope": { "ids": ["x"] } }),
        json!({ "subject": "sales", "format": "nothing", "scope": { "filter": 7 } }),
    ] {
        for path in ["", "/preview", "/estimate"] {
            let (status, _) = site.post(&format!("/api/v1/exports{path}"), &order);
            assert_eq!(status, 422, "{order}");
        }
    }
}

/// Signs in, rightly and wrongly, and makes secrets.
fn sign_in_and_out(site: &mut Site) {
    let command = ["--as", "clerk@example.com", "operators", "password", "clerk@example.com"];
    let mut child = site.server.shop.command(&command).stdin(Stdio::piped()).spawn().unwrap();
    let password = site.password.clone();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), password.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let nobody = site.server.asker(None);
    let wrong = site.searcher.hatch("password that was wrong", &[]);
    let slip = site.searcher.hatch("password in the wrong field", &[]);
    let enter = |email: &str, password: &str| {
        let body = json!({ "email": email, "password": password });
        nobody.request(Method::POST, "/api/v1/sessions").json(&body)
    };
    for (email, password) in [("clerk@example.com", &wrong), (&slip, &slip), ("no@x.org", &wrong)] {
        assert_eq!(site.ask(To::Stranger, enter(email, password)).0, 401);
    }
    let entered = enter("clerk@example.com", &password).send().unwrap();
    let cookie = entered.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    site.searcher.watch("session", cookie.split('=').nth(1).unwrap(), &[]);
    for path in
        ["/api/v1/me", "/api/v1/sessions", "/sg-admin/exports", "/api/v1/subjects/sales/rows"]
    {
        let request = nobody.request(Method::GET, path).header("cookie", &cookie);
        assert_eq!(site.ask(To::Clerk, request).0, 200);
    }
    let token = json!({ "name": "mine", "days": 1 });
    let request = site.clerk.request(Method::POST, "/api/v1/tokens").json(&token);
    let (_, made) = site.ask(To::ClerksSecrets, request);
    let made: Value = serde_json::from_str(&made).unwrap();
    let secret = &made["secret"].as_str().unwrap()[4..];
    site.searcher.watch("token that was made", secret, &[To::ClerksSecrets]);
    let reset = ["--as", "administrator@example.com", "operators", "reset", "viewer@example.com"];
    let mut reset = site.server.shop.command(&reset);
    let reset = reset.env("TIDEGATE__SERVER__PUBLIC_URL", &site.server.base).output().unwrap();
    let link = String::from_utf8(reset.stdout).unwrap();
    let secret = link.trim().split("token=").nth(1).unwrap();
    site.searcher.watch("invitation", secret, &[To::ClerksSecrets]);
    assert_eq!(site.ask(To::ClerksSecrets, nobody.request(Method::GET, link.trim())).0, 200);
    let _ = site.ask(To::Stranger, nobody.request(Method::GET, "/sg-admin/password?token=wrong"));
}

/// What commands on the host say, on both outputs.
fn run_commands(site: &mut Site) {
    const COMMANDS: [&[&str]; 19] = [
        &["check"],
        &["--json", "check"],
        &["jobs", "list"],
        &["--json", "jobs", "list"],
        &["jobs", "show", "1"],
        &["--json", "jobs", "show", "1"],
        &["operators", "list"],
        &["--json", "operators", "list"],
        &["roles", "list"],
        &["--json", "tokens", "list"],
        &["--json", "audit", "verify"],
        &["audit", "list", "--limit", "1000"],
        &["artifacts", "quarantine", "list"],
        &["export", "loose", "--format", "csv", "-o", "loose.csv"],
        &["export", "named", "--format", "xlsx", "-o", "named.xlsx"],
        &["--json", "export", "remote", "--format", "json", "-o", "remote.json"],
        &["export", "sales", "--fields", "cost", "-o", "cost.csv"],
        &["jobs", "create", "people", "--format", "csv", "--fields", "nothing"],
        &["keys", "rotate"],
    ];
    for arguments in COMMANDS {
        let named = [&["--as", "administrator@example.com"][..], arguments].concat();
        let mut command = site.server.shop.command(&named);
        let output = command.env("RUST_LOG", "debug").output().unwrap();
        let place = format!("command {}", arguments.join(" "));
        site.searcher.catch(To::Host, place.clone(), output.stdout);
        site.searcher.catch(To::Host, place, output.stderr);
    }
}

/// Enrols a second factor for the clerk, and signs in by it.
fn enrol(site: &mut Site) {
    let nobody = site.server.asker(None);
    let password = site.password.clone();
    let by_clerk = |site: &mut Site, path: &str, body: &Value| {
        let request = site.clerk.request(Method::POST, path).json(body);
        let (status, text) = site.ask(To::ClerksSecrets, request);
        assert_eq!(status, 201, "{text}");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let offer = by_clerk(site, "/api/v1/second-factor", &json!({ "password": password }));
    let secret = offer["secret"].as_str().unwrap();
    site.searcher.watch("secret of a second factor", secret, &[To::ClerksSecrets]);
    let code = code(secret, step());
    let codes = by_clerk(site, "/api/v1/second-factor/confirm", &json!({ "code": code }));
    let codes: Vec<&str> = codes["recovery_codes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    for code in &codes {
        site.searcher.watch("recovery code", code, &[To::ClerksSecrets]);
    }
    let wrong = site.searcher.hatch("code that was wrong", &[]);
    let enter = |code: Option<&str>| {
        let body = json!({ "email": "clerk@example.com", "password": password, "code": code });
        nobody.request(Method::POST, "/api/v1/sessions").json(&body)
    };
    for code in [None, Some(wrong.as_str())] {
        assert_eq!(site.ask(To::Stranger, enter(code)).0, 401);
    }
    assert_eq!(enter(Some(codes[0])).send().unwrap().status(), 201);
    let form = [("email", "clerk@example.com"), ("password", &password)];
    let asked = nobody.request(Method::POST, "/sg-admin/sign-in").form(&form).send().unwrap();
    let cookie = asked.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    site.searcher.watch("second step", cookie.split('=').nth(1).unwrap(), &[]);
    let form = nobody.request(Method::GET, "/sg-admin/sign-in/code").header("cookie", &cookie);
    assert_eq!(site.ask(To::Clerk, form).0, 200);
    let shown = nobody.request(Method::POST, "/sg-admin/sign-in/code").header("cookie", &cookie);
    let shown = shown.header("sec-fetch-site", "same-origin").form(&[("code", &wrong)]);
    assert_eq!(site.ask(To::Clerk, shown).0, 401);
}

/// What was said and written, beside what was answered.
fn catch_logs(site: &mut Site) {
    let said = site.server.said();
    assert!(said.len() > 10_000, "nothing was logged");
    site.searcher.catch(To::Log, "standard error", said);
    let listed = site.server.run(&["--json", "audit", "list", "--limit", "1000"]);
    assert!(listed.lines().count() > 50);
    site.searcher.catch(To::Entries, "activity log", listed);
    let anchors = std::fs::read(site.server.shop.path("audit/anchors.jsonl")).unwrap_or_default();
    site.searcher.catch(To::Entries, "anchors", anchors);
    let ada = site.asker(To::Ada);
    for path in ["/api/v1/activity?limit=100", "/api/v1/activity?limit=100&tag=egress.pii"] {
        site.ask(To::Entries, ada.request(Method::GET, path));
        let (status, seen) = site.get(path);
        assert_eq!(status, 200, "{seen}");
        assert!(!seen.contains("\"people\""), "entries of a subject that may not be seen: {seen}");
    }
}

#[test]
fn no_byte_that_leaves_holds_what_its_recipient_may_not_see() {
    look_for_leaks(On::Sqlite);
}

#[test]
fn no_byte_that_leaves_holds_it_with_rows_and_control_state_in_postgres() {
    look_for_leaks(On::Postgres);
}

fn look_for_leaks(on: On) {
    let mut site = Site::new(on);
    site.ada.export(&json!({ "subject": "people", "format": "csv" }));
    site.ada.export(&json!({ "subject": "sales", "format": "csv", "fields": ALL }));
    take_everything(&mut site);
    ask_for_hidden_rows(&mut site);
    make_it_fail(&mut site);
    sign_in_and_out(&mut site);
    enrol(&mut site);
    run_commands(&mut site);
    look_everywhere(&mut site);
    site.watch_control_state();
    catch_logs(&mut site);
    let found = site.searcher.search();
    println!(
        "{on:?}: {} canaries were looked for in {} bytes of {} answers, files and logs",
        found.canaries,
        found.bytes,
        site.searcher.caught.len()
    );
    let leaks: BTreeSet<&String> = found.leaks.iter().collect();
    assert!(leaks.is_empty(), "{} leaks: {leaks:#?}", leaks.len());
    // What may be seen was seen: the search looks in the right places.
    for what in [
        "note of the north",
        "address of the north",
        "internal field of the north",
        "name of a person",
        "note of the south",
        "link",
        "token that was made",
        "invitation",
        "secret of a second factor",
        "recovery code",
    ] {
        assert!(found.seen.contains(what), "nobody saw the {what}");
    }
}

/// Asks the same of a column that is there and no field, and of one that is not there.
#[test]
fn a_column_that_is_no_field_answers_as_one_that_is_not_there() {
    let mut site = Site::new(On::Sqlite);
    let ask = |site: &mut Site, field: &str| {
        let mut told = Vec::new();
        let order = |more: Value| {
            let mut order = json!({ "subject": "sales", "format": "csv" });
            order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            order
        };
        let filter = json!({ "field": field, "op": "is_null" });
        let asked = [
            order(json!({ "fields": [field] })),
            order(json!({ "fields": ["id", { "slug": field, "as": "x" }] })),
            order(json!({ "scope": { "sort": [field] } })),
            order(json!({ "scope": { "sort": [format!("-{field}")] } })),
            order(json!({ "scope": { "filter": filter } })),
            order(json!({ "scope": { "filter": { "any": [{ "not": filter }] } } })),
            order(json!({ "scope": { field: "x" } })),
        ];
        for path in ["", "/preview", "/estimate"] {
            for order in &asked {
                told.push(site.post(&format!("/api/v1/exports{path}"), order));
            }
        }
        for query in [
            format!("fields={field}"),
            format!("sort={field}"),
            format!("filter={filter}&count=exact"),
            format!("{field}=x"),
        ] {
            told.push(site.get(&format!("/api/v1/subjects/sales/rows?{query}")));
        }
        told.into_iter()
            .map(|(status, text)| (status, text.replace(field, "…")))
            .collect::<Vec<_>>()
    };
    let hidden = ask(&mut site, "cost");
    assert_eq!(hidden, ask(&mut site, "qqqq"));
    assert!(hidden.iter().all(|(status, _)| *status == 422), "{hidden:?}");
    // An internal field is for staff, which every operator is: it is asked for by name only.
    let (_, detail) = site.get("/api/v1/subjects/sales");
    let detail: Value = serde_json::from_str(&detail).unwrap();
    let fields = detail["shapes"][0]["fields"].as_array().unwrap();
    let staff = fields.iter().find(|field| field["slug"] == "staff").unwrap();
    assert_eq!((&staff["is_internal"], &staff["is_default"]), (&json!(true), &json!(false)));
    assert!(!detail.to_string().contains("cost"));
}
