//! The demo opens into a site with a past, which the service itself has made.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tempfile::TempDir;

/// Orders of the site: more make the past slower, and no truer.
const ROWS: &str = "200";

/// A folder with a demo.
struct Demo(TempDir);

impl Demo {
    fn new(more: &[&str]) -> Self {
        let demo = Self(tempfile::tempdir().unwrap());
        let words = ["demo", "site", "--rows", ROWS, "--once", "--no-open"];
        demo.run(&[&words, more].concat());
        demo
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("site").join(name)
    }

    fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(arguments).current_dir(self.0.path()).env_remove("TIDEGATE_CONFIG");
        let output = command.env("RUST_LOG", "off").env_remove("TIDEGATE_LOG").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A command in the name of its administrator, that prints one document.
    fn ada(&self, arguments: &[&str]) -> Value {
        let within = ["--config", "site/tidegate.toml", "--as", "ada@example.com", "--json"];
        serde_json::from_str(&self.run(&[&within, arguments].concat())).unwrap()
    }

    /// Every export there is.
    fn jobs(&self) -> Vec<Value> {
        let (mut jobs, mut behind) = (Vec::new(), None);
        loop {
            let mut list = vec!["jobs".to_owned(), "list".into(), "--limit".into(), "100".into()];
            list.extend(behind.into_iter().flat_map(|behind: String| ["--behind".into(), behind]));
            let page = self.ada(&list.iter().map(String::as_str).collect::<Vec<_>>());
            jobs.extend(page["exports"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => behind = Some(next.to_owned()),
                None => return jobs,
            }
        }
    }

    /// What SQLite's own program says of the control database.
    fn control(&self, sql: &str) -> Vec<String> {
        let mut command = Command::new("sqlite3");
        let output = command.arg(self.path("tidegate.db")).arg(sql).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    fn number(&self, sql: &str) -> i64 {
        self.control(sql)[0].parse().unwrap()
    }
}

fn words(jobs: &[Value], member: &str) -> BTreeSet<String> {
    jobs.iter().filter_map(|job| job[member].as_str()).map(str::to_owned).collect()
}

/// One test, as the making takes some seconds.
#[test]
fn the_demo_opens_into_a_past_that_verifies_and_shows_everything() {
    let demo = Demo::new(&[]);
    verifies_to_its_last_entry_and_file(&demo);
    shows_every_state_subject_and_format(&demo.jobs());
    goes_forward_over_weeks_and_ends_now(&demo);
    has_no_file_that_expired(&demo);
    has_people_who_came_and_went_and_tried_what_they_may_not(&demo);
}

fn verifies_to_its_last_entry_and_file(demo: &Demo) {
    demo.run(&["--config", "site/tidegate.toml", "audit", "verify"]);
    let mut verified = 0;
    for job in demo.jobs().iter().filter(|job| job["status"] == "ready") {
        let key = demo.control(&format!("select artifact_key from jobs where id = {}", job["id"]));
        let file = demo.path("artifacts").join(&key[0]);
        let manifest = PathBuf::from(format!("{}.manifest.json", file.display()));
        let keys = demo.path("keys");
        let [manifest, file, keys] = [&manifest, &file, &keys].map(|path| path.to_str().unwrap());
        demo.run(&["manifest", "verify", manifest, file, "--keys", keys]);
        verified += 1;
    }
    assert!(verified >= 10, "{verified}");
}

fn shows_every_state_subject_and_format(jobs: &[Value]) {
    assert!(jobs.len() >= 80, "{}", jobs.len());
    let of = words(jobs, "status");
    let all = ["building", "cancelled", "deleted", "expired", "failed", "pending", "ready"];
    assert_eq!(Vec::from_iter(of), all);
    let subjects = words(jobs, "subject");
    assert_eq!(Vec::from_iter(subjects), ["analytics", "content", "orders", "users"]);
    let formats = tidegate_format::FORMATS.iter().map(|format| format.slug().to_owned());
    assert_eq!(words(jobs, "format"), formats.collect());
    let failures: BTreeSet<&str> =
        jobs.iter().filter_map(|job| job["error"]["reason"].as_str()).collect();
    assert_eq!(Vec::from_iter(failures), ["over_limit", "permission_revoked"]);
    assert!(jobs.iter().any(|job| !job["rerun_of"].is_null()));
    assert!(jobs.iter().any(|job| !job["reason"].is_null()));
}

fn goes_forward_over_weeks_and_ends_now(demo: &Demo) {
    let times = demo.control("select at from activity order by seq");
    let times: Vec<i64> = times.iter().map(|at| at.parse().unwrap()).collect();
    assert!(times.is_sorted());
    let at = |micros: &i64| DateTime::<Utc>::from_timestamp_micros(*micros).unwrap();
    let (first, last) = (at(times.first().unwrap()), at(times.last().unwrap()));
    assert!(last - first > TimeDelta::days(44), "{first} to {last}");
    let written = fs::metadata(demo.path("site.db")).unwrap().modified().unwrap();
    assert!((last - DateTime::<Utc>::from(written)).abs() < TimeDelta::minutes(10));
    let days: BTreeSet<_> = times.iter().map(|time| at(time).date_naive()).collect();
    assert!(days.len() > 30, "{}", days.len());
    let ahead =
        "select count(*) from jobs where completed_at < started_at or started_at < created_at";
    assert_eq!(demo.number(ahead), 0);
}

fn has_no_file_that_expired(demo: &Demo) {
    let ended = "from jobs where status in ('expired', 'deleted')";
    assert!(demo.number(&format!("select count(*) {ended}")) > 30);
    for key in demo.control(&format!("select artifact_key {ended} and artifact_key is not null")) {
        assert!(!demo.path("artifacts").join(&key).exists(), "{key}");
    }
    let files = files_of(&demo.path("artifacts"));
    let kept = demo.number("select count(*) from jobs where status = 'ready'");
    let whole = files.iter().filter(|name| !name.ends_with(".json") && name.contains('-'));
    assert_eq!(whole.count() as i64, kept, "{files:?}");
    let early = "select count(*) from jobs j join activity a on a.job_id = j.id \
                 where a.action = 'job.expired' and a.at < j.expires_at";
    assert_eq!(demo.number(early), 0);
}

/// Names of the files below a folder.
fn files_of(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => files.extend(files_of(&entry.path())),
            false => files.push(entry.file_name().into_string().unwrap()),
        }
    }
    files
}

fn has_people_who_came_and_went_and_tried_what_they_may_not(demo: &Demo) {
    let lines = demo.control("select action || ' ' || outcome from activity");
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    lines.into_iter().for_each(|line| *count.entry(line).or_default() += 1);
    for (line, least) in [
        ("session.started done", 5),
        ("download.started done", 40),
        ("export.created denied", 1),
        ("setting.changed done", 4),
        ("setting.changed denied", 1),
        ("role.changed done", 5),
        ("operator.added done", 4),
        ("operator.disabled done", 1),
        ("artifact.purged done", 30),
    ] {
        assert!(count.get(line).is_some_and(|found| *found >= least), "{line}: {count:#?}");
    }
    let partly = "select count(*) from activity \
                  where action = 'download.finished' and entry like '%\"is_whole\":false%'";
    assert!(demo.number(partly) > 0);
    let people =
        demo.control("select email || ' ' || (disabled_at is not null) from operators order by id");
    let expected = ["ada@example.com 0", "edith@example.com 0", "victor@example.com 0"];
    assert_eq!(people[..3], expected);
    assert_eq!(people[3..], ["mara@example.com 1"]);
}

#[test]
fn a_demo_without_a_past_has_its_people_and_nothing_else() {
    let demo = Demo::new(&["--no-past"]);
    assert_eq!(demo.jobs().len(), 1, "the example");
    // Whoever has used a site keeps the past that it has.
    demo.run(&["demo", "site", "--rows", ROWS, "--once", "--no-open"]);
    assert_eq!(demo.jobs().len(), 2);
    assert_eq!(demo.number("select count(*) from operators"), 3);
}
