//! Tampers with a log in every way that full access to its database allows, at many random places,
//! and expects verification to find it.

use std::sync::Arc;

use object_store::{ObjectStoreExt, PutPayload, memory::InMemory, path::Path};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tidegate_model::audit::{ChainWalk, SignedCheckpoint, StoredEntry};
use tidegate_service::{
    Keys, Purpose,
    audit::{Anchor, Fault, Proof, Report, Verdict},
    upkeep::checkpoint::Checkpoints,
};

use crate::{
    by_hand::check_chain,
    forger::{Forger, KINDS, Tampering},
    loot::Loot,
    site::{Kind, MINUTE, Site},
};

/// Entries of the log that is tampered with.
const ENTRIES: usize = 160;
/// Random places for each kind of tampering; `TIDEGATE_TAMPER_PLACES` asks for more.
const PLACES: usize = 12;
/// What chance begins with.
const SEED: u64 = 0x71DE;

/// A log with checkpoints, and how it was before anybody was at it.
struct Scene {
    site: Site,
    loot: Loot,
    /// Entries that checkpoints vouch for.
    marks: Vec<i64>,
    lines: Vec<u8>,
    forgers_keys: Keys,
    random: StdRng,
}

impl Scene {
    async fn new(kind: Kind) -> Self {
        let mut random = StdRng::seed_from_u64(SEED);
        let mut site = Site::new(kind).await;
        let marks = site.grow(ENTRIES, &mut random).await;
        // A tail that no checkpoint vouches for.
        site.write(5, &mut random).await;
        let loot = Loot::take(&site).await;
        site.drop_triggers().await;
        let lines = std::fs::read(site.anchor_file()).unwrap();
        let forgers_keys = Keys::open(&site.path("forger")).unwrap();
        Self { site, loot, marks, lines, forgers_keys, random }
    }

    fn anchored(&self) -> i64 {
        *self.marks.last().unwrap()
    }

    /// Anchors with what was in them before anybody was at the log.
    async fn fresh_anchors(&mut self) -> Vec<Anchor> {
        std::fs::write(self.site.anchor_file(), &self.lines).unwrap();
        let objects = InMemory::new();
        for (number, line) in (1..).zip(self.lines.split_inclusive(|octet| *octet == b'\n')) {
            let key = Path::from(format!("audit/checkpoints/{number:015}.json"));
            objects.put(&key, PutPayload::from(line.to_vec())).await.unwrap();
        }
        self.site.objects = Arc::new(objects);
        self.site.anchors()
    }

    /// The first entry that no checkpoint before the place vouches for.
    fn behind_mark(&self, place: usize) -> i64 {
        self.marks.iter().filter(|mark| **mark <= place as i64).max().unwrap_or(&0) + 1
    }

    async fn strike(&mut self, (name, has_place, tamper): &Tampering) {
        // One is left to change places with.
        let place = self.random.random_range(0..self.anchored() as usize - 1);
        let anchors = self.fresh_anchors().await;
        let loot = self.loot.clone();
        let (keys, random) = (&self.forgers_keys, &mut self.random);
        let mut forger = Forger { loot, place, random, keys };
        tamper(&mut forger);
        forger.loot.put(&self.site).await;

        let report = self.site.verify_with(&anchors).await;
        let told = format!("{name}, at entry {}:\n{report}", place + 1);
        assert_eq!(report.verdict, Verdict::Broken, "{told}");
        if *has_place {
            let first_bad = report.first_bad.expect(&told);
            let expected = self.behind_mark(place)..=place as i64 + 1;
            assert!(expected.contains(&first_bad), "{expected:?}: {told}");
        }

        // The service goes on, and must not sign it away.
        let now = self.site.now + MINUTE;
        let run = Checkpoints::new(anchors).run(&self.site.store, &self.site.keys, now).await;
        let after = self.site.verify().await;
        assert_eq!(after.verdict, Verdict::Broken, "{run:?}: {told}\n{after}");
        let lines = std::fs::read(self.site.anchor_file()).unwrap();
        assert!(lines.starts_with(&self.lines), "an anchor only grows");
    }
}

async fn every_kind_of_tampering_is_found(kind: Kind) {
    let places = std::env::var("TIDEGATE_TAMPER_PLACES").ok();
    let places = places.map_or(PLACES, |places| places.parse().unwrap());
    let mut scene = Scene::new(kind).await;
    let sound = scene.site.verify().await;
    assert_eq!((sound.verdict, sound.anchored_to()), (Verdict::Sound, scene.anchored()), "{sound}");
    for tampering in KINDS {
        for place in 0..places {
            scene.strike(tampering).await;
            // A checker that is not ours finds it, too; it reads SQLite.
            if place == 0 && matches!(kind, Kind::Sqlite) {
                std::fs::write(scene.site.anchor_file(), &scene.lines).unwrap();
                let database = scene.site.path("control.db");
                let told = check_chain(&database, Some(&scene.site.anchor_file()));
                assert_eq!(told["fits"], false, "{}", tampering.0);
            }
        }
    }
    let loot = scene.loot.clone();
    loot.put(&scene.site).await;
    let anchors = scene.fresh_anchors().await;
    assert!(scene.site.verify_with(&anchors).await.is_sound(), "what was put back is as before");
}

#[tokio::test]
async fn every_kind_of_tampering_is_found_on_sqlite() {
    every_kind_of_tampering_is_found(Kind::Sqlite).await;
}

#[tokio::test]
async fn every_kind_of_tampering_is_found_on_postgres() {
    every_kind_of_tampering_is_found(Kind::Postgres).await;
}

#[tokio::test]
async fn what_is_changed_behind_the_last_checkpoint_is_told_as_unanchored() {
    for kind in Kind::BOTH {
        let mut scene = Scene::new(kind).await;
        let anchors = scene.fresh_anchors().await;
        let place = scene.anchored() as usize + 2;
        let mut edited = scene.loot.clone();
        edited.edit(place, |entry| entry.name = "b@example.com".to_owned());
        edited.put(&scene.site).await;
        let report = scene.site.verify_with(&anchors).await;
        assert_eq!(report.first_bad, Some(place as i64 + 1), "without the chain made anew");

        edited.rechain(place);
        edited.put(&scene.site).await;
        let report = scene.site.verify_with(&anchors).await;
        // Nobody can know better: so the report says how far it knows.
        assert_eq!(report.verdict, Verdict::Sound, "{report}");
        let spans: Vec<_> = report.spans.iter().map(|span| (span.proof, span.from)).collect();
        let unanchored = (Proof::Unanchored, scene.anchored() + 1);
        assert_eq!(spans, [(Proof::Anchored, 1), unanchored]);
        assert!(report.to_string().contains("not anchored yet"), "{report}");
    }
}

#[tokio::test]
async fn rows_that_hide_beside_the_chain_are_told() {
    for kind in Kind::BOTH {
        let site = Site::new(kind).await;
        // Past what the database itself forbids: the number is no key any more.
        match kind {
            Kind::Sqlite => {
                site.execute(
                    "drop trigger archives_fit; \
                     create table hidden as select * from activity; drop table activity; \
                     alter table hidden rename to activity; \
                     insert into activity select * from activity where seq = 2; \
                     update activity set seq = null where rowid = (select max(rowid) from activity)",
                )
                .await;
            }
            Kind::Postgres => {
                site.execute(
                    "alter table activity drop constraint activity_pkey; \
                     alter table activity drop constraint activity_hash_key; \
                     alter table activity alter seq drop not null; \
                     insert into activity select (null::activity).seq, prev, hash, at, commit_id, \
                        action, outcome, actor, operator_id, name, subject, job_id, tags, entry \
                     from activity where seq = 2",
                )
                .await;
            }
        }
        let report = site.verify().await;
        assert_eq!(faults(&report), [&Fault::Strays { rows: 1 }], "{kind:?}\n{report}");
    }
}

#[tokio::test]
async fn a_head_that_is_gone_is_told() {
    for kind in Kind::BOTH {
        let site = Site::new(kind).await;
        site.execute("delete from activity_head").await;
        let report = site.verify().await;
        assert!(matches!(faults(&report)[..], [Fault::HeadDisagrees { .. }]), "{report}");
    }
}

#[tokio::test]
async fn what_is_wrong_in_an_anchor_is_told() {
    let mut site = Site::new(Kind::Sqlite).await;
    site.grow(40, &mut StdRng::seed_from_u64(SEED)).await;
    let text = std::fs::read_to_string(site.anchor_file()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let with = |edit: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.iter().map(|line| (*line).to_owned()).collect();
        edit(&mut lines);
        lines.join("\n") + "\n"
    };
    type Expected = fn(&Fault) -> bool;
    let cases: [(String, Expected); 8] = [
        (with(&|lines| _ = lines.remove(1)), |fault| {
            matches!(fault, Fault::LeftOut { from: 2, to: 2, .. })
        }),
        (with(&|lines| _ = lines.remove(0)), |fault| {
            matches!(fault, Fault::LeftOut { from: 1, to: 1, .. })
        }),
        (with(&|lines| lines.swap(1, 2)), |fault| {
            matches!(fault, Fault::OutOfOrder { number: 2, behind: 3, .. })
        }),
        (with(&|lines| lines.insert(2, lines[1].clone())), |fault| {
            matches!(fault, Fault::OutOfOrder { number: 2, behind: 2, .. })
        }),
        (with(&|lines| lines[1] = "{}".to_owned()), |fault| {
            matches!(fault, Fault::NoCheckpoint { place: 2, .. })
        }),
        (with(&|lines| lines[1] = lines[1].replace("\\\"seq\\\":", "\\\"seq\\\":1")), |fault| {
            matches!(fault, Fault::WrongSignature { place: 2, .. })
        }),
        (with(&|lines| lines[1] = lines[1].replace("\"key\":\"", "\"key\":\"0")), |fault| {
            matches!(fault, Fault::UnknownKey { place: 2, .. })
        }),
        (with(&|lines| lines[1] = lines[1].replace(",\"signature", ",\"x")), |fault| {
            matches!(fault, Fault::NoCheckpoint { place: 2, .. })
        }),
    ];
    for (text, expected) in cases {
        std::fs::write(site.anchor_file(), text).unwrap();
        let report = site.verify().await;
        assert_eq!(report.verdict, Verdict::Broken);
        assert!(faults(&report).iter().any(|fault| expected(fault)), "{report}");
        assert!(report.to_string().contains("anchors.jsonl"), "it says which one: {report}");
    }
    std::fs::write(site.anchor_file(), with(&|lines| _ = lines.pop())).unwrap();
    let report = site.verify().await;
    assert!(report.is_sound() && report.to_string().contains("it is late, or was cut"), "{report}");
}

#[tokio::test]
async fn anchors_that_disagree_are_told() {
    let mut site = Site::new(Kind::Sqlite).await;
    site.note(1).await;
    site.checkpoint().await.unwrap();
    // The same keys sign two stories, one an anchor: a twin that was started from a copy.
    let twin = InMemory::new();
    let mut says = site.store.last_checkpoint().await.unwrap().unwrap().says().unwrap();
    says.seq -= 1;
    let (key, signature) = site.keys.sign(Purpose::Checkpoint, &says.text());
    let line = SignedCheckpoint { checkpoint: says.text(), key, signature }.line();
    let key = Path::from("audit/checkpoints/000000000000001.json");
    twin.put(&key, PutPayload::from(line)).await.unwrap();
    site.objects = Arc::new(twin);
    let report = site.verify().await;
    let disagree = |fault: &&Fault| matches!(fault, Fault::AnchorsDisagree { number: 1, .. });
    assert!(faults(&report).iter().any(disagree), "{report}");
}

#[tokio::test]
async fn a_checkpoint_of_ours_that_follows_another_one_is_told() {
    let mut site = Site::new(Kind::Sqlite).await;
    site.checkpoint().await.unwrap();
    site.checkpoint().await.unwrap();
    // Signed with our keys, at another time of another life of this log.
    let mut says = site.store.last_checkpoint().await.unwrap().unwrap().says().unwrap();
    says.prev = says.head.clone();
    let (key, signature) = site.keys.sign(Purpose::Checkpoint, &says.text());
    let line = SignedCheckpoint { checkpoint: says.text(), key, signature }.line();
    let text = std::fs::read_to_string(site.anchor_file()).unwrap();
    let first = text.lines().next().unwrap();
    std::fs::write(site.anchor_file(), format!("{first}\n{line}\n")).unwrap();
    let report = site.verify_with(&site.anchors()[..1]).await;
    let unfollowed = |fault: &&Fault| matches!(fault, Fault::Unfollowed { number: 2, .. });
    assert!(faults(&report).iter().any(unfollowed), "{report}");
}

#[tokio::test]
async fn copies_that_are_behind_the_anchors_are_told() {
    for kind in Kind::BOTH {
        let mut site = Site::new(kind).await;
        site.checkpoint().await.unwrap();
        site.checkpoint().await.unwrap();
        site.drop_triggers().await;
        site.execute("delete from checkpoints where number = 2").await;
        let report = site.verify().await;
        let left_out = Fault::LeftOut { anchor: "the database".to_owned(), from: 2, to: 2 };
        assert_eq!(faults(&report), [&left_out], "{report}");
    }
}

#[tokio::test]
async fn a_log_without_anchors_is_unproven() {
    let mut site = Site::new(Kind::Sqlite).await;
    site.checkpoint().await.unwrap();
    let report = site.verify_with(&[]).await;
    assert_eq!(report.verdict, Verdict::Unproven, "{report}");
    assert_eq!(report.spans[0].proof, Proof::Signed);
    let empty = [Anchor::file(&site.path("empty.jsonl"))];
    let report = site.verify_with(&empty).await;
    assert_eq!(report.verdict, Verdict::Unproven, "{report}");
    assert!(report.to_string().contains("empty.jsonl holds no checkpoint"), "{report}");
}

#[test]
fn a_report_for_programs_says_kinds_numbers_and_sentences() {
    let stored =
        StoredEntry { seq: 2, prev: String::new(), hash: "0".repeat(64), text: "{}".to_owned() };
    let fault = ChainWalk::from_start().step(&stored, None).unwrap_err();
    let told = serde_json::to_value(Fault::from(fault)).unwrap();
    assert_eq!(told, serde_json::json!({ "kind": "missing", "expected": 1, "found": 2 }));
}

fn faults(report: &Report) -> Vec<&Fault> {
    report.faults.iter().map(|finding| &finding.what).collect()
}
