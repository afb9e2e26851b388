//! Proves schedules against time: clocks that jump, schedulers that are killed, every zone's years.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Result, bail, ensure};
use clap::Args;

use crate::{chaos, command::succeed};

/// Names the file with every day's fires, for the test.
const ZONES_VARIABLE: &str = "TIDEGATE_ZONES";
/// Says how many fires there are to be, for the test.
const FIRES_VARIABLE: &str = "TIDEGATE_FIRES";
/// Works the fires out in another language.
const ORACLE: &str = "crates/tidegate-model/tests/it/golden/schedule_fires.py";
const PLANS: [&str; 3] = ["jumps", "schedulers", "zones"];
const SECONDS_PER_MINUTE: f64 = 60.0;

/// A plan: holds, or says what did not.
type Plan = fn(&FiresArgs) -> Result<()>;

/// What is to be run; everything when nothing is said.
#[derive(Args)]
pub(crate) struct FiresArgs {
    /// Only this plan: `jumps`, `schedulers` or `zones`
    #[arg(long, value_delimiter = ',', value_parser = PLANS)]
    plan: Vec<String>,
    /// Only these scripts of the jumps, such as `fold_of_berlin`
    #[arg(long, value_delimiter = ',')]
    script: Vec<String>,
    /// Fires of the schedulers, on each control database; a process is killed every 500
    #[arg(long, default_value_t = 10_000)]
    fires: u32,
    /// The form for every day: only the jumps, 10 fires a script, each on one of the databases
    #[arg(long)]
    short: bool,
    /// Take this program, built with the feature `chaos`, instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
    /// Keep the sites of the jumps in this folder
    #[arg(long)]
    keep: Option<PathBuf>,
}

impl FiresArgs {
    /// The short form, with the program that the tests were built with.
    pub(crate) fn short() -> Self {
        Self {
            plan: Vec::new(),
            script: Vec::new(),
            fires: 0,
            short: true,
            program: Some(chaos::target().join("debug/tidegate")),
            keep: None,
        }
    }

    fn has(&self, plan: &str) -> bool {
        match self.plan.is_empty() {
            true => !self.short || plan == "jumps",
            false => self.plan.iter().any(|named| named == plan),
        }
    }
}

/// Runs it.
pub(crate) fn run(args: &FiresArgs) -> Result<()> {
    let plans: [(&str, Plan); 3] = [("jumps", jumps), ("schedulers", schedulers), ("zones", zones)];
    succeed(Command::new("scripts/venv").arg(chaos::venv()).arg("scripts/requirements.txt"))?;
    let mut failed = Vec::new();
    for (name, plan) in plans.into_iter().filter(|(name, _)| args.has(name)) {
        println!("── fires: {name}");
        let begun = Instant::now();
        if let Err(error) = plan(args) {
            println!("{error:#}");
            failed.push(name);
        }
        println!(
            "── fires: {name} in {:.1} min",
            begun.elapsed().as_secs_f64() / SECONDS_PER_MINUTE
        );
    }
    if !failed.is_empty() {
        bail!("not all held under {}", failed.join(", "));
    }
    Ok(())
}

/// Real processes whose clocks jump.
fn jumps(args: &FiresArgs) -> Result<()> {
    let program = match &args.program {
        Some(program) => program.clone(),
        None => chaos::build(Path::new("."), &chaos::target().join("chaos"), false)?,
    };
    let mut driver = python();
    driver.args(["-m", "jumps", "--binary"]).arg(program).env("PYTHONPATH", "chaos");
    if args.short {
        driver.arg("--short");
    }
    if !args.script.is_empty() {
        driver.args(["--script", &args.script.join(",")]);
    }
    if let Some(folder) = &args.keep {
        driver.arg("--folder").arg(folder);
    }
    succeed(&mut driver)
}

/// Ten schedulers in three processes, one of which is killed every 500 fires.
fn schedulers(args: &FiresArgs) -> Result<()> {
    let test = "ten_schedulers_in_three_processes_fire_each_time_once_whoever_is_killed";
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--locked", "--quiet", "--package", "tidegate-service", "--test", "it"]);
    cargo.args(["--", "--exact", &format!("schedulers::{test}"), "--nocapture"]);
    succeed(cargo.env(FIRES_VARIABLE, args.fires.to_string()))
}

/// Every fire of ten years in every zone, in another language first.
fn zones(_args: &FiresArgs) -> Result<()> {
    let folder = chaos::target().join("fires");
    fs::create_dir_all(&folder)?;
    let file = folder.join("every_day.txt");
    let mut oracle = python();
    oracle.args([ORACLE, "--every-day"]).stdout(Stdio::from(fs::File::create(&file)?));
    succeed(&mut oracle)?;
    let test = "schedule::fires_of_every_zone_on_every_day_of_ten_years_are_pythons";
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--locked", "--quiet", "--package", "tidegate-model", "--test", "it"]);
    cargo.args(["--", "--exact", test, "--nocapture"]);
    // Some hundred million fires take an hour without; built apart, so that nothing else is again.
    cargo.env("CARGO_PROFILE_DEV_OPT_LEVEL", "3").env("CARGO_PROFILE_DEV_DEBUG", "0");
    cargo.env("CARGO_INCREMENTAL", "0").env("CARGO_TARGET_DIR", &folder);
    succeed(cargo.env(ZONES_VARIABLE, &file))?;
    let lines = fs::read_to_string(&file)?.lines().count();
    ensure!(lines > 1, "{} says nothing", file.display());
    Ok(())
}

fn python() -> Command {
    let mut python = Command::new(chaos::venv().join("bin/python"));
    python.arg("-B");
    python
}
