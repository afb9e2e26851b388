//! Traces: one export is one, whoever asks for it and whichever process builds it.

mod collector;

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    process::Child,
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tidegate_testkit::{
    postgres::Postgres,
    s3::{ACCESS_KEY, REGION, S3, SECRET_KEY},
};

use self::collector::{Collector, Span};
use super::server::{Asker, Server};
use crate::{
    control::ada,
    site::{Shop, send},
};

/// Span of a peer, as the W3C's specification has it in its examples.
const PEER: (&str, &str) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
/// Time in which a program ends whatever its collector does: far more than it gives itself.
const END_WAIT: Duration = Duration::from_secs(20);

fn header(flags: &str) -> String {
    format!("00-{}-{}-{flags}", PEER.0, PEER.1)
}

/// Makes an export that says where in a trace it is, and waits for its end; gives its number.
fn export(asker: &Asker, traceparent: &str, request: &Value) -> u64 {
    let sent = asker.request(Method::POST, "/api/v1/exports").header("traceparent", traceparent);
    let made = sent.json(request).send().unwrap();
    assert_eq!(made.status(), StatusCode::ACCEPTED);
    let id = made.json::<Value>().unwrap()["id"].as_u64().unwrap();
    asker.wait(id);
    id
}

/// A link to the file of an export.
fn link(asker: &Asker, id: u64) -> String {
    let path = format!("/api/v1/exports/{id}/downloads");
    let made: Value = asker.request(Method::POST, &path).send().unwrap().json().unwrap();
    made["url"].as_str().unwrap().to_owned()
}

fn orders() -> Value {
    json!({ "subject": "orders", "format": "csv" })
}

/// A span below each other one: what a name stands below.
#[track_caller]
fn assert_tree(collector: &Collector, tree: &[(&str, &str)]) {
    for (child, parent) in tree {
        let (parent, mut seen) = (collector.named(parent), 0);
        for span in collector.spans().iter().filter(|span| span.name == *child) {
            assert_eq!(span.parent, parent.id, "`{child}` is not below `{}`", parent.name);
            assert_eq!(span.trace, parent.trace);
            seen += 1;
        }
        assert!(seen > 0, "there is no `{child}`: {:#?}", collector.spans());
    }
}

const BUILT: [(&str, &str); 7] = [
    ("job attempt", "job create"),
    ("source open", "job attempt"),
    ("source read", "job attempt"),
    ("write", "job attempt"),
    ("upload", "job attempt"),
    ("manifest", "job attempt"),
    ("publish", "job attempt"),
];

/// A worker that is ready.
fn worker(shop: &Shop) -> Child {
    let mut child = shop.command(&["worker"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("ready"), "{line}");
    child
}

fn governed(configuration: &str) -> Shop {
    let shop = Shop::new();
    let path = shop.path("tidegate.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + configuration).unwrap();
    shop.run(&["operators", "add", "ada@example.com", "--role", "administrator"]).with_code(0);
    shop
}

#[test]
fn one_export_is_one_trace_from_request_to_upload() {
    let collector = Collector::start();
    let mut server = Server::with(&collector.configuration());
    let ada = server.with_role("administrator");
    let id = export(&ada, &header("01"), &orders());
    let shown = ada.read(&format!("/api/v1/exports/{id}"));
    server.tell_to_end();
    server.ended();

    assert_tree(&collector, &[("job create", "POST /api/v1/exports")]);
    assert_tree(&collector, &BUILT);
    assert_tree(&collector, &[("upload finish", "upload")]);
    let request = collector.named("POST /api/v1/exports");
    assert_eq!((request.trace.as_str(), request.parent.as_str()), PEER);
    assert_eq!(request.says("http.route"), "/api/v1/exports");
    assert_eq!(request.says("http.request.method"), "POST");
    assert_eq!(request.says("http.response.status_code"), "202");
    assert_eq!(request.says("tidegate.request.id").len(), 16);
    assert_eq!(request.sender["service.name"], "tidegate");
    let get = collector.named("GET /api/v1/exports/{id}");
    assert!(get.trace != request.trace && get.parent.is_empty(), "another request: {get:?}");

    let attempt = collector.named("job attempt");
    let size = shown["size_bytes"].to_string();
    for (key, value) in [
        ("tidegate.job.id", id.to_string().as_str()),
        ("tidegate.attempt", "1"),
        ("tidegate.subject", "orders"),
        ("tidegate.format", "csv"),
        ("tidegate.outcome", "published"),
        ("tidegate.rows", "5000"),
        ("tidegate.bytes", &size),
    ] {
        assert_eq!(attempt.says(key), value, "{key}: {attempt:?}");
    }
    assert_eq!(collector.named("job create").says("tidegate.job.id"), id.to_string());
    assert_eq!(collector.named("write").says("tidegate.rows"), "5000");
    let reads: Vec<Span> =
        collector.spans().into_iter().filter(|span| span.name == "source read").collect();
    let rows: u64 =
        reads.iter().map(|read| read.says("tidegate.rows").parse::<u64>().unwrap()).sum();
    assert_eq!(rows, 5000);
    assert_eq!(collector.named("source open").says("tidegate.readers"), reads.len().to_string());
    let upload = collector.named("upload");
    assert_eq!(
        (upload.says("tidegate.artifacts"), upload.says("tidegate.bytes")),
        ("folder", &*size)
    );
}

#[test]
fn an_export_to_a_bucket_has_its_upload_in_the_trace() {
    let (collector, bucket) = (Collector::start(), S3::shared().bucket());
    let configuration = format!(
        "[artifacts]\nurl = \"s3://{}/files\"\n[artifacts.s3]\nendpoint = \"{}\"\n\
         region = \"{REGION}\"\nallow_http = true\naccess_key_id = \"{ACCESS_KEY}\"\n\
         secret_access_key = \"{SECRET_KEY}\"\n{}",
        bucket.name(),
        bucket.endpoint(),
        collector.configuration()
    );
    let mut server = Server::with(&configuration);
    export(&server.with_role("administrator"), &header("01"), &orders());
    server.tell_to_end();
    server.ended();
    assert_tree(&collector, &BUILT);
    assert_eq!(collector.named("upload").says("tidegate.artifacts"), "bucket");
    assert_eq!(collector.named("upload").trace, PEER.0);
    let (_, sent) = collector.bytes();
    for secret in [SECRET_KEY, ACCESS_KEY] {
        assert!(!contains(&sent, secret), "{secret}");
    }
}

#[test]
fn a_job_of_the_command_line_is_a_trace_that_another_process_goes_on_with() {
    let database = Postgres::shared().database();
    for url in ["sqlite:control.db".to_owned(), database.url()] {
        let collector = Collector::start();
        let configuration = collector.configuration();
        let shop = governed(&format!("[control]\nurl = \"{url}\"\n{configuration}"));
        let id = ada(&shop, &["jobs", "create", "orders"]).with_code(0).stdout;
        let made = collector.named("job create");
        assert_eq!((made.parent.as_str(), made.says("tidegate.via")), ("", "cli"));
        let mut worker = worker(&shop);
        ada(&shop, &["jobs", "watch", id.trim()]).with_code(0);
        send("-TERM", &worker);
        assert!(worker.wait().unwrap().success());
        assert_tree(&collector, &BUILT);
        let built = collector.named("job attempt");
        assert_ne!(built.sender["process.pid"], made.sender["process.pid"]);
        assert_eq!(built.sender["process.pid"], worker.id().to_string());
    }
}

#[test]
fn an_export_without_jobs_is_a_trace_too() {
    let collector = Collector::start();
    let shop = Shop::new();
    let path = shop.path("tidegate.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + &collector.configuration()).unwrap();
    shop.run(&["export", "orders", "-o", "o.csv"]).with_code(0);
    assert_tree(&collector, &["source open", "source read", "write"].map(|name| (name, "export")));
}

#[test]
fn a_killed_attempt_and_the_next_one_are_in_one_trace() {
    let collector = Collector::start();
    let configuration = collector.configuration();
    let shop = governed(&format!(
        "[control]\nurl = \"sqlite:control.db\"\n[server]\nlisten = \"127.0.0.1:0\"\n{configuration}"
    ));
    let id = ada(&shop, &["jobs", "create", "endless"]).with_code(0).stdout;
    let made = collector.named("job create");
    let opened_by = |process: &Child| {
        let process = process.id().to_string();
        collector
            .wait_for(|span| span.name == "source open" && span.sender["process.pid"] == process)
    };
    let mut killed = worker(&shop);
    let first = opened_by(&killed);
    send("-KILL", &killed);
    killed.wait().unwrap();
    let mut next = crate::control::serve(&shop);
    let second = opened_by(&next);
    ada(&shop, &["jobs", "cancel", id.trim()]).with_code(0);
    let attempt = collector.wait_for(|span| span.name == "job attempt");
    send("-TERM", &next);
    assert!(next.wait().unwrap().success());
    for span in [&first, &second, &attempt] {
        assert_eq!(span.trace, made.trace, "{span:?}");
    }
    assert_eq!((&attempt.parent, &second.parent), (&made.id, &attempt.id));
    assert_ne!(first.parent, second.parent);
    assert_eq!(attempt.says("tidegate.attempt"), "2");
    assert_eq!(attempt.says("tidegate.outcome"), "cancelled");
}

#[test]
fn an_attempt_that_fails_says_why_in_a_word() {
    let collector = Collector::start();
    let mut server = Server::with(&collector.configuration());
    let ada = server.with_role("administrator");
    server.shop.sqlite("update orders set total = 'a lot'");
    export(&ada, &header("01"), &orders());
    server.tell_to_end();
    server.ended();
    let attempt = collector.span(|span| span.name == "job attempt");
    assert!(attempt.is_error, "{attempt:?}");
    assert_eq!(attempt.says("tidegate.outcome"), "failed");
    assert_eq!(attempt.says("error.type"), "value_refused");
}

#[test]
fn a_peer_decides_neither_whether_nor_what_is_recorded() {
    for (ratio, flags, is_sent) in [("1.0", "00", true), ("0.0", "01", false)] {
        let collector = Collector::start();
        let ratio = format!("{}sample_ratio = {ratio}\n", collector.configuration());
        let mut server = Server::with(&ratio);
        let ada = server.with_role("administrator");
        export(&ada, &header(flags), &orders());
        let text = "x".repeat(64);
        let state =
            ada.request(Method::GET, "/api/v1/me").header("tracestate", format!("a={text}"));
        assert!(state.header("traceparent", header("01")).send().unwrap().status().is_success());
        server.tell_to_end();
        server.ended();
        match is_sent {
            true => assert_eq!(collector.named("job attempt").trace, PEER.0),
            false => assert!(collector.spans().is_empty(), "{:#?}", collector.spans()),
        }
        assert!(!contains(&collector.bytes().1, &text));
    }
}

#[test]
fn what_is_no_traceparent_is_left_out() {
    let collector = Collector::start();
    let mut server = Server::with(&collector.configuration());
    let ada = server.with_role("administrator");
    export(&ada, &header("01").to_uppercase(), &orders());
    server.tell_to_end();
    server.ended();
    let request = collector.named("POST /api/v1/exports");
    assert!(request.trace != PEER.0 && request.parent.is_empty(), "{request:?}");
    assert_tree(&collector, &BUILT);
}

#[test]
fn a_download_is_linked_to_the_trace_of_its_file() {
    let collector = Collector::start();
    let mut server = Server::with(&collector.configuration());
    let ada = server.with_role("administrator");
    let id = export(&ada, &header("01"), &orders());
    let url = link(&ada, id);
    let bytes = ada.get(&url).bytes().unwrap().len();
    server.tell_to_end();
    server.ended();
    assert_tree(&collector, &[("download", "GET /d/{token}")]);
    let download = collector.named("download");
    let made = collector.named("job create");
    assert_ne!(download.trace, made.trace);
    assert_eq!(download.links, [(made.trace, made.id)]);
    assert_eq!(download.says("tidegate.bytes"), bytes.to_string());
    assert_eq!(download.says("tidegate.is_whole"), "true");
    let token = url.rsplit('/').next().unwrap();
    assert!(!contains(&collector.bytes().1, token), "a link is a secret");
}

#[test]
fn the_log_names_the_trace() {
    let collector = Collector::start();
    let shop = Server::staffed(&collector.configuration());
    let variables = [("RUST_LOG", "info"), ("TIDEGATE_LOG", "json")];
    let mut server = Server::start(shop, &variables);
    export(&server.with_role("administrator"), &header("01"), &orders());
    server.tell_to_end();
    let said = server.ended();
    for message in ["export created", "export begins", "export ready"] {
        let line = said.lines().find(|line| line.contains(message)).unwrap();
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["spans"].as_array().unwrap().len(), 1, "those of traces are not shown");
        assert_eq!(line["spans"][0]["trace_id"], PEER.0, "{line}");
    }
}

#[test]
fn a_collector_that_is_down_costs_an_export_nothing() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("[traces]\nendpoint = \"http://{}\"\n", nobody.local_addr().unwrap());
    drop(nobody);
    let silent = Collector::silent();
    for configuration in [closed, silent.configuration()] {
        let mut server = Server::with(&configuration);
        let asker = server.with_role("administrator");
        let id = export(&asker, &header("01"), &orders());
        assert_eq!(asker.read(&format!("/api/v1/exports/{id}"))["status"], "ready");
        let told = Instant::now();
        server.tell_to_end();
        server.ended();
        assert!(told.elapsed() < END_WAIT, "{:?}", told.elapsed());
        let begun = Instant::now();
        server.run(&["jobs", "create", "orders"]);
        assert!(begun.elapsed() < END_WAIT, "{:?}", begun.elapsed());
    }
}

#[test]
fn check_warns_of_a_collector_that_takes_nothing() {
    let collector = Collector::start();
    let shop = governed(&format!(
        "[control]\nurl = \"sqlite:control.db\"\n{}headers = {{ authorization = \"hush\" }}\n",
        collector.configuration()
    ));
    let checked = shop.run(&["check"]).with_code(0).stdout;
    assert!(checked.contains("traces: good"), "{checked}");
    assert!(collector.bytes().0.contains("\r\nauthorization: hush\r\n"));
    let path = shop.path("tidegate.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replace("/v1", "").replace("endpoint = \"http://", "endpoint = \"https://"),
    )
    .unwrap();
    let checked = shop.run(&["check"]).with_code(0).stdout;
    assert!(checked.contains("traces: warning"), "{checked}");
    assert!(!checked.contains("hush"), "{checked}");
}

#[test]
fn nothing_that_somebody_says_stands_in_a_span() {
    const FILTERED: &str = "canary-of-a-filter";
    const ROW: &str = "canary-of-a-row";
    const SECRET: &str = "canary-of-a-header";
    const LOOKED_FOR: &str = "canary-of-a-search";
    const REASON: &str = "canary-of-a-reason";
    const PATH: &str = "canary-of-a-path";
    const AGENT: &str = "canary-of-an-agent";
    let collector = Collector::start();
    let headers = format!("headers = {{ x-key = \"{SECRET}\" }}\n");
    let mut server = Server::with(&(collector.configuration() + &headers));
    server.shop.sqlite(&format!("update orders set note = '{ROW}', status = '{FILTERED}'"));
    let ada = server.with_role("administrator");
    let request = json!({ "subject": "orders", "format": "ndjson", "reason": REASON,
        "notify": { "email": "canary@example.org" },
        "scope": { "filter": { "field": "status", "op": "eq", "value": FILTERED } } });
    let id = export(&ada, &header("01"), &request);
    drop(ada.get(&link(&ada, id)).bytes().unwrap());
    for path in [
        format!("/api/v1/subjects/orders/rows?q={LOOKED_FOR}"),
        format!("/api/v1/exports?q={LOOKED_FOR}"),
        format!("/api/v1/exports/{PATH}"),
        format!("/{PATH}"),
        format!("/d/{PATH}"),
        "/api/v1/operators".to_owned(),
    ] {
        drop(ada.request(Method::GET, &path).header("user-agent", AGENT).send().unwrap());
    }
    let method = Method::from_bytes(b"CANARY").unwrap();
    drop(ada.request(method, "/api/v1/me").send().unwrap());
    // One that fails over a row, and is refused with words of the request.
    server.shop.sqlite(&format!("update orders set total = '{ROW}'"));
    export(&ada, &header("01"), &request);
    let refused = json!({ "subject": PATH, "format": FILTERED });
    assert_eq!(ada.post("/api/v1/exports", &refused).status(), 422);
    server.tell_to_end();
    server.ended();

    let (heads, sent) = collector.bytes();
    assert!(heads.contains(&format!("\r\nx-key: {SECRET}\r\n")), "{heads}");
    assert!(contains(&sent, "orders") && contains(&sent, "/d/{token}"), "it is searched well");
    assert!(collector.spans().iter().any(|span| span.is_error), "one has failed");
    let token = ada.token.as_ref().unwrap();
    for canary in
        [FILTERED, ROW, SECRET, LOOKED_FOR, REASON, PATH, AGENT, "CANARY", "@example", token]
    {
        assert!(!contains(&sent, canary), "`{canary}`: {:#?}", collector.spans());
    }
    assert!(collector.spans().iter().all(|span| span.events == 0), "no event of the log");
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
