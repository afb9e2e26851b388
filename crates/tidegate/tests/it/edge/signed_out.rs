//! What a session began ends with it: downloads under way, and streams of events.

use std::io::{BufRead, BufReader};

use reqwest::{Method, blocking::Response};
use serde_json::{Value, json};

use super::{
    downloads::{Halfway, MANY, ends},
    server::{Asker, Server},
    sign_in::{PASSWORD, cookie, set_password, sign_in, with_cookie},
};

/// Lines of a stream after which it has not ended: an export that goes on tells its progress twice
/// a second, in four lines.
const LINES_MAX: usize = 40;
const EVE: &str = "eve@example.com";

/// Somebody who has signed in, receives a file, and watches an export that goes on.
struct Busy {
    cookie: String,
    download: Halfway,
    events: BufReader<Response>,
}

impl Busy {
    fn begin(server: &Server, file: u64, watched: u64) -> Self {
        let nobody = server.asker(None);
        let cookie = cookie(&sign_in(&nobody, EVE, PASSWORD));
        let links = format!("/api/v1/exports/{file}/downloads");
        let link: Value = with_cookie(&nobody, Method::POST, &links, &cookie).json().unwrap();
        let by = format!("Cookie: {cookie}");
        let download = Halfway::begin_by(server, &by, link["url"].as_str().unwrap());
        let events = nobody
            .request(Method::GET, &format!("/api/v1/exports/{watched}/events"))
            .header("accept", "text/event-stream")
            .header("cookie", &cookie)
            .send();
        let mut events = BufReader::new(events.unwrap());
        events.read_line(&mut String::new()).unwrap();
        Self { cookie, download, events }
    }

    /// Whether the file comes whole, and whether the stream goes on.
    fn goes_on(self) -> (bool, bool) {
        let lines = self.events.lines().map_while(Result::ok).take(LINES_MAX).count();
        (self.download.comes_whole(), lines == LINES_MAX)
    }
}

fn number_of_newest(nobody: &Asker, cookie: &str) -> u64 {
    let sessions = with_cookie(nobody, Method::GET, "/api/v1/sessions", cookie);
    let sessions: Vec<Value> = sessions.json().unwrap();
    // The newest comes first.
    sessions[0]["id"].as_u64().unwrap()
}

#[test]
fn what_a_session_began_ends_with_it_and_nothing_else_does() {
    let server = Server::new();
    server.shop.sqlite(MANY);
    let ada = server.with_role("administrator");
    let file = ada.export(&json!({ "subject": "orders", "format": "csv" }));
    let endless = ada.post("/api/v1/exports", &json!({ "subject": "endless", "format": "csv" }));
    let endless = endless.json::<Value>().unwrap()["id"].as_u64().unwrap();
    let role = ["--role", "administrator"];
    server.run(&[&["operators", "add", EVE][..], &role].concat());
    set_password(&server, EVE);
    let nobody = server.asker(None);

    // One session of several: the others go on, and so does what a token began.
    let (first, second) =
        (Busy::begin(&server, file, endless), Busy::begin(&server, file, endless));
    let by_token = Halfway::begin(&server, &ada, &ada.link(file));
    let out = with_cookie(&nobody, Method::DELETE, "/api/v1/sessions/current", &first.cookie);
    assert_eq!(out.status(), 204);
    assert_eq!(first.goes_on(), (false, false), "somebody signed out");
    let (cut, sent) = (("signed_out".to_owned(), false), ("sent".to_owned(), true));
    assert_eq!(ends(&server, 1), std::slice::from_ref(&cut));
    assert_eq!(second.goes_on(), (true, true), "another session ended");
    assert!(by_token.comes_whole(), "somebody else's session ended");
    assert_eq!(ends(&server, 3)[1..], [sent.clone(), sent]);

    type End = fn(&Server, &Asker, &Busy);
    let ways: [(&str, End); 4] = [
        ("left by the page", |server, _, busy| {
            let nobody = server.asker(None);
            let left = with_cookie(&nobody, Method::POST, "/sg-admin/sign-out", &busy.cookie);
            assert_eq!(left.status(), 303);
        }),
        ("ended by somebody else", |server, ada, busy| {
            let number = number_of_newest(&server.asker(None), &busy.cookie);
            let end = ada.request(Method::DELETE, &format!("/api/v1/sessions/{number}"));
            assert_eq!(end.send().unwrap().status(), 204);
        }),
        ("given another password", |server, _, _| set_password(server, EVE)),
        ("shut out", |server, _, _| drop(server.run(&["operators", "disable", EVE]))),
    ];
    for (number, (how, end)) in ways.into_iter().enumerate() {
        let busy = Busy::begin(&server, file, endless);
        end(&server, &ada, &busy);
        assert_eq!(busy.goes_on(), (false, false), "{how}");
        assert_eq!(ends(&server, number + 4).pop().as_ref(), Some(&cut), "{how}");
    }
}

#[test]
fn a_stream_ends_with_the_token_it_was_begun_by() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let endless = ada.post("/api/v1/exports", &json!({ "subject": "endless", "format": "csv" }));
    let endless = endless.json::<Value>().unwrap()["id"].as_u64().unwrap();
    let other = server.with_role("administrator");
    let number = other.read("/api/v1/me")["token"].as_u64().unwrap();
    let watch = |asker: &Asker| {
        let path = format!("/api/v1/exports/{endless}/events");
        let request = asker.request(Method::GET, &path).header("accept", "text/event-stream");
        let mut events = BufReader::new(request.send().unwrap());
        events.read_line(&mut String::new()).unwrap();
        move || events.lines().map_while(Result::ok).take(LINES_MAX).count() == LINES_MAX
    };
    let (kept, ended) = (watch(&ada), watch(&other));
    server.run(&["tokens", "revoke", &number.to_string()]);
    assert!(!ended(), "a stream went on to a token that was taken back");
    assert!(kept(), "a stream ended with somebody else's token");
}
