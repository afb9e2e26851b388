//! `tidegate export`: what it writes, and what it says when it cannot.

use std::{fs, process::Command};

use serde_json::Value;

use crate::site::Shop;

#[test]
fn an_export_is_a_file_and_a_manifest_that_describes_it() {
    let shop = Shop::new();
    let ended = shop.run(&["export", "orders", "-o", "o.csv"]).with_code(0);
    assert!(ended.stderr.contains("not governed"), "{}", ended.stderr);
    assert_eq!(shop.files(), ["o.csv", "o.csv.manifest.json"]);
    let text = fs::read(shop.path("o.csv.manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&text).unwrap();
    let sum = Command::new("sha256sum").arg(shop.path("o.csv")).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert_eq!(manifest["artifact"]["sha256"].as_str(), sum.split_whitespace().next());
    assert_eq!(manifest["artifact"]["bytes"], fs::metadata(shop.path("o.csv")).unwrap().len());
    assert_eq!(manifest["rows"].to_string(), shop.sqlite("select count(*) from orders"));
    assert_eq!(manifest["governed"], false);
    assert_eq!(manifest["is_sorted"], false, "no order was asked for");
    assert_eq!(manifest["source"]["kind"], "sqlite");
    assert_eq!(manifest["snapshot"]["is_consistent"], true);
}

#[test]
fn filter_search_ids_and_sort_choose_what_sqlite_chooses() {
    let shop = Shop::new();
    for (arguments, sql) in [
        (
            &["--where", r#"{"not":{"field":"status","op":"eq","value":"paid"}}"#][..],
            "status is not 'paid' order by id",
        ),
        (&["--ids", "3,5000,9999"], "id in (3, 5000, 9999) order by id"),
        (&["--search", "note 42"], "note like '%note%' and note like '%42%' order by id"),
        (&["--sort", "-status,-id"], "true order by status is null, status desc, id desc"),
    ] {
        let sorted = ["--sort", "id"];
        let sort = if arguments[0] == "--sort" { &[][..] } else { &sorted[..] };
        let export = ["export", "orders", "--fields", "id", "-o", "-"];
        let ended = shop.run(&[&export, arguments, sort].concat()).with_code(0);
        let ours: Vec<&str> = ended.stdout.lines().skip(1).collect();
        let theirs = shop.sqlite(&format!("select id from orders where {sql}"));
        assert_eq!(ours, theirs.lines().collect::<Vec<_>>(), "{arguments:?}");
    }
}

#[test]
fn a_table_is_exported_without_a_configuration() {
    let shop = Shop::new();
    fs::remove_file(shop.path("tidegate.toml")).unwrap();
    let url = format!("sqlite:{}", shop.path("shop.db").display());
    let arguments =
        ["export", "--source", &url, "--table", "orders", "-o", "-", "--format", "json"];
    let rows: Vec<Value> = serde_json::from_str(&shop.run(&arguments).with_code(0).stdout).unwrap();
    assert_eq!(rows.len(), 5000);
    assert_eq!(rows[6]["note"], "=1+7");
}

#[test]
fn no_matching_row_is_a_header_and_is_said() {
    let shop = Shop::new();
    let filter = r#"{"field":"id","op":"lt","value":0}"#;
    let ended = shop.run(&["export", "orders", "--where", filter, "-o", "o.csv"]).with_code(0);
    assert!(ended.stderr.contains("no record matches"), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(shop.path("o.csv")).unwrap().lines().count(), 1);
}

#[test]
fn all_faults_of_a_request_are_told_at_once_with_their_places() {
    let shop = Shop::new();
    let filter = r#"{"all":[{"field":"totl","op":"eq","value":1},{"field":"id","op":"like","value":1},
        {"field":"id","op":"eq","value":"x"}]}"#;
    shop.run(&[
        "export",
        "orders",
        "--where",
        filter,
        "--fields",
        "id,colour",
        "--set",
        "profil=exact",
        "--set",
        "bom=maybe",
        "--time-zone",
        "Europe/Berlln",
        "-o",
        "o.csv",
    ])
    .with_code(2)
    .saying(&[
        "/scope/filter/all/0/field",
        "`total`",
        "/scope/filter/all/1/op",
        "/scope/filter/all/2/value",
        "/fields/1",
        "/options/profil",
        "/options/bom",
        "one of auto, true, false",
        "/time_zone",
        "Europe/Berlin",
    ]);
    assert!(shop.files().is_empty());
}

#[test]
fn wrong_usage_is_code_2_and_names_the_remedy() {
    let shop = Shop::new();
    for (arguments, words) in [
        (&["export", "order"][..], &["`order`", "did you mean `orders`"][..]),
        (&["export", "orders", "--format", "pdf"], &["pdf", "csv"]),
        (&["export", "orders", "--where", "{"], &["--where", "JSON"]),
        (&["export", "--source", "oracle://h/d", "--table", "t"], &["sqlite:", "postgres"]),
        (&["export", "--source", "sqlite:shop.db", "--table", "order"], &["`order`", "orders"]),
        (&["export", "orders", "--config", "none.toml"], &["none.toml", "tidegate init"]),
        (&["export"], &["SUBJECT"]),
    ] {
        shop.run(arguments).with_code(2).saying(words);
    }
    assert!(shop.files().is_empty());
}

#[test]
fn a_failure_is_code_1_names_the_thing_and_leaves_nothing() {
    let shop = Shop::new();
    fs::write(shop.path("shop.db.txt"), "this is no database").unwrap();
    for (arguments, words) in [
        (&["export", "orders", "-o", "/nowhere/o.csv"][..], &["/nowhere/o.csv"][..]),
        (&["export", "--source", "sqlite:gone.db", "--table", "t"], &["source"]),
        (&["export", "--source", "sqlite:shop.db.txt", "--table", "t"], &["source"]),
        (&["export", "orders", "-o", "/dev/full"], &["/dev/full", "space"]),
    ] {
        let ended = shop.run(arguments).with_code(1).saying(words);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
    assert!(shop.files().is_empty(), "{:?}", shop.files());
}

#[test]
fn a_value_that_is_not_of_its_type_names_row_and_field_but_not_itself() {
    let shop = Shop::new();
    shop.sqlite("update orders set total = 'secret' where id = 4321");
    shop.run(&["export", "orders", "-o", "o.csv"]).with_code(1).saying(&["`total`", "id 4321"]);
    let ended = shop.run(&["export", "orders", "--json", "-o", "o.csv"]).with_code(1);
    assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
    assert!(shop.files().is_empty());
}

#[test]
fn scripts_get_the_manifest_on_stdout_and_faults_as_json() {
    let shop = Shop::new();
    let done = shop.run(&["export", "orders", "--json", "-o", "o.csv"]).with_code(0);
    let result: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(result["manifest"]["rows"], 5000);
    let wrong = shop.run(&["export", "orders", "--json", "--fields", "colour"]).with_code(2);
    let error: Value = serde_json::from_str(&wrong.stderr).unwrap();
    assert_eq!(error["error"]["errors"][0]["pointer"], "/fields/0");
}

#[test]
fn the_spreadsheet_profile_counts_every_cell_it_changed_headers_too() {
    let shop = Shop::new();
    let url = format!("sqlite:{}", shop.path("shop.db").display());
    shop.sqlite("create view v as select note as \"=1+1\" from orders");
    let arguments = ["export", "--source", &url, "--table", "v", "--set", "profile=spreadsheet"];
    shop.run(&[&arguments[..], &["-o", "v.csv"]].concat()).with_code(0);
    let text = fs::read(shop.path("v.csv.manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&text).unwrap();
    let cells: u64 =
        shop.sqlite("select count(*) from orders where note like '=%'").parse().unwrap();
    assert_eq!(manifest["changes"]["neutralised"], cells + 1);
}

#[test]
fn a_relative_url_starts_at_the_configuration() {
    let shop = Shop::new();
    fs::create_dir(shop.path("elsewhere")).unwrap();
    let output = shop
        .command(&["--config", "../tidegate.toml", "export", "orders", "-o", "-"])
        .current_dir(shop.path("elsewhere"))
        .output()
        .unwrap();
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 5001);
}

#[test]
fn a_device_is_written_to_and_never_replaced() {
    let shop = Shop::new();
    shop.run(&["export", "orders", "-o", "/dev/null"]).with_code(0);
    let found = fs::metadata("/dev/null").unwrap();
    assert!(std::os::unix::fs::FileTypeExt::is_char_device(&found.file_type()));
}
