//! A shop with people, `tidegate serve` on a free port, and somebody who asks it.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use reqwest::{
    Method,
    blocking::{Client, RequestBuilder, Response},
};
use serde_json::{Value, json};

use crate::site::{Shop, send};

const CONTROL: &str = r#"
[control]
url = "CONTROL_URL"
[server]
listen = "127.0.0.1:0"
requests_per_minute = 1000000
"#;

/// Where the control state is unless a test says otherwise.
pub(crate) const CONTROL_URL: &str = "sqlite:control.db";

/// Everybody's role is the name before their `@`.
pub(crate) const ROLES: [&str; 3] = ["administrator", "editor", "viewer"];

/// A running server.
pub(crate) struct Server {
    pub(crate) shop: Shop,
    pub(crate) base: String,
    said: Arc<Mutex<Vec<u8>>>,
    child: Child,
    /// Who listens to what it says, until it has ended.
    listening: Option<JoinHandle<()>>,
}

impl Server {
    /// A shop with an operator of each role, and `serve`.
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// The same with more configuration.
    pub(crate) fn with(configuration: &str) -> Self {
        Self::of(Shop::new(), configuration, &[])
    }

    /// The same in a shop that has more, and with these variables.
    pub(crate) fn of(shop: Shop, configuration: &str, variables: &[(&str, &str)]) -> Self {
        Self::on(shop, CONTROL_URL, configuration, variables)
    }

    /// The same with its control state elsewhere.
    pub(crate) fn on(
        shop: Shop,
        control_url: &str,
        configuration: &str,
        variables: &[(&str, &str)],
    ) -> Self {
        Self::start(Self::staffed_in(shop, control_url, configuration), variables)
    }

    /// A shop with an operator of each role.
    pub(crate) fn staffed(configuration: &str) -> Shop {
        Self::staffed_in(Shop::new(), CONTROL_URL, configuration)
    }

    /// The same in a shop that is there, with its control state elsewhere.
    pub(crate) fn staffed_in(shop: Shop, control_url: &str, configuration: &str) -> Shop {
        let path = shop.path("tidegate.toml");
        let text = fs::read_to_string(&path).unwrap();
        let control = CONTROL.replace("CONTROL_URL", control_url);
        fs::write(&path, format!("{text}{control}{configuration}")).unwrap();
        for role in ROLES {
            let email = email(role);
            let add = ["--as", "administrator@example.com", "operators", "add"];
            shop.run(&[&add[..], &[&email, "--role", role]].concat()).with_code(0);
        }
        shop
    }

    /// `serve` in a shop that is there.
    pub(crate) fn start(shop: Shop, variables: &[(&str, &str)]) -> Self {
        let mut command = shop.command(&["serve"]);
        command.envs(variables.iter().copied());
        Self::started(shop, command)
    }

    /// The same by a command that says more about it.
    pub(crate) fn started(shop: Shop, command: Command) -> Self {
        let (child, base, said, listening) = listen(command);
        Self { shop, base, said, child, listening: Some(listening) }
    }

    /// Kills it on the spot, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.listening.take().unwrap().join().unwrap();
    }

    /// Starts it again in its shop, once it has ended.
    pub(crate) fn start_again(&mut self) {
        let (child, base, said, listening) = listen(self.shop.command(&["serve"]));
        (self.child, self.base, self.said, self.listening) = (child, base, said, Some(listening));
    }

    /// What it has said on standard error up to now.
    pub(crate) fn said(&self) -> Vec<u8> {
        self.said.lock().unwrap().clone()
    }

    /// Tells it to end.
    pub(crate) fn tell_to_end(&self) {
        send("-TERM", &self.child);
    }

    /// Waits until it has ended well; gives what it said.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> String {
        self.listening.take().unwrap().join().unwrap();
        let said = String::from_utf8(self.said()).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        said
    }

    /// Somebody with a token of the operator of a role.
    pub(crate) fn with_role(&self, role: &str) -> Asker {
        self.with_token(role, &[])
    }

    /// The same with more arguments for the token.
    pub(crate) fn with_token(&self, role: &str, arguments: &[&str]) -> Asker {
        let email = email(role);
        let create = ["--as", &email, "--json", "tokens", "create", "--name", "t", "--days", "1"];
        let made = self.shop.run(&[&create[..], arguments].concat()).with_code(0).stdout;
        let made: Value = serde_json::from_str(&made).unwrap();
        self.asker(Some(made["token"].as_str().unwrap().to_owned()))
    }

    /// Somebody with a token, or without.
    pub(crate) fn asker(&self, token: Option<String>) -> Asker {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none());
        Asker { client: client.build().unwrap(), base: self.base.clone(), token }
    }

    /// Runs a command in the administrator's name.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let name = ["--as", "administrator@example.com"];
        self.shop.run(&[&name[..], arguments].concat()).with_code(0).stdout
    }

    /// The activity log, oldest first.
    pub(crate) fn log(&self) -> Vec<Value> {
        let listed = self.run(&["--json", "audit", "list", "--oldest", "--limit", "1000"]);
        let read = |line: &str| serde_json::from_str::<Value>(line).unwrap()["entry"].take();
        listed.lines().map(read).collect()
    }

    /// Sends bytes as they are, and gives everything that comes back until the connection ends.
    pub(crate) fn raw(&self, request: &str) -> String {
        let mut stream = self.connection();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A connection.
    pub(crate) fn connection(&self) -> TcpStream {
        TcpStream::connect(self.base.trim_start_matches("http://")).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.listening.is_some() {
            self.tell_to_end();
            drop(self.child.wait());
        }
    }
}

type Listened = (Child, String, Arc<Mutex<Vec<u8>>>, JoinHandle<()>);

/// A process, once it says where it is to be reached; with what it says, and who listens to it.
fn listen(mut command: Command) -> Listened {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let said = Arc::new(Mutex::new(Vec::new()));
    let base = loop {
        let mut line = String::new();
        let bytes = lines.read_line(&mut line).unwrap();
        assert!(bytes > 0, "{}", String::from_utf8_lossy(&said.lock().unwrap()));
        said.lock().unwrap().extend(line.as_bytes());
        if let Some((_, base)) = line.split_once("ready at ") {
            break base.split(['"', '\n']).next().unwrap().to_owned();
        }
    };
    let kept = Arc::clone(&said);
    // Whatever else it says must not fill the pipe.
    let listening = thread::spawn(move || {
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
            kept.lock().unwrap().append(&mut line);
        }
    });
    (child, base, said, listening)
}

fn email(role: &str) -> String {
    format!("{role}@example.com")
}

/// Somebody who asks.
pub(crate) struct Asker {
    client: Client,
    base: String,
    pub(crate) token: Option<String>,
}

impl Asker {
    /// The same, who asks a server at another address.
    pub(crate) fn at(self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self }
    }

    /// A request, to be added to.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { self.base.clone() + path };
        let request = self.client.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Asks.
    pub(crate) fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().unwrap()
    }

    /// Asks, and reads the answer, which is one.
    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> Value {
        let answer = self.get(path);
        let status = answer.status();
        let body: Value = answer.json().unwrap();
        assert!(status.is_success(), "{status}: {body}");
        body
    }

    /// Sends JSON; of null, no body.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.request(Method::POST, path);
        let request = if body.is_null() { request } else { request.json(body) };
        request.send().unwrap()
    }

    /// Makes an export and waits until it has ended; gives its number.
    #[track_caller]
    pub(crate) fn export(&self, request: &Value) -> u64 {
        let made = self.post("/api/v1/exports", request);
        assert_eq!(made.status(), 202, "{:?}", made.text());
        let id = made.json::<Value>().unwrap()["id"].as_u64().unwrap();
        self.wait(id);
        id
    }

    /// Waits for the end of an export, by its events.
    pub(crate) fn wait(&self, id: u64) -> Vec<String> {
        let events = self
            .request(Method::GET, &format!("/api/v1/exports/{id}/events"))
            .header("accept", "text/event-stream")
            .send()
            .unwrap();
        BufReader::new(events).lines().map(Result::unwrap).collect()
    }

    /// A link to the file of an export.
    #[track_caller]
    pub(crate) fn link(&self, id: u64) -> String {
        let made = self.post(&format!("/api/v1/exports/{id}/downloads"), &json!({}));
        assert_eq!(made.status(), 201);
        made.json::<Value>().unwrap()["url"].as_str().unwrap().to_owned()
    }
}
