//! What every artifact store owes, whatever it is made of.

use std::io::Write;

use futures_util::TryStreamExt;
use tidegate_service::artifacts::{ArtifactError, ObjectKey, Unfinished};

use super::{PART_BYTES, Place, Rig, key, noise, stored};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_back_as_it_was_written() {
    for rig in Rig::all() {
        for bytes in [0, 1, 70_000, PART_BYTES, 2 * PART_BYTES + 1] {
            let (key, content) = (key(1), noise(bytes));
            let written = rig.write(&key, &content).await.unwrap();
            assert!(rig.read(&written, None).await.unwrap() == content, "{bytes} bytes");
            let listed = rig.list().await;
            assert_eq!(listed.len(), 1);
            assert_eq!((listed[0].name.key(), listed[0].bytes), (Some(&key), bytes as u64));
            rig.artifacts.delete(&key).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_there_before_a_file_is_finished() {
    for rig in Rig::all() {
        for bytes in [10, 2 * PART_BYTES + 10] {
            let mut upload = rig.artifacts.upload(&key(1)).unwrap();
            let content = noise(bytes);
            let upload = tokio::task::spawn_blocking(move || {
                upload.write_all(&content).unwrap();
                upload
            });
            let upload = upload.await.unwrap();
            assert!(rig.names().await.is_empty());
            drop(upload);
            rig.artifacts.settle().await;
            assert!(rig.is_empty().await, "a file that is dropped leaves nothing");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_the_bytes_that_were_asked_for() {
    for rig in Rig::all() {
        let content = noise(600_000);
        let written = rig.write(&key(1), &content).await.unwrap();
        for (asked, given) in [
            (0..1, 0..1),
            (0..600_000, 0..600_000),
            (599_999..600_000, 599_999..600_000),
            (262_143..262_145, 262_143..262_145),
            (100_000..599_999, 100_000..599_999),
            (599_000..900_000, 599_000..600_000),
            (600_000..700_000, 600_000..600_000),
            (5..5, 5..5),
        ] {
            let read = rig.read(&written, Some(asked.clone())).await.unwrap();
            let given = usize::try_from(given.start).unwrap()..usize::try_from(given.end).unwrap();
            assert!(read == content[given], "{asked:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_over() {
    for rig in Rig::all() {
        let key = key(1);
        let first = rig.write(&key, b"first").await.unwrap();
        for other in ["other", "longer than the first"] {
            let refused = rig.write(&key, other.as_bytes()).await.unwrap_err();
            let is_told =
                matches!(refused, ArtifactError::Exists { .. } | ArtifactError::WrongSize { .. });
            assert!(is_told, "{refused}");
        }
        assert_eq!(rig.read(&first, None).await.unwrap(), b"first");
        rig.artifacts.put_manifest(&key, "{}").await.unwrap();
        rig.artifacts.put_manifest(&key, "{}").await.unwrap();
        let refused = rig.artifacts.put_manifest(&key, "[]").await.unwrap_err();
        assert!(matches!(refused, ArtifactError::Exists { .. }), "{refused}");
        assert_eq!(rig.artifacts.manifest(&key).await.unwrap(), "{}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_file_is_gone_with_its_manifest_and_no_other_is() {
    for rig in Rig::all() {
        let (gone, kept) = (key(1), key(1));
        for key in [&gone, &kept] {
            rig.write(key, b"content").await.unwrap();
            rig.artifacts.put_manifest(key, "{}").await.unwrap();
        }
        rig.artifacts.delete(&gone).await.unwrap();
        rig.artifacts.delete(&gone).await.unwrap();
        rig.artifacts.delete(&key(99)).await.unwrap();
        assert!(!rig.artifacts.has(&gone).await.unwrap());
        assert!(rig.artifacts.has(&kept).await.unwrap());
        assert_eq!(rig.names().await, [kept.to_string(), format!("{kept}.manifest.json")]);
        let missing = rig.read(&stored(&gone, b"content"), None).await.unwrap_err();
        assert_eq!(missing.fault(), Some("artifact_missing"));
        rig.artifacts.delete(&kept).await.unwrap();
        if let Place::Folder(folder) = &rig.place {
            let left = std::fs::read_dir(folder.path().join("artifacts")).unwrap().count();
            assert_eq!(left, 0, "the folder of the job goes with its last file");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_alone_is_something_that_is_there() {
    for rig in Rig::all() {
        let key = key(1);
        rig.artifacts.put_manifest(&key, "{}").await.unwrap();
        assert!(rig.artifacts.has(&key).await.unwrap());
        rig.artifacts.delete(&key).await.unwrap();
        assert!(!rig.artifacts.has(&key).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_never_arrives_whole() {
    for rig in Rig::all() {
        let key = key(1);
        let content = noise(300_000);
        let written = rig.write(&key, &content).await.unwrap();
        let name = key.to_string();
        let corrupt = async |damaged: &[u8]| {
            rig.put_past(&name, damaged);
            let (passed, error) = rig.read_broken(&written).await;
            assert_eq!(error.fault(), Some("artifact_corrupt"), "{error}");
            assert!(passed < written.bytes);
        };
        for _ in 0..100 {
            let mut damaged = content.clone();
            damaged[rand::random::<u64>() as usize % 300_000] ^= 1 << (rand::random::<u8>() % 8);
            corrupt(&damaged).await;
        }
        corrupt(&content[..299_999]).await;
        corrupt(b"").await;
        corrupt(&[&content[..], b"\n"].concat()).await;
        corrupt(&noise(300_000)).await;
        rig.put_past(&name, &content);
        assert!(rig.read(&written, None).await.unwrap() == content);
        rig.remove_past(&name);
        let (passed, error) = rig.read_broken(&written).await;
        assert_eq!((passed, error.fault()), (0, Some("artifact_missing")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_all_pages_and_tells_what_is_not_ours() {
    for rig in Rig::all() {
        let mut expected: Vec<String> = Vec::new();
        for job in 1..=13 {
            let key = key(job);
            rig.write(&key, b"content").await.unwrap();
            rig.artifacts.put_manifest(&key, "{}").await.unwrap();
            expected.extend([key.to_string(), format!("{key}.manifest.json")]);
        }
        for stranger in ["README", "7/notes.txt", "7/1-short", "backup"] {
            rig.put_past(stranger, b"x");
            expected.push(stranger.to_owned());
        }
        let listed = rig.list().await;
        let mut found: Vec<String> = listed.iter().map(|one| one.name.to_string()).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        let ours = listed.iter().filter(|one| one.name.key().is_some()).count();
        assert_eq!(ours, 26);
        let newest = listed.iter().map(|one| one.changed_at).max().unwrap();
        let oldest = listed.iter().map(|one| one.changed_at).min().unwrap();
        assert!(newest - oldest < 600_000_000, "one clock has seen all of them");
        assert!(oldest > 1_700_000_000_000_000, "in microseconds");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_files_are_written_at_once() {
    for rig in Rig::all() {
        let keys: Vec<ObjectKey> = (0..8).map(|attempt| key(1 + attempt % 2)).collect();
        let contents: Vec<Vec<u8>> = (0..8).map(|at| noise(1 + at * 900_000)).collect();
        let writes = keys.iter().zip(&contents).map(|(key, content)| rig.write(key, content));
        let written = futures_util::future::try_join_all(writes).await.unwrap();
        for (written, content) in written.iter().zip(&contents) {
            assert!(rig.read(written, None).await.unwrap() == *content);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_works_passes_its_probe_and_keeps_nothing_of_it() {
    for rig in Rig::all() {
        rig.artifacts.check().await.unwrap();
        assert!(rig.is_empty().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_leaves_is_told_and_can_be_given_up() {
    for rig in Rig::all() {
        let key = key(5);
        leave_unfinished(&rig, &key).await;
        assert!(rig.names().await.is_empty());
        let unfinished: Vec<Unfinished> = rig.artifacts.unfinished().try_collect().await.unwrap();
        assert_eq!(unfinished.len(), 1);
        assert_eq!(unfinished[0].name.key(), Some(&key));
        assert!(unfinished[0].started_at > 1_700_000_000_000_000);
        rig.artifacts.abandon(&unfinished[0]).await.unwrap();
        rig.artifacts.abandon(&unfinished[0]).await.unwrap();
        assert!(rig.is_empty().await);
    }
}

/// Begins a file, and ends as a kill would.
pub(crate) async fn leave_unfinished(rig: &Rig, key: &ObjectKey) {
    if let Place::Folder(_) = rig.place {
        // On a file system that cannot make files without a name.
        rig.put_past(&format!(".{}.0123.part", key.to_string().replace('/', "_")), b"some");
        return;
    }
    let mut upload = rig.artifacts.upload(key).unwrap();
    let written = tokio::task::spawn_blocking(move || {
        upload.write_all(&noise(PART_BYTES)).unwrap();
        // What is forgotten is not dropped.
        std::mem::forget(upload);
    });
    written.await.unwrap();
}
