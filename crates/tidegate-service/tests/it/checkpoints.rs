//! Checkpoints: when they are signed, when they must not be, and how they reach every anchor.

use std::{fs, os::unix::fs::MetadataExt, path::Path, sync::Arc};

use object_store::{
    ObjectStore, ObjectStoreExt, PutPayload, local::LocalFileSystem, memory::InMemory,
    path::Path as Key,
};
use rand::{SeedableRng, rngs::StdRng};
use tidegate_model::audit::{Checkpoint, FIRST_HASH, SignedCheckpoint, hash_of, time_text};
use tidegate_service::{
    Keys, Purpose,
    audit::{Anchor, AnchorError},
    upkeep::checkpoint::{CheckpointError, CheckpointPace, CheckpointRun, Checkpoints},
};
use tidegate_store::Store;

use crate::{
    loot::Loot,
    site::{Kind, MINUTE, Site},
};

/// Processes that sign at the same moment.
const PROCESSES: usize = 8;

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn one_is_signed_every_minute_or_hundred_entries_also_when_nothing_happens() {
    for kind in Kind::BOTH {
        let site = Site::new(kind).await;
        let (first, _) = site.store.head().await.unwrap();
        let mut checkpoints = Checkpoints::new(site.anchors());
        let signed = async |checkpoints: &mut Checkpoints, after: i64| {
            checkpoints.run(&site.store, &site.keys, site.now + after).await.unwrap().signed
        };
        assert_eq!(signed(&mut checkpoints, 0).await, Some(1), "the first one at once");
        assert_eq!(signed(&mut checkpoints, MINUTE - 1).await, None);
        assert_eq!(
            signed(&mut checkpoints, MINUTE).await,
            Some(2),
            "nothing happened, and it says so"
        );
        for number in 1..100 {
            site.note(number).await;
        }
        assert_eq!(signed(&mut checkpoints, MINUTE).await, None);
        site.note(100).await;
        assert_eq!(signed(&mut checkpoints, MINUTE).await, Some(3));
        // A clock that was set back does not keep the log from being signed.
        assert_eq!(signed(&mut checkpoints, -MINUTE).await, Some(4));

        let lines = lines(&site.anchor_file());
        let said: Vec<_> = lines.iter().map(|line| said(line)).collect();
        let seqs: Vec<i64> = said.iter().map(|says| says.1).collect();
        assert_eq!(seqs, [first, first, first + 100, first + 100]);
        let mut prev = FIRST_HASH.to_owned();
        for ((number, (says, _, text_prev, text)), expected) in (1..).zip(&said).zip(1..) {
            assert_eq!((*says, text_prev), (expected, &prev), "{number}");
            prev = hash_of(text);
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&site.anchor_file()), 0o600);
        assert_eq!(mode(site.anchor_file().parent().unwrap()), 0o700);
        assert!(site.verify().await.is_sound());
    }
}

#[tokio::test]
async fn a_log_in_which_nothing_happens_is_signed_more_rarely_and_at_once_when_something_does() {
    /// Bytes that an idle site writes a day, as the documentation says.
    const DAY_BYTES: u64 = 65_000;
    const DAY: i64 = 24 * 60 * MINUTE;
    let pace = CheckpointPace {
        period_micros: MINUTE.unsigned_abs(),
        idle_micros_max: 10 * MINUTE.unsigned_abs(),
    };
    for kind in Kind::BOTH {
        let site = Site::new(kind).await;
        let mut checkpoints = Checkpoints::new(site.anchors()).at_pace(pace);
        let mut run =
            async |now: i64| checkpoints.run(&site.store, &site.keys, now).await.unwrap().signed;
        let mut signed = Vec::new();
        let mut now = site.now;
        while now <= site.now + DAY {
            if run(now).await.is_some() {
                signed.push((now - site.now) / MINUTE);
            }
            now += MINUTE;
        }
        assert_eq!(signed[..7], [0, 1, 3, 7, 15, 25, 35], "{kind:?}");
        let pauses = signed.windows(2).map(|two| two[1] - two[0]);
        assert_eq!(pauses.max(), Some(10), "nothing happened, and it is proven all the time");
        let bytes = fs::metadata(site.anchor_file()).unwrap().len();
        assert!((DAY_BYTES / 2..DAY_BYTES).contains(&bytes), "{bytes}");

        // Since more than a minute nothing was signed: what happens now is signed at once.
        let quiet = site.now + signed.last().unwrap() * MINUTE;
        assert_eq!(run(quiet + 2 * MINUTE).await, None);
        site.note(1).await;
        assert!(run(quiet + 2 * MINUTE).await.is_some());
        assert_eq!(run(quiet + 3 * MINUTE - 1).await, None);
        assert!(site.verify().await.is_sound());
    }
}

/// Number, entry, hash of the one before, and text of a checkpoint.
fn said(line: &str) -> (i64, i64, String, String) {
    let signed = SignedCheckpoint::of_line(line).unwrap();
    let says = signed.says().unwrap();
    (says.number, says.seq, says.prev, signed.checkpoint)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_processes_at_once_one_signs_and_every_anchor_gets_the_same() {
    const ROUNDS: i64 = 10;
    for kind in Kind::BOTH {
        let site = Site::new(kind).await;
        let mut processes = Vec::new();
        for number in 0..PROCESSES {
            let own = Anchor::file(&site.path(&format!("own-{number}.jsonl")));
            let anchors = site.anchors().into_iter().chain([own]).collect();
            let store = Store::open(&site.url).await.unwrap();
            let keys = Keys::open(&site.path("keys")).unwrap();
            processes.push((Checkpoints::new(anchors), store, keys));
        }
        for round in 0..ROUNDS {
            site.note(round).await;
            let now = site.now + round * MINUTE;
            let runs = processes.into_iter().map(|(mut checkpoints, store, keys)| {
                tokio::spawn(async move {
                    let run = checkpoints.run(&store, &keys, now).await.unwrap();
                    assert!(run.anchors.iter().all(|anchor| anchor.error.is_none()), "{run:?}");
                    (run.signed, (checkpoints, store, keys))
                })
            });
            let mut signed = Vec::new();
            processes = Vec::new();
            for run in runs.collect::<Vec<_>>() {
                let (number, process) = run.await.unwrap();
                signed.extend(number);
                processes.push(process);
            }
            assert_eq!(signed, [round + 1], "{kind:?}");
        }
        let all = lines(&site.anchor_file());
        assert_eq!(all.len(), ROUNDS as usize);
        for number in 0..PROCESSES {
            // Whoever was overtaken in the last round has written what it saw, not less than all
            // but that.
            let own = lines(&site.path(&format!("own-{number}.jsonl")));
            assert!(all.starts_with(&own) && own.len() + 1 >= all.len(), "{number}: {own:?}");
        }
        assert!(site.verify().await.is_sound());
    }
}

#[tokio::test]
async fn an_anchor_that_fails_holds_up_nobody_and_gets_everything_later() {
    let mut site = Site::new(Kind::Sqlite).await;
    let barrier = site.path("away");
    let folder = Arc::new(LocalFileSystem::new_with_prefix(site.folder.path()).unwrap());
    let anchors = |site: &Site| {
        let away = Anchor::file(&barrier.join("anchors.jsonl"));
        site.anchors().into_iter().chain([away]).collect::<Vec<_>>()
    };
    fs::write(&barrier, "in the way").unwrap();
    let mut checkpoints = Checkpoints::new(anchors(&site));
    let mut run = async |site: &mut Site| -> CheckpointRun {
        site.note(1).await;
        site.now += MINUTE;
        checkpoints.run(&site.store, &site.keys, site.now).await.unwrap()
    };
    for number in 1..=3 {
        let run = run(&mut site).await;
        assert_eq!(run.signed, Some(number));
        let reached: Vec<_> = run.anchors.iter().map(|anchor| anchor.reached).collect();
        assert_eq!(reached, [Some(number), Some(number), None], "{run:?}");
    }
    fs::remove_file(&barrier).unwrap();
    // What failed rests for a minute, so that what works does not wait for it each time.
    let rested = checkpoints.run(&site.store, &site.keys, site.now + MINUTE - 1).await.unwrap();
    assert_eq!((rested.anchors[2].reached, rested.signed), (None, None));
    assert!(rested.anchors[2].error.is_none(), "{rested:?}");
    // Without anything being due, by a process that has just started; with one more anchor.
    let later = Anchor::objects("folder:", folder, "more/checkpoints");
    let anchors = anchors(&site).into_iter().chain([later]).collect();
    let run = Checkpoints::new(anchors).run(&site.store, &site.keys, site.now).await.unwrap();
    assert_eq!((run.signed, run.newest, run.entries_behind), (None, 3, 0));
    assert!(run.anchors.iter().all(|anchor| anchor.reached == Some(3)), "{run:?}");
    let all = lines(&site.anchor_file());
    assert_eq!(lines(&barrier.join("anchors.jsonl")), all);
    for (number, line) in (1..).zip(&all) {
        let object = site.path(&format!("more/checkpoints/{number:015}.json"));
        assert_eq!(fs::read_to_string(object).unwrap(), format!("{line}\n"));
    }
}

#[tokio::test]
async fn a_new_anchor_gets_all_there_ever_was_a_few_pages_at_a_time() {
    /// More than one run writes.
    const COPIES: i64 = 520;
    let site = Site::new(Kind::Sqlite).await;
    let (seq, head) = site.store.head().await.unwrap();
    let mut prev = FIRST_HASH.to_owned();
    for number in 1..=COPIES {
        let at = time_text(site.now + number * MINUTE);
        let says = Checkpoint { v: 1, number, seq, head: head.clone(), at, prev };
        let (key, signature) = site.keys.sign(Purpose::Checkpoint, &says.text());
        let signed = SignedCheckpoint { checkpoint: says.text(), key, signature };
        prev = signed.hash();
        let permit = site.checkpoint_permit().await;
        assert!(site.store.keep_checkpoint(permit, &says, &signed).await.unwrap());
    }
    let now = site.now + COPIES * MINUTE;
    let mut checkpoints = Checkpoints::new(site.anchors());
    for reached in [500, COPIES, COPIES] {
        let run = checkpoints.run(&site.store, &site.keys, now).await.unwrap();
        assert_eq!((run.signed, run.newest), (None, COPIES));
        assert!(run.anchors.iter().all(|anchor| anchor.reached == Some(reached)), "{run:?}");
    }
    let report = site.verify().await;
    assert!(report.is_sound() && report.remarks.is_empty(), "{report}");
    assert!(report.anchors.iter().all(|anchor| anchor.longest_pause_seconds == 60), "{report}");
}

#[tokio::test]
async fn a_line_whose_writer_died_is_ended_not_repeated() {
    let mut site = Site::new(Kind::Sqlite).await;
    site.checkpoint().await.unwrap();
    site.checkpoint().await.unwrap();
    let whole = fs::read(site.anchor_file()).unwrap();
    let first = whole.iter().position(|octet| *octet == b'\n').unwrap() + 1;
    for cut in (first..whole.len()).step_by(7).chain([whole.len() - 1]) {
        fs::write(site.anchor_file(), &whole[..cut]).unwrap();
        let run = Checkpoints::new(site.anchors()).run(&site.store, &site.keys, site.now).await;
        assert_eq!(run.unwrap().signed, None);
        assert_eq!(fs::read(site.anchor_file()).unwrap(), whole, "cut at {cut}");
    }
    // What somebody else has begun is not ours to end.
    fs::write(site.anchor_file(), [&whole[..first], b"{\"checkpoint\":\"no"].concat()).unwrap();
    let run = Checkpoints::new(site.anchors()).run(&site.store, &site.keys, site.now).await;
    let file = &run.unwrap().anchors[0].error;
    let is_damaged = matches!(file, Some(CheckpointError::Anchor(AnchorError::Damaged { .. })));
    assert!(is_damaged, "{file:?}");
}

/// A site with a few checkpoints and entries behind the last one.
async fn grown(kind: Kind) -> Site {
    let mut random = StdRng::seed_from_u64(1);
    let mut site = Site::new(kind).await;
    site.grow(20, &mut random).await;
    site.write(5, &mut random).await;
    site.drop_triggers().await;
    site
}

/// Expects that upkeep refuses, each minute anew, and writes nothing anywhere.
async fn refuses(site: &mut Site) -> CheckpointError {
    let before = (fs::read(site.anchor_file()).ok(), objects(&*site.objects).await);
    let copies = site.store.checkpoints(0, 1_000).await.unwrap();
    site.checkpoint().await.unwrap_err();
    let refused = site.checkpoint().await.unwrap_err();
    assert_eq!(site.store.checkpoints(0, 1_000).await.unwrap(), copies, "{refused}");
    assert_eq!((fs::read(site.anchor_file()).ok(), objects(&*site.objects).await), before);
    assert!(refused.to_string().contains("signed"), "it says what that means: {refused}");
    refused
}

async fn objects(store: &dyn ObjectStore) -> usize {
    use futures_util::StreamExt;
    store.list(None).count().await
}

#[tokio::test]
async fn a_chain_that_does_not_fit_is_not_signed() {
    for kind in Kind::BOTH {
        let mut site = grown(kind).await;
        let loot = Loot::take(&site).await;
        let last = loot.rows.len() - 1;

        let mut edited = loot.clone();
        edited.edit(last - 1, |entry| entry.job = Some(77));
        edited.put(&site).await;
        let refused = refuses(&mut site).await;
        assert!(matches!(refused, CheckpointError::Broken(_)), "{refused}");

        let mut column = loot.clone();
        column.rows[last].1.name = "b@example.com".to_owned();
        column.put(&site).await;
        let refused = refuses(&mut site).await;
        assert!(matches!(refused, CheckpointError::Broken(_)), "{refused}");

        let mut cut = loot.clone();
        cut.rows.pop();
        cut.put(&site).await;
        let refused = refuses(&mut site).await;
        assert!(matches!(refused, CheckpointError::HeadDisagrees { .. }), "{refused}");

        let mut rewritten = loot.clone();
        rewritten.edit(2, |entry| entry.job = Some(77));
        rewritten.rechain(2);
        rewritten.put(&site).await;
        let refused = refuses(&mut site).await;
        assert!(matches!(refused, CheckpointError::Rewritten { .. }), "{refused}");

        loot.put(&site).await;
        assert!(site.checkpoint().await.unwrap().signed.is_some(), "all is well again");
    }
}

#[tokio::test]
async fn a_database_that_is_behind_what_was_signed_is_not_signed() {
    for kind in Kind::BOTH {
        let mut site = grown(kind).await;
        let own = site.path("own.jsonl");
        let mut running = Checkpoints::new(vec![Anchor::file(&own)]);
        running.run(&site.store, &site.keys, site.now).await.unwrap();
        let loot = Loot::take(&site).await;

        // Yesterday's backup: everything fits, it is only not what it was.
        let mut restored = loot.clone();
        let seq = restored.copies[1].1.says().unwrap().seq;
        restored.copies.truncate(2);
        restored.rows.truncate(seq as usize);
        restored.set_head();
        restored.put(&site).await;
        let refused = refuses(&mut site).await;
        assert!(matches!(refused, CheckpointError::DatabaseBehind { .. }), "{refused}");
        // Not even where the anchor is gone: a running process remembers.
        fs::remove_file(&own).unwrap();
        let refused = running.run(&site.store, &site.keys, site.now).await.unwrap_err();
        assert!(matches!(refused, CheckpointError::DatabaseBehind { .. }), "{refused}");

        // Only the copies are gone: the chain fits, but somebody was there.
        let mut bared = loot.clone();
        bared.copies.clear();
        bared.put(&site).await;
        let refused = refuses(&mut site).await;
        assert!(matches!(refused, CheckpointError::DatabaseBehind { .. }), "{refused}");

        let mut forged = loot.clone();
        forged.copies.last_mut().unwrap().1.signature.insert(0, 'A');
        forged.put(&site).await;
        let refused = refuses(&mut site).await;
        assert!(matches!(refused, CheckpointError::NotOurs { .. }), "{refused}");

        // A row of a number to come would keep the next one from being kept.
        let mut blocked = loot.clone();
        let last = blocked.copies.last().unwrap().1.clone();
        blocked.copies.push((1_000, last));
        blocked.put(&site).await;
        let refused = refuses(&mut site).await;
        assert!(matches!(refused, CheckpointError::CopyChanged { .. }), "{refused}");
    }
}

#[tokio::test]
async fn after_a_restore_new_anchors_go_on_and_the_old_ones_name_the_gap() {
    for kind in Kind::BOTH {
        let mut site = grown(kind).await;
        let mut backup = Loot::take(&site).await;
        let known = backup.copies[1].1.says().unwrap();
        let lost = backup.copies.last().unwrap().1.says().unwrap();
        backup.copies.truncate(2);
        backup.rows.truncate(known.seq as usize + 1);
        backup.set_head();
        backup.put(&site).await;
        refuses(&mut site).await;

        // As the documentation says: put aside, not deleted.
        let aside = site.path("audit/anchors-until-the-restore.jsonl");
        fs::rename(site.anchor_file(), &aside).unwrap();
        let old = [Anchor::file(&aside), site.anchors().remove(1)];
        site.objects = Arc::new(InMemory::new());
        site.note(1).await;
        let run = site.checkpoint().await.unwrap();
        assert_eq!((run.signed, run.entries_behind), (Some(3), known.seq + 2 - run.seq));
        let report = site.verify().await;
        assert!(report.is_sound() && report.remarks.is_empty(), "{report}");
        assert_eq!(report.anchored_to(), known.seq + 2);
        let report = site.verify_with(&old).await;
        let gap = format!("entries {} to {} are gone", known.seq + 3, lost.seq);
        assert!(report.to_string().contains(&gap), "{gap}\n{report}");
    }
}

#[tokio::test]
async fn without_an_anchor_that_can_be_read_nothing_is_signed() {
    let site = Site::new(Kind::Sqlite).await;
    let refused =
        Checkpoints::new(Vec::new()).run(&site.store, &site.keys, site.now).await.unwrap_err();
    assert!(refused.to_string().contains("[audit] anchors"), "{refused}");
    let folder = Anchor::file(&site.path("keys"));
    let refused =
        Checkpoints::new(vec![folder]).run(&site.store, &site.keys, site.now).await.unwrap_err();
    assert!(matches!(refused, CheckpointError::NoAnchor { .. }), "{refused}");
    assert_eq!(site.store.last_checkpoint().await.unwrap(), None);
}

#[tokio::test]
async fn an_anchor_that_holds_something_else_is_never_written_over() {
    let mut site = Site::new(Kind::Sqlite).await;
    site.checkpoint().await.unwrap();
    fs::write(site.anchor_file(), "what is this?\n").unwrap();
    let refused = site.checkpoint().await.unwrap_err();
    assert!(matches!(refused, CheckpointError::Anchor(AnchorError::Damaged { .. })), "{refused}");
    assert_eq!(fs::read_to_string(site.anchor_file()).unwrap(), "what is this?\n");
    fs::remove_file(site.anchor_file()).unwrap();

    // Another site with the same keys writes to the same bucket.
    let mut other = Site::new(Kind::Sqlite).await;
    (other.objects, other.now) = (site.objects.clone(), site.now);
    other.keys = Keys::open(&site.path("keys")).unwrap();
    other.note(1).await;
    let refused = other.checkpoint().await.unwrap_err();
    assert!(matches!(refused, CheckpointError::DatabaseBehind { .. }), "{refused}");

    // An object is in the way of the next number.
    let before = objects(&*site.objects).await;
    let key = Key::from("audit/checkpoints/000000000000002.json");
    let stranger = Arc::new(InMemory::new());
    let first = Key::from("audit/checkpoints/000000000000001.json");
    let text = site.objects.get(&first).await.unwrap().bytes().await.unwrap();
    stranger.put(&first, PutPayload::from(text)).await.unwrap();
    site.objects = stranger.clone();
    let mut checkpoints = Checkpoints::new(site.anchors());
    checkpoints.run(&site.store, &site.keys, site.now).await.unwrap();
    stranger.put(&key, PutPayload::from("{}\n")).await.unwrap();
    site.now += MINUTE;
    let refused = checkpoints.run(&site.store, &site.keys, site.now).await.unwrap_err();
    assert!(matches!(refused, CheckpointError::Anchor(AnchorError::Damaged { .. })), "{refused}");
    let text = stranger.get(&key).await.unwrap().bytes().await.unwrap();
    assert_eq!((&text[..], before), (&b"{}\n"[..], 1));
}
