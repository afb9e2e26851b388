//! An anchor that is a file: a line a checkpoint, appended and synced, never rewritten.

use std::{
    fs::{DirBuilder, File},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use tidegate_model::audit::SignedCheckpoint;

use super::{AnchorError, Numbered};
use crate::audit::reader::Reader;

/// How much of the end is read to find the last line, which has some 400 bytes.
const TAIL_BYTES: u64 = 64 << 10;

/// A file that lines are appended to.
#[derive(Clone, Debug)]
pub(super) struct FileAnchor {
    name: String,
    path: PathBuf,
}

/// The end of the file.
struct Tail {
    /// The last whole line.
    last: Option<SignedCheckpoint>,
    /// What stands behind it: the beginning of a line whose writer died.
    torn: Vec<u8>,
}

impl FileAnchor {
    pub(super) fn new(name: String, path: &Path) -> Self {
        Self { name, path: path.to_owned() }
    }

    pub(super) fn reader(&self) -> Reader {
        Reader::of_file(&self.path)
    }

    pub(super) fn latest(&self) -> Result<Option<SignedCheckpoint>, AnchorError> {
        let mut options = File::options();
        match open(options.read(true), &self.path) {
            Ok(file) => Ok(self.tail(&file)?.last),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    pub(super) fn append(&self, page: &[Numbered]) -> Result<(), AnchorError> {
        let folder = self.path.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new("."));
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|cause| self.failed(cause))?;
        let mut options = File::options();
        let opened = open(options.read(true).append(true).create(true).mode(0o600), &self.path);
        let mut file = opened.map_err(|cause| self.failed(cause))?;
        // Other processes of this host append to the same file.
        file.lock().map_err(|cause| self.failed(cause))?;
        let tail = self.tail(&file)?;
        let lines = self.lines_behind(&tail, page)?;
        if lines.is_empty() {
            return Ok(());
        }
        // A line that was begun is ended, not repeated: the file only ever grows.
        let Some(rest) = lines.as_bytes().strip_prefix(tail.torn.as_slice()) else {
            return Err(AnchorError::Damaged { anchor: self.name.clone() });
        };
        let mut written = || -> io::Result<()> {
            file.write_all(rest)?;
            file.sync_all()?;
            sync_folders(folder)
        };
        written().map_err(|cause| self.failed(cause))
    }

    /// The lines of those checkpoints that the file does not have.
    fn lines_behind(&self, tail: &Tail, page: &[Numbered]) -> Result<String, AnchorError> {
        let damaged = || AnchorError::Damaged { anchor: self.name.clone() };
        let known = match &tail.last {
            Some(last) => last.says().ok_or_else(damaged)?.number,
            None => 0,
        };
        let same = page.iter().find(|(number, _)| *number == known);
        if let Some((number, signed)) = same
            && tail.last.as_ref() != Some(signed)
        {
            return Err(AnchorError::Conflict { anchor: self.name.clone(), number: *number });
        }
        let new = page.iter().filter(|(number, _)| *number > known);
        Ok(new.map(|(_, signed)| signed.line() + "\n").collect())
    }

    fn tail(&self, file: &File) -> Result<Tail, AnchorError> {
        let mut file = file;
        let mut read = || -> io::Result<(Vec<u8>, bool)> {
            let length = file.metadata()?.len();
            let from = length.saturating_sub(TAIL_BYTES);
            file.seek(SeekFrom::Start(from))?;
            let mut tail = Vec::new();
            file.take(TAIL_BYTES).read_to_end(&mut tail)?;
            Ok((tail, from == 0))
        };
        let (mut tail, is_all) = read().map_err(|cause| self.failed(cause))?;
        let damaged = || AnchorError::Damaged { anchor: self.name.clone() };
        let Some(end) = tail.iter().rposition(|octet| *octet == b'\n') else {
            return if is_all { Ok(Tail { last: None, torn: tail }) } else { Err(damaged()) };
        };
        let torn = tail.split_off(end + 1);
        tail.pop();
        let line = tail.rsplit(|octet| *octet == b'\n').next().unwrap_or_default();
        let line = str::from_utf8(line).ok().and_then(SignedCheckpoint::of_line);
        Ok(Tail { last: Some(line.ok_or_else(damaged)?), torn })
    }

    fn failed(&self, cause: io::Error) -> AnchorError {
        AnchorError::File { path: self.path.clone(), cause }
    }
}

/// Opens a plain file. Something else, such as a pipe that nobody reads, would wait for ever.
pub(crate) fn open(options: &mut std::fs::OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file")),
    }
}

/// Syncs a folder, and the one that it stands in: both may be new.
pub(crate) fn sync_folders(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()?;
    match folder.parent().filter(|above| *above != Path::new("")) {
        Some(above) => File::open(above)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(number: i64, head: &str) -> Numbered {
        let checkpoint =
            format!(r#"{{"v":1,"number":{number},"seq":1,"head":"{head}","at":"","prev":""}}"#);
        (number, SignedCheckpoint { checkpoint, key: "k".to_owned(), signature: "s".to_owned() })
    }

    #[test]
    fn a_line_is_appended_once_and_never_beside_another_of_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchors.jsonl");
        let anchor = FileAnchor::new("test".to_owned(), &path);
        assert_eq!(anchor.latest().unwrap(), None);
        let page = [signed(1, "x"), signed(2, "y")];
        anchor.append(&page).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        anchor.append(&page).unwrap();
        let refused = anchor.append(&[signed(2, "other"), signed(3, "z")]).unwrap_err();
        assert!(matches!(refused, AnchorError::Conflict { number: 2, .. }), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert_eq!(anchor.latest().unwrap(), Some(signed(2, "y").1));
    }
}
