//! What is owed by a folder alone: rights, links, room.

use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tidegate_model::job::FailureReason;
use tidegate_pipeline::{Artifact, RunError};
use tidegate_service::artifacts::{ArtifactError, Artifacts, BucketOptions, ObjectKey};
use tidegate_testkit::circumstances::{Circumstance, once_more, small_disk};

use super::{Place, Rig, key, noise, stored};

fn open(url: &str, base: &Path) -> Result<Artifacts, ArtifactError> {
    Artifacts::open(url, base, &BucketOptions::default())
}

fn root(rig: &Rig) -> std::path::PathBuf {
    match &rig.place {
        Place::Folder(folder) => folder.path().join("artifacts"),
        Place::Bucket(_) => panic!("a bucket has no folder"),
    }
}

fn modes(root: &Path) -> Vec<(String, u32)> {
    let mut found = vec![(String::new(), fs::metadata(root).unwrap().mode() & 0o7777)];
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(modes(&path));
        } else {
            let name = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            found.push((name, fs::metadata(&path).unwrap().mode() & 0o7777));
        }
    }
    found.sort();
    found
}

async fn check_modes() {
    let rig = Rig::folder();
    let key = key(1);
    rig.write(&key, b"content").await.unwrap();
    rig.artifacts.put_manifest(&key, "{}").await.unwrap();
    let expected = [("", 0o600), ("", 0o700), ("", 0o700), ("json", 0o600)];
    let found = modes(&root(&rig));
    let found: Vec<(&str, u32)> = found.iter().map(|(name, mode)| (&**name, *mode)).collect();
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_alone_reads_files_where_the_umask_lets_all_in() {
    let test = "artifacts::folder::the_owner_alone_reads_files_where_the_umask_lets_all_in";
    if !once_more(test, Circumstance::Umask("000")) {
        check_modes().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_reads_files_where_the_umask_lets_nobody_in() {
    let test = "artifacts::folder::the_owner_reads_files_where_the_umask_lets_nobody_in";
    if !once_more(test, Circumstance::Umask("277")) {
        check_modes().await;
    }
}

#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o777, 0o770, 0o702, 0o1777] {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        let refused = open("file:.", folder.path()).unwrap_err();
        assert!(matches!(refused, ArtifactError::Exposed { .. }), "{mode:o}: {refused}");
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    open("file:.", folder.path()).unwrap();
}

#[test]
fn an_url_of_another_kind_is_refused_with_what_would_do() {
    for url in ["", "file:", "artifacts", "gs://bucket", "s3:bucket", "s3:///x", "http://x/y"] {
        let refused = open(url, Path::new("/nowhere")).unwrap_err().to_string();
        assert!(refused.contains("file:FOLDER"), "{url}: {refused}");
    }
}

#[test]
fn a_relative_folder_is_below_that_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    open("file:a/b", folder.path()).unwrap();
    assert!(folder.path().join("a/b").is_dir());
    let absolute = folder.path().join("c");
    open(&format!("file://{}", absolute.display()), Path::new("/nowhere")).unwrap();
    assert!(absolute.is_dir());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_the_place_of_a_folder_or_file_leads_nowhere() {
    let rig = Rig::folder();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    symlink(outside.path(), root(&rig).join("1")).unwrap();
    rig.write(&key(1), b"content").await.unwrap_err();
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);

    let written = key(2);
    rig.write(&written, b"content").await.unwrap();
    let planted = ObjectKey::parse(&format!("2/1-{}", "0".repeat(32))).unwrap();
    symlink(outside.path().join("secret"), root(&rig).join(planted.to_string())).unwrap();
    rig.read(&stored(&planted, b"secret"), None).await.unwrap_err();
    rig.artifacts.delete(&planted).await.unwrap();
    assert_eq!(fs::read_to_string(outside.path().join("secret")).unwrap(), "secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_removed_as_empty_costs_no_file() {
    let rig = Rig::folder();
    let is_over = Arc::new(AtomicBool::new(false));
    // They find no file to delete, and remove the folder whenever it is empty.
    let deleters = (0..3).map(|_| {
        let (artifacts, is_over) = (rig.artifacts.clone(), Arc::clone(&is_over));
        tokio::spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                artifacts.delete(&key(1)).await.unwrap();
            }
        })
    });
    let deleters: Vec<_> = deleters.collect();
    for _ in 0..300 {
        let key = key(1);
        let written = rig.write(&key, b"content").await.unwrap();
        assert_eq!(rig.read(&written, None).await.unwrap(), b"content");
        rig.artifacts.delete(&key).await.unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    futures_util::future::try_join_all(deleters).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_read_to_its_end_after_it_was_deleted() {
    let rig = Rig::folder();
    let (key, content) = (key(1), noise(2_000_000));
    let written = rig.write(&key, &content).await.unwrap();
    let download = rig.artifacts.download(&written, None).await.unwrap();
    rig.artifacts.delete(&key).await.unwrap();
    let pieces: Vec<bytes::Bytes> =
        futures_util::TryStreamExt::try_collect(download.pieces).await.unwrap();
    assert!(pieces.concat() == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_shrinks_while_it_is_read_is_an_error_and_no_wait() {
    let rig = Rig::folder();
    let (key, content) = (key(1), noise(2_000_000));
    let written = rig.write(&key, &content).await.unwrap();
    let download = rig.artifacts.download(&written, None).await.unwrap();
    let file = fs::File::options().write(true).open(root(&rig).join(key.to_string())).unwrap();
    file.set_len(1_000_000).unwrap();
    let pieces: Result<Vec<bytes::Bytes>, _> =
        futures_util::TryStreamExt::try_collect(download.pieces).await;
    assert_eq!(pieces.unwrap_err().fault(), Some("artifact_corrupt"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_leaves_nothing_and_is_no_obstacle_once_there_is_room() {
    let test = "artifacts::folder::\
        a_full_disk_is_told_leaves_nothing_and_is_no_obstacle_once_there_is_room";
    if once_more(test, Circumstance::SmallDisk { bytes: 1 << 20, files: 64 }) {
        return;
    }
    let disk = small_disk();
    let artifacts = open("file:artifacts", &disk).unwrap();
    // At many places, of a file that is written at its end and of one that is written on the way.
    for (ballast, bytes) in (0..16).flat_map(|at| [(at, 1_040_000), (at, 5_000_000)]) {
        let ballast = (ballast * 65_536 + 20_000_usize).min(1_000_000);
        fs::write(disk.join("ballast"), vec![0; ballast]).unwrap();
        let mut upload = Box::new(artifacts.upload(&key(1)).unwrap());
        let told = match upload.write_all(&noise(bytes)) {
            Err(cause) => RunError::Artifact { name: upload.name(), cause },
            Ok(()) => upload.publish().unwrap_err(),
        };
        assert_eq!(told.reason(), "disk_full", "{ballast}: {told:?}");
        assert_eq!(fs::read_dir(disk.join("artifacts")).unwrap().count(), 0);
    }
    fs::remove_file(disk.join("ballast")).unwrap();
    let mut upload = artifacts.upload(&key(1)).unwrap();
    upload.write_all(&noise(500_000)).unwrap();
    upload.finish().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_with_no_more_files_is_a_full_disk() {
    let test = "artifacts::folder::a_disk_with_no_more_files_is_a_full_disk";
    if once_more(test, Circumstance::SmallDisk { bytes: 1 << 20, files: 12 }) {
        return;
    }
    let disk = small_disk();
    let artifacts = open("file:artifacts", &disk).unwrap();
    let full = (1..20).find_map(|job| {
        let written = artifacts.upload(&key(job)).and_then(|mut upload| {
            upload.write_all(b"content").unwrap();
            Box::new(upload).finish()
        });
        written.err()
    });
    let full = full.expect("twelve files are soon there");
    assert_eq!(full.reason(), FailureReason::DiskFull, "{full}");
}
