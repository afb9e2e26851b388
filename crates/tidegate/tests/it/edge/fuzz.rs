//! The API against schemathesis: all its checks, from the description and by its links.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use reqwest::Method;
use serde_json::json;
use tidegate_testkit::python;

use super::{
    server::Server,
    sign_in::{PASSWORD, set_password},
};

/// Seconds that the fuzzer gets in the short form.
const SECONDS: &str = "110";
/// Where the short form begins, so that a change is judged by the change alone.
const SEED: &str = "20261122";
/// The fuzzer's own operator.
const OWN: &str = "administrator@example.com";
/// Exports that a run makes at least: fewer, and it has seen the doors only.
const EXPORTS_LEAST: usize = 8;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema")
}

#[test]
fn the_api_is_what_its_description_says() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    set_password(&server, OWN);
    let me = ada.read("/api/v1/me");
    let long = std::env::var("TIDEGATE_FUZZ_SECONDS").ok();
    let (seconds, seed) = match &long {
        Some(seconds) => (seconds.as_str(), &[][..]),
        None => (SECONDS, &["--seed", SEED][..]),
    };
    let output = Command::new(python::api_tool("schemathesis"))
        .args(["--config-file", "schemathesis.toml", "run"])
        .arg(format!("{}/api/v1/openapi.json", server.base))
        .args(["--max-time", seconds, "--warnings", "off"])
        .args(seed)
        .current_dir(folder())
        .env("TIDEGATE_TOKEN", ada.token.as_deref().unwrap())
        .env("TIDEGATE_OWN_TOKEN", me["token"].to_string())
        .env("TIDEGATE_OWN_OPERATOR", me["operator"].to_string())
        .env("TIDEGATE_OWN_EMAIL", OWN)
        .env("TIDEGATE_OWN_PASSWORD", PASSWORD)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    // A failure may show a body of a megabyte.
    let said: Vec<String> = said.lines().map(|line| line.chars().take(300).collect()).collect();
    let told = said.join("\n");
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let phases = ["Examples", "Coverage", "Fuzzing", "Stateful"];
    for phase in phases {
        let is_done = said.iter().any(|line| line.contains('✅') && line.contains(phase));
        assert!(is_done, "{phase} was not run:\n{told}");
    }
    // The fuzzer still had its token at the end, and has come through to the exports themselves.
    let made = ada.read("/api/v1/exports?limit=200")["items"].as_array().unwrap().len();
    assert!(made >= EXPORTS_LEAST, "{made} exports were made");
    let started = ["--json", "audit", "list", "--action", "session.started", "--outcome", "done"];
    let started = server.run(&started).lines().count();
    assert!(started > 0, "nobody was signed in");
    println!("{made} exports were made, {started} sign-ins succeeded");
    let summary = said.iter().skip_while(|line| !line.contains("SUMMARY"));
    println!("{}", summary.cloned().collect::<Vec<_>>().join("\n"));
}

#[test]
fn nothing_allows_a_fault_of_the_server_and_every_exception_has_its_reason() {
    let text = fs::read_to_string(folder().join("schemathesis.toml")).unwrap();
    let settings: toml::Table = text.parse().unwrap();
    let mut statuses = Vec::new();
    collect(&toml::Value::Table(settings), &mut statuses);
    assert!(statuses.len() > 20);
    let faults: Vec<&String> = statuses.iter().filter(|status| status.starts_with('5')).collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert!(!text.contains("enabled = false"), "no check is off");
    for (at, _) in text.match_indices("[[operations]]") {
        let before = text[..at].trim_end();
        let last = before.lines().last().unwrap();
        let is_told = last.starts_with('#') || last.starts_with("expected-statuses");
        assert!(is_told, "an exception without a reason behind: {last}");
    }
}

fn collect(value: &toml::Value, statuses: &mut Vec<String>) {
    match value {
        toml::Value::Table(members) => {
            for (name, value) in members {
                match value.as_array() {
                    Some(list) if name == "expected-statuses" => {
                        statuses
                            .extend(list.iter().filter_map(|one| one.as_str()).map(str::to_owned));
                    }
                    _ => collect(value, statuses),
                }
            }
        }
        toml::Value::Array(items) => items.iter().for_each(|item| collect(item, statuses)),
        _ => {}
    }
}

#[test]
fn a_path_says_which_methods_it_takes() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let document = ada.read("/api/v1/openapi.json");
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", "1").replace("{slug}", "orders");
        let documented: Vec<String> =
            item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            if documented.iter().any(|known| known == method) {
                continue;
            }
            let request = ada.request(method.parse::<Method>().unwrap(), &path);
            let refused = request.json(&json!({})).send().unwrap();
            assert_eq!(refused.status(), 405, "{method} {path}");
            let allow = refused.headers()["allow"].to_str().unwrap().to_owned();
            let mut allowed: Vec<&str> =
                allow.split(',').map(str::trim).filter(|one| *one != "HEAD").collect();
            let mut expected: Vec<&str> = documented.iter().map(String::as_str).collect();
            allowed.sort_unstable();
            expected.sort_unstable();
            assert_eq!(allowed, expected, "{path}");
        }
    }
}
