//! Runs Tidegate and its peers in turn over the same tables, and judges by the bounds owed.

mod commands;
mod masked;
pub(crate) mod measure;
pub(crate) mod results;
pub(crate) mod rows;
pub(crate) mod servers;
pub(crate) mod tables;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::command::{output, succeed};
use commands::Rig;
use measure::{Run, measured};
use results::{MemoryResult, Report, RowResult};
use rows::{
    LARGE, MEMORY_GROWTH_MIB_MAX, MEMORY_MIB_MAX, MEMORY_ROWS, MemoryRow, ROWS, Row, Size, Source,
    TINY,
};
use servers::Servers;

/// Runs of each size when memory is weighed.
const MEMORY_RUNS: usize = 2;
/// Python with the peers that are Python libraries.
const VENV: &str = "target/bench-venv";

/// What to measure.
#[derive(Args)]
pub(crate) struct BenchArgs {
    /// Rows to run, by name; all when left out
    rows: Vec<String>,
    /// Print the names of the rows with their bounds
    #[arg(long)]
    list: bool,
    /// Run only this row, keep no results, fail if a bound is missed
    #[arg(long, value_name = "ROW", conflicts_with = "rows")]
    check: Option<String>,
    /// Only rows over the table of that size
    #[arg(long = "rows", value_name = "SIZE", value_parser = ["1m", "10m"])]
    size: Option<String>,
    /// Pairs a row, in place of five at 1 M rows and three at 10 M
    #[arg(long)]
    pairs: Option<usize>,
    /// Measure the programs as they were built last
    #[arg(long)]
    built: bool,
    /// Only make the tables
    #[arg(long)]
    prepare: bool,
    /// Measure the encoders alone instead, over the list of formats
    #[arg(long)]
    micro: bool,
}

/// Runs the benchmarks.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    if args.micro {
        let example = ["--package", "tidegate-format", "--example", "encode_speed"];
        return succeed(Command::new("cargo").args(["run", "--release"]).args(example));
    }
    let chosen = Chosen::of(args)?;
    if args.list {
        chosen.list();
        return Ok(());
    }
    let folder = folder()?;
    let servers = Servers::start(&folder, chosen.uses(Source::Mariadb))?;
    for (from, size) in chosen.tables() {
        tables::make(&folder, &servers, from, size)?;
    }
    if args.prepare {
        return Ok(());
    }
    if !args.built {
        build()?;
    }
    let release = target().join("release").canonicalize()?;
    let python = PathBuf::from(VENV).join("bin/python");
    let rig = Rig { folder: &folder, release, python, servers: &servers };
    let report = chosen.run(&rig, args.pairs)?;
    if args.check.is_none() {
        println!("\nkept as {}", report.keep()?.display());
    }
    match report.missed().as_slice() {
        [] => Ok(()),
        missed => bail!("bounds missed: {}", missed.join(", ")),
    }
}

/// The folder of tables, servers and files: `$TIDEGATE_BENCH_DIR` or one under `target`.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder =
        std::env::var_os("TIDEGATE_BENCH_DIR").map_or("target/bench".into(), PathBuf::from);
    fs::create_dir_all(folder.join("out"))?;
    Ok(folder.canonicalize()?)
}

/// Builds ours and the peers.
fn build() -> Result<()> {
    let packages = ["--package", "tidegate", "--package", "bench-peers"];
    succeed(Command::new("cargo").args(["build", "--release", "--locked"]).args(packages))?;
    succeed(Command::new("scripts/venv").args([VENV, "benchmarks/requirements.txt"]))
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from)
}

/// The rows to run.
struct Chosen {
    rows: Vec<&'static Row>,
    memory: Vec<&'static MemoryRow>,
}

impl Chosen {
    fn of(args: &BenchArgs) -> Result<Self> {
        let names: Vec<&str> = args.rows.iter().chain(&args.check).map(String::as_str).collect();
        let is_named = |name: &str| names.is_empty() || names.contains(&name);
        let is_sized = |size: Size| args.size.as_deref().is_none_or(|slug| slug == size.slug);
        let rows = ROWS.iter().filter(|row| is_named(&row.name()) && is_sized(row.export.size));
        let memory = MEMORY_ROWS.iter().filter(|row| is_named(&row.name()) && is_sized(LARGE));
        let chosen = Self { rows: rows.collect(), memory: memory.collect() };
        let known = |name: &str| {
            ROWS.iter().any(|row| row.name() == name)
                || MEMORY_ROWS.iter().any(|row| row.name() == name)
        };
        if let Some(unknown) = names.iter().find(|name| !known(name)) {
            bail!("no row `{unknown}`; see `cargo xtask bench --list`");
        }
        Ok(chosen)
    }

    fn list(&self) {
        for row in &self.rows {
            println!("{}: {}", row.name(), row.bounds);
        }
        for row in &self.memory {
            let (most, growth) = (MEMORY_MIB_MAX, MEMORY_GROWTH_MIB_MAX);
            println!("{}: below {most} MiB, and {growth} MiB above 100 rows", row.name());
        }
    }

    fn uses(&self, from: Source) -> bool {
        self.tables().iter().any(|(used, _)| *used == from)
    }

    fn tables(&self) -> Vec<(Source, Size)> {
        let rows = self.rows.iter().map(|row| (row.export.from, row.export.size));
        let memory = self.memory.iter().flat_map(|row| [(row.from, TINY), (row.from, LARGE)]);
        let mut tables: Vec<(Source, Size)> = Vec::new();
        for table in rows.chain(memory) {
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        tables
    }

    fn run(&self, rig: &Rig<'_>, pairs: Option<usize>) -> Result<Report> {
        let floor = measured(&["true".to_owned()])?.rss_mib;
        let mut report = Report::new(versions(rig)?, floor)?;
        if !self.rows.is_empty() {
            Report::print_head(true);
        }
        for row in &self.rows {
            let found = run_pairs(rig, row, pairs.unwrap_or(row.pairs()));
            report.add(found.with_context(|| format!("row {} failed", row.name()))?);
        }
        if !self.memory.is_empty() {
            println!("\npeak memory; even `true` is charged with {floor:.1} MiB");
            Report::print_head(false);
        }
        for row in &self.memory {
            let found = run_memory(rig, row);
            report.add_memory(found.with_context(|| format!("row {} failed", row.name()))?);
        }
        Ok(report)
    }
}

/// Ours and the peer in turn, after one of each that does not count.
fn run_pairs(rig: &Rig<'_>, row: &Row, pairs: usize) -> Result<RowResult> {
    let out = |side| rig.folder.join("out").join(format!("{side}.{}", row.export.format));
    let (our_out, peer_out) = (out("ours"), out("peer"));
    let ours = rig.ours(row.export, &our_out);
    let peer = rig.peer(row.peer, row.export, &peer_out);
    let (mut our_runs, mut peer_runs, mut bytes) = (Vec::new(), Vec::new(), (0, 0));
    for pair in 0..=pairs {
        rig.prepare(row.export)?;
        let our_run = run_once(&ours, &our_out)?;
        bytes.0 = take(&our_out)?;
        let peer_run = run_once(&peer, &peer_out)?;
        bytes.1 = take(&peer_out)?;
        if pair > 0 {
            our_runs.push(our_run);
            peer_runs.push(peer_run);
        }
    }
    Ok(RowResult::of(row, &our_runs, &peer_runs, bytes))
}

/// The same export of a hundred rows and of ten million.
fn run_memory(rig: &Rig<'_>, row: &MemoryRow) -> Result<MemoryResult> {
    let out = rig.folder.join("out").join(format!("ours.{}", row.format));
    let peaks = |size: Size| -> Result<Vec<Run>> {
        let command = rig.ours(row.of_size(size), &out);
        let runs = (0..MEMORY_RUNS).map(|_| {
            let run = run_once(&command, &out)?;
            take(&out)?;
            Ok(run)
        });
        runs.collect()
    };
    Ok(MemoryResult::of(row, &peaks(TINY)?, &peaks(LARGE)?))
}

fn run_once(command: &[String], out: &Path) -> Result<Run> {
    let run = measured(command)?;
    ensure!(out.exists(), "{} was not written by {}", out.display(), command.join(" "));
    Ok(run)
}

/// Size of the file; it is then removed, so that no run pays for emptying the one before.
fn take(out: &Path) -> Result<u64> {
    let bytes = fs::metadata(out)?.len();
    let folder = out.parent().context("files lie in a folder")?;
    for entry in fs::read_dir(folder)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(bytes)
}

/// Who is compared, in which version.
fn versions(rig: &Rig<'_>) -> Result<Vec<String>> {
    let first_line = |program: &str, arguments: &[&str]| -> Result<String> {
        Ok(output(program, arguments)?.lines().next().unwrap_or_default().to_owned())
    };
    let mut versions = vec![
        first_line("rustc", &["--version"])?,
        first_line("psql", &["--version"])?,
        format!("sqlite3 {}", first_line("sqlite3", &["--version"])?),
        first_line("mariadb", &["--version"])?,
        first_line(&rig.release.join("tidegate").display().to_string(), &["--version"])?,
    ];
    let pinned = fs::read_to_string("benchmarks/requirements.txt")?;
    versions.extend(pinned.lines().filter(|line| line.contains("==")).map(str::to_owned));
    let locked = fs::read_to_string("Cargo.lock")?;
    let mut lines = locked.lines().skip_while(|line| *line != "name = \"rust_xlsxwriter\"");
    versions.push(format!("rust_xlsxwriter {}", lines.nth(1).unwrap_or_default()));
    Ok(versions)
}
