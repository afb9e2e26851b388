//! What a run of the benchmarks found, to be printed, kept and judged.

use std::{fs, path::PathBuf, thread};

use anyhow::Result;
use serde::Serialize;

use super::{
    measure::Run,
    rows::{MEMORY_GROWTH_MIB_MAX, MEMORY_MIB_MAX, MemoryRow, Row},
};
use crate::command::output;

/// Fewer processors than the bounds were set for: nothing is ticked.
const CPUS_MIN: usize = 4;
/// Load average above which a run competes with others.
const BUSY_LOAD: f64 = 1.0;
const FOLDER: &str = "benchmarks/results";

/// All findings, and where they were made.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    commit: String,
    measured_at: String,
    machine: Machine,
    versions: Vec<String>,
    rows: Vec<RowResult>,
    memory: Vec<MemoryResult>,
}

#[derive(Debug, Serialize)]
struct Machine {
    #[serde(flatten)]
    host: Host,
    /// Peak memory that even `true` is charged with, in MiB.
    rss_floor_mib: f64,
}

/// The machine, and what else was going on.
#[derive(Debug, Serialize)]
pub(crate) struct Host {
    processor: String,
    cores: usize,
    memory: String,
    kernel: String,
    /// Load average at the start.
    load: String,
}

/// A row against a peer.
#[derive(Debug, Serialize)]
pub(super) struct RowResult {
    name: String,
    ours: Side,
    peer: Side,
    /// The peer's time divided by ours, pair by pair.
    faster: Spread,
    cpu_share: f64,
    size_ratio: f64,
    bounds: Vec<Bound>,
    /// Whether all bounds hold, on a machine that counts.
    ticked: bool,
}

#[derive(Debug, Serialize)]
struct Side {
    wall_seconds: Spread,
    cpu_seconds: f64,
    rss_mib: f64,
    bytes: u64,
}

/// Median, least and most.
#[derive(Clone, Copy, Debug, Serialize)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

/// The same export of few rows and of many.
#[derive(Debug, Serialize)]
pub(super) struct MemoryResult {
    name: String,
    few_mib: f64,
    many_mib: f64,
    bounds: Vec<Bound>,
    ticked: bool,
}

/// What is owed and what was found.
#[derive(Debug, Serialize)]
struct Bound {
    what: &'static str,
    owed: f64,
    found: f64,
    holds: bool,
}

impl Bound {
    fn at_least(what: &'static str, owed: f64, found: f64) -> Self {
        Self { what, owed, found, holds: found >= owed }
    }

    fn at_most(what: &'static str, owed: f64, found: f64) -> Self {
        Self { what, owed, found, holds: found <= owed }
    }
}

impl Spread {
    fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (values[0], values[values.len() - 1]);
        let upper = values[values.len() / 2];
        let lower = values[(values.len() - 1) / 2];
        Self { median: f64::midpoint(lower, upper), min, max }
    }
}

impl Side {
    fn of(runs: &[Run], bytes: u64) -> Self {
        Self {
            wall_seconds: Spread::of(runs.iter().map(|run| run.wall_seconds)),
            cpu_seconds: Spread::of(runs.iter().map(|run| run.cpu_seconds)).median,
            rss_mib: Spread::of(runs.iter().map(|run| run.rss_mib)).max,
            bytes,
        }
    }
}

impl RowResult {
    /// Judges the runs of a row: pairs of ours and the peer's, and the bytes each has written.
    pub(super) fn of(row: &Row, ours: &[Run], peer: &[Run], bytes: (u64, u64)) -> Self {
        let pairs = ours.iter().zip(peer);
        let faster = Spread::of(pairs.map(|(ours, peer)| peer.wall_seconds / ours.wall_seconds));
        let (ours, peer) = (Side::of(ours, bytes.0), Side::of(peer, bytes.1));
        let cpu_share = ours.cpu_seconds / peer.cpu_seconds;
        #[expect(clippy::cast_precision_loss, reason = "a ratio needs no last digits")]
        let size_ratio = ours.bytes as f64 / peer.bytes as f64;
        let owed = row.bounds;
        let bounds: Vec<Bound> = [
            owed.faster.map(|owed| Bound::at_least("times as fast", owed, faster.median)),
            owed.cpu_share.map(|owed| Bound::at_most("of its CPU", owed, cpu_share)),
            owed.size.map(|owed| Bound::at_most("times its size", owed, size_ratio)),
            owed.rss_mib.map(|owed| Bound::at_most("MiB at peak", owed, ours.rss_mib)),
        ]
        .into_iter()
        .flatten()
        .collect();
        let ticked = is_ticked(&bounds);
        Self { name: row.name(), ours, peer, faster, cpu_share, size_ratio, bounds, ticked }
    }

    /// Whether every bound holds.
    pub(super) fn holds(&self) -> bool {
        self.bounds.iter().all(|bound| bound.holds)
    }

    /// One line of the table.
    pub(super) fn line(&self) -> String {
        let Self { name, ours, peer, faster, cpu_share, size_ratio, bounds, ticked } = self;
        format!(
            "| {name} | {:.2} | {:.2} | {:.2} ({:.2}–{:.2}) | {cpu_share:.2} | {:.0} / {:.0} | \
             {size_ratio:.2} | {} |",
            ours.wall_seconds.median,
            peer.wall_seconds.median,
            faster.median,
            faster.min,
            faster.max,
            ours.rss_mib,
            peer.rss_mib,
            verdict(bounds, *ticked),
        )
    }
}

impl MemoryResult {
    /// Judges the peaks of the same export of few rows and of many: the least of few, the most of
    /// many.
    pub(super) fn of(row: &MemoryRow, few: &[Run], many: &[Run]) -> Self {
        let few_mib = Spread::of(few.iter().map(|run| run.rss_mib)).min;
        let many_mib = Spread::of(many.iter().map(|run| run.rss_mib)).max;
        let bounds = vec![
            Bound::at_most("MiB at peak", MEMORY_MIB_MAX, many_mib),
            Bound::at_most("MiB of growth", MEMORY_GROWTH_MIB_MAX, many_mib - few_mib),
        ];
        let ticked = is_ticked(&bounds);
        Self { name: row.name(), few_mib, many_mib, bounds, ticked }
    }

    /// Whether every bound holds.
    pub(super) fn holds(&self) -> bool {
        self.bounds.iter().all(|bound| bound.holds)
    }

    /// One line of the table.
    pub(super) fn line(&self) -> String {
        let Self { name, few_mib, many_mib, bounds, ticked } = self;
        format!("| {name} | {few_mib:.1} | {many_mib:.1} | {} |", verdict(bounds, *ticked))
    }
}

fn is_ticked(bounds: &[Bound]) -> bool {
    cpus() >= CPUS_MIN && !bounds.is_empty() && bounds.iter().all(|bound| bound.holds)
}

/// The bounds in words, with their tick.
fn verdict(bounds: &[Bound], ticked: bool) -> String {
    if bounds.is_empty() {
        return "no bound".to_owned();
    }
    let texts: Vec<String> = bounds
        .iter()
        .map(|Bound { what, owed, found, holds }| {
            let mark = if *holds { "" } else { "**missed** " };
            format!("{mark}{found:.3} {what} (owed {owed:.3})")
        })
        .collect();
    let tick = match (ticked, cpus() < CPUS_MIN) {
        (true, _) => "✓ ",
        (false, true) => "not ticked: fewer than 4 cores; ",
        (false, false) => "",
    };
    format!("{tick}{}", texts.join(", "))
}

fn cpus() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

impl Report {
    /// An empty report about this machine and commit.
    pub(super) fn new(versions: Vec<String>, rss_floor_mib: f64) -> Result<Self> {
        let host = Host::now()?;
        warn_if_busy(&host.load);
        Ok(Self {
            commit: commit()?,
            measured_at: moment()?,
            machine: Machine { host, rss_floor_mib },
            versions,
            rows: Vec::new(),
            memory: Vec::new(),
        })
    }

    /// Adds a row against a peer.
    pub(super) fn add(&mut self, row: RowResult) {
        println!("{}", row.line());
        self.rows.push(row);
    }

    /// Adds a row about memory.
    pub(super) fn add_memory(&mut self, row: MemoryResult) {
        println!("{}", row.line());
        self.memory.push(row);
    }

    /// The heads of the tables, as Markdown.
    pub(super) fn print_head(has_rows: bool) {
        if has_rows {
            println!(
                "| row | ours s | peer s | times as fast | CPU share | RSS MiB | size | bounds |"
            );
            println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
        } else {
            println!("| row | MiB at 100 rows | MiB at 10 M rows | bounds |");
            println!("| --- | --- | --- | --- |");
        }
    }

    /// Names of the rows whose bounds do not hold.
    pub(super) fn missed(&self) -> Vec<&str> {
        let rows = self.rows.iter().filter(|row| !row.holds()).map(|row| row.name.as_str());
        let memory = self.memory.iter().filter(|row| !row.holds()).map(|row| row.name.as_str());
        rows.chain(memory).collect()
    }

    /// Keeps the report among the results.
    pub(super) fn keep(&self) -> Result<PathBuf> {
        fs::create_dir_all(FOLDER)?;
        let when = self.measured_at.replace([':', '-'], "");
        let path = PathBuf::from(FOLDER).join(format!("{when}-{}.json", self.commit));
        fs::write(&path, serde_json::to_string_pretty(self)? + "\n")?;
        Ok(path)
    }
}

impl Host {
    /// This one, as it is just now.
    pub(crate) fn now() -> Result<Self> {
        Ok(Self {
            processor: proc_field("cpuinfo", "model name")?,
            cores: cpus(),
            memory: proc_field("meminfo", "MemTotal")?,
            kernel: output("uname", &["-sr"])?.trim().to_owned(),
            load: fs::read_to_string("/proc/loadavg")?.trim().to_owned(),
        })
    }
}

/// The commit that is checked out; `+` where files differ from it.
pub(crate) fn commit() -> Result<String> {
    let dirty = if output("git", &["status", "--porcelain"])?.is_empty() { "" } else { "+" };
    let commit = output("git", &["rev-parse", "--short=12", "HEAD"])?;
    Ok(format!("{}{dirty}", commit.trim()))
}

/// The time, RFC 3339.
pub(crate) fn moment() -> Result<String> {
    Ok(output("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"])?.trim().to_owned())
}

/// Says so if others are at work on the machine.
fn warn_if_busy(load: &str) {
    let one_minute = load.split(' ').next().and_then(|number| number.parse::<f64>().ok());
    if one_minute.is_some_and(|load| load > BUSY_LOAD) {
        println!("the machine is busy (load {}): do not trust the ratios\n", load.trim());
    }
}

/// The first value under a name in a file of `/proc`.
fn proc_field(file: &str, name: &str) -> Result<String> {
    let text = fs::read_to_string(format!("/proc/{file}"))?;
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
    Ok(found.unwrap_or("unknown").to_owned())
}

#[cfg(test)]
mod tests {
    use super::{super::rows::ROWS, *};

    fn runs(seconds: &[f64]) -> Vec<Run> {
        let run = |&wall_seconds| Run { wall_seconds, cpu_seconds: 1.0, rss_mib: 10.0 };
        seconds.iter().map(run).collect()
    }

    #[test]
    fn a_row_is_judged_by_the_median_of_its_pairs() {
        let row = ROWS.iter().find(|row| row.name() == "postgres-csv-1m-psql").unwrap();
        let ours = runs(&[1.0, 1.0, 1.0]);
        assert!(RowResult::of(row, &ours, &runs(&[0.1, 3.0, 9.0]), (1, 1)).holds());
        assert!(!RowResult::of(row, &ours, &runs(&[9.0, 2.9, 0.1]), (1, 1)).holds());
    }

    #[test]
    fn a_file_too_large_misses_its_bound() {
        let row = ROWS.iter().find(|row| row.bounds.size.is_some()).unwrap();
        let (ours, peer) = (runs(&[1.0]), runs(&[100.0]));
        assert!(RowResult::of(row, &ours, &peer, (110, 100)).holds());
        assert!(!RowResult::of(row, &ours, &peer, (111, 100)).holds());
    }

    #[test]
    fn memory_that_grows_misses_its_bound() {
        let row = &super::super::rows::MEMORY_ROWS[0];
        let peak = |rss_mib| vec![Run { wall_seconds: 1.0, cpu_seconds: 1.0, rss_mib }];
        assert!(MemoryResult::of(row, &peak(10.0), &peak(34.0)).holds());
        assert!(!MemoryResult::of(row, &peak(10.0), &peak(34.1)).holds());
        assert!(!MemoryResult::of(row, &peak(60.0), &peak(64.1)).holds());
    }
}
