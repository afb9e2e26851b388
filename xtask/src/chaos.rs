//! Kills and stops real processes, checks what they leave, and proves the checker by faults.

mod faults;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};
use clap::Args;

use crate::command::succeed;

/// Names the folder of the Python environment, as for the tests.
const VENV: &str = "TIDEGATE_VENV";
/// That folder, where nothing is named.
const VENV_DEFAULT: &str = "target/venv";
/// Kills of all rigs in the short form.
const SHORT_KILLS_A_RIG: u32 = 10;
/// Times that each right is taken away in the short form.
const SHORT_CHANGES: u32 = 3;
/// Rigs that stand side by side.
const RIGS: &[&str] = &["sqlite-folder", "sqlite-s3", "postgres-folder", "postgres-s3"];

/// What is to be run; everything when nothing is said.
#[derive(Args)]
pub(crate) struct ChaosArgs {
    /// Only this plan: `kills`, `revocations`, `stops`, `sweeps`, `trace`, `disk` or `measure`
    #[arg(long, value_delimiter = ',')]
    plan: Vec<String>,
    /// Kills over all rigs
    #[arg(long, default_value_t = 1000)]
    kills: u32,
    /// Times that each scene of the stops is played
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Times that rights are taken away in each way, and egress is paused, on each control database
    #[arg(long, default_value_t = 100)]
    changes: u32,
    /// Rigs, such as `sqlite-folder`
    #[arg(long, value_delimiter = ',')]
    rigs: Vec<String>,
    /// The form for every day: 10 kills a rig, 3 changes of each kind, each scene once
    #[arg(long)]
    short: bool,
    /// Build as for release
    #[arg(long)]
    release: bool,
    /// Take this program, built with the feature `chaos`, instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
    /// Plant this fault into a copy of the program; the checker has to report it
    #[arg(long, conflicts_with = "faults")]
    fault: Option<String>,
    /// Plant every fault, one after the other
    #[arg(long)]
    faults: bool,
    /// Begin the dice here, to repeat a run
    #[arg(long)]
    seed: Option<u64>,
    /// Keep the rigs in this folder
    #[arg(long)]
    keep: Option<PathBuf>,
}

impl ChaosArgs {
    /// The short form, with the program that the tests were built with.
    pub(crate) fn short() -> Self {
        Self {
            program: Some(target().join("debug/tidegate")),
            plan: Vec::new(),
            kills: 0,
            rounds: 1,
            changes: 0,
            rigs: Vec::new(),
            short: true,
            release: false,
            fault: None,
            faults: false,
            seed: None,
            keep: None,
        }
    }

    fn rigs(&self) -> Vec<&str> {
        match self.rigs.is_empty() {
            true => RIGS.to_vec(),
            false => self.rigs.iter().map(String::as_str).collect(),
        }
    }

    fn plans(&self) -> Vec<&str> {
        match (self.plan.is_empty(), self.short) {
            (false, _) => self.plan.iter().map(String::as_str).collect(),
            // What a machine of any speed decides within minutes.
            (true, true) => vec!["kills", "revocations"],
            (true, false) => {
                vec!["kills", "revocations", "stops", "sweeps", "trace", "disk", "measure"]
            }
        }
    }
}

/// Runs it.
pub(crate) fn run(args: &ChaosArgs) -> Result<()> {
    succeed(Command::new("scripts/venv").arg(venv()).arg("scripts/requirements.txt"))?;
    match (&args.fault, args.faults) {
        (Some(name), _) => faults::plant(name, args.release),
        (None, true) => faults::plant_all(args.release),
        (None, false) => {
            let program = match &args.program {
                Some(program) => program.clone(),
                None => build(Path::new("."), &target().join("chaos"), args.release)?,
            };
            let plans = args.plans();
            let failed: Vec<&str> =
                plans.into_iter().filter(|plan| !drive(args, plan, &program)).collect();
            if !failed.is_empty() {
                bail!("not all held under {}", failed.join(", "));
            }
            Ok(())
        }
    }
}

/// Runs one plan, and says whether the checker was content.
fn drive(args: &ChaosArgs, plan: &str, program: &Path) -> bool {
    println!("── chaos: {plan}");
    let rigs = args.rigs();
    let (kills, rounds, changes) = match args.short {
        true => {
            let rig_count = u32::try_from(rigs.len()).unwrap_or(u32::MAX);
            (SHORT_KILLS_A_RIG * rig_count, 1, SHORT_CHANGES)
        }
        false => (args.kills, args.rounds, args.changes),
    };
    let mut driver = driver(plan, program);
    driver.args(["--rigs", &rigs.join(",")]);
    driver.args(["--kills", &kills.to_string(), "--rounds", &rounds.to_string()]);
    driver.args(["--changes", &changes.to_string()]);
    if let Some(seed) = args.seed {
        driver.args(["--seed", &seed.to_string()]);
    }
    if let Some(folder) = &args.keep {
        driver.arg("--folder").arg(folder.join(plan));
    }
    driver.status().is_ok_and(|status| status.success())
}

/// The driver, to be told more.
fn driver(plan: &str, program: &Path) -> Command {
    let mut driver = Command::new(venv().join("bin/python"));
    driver.args(["-B", "-m", "driver", plan, "--binary"]).arg(program).env("PYTHONPATH", "chaos");
    driver
}

/// Builds the program with its points to stop at, away from the one that is handed out.
pub(crate) fn build(checkout: &Path, target: &Path, is_release: bool) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--locked", "--quiet", "--package", "tidegate", "--features", "chaos"]);
    if is_release {
        cargo.arg("--release");
    }
    // Nobody debugs it, and what is killed a thousand times is copied often. The moments are those
    // of a release, which link-time optimisation hardly moves, and it would take minutes.
    cargo.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
    cargo.env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only");
    cargo.env("CARGO_PROFILE_RELEASE_LTO", "off");
    cargo.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    succeed(cargo.current_dir(checkout).env("CARGO_TARGET_DIR", target))?;
    let profile = if is_release { "release" } else { "debug" };
    let built = target.join(profile).join("tidegate");
    Ok(built)
}

pub(crate) fn venv() -> PathBuf {
    env::var_os(VENV).map_or(VENV_DEFAULT.into(), PathBuf::from)
}

pub(crate) fn target() -> PathBuf {
    let here = env::current_dir().unwrap_or_default();
    here.join(env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from))
}
