//! Governed exports: operators, workers, the log, as the command line drives them.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::site::{Ended, Shop, send};

pub(crate) const CONTROL: &str = r#"
[control]
url = "sqlite:control.db"
[server]
listen = "127.0.0.1:0"
public_url = "https://exports.example.com"
[settings]
retention_days = 3
[[roles]]
slug = "watcher"
capabilities = ["endless.list"]
"#;

/// A shop with a control plane and its first operator.
pub(crate) fn governed() -> Shop {
    let shop = Shop::new();
    let path = shop.path("tidegate.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{CONTROL}")).unwrap();
    shop.run(&["operators", "add", "ada@example.com", "--role", "administrator"]).with_code(0);
    shop
}

#[test]
fn a_mask_of_a_class_that_no_field_has_is_warned_of_by_its_role() {
    let shop = governed();
    // It also says that nothing answers at `public_url`.
    let check = || shop.run(&["check"]).with_code(2).stdout;
    assert!(check().contains("masks: good"));
    ada(&shop, &["roles", "put", "clerk", "--mask", "emial=hash", "--mask", "*=redact"])
        .with_code(0);
    let said = check();
    assert!(
        said.contains("masks: warning, role clerk: `emial` is no class of any field"),
        "{said}"
    );
}

#[test]
fn a_list_whose_reader_has_read_enough_ends_without_a_word() {
    let shop = governed();
    for list in [&["roles", "list"][..], &["--json", "roles", "list"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = shop.command(&[&["--as", "ada@example.com"], list].concat());
        let ended = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let words = String::from_utf8_lossy(&ended.stderr);
        assert_eq!((ended.status.code(), &*words), (Some(141), ""));
    }
}

/// Runs a command in Ada's name.
pub(crate) fn ada(shop: &Shop, arguments: &[&str]) -> Ended {
    shop.run(&[&["--as", "ada@example.com"], arguments].concat())
}

/// `tidegate serve`, ready.
pub(crate) fn serve(shop: &Shop) -> Child {
    let mut child =
        shop.command(&["serve"]).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("ready"), "{line}");
    child
}

/// Words of the log's entries, oldest first.
pub(crate) fn log(shop: &Shop) -> Vec<Value> {
    let listed = ada(shop, &["--json", "audit", "list", "--limit", "1000"]).with_code(0);
    let mut entries: Vec<Value> =
        listed.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut entries: Vec<Value> = entries.iter_mut().map(|line| line["entry"].take()).collect();
    entries.reverse();
    entries
}

#[test]
fn a_job_is_built_by_serve_downloaded_and_proven() {
    let shop = governed();
    let mut service = serve(&shop);
    let id = ada(&shop, &["jobs", "create", "orders", "--format", "ndjson"]).with_code(0).stdout;
    let id = id.trim();
    ada(&shop, &["jobs", "watch", id]).with_code(0);
    ada(&shop, &["jobs", "download", id, "-o", "orders.ndjson"]).with_code(0);
    send("-TERM", &service);
    assert!(service.wait().unwrap().success());

    let rows = fs::read_to_string(shop.path("orders.ndjson")).unwrap();
    assert_eq!(rows.lines().count().to_string(), shop.sqlite("select count(*) from orders"));
    let manifest = "orders.ndjson.manifest.json";
    let verify = ["manifest", "verify", manifest, "orders.ndjson", "--keys", "keys"];
    shop.run(&verify).with_code(0);
    let job: Value =
        serde_json::from_str(&ada(&shop, &["--json", "jobs", "show", id]).with_code(0).stdout)
            .unwrap();
    assert_eq!(job["export"]["status"], "ready");
    assert!(job["export"].get("artifact_key").is_none(), "the key is never shown");
    let days = |member: &str| job["export"][member].as_i64().unwrap() / 86_400_000_000;
    assert_eq!(days("expires_at") - days("completed_at"), 3, "the first settings hold");
    let actions: Vec<String> = log(&shop)
        .iter()
        .filter(|entry| !entry["job"].is_null())
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .collect();
    let expected = [
        "export.created",
        "job.claimed",
        "job.ready",
        "download.link",
        "download.started",
        "download.finished",
    ];
    assert_eq!(actions, expected);
    let anchors = shop.path("audit/anchors.jsonl");
    assert!(fs::read_to_string(anchors).unwrap().lines().count() >= 1, "a checkpoint was signed");
    shop.run(&["audit", "verify"]).with_code(0);

    // A byte of the file, and one of the log: both are found.
    let mut bytes = rows.into_bytes();
    bytes[7] ^= 1;
    fs::write(shop.path("orders.ndjson"), bytes).unwrap();
    shop.run(&verify).with_code(1);
    let control = Command::new("sqlite3")
        .arg(shop.path("control.db"))
        .arg(
            "drop trigger activity_appended; \
             update activity set entry = replace(entry, 'administrator', 'administratox') \
             where seq = 6",
        )
        .output()
        .unwrap();
    assert!(control.status.success(), "{control:?}");
    shop.run(&["audit", "verify"]).with_code(1).saying(&["entry 6"]);
}

#[test]
fn an_export_without_the_capability_is_refused_before_the_source_is_opened() {
    let shop = governed();
    let add = ["operators", "add", "wat@example.com", "--role", "watcher"];
    ada(&shop, &add).with_code(0);
    // A source that is not there: whoever opens it says so.
    let nowhere = ("TIDEGATE__SOURCES__SHOP__URL", "sqlite:nowhere.db");
    let export = |who: &str, subject: &str| {
        let arguments = ["--as", who, "export", subject, "-o", "o.csv"];
        Ended::new(shop.command(&arguments).env(nowhere.0, nowhere.1).output().unwrap())
    };
    let refused = export("wat@example.com", "endless").with_code(1);
    assert!(refused.stderr.contains("endless.export"), "{}", refused.stderr);
    let unseen = export("wat@example.com", "orders").with_code(2);
    assert!(unseen.stderr.contains("`orders` is no subject"), "{}", unseen.stderr);
    assert!(!shop.path("o.csv").exists());
    let denied = log(&shop);
    let denied: Vec<&Value> = denied.iter().filter(|entry| entry["outcome"] == "denied").collect();
    assert_eq!(denied.len(), 2);
    assert!(denied.iter().all(|entry| entry["name"] == "wat@example.com"));
    assert!(!shop.path("nowhere.db").exists());
}

#[test]
fn a_governed_export_is_a_job_a_file_and_a_signed_manifest() {
    let shop = governed();
    shop.run(&["export", "orders", "-o", "o.csv"]).with_code(2).saying(&["--as EMAIL"]);
    let ended = ada(&shop, &["export", "orders", "-o", "o.csv"]).with_code(0);
    assert!(!ended.stderr.contains("not governed"), "{}", ended.stderr);
    let text = fs::read(shop.path("o.csv.manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(manifest["governed"], true);
    assert_eq!(manifest["operator"]["email"], "ada@example.com");
    let created = log(&shop).into_iter().find(|entry| entry["action"] == "export.created");
    assert_eq!(created.unwrap()["via"], "cli");
    // Without a control database, and only then, an export is not governed.
    let url = format!("sqlite:{}", shop.path("shop.db").display());
    let bare = ["export", "--source", &url, "--table", "orders", "-o", "bare.csv"];
    let ended = shop.run(&bare).with_code(0);
    assert!(ended.stderr.contains("not governed"), "{}", ended.stderr);
}

#[test]
fn a_signal_cancels_a_governed_export() {
    let shop = governed();
    let mut child = shop
        .command(&["--as", "ada@example.com", "--json", "export", "endless", "-o", "e.csv"])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines
        .find(|line| line.as_ref().is_ok_and(|line| !line.contains("\"rows\":0,")))
        .unwrap()
        .unwrap();
    send("-INT", &child);
    lines.by_ref().for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!shop.path("e.csv").exists());
    let job = ada(&shop, &["--json", "jobs", "show", "1"]).with_code(0).stdout;
    assert!(job.contains("\"status\":\"cancelled\""), "{job}");
}

#[test]
fn a_configuration_that_does_not_check_leaves_the_running_one_in_place() {
    let shop = governed();
    let mut service = serve(&shop);
    let path = shop.path("tidegate.toml");
    let good = fs::read_to_string(&path).unwrap();
    let mut said = BufReader::new(service.stderr.take().unwrap()).lines();
    let mut hears = |word: &str| said.by_ref().any(|line| line.unwrap().contains(word));
    fs::write(&path, good.replace("table = \"orders\"", "tabel = \"orders\"")).unwrap();
    send("-HUP", &service);
    assert!(hears("stays as it was"));
    assert!(hears("tabel"), "it says why");
    fs::write(&path, good).unwrap();
    send("-HUP", &service);
    assert!(hears("read again"));
    let id = ada(&shop, &["jobs", "create", "orders"]).with_code(0).stdout;
    ada(&shop, &["jobs", "watch", id.trim()]).with_code(0);
    send("-TERM", &service);
    assert!(service.wait().unwrap().success());
}

#[test]
fn a_backup_is_the_control_state_of_one_moment() {
    let shop = governed();
    ada(&shop, &["jobs", "create", "orders"]).with_code(0);
    ada(&shop, &["backup", "saved.db"]).with_code(0);
    ada(&shop, &["backup", "saved.db"]).with_code(1).saying(&["saved.db"]);
    let count = |file: &str| {
        let query = "select (select count(*) from jobs), (select max(seq) from activity)";
        let output = Command::new("sqlite3").arg(shop.path(file)).arg(query).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    // The entry about the second, refused one came later.
    assert_eq!(count("saved.db"), "1|8\n");
}

#[test]
fn links_begin_with_the_public_address_and_bearer_links_take_a_setting() {
    for (setting, hours) in [("", None), ("bearer_link_hours_max = 6\n", Some(6))] {
        let shop = Shop::new();
        let path = shop.path("tidegate.toml");
        let text = fs::read_to_string(&path).unwrap();
        let control = CONTROL.replace("[settings]\n", &format!("[settings]\n{setting}"));
        fs::write(&path, format!("{text}{control}")).unwrap();
        shop.run(&["operators", "add", "ada@example.com", "--role", "administrator"]).with_code(0);
        ada(&shop, &["export", "orders", "-o", "o.csv"]).with_code(0);
        for kind in [None, Some("--locator")] {
            let arguments: Vec<&str> = ["jobs", "link", "1"].into_iter().chain(kind).collect();
            let link = ada(&shop, &arguments).with_code(0).stdout;
            assert!(link.starts_with("https://exports.example.com/d/"), "{link}");
        }
        let bearer = |more: &[&str]| {
            ada(&shop, &[&["--json", "jobs", "link", "1", "--bearer"], more].concat())
        };
        if hours.is_none() {
            bearer(&[]).with_code(2).saying(&["switched off", "bearer_link_hours_max"]);
            continue;
        }
        let made: Value = serde_json::from_str(&bearer(&[]).with_code(0).stdout).unwrap();
        assert!(made["url"].as_str().unwrap().starts_with("https://exports.example.com/d/"));
        bearer(&["--hours", "6"]).with_code(0);
        bearer(&["--hours", "7"]).with_code(2).saying(&["6 hours"]);
        bearer(&["--hours", "25"]).with_code(2).saying(&["24 hours"]);
        ada(&shop, &["jobs", "link", "1", "--hours", "2"]).with_code(2);
    }
    // A first setting of more than a day is no setting.
    let shop = governed();
    let path = shop.path("tidegate.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("[settings]\n", "[settings]\nbearer_link_hours_max = 25\n"))
        .unwrap();
    ada(&shop, &["jobs", "list"]).with_code(2).saying(&["1 to 24 hours"]);
}

#[test]
fn a_setting_of_the_environment_holds_whatever_was_set_before() {
    let shop = governed();
    let days = |variable: Option<&str>| {
        let mut command = shop.command(&["--as", "ada@example.com", "export", "orders"]);
        if let Some(days) = variable {
            command.env("TIDEGATE__SETTINGS__RETENTION_DAYS", days);
        }
        assert!(command.output().unwrap().status.success());
        let kept = "select (expires_at - completed_at) / 86400000000 from jobs \
                    order by id desc limit 1";
        let asked = Command::new("sqlite3").arg(shop.path("control.db")).arg(kept).output();
        String::from_utf8(asked.unwrap().stdout).unwrap().trim_end().to_owned()
    };
    assert_eq!(days(None), "3");
    assert_eq!(days(Some("5")), "5");
    let pinned = log(&shop).into_iter().filter(|entry| entry["action"] == "setting.changed");
    let pinned: Vec<Value> = pinned.collect();
    assert_eq!(pinned.len(), 2, "{pinned:?}");
    assert_eq!(days(Some("5")), "5", "and is written once");
    assert_eq!(log(&shop).iter().filter(|one| one["action"] == "setting.changed").count(), 2);
    // A value that the setting does not take is none.
    let mut wrong = shop.command(&["--as", "ada@example.com", "jobs", "list"]);
    wrong.env("TIDEGATE__SETTINGS__RETENTION_DAYS", "99999");
    assert_eq!(wrong.output().unwrap().status.code(), Some(2));
}

#[test]
fn exports_are_listed_as_they_are_asked_for() {
    let shop = governed();
    for format in ["csv", "ndjson", "csv"] {
        ada(&shop, &["jobs", "create", "orders", "--format", format]).with_code(0);
    }
    ada(&shop, &["jobs", "cancel", "2"]).with_code(0);
    let list = |more: &[&str]| -> Value {
        let listed = ada(&shop, &[&["--json", "jobs", "list"], more].concat()).with_code(0);
        serde_json::from_str(&listed.stdout).unwrap()
    };
    let ids = |page: &Value| -> Vec<i64> {
        let jobs = page["exports"].as_array().unwrap();
        jobs.iter().map(|job| job["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids(&list(&[])), [3, 2, 1]);
    assert_eq!(ids(&list(&["--sort", "created"])), [1, 2, 3]);
    assert_eq!(ids(&list(&["--sort", "-status", "--status", "pending,cancelled"])), [3, 1, 2]);
    assert_eq!(ids(&list(&["-q", "NDJSON"])), [2]);
    assert_eq!(ids(&list(&["--created-by", "nobody@example.com"])), [] as [i64; 0]);
    let page = list(&["--limit", "2"]);
    assert_eq!(page["matching"], serde_json::json!({ "count": 3, "is_exact": true }));
    let next = list(&["--behind", page["next"].as_str().unwrap()]);
    assert_eq!((ids(&next), &next["next"]), (vec![1], &Value::Null));
    ada(&shop, &["jobs", "list"]).with_code(0).saying(&["3 matching"]);
    let other = ["jobs", "list", "--sort", "size", "--behind", page["next"].as_str().unwrap()];
    ada(&shop, &other).with_code(2).saying(&["-created"]);
    ada(&shop, &["jobs", "list", "--sort", "age"]).with_code(2);
}
