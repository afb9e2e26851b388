//! Signals, a full disk and an old snapshot: the program ends, and nothing is left behind.

use std::process::{Child, Command, Stdio};

use crate::site::{Ended, Shop, flowing, send};

/// An export that never ends by itself, its rows flowing.
fn endless(shop: &Shop) -> Child {
    flowing(&mut shop.command(&["export", "endless", "--json", "-o", "endless.csv"]))
}

#[test]
fn sigint_and_sigterm_end_an_export_and_leave_no_file() {
    let shop = Shop::new();
    for signal in ["-INT", "-TERM"] {
        let child = endless(&shop);
        send(signal, &child);
        let ended = Ended::new(child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(130), "{signal}: {ended:?}");
        assert!(shop.files().is_empty(), "{signal}: {:?}", shop.files());
    }
}

#[test]
fn even_sigkill_leaves_no_file() {
    let shop = Shop::new();
    let mut child = endless(&shop);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(shop.files().is_empty(), "{:?}", shop.files());
}

#[test]
fn a_full_disk_fails_the_export_and_leaves_no_file() {
    let shop = Shop::new();
    let script = "mkdir small && mount -t tmpfs -o size=256k none small && \
                  \"$0\" export endless -o small/o.csv; code=$?; ls -A small; exit $code";
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", script, env!("CARGO_BIN_EXE_tidegate")])
        .current_dir(shop.path("."))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let ended = Ended::new(output).with_code(1).saying(&["small/o.csv", "space"]);
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_snapshot_that_gets_too_old_fails_the_export_and_not_the_database() {
    let shop = Shop::new();
    let output = shop
        .command(&["export", "endless", "-o", "o.csv"])
        .env("TIDEGATE__SOURCES__SHOP__SNAPSHOT_SECONDS_MAX", "1")
        .output()
        .unwrap();
    Ended::new(output).with_code(1).saying(&["snapshot_too_old", "snapshot_seconds_max"]);
    assert!(shop.files().is_empty());
}
