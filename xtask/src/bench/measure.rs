//! Runs one command and tells its time, processor time and peak memory.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use wait4::Wait4;

const BYTES_PER_MIB: f64 = 1_048_576.0;
/// The hidden task that measures, see [`measured`].
pub(crate) const TASK: &str = "measure";

/// What a run took.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Run {
    /// Source start to end, in seconds.
    pub(super) wall_seconds: f64,
    /// Processor time of the process and its children, in seconds.
    pub(super) cpu_seconds: f64,
    /// Peak resident memory of the largest process, in MiB.
    pub(super) rss_mib: f64,
}

/// Runs a command line, measured from a process of its own: the peak of a child begins at the size
/// of the process that forked it, and a fresh one is small.
pub(super) fn measured(command: &[String]) -> Result<Run> {
    let output = Command::new(std::env::current_exe()?).arg(TASK).args(command).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}\nfailed: {said}", command.join(" "));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The hidden task: runs the command and prints what it took, as JSON.
pub(crate) fn run(command: &[String]) -> Result<()> {
    let (program, arguments) = command.split_first().context("nothing to measure")?;
    let start = Instant::now();
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    let used = command.spawn().with_context(|| format!("cannot run {program}"))?.wait4()?;
    let wall_seconds = start.elapsed().as_secs_f64();
    ensure!(used.status.success(), "{program} ended with {}", used.status);
    let run = Run {
        wall_seconds,
        cpu_seconds: (used.rusage.utime + used.rusage.stime).as_secs_f64(),
        #[expect(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^52")]
        rss_mib: used.rusage.maxrss as f64 / BYTES_PER_MIB,
    };
    println!("{}", serde_json::to_string(&run)?);
    Ok(())
}
