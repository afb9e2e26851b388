//! A file that has no name until it is whole and synced.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{Artifact, DraftFile};
use crate::RunError;

/// A file under construction.
pub struct FileArtifact {
    path: PathBuf,
    folder: File,
    file_name: OsString,
    draft: DraftFile,
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
        let name = path.display().to_string();
        Self::start(path).map_err(|cause| RunError::Artifact { name, cause })
    }

    fn start(path: PathBuf) -> io::Result<Self> {
        let file_name = path.file_name().filter(|_| !path.is_dir()).map(OsString::from);
        let file_name = file_name.ok_or(io::ErrorKind::IsADirectory)?;
        let folder = File::open(folder(&path))?;
        let draft = DraftFile::create_in(folder.try_clone()?, &file_name)?;
        Ok(Self { path, folder, file_name, draft })
    }

    fn sync_and_name(mut self) -> io::Result<()> {
        self.draft.sync()?;
        self.draft.replace(&self.file_name)?;
        self.folder.sync_all()
    }
}

impl Write for FileArtifact {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.draft.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.draft.flush()
    }
}

impl Artifact for FileArtifact {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn publish(self: Box<Self>) -> Result<(), RunError> {
        let name = self.name();
        self.sync_and_name().map_err(|cause| RunError::Artifact { name, cause })
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}
