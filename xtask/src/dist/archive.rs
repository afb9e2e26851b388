//! Packs files into a tarball whose bytes depend on nothing but what goes in.

use anyhow::Result;
use flate2::{Compression, write::GzEncoder};

const PROGRAM_MODE: u32 = 0o755;
const DOCUMENT_MODE: u32 = 0o644;

/// A file of the archive.
pub(super) struct Entry {
    name: String,
    mode: u32,
    bytes: Vec<u8>,
}

impl Entry {
    /// A file that can be run.
    pub(super) fn program(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), mode: PROGRAM_MODE, bytes }
    }

    /// A file that can be read.
    pub(super) fn document(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), mode: DOCUMENT_MODE, bytes }
    }
}

/// The files in a folder of that name, sorted, all of one time, owned by nobody in particular.
pub(super) fn tarball(folder: &str, mut entries: Vec<Entry>, seconds: u64) -> Result<Vec<u8>> {
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for entry in entries {
        let mut header = tar::Header::new_ustar();
        header.set_mode(entry.mode);
        header.set_mtime(seconds);
        header.set_size(u64::try_from(entry.bytes.len())?);
        let path = format!("{folder}/{}", entry.name);
        archive.append_data(&mut header, path, entry.bytes.as_slice())?;
    }
    Ok(archive.into_inner()?.finish()?)
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::*;

    fn entries() -> Vec<Entry> {
        vec![Entry::program("b", vec![0; 9]), Entry::document("a", b"text".to_vec())]
    }

    #[test]
    fn the_same_files_make_the_same_bytes_in_any_order() {
        let mut turned = entries();
        turned.reverse();
        let first = tarball("x", entries(), 1_700_000_000).unwrap();
        assert_eq!(first, tarball("x", turned, 1_700_000_000).unwrap());
    }

    #[test]
    fn tar_finds_the_files_with_their_modes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.tar.gz");
        fs::write(&path, tarball("x", entries(), 1_700_000_000).unwrap()).unwrap();
        let listed = Command::new("tar").arg("-tvzf").arg(path).env("TZ", "UTC").output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        let lines: Vec<&str> = listed.lines().collect();
        assert!(lines[0].starts_with("-rw-r--r--") && lines[0].ends_with("2023-11-14 22:13 x/a"));
        assert!(lines[1].starts_with("-rwxr-xr-x") && lines[1].ends_with("x/b"));
    }
}
