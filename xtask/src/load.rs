//! Asks a service with a long past 200 times a second, with 1,000 watchers, and judges the answers.

mod client;
mod past;
pub(crate) mod service;

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Result, bail, ensure};
use clap::Args;
use serde::Serialize;

use crate::{
    bench::{self, results, servers::Servers},
    command::succeed,
};
use client::Answers;
use past::Control;
use service::Service;

/// Where results are kept.
const FOLDER: &str = "benchmarks/results";
/// Milliseconds that 99 of 100 answers may take.
const P99_MILLIS_MAX: f64 = 50.0;
/// Memory of the service.
const RSS_MIB_MAX: f64 = 200.0;
/// Open files: a thousand watchers on both sides, and room.
const FILES: &str = "8192";

/// How to load it.
#[derive(Args)]
pub(crate) struct LoadArgs {
    /// Measure this program instead of a release build of the checkout
    #[arg(long)]
    program: Option<PathBuf>,
    /// Seconds of the load
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Requests a second
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Streams of events that are open meanwhile
    #[arg(long, default_value_t = 1_000)]
    watchers: usize,
    /// Only this control database: `sqlite` or `postgres`
    #[arg(long, value_parser = ["sqlite", "postgres"])]
    control: Option<String>,
    /// Keep no results
    #[arg(long)]
    dry: bool,
}

/// What a run found.
#[derive(Serialize)]
struct Report {
    commit: String,
    measured_at: String,
    cores: usize,
    load_average: String,
    seconds: u32,
    rate: u32,
    watchers: usize,
    jobs: u32,
    entries: u32,
    runs: Vec<Run>,
}

/// What was found with one control database.
#[derive(Serialize)]
struct Run {
    control: &'static str,
    operations: Vec<Operation>,
    watchers_at_end: usize,
    exports_ready: i64,
    rss_mib: f64,
    rss_peak_mib: f64,
    errors: Vec<String>,
    holds: bool,
}

/// How long an operation took, in milliseconds since it was due.
#[derive(Serialize)]
struct Operation {
    name: &'static str,
    count: usize,
    p50: f64,
    p99: f64,
    max: f64,
}

/// Runs the load against each control database.
pub(crate) fn run(args: &LoadArgs) -> Result<()> {
    let own = format!("--pid={}", std::process::id());
    succeed(Command::new("prlimit").args([&own, &format!("--nofile={FILES}:")]))?;
    let program = match &args.program {
        Some(program) => program.canonicalize()?,
        None => {
            let build = ["build", "--release", "--locked", "--package", "tidegate"];
            succeed(Command::new("cargo").args(build))?;
            bench::target().join("release/tidegate").canonicalize()?
        }
    };
    let folder = bench::folder()?;
    let servers = Servers::start(&folder, false)?;
    let mut report = Report::new(args)?;
    for control in [Control::Sqlite, Control::Postgres] {
        if args.control.as_deref().is_none_or(|one| one == control.name()) {
            let home = folder.join("load").join(control.name());
            let past = past::make(&program, &home, control, &servers)?;
            let run = measured(args, &program, &past)?;
            run.print();
            report.runs.push(run);
        }
    }
    if !args.dry {
        println!("\nkept as {}", report.keep()?.display());
    }
    let missed: Vec<&str> =
        report.runs.iter().filter(|run| !run.holds).map(|run| run.control).collect();
    ensure!(missed.is_empty(), "bounds missed with {}", missed.join(", "));
    Ok(())
}

fn measured(args: &LoadArgs, program: &std::path::Path, past: &past::Past) -> Result<Run> {
    let service = Service::start(program, &past.folder)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let answers = runtime.block_on(client::load(args, &service, past))?;
    let Answers { operations, watchers, errors } = answers;
    let memory = service.memory()?;
    let exports_ready = service.figure("tidegate_jobs{status=\"ready\"}")?;
    service.end()?;
    let holds = errors.is_empty()
        && watchers == args.watchers
        && memory.peak_mib < RSS_MIB_MAX
        && operations.iter().all(|operation| operation.p99 < P99_MILLIS_MAX);
    Ok(Run {
        control: past.control.name(),
        operations,
        watchers_at_end: watchers,
        exports_ready,
        rss_mib: memory.now_mib,
        rss_peak_mib: memory.peak_mib,
        errors,
        holds,
    })
}

impl Run {
    fn print(&self) {
        println!("\n{}: {}", self.control, if self.holds { "holds" } else { "MISSED" });
        println!(
            "| operation | count | p50 ms | p99 ms | max ms |\n| --- | --- | --- | --- | --- |"
        );
        for Operation { name, count, p50, p99, max } in &self.operations {
            println!("| {name} | {count} | {p50:.1} | {p99:.1} | {max:.1} |");
        }
        let (now, peak) = (self.rss_mib, self.rss_peak_mib);
        let (watchers, ready) = (self.watchers_at_end, self.exports_ready);
        println!("resident {now:.0} MiB, peak {peak:.0} MiB; {watchers} watchers; {ready} files");
        self.errors.iter().for_each(|error| println!("error: {error}"));
    }
}

impl Report {
    fn new(args: &LoadArgs) -> Result<Self> {
        let cores = std::thread::available_parallelism()?.get();
        Ok(Self {
            commit: results::commit()?,
            measured_at: results::moment()?,
            cores,
            load_average: fs::read_to_string("/proc/loadavg")?.trim().to_owned(),
            seconds: args.seconds,
            rate: args.rate,
            watchers: args.watchers,
            jobs: past::JOBS,
            entries: past::ENTRIES,
            runs: Vec::new(),
        })
    }

    fn keep(&self) -> Result<PathBuf> {
        let when = self.measured_at.replace([':', '-'], "");
        let path = PathBuf::from(FOLDER).join(format!("load-{when}-{}.json", self.commit));
        if path.exists() {
            bail!("{} is there already", path.display());
        }
        fs::write(&path, serde_json::to_string_pretty(self)? + "\n")?;
        Ok(path)
    }
}
