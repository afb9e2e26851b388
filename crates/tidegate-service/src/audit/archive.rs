//! A place that keeps archives of the log: files in a folder or a bucket, never written over.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, path::Path as Key,
};
use tidegate_model::audit::{Archive, ChainWalk, SignedArchive, StoredEntry};

use super::{
    anchor::{self, AnchorError, bucket},
    settings::AnchorSettings,
};
use crate::{
    keys::{PublicKeys, Purpose},
    service::blocking,
};

/// Bytes of a file at most, as it is read into memory: ten thousand entries have some ten million.
/// One that is larger is not believed, and its entries are not dropped.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Name of the file that proves that others can be written.
const PROBE: &str = "probe";

/// A place that keeps archives of the log.
#[derive(Clone, Debug)]
pub struct ArchivePlace {
    name: String,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Folder(PathBuf),
    Objects { store: Arc<dyn ObjectStore>, prefix: Key },
}

/// The place cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchivePlaceError {
    /// A file of it cannot be read or written.
    #[error("cannot use the archive `{path}`")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The object store fails.
    #[error("cannot use the archives in `{place}`")]
    Objects {
        /// Which ones.
        place: String,
        /// What the store said.
        #[source]
        cause: Error,
    },
}

impl ArchivePlace {
    /// The place that a setting names.
    ///
    /// # Errors
    ///
    /// If the access to a bucket is not configured.
    pub fn open(settings: &AnchorSettings) -> Result<Self, AnchorError> {
        match settings {
            AnchorSettings::File(path) => Ok(Self::folder(path)),
            AnchorSettings::S3 { bucket: name, prefix } => {
                let place = settings.to_string();
                Ok(Self::objects(place.clone(), bucket(&place, name)?, prefix))
            }
        }
    }

    /// A folder. It is made at the first archive.
    pub fn folder(path: &Path) -> Self {
        let name = format!("file:{}", path.display());
        Self { name, place: Place::Folder(path.to_owned()) }
    }

    /// Objects under a prefix. The store must know put-if-absent.
    pub fn objects(name: impl Into<String>, store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self { name: name.into(), place: Place::Objects { store, prefix: Key::from(prefix) } }
    }

    /// Its name, as the configuration spells it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Proves that archives can be kept here: a file of no archive is put and read. It stays.
    ///
    /// # Errors
    ///
    /// If they cannot.
    pub async fn check(&self) -> Result<(), ArchivePlaceError> {
        self.put(PROBE, Bytes::from_static(b"a probe\n")).await?;
        self.get(PROBE).await.map(drop)
    }

    /// Puts a file where there is none, and sees to it that it lasts; false if there is one.
    pub(crate) async fn put(&self, name: &str, content: Bytes) -> Result<bool, ArchivePlaceError> {
        match &self.place {
            Place::Folder(folder) => {
                let (folder, path) = (folder.clone(), folder.join(name));
                let done = {
                    let path = path.clone();
                    blocking(move || put_file(&folder, &path, &content)).await
                };
                done.map_err(|cause| ArchivePlaceError::File { path, cause })
            }
            Place::Objects { store, prefix } => {
                let options = PutOptions::from(PutMode::Create);
                let key = prefix.clone().join(name);
                match store.put_opts(&key, PutPayload::from(content), options).await {
                    Ok(_) => Ok(true),
                    Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
                    Err(cause) => Err(self.failed(cause)),
                }
            }
        }
    }

    /// What a file holds; none if there is none.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<Bytes>, ArchivePlaceError> {
        match &self.place {
            Place::Folder(folder) => {
                let path = folder.join(name);
                let read = {
                    let path = path.clone();
                    blocking(move || get_file(&path)).await
                };
                match read {
                    Ok(content) => Ok(Some(content)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(cause) => Err(ArchivePlaceError::File { path, cause }),
                }
            }
            Place::Objects { store, prefix } => {
                let found = match store.get(&prefix.clone().join(name)).await {
                    Ok(found) => found,
                    Err(Error::NotFound { .. }) => return Ok(None),
                    Err(cause) => return Err(self.failed(cause)),
                };
                if found.meta.size > FILE_BYTES_MAX {
                    return Ok(Some(Bytes::new()));
                }
                found.bytes().await.map(Some).map_err(|cause| self.failed(cause))
            }
        }
    }

    fn failed(&self, cause: Error) -> ArchivePlaceError {
        ArchivePlaceError::Objects { place: self.name.clone(), cause }
    }
}

/// Writes a file whole and synced, or not at all, and never over another one.
fn put_file(folder: &Path, path: &Path, content: &[u8]) -> io::Result<bool> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let draft = folder.join(format!(".{:032x}.draft", rand::random::<u128>()));
    let written = || -> io::Result<bool> {
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(content)?;
        file.sync_all()?;
        match fs::hard_link(&draft, path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(error),
        }
        anchor::sync_folders(folder)?;
        Ok(true)
    };
    let written = written();
    // A draft that stays is in nobody's way.
    drop(fs::remove_file(&draft));
    written
}

fn get_file(path: &Path) -> io::Result<Bytes> {
    let file = anchor::open(File::options().read(true), path)?;
    let mut content = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut content)?;
    Ok(content.into())
}

/// An archive's file, as it is read.
#[derive(Debug)]
pub(crate) struct ArchiveFile {
    /// What its first line says, if one of our keys signed that.
    pub(crate) says: Archive,
    /// The first line.
    pub(crate) signed: SignedArchive,
    /// The entries behind it, as far as they can be read. Whether they are those that were signed
    /// is for the walk along the chain to find out.
    pub(crate) entries: Vec<StoredEntry>,
}

impl ArchiveFile {
    /// Reads a file; none if it does not begin with a statement that one of our keys signed, or
    /// holds something else than entries.
    pub(crate) fn read(content: &[u8], keys: &PublicKeys) -> Option<Self> {
        let mut lines = str::from_utf8(content).ok()?.strip_suffix('\n')?.split('\n');
        let signed = SignedArchive::of_line(lines.next()?)?;
        let says = proven(&signed, keys)?;
        let entries = lines.map(StoredEntry::of_line).collect::<Option<_>>()?;
        Some(Self { says, signed, entries })
    }

    /// Whether its entries are those that were signed.
    pub(crate) fn is_whole(&self) -> bool {
        let Archive { from, to, prev, head, .. } = &self.says;
        let mut walk = ChainWalk::after(from - 1, prev);
        let fits = self.entries.iter().all(|stored| walk.step(stored, None).is_ok());
        fits && (walk.seq(), walk.head()) == (*to, head)
    }

    /// The text of a file.
    pub(crate) fn write(signed: &SignedArchive, entries: &[StoredEntry]) -> Bytes {
        let lines = entries.iter().map(StoredEntry::line);
        let lines = std::iter::once(signed.line()).chain(lines);
        lines.map(|line| line + "\n").collect::<String>().into()
    }
}

/// What a statement says, if one of our keys signed it.
pub(crate) fn proven(signed: &SignedArchive, keys: &PublicKeys) -> Option<Archive> {
    let SignedArchive { archive, key, signature } = signed;
    keys.verify(Purpose::Archive, archive, key, signature).ok()?;
    signed.says()
}
