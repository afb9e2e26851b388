//! A folder with a small SQLite shop and its configuration, and the program run in it.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

const CONFIG: &str = r#"
[sources.shop]
url = "sqlite:shop.db"

[[subjects]]
slug = "orders"
model = "shop.Order"
source = "shop"
table = "orders"
date_field = "placed_at"
search = ["note"]
shorthands = ["status"]
fields = [
  { slug = "id" }, { slug = "status" }, { slug = "total" }, { slug = "placed_at" },
  { slug = "customer.email", column = "email", pii = "email", default = false },
  { slug = "note" },
]

[[subjects]]
slug = "endless"
source = "shop"
query = "with recursive c(n) as (select 1 union all select n + 1 from c) select n from c"
key = "n"
"#;

const SCHEMA: &str = "
pragma journal_mode = wal;
create table orders (id integer primary key, status text, total decimal(12,2) not null,
  placed_at timestamptz not null, email text, note text);
with recursive c(n) as (select 1 union all select n + 1 from c where n < 5000)
insert into orders select n,
  case n % 3 when 0 then 'paid' when 1 then 'open' end, printf('%d.%02d', n, n % 100),
  strftime('%Y-%m-%d %H:%M:%S', 1767225600 + n * 3600, 'unixepoch'), 'c' || n || '@example.com',
  case when n % 7 = 0 then '=1+' || n else 'note ' || n end from c;
";

/// The folder.
pub(crate) struct Shop(TempDir);

impl Shop {
    /// A shop with 5,000 orders.
    pub(crate) fn new() -> Self {
        let shop = Self(tempfile::tempdir().unwrap());
        shop.sqlite(SCHEMA);
        fs::write(shop.path("tidegate.toml"), CONFIG).unwrap();
        shop
    }

    /// A place in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What SQLite's own program prints.
    pub(crate) fn sqlite(&self, sql: &str) -> String {
        let output = Command::new("sqlite3").arg(self.path("shop.db")).arg(sql).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// The program, to be run in the folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(arguments).current_dir(self.0.path()).env_remove("TIDEGATE_CONFIG");
        // A pipe that nobody reads must not fill up.
        command.env("RUST_LOG", "off").env_remove("TIDEGATE_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::new(self.command(arguments).output().unwrap())
    }

    /// Names in the folder, but those of the shop itself.
    pub(crate) fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> =
            names.filter(|name| !name.starts_with("shop.db") && name != "tidegate.toml").collect();
        names.sort();
        names
    }
}

/// Starts an export with `--json`, and waits until its rows flow.
pub(crate) fn flowing(command: &mut Command) -> Child {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    let is_flowing = lines.any(|line| {
        let line = line.unwrap();
        let line: serde_json::Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        line["progress"]["rows"].as_u64().is_some_and(|rows| rows > 0)
    });
    assert!(is_flowing, "the export ended by itself");
    child
}

/// Sends a signal: `-INT`.
pub(crate) fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Takes the output apart.
    pub(crate) fn new(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Asserts that stderr says all of these.
    #[track_caller]
    pub(crate) fn saying(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is missing in: {}", self.stderr);
        }
        self
    }
}
