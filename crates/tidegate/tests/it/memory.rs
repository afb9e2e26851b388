//! What an export keeps in memory does not grow with its rows.

use std::{fs, process::Stdio};

use wait4::Wait4;

use crate::site::Shop;

const MIB: u64 = 1 << 20;
/// What the specification allows for buffers.
const BUFFERS_MIB_MAX: u64 = 24;
/// Rows of the large table: whoever kept their file would need more than the buffers.
const ROWS: u64 = 600_000;

/// The peak of one export, in MiB, and the size of its file.
fn export(shop: &Shop, format: &str, more: &[&str]) -> (u64, u64) {
    let arguments = ["export", "large", "-o", "file", "--format", format];
    let mut command = shop.command(&[&arguments[..], more].concat());
    drop(fs::remove_file(shop.path("file")));
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let used = child.wait4().unwrap();
    assert!(used.status.success(), "{format}: {}", used.status);
    (used.rusage.maxrss / MIB, fs::metadata(shop.path("file")).unwrap().len() / MIB)
}

/// A shop with a table of many rows.
fn shop() -> Shop {
    let shop = Shop::new();
    shop.sqlite(&format!(
        "create table large (id integer primary key, a text, b text, c real);
         with recursive c(n) as (select 1 union all select n + 1 from c where n < {ROWS})
         insert into large select n, hex(randomblob(40)), 'row ' || n, n / 7.0 from c;"
    ));
    let subject = r#"
[[subjects]]
slug = "large"
source = "shop"
table = "large"
fields = ["id", { slug = "a", pii = "email" }, { slug = "b", pii = "name" }, "c"]
"#;
    let config = fs::read_to_string(shop.path("tidegate.toml")).unwrap();
    fs::write(shop.path("tidegate.toml"), format!("{config}\n{subject}")).unwrap();
    shop
}

/// Compares exports of few rows and of many, of somebody.
fn compare(shop: &Shop, formats: &[&str], whom: &[&str]) {
    let few = ["--where", r#"{"field":"id","op":"lte","value":100}"#];
    for format in formats {
        let (few_mib, _) = export(shop, format, &[whom, &few].concat());
        let (many_mib, file_mib) = export(shop, format, whom);
        assert!(file_mib > BUFFERS_MIB_MAX, "{format}: too small to tell: {file_mib} MiB");
        assert!(
            many_mib <= few_mib + BUFFERS_MIB_MAX,
            "{format}: {few_mib} MiB for 100 rows, {many_mib} MiB for {ROWS}"
        );
    }
}

#[test]
fn the_memory_of_an_export_does_not_grow_with_its_rows() {
    compare(&shop(), &["csv", "ndjson", "json", "xml", "xlsx"], &[]);
}

#[test]
fn nor_does_that_of_one_whose_rows_are_masked() {
    let shop = shop();
    let config = fs::read_to_string(shop.path("tidegate.toml")).unwrap();
    let control = "[control]\nurl = \"sqlite:control.db\"\n";
    fs::write(shop.path("tidegate.toml"), format!("{config}\n{control}")).unwrap();
    let rights = "large.list,large.export,exports.list.own,exports.download.own";
    for arguments in [
        &["operators", "add", "ada@example.com", "--role", "administrator"][..],
        &["roles", "put", "clerk", "--capabilities", rights, "--mask", "*=hash"],
        &["operators", "add", "clerk@example.com", "--role", "clerk"],
    ] {
        let mut command = shop.command(&[&["--as", "ada@example.com"], arguments].concat());
        assert!(command.stdout(Stdio::null()).status().unwrap().success(), "{arguments:?}");
    }
    compare(&shop, &["csv", "json", "xml"], &["--as", "clerk@example.com"]);
}
