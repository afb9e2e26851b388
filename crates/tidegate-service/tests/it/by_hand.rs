//! Verifies a log without any of our code: as the documentation says, with sha256sum and openssl,
//! and with a checker in Python.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rand::{SeedableRng, rngs::StdRng};
use tidegate_service::{
    audit::{Sink, SinkSettings},
    upkeep::stream::Stream,
};

use crate::site::{Kind, Site};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What `chaos/check_chain.py` prints.
pub(crate) fn check_chain(log: &Path, anchors: Option<&Path>) -> serde_json::Value {
    let mut checker = Command::new("python3");
    checker.arg(format!("{ROOT}/chaos/check_chain.py")).arg(log);
    if let Some(anchors) = anchors {
        checker.arg("--anchors").arg(anchors);
    }
    let output = checker.output().expect("python3 is installed");
    let told = serde_json::from_slice(&output.stdout);
    let told: serde_json::Value =
        told.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(told["fits"] == true, output.status.success(), "{told}");
    told
}

/// The commands of the documentation.
fn commands() -> String {
    let page = fs::read_to_string(format!("{ROOT}/docs/reference/activity-log.md")).unwrap();
    let blocks = page.split("```sh\n").skip(1);
    let blocks: Vec<&str> = blocks.map(|block| block.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 2, "the chain, and the checkpoints");
    blocks.concat()
}

/// A folder such as an auditor gets: log, anchor, public keys.
struct Handed {
    folder: PathBuf,
}

impl Handed {
    async fn new(site: &Site) -> Self {
        let folder = site.path("handed");
        fs::create_dir_all(folder.join("keys")).unwrap();
        for (key, pem) in site.keys.public().iter() {
            fs::write(folder.join(format!("keys/public-{key}.pem")), pem).unwrap();
        }
        fs::copy(site.anchor_file(), folder.join("anchors.jsonl")).unwrap();
        let setting = SinkSettings::File(folder.join("activity.jsonl"));
        let runs = Stream::new("test", vec![Sink::new(&setting, "here")]).run(&site.store).await;
        assert!(runs[0].sent.is_ok(), "{runs:?}");
        Self { folder }
    }

    /// What the commands print, and whether they end well.
    fn verify(&self) -> (String, bool) {
        let shell =
            Command::new("bash").arg("-c").arg(commands()).current_dir(&self.folder).output();
        let output = shell.expect("bash is installed");
        let printed = [output.stdout, output.stderr].concat();
        (String::from_utf8(printed).unwrap(), output.status.success())
    }

    /// Changes a file; the commands must then refuse, saying this.
    fn refuses(&self, file: &str, edit: impl Fn(String) -> String, says: &str) {
        let path = self.folder.join(file);
        let text = fs::read_to_string(&path).unwrap();
        let edited = edit(text.clone());
        assert_ne!(edited, text);
        fs::write(&path, edited).unwrap();
        let (printed, is_sound) = self.verify();
        assert!(!is_sound && printed.contains(says), "{printed}");
        fs::write(&path, text).unwrap();
    }
}

#[tokio::test]
async fn the_commands_of_the_documentation_verify_a_log() {
    for kind in Kind::BOTH {
        let mut random = StdRng::seed_from_u64(3);
        let mut site = Site::new(kind).await;
        site.grow(12, &mut random).await;
        // Checkpoints of two keys.
        site.keys = site.keys.next().unwrap().make_current().unwrap();
        site.grow(6, &mut random).await;
        site.note(1).await;
        let handed = Handed::new(&site).await;
        let (printed, is_sound) = handed.verify();
        assert!(is_sound && printed.ends_with("sound\n"), "{printed}");
        let (seq, hash) = site.store.head().await.unwrap();
        assert!(printed.contains(&format!("{seq} entries, the last is {hash}")), "{printed}");

        handed.refuses(
            "activity.jsonl",
            |text| text.replacen("\"via\":\"cli\"", "\"via\":\"api\"", 1),
            "entry 1 was changed",
        );
        handed.refuses("activity.jsonl", |text| without_line(&text, 4), "entry 5 does not follow");
        handed.refuses(
            "activity.jsonl",
            |text| text.lines().take(9).map(|line| format!("{line}\n")).collect(),
            "is not the one of checkpoint",
        );
        handed.refuses(
            "anchors.jsonl",
            |text| text.replacen("\\\"seq\\\":", "\\\"seq\\\":1", 1),
            "checkpoint 1 is not ours",
        );
        handed.refuses(
            "anchors.jsonl",
            |text| without_line(&text, 1),
            "checkpoint 2 does not follow",
        );
    }
}

fn without_line(text: &str, index: usize) -> String {
    let lines = text.lines().enumerate().filter(|(at, _)| *at != index);
    lines.map(|(_, line)| format!("{line}\n")).collect()
}

#[tokio::test]
async fn a_checker_that_is_not_ours_agrees_on_database_and_stream() {
    let mut site = Site::new(Kind::Sqlite).await;
    site.grow(30, &mut StdRng::seed_from_u64(4)).await;
    let handed = Handed::new(&site).await;
    let (seq, hash) = site.store.head().await.unwrap();
    let report = site.verify().await;
    assert!(report.is_sound(), "{report}");
    for log in [site.path("control.db"), handed.folder.join("activity.jsonl")] {
        let told = check_chain(&log, Some(&site.anchor_file()));
        assert_eq!((told["entries"].as_i64(), told["head"].as_str()), (Some(seq), Some(&*hash)));
        assert_eq!(told["checkpoints"].as_u64(), Some(report.anchors[0].checkpoints), "{told}");
    }
}
