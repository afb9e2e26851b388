//! The artifact store: a folder of this host, or a bucket. Nothing in it is ever written over.
//!
//! A file has a key that is used once; its manifest stands beside it. A file becomes visible whole
//! and durable, or not at all.

mod bucket;
mod download;
mod error;
mod folder;
mod identity;
mod key;
mod listed;
mod probe;
mod upload;

use std::{ops::Range, path::Path, sync::Arc};

use bytes::Bytes;
use futures_util::TryStreamExt;

use bucket::Bucket;
use download::{Expected, verified};
use folder::Folder;

pub use bucket::{BucketOptions, Retry};
pub use download::{Download, Pieces, StoredFile};
pub use error::{ArtifactError, FAULT_CORRUPT, FAULT_MISSING};
pub use key::{ObjectKey, ObjectName};
pub use listed::{Listed, Listing, Unfinished};
pub use probe::ProbeError;
pub use upload::Upload;

pub(crate) use identity::refuse_other_store;

use crate::service::blocking;

/// Bytes of a manifest at most: thousands of fields, and no file by mistake.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;

/// The artifact store.
#[derive(Clone, Debug)]
pub struct Artifacts(Place);

#[derive(Clone, Debug)]
enum Place {
    Folder(Arc<Folder>),
    Bucket(Arc<Bucket>),
}

impl Artifacts {
    /// Opens the store at `file:FOLDER`, relative to `base`, or `s3://BUCKET[/PREFIX]`. Of a
    /// bucket nothing is asked yet. To be called on a runtime with threads of its own, which does
    /// the sending.
    ///
    /// # Errors
    ///
    /// If the URL or the options make no store, or others could write to the folder.
    pub fn open(url: &str, base: &Path, options: &BucketOptions) -> Result<Self, ArtifactError> {
        if let Some(place) = url.strip_prefix("s3://") {
            return Ok(Self(Place::Bucket(Arc::new(Bucket::open(place, options)?))));
        }
        let path = url.strip_prefix("file:").ok_or(ArtifactError::UnknownKind)?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() {
            return Err(ArtifactError::UnknownKind);
        }
        Ok(Self(Place::Folder(Arc::new(Folder::open(&base.join(path))?))))
    }

    /// What it is, in a word.
    pub fn kind(&self) -> &'static str {
        match &self.0 {
            Place::Folder(_) => "folder",
            Place::Bucket(_) => "bucket",
        }
    }

    /// Starts the file of an attempt. It is written by a plain thread.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written to.
    pub fn upload(&self, key: &ObjectKey) -> Result<Upload, ArtifactError> {
        Upload::start(&self.0, ObjectName::File(key.clone()))
    }

    /// Puts the manifest beside a file.
    ///
    /// # Errors
    ///
    /// If it cannot be kept, or another one is there.
    pub async fn put_manifest(&self, key: &ObjectKey, text: &str) -> Result<(), ArtifactError> {
        let name = ObjectName::Manifest(key.clone());
        let content = Bytes::copy_from_slice(text.as_bytes());
        match &self.0 {
            Place::Bucket(bucket) => bucket.put(&name, content).await,
            Place::Folder(folder) => {
                let folder = Arc::clone(folder);
                blocking(move || folder.put(name, &content)).await
            }
        }
    }

    /// Reads the manifest of a file.
    ///
    /// # Errors
    ///
    /// If it is not there, or cannot be read.
    pub async fn manifest(&self, key: &ObjectKey) -> Result<String, ArtifactError> {
        let name = ObjectName::Manifest(key.clone());
        let text = match &self.0 {
            Place::Bucket(bucket) => bucket.get(&name).await?.to_vec(),
            Place::Folder(folder) => {
                let file = folder.read(name.clone()).await?;
                let range = 0..file.bytes.min(MANIFEST_BYTES_MAX);
                file.pieces(range).try_collect::<Vec<Bytes>>().await?.concat()
            }
        };
        String::from_utf8(text).map_err(|error| ArtifactError::unavailable("read", name, error))
    }

    /// Begins to send a file, or the bytes of it that are in `range`. That the file is as long as
    /// it was is known before; a whole file ends without an error only if its checksum is right.
    ///
    /// # Errors
    ///
    /// If the file is missing or of another size, or the store fails.
    pub async fn download(
        &self,
        stored: &StoredFile,
        range: Option<Range<u64>>,
    ) -> Result<Download, ArtifactError> {
        let asked = range.unwrap_or(0..stored.bytes);
        let end = asked.end.min(stored.bytes);
        let range = asked.start.min(end)..end;
        let name = ObjectName::File(stored.key.clone());
        let pieces = match &self.0 {
            Place::Bucket(bucket) => bucket.read(stored, &range).await?,
            Place::Folder(folder) => {
                let file = folder.read(name.clone()).await?;
                if file.bytes != stored.bytes {
                    let (expected, found) = (stored.bytes, file.bytes);
                    let name = name.to_string();
                    return Err(ArtifactError::WrongSize { name, expected, found });
                }
                file.pieces(range.clone())
            }
        };
        let is_whole = range == (0..stored.bytes);
        let expected = Expected {
            name: name.to_string(),
            bytes: range.end - range.start,
            sha256: is_whole.then(|| stored.sha256.clone()),
        };
        Ok(Download { range, pieces: verified(pieces, expected) })
    }

    /// Whether there is a file of that key, or its manifest, be it only as an older version.
    ///
    /// # Errors
    ///
    /// If the store cannot be asked.
    pub async fn has(&self, key: &ObjectKey) -> Result<bool, ArtifactError> {
        for name in [ObjectName::File(key.clone()), ObjectName::Manifest(key.clone())] {
            let is_there = match &self.0 {
                Place::Folder(folder) => folder.has(name).await?,
                Place::Bucket(bucket) => bucket.has(&name).await?,
            };
            if is_there {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Deletes a file and its manifest, with all versions that the store keeps. What is not there
    /// is deleted.
    ///
    /// # Errors
    ///
    /// If the store does not do it; some of it may be gone then.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), ArtifactError> {
        match &self.0 {
            Place::Folder(folder) => folder.delete(key.clone()).await,
            Place::Bucket(bucket) => bucket.delete(key).await,
        }
    }

    /// Everything that lies in the store but the word that says whose it is, in no order.
    pub fn list(&self) -> Listing<Listed> {
        let all = match &self.0 {
            Place::Folder(folder) => folder.list(),
            Place::Bucket(bucket) => bucket.list(),
        };
        Box::pin(
            all.try_filter(|listed| {
                futures_util::future::ready(listed.name != ObjectName::Identity)
            }),
        )
    }

    /// What was begun, and neither finished nor given up.
    pub fn unfinished(&self) -> Listing<Unfinished> {
        match &self.0 {
            Place::Folder(folder) => folder.unfinished(),
            Place::Bucket(bucket) => bucket.unfinished(),
        }
    }

    /// Gives up what was begun. What is not there is given up.
    ///
    /// # Errors
    ///
    /// If the store does not do it.
    pub async fn abandon(&self, unfinished: &Unfinished) -> Result<(), ArtifactError> {
        match &self.0 {
            Place::Folder(folder) => folder.abandon(unfinished.id.0.clone()).await,
            Place::Bucket(bucket) => bucket.abandon(unfinished).await,
        }
    }

    /// Waits until uploads that were dropped are given up: before the program ends.
    pub async fn settle(&self) {
        match &self.0 {
            // A file without a name is gone at once.
            Place::Folder(_) => {}
            Place::Bucket(bucket) => bucket.settle().await,
        }
    }
}
