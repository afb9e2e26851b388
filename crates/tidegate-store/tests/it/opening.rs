//! What the control database must be, before anything is entrusted to it.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use tempfile::TempDir;
use tidegate_store::{Store, StoreKind};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The database with the files beside it.
fn files(path: &Path) -> [std::path::PathBuf; 3] {
    ["", "-wal", "-shm"].map(|ending| format!("{}{ending}", path.display()).into())
}

#[tokio::test]
async fn the_files_of_sqlite_are_their_owners_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("control.db");
    let url = format!("sqlite:{}", path.display());
    let store = Store::open(&url).await.unwrap();
    assert_eq!(store.kind(), StoreKind::Sqlite);
    assert_eq!(files(&path).map(|file| mode(&file)), [0o600; 3]);
    for file in files(&path) {
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let again = Store::open(&url).await.unwrap();
    assert_eq!(files(&path).map(|file| mode(&file)), [0o600; 3]);
    again.close().await;
    store.settings().await.unwrap();
}

#[tokio::test]
async fn a_file_may_have_any_name() {
    let folder = TempDir::new().unwrap();
    for name in ["100% new.db", "a#b?c.db", "größe.db"] {
        let path = folder.path().join(name);
        Store::open(&format!("sqlite:{}", path.display())).await.unwrap().close().await;
        assert!(path.exists(), "{name}");
    }
}

#[tokio::test]
async fn what_cannot_hold_control_state_is_refused_with_a_reason() {
    let folder = TempDir::new().unwrap();
    let place = folder.path().display();
    fs::write(folder.path().join("letter.txt"), "Dear Ada, this is no database. ".repeat(100))
        .unwrap();
    for (url, words) in [
        ("mysql://shop".to_owned(), "must begin with `sqlite:` or `postgres://`"),
        ("sqlite:".to_owned(), "control state needs a file"),
        ("sqlite::memory:".to_owned(), "control state needs a file"),
        (format!("sqlite:{place}/none/control.db"), "its folder"),
        (format!("sqlite:{place}"), "unable to open database file"),
        (format!("sqlite:{place}/letter.txt"), "file is not a database"),
    ] {
        let refused = Store::open(&url).await.unwrap_err();
        let told = chain(&refused);
        assert!(told.contains(words), "{url}: {told}");
    }
}

/// The message and those beneath it.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}
