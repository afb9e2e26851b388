//! A file stands under its name whole, or not at all.

use std::{fs, io::Write, os::unix::fs::PermissionsExt};

use tidegate_pipeline::{Artifact, FileArtifact};

#[test]
fn nothing_is_in_the_folder_until_the_file_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    let mut artifact = FileArtifact::create(&path).unwrap();
    artifact.write_all(b"id\n").unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    Box::new(artifact).publish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"id\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_is_dropped_leaves_the_old_one_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    fs::write(&path, "old").unwrap();
    let mut artifact = FileArtifact::create(&path).unwrap();
    artifact.write_all(b"new").unwrap();
    drop(artifact);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn publishing_replaces_the_old_file_in_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    fs::write(&path, "old").unwrap();
    let mut artifact = FileArtifact::create(&path).unwrap();
    artifact.write_all(b"new").unwrap();
    Box::new(artifact).publish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = FileArtifact::create("/nowhere/orders.csv").err().unwrap();
    assert!(error.to_string().contains("/nowhere/orders.csv"), "{error}");
    assert!(FileArtifact::create("/tmp").is_err(), "a folder is no file");
}
