//! Files in a folder of this host: reached through open folders, so that no link leads outside.

mod list;

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read, Write},
    ops::Range,
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::stream;
use rustix::fs::{AtFlags, Mode, OFlags};
use tidegate_pipeline::DraftFile;

use super::{
    download::Pieces,
    error::ArtifactError,
    key::{IDENTITY_NAME, ObjectKey, ObjectName},
};
use crate::service::blocking;

/// Only the owner may enter.
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o700);
/// Permission bits that let others put something else in a file's place.
const OTHERS_WRITE: u32 = 0o022;
/// Bytes of a piece: some reads of a disk, and small beside what a connection buffers.
const PIECE_BYTES: usize = 256 << 10;
/// Bytes of what says whose the folder is, at most.
const IDENTITY_BYTES_MAX: u64 = 4096;
/// How often a folder is made again that somebody else removed as empty at that moment.
const PLACE_ATTEMPTS_MAX: usize = 16;
/// How a folder is opened: itself, not what a link leads to.
const OPEN_FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// How a file is opened; a pipe in its place must not hold us.
const OPEN_FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// A folder with a folder for each job.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    root: File,
}

impl Folder {
    /// Opens the folder, and makes it where there is none.
    pub(super) fn open(path: &Path) -> Result<Self, ArtifactError> {
        let named = path.display().to_string();
        let fail = |cause| ArtifactError::of_system("open", &named, cause);
        let is_new = !path.exists();
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(FOLDER_MODE.bits()).create(path).map_err(fail)?;
        let path = path.canonicalize().map_err(fail)?;
        if is_new {
            // The umask may have taken even the owner's rights.
            rustix::fs::chmod(&path, FOLDER_MODE).map_err(|error| fail(error.into()))?;
        }
        let root = File::open(&path).map_err(fail)?;
        let found = root.metadata().map_err(fail)?;
        let own = rustix::process::geteuid().as_raw();
        if found.mode() & OTHERS_WRITE != 0 || (found.uid() != own && found.uid() != 0) {
            return Err(ArtifactError::Exposed { path });
        }
        Ok(Self { path, root })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder itself.
    pub(super) fn root(&self) -> &File {
        &self.root
    }

    /// Starts a file. It stands in the folder of no job until it is whole: that folder may be
    /// removed as empty meanwhile.
    pub(super) fn create(
        self: &Arc<Self>,
        name: ObjectName,
    ) -> Result<FolderUpload, ArtifactError> {
        let hint = name.to_string().replace('/', "_");
        let draft = self
            .root
            .try_clone()
            .and_then(|root| DraftFile::create_in(root, OsStr::new(&hint)))
            .map_err(|cause| refused("begin", &name, cause))?;
        Ok(FolderUpload { folder: Arc::clone(self), name, draft })
    }

    /// Puts a small file where nothing is, or the same already.
    pub(super) fn put(
        self: &Arc<Self>,
        name: ObjectName,
        content: &Bytes,
    ) -> Result<(), ArtifactError> {
        let mut upload = self.create(name.clone())?;
        upload.write_all(content).map_err(|cause| refused("write", &name, cause))?;
        match upload.finish() {
            Err(ArtifactError::Exists { .. }) if self.is_same(&name, content) => Ok(()),
            finished => finished,
        }
    }

    /// What says whose the folder is.
    pub(super) fn identity(&self) -> Result<Vec<u8>, ArtifactError> {
        let read = || -> io::Result<Vec<u8>> {
            let opened = rustix::fs::openat(&self.root, IDENTITY_NAME, OPEN_FILE, Mode::empty())?;
            let mut text = Vec::new();
            File::from(opened).take(IDENTITY_BYTES_MAX).read_to_end(&mut text)?;
            Ok(text)
        };
        read().map_err(|cause| refused("read", &ObjectName::Identity, cause))
    }

    /// Says whose the folder is, where nothing does.
    pub(super) fn put_identity(&self, text: &[u8]) -> Result<(), ArtifactError> {
        let put = || -> io::Result<()> {
            let name = OsStr::new(IDENTITY_NAME);
            let mut draft = DraftFile::create_in(self.root.try_clone()?, name)?;
            draft.write_all(text)?;
            draft.sync()?;
            draft.link(&self.root, name)?;
            self.root.sync_all()
        };
        put().map_err(|cause| refused("keep", &ObjectName::Identity, cause))
    }

    /// Says no longer whose the folder is.
    pub(super) fn remove_identity(&self) -> Result<(), ArtifactError> {
        let remove = || -> io::Result<()> {
            match rustix::fs::unlinkat(&self.root, IDENTITY_NAME, AtFlags::empty()) {
                Ok(()) | Err(rustix::io::Errno::NOENT) => self.root.sync_all(),
                Err(error) => Err(error.into()),
            }
        };
        remove().map_err(|cause| refused("delete", &ObjectName::Identity, cause))
    }

    fn is_same(&self, name: &ObjectName, content: &Bytes) -> bool {
        let found = self.open_file(name).and_then(|(file, bytes)| {
            let mut found = Vec::new();
            file.take(bytes).read_to_end(&mut found)?;
            Ok(found)
        });
        found.is_ok_and(|found| found == **content)
    }

    /// Gives a file its name and sees to it that it lasts.
    fn place(&self, draft: &DraftFile, key: &ObjectKey, file_name: &str) -> io::Result<()> {
        for _ in 1..PLACE_ATTEMPTS_MAX {
            match self.try_place(draft, key, file_name) {
                // Somebody removed the folder as empty between its making and its use.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                placed => return placed,
            }
        }
        self.try_place(draft, key, file_name)
    }

    fn try_place(&self, draft: &DraftFile, key: &ObjectKey, file_name: &str) -> io::Result<()> {
        let folder = self.make_job_folder(key)?;
        draft.link(&folder, OsStr::new(file_name))?;
        folder.sync_all()?;
        self.root.sync_all()
    }

    fn make_job_folder(&self, key: &ObjectKey) -> io::Result<File> {
        let name = key.folder();
        match rustix::fs::mkdirat(&self.root, &name, FOLDER_MODE) {
            // The umask may have taken even the owner's rights.
            Ok(()) => rustix::fs::chmodat(&self.root, &name, FOLDER_MODE, AtFlags::empty())?,
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        self.job_folder(key)
    }

    pub(super) fn job_folder(&self, key: &ObjectKey) -> io::Result<File> {
        let folder = rustix::fs::openat(&self.root, key.folder(), OPEN_FOLDER, Mode::empty())?;
        Ok(folder.into())
    }

    /// Opens a file; says how long it is.
    fn open_file(&self, name: &ObjectName) -> io::Result<(File, u64)> {
        let (key, file_name) = split(name).ok_or(io::ErrorKind::NotFound)?;
        let folder = self.job_folder(key)?;
        let file = File::from(rustix::fs::openat(&folder, file_name, OPEN_FILE, Mode::empty())?);
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        Ok((file, found.len()))
    }

    /// Opens a file for reading; says how long it is.
    pub(super) async fn read(
        self: &Arc<Self>,
        name: ObjectName,
    ) -> Result<FolderFile, ArtifactError> {
        let folder = Arc::clone(self);
        blocking(move || {
            let (file, bytes) =
                folder.open_file(&name).map_err(|cause| refused("open", &name, cause))?;
            Ok(FolderFile { file: Arc::new(file), name: name.to_string(), bytes })
        })
        .await
    }

    /// Whether there is something of that name.
    pub(super) async fn has(self: &Arc<Self>, name: ObjectName) -> Result<bool, ArtifactError> {
        let folder = Arc::clone(self);
        blocking(move || {
            let found = || -> io::Result<()> {
                let (key, file_name) = split(&name).ok_or(io::ErrorKind::NotFound)?;
                let folder = folder.job_folder(key)?;
                rustix::fs::statat(&folder, file_name, AtFlags::SYMLINK_NOFOLLOW)?;
                Ok(())
            };
            match found() {
                Ok(()) => Ok(true),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(error) => Err(refused("look for", &name, error)),
            }
        })
        .await
    }

    /// Deletes a file and its manifest, and the folder of the job if that leaves it empty.
    pub(super) async fn delete(self: &Arc<Self>, key: ObjectKey) -> Result<(), ArtifactError> {
        let folder = Arc::clone(self);
        blocking(move || {
            folder.unlink(&key).map_err(|cause| ArtifactError::of_system("delete", &key, cause))
        })
        .await
    }

    fn unlink(&self, key: &ObjectKey) -> io::Result<()> {
        let folder = match self.job_folder(key) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => found?,
        };
        for name in [ObjectName::File(key.clone()), ObjectName::Manifest(key.clone())] {
            let Some((_, file_name)) = split(&name) else { continue };
            match rustix::fs::unlinkat(&folder, file_name, AtFlags::empty()) {
                Ok(()) | Err(rustix::io::Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        folder.sync_all()?;
        match rustix::fs::unlinkat(&self.root, key.folder(), AtFlags::REMOVEDIR) {
            Ok(()) => self.root.sync_all(),
            // Other attempts have files in it, or somebody was quicker.
            Err(
                rustix::io::Errno::NOTEMPTY | rustix::io::Errno::EXIST | rustix::io::Errno::NOENT,
            ) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Key and file name of what is ours.
fn split(name: &ObjectName) -> Option<(&ObjectKey, String)> {
    let text = name.to_string();
    let (_, file_name) = text.split_once('/')?;
    Some((name.key()?, file_name.to_owned()))
}

fn refused(effort: &'static str, name: &ObjectName, cause: io::Error) -> ArtifactError {
    ArtifactError::of_system(effort, name, cause)
}

/// A file that is being written.
pub(super) struct FolderUpload {
    folder: Arc<Folder>,
    name: ObjectName,
    draft: DraftFile,
}

impl FolderUpload {
    /// Makes the file durable, then visible, then its name durable.
    pub(super) fn finish(mut self) -> Result<(), ArtifactError> {
        let Some((key, file_name)) = split(&self.name) else {
            return Err(ArtifactError::Missing { name: self.name.to_string() });
        };
        let placed = self.draft.sync().and_then(|()| {
            self.folder.place(&self.draft, key, &file_name)?;
            self.folder.open_file(&self.name)
        });
        let (_, found) = placed.map_err(|cause| refused("keep", &self.name, cause))?;
        let expected = self.draft.bytes();
        if found == expected {
            return Ok(());
        }
        Err(ArtifactError::WrongSize { name: self.name.to_string(), expected, found })
    }
}

impl Write for FolderUpload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.draft.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.draft.flush()
    }
}

/// A file that is being read. It can be read to its end after it was deleted.
pub(super) struct FolderFile {
    file: Arc<File>,
    name: String,
    pub(super) bytes: u64,
}

impl FolderFile {
    /// The bytes of a range, or fewer where the file ends before it does.
    pub(super) fn pieces(self, range: Range<u64>) -> Pieces {
        let name = Arc::new(self.name);
        Box::pin(stream::try_unfold((self.file, range), move |(file, range)| {
            let name = Arc::clone(&name);
            async move {
                if range.is_empty() {
                    return Ok(None);
                }
                let source = Arc::clone(&file);
                let (from, to) = (range.start, range.end);
                let piece = blocking(move || read_piece(&source, from..to)).await;
                let piece =
                    piece.map_err(|cause| ArtifactError::unavailable("read", &name, cause))?;
                let read = piece.len() as u64;
                // The end of the file: whoever counts the bytes sees that it is too early.
                Ok((read > 0).then(|| (piece, (file, from + read..to))))
            }
        }))
    }
}

fn read_piece(file: &File, range: Range<u64>) -> io::Result<Bytes> {
    let bytes = usize::try_from(range.end - range.start).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
    let mut piece = vec![0; bytes];
    let mut filled = 0;
    while filled < bytes {
        match file.read_at(&mut piece[filled..], range.start + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    piece.truncate(filled);
    Ok(piece.into())
}
