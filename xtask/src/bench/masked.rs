//! Exports of somebody from whom personal data is hidden: a site with such people, and what a peer
//! has to select to show no more.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::Result;

use crate::command::succeed;

/// Who may do everything, and makes the others.
const ADMINISTRATOR: &str = "ada@example.com";
/// Who exports, and is shown every value.
const SHOWN: &str = "shown@example.com";
/// Who exports, and is shown the rest.
const MASKED: &str = "masked@example.com";

const CAPABILITIES: [&str; 4] =
    ["exports.list.own", "exports.download.own", "orders.list", "orders.export"];
const MASKS: [&str; 3] = ["email=hash", "name=partial", "*=redact"];

const SUBJECT: &str = r#"
[[subjects]]
slug = "orders"
source = "shop"
table = "TABLE"
key = "id"
fields = ["id", "order_number", "user_id", "status", "currency", "total", "tax",
  { slug = "email", pii = "email" }, { slug = "customer_name", pii = "name" }, "placed_at",
  "updated_at", { slug = "note", pii = "text" }, { slug = "shipping", pii = "address" },
  "items_count", "is_gift"]
"#;

/// What PostgreSQL selects to show as much as a masked export; `hmac` is pgcrypto's.
pub(super) const PSQL_COLUMNS: &str = "id, order_number, user_id, status, currency, total, tax, \
     'h_' || left(encode(hmac(email, 'the key of a site', 'sha256'), 'hex'), 24) as email, \
     regexp_replace(customer_name, '(\\S)\\S*', '\\1.', 'g') as customer_name, placed_at, \
     updated_at, '[redacted]' as note, null as shipping, items_count, is_gift";

/// Makes the site anew, with nothing exported yet.
pub(super) fn make_site(folder: &Path, program: &Path, url: &str, table: &str) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir(folder)?;
    let site = format!("[sources.shop]\nurl = \"{url}\"\n[control]\nurl = \"sqlite:control.db\"\n");
    let subject = SUBJECT.replace("TABLE", table);
    fs::write(folder.join("tidegate.toml"), format!("{site}{subject}"))?;
    let run = |arguments: &[&str]| {
        let mut command = Command::new(program);
        command.current_dir(folder).args(["--as", ADMINISTRATOR]).args(arguments);
        succeed(command.stdout(Stdio::null()))
    };
    let capabilities = CAPABILITIES.join(",");
    let role = ["--capabilities", &capabilities];
    run(&["operators", "add", ADMINISTRATOR, "--role", "administrator"])?;
    run(&[&["roles", "put", "shown"][..], &role].concat())?;
    let masks = MASKS.iter().flat_map(|mask| ["--mask", mask]);
    run(&["roles", "put", "masked"].into_iter().chain(role).chain(masks).collect::<Vec<_>>())?;
    run(&["operators", "add", SHOWN, "--role", "shown"])?;
    run(&["operators", "add", MASKED, "--role", "masked"])
}

/// The command line of one of the two who export.
pub(super) fn export(
    folder: &Path,
    program: &Path,
    format: &str,
    out: &Path,
    is_masked: bool,
) -> Vec<String> {
    let site = folder.join("tidegate.toml").display().to_string();
    let (program, out) = (program.display().to_string(), out.display().to_string());
    let whom = if is_masked { MASKED } else { SHOWN };
    let words = ["--config", &site, "--as", whom, "export", "orders", "--format", format];
    let words = words.into_iter().chain(["-o", &out]).map(str::to_owned);
    std::iter::once(program).chain(words).collect()
}
