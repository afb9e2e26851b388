//! All that must hold before a change goes in, stage by stage, with the minutes each takes.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    chaos::{self, ChaosArgs},
    command::succeed,
    fires::{self, FiresArgs},
    tidy,
};

const SECONDS_PER_MINUTE: f64 = 60.0;
/// How the test runner begins the line that sums its run up.
const SUMMARY: &str = "Summary [";

/// The tests run the program that the chaos rigs kill, so that those need no build of their own: it
/// knows points to stop at, and comes to one only where a variable names it.
const CHAOS: &[&str] = &["--features", "tidegate/chaos"];

/// A stage: does its work or says what failed.
type Stage = fn() -> Result<()>;

/// Stages in their order: what is cheap and fails often comes first.
static STAGES: &[(&str, Stage)] = &[
    ("install", || run("scripts/install", &[])),
    ("fmt", || run("cargo", &["fmt", "--all", "--check"])),
    ("tidy", tidy::run),
    ("deny", || run("cargo", &["deny", "--locked", "check", "bans", "licenses", "sources"])),
    ("advisories", advisories),
    ("clippy", clippy),
    ("doc", documents),
    ("build", || {
        run("cargo", &[&["nextest", "run", "--workspace", "--locked", "--no-run"], CHAOS].concat())
    }),
    ("doc tests", || run("cargo", &["test", "--workspace", "--locked", "--doc", "--quiet"])),
    ("browser", browser),
    // Behind the browser's, which installs what drives one.
    ("django", django),
    ("chaos", || chaos::run(&ChaosArgs::short())),
    ("fires", || fires::run(&FiresArgs::short())),
];

/// Runs all stages, and the tests as the last one: whatever they say, the line that sums them up
/// is the last of the output.
pub(crate) fn run_all() -> ExitCode {
    let start = Instant::now();
    let mut summary = None;
    let stages = STAGES.iter().try_for_each(|(name, stage)| timed(name, *stage));
    let outcome = stages.and_then(|()| timed("tests", || tests(&mut summary)));
    if let Err(error) = &outcome {
        println!("ci: {error:#}");
    }
    println!("ci: {} in all", minutes(start.elapsed()));
    if let Some(summary) = summary {
        println!("{summary}");
    }
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn timed(name: &str, stage: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("── {name}");
    let start = Instant::now();
    let outcome = stage();
    let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
    println!("── {name}: {verdict} in {}", minutes(start.elapsed()));
    outcome.with_context(|| format!("stage `{name}` failed"))
}

fn minutes(elapsed: Duration) -> String {
    format!("{:.1} min", elapsed.as_secs_f64() / SECONDS_PER_MINUTE)
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    succeed(Command::new(program).args(arguments))
}

fn clippy() -> Result<()> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--"];
    run("cargo", &[&arguments[..], &["-D", "warnings"]].concat())
}

/// Documents of the crates, in which no link may be broken.
fn documents() -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"]);
    succeed(cargo.env("RUSTDOCFLAGS", "-D warnings"))
}

/// The Django package with a real Django, by the same program.
fn django() -> Result<()> {
    let program = chaos::target().join("debug/tidegate");
    succeed(Command::new("scripts/django").env("TIDEGATE", program))
}

/// The pages, in a real browser: by the program that the stage `build` has made.
fn browser() -> Result<()> {
    let program = chaos::target().join("debug/tidegate");
    succeed(Command::new("scripts/e2e").env("TIDEGATE", program))
}

/// Known vulnerabilities of what is built in, where their database can be reached.
fn advisories() -> Result<()> {
    let fetch =
        Command::new("cargo").args(["deny", "fetch", "db"]).stderr(Stdio::null()).status()?;
    if !fetch.success() {
        println!("the advisory database cannot be reached from here: advisories are NOT checked");
        return Ok(());
    }
    run("cargo", &["deny", "--locked", "check", "--disable-fetch", "advisories"])
}

/// Runs the tests, and keeps the line that sums them up.
fn tests(summary: &mut Option<String>) -> Result<()> {
    let mut child = Command::new("cargo")
        .args(["nextest", "run", "--workspace", "--locked", "--profile", "ci", "--color", "never"])
        .args(CHAOS)
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run cargo nextest")?;
    let stderr = child.stderr.take().context("asked for a pipe")?;
    for line in BufReader::new(stderr).lines() {
        let line = line?;
        println!("{line}");
        if line.trim_start().starts_with(SUMMARY) {
            *summary = Some(line.trim_start().to_owned());
        }
    }
    std::io::stdout().flush()?;
    if !child.wait()?.success() {
        bail!("a test failed");
    }
    Ok(())
}
