//! How a service is run: whether it is ready, how it ends, what it logs.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::TcpStream,
    path::Path,
};

use reqwest::Method;
use serde_json::{Value, json};
use tidegate_testkit::{
    fault_proxy::{Break, FaultProxy},
    postgres::Postgres,
};

use super::{
    downloads::{Halfway, MANY},
    server::{Asker, Server},
};
use crate::site::Shop;

/// Whether it is ready, and what is not.
fn readiness(nobody: &Asker) -> (u16, Value) {
    let answer = nobody.get("/readyz");
    let status = answer.status().as_u16();
    (status, answer.json::<Value>().unwrap()["faults"].take())
}

/// A watcher of an export that does not end by itself.
fn watching(ada: &Asker) -> BufReader<impl Read> {
    let made = ada.post("/api/v1/exports", &json!({ "subject": "endless", "format": "csv" }));
    let id = made.json::<Value>().unwrap()["id"].as_u64().unwrap();
    let events = ada
        .request(Method::GET, &format!("/api/v1/exports/{id}/events"))
        .header("accept", "text/event-stream")
        .send();
    let mut events = BufReader::new(events.unwrap());
    events.read_line(&mut String::new()).unwrap();
    events
}

#[test]
fn what_is_not_ready_is_named() {
    let database = Postgres::shared().database();
    let proxy = FaultProxy::start(Postgres::shared().port());
    let shop = Shop::new();
    let path = shop.path("tidegate.toml");
    let text = fs::read_to_string(&path).unwrap();
    let control = format!(
        "{text}[control]\nurl = \"{}\"\n[server]\nlisten = \"127.0.0.1:0\"\n",
        database.url_by(proxy.port())
    );
    fs::write(&path, control).unwrap();
    let server = Server::start(shop, &[]);
    let nobody = server.asker(None);
    assert_eq!(readiness(&nobody), (200, json!([])));

    let (folder, away) = (server.shop.path("artifacts"), server.shop.path("away"));
    // As when a disk is not mounted any more: the folder is there, and empty.
    let move_all = |from: &Path, to: &Path| {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            fs::rename(entry.path(), to.join(entry.file_name())).unwrap();
        }
    };
    fs::create_dir(&away).unwrap();
    move_all(&folder, &away);
    assert_eq!(readiness(&nobody), (503, json!(["artifact_store"])));
    move_all(&away, &folder);
    assert_eq!(readiness(&nobody), (200, json!([])));

    proxy.break_after(0, Break::Close);
    assert_eq!(readiness(&nobody), (503, json!(["control_database"])));
    assert_eq!(nobody.get("/healthz").status(), 200, "it lives all the same");
    proxy.mend();
    while readiness(&nobody).0 != 200 {
        std::thread::yield_now();
    }
}

#[test]
fn a_service_that_ends_says_so_lets_downloads_end_and_closes_streams() {
    let mut server = Server::new();
    server.shop.sqlite(MANY);
    let ada = server.with_role("administrator");
    let id = ada.export(&json!({ "subject": "orders", "format": "csv" }));
    let events = watching(&ada);
    let download = Halfway::begin(&server, &ada, &ada.link(id));
    server.tell_to_end();
    // The socket is open as long as the download is under way.
    let nobody = server.asker(None);
    loop {
        match readiness(&nobody) {
            (200, _) => std::thread::yield_now(),
            (status, faults) => {
                assert_eq!((status, faults), (503, json!(["ending"])));
                break;
            }
        }
    }
    let last = events.lines().map(Result::unwrap).last().unwrap();
    assert_eq!(last, "", "the stream ended behind an event");
    assert!(download.comes_whole(), "a download was cut that could have ended");
    server.ended();
    assert!(TcpStream::connect(server.base.trim_start_matches("http://")).is_err());
    let finished = server.log().into_iter().rfind(|entry| entry["action"] == "download.finished");
    assert_eq!(finished.unwrap()["details"]["is_whole"], true);
}

#[test]
fn a_download_that_does_not_end_in_time_is_cut_and_written_down() {
    let mut server = Server::new();
    server.shop.sqlite(MANY);
    let ada = server.with_role("administrator");
    let id = ada.export(&json!({ "subject": "orders", "format": "csv" }));
    let download = Halfway::begin(&server, &ada, &ada.link(id));
    server.tell_to_end();
    server.ended();
    assert!(!download.comes_whole());
    let finished = server.log().into_iter().rfind(|entry| entry["action"] == "download.finished");
    let finished = &finished.unwrap()["details"];
    assert_eq!(
        (&finished["is_whole"], &finished["reason"]),
        (&json!(false), &json!("service_ended"))
    );
}

#[test]
fn the_log_in_json_leads_from_a_request_to_its_job_and_tells_no_secret() {
    let shop = Server::staffed("");
    let mut command = shop.command(&["serve"]);
    command.env_remove("RUST_LOG").env("TIDEGATE_LOG", "json");
    let mut server = Server::started(shop, command);
    let ada = server.with_role("administrator");
    let made = ada.post(
        "/api/v1/exports",
        &json!({
            "subject": "orders", "format": "csv", "scope": { "search": "canary-in-a-search" },
        }),
    );
    let request = made.headers()["x-request-id"].to_str().unwrap().to_owned();
    let id = made.json::<Value>().unwrap()["id"].as_u64().unwrap();
    ada.wait(id);
    let link = ada.link(id);
    ada.get(&link).bytes().unwrap();
    ada.get("/api/v1/exports?q=canary-in-a-query");
    server.tell_to_end();
    let said = server.ended();

    let lines = said.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    let lines: Vec<Value> = lines.collect();
    let find = |message: &str| {
        let found = lines.iter().find(|line| line["message"] == message);
        found.unwrap_or_else(|| panic!("no `{message}` in:\n{said}"))
    };
    let created = find("export created");
    assert_eq!(created["spans"][0]["request.id"], request.as_str());
    assert_eq!(created["job.id"], id.to_string().as_str());
    assert_eq!(find("export ready")["spans"][0]["job.id"], id.to_string().as_str());
    assert_eq!(find("request done")["level"], "INFO");
    let secret = link.rsplit('/').next().unwrap();
    for word in [secret, ada.token.as_ref().unwrap(), "canary", "c17@example.com"] {
        assert!(!said.contains(word), "`{word}` stands in the log");
    }
}
