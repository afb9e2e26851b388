//! Runs a test once more, in a process of its own, where the umask is another or the disk is small.
//!
//! ```no_run
//! use tidegate_testkit::circumstances::{Circumstance, once_more};
//!
//! #[test]
//! fn it_holds_under_any_umask() {
//!     if once_more("it_holds_under_any_umask", Circumstance::Umask("000")) {
//!         return;
//!     }
//!     // Here the umask is 000.
//! }
//! ```

use std::{path::PathBuf, process::Command};

/// Says to a test that it is the one run once more.
const MARK: &str = "TIDEGATE_TEST_ONCE_MORE";
/// Where the small disk is, in a world in which nobody else sees it.
const SMALL_DISK: &str = "TIDEGATE_TEST_SMALL_DISK";

/// What is different.
#[derive(Clone, Copy, Debug)]
pub enum Circumstance {
    /// The umask, in octal digits.
    Umask(&'static str),
    /// There is a disk with so much room, at [`small_disk`]: bytes and files.
    SmallDisk {
        /// Bytes that fit.
        bytes: u64,
        /// Files and folders that fit.
        files: u64,
    },
}

/// Runs the test of this name, as `cargo test` spells it, under the circumstance; says whether
/// that was done. In the run itself it was not: the test goes on.
///
/// # Panics
///
/// If the test fails there, or the circumstance cannot be had.
pub fn once_more(test: &str, circumstance: Circumstance) -> bool {
    if std::env::var_os(MARK).is_some() {
        return false;
    }
    // Where the small disk is put; nothing is left in it for us.
    let place = tempfile::tempdir().expect("the temporary folder can be written");
    let mut command = match circumstance {
        Circumstance::Umask(umask) => shell(&format!("umask {umask}; exec \"$@\"")),
        Circumstance::SmallDisk { bytes, files } => {
            // In namespaces of its own: it takes no root, and the disk is gone with the process.
            let script = format!(
                "exec unshare --user --map-root-user --mount sh -c '\
                     mount -t tmpfs -o size={bytes},nr_inodes={files} tmpfs \"$0\" && exec \"$@\"' \
                 {place} \"$@\"",
                place = place.path().display(),
            );
            let mut command = shell(&script);
            command.env(SMALL_DISK, place.path());
            command
        }
    };
    let program = std::env::current_exe().expect("a test is a program");
    let ran = command
        .arg(program)
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "1")
        .output()
        .expect("sh is there");
    let (said, complained) =
        (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    let is_one = said.contains("1 passed");
    assert!(ran.status.success() && is_one, "{test}, {circumstance:?}:\n{said}\n{complained}");
    true
}

/// Folder of the small disk.
///
/// # Panics
///
/// If the test does not run with one.
pub fn small_disk() -> PathBuf {
    std::env::var_os(SMALL_DISK).expect("the test runs once more, with a small disk").into()
}

fn shell(script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]);
    shell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_disk_is_soon_full() {
        let circumstance = Circumstance::SmallDisk { bytes: 64 << 10, files: 8 };
        if once_more("circumstances::tests::a_small_disk_is_soon_full", circumstance) {
            return;
        }
        let full = std::fs::write(small_disk().join("a"), vec![0; 100 << 10]).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }
}
