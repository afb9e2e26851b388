//! A file that has no name until it is whole and synced.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

use super::{Artifact, direct::DirectFile};
use crate::RunError;

/// Only the owner may read an export.
const MODE: Mode = Mode::from_raw_mode(0o600);

/// A file under construction.
pub struct FileArtifact {
    path: PathBuf,
    file: DirectFile,
    /// Name of the file while it has none of its own, on file systems without `O_TMPFILE`.
    draft: Option<Draft>,
}

impl FileArtifact {
    /// Starts a file that will stand at `path`; one that is there stays until then.
    ///
    /// # Errors
    ///
    /// If the folder does not exist or cannot be written to.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, RunError> {
        let path = path.into();
        // A link stays a link: the file that it points to is the one to replace.
        let path = path.canonicalize().unwrap_or(path);
        if path.is_dir() || path.file_name().is_none() {
            let cause = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(RunError::Artifact { name: path.display().to_string(), cause });
        }
        match open_nameless(folder(&path)).or_else(|_| open_draft(&path)) {
            Ok((file, draft)) => Ok(Self { path, file: DirectFile::new(file), draft }),
            Err(cause) => Err(RunError::Artifact { name: path.display().to_string(), cause }),
        }
    }

    fn name_and_sync(&mut self) -> io::Result<()> {
        self.file.sync()?;
        let draft = match self.draft.take() {
            Some(draft) => draft,
            None => link_draft(self.file.file(), &self.path)?,
        };
        draft.rename(&self.path)?;
        File::open(folder(&self.path))?.sync_all()
    }
}

impl Write for FileArtifact {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Artifact for FileArtifact {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn publish(mut self: Box<Self>) -> Result<(), RunError> {
        let published = self.name_and_sync();
        published.map_err(|cause| RunError::Artifact { name: self.name(), cause })
    }
}

/// A temporary name, removed unless it is renamed.
struct Draft(PathBuf);

impl Draft {
    fn rename(self, path: &Path) -> io::Result<()> {
        fs::rename(&self.0, path)?;
        std::mem::forget(self);
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Nothing more can be done about it here.
        let _ = fs::remove_file(&self.0);
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A file without any name: even a kill leaves nothing.
fn open_nameless(folder: &Path) -> io::Result<(File, Option<Draft>)> {
    let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
    Ok((File::from(rustix::fs::openat(CWD, folder, flags, MODE)?), None))
}

fn open_draft(path: &Path) -> io::Result<(File, Option<Draft>)> {
    let draft = draft_path(path);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(CWD, &draft, flags, MODE)?);
    Ok((file, Some(Draft(draft))))
}

/// Gives a nameless file a temporary name; a link, unlike a rename, cannot replace a file.
fn link_draft(file: &File, path: &Path) -> io::Result<Draft> {
    let draft = draft_path(path);
    let nameless = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(CWD, nameless, CWD, &draft, AtFlags::SYMLINK_FOLLOW)?;
    Ok(Draft(draft))
}

/// A hidden name beside `path` that no other export of this machine uses.
fn draft_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unique = format!(".{name}.{}.{:x}.part", std::process::id(), name.as_ptr() as usize);
    path.with_file_name(unique)
}
