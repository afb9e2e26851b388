//! Downloads: cut and resumed, cut for good, and written down.

use std::{
    fs,
    io::{Read, Write},
    process::Command,
};

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::server::{Asker, Server};

/// Orders enough that their file does not fit into the buffers between us and the server.
pub(super) const MANY: &str = "
with recursive c(n) as (select 5001 union all select n + 1 from c where n < 80000)
insert into orders select n, 'paid', '1.00', '2026-01-01 00:00:00', 'x', hex(randomblob(250)) from c";

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_download_cut_anywhere_is_resumed_by_curl() {
    const CUTS: u64 = 100;
    let server = Server::new();
    let ada = server.with_role("administrator");
    let id = ada.export(&json!({ "subject": "orders", "format": "ndjson" }));
    let url = ada.link(id);
    let whole = ada.get(&url).bytes().unwrap();
    let sha256 = digest(&whole);
    let path = server.shop.path("resumed");
    let bearer = format!("Authorization: Bearer {}", ada.token.as_ref().unwrap());
    let mut right = 0;
    for cut in 0..CUTS {
        // Spread over the file, both ends included, by a step that shares no factor with it.
        let at = (cut * 7_919 * 61) % (whole.len() as u64 + 1);
        let at = usize::try_from(at).unwrap();
        fs::write(&path, &whole[..at]).unwrap();
        let resumed = Command::new("curl")
            .args(["--silent", "--show-error", "--fail", "-C", "-", "-H", &bearer, "-o"])
            .arg(&path)
            .arg(&url)
            .output()
            .unwrap();
        // Of a file that is there whole, curl asks for what is behind its end.
        let is_whole = at == whole.len();
        assert!(resumed.status.success() || is_whole, "at {at}: {resumed:?}");
        right += u64::from(digest(&fs::read(&path).unwrap()) == sha256);
    }
    assert_eq!(right, CUTS);
}

#[test]
fn a_part_is_sent_only_of_the_file_that_it_is_asked_of() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let id = ada.export(&json!({ "subject": "orders", "format": "csv" }));
    let url = ada.link(id);
    let whole = ada.get(&url).bytes().unwrap();
    let part = |range: &str, tag: &str| {
        let request = ada.request(Method::GET, &url);
        request.header("range", range).header("if-range", tag).send().unwrap()
    };
    let tag = format!("\"{}\"", digest(&whole));
    let same = part("bytes=10-19", &tag);
    assert_eq!(same.status(), 206);
    assert_eq!(same.headers()["content-range"], format!("bytes 10-19/{}", whole.len()).as_str());
    assert_eq!(same.bytes().unwrap(), whole.slice(10..20));
    assert_eq!(part("bytes=10-19", "\"another\"").bytes().unwrap(), whole);
    let outside = part(&format!("bytes={}-", whole.len()), &tag);
    assert_eq!(outside.status(), 416);
    assert_eq!(outside.headers()["content-range"], format!("bytes */{}", whole.len()).as_str());
    let head = ada.request(Method::HEAD, &url).send().unwrap();
    assert_eq!(head.headers()["content-length"], whole.len().to_string().as_str());

    // Each request that sent bytes left two entries; the others none.
    let of = |log: &[Value], action: &str| {
        log.iter().filter(|entry| entry["action"] == action).cloned().collect::<Vec<_>>()
    };
    let log = server.log();
    assert_eq!(of(&log, "download.started").len(), 3);
    let finished = of(&log, "download.finished");
    let sent: Vec<&Value> = finished.iter().map(|entry| &entry["details"]["bytes"]).collect();
    let all = json!(whole.len());
    assert_eq!(sent, [&all, &json!(10), &all]);
}

/// A download whose reader has stopped in the middle.
pub(super) struct Halfway {
    stream: std::net::TcpStream,
    bytes: u64,
}

impl Halfway {
    pub(super) fn begin(server: &Server, asker: &Asker, url: &str) -> Self {
        let token = asker.token.as_ref().unwrap();
        Self::begin_by(server, &format!("Authorization: Bearer {token}"), url)
    }

    /// The same by a header that says who it is.
    pub(super) fn begin_by(server: &Server, header: &str, url: &str) -> Self {
        let mut stream = server.connection();
        let path = url.strip_prefix(&server.base).unwrap();
        let host = server.base.trim_start_matches("http://");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\n{header}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        Self { stream, bytes: length.unwrap().parse().unwrap() }
    }

    /// Reads on: whether all of it came.
    pub(super) fn comes_whole(mut self) -> bool {
        let mut rest = Vec::new();
        // A reset is an end before the end, too.
        let _ = self.stream.read_to_end(&mut rest);
        rest.len() as u64 == self.bytes
    }
}

/// How so many downloads ended, in the order of their ends, once that is written down: why, and
/// whether the whole file was sent.
pub(super) fn ends(server: &Server, count: usize) -> Vec<(String, bool)> {
    loop {
        let mut log = server.log();
        log.retain(|entry| entry["action"] == "download.finished");
        if log.len() >= count {
            let end = |details: &Value| {
                let reason = details["reason"].as_str().unwrap().to_owned();
                (reason, details["is_whole"].as_bool().unwrap())
            };
            return log.iter().map(|entry| end(&entry["details"])).collect();
        }
    }
}

#[test]
fn a_download_is_cut_by_deletion_and_by_loss_of_right_and_not_by_expiry() {
    let server = Server::new();
    server.shop.sqlite(MANY);
    let ada = server.with_role("administrator");
    let request = json!({ "subject": "orders", "format": "csv" });

    let id = ada.export(&request);
    let deleted = Halfway::begin(&server, &ada, &ada.link(id));
    server.run(&["jobs", "delete", &id.to_string()]);
    assert!(!deleted.comes_whole(), "a file that was deleted went out to its end");

    let id = ada.export(&request);
    let expired = Halfway::begin(&server, &ada, &ada.link(id));
    let control = server.shop.path("control.db");
    let past = format!("update jobs set expires_at = 1 where id = {id}");
    let moved = Command::new("sqlite3").arg(control).arg(past).output().unwrap();
    assert!(moved.status.success(), "{moved:?}");
    while ada.read(&format!("/api/v1/exports/{id}"))["status"] != "expired" {
        std::thread::yield_now();
    }
    assert!(expired.comes_whole(), "a file that merely expired was cut");
    let again = ada.post(&format!("/api/v1/exports/{id}/downloads"), &json!({}));
    assert_eq!(again.status(), 410);

    let id = ada.export(&request);
    let other = server.with_role("administrator");
    let other_link = other.link(id);
    let tokens: Value = serde_json::from_str(&server.run(&["--json", "tokens", "list"])).unwrap();
    let tokens = tokens["tokens"].as_array().unwrap().iter();
    let last = tokens.map(|token| token["id"].as_u64().unwrap()).max().unwrap();
    let untokened = Halfway::begin(&server, &other, &other_link);
    server.run(&["tokens", "revoke", &last.to_string()]);
    assert!(!untokened.comes_whole(), "a file went out to a token that was taken back");
    let end = |reason: &str, is_whole| (reason.to_owned(), is_whole);
    let expected = [end("deleted", false), end("sent", true), end("signed_out", false)];
    assert_eq!(ends(&server, 3), expected);

    let id = ada.export(&request);
    let paused = Halfway::begin(&server, &ada, &ada.link(id));
    server.run(&["pause", "--subject", "orders", "--reason", "a leak"]);
    assert!(!paused.comes_whole(), "a file went out while its subject was paused");
    assert_eq!(ends(&server, 4).pop(), Some(end("paused", false)));
    server.run(&["resume", "--subject", "orders"]);

    let id = ada.export(&request);
    server.run(&["operators", "add", "grace@example.com", "--role", "administrator"]);
    let revoked = Halfway::begin(&server, &ada, &ada.link(id));
    let grace = ["--as", "grace@example.com", "operators", "disable", "administrator@example.com"];
    server.shop.run(&grace).with_code(0);
    assert!(!revoked.comes_whole(), "a file went out to somebody who was shut out");
}

#[test]
fn a_download_that_nobody_reads_is_broken_off_when_its_right_is_gone() {
    let server = Server::new();
    server.shop.sqlite(MANY);
    let may = "orders.list,orders.export,exports.list.own,exports.download.own";
    server.run(&["roles", "put", "closer", "--capabilities", may]);
    server.run(&["operators", "add", "closer@example.com", "--role", "closer"]);
    let clo = server.with_role("closer");
    let id = clo.export(&json!({ "subject": "orders", "format": "csv" }));
    let clo_is = |role| vec!["operators", "role", "closer@example.com", role];
    let pause = |of: &[&'static str]| [&["pause", "--reason", "a leak"], of].concat();
    let resume = |of: &[&'static str]| [&["resume"], of].concat();
    let orders = ["--subject", "orders"];
    let changes = [
        (clo_is("viewer"), "right_lost", clo_is("closer")),
        (pause(&orders), "paused", resume(&orders)),
        (pause(&[]), "paused", resume(&[])),
    ];
    for (count, (take, reason, give)) in changes.into_iter().enumerate() {
        let unread = Halfway::begin(&server, &clo, &clo.link(id));
        server.run(&take);
        // Written down while the reader still stands still, with most of the file on its way.
        assert_eq!(ends(&server, count + 1).pop(), Some((reason.to_owned(), false)), "{take:?}");
        assert!(!unread.comes_whole(), "{take:?}: what lay in the buffers went out to its end");
        server.run(&give);
    }
}
