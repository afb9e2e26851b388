//! The service under load, and what it says about itself.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use anyhow::{Context, Result, ensure};

use crate::command::succeed;

const KIB_PER_MIB: f64 = 1024.0;
/// Entries behind the last checkpoint that count as none: the log goes on.
const UNSIGNED_MAX: i64 = 1_000;

/// `tidegate serve`.
pub(crate) struct Service {
    child: Child,
    pub(crate) address: String,
}

/// Resident memory.
pub(super) struct Memory {
    pub(super) now_mib: f64,
    pub(super) peak_mib: f64,
}

impl Service {
    /// Starts it in a folder, and waits until it has signed its past.
    pub(crate) fn start(program: &Path, folder: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("serve").current_dir(folder).stderr(Stdio::piped());
        let mut child = command.env("RUST_LOG", "warn,tidegate=warn").spawn()?;
        let mut lines = BufReader::new(child.stderr.take().context("asked for a pipe")?).lines();
        let address = loop {
            let line = lines.next().context("the service has ended")??;
            if let Some((_, url)) = line.split_once("ready at http://") {
                break url.to_owned();
            }
            eprintln!("{line}");
        };
        thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("{line}")));
        let service = Self { child, address };
        while service.figure("tidegate_audit_entries_unsigned")? > UNSIGNED_MAX {
            thread::yield_now();
        }
        Ok(service)
    }

    /// One of its figures.
    pub(super) fn figure(&self, name: &str) -> Result<i64> {
        let url = format!("http://{}/metrics", self.address);
        let text = reqwest::blocking::get(url)?.error_for_status()?.text()?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.with_context(|| format!("no figure {name}"))?.parse().context("a whole number")
    }

    /// Its resident memory.
    pub(super) fn memory(&self) -> Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let mib = |name: &str| -> Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next()).context("memory")?;
            Ok(kib.parse::<f64>()? / KIB_PER_MIB)
        };
        Ok(Memory { now_mib: mib("VmRSS:")?, peak_mib: mib("VmHWM:")? })
    }

    /// Ends it, in order.
    pub(crate) fn end(mut self) -> Result<()> {
        succeed(Command::new("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the service ended with {status}");
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Of one that has ended there is nothing to be killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
