//! Changes the rules of the model on purpose: a test has to fail for each change, or say why not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

/// Where the rules stand.
const FOLDER: &str = "crates/tidegate-model/src";
/// The rules that decide who may do what, and what may follow what.
const FILES: &[&str] = &["action.rs", "capability.rs", "policy.rs", "role.rs", "status.rs"];
/// Rules of the specification that are not there yet: they are tried as soon as they are.
const FILES_TO_COME: &[&str] = &["schedule.rs"];
/// What became of each change, as it is kept.
const OUTCOME: &str = "chaos/mutants/outcome.txt";
/// The changes that no test finds, each with its reason behind `#`.
const SURVIVORS: &str = "chaos/mutants/survivors.txt";
/// Where the tool writes; the build folder is not the project's.
const WORK: &str = "target";
/// The tool, and where it comes from.
const INSTALL: &str = "cargo install cargo-mutants --locked --version 27.1.0";
/// Changes that are tried at a time.
const JOBS: &str = "2";
/// Exit codes of a run that came to its end: all found, some not found, some hung.
const ENDED: [i32; 3] = [0, 2, 3];

/// Tries every change, keeps the list, and complains of survivors without a reason.
pub(crate) fn run() -> Result<()> {
    try_all()?;
    let found = read(Path::new(WORK))?;
    let explained = explained(&fs::read_to_string(SURVIVORS)?)?;
    let text = text(&found, explained.len());
    fs::write(OUTCOME, text).with_context(|| format!("cannot write {OUTCOME}"))?;
    let complaints = complaints(&found, &explained);
    complaints.iter().for_each(|complaint| eprintln!("{complaint}"));
    ensure!(complaints.is_empty(), "mutants: {} complaints", complaints.len());
    println!("mutants: {}", summary(&found, explained.len()));
    Ok(())
}

fn try_all() -> Result<()> {
    if let Some(file) = FILES_TO_COME.iter().find(|file| Path::new(FOLDER).join(file).exists()) {
        bail!("{FOLDER}/{file} is there by now: list it in FILES of xtask/src/mutants.rs");
    }
    let mut version = Command::new("cargo");
    version.args(["mutants", "--version"]).stderr(Stdio::null());
    let has_tool = version.output().is_ok_and(|output| output.status.success());
    ensure!(has_tool, "cargo-mutants is missing: {INSTALL}");
    let mut tool = Command::new("cargo");
    tool.args(["mutants", "--package", "tidegate-model", "--test-tool", "nextest"])
        .args(["--no-shuffle", "--jobs", JOBS, "--output", WORK])
        // Otherwise the copies that are built side by side would share it.
        .env_remove("CARGO_TARGET_DIR")
        .env("INSTA_UPDATE", "no");
    for file in FILES {
        tool.arg("--file").arg(format!("{FOLDER}/{file}"));
    }
    let status = tool.status().context("cannot run cargo mutants")?;
    if !status.code().is_some_and(|code| ENDED.contains(&code)) {
        bail!("cargo mutants ended with {status}");
    }
    Ok(())
}

/// Changes by what became of them; each with how often it is in its file.
type Found = BTreeMap<&'static str, BTreeMap<String, usize>>;

fn read(work: &Path) -> Result<Found> {
    let mut found = Found::new();
    for (fate, file) in [
        ("found", "caught.txt"),
        ("hangs", "timeout.txt"),
        ("is no Rust", "unviable.txt"),
        ("survives", "missed.txt"),
    ] {
        let path = work.join("mutants.out").join(file);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let changes = found.entry(fate).or_default();
        text.lines().for_each(|line| *changes.entry(without_place(line)).or_default() += 1);
    }
    Ok(found)
}

/// `crates/…/policy.rs:12:5: replace …` without folder, line and column: those change with every
/// edit.
fn without_place(line: &str) -> String {
    let mut parts = line.splitn(4, ':');
    let file = parts.next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    format!("{file}:{}", parts.nth(2).unwrap_or_default())
}

/// How many changes there are in all, and how many of them have each fate.
fn summary(found: &Found, explained: usize) -> String {
    let of = |fate: &str| found.get(fate).map_or(0, |changes| changes.values().sum::<usize>());
    let tried: usize = found.keys().map(|fate| of(fate)).sum();
    format!(
        "{tried} changes: {} found, {} hang, {} are no Rust, {} survive, {explained} explained",
        of("found"),
        of("hangs"),
        of("is no Rust"),
        of("survives"),
    )
}

fn text(found: &Found, explained: usize) -> String {
    let head = format!(
        "# What `cargo xtask mutants` did to {}.\n# {}.\n",
        FILES.join(", "),
        summary(found, explained),
    );
    let to_come = format!("# Not there yet, and so not tried: {}.\n", FILES_TO_COME.join(", "));
    let lines = found.iter().flat_map(|(fate, changes)| {
        changes.iter().map(move |(change, times)| match times {
            1 => format!("{fate:<10} {change}\n"),
            _ => format!("{fate:<10} {change} ({times} times)\n"),
        })
    });
    [head, to_come].into_iter().chain(lines).collect()
}

fn explained(text: &str) -> Result<BTreeSet<String>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (change, reason) = line.split_once(" # ").unwrap_or((line, ""));
            ensure!(!reason.is_empty(), "{SURVIVORS}: `{change}` has no reason");
            Ok(change.trim().to_owned())
        })
        .collect()
}

fn complaints(found: &Found, explained: &BTreeSet<String>) -> Vec<String> {
    let survivors: BTreeSet<&String> =
        found.get("survives").into_iter().flat_map(BTreeMap::keys).collect();
    let unexplained = survivors.iter().filter(|change| !explained.contains(**change));
    let stale = explained.iter().filter(|change| !survivors.contains(change));
    unexplained
        .map(|change| format!("no test finds: {change}"))
        .chain(stale.map(|change| format!("{SURVIVORS}: a test finds it by now: {change}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "crates/a/src/policy.rs:12:5: replace f::<'a> -> bool with true";

    #[test]
    fn a_change_is_named_without_its_place() {
        assert_eq!(without_place(LINE), "policy.rs: replace f::<'a> -> bool with true");
    }

    #[test]
    fn the_kept_list_begins_with_its_sums() {
        let change = without_place(LINE);
        let found = Found::from([
            ("found", [(change.clone(), 2)].into()),
            ("survives", [(change, 1)].into()),
        ]);
        let text = text(&found, 1);
        let sums = "# 3 changes: 2 found, 0 hang, 0 are no Rust, 1 survive, 1 explained.";
        assert_eq!(text.lines().nth(1), Some(sums));
        assert!(text.contains("\nsurvives   policy.rs: replace"), "{text}");
    }

    #[test]
    fn a_survivor_needs_a_reason_and_a_reason_its_survivor() {
        let found = Found::from([("survives", [(without_place(LINE), 1)].into())]);
        assert_eq!(complaints(&found, &BTreeSet::new()).len(), 1);
        let list = format!("# head\n\n{} # it is the same\n", without_place(LINE));
        assert!(complaints(&found, &explained(&list).unwrap()).is_empty());
        assert_eq!(complaints(&Found::new(), &explained(&list).unwrap()).len(), 1);
        assert!(explained("policy.rs: replace f\n").is_err());
    }
}
