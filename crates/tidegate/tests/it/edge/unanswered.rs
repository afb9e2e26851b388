//! A webhook whose saver is gone: `check`, the API and the log say why nothing goes to it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_testkit::hook::HookSink;

use super::server::Server;

/// Who saves it, and goes.
const GRACE: &str = "grace@example.com";
/// What is said then.
const WHY: &str = "whoever has saved it last is gone";
/// Longest wait for what must come.
const WAIT: Duration = Duration::from_secs(60);

#[test]
fn a_webhook_that_nobody_answers_for_is_found_by_check_and_switched_off_by_the_next_notice() {
    let hook = HookSink::start();
    let server = Server::with("[notify]\nwebhook_networks = [\"127.0.0.0/8\"]\n");
    server.run(&["operators", "add", GRACE, "--role", "administrator"]);
    let create = ["--as", GRACE, "--json", "tokens", "create", "--name", "t", "--days", "1"];
    let made: Value = serde_json::from_str(&server.shop.run(&create).with_code(0).stdout).unwrap();
    let grace = server.asker(made["token"].as_str().map(str::to_owned));
    let webhook = json!({ "url": hook.url(), "topics": ["jobs"], "is_enabled": true });
    assert_eq!(grace.post("/api/v1/webhooks", &webhook).status(), 201);
    let good = server.shop.run(&["check"]).with_code(0).stdout;
    assert!(good.contains("webhook 127.0.0.1: good"), "{good}");

    server.run(&["operators", "disable", GRACE]);
    let fault = server.shop.run(&["check"]).with_code(2).stdout;
    assert!(fault.contains(&format!("webhook 127.0.0.1: FAULT, {WHY}")), "{fault}");

    let ada = server.with_role("administrator");
    ada.export(&json!({ "subject": "orders", "format": "csv" }));
    let until = Instant::now() + WAIT;
    let off = loop {
        let found = ada.read("/api/v1/webhooks")[0].take();
        if found["is_enabled"] == false {
            break found;
        }
        assert!(Instant::now() < until, "{found}");
        std::thread::yield_now();
    };
    assert_eq!(off["disabled_reason"], WHY);
    let warned = server.shop.run(&["check"]).with_code(0).stdout;
    assert!(
        warned.contains(&format!("webhook 127.0.0.1: warning, it is off, as {WHY}")),
        "{warned}"
    );
    let log = server.log();
    let entry = log.iter().find(|entry| entry["action"] == "webhook.disabled").unwrap();
    assert_eq!(entry["details"]["reason"], WHY);
    assert!(hook.calls().iter().all(|call| !call.line.starts_with("POST")), "it was told nothing");
}
