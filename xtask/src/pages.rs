//! Leafs through a list of ten million rows as a browser does, and judges how long pages took.

mod answers;
mod browser;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::Serialize;

use crate::{
    bench::{
        self,
        results::{self, Host},
        rows::{LARGE, Source},
        servers::Servers,
        tables,
    },
    command::succeed,
    load::service::Service,
};
use answers::{Answers, Spread};
use browser::Browser;

/// Where results are kept.
const FOLDER: &str = "benchmarks/results";
/// Milliseconds that 95 of 100 answers may take.
const P95_MILLIS_MAX: f64 = 150.0;
/// Requests that are measured, at least.
const REQUESTS_MIN: usize = 500;
/// Which page is far behind.
const FAR: usize = 100;
/// Seconds that a statement of the source in a hurry may run.
const STATEMENT_SECONDS_MAX: u64 = 1;
/// Milliseconds that a look may take beyond that: a count that is given up, and all the rest.
const BEYOND_MILLIS_MAX: f64 = 1_000.0;
const ADA: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery";

/// What an administrator of such a table has: the columns of an index, after its name.
const INDEXES: [(&str, &str); 3] = [
    ("placed", "placed_at, id"),
    ("status", "status, id"),
    ("status_placed", "status, placed_at, id"),
];
/// Filters: a sixth of the rows, a month of six years, and both.
const FILTERS: [(&str, &str); 4] =
    [("none", ""), ("status", STATUS), ("placed_at", MONTH), ("status, placed_at", BOTH)];
const STATUS: &str = r#"{"field":"status","op":"eq","value":"paid"}"#;
const MONTH: &str = r#"{"field":"placed_at","op":"between","value":["2022-03-01","2022-04-01"]}"#;
const BOTH: &str = r#"{"all":[{"field":"status","op":"eq","value":"paid"},
    {"field":"placed_at","op":"between","value":["2022-03-01","2022-04-01"]}]}"#;
const SORTS: [&str; 2] = ["id", "-placed_at"];
/// What no index helps with, as the address says it, and the field that the answer must name.
const SLOW: [(&str, &str, &str); 3] = [
    ("filter", r#"{"field":"customer_name","op":"contains","value":"nobody"}"#, "customer_name"),
    ("q", "nothing like it", "note"),
    ("sort", "total", "total"),
];

/// How to leaf.
#[derive(Args)]
pub(crate) struct PagesArgs {
    /// Measure this program instead of a release build of the checkout
    #[arg(long)]
    program: Option<PathBuf>,
    /// Only make the table and its indexes
    #[arg(long)]
    prepare: bool,
    /// Keep no results
    #[arg(long)]
    dry: bool,
}

/// What a run found.
#[derive(Serialize)]
struct Report {
    commit: String,
    measured_at: String,
    host: Host,
    rows: u32,
    indexes: Vec<&'static str>,
    p95_millis_max: f64,
    all: Spread,
    pages: Vec<PageResult>,
    statement_seconds_max: u64,
    slow: Vec<SlowResult>,
    missed: Vec<String>,
}

/// How long a page took, in milliseconds until its last byte.
#[derive(Serialize)]
struct PageResult {
    filter: &'static str,
    sort: &'static str,
    page: &'static str,
    #[serde(flatten)]
    spread: Spread,
}

/// A look that no index helps with.
#[derive(Serialize)]
struct SlowResult {
    asked: String,
    millis: f64,
    answer: String,
}

/// A page that is asked for again and again.
struct Target {
    filter: &'static str,
    sort: &'static str,
    page: &'static str,
    path: String,
}

/// Leafs, and judges.
pub(crate) fn run(args: &PagesArgs) -> Result<()> {
    let folder = bench::folder()?;
    let servers = Servers::start(&folder, false)?;
    tables::make(&folder, &servers, Source::Postgres, LARGE)?;
    index(&servers)?;
    if args.prepare {
        return Ok(());
    }
    let program = match &args.program {
        Some(program) => program.canonicalize()?,
        None => {
            let build = ["build", "--release", "--locked", "--package", "tidegate"];
            succeed(Command::new("cargo").args(build))?;
            bench::target().join("release/tidegate").canonicalize()?
        }
    };
    let home = folder.join("pages");
    site(&program, &home, &servers)?;
    let service = Service::start(&program, &home)?;
    let browser = Browser::signed_in(&service.address, ADA, PASSWORD)?;
    let report = measured(&browser)?;
    service.end()?;
    report.print();
    if !args.dry {
        println!("\nkept as {}", report.keep()?.display());
    }
    ensure!(report.missed.is_empty(), "missed: {}", report.missed.join(", "));
    Ok(())
}

/// Makes the indexes that are not there.
fn index(servers: &Servers) -> Result<()> {
    let table = tables::table(LARGE);
    for (name, columns) in INDEXES {
        let index = format!("create index if not exists {table}_{name} on {table} ({columns})");
        let memory = "set maintenance_work_mem = '512MB'";
        succeed(&mut servers.psql(&["-c", memory, "-c", &index])?)?;
    }
    Ok(())
}

/// A site with the table twice: from a source as it comes, and from one in a hurry.
fn site(program: &Path, home: &Path, servers: &Servers) -> Result<()> {
    if home.exists() {
        fs::remove_dir_all(home)?;
    }
    fs::create_dir_all(home)?;
    let (url, table) = (servers.postgres_url(), tables::table(LARGE));
    let subject = |slug: &str, source: &str| {
        format!(
            "[[subjects]]\nslug = \"{slug}\"\nsource = \"{source}\"\ntable = \"{table}\"\n\
             date_field = \"placed_at\"\nsearch = [\"note\"]\nshorthands = [\"status\"]\n\
             fields = [\"id\", \"order_number\", \"status\", \"currency\", \"total\",\n\
             \"customer_name\", \"placed_at\", \"note\", \"items_count\", \"is_gift\"]\n"
        )
    };
    let configuration = format!(
        "[sources.shop]\nurl = \"{url}\"\n[sources.hurried]\nurl = \"{url}\"\n\
         statement_seconds_max = {STATEMENT_SECONDS_MAX}\n{}{}\
         [control]\nurl = \"sqlite:control.db\"\n\
         [server]\nlisten = \"127.0.0.1:0\"\nrequests_per_minute = 1000000\n",
        subject("orders", "shop"),
        subject("hurried", "hurried"),
    );
    fs::write(home.join("tidegate.toml"), configuration)?;
    let run = |arguments: &[&str], input: &str| -> Result<()> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(home).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn()?;
        child.stdin.take().context("asked for a pipe")?.write_all(input.as_bytes())?;
        ensure!(child.wait()?.success(), "{arguments:?} failed");
        Ok(())
    };
    run(&["operators", "add", ADA, "--role", "administrator"], "")?;
    run(&["--as", ADA, "operators", "password", ADA], PASSWORD)
}

/// Finds the pages by going there, asks for all of them in turn, and then for what is cut.
fn measured(browser: &Browser) -> Result<Report> {
    let mut targets = Vec::new();
    for (filter, text) in FILTERS {
        for sort in SORTS {
            targets.extend(found(browser, filter, text, sort)?);
        }
    }
    let mut answers: Vec<Answers> = targets.iter().map(|_| Answers::default()).collect();
    for _ in 0..REQUESTS_MIN.div_ceil(targets.len()) {
        for (target, answers) in targets.iter().zip(&mut answers) {
            let answer = browser.ask(&target.path)?;
            ensure!(answer.status == 200, "{}: {}", target.path, answer.text);
            answers.add(answer.millis);
        }
    }
    let mut all = Answers::default();
    answers.iter().for_each(|some| all.add_all(some));
    let pages = targets.iter().zip(&answers).map(|(target, answers)| PageResult {
        filter: target.filter,
        sort: target.sort,
        page: target.page,
        spread: answers.spread(),
    });
    let mut report = Report {
        commit: results::commit()?,
        measured_at: results::moment()?,
        host: Host::now()?,
        rows: LARGE.rows,
        indexes: INDEXES.iter().map(|(_, columns)| *columns).collect(),
        p95_millis_max: P95_MILLIS_MAX,
        all: all.spread(),
        pages: pages.collect(),
        statement_seconds_max: STATEMENT_SECONDS_MAX,
        slow: Vec::new(),
        missed: Vec::new(),
    };
    for (name, value, field) in SLOW {
        report.try_slow(browser, (name, value, field))?;
    }
    report.judge();
    Ok(report)
}

/// The first, the hundredth and the last page of a list, where its links lead.
fn found(
    browser: &Browser,
    filter: &'static str,
    text: &str,
    sort: &'static str,
) -> Result<[Target; 3]> {
    let first = browser::path("orders", &[("filter", text), ("sort", sort)]);
    let answer = browser.ask(&first)?;
    let last = answer.link("Last").context("a list of many pages has a last one")?;
    let mut next = answer.link("next");
    for page in 2..=FAR {
        let path = next.with_context(|| format!("no page {page}"))?;
        if page == FAR {
            let target = |page, path| Target { filter, sort, page, path };
            return Ok([target("first", first), target("hundredth", path), target("last", last)]);
        }
        next = browser.ask(&path)?.link("next");
    }
    bail!("there is no page far behind");
}

impl Report {
    fn try_slow(
        &mut self,
        browser: &Browser,
        (name, value, field): (&str, &str, &str),
    ) -> Result<()> {
        let path = browser::path("hurried", &[(name, value)]);
        let answer = browser.ask(&path)?;
        let asked = format!("{name}={value}");
        let says = answer.notice().unwrap_or_default();
        if answer.status != 422 || !says.contains(&format!("index “{field}”")) {
            self.missed.push(format!("{asked} was answered with {}: {says}", answer.status));
        }
        self.slow.push(SlowResult { asked, millis: answer.millis, answer: says });
        Ok(())
    }

    fn judge(&mut self) {
        if self.all.p95 >= P95_MILLIS_MAX {
            self.missed.push(format!("p95 of all is {:.0} ms", self.all.p95));
        }
        for PageResult { filter, sort, page, spread } in &self.pages {
            if spread.p95 >= P95_MILLIS_MAX {
                self.missed.push(format!("{filter} by {sort}, {page}: {:.0} ms", spread.p95));
            }
        }
        let limit = STATEMENT_SECONDS_MAX as f64 * 1_000.0 + BEYOND_MILLIS_MAX;
        for SlowResult { asked, millis, .. } in &self.slow {
            if *millis > limit {
                self.missed.push(format!("{asked} took {millis:.0} ms"));
            }
        }
    }

    fn print(&self) {
        println!("| filter | sort | page | count | p50 ms | p95 ms | max ms |");
        println!("| --- | --- | --- | --- | --- | --- | --- |");
        for PageResult { filter, sort, page, spread } in &self.pages {
            println!("| {filter} | {sort} | {page} | {} |", spread.cells());
        }
        println!("| all | | | {} |\n", self.all.cells());
        for SlowResult { asked, millis, answer } in &self.slow {
            println!("{asked}: {millis:.0} ms, {answer}");
        }
    }

    fn keep(&self) -> Result<PathBuf> {
        let when = self.measured_at.replace([':', '-'], "");
        let path = PathBuf::from(FOLDER).join(format!("pages-{when}-{}.json", self.commit));
        fs::write(&path, serde_json::to_string_pretty(self)? + "\n")?;
        Ok(path)
    }
}
