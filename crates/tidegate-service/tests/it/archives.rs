//! Entries that the log does not keep: moved to signed files, and verified across the cut.

use std::{fs, path::PathBuf};

use rand::{SeedableRng, rngs::StdRng};
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    audit::{Archive, Entry, SignedArchive, StoredEntry, hash_of},
    policy::authorize,
};
use tidegate_service::{
    Keys, Purpose,
    audit::{
        ArchivePlace, Fault, Ledger, Proof, Remark, Report, Sink, SinkSettings, Verdict, verify,
    },
    upkeep::{
        archive::{ArchiveError, ArchiveSettings, Archived, archive},
        stream::Stream,
    },
};
use tidegate_store::{HoldRequest, Store};
use tidegate_testkit::s3::S3;

use crate::{
    anchors::client,
    site::{Kind, MINUTE, Site},
};

/// A log with checkpoints and a tail, and what stands around it.
struct Scene {
    site: Site,
    /// Entries that checkpoints vouch for.
    marks: Vec<i64>,
    place: ArchivePlace,
}

impl Scene {
    async fn new(kind: Kind) -> Self {
        let mut random = StdRng::seed_from_u64(3);
        let mut site = Site::new(kind).await;
        let mut marks = site.grow(60, &mut random).await;
        marks.dedup();
        site.write(5, &mut random).await;
        let place = ArchivePlace::folder(&site.path("archive"));
        Self { site, marks, place }
    }

    /// The moment of the first checkpoint that vouches for an entry.
    async fn moment_of(&self, seq: i64) -> i64 {
        let copies = self.site.store.checkpoints(0, 1_000).await.unwrap();
        let mut said = copies.iter().map(|(_, signed)| signed.says().unwrap());
        said.find(|says| says.seq >= seq).unwrap().at_micros().unwrap()
    }

    /// Archives what was signed before a moment, the next range of it.
    async fn archive(&self, before: i64) -> Result<Option<Archived>, ArchiveError> {
        let anchors = self.site.anchors();
        let settings = ArchiveSettings { place: &self.place, anchors: &anchors, before };
        archive(&self.site.store, &self.site.keys, settings).await
    }

    /// Archives up to the checkpoint of that index.
    async fn cut(&self, mark: usize) -> Archived {
        let before = self.moment_of(self.marks[mark]).await;
        let made = self.archive(before).await.unwrap().unwrap();
        assert_eq!(made.to, self.marks[mark]);
        made
    }

    async fn verify(&self) -> Report {
        let ledger = Ledger::of_database(self.site.store.clone()).with_archives(self.place.clone());
        verify(ledger, &self.site.anchors(), self.site.keys.public()).await.unwrap()
    }

    async fn entries(&self) -> Vec<StoredEntry> {
        let rows = self.site.store.entries(i64::MIN, 1_000).await.unwrap();
        rows.into_iter().map(|(stored, _)| stored).collect()
    }

    fn file(&self, made: &Archived) -> PathBuf {
        self.site.path("archive").join(&made.file)
    }
}

fn faults(report: &Report) -> Vec<&Fault> {
    report.faults.iter().map(|finding| &finding.what).collect()
}

fn spans(report: &Report) -> Vec<(i64, i64, Proof)> {
    report.spans.iter().map(|span| (span.from, span.to, span.proof)).collect()
}

#[tokio::test]
async fn old_entries_stand_in_signed_files_and_the_chain_goes_on_across_the_cut() {
    for kind in Kind::BOTH {
        let mut scene = Scene::new(kind).await;
        let all = scene.entries().await;
        let before = scene.verify().await;
        assert!(before.is_sound());
        // Nothing is as old as that.
        assert_eq!(scene.archive(scene.site.now - 1_000 * MINUTE).await.unwrap(), None);

        let first = scene.cut(2).await;
        assert_eq!((first.number, first.from), (1, 1));
        let left = scene.entries().await;
        let (dropped, kept) = all.split_at(first.to as usize);
        assert_eq!(left[..left.len() - 1], *kept);
        let note: Entry = serde_json::from_str(&left.last().unwrap().text).unwrap();
        assert_eq!((note.action.as_str(), note.actor.as_str()), ("activity.archived", "upkeep"));
        assert_eq!(note.details["to"], first.to);
        assert_eq!(note.details["file"], first.file);

        // The file is the stream's lines behind a statement.
        let text = fs::read_to_string(scene.file(&first)).unwrap();
        let mut lines = text.lines();
        let signed = SignedArchive::of_line(lines.next().unwrap()).unwrap();
        assert_eq!(note.details["statement"], signed.hash());
        let archived: Vec<_> = lines.map(|line| StoredEntry::of_line(line).unwrap()).collect();
        assert_eq!(archived, dropped);

        let report = scene.verify().await;
        assert!(report.is_sound() && report.remarks.is_empty(), "{report}");
        assert_eq!(report.entries, all.len() as u64 + 1);
        assert_eq!(report.anchored_to(), before.anchored_to());
        // Without the file: it says what it knows of what.
        let report = scene.site.verify().await;
        assert_eq!(report.verdict, Verdict::Sound, "{report}");
        let anchored = (first.to + 1, before.anchored_to(), Proof::Anchored);
        assert_eq!(spans(&report)[..2], [(1, first.to, Proof::Archived), anchored]);
        let unread = Remark::Unread { from: 1, to: first.to };
        assert_eq!(report.remarks[0].what, unread);
        assert!(report.to_string().contains("its signature alone"), "{report}");

        // It goes on: entries, checkpoints, and the next archive.
        scene.site.write(5, &mut StdRng::seed_from_u64(4)).await;
        scene.site.checkpoint().await.unwrap();
        let second = scene.cut(4).await;
        assert_eq!((second.number, second.from), (2, first.to + 1));
        scene.site.checkpoint().await.unwrap();
        let report = scene.verify().await;
        assert!(report.is_sound() && report.remarks.is_empty(), "{report}");
        assert_eq!(report.anchored_to(), report.last_seq);
        let report = scene.site.verify().await;
        assert_eq!(report.verdict, Verdict::Sound, "{report}");
        // The entry of the newest checkpoint stays, however old it is.
        while scene.archive(i64::MAX).await.unwrap().is_some() {}
        assert!(scene.verify().await.is_sound());
        let newest = scene.site.store.last_checkpoint().await.unwrap().unwrap().says().unwrap();
        let first_left = scene.entries().await.first().unwrap().seq;
        assert!(first_left <= newest.seq, "{first_left}");
        scene.site.checkpoint().await.unwrap();
        assert!(scene.verify().await.is_sound());
    }
}

/// Whether a fault is about that archive, or an entry.
fn names(report: &Report, made: &Archived) -> bool {
    faults(report).iter().any(|fault| match fault {
        Fault::ArchiveMissing { number, file, .. } => (*number, file) == (made.number, &made.file),
        Fault::ArchiveChanged { number, .. } => *number == made.number,
        Fault::Chain(_) => true,
        _ => false,
    })
}

fn is_missing(fault: &&Fault) -> bool {
    matches!(fault, Fault::ArchiveMissing { .. })
}

#[tokio::test]
async fn a_file_that_is_not_what_was_signed_is_found() {
    type Harm = fn(&str, &Keys) -> Option<String>;
    let harms: [(&str, Harm); 8] = [
        ("an entry is changed", |text, _| Some(text.replacen("änne", "anne", 1))),
        ("an entry is changed, and the chain made anew", |text, _| {
            let (first, entries) = text.split_once('\n').unwrap();
            let mut prev = None;
            let lines = entries.lines().map(|line| {
                let stored = StoredEntry::of_line(line).unwrap();
                let mut entry: Entry = serde_json::from_str(&stored.text).unwrap();
                entry.name = "b@example.com".to_owned();
                entry.prev = prev.clone().unwrap_or(entry.prev);
                let text = entry.text();
                let hash = hash_of(&text);
                prev = Some(hash.clone());
                StoredEntry { hash, text, ..stored }.line() + "\n"
            });
            Some(format!("{first}\n{}", lines.collect::<String>()))
        }),
        ("the end is cut off", |text, _| {
            let end = text.trim_end().rfind('\n').unwrap();
            Some(text[..=end].to_owned())
        }),
        ("an entry is left out", |text, _| {
            let third = text.split_inclusive('\n').nth(2).unwrap();
            Some(text.replacen(third, "", 1))
        }),
        ("somebody else signed it", |text, keys| {
            let (first, entries) = text.split_once('\n').unwrap();
            let archive = SignedArchive::of_line(first).unwrap().archive;
            let (key, signature) = keys.sign(Purpose::Archive, &archive);
            let line = SignedArchive { archive, key, signature }.line();
            Some(format!("{line}\n{entries}"))
        }),
        ("the statement is changed", |text, _| {
            Some(text.replacen("\\\"to\\\":", "\\\"to\\\":1", 1))
        }),
        ("it is empty", |_, _| Some(String::new())),
        ("it is gone", |_, _| None),
    ];
    for kind in Kind::BOTH {
        let scene = Scene::new(kind).await;
        let made = [scene.cut(1).await, scene.cut(3).await];
        let strangers = Keys::open(&scene.site.path("strangers")).unwrap();
        for made in &made {
            let good = fs::read_to_string(scene.file(made)).unwrap();
            for (name, harm) in &harms {
                match harm(&good, &strangers) {
                    Some(text) => fs::write(scene.file(made), text).unwrap(),
                    None => fs::remove_file(scene.file(made)).unwrap(),
                }
                let report = scene.verify().await;
                assert_eq!(report.verdict, Verdict::Broken, "{name}: {report}");
                let first_bad = report.first_bad.unwrap();
                assert!((made.from..=made.to).contains(&first_bad), "{name}: {report}");
                assert!(names(&report, made), "{name}: {report}");
                let is_told = faults(&report).iter().any(is_missing);
                assert_eq!(is_told, harm(&good, &strangers).is_none(), "{name}: {report}");
            }
            fs::write(scene.file(made), good).unwrap();
            assert!(scene.verify().await.is_sound());
        }
        // One in place of another.
        fs::copy(scene.file(&made[0]), scene.file(&made[1])).unwrap();
        let report = scene.verify().await;
        let changed = |fault: &&Fault| matches!(fault, Fault::ArchiveChanged { number: 2, .. });
        assert!(faults(&report).iter().any(changed), "{report}");
    }
}

#[tokio::test]
async fn a_cut_that_nobody_of_ours_has_signed_is_found() {
    for kind in Kind::BOTH {
        let scene = Scene::new(kind).await;
        let made = scene.cut(1).await;
        scene.site.drop_triggers().await;
        match kind {
            Kind::Sqlite => {
                for trigger in ["archives_kept", "archives_fit", "archives_appended"] {
                    scene.site.execute(&format!("drop trigger {trigger}")).await;
                }
            }
            Kind::Postgres => {
                for trigger in ["archives_fit", "archives_appended"] {
                    scene.site.execute(&format!("drop trigger {trigger} on archives")).await;
                }
            }
        }
        let to = scene.marks[3];
        let missing = |report: &Report, seq: i64| {
            report.verdict == Verdict::Broken
                && report.to_string().contains(&format!("entry {seq} is missing"))
        };
        // More is deleted, up to a checkpoint, with no word about it.
        scene.site.execute(&format!("delete from activity where seq <= {to}")).await;
        let report = scene.verify().await;
        assert!(missing(&report, made.to + 1), "{report}");

        // With a statement that says so, signed by another key, or with the signature of ours.
        let strangers = Keys::open(&scene.site.path("strangers")).unwrap();
        let ours = scene.site.store.last_archive().await.unwrap().unwrap();
        let first = ours.says().unwrap();
        let head = scene.entries().await[0].prev.clone();
        let (number, from, prev) = (2, first.to + 1, first.head.clone());
        let says = Archive { number, from, to, head: head.clone(), prev, ..first };
        let (key, signature) = strangers.sign(Purpose::Archive, &says.text());
        for (key, signature) in [(key, signature), (ours.key.clone(), ours.signature.clone())] {
            let text = says.text();
            scene
                .site
                .execute(&format!(
                    "delete from archives where number = 2; \
                     insert into archives values \
                        (2, {from}, {to}, '{head}', 0, '{text}', '{key}', '{signature}')"
                ))
                .await;
            for report in [scene.verify().await, scene.site.verify().await] {
                assert!(missing(&report, made.to + 1), "{report}");
                let not_ours =
                    |fault: &&Fault| matches!(fault, Fault::ArchiveNotOurs { number: 2, .. });
                assert!(faults(&report).iter().any(not_ours), "{report}");
            }
            let refused = scene.archive(i64::MAX).await.unwrap_err();
            assert!(matches!(refused, ArchiveError::NotOurs), "{refused}");
        }

        // The true statement is gone, too: then nothing says why entries are missing.
        scene.site.execute("delete from archives").await;
        let report = scene.verify().await;
        assert!(missing(&report, 1), "{report}");
        assert!(scene.archive(i64::MAX).await.is_err());
    }
}

#[tokio::test]
async fn only_what_is_anchored_whole_and_streamed_is_archived() {
    for kind in Kind::BOTH {
        let scene = Scene::new(kind).await;
        let before = scene.moment_of(scene.marks[2]).await;
        let rows = scene.entries().await.len();
        let Scene { site, place, .. } = &scene;
        // No anchor, and one that holds nothing.
        let empty = [tidegate_service::audit::Anchor::file(&site.path("empty.jsonl"))];
        for anchors in [&[][..], &empty] {
            let settings = ArchiveSettings { place, anchors, before };
            let refused = archive(&site.store, &site.keys, settings).await.unwrap_err();
            assert!(matches!(refused, ArchiveError::Unanchored { .. }), "{refused}");
        }
        // Something else stands in the way, and stays there.
        fs::create_dir_all(site.path("archive")).unwrap();
        let name = format!("{:015}-{:015}.jsonl", 1, scene.marks[2]);
        fs::write(site.path("archive").join(&name), "what is this?\n").unwrap();
        let refused = scene.archive(before).await.unwrap_err();
        assert!(matches!(&refused, ArchiveError::InTheWay { file, .. } if *file == name));
        fs::remove_file(site.path("archive").join(&name)).unwrap();

        // A stream that is not as far yet. One that begins later begins behind the cut.
        let sink = |name: &str| {
            let setting = SinkSettings::File(site.path(name));
            Stream::new("test", vec![Sink::new(&setting, "here")])
        };
        let held = site.store.policy().await.unwrap();
        let upkeep = Caller::upkeep("stream");
        let permit = authorize(&held, &upkeep, Action::StreamHold, Target::default()).unwrap();
        let request = HoldRequest { sink: "late", holder: "test", hold_micros: 1_000_000 };
        site.store.hold_stream(permit, request).await.unwrap().unwrap();
        let refused = scene.archive(before).await.unwrap_err();
        assert!(matches!(&refused, ArchiveError::Streaming { sink, .. } if sink == "late"));
        site.execute("delete from streamed").await;
        assert!(sink("early.jsonl").run(&site.store).await[0].sent.is_ok());
        assert_eq!(scene.entries().await.len(), rows, "nothing was dropped so far");

        // An entry was changed since it was signed.
        site.drop_triggers().await;
        site.execute("update activity set name = 'b@example.com' where seq = 3").await;
        let refused = scene.archive(before).await.unwrap_err();
        assert!(matches!(refused, ArchiveError::Broken(_)), "{refused}");
        let name = scene.entries().await[2].text.clone();
        let entry: Entry = serde_json::from_str(&name).unwrap();
        site.execute(&format!("update activity set name = '{}' where seq = 3", entry.name)).await;

        let made = scene.archive(before).await.unwrap().unwrap();
        let late = sink("late.jsonl").run(&site.store).await;
        assert!(late[0].sent.is_ok(), "{late:?}");
        let line = fs::read_to_string(site.path("late.jsonl")).unwrap();
        let first = StoredEntry::of_line(line.lines().next().unwrap()).unwrap();
        assert_eq!(first.seq, made.to + 1);
        // The lines of archive and stream, one behind the other, are a whole log.
        let archived = fs::read_to_string(scene.file(&made)).unwrap();
        let whole = archived.split_once('\n').unwrap().1.to_owned() + &line;
        fs::write(site.path("whole.jsonl"), whole).unwrap();
        assert!(site.verify_file(&site.path("whole.jsonl")).await.is_sound());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_processes_that_archive_at_once_one_does() {
    for kind in Kind::BOTH {
        let scene = Scene::new(kind).await;
        let before = scene.moment_of(scene.marks[2]).await;
        let mut runs = Vec::new();
        for _ in 0..6 {
            let store = Store::open(&scene.site.url).await.unwrap();
            let keys = Keys::open(&scene.site.path("keys")).unwrap();
            let (place, anchors) = (scene.place.clone(), scene.site.anchors());
            runs.push(tokio::spawn(async move {
                let settings = ArchiveSettings { place: &place, anchors: &anchors, before };
                archive(&store, &keys, settings).await
            }));
        }
        let mut made = 0;
        for run in runs {
            made += usize::from(run.await.unwrap().unwrap().is_some());
        }
        assert_eq!(made, 1, "{kind:?}");
        let report = scene.verify().await;
        assert!(report.is_sound(), "{report}");
        assert_eq!(fs::read_dir(scene.site.path("archive")).unwrap().count(), 1, "no draft stays");
    }
}

#[tokio::test]
async fn a_process_that_dies_before_the_drop_leaves_a_file_that_the_next_one_uses() {
    let scene = Scene::new(Kind::Sqlite).await;
    let before = scene.moment_of(scene.marks[2]).await;
    let rows = scene.entries().await;
    let site = &scene.site;
    site.execute(
        "create trigger full before insert on archives begin select raise(abort, 'full'); end",
    )
    .await;
    scene.archive(before).await.unwrap_err();
    assert_eq!(scene.entries().await, rows, "the drop is all or nothing");
    let name = format!("{:015}-{:015}.jsonl", 1, scene.marks[2]);
    let text = fs::read(site.path("archive").join(&name)).unwrap();
    assert!(scene.verify().await.is_sound());
    site.execute("drop trigger full").await;
    let made = scene.archive(before).await.unwrap().unwrap();
    assert_eq!(fs::read(scene.file(&made)).unwrap(), text);
    assert!(scene.verify().await.is_sound());
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_in_a_bucket_are_put_once_and_read() {
    let (mut scene, bucket) = (Scene::new(Kind::Sqlite).await, S3::shared().bucket());
    scene.place = ArchivePlace::objects("s3:", client(&bucket), "audit/archive");
    let made = scene.cut(2).await;
    let key = format!("audit/archive/{}", made.file);
    assert_eq!(bucket.keys(), std::slice::from_ref(&key));
    assert!(scene.verify().await.is_sound());
    let good = bucket.object(&key).unwrap();
    bucket.put(&key, &good[..good.len() / 2]);
    assert_eq!(scene.verify().await.verdict, Verdict::Broken);
    bucket.remove(&key);
    let report = scene.verify().await;
    assert!(report.to_string().contains(&made.file), "{report}");
    // What is in the way of the next one is not written over.
    let next = format!("audit/archive/{:015}-{:015}.jsonl", made.to + 1, scene.marks[4]);
    bucket.put(&next, b"{}");
    let before = scene.moment_of(scene.marks[4]).await;
    let refused = scene.archive(before).await.unwrap_err();
    assert!(matches!(refused, ArchiveError::InTheWay { .. }), "{refused}");
    assert_eq!(bucket.object(&next).unwrap(), b"{}");
}
