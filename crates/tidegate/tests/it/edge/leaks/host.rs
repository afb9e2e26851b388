//! No message about a configuration, right or wrong, holds one of its secrets.

use std::{fs, process::Stdio};

use super::searcher::{Searcher, To};
use crate::site::Shop;

/// A configuration with every kind of secret; nothing of it can be reached. `SECRET` is one each time.
const CONFIGURATION: &str = r#"
[sources.pg]
url = "postgres://reader:SECRET@127.0.0.1:1/shop"
[sources.replica]
url = "postgres://127.0.0.1:1/shop?user=reader&password=SECRET"
replica_url = "postgres://reader:SECRET@127.0.0.1:1/copy"
[sources.my]
url = "mysql://reader:SECRET@127.0.0.1:1/shop"
[[subjects]]
slug = "one"
source = "pg"
table = "one"
key = "id"
[[subjects]]
slug = "two"
source = "my"
table = "two"
key = "id"
[control]
url = "CONTROL"
[artifacts]
url = "file:artifacts"
[artifacts.s3]
endpoint = "http://127.0.0.1:1"
region = "here"
allow_http = true
access_key_id = "SECRET"
secret_access_key = "SECRET"
[audit]
anchors = ["file:anchors.jsonl"]
[server]
public_url = "http://127.0.0.1:1"
[server.oidc]
issuer = "http://127.0.0.1:1"
client_id = "tidegate"
client_secret = "SECRET"
"#;
/// Commands that need something of it, and are told why they do not get it.
const COMMANDS: [&[&str]; 4] = [
    &["--as", "ada@example.com", "jobs", "list"],
    &["--json", "--as", "ada@example.com", "jobs", "list"],
    &["export", "one", "--format", "csv", "-o", "one.csv"],
    &["--json", "export", "two", "--format", "csv", "-o", "two.csv"],
];

/// A folder whose configuration holds secrets, and a search for them in what commands say.
struct Host {
    shop: Shop,
    searcher: Searcher,
    words: Vec<String>,
}

impl Host {
    fn new(control: &str) -> (Self, String) {
        let mut searcher = Searcher::default();
        let mut text = CONFIGURATION.replace("CONTROL", control);
        let mut words = Vec::new();
        while text.contains("SECRET") {
            let word = searcher.hatch(format!("secret {} of a configuration", words.len()), &[]);
            text = text.replacen("SECRET", &word, 1);
            words.push(word);
        }
        (Self { shop: Shop::new(), searcher, words }, text)
    }

    fn hear(&mut self, configuration: &str, variables: &[(&str, &str)], commands: &[&[&str]]) {
        fs::write(self.shop.path("tidegate.toml"), configuration).unwrap();
        for arguments in commands {
            let mut command = self.shop.command(arguments);
            command.env("RUST_LOG", "debug").envs(variables.iter().copied()).stdin(Stdio::null());
            let output = command.output().unwrap();
            let said = [output.stdout, output.stderr].concat();
            assert!(!output.status.success(), "{arguments:?}");
            let place = format!("{}: {}", arguments.join(" "), String::from_utf8_lossy(&said));
            self.searcher.catch(To::Host, place, said);
        }
    }

    #[track_caller]
    fn has_heard_no_secret(&self) {
        let found = self.searcher.search();
        let (canaries, bytes) = (found.canaries, found.bytes);
        println!("{canaries} secrets were looked for in {bytes} bytes of messages");
        assert!(found.leaks.is_empty(), "{} leaks: {:#?}", found.leaks.len(), found.leaks);
    }
}

#[test]
fn what_cannot_be_reached_is_told_without_its_secrets() {
    for control in ["sqlite:control.db", "postgres://keeper:SECRET@127.0.0.1:1/control"] {
        let (mut host, text) = Host::new(control);
        host.hear(&text, &[], &COMMANDS);
        host.has_heard_no_secret();
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_told_without_what_stands_in_it() {
    let (mut host, text) = Host::new("sqlite:control.db");
    let commands = &COMMANDS[..2];
    let lines: Vec<&str> = text.lines().collect();
    let is_secret = |line: &str| host.words.iter().any(|word| line.contains(word));
    let secret_lines: Vec<usize> = (0..lines.len()).filter(|at| is_secret(lines[*at])).collect();
    assert!(secret_lines.len() >= 7);
    let mut wrong = Vec::new();
    for at in secret_lines {
        let (name, value) = lines[at].split_once(" = ").unwrap();
        let word = host.words.iter().find(|word| value.contains(*word)).unwrap();
        for line in [
            // The syntax.
            format!("{name} = {}", value.trim_end_matches('"')),
            format!("{name} = {}", value.trim_matches('"')),
            format!("{name} {value}"),
            format!("{name} = {value} {value}"),
            format!("{name} = {value}\n{name} = {value}"),
            // Types and members.
            format!("{name} = [{value}]"),
            format!("{name} = {{ value = {value} }}"),
            format!("{name} = {value}\nreaders = {value}\nlisten = {value}\nallow_http = {value}"),
            format!("{name} = {value}\n[sources.pg]\nreaders = {value}"),
            // Addresses.
            format!("{name} = \"postgre://u:{word}@h/d\""),
            format!("{name} = \"postgres://u:{word}@h:port/d\""),
            format!("{name} = \"mysql://u:{word}@[::1/d\""),
            format!("{name} = \"u:{word}@h\""),
            format!("{name} = \"{word}\""),
        ] {
            let mut lines = lines.clone();
            lines[at] = &line;
            wrong.push(lines.join("\n"));
        }
    }
    let word = host.words[0].clone();
    for (from, to) in [
        ("file:artifacts", format!("s3://key:{word}@bucket/prefix")),
        ("file:artifacts", format!("s4://key:{word}@bucket/prefix")),
        ("file:anchors.jsonl", format!("s3://key:{word}@bucket/audit")),
        ("file:anchors.jsonl", format!("https://key:{word}@host/audit")),
        ("public_url = \"http://", format!("public_url = \"http://ada:{word}@")),
        ("public_url = \"http://", format!("public_url = \"htp://ada:{word}@")),
        ("issuer = \"http://", format!("issuer = \"http://ada:{word}@")),
        ("endpoint = \"http://", format!("endpoint = \"http://ada:{word}@")),
        ("[audit]", format!("[audit]\nstream = [\"syslog:tls://u:{word}@host:1\"]")),
        ("[audit]", format!("[audit]\nstream = [\"https://u:{word}@host:1\"]")),
    ] {
        assert!(text.contains(from), "{from}");
        wrong.push(text.replacen(from, &to, 1));
    }
    for text in wrong {
        host.hear(&text, &[], &commands[..1]);
    }
    for (name, value) in [
        ("TIDEGATE__SOURCES__PG__READERS", word.clone()),
        ("TIDEGATE__SOURCES__PG__URL", format!("pg://u:{word}@h/d")),
        ("TIDEGATE__SOURCES__PG__URL_FILE", format!("/nowhere/{}", &word[..6])),
        ("TIDEGATE__CONTROL__URL", format!("postgres:/u:{word}@h/d")),
        ("TIDEGATE__ARTIFACTS__S3__PART_BYTES", word.clone()),
        ("TIDEGATE__SERVER__OIDC__CLIENT_SECRET__X", word.clone()),
        ("TIDEGATE__KEYS", word.clone()),
    ] {
        host.hear(&text, &[(name, value.as_str())], commands);
    }
    host.has_heard_no_secret();
}
