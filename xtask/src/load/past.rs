//! A control database with a long past: a real one, grown by SQL, whose chain still holds.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{bench::servers::Servers, command::succeed};

/// Exports that there are.
pub(crate) const JOBS: u32 = 20_000;
/// Entries of the activity log.
pub(crate) const ENTRIES: u32 = 200_000;
/// Exports that wait for their time, and are watched.
pub(crate) const WATCHED: u32 = 100;
/// Name of PostgreSQL's database.
const DATABASE: &str = "tidegate_load";
const ADA: &str = "ada@example.com";
/// Entries of one statement.
const ENTRIES_PER_INSERT: u32 = 500;

const SHOP: &str = "
create table orders (id integer primary key, status text, total decimal(12,2), note text);
with recursive c(n) as (select 1 union all select n + 1 from c where n < 5000)
insert into orders select n, 'paid', printf('%d.00', n), 'note ' || n from c;
";

/// A control database.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Control {
    Sqlite,
    Postgres,
}

impl Control {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    fn columns_of_jobs(self) -> &'static str {
        match self {
            Self::Sqlite => "select name from pragma_table_info('jobs')",
            Self::Postgres => {
                "select column_name from information_schema.columns where table_name = 'jobs' \
                 and table_schema = current_schema() order by ordinal_position"
            }
        }
    }
}

/// A site with a long past.
pub(crate) struct Past {
    pub(crate) control: Control,
    pub(crate) folder: PathBuf,
    pub(crate) token: String,
}

/// Makes the site: one export that is made and cancelled as an operator does it, and copies of it.
pub(crate) fn make(
    program: &Path,
    folder: &Path,
    control: Control,
    servers: &Servers,
) -> Result<Past> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let url = match control {
        Control::Sqlite => "sqlite:control.db".to_owned(),
        Control::Postgres => {
            for statement in ["drop database if exists", "create database"] {
                succeed(&mut servers.psql(&["-c", &format!("{statement} {DATABASE}")])?)?;
            }
            servers.control_url(DATABASE)
        }
    };
    fs::write(folder.join("tidegate.toml"), configuration(&url))?;
    succeed(Command::new("sqlite3").arg(folder.join("shop.db")).arg(SHOP))?;
    let site = Site { program, folder, control, url: &url };
    site.run(&["operators", "add", ADA, "--role", "administrator"])?;
    site.run(&["--as", ADA, "jobs", "create", "orders", "--format", "csv"])?;
    site.run(&["--as", ADA, "jobs", "cancel", "1"])?;
    let token =
        site.run(&["--as", ADA, "--json", "tokens", "create", "--name", "load", "--days", "1"])?;
    let token: Value = serde_json::from_str(&token)?;
    let token = token["token"].as_str().context("a token is made")?.to_owned();
    site.grow()?;
    Ok(Past { control, folder: folder.to_owned(), token })
}

fn configuration(url: &str) -> String {
    format!(
        "[sources.shop]\nurl = \"sqlite:shop.db\"\n[[subjects]]\nslug = \"orders\"\n\
         source = \"shop\"\ntable = \"orders\"\n\
         fields = [\"id\", \"status\", \"total\", \"note\"]\n\
         [control]\nurl = \"{url}\"\n[server]\nlisten = \"127.0.0.1:0\"\n\
         requests_per_minute = 1000000\n[settings]\nopen_jobs_max = 1000000\n"
    )
}

/// A site in the making.
struct Site<'a> {
    program: &'a Path,
    folder: &'a Path,
    control: Control,
    url: &'a str,
}

impl Site<'_> {
    fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(self.program);
        let output = command.args(arguments).current_dir(self.folder).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?} failed: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The client of the control database, which prints bare rows.
    fn client(&self) -> Command {
        match self.control {
            Control::Sqlite => {
                let mut client = Command::new("sqlite3");
                client.arg("-bail").arg(self.folder.join("control.db"));
                client
            }
            Control::Postgres => {
                let mut client = Command::new("psql");
                client.args(["-XqAt", "-v", "ON_ERROR_STOP=1", self.url]);
                client
            }
        }
    }

    fn ask(&self, sql: &str) -> Result<Vec<String>> {
        let mut client = self.client();
        match self.control {
            Control::Sqlite => client.arg(sql),
            Control::Postgres => client.args(["-c", sql]),
        };
        let output = client.stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "{sql} failed");
        Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
    }

    /// Copies the export and its entries until there are as many as there should be.
    fn grow(&self) -> Result<()> {
        let columns = self.ask(self.control.columns_of_jobs())?;
        let columns: Vec<&str> =
            columns.iter().map(String::as_str).filter(|c| *c != "id").collect();
        let copied: Vec<String> = columns
            .iter()
            .map(|column| match *column {
                "status" => "'pending'".to_owned(),
                "completed_at" => "cast(null as bigint)".to_owned(),
                // Those that wait for their time are the first ones.
                "run_after" => {
                    format!("case when n.i <= {WATCHED} then 9000000000000000 else j.run_after end")
                }
                column => format!("j.{column}"),
            })
            .collect();
        let first = WATCHED + 1;
        let mut sql = format!(
            "begin;\nwith recursive n(i) as (select 1 union all select i + 1 from n where i < {}) \
             insert into jobs ({}) select {} from jobs j, n where j.id = 1 order by n.i;\n\
             update jobs set status = 'cancelled', completed_at = created_at where id > {first};\n\
             insert into transitions \
                 (job_id, transition, status_from, status_to, at, activity_seq) \
             select id, 'cancel', 'pending', 'cancelled', created_at, 1 \
             from jobs where id > {first};\n",
            JOBS - 1,
            columns.join(", "),
            copied.join(", "),
        );
        self.write_entries(&mut sql)?;
        sql.push_str("commit;\n");
        let path = self.folder.join("past.sql");
        fs::write(&path, sql)?;
        let mut client = self.client();
        succeed(client.stdin(fs::File::open(&path)?).stdout(Stdio::null()))?;
        fs::remove_file(path)?;
        let found = self.ask("select count(*) from activity")?;
        ensure!(found == [ENTRIES.to_string()], "there are {found:?} entries");
        Ok(())
    }

    /// Entries like those of the first export, each with the hash of the one before.
    fn write_entries(&self, sql: &mut String) -> Result<()> {
        let head = self.ask("select seq || ' ' || hash from activity_head")?;
        let (seq, hash) = head[0].split_once(' ').context("a head")?;
        let (mut seq, mut prev) = (seq.parse::<u32>()?, hash.to_owned());
        let models = self.ask("select entry from activity where job_id = 1 order by seq")?;
        let mut models: Vec<Value> =
            models.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>()?;
        let at = self.ask("select max(at) from activity")?[0].clone();
        let last = self.ask(&format!("select entry from activity where at = {at} limit 1"))?;
        let at_text = serde_json::from_str::<Value>(&last[0])?["at"].clone();
        let mut in_statement = 0;
        while seq < ENTRIES {
            seq += 1;
            let count = u32::try_from(models.len())?;
            let entry = &mut models[(seq % count) as usize];
            entry["seq"] = seq.into();
            entry["prev"] = prev.clone().into();
            entry["at"] = at_text.clone();
            entry["job"] = (seq % JOBS + 1).into();
            let text = entry.to_string();
            let hash: String =
                Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            sql.push_str(match in_statement {
                0 => {
                    "insert into activity (seq, prev, hash, at, commit_id, action, outcome, actor, \
                     operator_id, name, subject, job_id, tags, entry) values\n"
                }
                _ => ",\n",
            });
            sql.push_str(&row(entry, &prev, &hash, &at, &text)?);
            in_statement = (in_statement + 1) % ENTRIES_PER_INSERT;
            if in_statement == 0 || seq == ENTRIES {
                sql.push_str(";\n");
            }
            prev = hash;
        }
        writeln!(sql, "update activity_head set seq = {seq}, hash = '{prev}';")?;
        Ok(())
    }
}

fn row(entry: &Value, prev: &str, hash: &str, at: &str, text: &str) -> Result<String> {
    let word = |value: &Value| match value {
        Value::String(text) => quoted(text),
        Value::Null => "null".to_owned(),
        other => other.to_string(),
    };
    let tags = entry["tags"].as_array().context("tags")?.iter().filter_map(Value::as_str);
    let tags = quoted(&tags.collect::<Vec<_>>().join(" "));
    let members = ["commit", "action", "outcome", "actor", "operator", "name", "subject", "job"]
        .map(|member| word(&entry[member]));
    let members = members.join(", ");
    let (prev, hash, text) = (quoted(prev), quoted(hash), quoted(text));
    Ok(format!("({}, {prev}, {hash}, {at}, {members}, {tags}, {text})", entry["seq"]))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
