//! Bad days: an older backup is restored, the artifact store is not mounted.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    control::{ada, governed, log, serve},
    site::{Shop, send},
};

/// Looks at most; each is a run of the program.
const LOOKS_MAX: usize = 500;
/// Entries after which a checkpoint is due at once.
const CHECKPOINT_ENTRIES: usize = 100;

/// A governed shop that sweeps every second, whatever is a second old.
fn swept() -> Shop {
    let shop = governed();
    let path = shop.path("tidegate.toml");
    let text = fs::read_to_string(&path).unwrap();
    let upkeep = "\n[upkeep]\nsweep_seconds = 1\nsweep_grace_seconds = 0\n";
    fs::write(&path, format!("{text}{upkeep}")).unwrap();
    shop
}

/// Serves until the work is done.
fn while_serving<T>(shop: &Shop, work: impl FnOnce() -> T) -> T {
    let mut service = serve(shop);
    let done = work();
    send("-TERM", &service);
    assert!(service.wait().unwrap().success());
    done
}

fn build(shop: &Shop) {
    let id = ada(shop, &["jobs", "create", "orders"]).with_code(0).stdout;
    ada(shop, &["jobs", "watch", id.trim()]).with_code(0);
}

/// Looks again until it is so.
fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    (0..LOOKS_MAX).find_map(|_| look()).unwrap_or_else(|| panic!("{what} does not happen"))
}

/// Files below a folder, with what is in them.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => drop(found.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
    found
}

/// Keys of the files in quarantine.
fn quarantined(shop: &Shop) -> Vec<String> {
    let listed = ada(shop, &["--json", "artifacts", "quarantine", "list"]).with_code(0);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    let files = listed["files"].as_array().unwrap();
    files.iter().map(|file| file["key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn after_an_older_backup_was_restored_newer_files_are_kept_and_the_gap_is_told() {
    let shop = swept();
    while_serving(&shop, || build(&shop));
    ada(&shop, &["backup", "saved.db"]).with_code(0);
    // A day goes on: exports, and as many entries as make a checkpoint due.
    while_serving(&shop, || {
        build(&shop);
        build(&shop);
        for _ in 0..CHECKPOINT_ENTRIES {
            ada(&shop, &["tokens", "create", "--name", "day"]).with_code(0);
        }
        let anchors = shop.path("audit/anchors.jsonl");
        until("a checkpoint", || {
            shop.run(&["audit", "verify"]);
            (fs::read_to_string(&anchors).unwrap().lines().count() >= 2).then_some(())
        });
    });
    shop.run(&["audit", "verify"]).with_code(0);
    let before = files(&shop.path("artifacts"));
    assert_eq!(before.len(), 2 * 3 + 1, "three files, their manifests, and whose they are");

    fs::copy(shop.path("saved.db"), shop.path("control.db")).unwrap();
    for rest in ["control.db-wal", "control.db-shm"] {
        drop(fs::remove_file(shop.path(rest)));
    }
    let verified = shop.run(&["audit", "verify"]).with_code(1);
    assert!(verified.stdout.contains("gone"), "the gap is named: {}", verified.stdout);
    let keys = while_serving(&shop, || {
        until("a quarantine", || Some(quarantined(&shop)).filter(|keys| keys.len() >= 2))
    });
    let keys: [String; 2] = keys.try_into().unwrap();
    assert!(keys[0].starts_with("2/1-") && keys[1].starts_with("3/1-"), "{keys:?}");
    assert_eq!(files(&shop.path("artifacts")), before, "nothing was deleted, nothing moved");
    let kept = log(&shop).into_iter().filter(|entry| entry["action"] == "artifact.quarantined");
    let kept: Vec<Value> = kept.collect();
    assert_eq!((kept.len(), &kept[0]["details"]["files"]), (1, &Value::from(2)));
    let checked = shop.run(&["check"]).with_code(2);
    assert!(checked.stdout.contains("2 files that nobody knows"), "{}", checked.stdout);
    shop.run(&["audit", "verify"]).with_code(1);

    // Each still says itself what it is.
    for key in &keys {
        let file = format!("artifacts/{key}");
        let manifest = format!("{file}.manifest.json");
        shop.run(&["manifest", "verify", &manifest, &file, "--keys", "keys"]).with_code(0);
    }
    ada(&shop, &["artifacts", "quarantine", "release", &keys[0]]).with_code(0);
    ada(&shop, &["artifacts", "quarantine", "delete", &keys[1]]).with_code(0);
    ada(&shop, &["artifacts", "quarantine", "delete", &keys[1]]).with_code(2);
    // Life goes on beside them: the first job is as it was, and a new one has its own file.
    ada(&shop, &["jobs", "download", "1", "-o", "first.csv"]).with_code(0);
    while_serving(&shop, || build(&shop));
    assert!(quarantined(&shop).is_empty());
    let after = files(&shop.path("artifacts"));
    let (gone, stays) =
        (shop.path("artifacts").join(&keys[1]), shop.path("artifacts").join(&keys[0]));
    assert!(!after.contains_key(&gone) && after.get(&stays) == before.get(&stays));
    assert_eq!(after.len(), before.len(), "one went, one came");
    let checked = shop.run(&["check"]);
    assert!(checked.stdout.contains("0 files that nobody knows"), "{}", checked.stdout);
}

#[test]
fn a_store_that_is_not_mounted_stops_the_service_and_marks_no_job() {
    let shop = swept();
    while_serving(&shop, || build(&shop));
    let (mounted, away) = (shop.path("artifacts"), shop.path("away"));
    fs::rename(&mounted, &away).unwrap();
    let words = "the artifact store is not the one of this control database (not mounted?)";
    shop.run(&["serve"]).with_code(1).saying(&[words]);
    shop.run(&["worker"]).with_code(1).saying(&[words]);
    ada(&shop, &["export", "orders", "-o", "o.csv"]).with_code(1).saying(&[words]);
    let checked = shop.run(&["check"]).with_code(2);
    assert!(checked.stdout.contains(words), "{}", checked.stdout);
    ada(&shop, &["jobs", "download", "1", "-o", "o.csv"]).with_code(1);
    let fault = |id: &str| -> Value {
        let shown = ada(&shop, &["--json", "jobs", "show", id]).with_code(0);
        let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
        shown["export"]["fault"].clone()
    };
    assert_eq!(fault("1"), Value::Null);
    fs::remove_dir_all(&mounted).unwrap();
    fs::rename(&away, &mounted).unwrap();
    ada(&shop, &["jobs", "download", "1", "-o", "o.csv"]).with_code(0);
    while_serving(&shop, || build(&shop));
    // It was lost for good, and the site goes on with an empty one.
    fs::rename(&mounted, &away).unwrap();
    shop.run(&["serve"]).with_code(1);
    ada(&shop, &["artifacts", "adopt"]).with_code(0);
    while_serving(&shop, || build(&shop));
    ada(&shop, &["jobs", "download", "1", "-o", "lost.csv"]).with_code(1);
    let actions: Vec<Value> = log(&shop).iter().map(|entry| entry["action"].clone()).collect();
    assert!(actions.contains(&Value::from("store.adopted")));
}
