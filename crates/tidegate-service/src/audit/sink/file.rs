//! Streams entries to a file: a line an entry, appended and synced.

use std::{
    fs::{DirBuilder, File},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use tidegate_model::audit::StoredEntry;

use super::{blocking, lines_of};
use crate::audit::anchor::{open, sync_folders};

/// How much of the end is read at a time to find the end of the last whole line.
const TAIL_BYTES: u64 = 64 << 10;

/// A file that lines are appended to. It is opened anew for each page, so it may be moved away.
#[derive(Debug)]
pub(super) struct FileSink {
    path: PathBuf,
}

impl FileSink {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(super) async fn send(&self, page: &[StoredEntry]) -> io::Result<()> {
        let (path, lines) = (self.path.clone(), lines_of(page));
        blocking(move || append(&path, &lines)).await
    }
}

fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut options = File::options();
    let mut file = open(options.read(true).append(true).create(true).mode(0o600), path)?;
    // Whoever holds it may wait for a disk that hangs: to wait here, too, would help nobody.
    file.try_lock()?;
    // A line whose writer died was not noted as sent, so it comes again, whole.
    let length = file.metadata()?.len();
    let whole = whole_lines(&file, length)?;
    if whole < length {
        file.set_len(whole)?;
    }
    file.write_all(lines)?;
    file.sync_all()?;
    if length == 0 { sync_folders(folder) } else { Ok(()) }
}

/// Bytes of the file up to the end of its last whole line.
fn whole_lines(mut file: &File, length: u64) -> io::Result<u64> {
    let mut end = length;
    while end > 0 {
        let from = end.saturating_sub(TAIL_BYTES);
        file.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        file.take(end - from).read_to_end(&mut tail)?;
        if let Some(at) = tail.iter().rposition(|octet| *octet == b'\n') {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}
