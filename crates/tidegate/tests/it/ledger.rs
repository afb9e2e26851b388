//! The activity log as a running service keeps it: keys that change, anchors in a bucket, lines.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tidegate_testkit::s3::{ACCESS_KEY, REGION, S3, SECRET_KEY};

use crate::{
    control::{CONTROL, ada, governed, serve},
    site::{Shop, send},
};

/// Checkpoints as often as they can be.
const QUICK: &str = "\n[audit]\ncheckpoint_seconds = 1\nidle_checkpoint_seconds_max = 1\n";

/// A shop with a control plane that signs all the time.
fn quick(more: &str) -> Shop {
    let shop = governed();
    let path = shop.path("tidegate.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{QUICK}{more}")).unwrap();
    shop
}

/// Looks until it is so.
fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    const PATIENCE: Duration = Duration::from_secs(60);
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Keys that signed the checkpoints of the anchor, in their order.
fn signers(shop: &Shop) -> Vec<String> {
    let text = fs::read_to_string(shop.path("audit/anchors.jsonl")).unwrap_or_default();
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let key = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["key"].as_str().unwrap().to_owned()
    };
    whole.map(key).collect()
}

/// Ends a service; gives what it said.
fn end(mut service: Child) -> String {
    send("-TERM", &service);
    let mut said = String::new();
    service.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(service.wait().unwrap().success());
    said
}

#[test]
fn running_services_sign_with_a_new_key_and_know_the_old_one() {
    let shop = quick("");
    let services = [serve(&shop), serve(&shop)];
    wait_for("a checkpoint", || !signers(&shop).is_empty());
    let old = signers(&shop).remove(0);
    let new = ada(&shop, &["keys", "rotate"]).with_code(0).stdout.trim().to_owned();
    assert_ne!(old, new);
    let of_new = || signers(&shop).iter().filter(|key| **key == new).count();
    wait_for("a checkpoint with the new key", || of_new() > 0);
    // Whichever of the two signs, the other one takes it for ours and goes on.
    wait_for("some more", || of_new() > 4);
    for service in services {
        let said = end(service);
        assert!(!said.contains("refused") && !said.contains("not ours"), "{said}");
    }
    let signers = signers(&shop);
    let first = signers.iter().position(|key| *key == new).unwrap();
    assert!(signers[..first].iter().all(|key| *key == old));
    assert!(signers[first..].iter().all(|key| *key == new), "nobody goes back: {signers:?}");

    // On a machine that has the public keys alone; and without the new one it is not believed.
    fs::create_dir(shop.path("public")).unwrap();
    for key in [&old, &new] {
        let name = format!("public-{key}.pem");
        fs::copy(shop.path("keys").join(&name), shop.path("public").join(&name)).unwrap();
    }
    let sound = shop.run(&["audit", "verify", "--keys", "public"]).with_code(0);
    assert!(sound.stdout.contains("activity log: sound"), "{}", sound.stdout);
    fs::remove_file(shop.path(&format!("public/public-{new}.pem"))).unwrap();
    let broken = shop.run(&["audit", "verify", "--keys", "public"]).with_code(1);
    assert!(broken.stdout.contains(&new), "{}", broken.stdout);
}

#[test]
fn a_folder_of_keys_that_does_not_check_is_told_and_not_used() {
    use std::os::unix::fs::PermissionsExt;

    let shop = quick("");
    let mut command = shop.command(&["serve"]);
    let mut service = command.env_remove("RUST_LOG").spawn().unwrap();
    wait_for("a checkpoint", || !signers(&shop).is_empty());
    let old = signers(&shop).remove(0);
    let secret = shop.path(&format!("keys/signing-{old}.pem"));
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(shop.path("keys/touched"), "").unwrap();
    let mut said = BufReader::new(service.stderr.take().unwrap()).lines();
    let told = said.by_ref().map(Result::unwrap).find(|line| line.contains("stay as they were"));
    let told = told.unwrap();
    assert!(told.contains("chmod 600") && told.contains(&old), "it says why: {told}");
    let before = signers(&shop).len();
    wait_for("it goes on", || signers(&shop).len() > before + 1);
    assert!(signers(&shop).iter().all(|key| *key == old));
    send("-TERM", &service);
    said.for_each(drop);
    assert!(service.wait().unwrap().success());
}

#[test]
fn a_bucket_that_the_configuration_names_proves_the_log() {
    let bucket = S3::shared().bucket();
    let shop = quick(&format!("anchors = [\"s3://{}/audit\"]\n", bucket.name()));
    let command = |arguments: &[&str]| {
        let mut command = shop.command(arguments);
        command
            .env("AWS_ENDPOINT", bucket.endpoint())
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_ALLOW_HTTP", "true");
        command
    };
    let mut service = command(&["serve"]);
    let mut service = service.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("three checkpoints", || bucket.keys().len() >= 3);
    let check = crate::site::Ended::new(command(&["check"]).output().unwrap());
    assert!(check.stdout.contains("/audit: good, can be written to"), "{check:?}");
    send("-TERM", &service);
    assert!(service.wait().unwrap().success());
    let verify = || crate::site::Ended::new(command(&["audit", "verify"]).output().unwrap());
    let sound = verify().with_code(0);
    assert!(sound.stdout.contains(&format!("s3://{}/audit: ", bucket.name())), "{}", sound.stdout);
    bucket.put("audit/000000000000002.json", b"{}");
    let broken = verify().with_code(1);
    assert!(broken.stdout.contains("what stands at 2 is no checkpoint"), "{}", broken.stdout);
}

#[test]
fn a_bucket_that_is_away_is_told_by_a_check() {
    let shop = quick("[artifacts]\nurl = \"s3://nowhere/files\"\n");
    let mut check = shop.command(&["check"]);
    let away = [("AWS_ENDPOINT", "http://127.0.0.1:1"), ("AWS_ALLOW_HTTP", "true")];
    let account = [("AWS_REGION", REGION), ("AWS_ACCESS_KEY_ID", ACCESS_KEY)];
    check.envs(away).envs(account).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    let said = crate::site::Ended::new(check.output().unwrap()).with_code(2);
    let fault = said.stdout.lines().find(|line| line.starts_with("artifact store: FAULT"));
    assert!(fault.is_some(), "{said:?}");
    assert!(!said.stdout.contains(SECRET_KEY) && !said.stderr.contains(SECRET_KEY));
}

#[test]
fn a_list_for_programs_is_a_log_that_can_be_verified() {
    let shop = quick("");
    let service = serve(&shop);
    for _ in 0..3 {
        ada(&shop, &["jobs", "create", "orders"]).with_code(0);
    }
    wait_for("a checkpoint", || !signers(&shop).is_empty());
    end(service);
    let all = ["--json", "audit", "list", "--oldest", "--limit", "100000"];
    let listed = ada(&shop, &all).with_code(0);
    assert_eq!(listed.stderr, "");
    fs::write(shop.path("log.jsonl"), &listed.stdout).unwrap();
    let verify = ["audit", "verify", "--log", "log.jsonl", "--keys", "keys"];
    let anchor = format!("file:{}", shop.path("audit/anchors.jsonl").display());
    shop.run(&[&verify[..], &["--anchor", &anchor]].concat()).with_code(0);
    let changed = listed.stdout.replacen("orders", "ordens", 1);
    fs::write(shop.path("log.jsonl"), changed).unwrap();
    shop.run(&[&verify[..], &["--anchor", &anchor]].concat()).with_code(1);

    // Page by page: what one says at its end begins the next one.
    let mut lines = String::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut page = vec!["--json", "audit", "list", "--oldest", "--limit", "3"];
        page.extend(cursor.iter().flat_map(|cursor| ["--cursor", cursor.as_str()]));
        let page = ada(&shop, &page).with_code(0);
        lines.push_str(&page.stdout);
        let Ok(said) = serde_json::from_str::<Value>(&page.stderr) else { break };
        cursor = Some(said["next"].as_str().unwrap().to_owned());
    }
    assert_eq!(lines, listed.stdout);
    let denied = ["--json", "audit", "list", "--outcome", "denied", "--from", "2026-01-01"];
    assert_eq!(ada(&shop, &denied).with_code(0).stdout, "");
    ada(&shop, &["audit", "list", "--from", "yesterday"]).with_code(2).saying(&["2026-11-21"]);
}

#[test]
fn what_the_log_does_not_keep_is_archived_by_a_running_service() {
    let shop = governed_with("activity_retention_days = 0");
    for _ in 0..2 {
        // Checkpoints of different entries: the older one may go at the next start.
        let service = serve(&shop);
        let signed = signers(&shop).len();
        ada(&shop, &["jobs", "create", "orders"]).with_code(0);
        wait_for("checkpoints", || signers(&shop).len() > signed + 2);
        end(service);
    }
    let service = serve(&shop);
    let files = || fs::read_dir(shop.path("audit/archive")).map_or(0, Iterator::count);
    wait_for("an archive", || files() > 0);
    let said = || ada(&shop, &["audit", "list", "--action", "activity"]).with_code(0).stdout;
    wait_for("an entry", || said().contains("activity.archived"));
    let signed = signers(&shop).len();
    wait_for("it goes on", || signers(&shop).len() > signed + 2);
    end(service);
    let sound = shop.run(&["audit", "verify"]).with_code(0);
    assert!(!sound.stdout.contains("archived"), "all of it was read: {}", sound.stdout);
    let part = shop.run(&["audit", "verify", "--no-archive"]).with_code(0);
    assert!(part.stdout.contains("only the signature of the archive"), "{}", part.stdout);
    let check = shop.run(&["check"]);
    assert!(check.stdout.contains("audit/archive: good, written, read"), "{check:?}");
    fs::rename(shop.path("audit/archive"), shop.path("elsewhere")).unwrap();
    let missing = shop.run(&["audit", "verify"]).with_code(1);
    assert!(missing.stdout.contains("is missing"), "{}", missing.stdout);
    let place = format!("file:{}", shop.path("elsewhere").display());
    shop.run(&["audit", "verify", "--archive", &place]).with_code(0);
}

/// A shop that signs all the time, with one more setting.
fn governed_with(setting: &str) -> Shop {
    let shop = Shop::new();
    let path = shop.path("tidegate.toml");
    let text = fs::read_to_string(&path).unwrap();
    let control = CONTROL.replace("[settings]", &format!("[settings]\n{setting}"));
    fs::write(&path, format!("{text}{control}{QUICK}")).unwrap();
    let add = ["operators", "add", "ada@example.com", "--role", "administrator"];
    shop.run(&add).with_code(0);
    shop
}
