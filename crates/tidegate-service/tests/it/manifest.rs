//! Manifests: signed, and held against openssl.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tidegate_model::{
    audit::hexadecimal,
    ids::{JobId, OperatorId},
};
use tidegate_pipeline::{
    ArtifactEntry, ChangesEntry, FieldEntry, JobEntry, Manifest, MaskEntry, OperatorEntry,
    SourceEntry,
};
use tidegate_service::{
    Keys, PublicKeys,
    manifest::{ManifestError, VerifiedManifest, sign_manifest, verify_manifest},
};
use tidegate_source::Snapshot;

const CONTENT: &[u8] = b"id,total\n1,9007199254740993\n";

fn manifest() -> Manifest {
    Manifest {
        manifest: 1,
        version: "0.1.0",
        governed: true,
        job: Some(JobEntry { id: JobId(42), attempt: 2, reason: None, approval: None }),
        operator: Some(OperatorEntry { id: OperatorId(7), email: "zoë@example.com".into() }),
        artifact: ArtifactEntry {
            name: "orders-20261121T190500Z-42.csv".into(),
            bytes: CONTENT.len() as u64,
            sha256: hexadecimal(&Sha256::digest(CONTENT)),
            media_type: "text/csv",
        },
        subject: "orders".into(),
        kind: None,
        rows: 1,
        fields: vec![FieldEntry {
            slug: "id".into(),
            name: "id".into(),
            data_type: "int64".into(),
            pii: None,
        }],
        // What a JSON program may spell in another way: digits, escapes, line feeds.
        scope: serde_json::from_str(
            r#"{"all":[{"value":[0.10,1e3,"\u2028 \"}\n,\"signature\":"]}]}"#,
        )
        .unwrap(),
        row_limits: vec![serde_json::json!({ "field": "region", "op": "eq", "value": "EU" })],
        masks: vec![MaskEntry {
            field: "customer.email".into(),
            class: Some("email".into()),
            mask: "hash".into(),
        }],
        sort: vec!["-placed_at".into(), "id".into()],
        is_sorted: true,
        snapshot: Snapshot {
            identity: "750:750:".into(),
            taken_at: "2026-11-21T19:04:59.000000Z".into(),
            is_consistent: true,
        },
        source: SourceEntry { name: "shop".into(), kind: "postgres" },
        format: "csv",
        options: BTreeMap::new(),
        time_zone: "UTC".into(),
        changes: ChangesEntry { neutralised: 0, replaced: 0, truncated: 0 },
        warnings: Vec::new(),
        started_at: "2026-11-21T19:04:58.000000Z".into(),
        completed_at: "2026-11-21T19:05:00.000000Z".into(),
    }
}

/// A signed manifest beside its file.
struct Rig {
    folder: TempDir,
    keys: Keys,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(&folder.path().join("keys")).unwrap();
        fs::write(folder.path().join("o.csv"), CONTENT).unwrap();
        let rig = Self { folder, keys };
        rig.write(&sign_manifest(&rig.keys, &manifest()));
        rig
    }

    fn write(&self, text: &str) {
        fs::write(self.folder.path().join("o.csv.manifest.json"), text).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(self.folder.path().join("o.csv.manifest.json")).unwrap()
    }

    fn verify(&self) -> Result<VerifiedManifest, ManifestError> {
        self.verify_with(self.keys.public())
    }

    fn verify_with(&self, keys: &PublicKeys) -> Result<VerifiedManifest, ManifestError> {
        let artifact = self.folder.path().join("o.csv");
        verify_manifest(&self.folder.path().join("o.csv.manifest.json"), Some(&artifact), keys)
    }

    /// Runs the commands of the reference page.
    fn shell(&self, commands: &str) -> (bool, String) {
        let ran = Command::new("sh")
            .args(["-e", "-c", commands])
            .env("key", self.keys.current())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let said = [ran.stdout, ran.stderr].concat();
        (ran.status.success(), String::from_utf8(said).unwrap())
    }
}

#[test]
fn a_manifest_says_what_was_signed() {
    let rig = Rig::new();
    let verified = rig.verify().unwrap();
    assert!(verified.governed);
    assert_eq!(verified.job.map(|job| (job.id, job.attempt)), Some((42, 2)));
    assert_eq!((verified.subject.as_str(), verified.rows), ("orders", 1));
    assert_eq!(verified.key, rig.keys.current());
}

#[test]
fn any_changed_byte_is_found() {
    let rig = Rig::new();
    let text = rig.text();
    for at in 0..text.len() - 1 {
        let mut changed = text.clone().into_bytes();
        changed[at] ^= 1;
        // What is no text any more cannot be read at all.
        let Ok(changed) = String::from_utf8(changed) else { continue };
        rig.write(&changed);
        assert!(rig.verify().is_err(), "byte {at}: {changed}");
    }
    for end in 0..text.len() - 1 {
        if text.is_char_boundary(end) {
            rig.write(&text[..end]);
            assert!(rig.verify().is_err(), "cut at {end}");
        }
    }
    // The line feed at its end is nobody's.
    rig.write(text.trim_end());
    rig.verify().unwrap();
    for more in [" ", "\n", "{}", ",\"rows\":0}"] {
        rig.write(&format!("{text}{more}"));
        assert!(rig.verify().is_err(), "{more:?}");
    }
}

#[test]
fn a_file_that_is_another_is_found() {
    let rig = Rig::new();
    let file = rig.folder.path().join("o.csv");
    fs::write(&file, b"id,total\n1,9007199254740992\n").unwrap();
    assert!(matches!(rig.verify(), Err(ManifestError::WrongHash { .. })));
    fs::write(&file, &CONTENT[1..]).unwrap();
    assert!(matches!(rig.verify(), Err(ManifestError::WrongSize { expected: 28, found: 27, .. })));
    fs::remove_file(&file).unwrap();
    assert!(matches!(rig.verify(), Err(ManifestError::Unreadable { .. })));
}

#[test]
fn an_older_key_verifies_and_a_strangers_does_not() {
    let rig = Rig::new();
    let rotated = rig.keys.next().unwrap().make_current().unwrap();
    rig.verify_with(rotated.public()).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let strangers = Keys::open(elsewhere.path()).unwrap();
    assert!(matches!(rig.verify_with(strangers.public()), Err(ManifestError::Signature(_))));
    // Who signs with a key of their own and calls it ours.
    let forged = sign_manifest(&strangers, &manifest());
    rig.write(&forged.replace(strangers.current(), rig.keys.current()));
    assert!(matches!(rig.verify(), Err(ManifestError::Signature(_))));
}

#[test]
fn a_manifest_that_nobody_signed_is_told_as_such() {
    let rig = Rig::new();
    let free = Manifest { governed: false, job: None, operator: None, ..manifest() };
    for text in [serde_json::to_string_pretty(&free), serde_json::to_string(&free)] {
        rig.write(&text.unwrap());
        assert!(matches!(rig.verify(), Err(ManifestError::Unsigned { .. })));
    }
    // Whoever takes the signature off a governed one does not make it a free one.
    rig.write(&serde_json::to_string(&manifest()).unwrap());
    assert!(matches!(rig.verify(), Err(ManifestError::Malformed { .. })));
}

#[test]
fn any_program_reads_it_as_json() {
    let rig = Rig::new();
    let (is_read, said) = rig.shell("jq -r '.job.id, .artifact.sha256, .signature.key' *.json");
    let expected = format!("42\n{}\n{}\n", manifest().artifact.sha256, rig.keys.current());
    assert!(is_read && said == expected, "{said}");
}

#[test]
fn it_is_verified_by_hand_as_the_reference_says() {
    let rig = Rig::new();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/manifest.md");
    let page = fs::read_to_string(page).unwrap();
    let commands = page.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let commands = commands
        .replace("orders.csv", "o.csv")
        .replace("public-KEY.pem", "\"keys/public-$key.pem\"");
    let (is_verified, said) = rig.shell(&commands);
    assert!(is_verified, "{said}");
    assert!(
        said.contains("Signature Verified Successfully") && said.contains("o.csv: OK"),
        "{said}"
    );
    rig.write(&rig.text().replace("\"rows\":1", "\"rows\":2"));
    let (is_verified, said) = rig.shell(&commands);
    assert!(!is_verified, "{said}");
}
