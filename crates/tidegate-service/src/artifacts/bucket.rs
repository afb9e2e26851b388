//! Files in a bucket of an S3-compatible store.

mod list;
mod options;
mod signed;
mod upload;

use std::{
    fmt,
    ops::Range,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use object_store::{
    GetOptions, GetRange, GetResult, MultipartId, ObjectStore, ObjectStoreExt, PutMode, PutPayload,
    aws::AmazonS3, multipart::MultipartStore, path::Path,
};
use sha2::{Digest, Sha256};
use tokio::{runtime::Handle, task::JoinHandle, time::timeout};

pub use options::{BucketOptions, Retry};
pub(super) use upload::BucketUpload;

use super::{
    download::{Pieces, StoredFile},
    error::ArtifactError,
    key::{ObjectKey, ObjectName},
};
use signed::{Head, SignedRequests};

/// Longest silence of the store while it sends a file.
const IDLE_SECONDS_MAX: Duration = Duration::from_secs(60);
/// Code of the store where the bucket itself is not there: no file is missing then.
const NO_BUCKET: &str = "NoSuchBucket";

/// A bucket, and what is in front of every key in it.
pub(super) struct Bucket {
    /// For requests that are over soon.
    store: AmazonS3,
    /// For sending files, which takes as long as whoever receives them.
    reads: AmazonS3,
    requests: SignedRequests,
    prefix: Path,
    part_bytes: usize,
    retry: Retry,
    runtime: Handle,
    /// Uploads that are being given up in the background.
    cleanups: Mutex<Vec<JoinHandle<()>>>,
}

impl fmt::Debug for Bucket {
    /// Says where it is: its clients would tell their credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({}/{})", self.store, self.prefix)
    }
}

impl Bucket {
    /// Where something of ours lies.
    fn path(&self, name: &ObjectName) -> Path {
        let name = name.to_string();
        self.prefix.parts().chain(Path::from(name).parts()).collect()
    }

    /// What lies there.
    fn name(&self, path: &Path) -> ObjectName {
        let below = path.prefix_match(&self.prefix).map(|parts| parts.collect::<Path>());
        ObjectName::parse(below.as_ref().unwrap_or(path).as_ref())
    }

    /// Puts a small object where nothing is. Whether it is there is asked afterwards, so an answer
    /// that got lost does no harm.
    pub(super) async fn put(&self, name: &ObjectName, content: Bytes) -> Result<(), ArtifactError> {
        let path = self.path(name);
        let payload = PutPayload::from_bytes(content.clone());
        let expected = Whole::of(&content);
        let mut pauses = self.retry.pauses();
        loop {
            let mut put = self.store.put_opts(&path, payload.clone(), PutMode::Create.into()).await;
            if let Err(object_store::Error::NotImplemented { .. }) = put {
                // The store was said to know no conditions. The key is a new one in any case.
                put = self.store.put_opts(&path, payload.clone(), PutMode::Overwrite.into()).await;
            }
            let is_sure = put.is_ok();
            let is_over = put.as_ref().is_err_and(is_final);
            let answer = put.err().map(|error| failed("keep", name, error));
            match self.look(name).await {
                Ok(Some(head)) => {
                    head.check(name, &expected)?;
                    if is_sure || head.checksum.is_some() {
                        return Ok(());
                    }
                    return self.check_same(name, &content).await;
                }
                Ok(None) => {}
                Err(error) => tracing::debug!(%name, %error, "cannot see what became of a write"),
            }
            match pauses.next() {
                Some(pause) if !is_over => tokio::time::sleep(pause).await,
                Some(_) | None => return Err(answer.unwrap_or_else(|| lost("keep", name))),
            }
        }
    }

    async fn check_same(&self, name: &ObjectName, content: &Bytes) -> Result<(), ArtifactError> {
        match self.get(name).await? == *content {
            true => Ok(()),
            false => Err(ArtifactError::Exists { name: name.to_string() }),
        }
    }

    /// Reads a small object.
    pub(super) async fn get(&self, name: &ObjectName) -> Result<Bytes, ArtifactError> {
        let found = self.store.get(&self.path(name)).await;
        let bytes = match found {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        bytes.map_err(|error| failed("read", name, error))
    }

    /// Begins an upload in parts. Where the answer was lost there is one more, for the sweep.
    async fn begin_parts(
        &self,
        path: &Path,
        name: &ObjectName,
    ) -> Result<MultipartId, ArtifactError> {
        let mut pauses = self.retry.pauses();
        loop {
            let error = match self.store.create_multipart(path).await {
                Ok(id) => return Ok(id),
                Err(error) => error,
            };
            match pauses.next() {
                Some(pause) if !is_final(&error) => tokio::time::sleep(pause).await,
                Some(_) | None => return Err(failed("begin", name, error)),
            }
        }
    }

    /// Begins an upload in parts and gives it up.
    pub(super) async fn check_parts(&self, name: &ObjectName) -> Result<(), ArtifactError> {
        let path = self.path(name);
        let checked = async {
            let id = self.store.create_multipart(&path).await?;
            self.store.put_part(&path, &id, 0, PutPayload::from_static(b"probe")).await?;
            self.store.abort_multipart(&path, &id).await
        };
        checked.await.map_err(|error| failed("take parts of", name, error))
    }

    /// What the store knows of an object, if it has it.
    async fn look(&self, name: &ObjectName) -> Result<Option<Head>, ArtifactError> {
        self.requests.head(&self.path(name), name).await
    }

    /// Begins to read a file; that it is as long as it was is known before the first piece.
    pub(super) async fn read(
        &self,
        stored: &StoredFile,
        range: &Range<u64>,
    ) -> Result<Pieces, ArtifactError> {
        let name = ObjectName::File(stored.key.clone());
        let is_part = *range != (0..stored.bytes);
        let options = GetOptions {
            // A part of nothing cannot be asked for.
            range: (is_part && !range.is_empty()).then(|| GetRange::Bounded(range.clone())),
            head: range.is_empty(),
            ..GetOptions::default()
        };
        let path = self.path(&name);
        let found = match timeout(IDLE_SECONDS_MAX, self.reads.get_opts(&path, options)).await {
            Ok(found) => found.map_err(|error| failed("read", &name, error))?,
            Err(silence) => return Err(ArtifactError::unavailable("read", name, silence)),
        };
        if found.meta.size != stored.bytes {
            return Err(ArtifactError::WrongSize {
                name: name.to_string(),
                expected: stored.bytes,
                found: found.meta.size,
            });
        }
        match range.is_empty() {
            true => Ok(Box::pin(stream::empty())),
            false => Ok(pieces(name, found)),
        }
    }

    /// Whether there is something of that name, be it only an older version.
    pub(super) async fn has(&self, name: &ObjectName) -> Result<bool, ArtifactError> {
        self.requests.has_any(&self.path(name), name).await
    }

    /// Deletes a file and its manifest, all versions of them.
    pub(super) async fn delete(&self, key: &ObjectKey) -> Result<(), ArtifactError> {
        for name in [ObjectName::File(key.clone()), ObjectName::Manifest(key.clone())] {
            self.remove(&name).await?;
        }
        Ok(())
    }

    /// Deletes something, all versions of it.
    pub(super) async fn remove(&self, name: &ObjectName) -> Result<(), ArtifactError> {
        let path = self.path(name);
        let left = self.requests.delete(&path, name).await?;
        if left.has_versions {
            self.requests.delete_versions(&path, name).await?;
        }
        Ok(())
    }

    /// Does something in the background that must not get lost when the program ends.
    fn clean_up(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut cleanups = self.cleanups.lock().unwrap_or_else(PoisonError::into_inner);
        cleanups.retain(|cleanup| !cleanup.is_finished());
        cleanups.push(self.runtime.spawn(work));
    }

    /// Waits for what is done in the background.
    pub(super) async fn settle(&self) {
        let cleanups =
            std::mem::take(&mut *self.cleanups.lock().unwrap_or_else(PoisonError::into_inner));
        for cleanup in cleanups {
            // One that panicked has said so.
            drop(cleanup.await);
        }
    }
}

/// What an object must be.
struct Whole {
    bytes: u64,
    /// In base64, as S3 tells it.
    sha256: String,
}

impl Whole {
    fn of(content: &[u8]) -> Self {
        let sha256 = BASE64_STANDARD.encode(Sha256::digest(content));
        Self { bytes: content.len() as u64, sha256 }
    }
}

impl Head {
    fn check(&self, name: &ObjectName, expected: &Whole) -> Result<(), ArtifactError> {
        let name = name.to_string();
        if self.bytes != expected.bytes {
            let (expected, found) = (expected.bytes, self.bytes);
            return Err(ArtifactError::WrongSize { name, expected, found });
        }
        match &self.checksum {
            Some(checksum) if *checksum != expected.sha256 => {
                Err(ArtifactError::WrongHash { name })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// The body of an answer. It may be slow, but not silent.
fn pieces(name: ObjectName, found: GetResult) -> Pieces {
    Box::pin(stream::try_unfold(found.into_stream(), move |mut body| {
        let name = name.clone();
        async move {
            match timeout(IDLE_SECONDS_MAX, body.next()).await {
                Ok(Some(piece)) => {
                    let piece = piece.map_err(|error| failed("read", &name, error))?;
                    Ok(Some((piece, body)))
                }
                Ok(None) => Ok(None),
                Err(silence) => Err(ArtifactError::unavailable("read", name, silence)),
            }
        }
    }))
}

/// What the store said, by what a caller can do about it.
fn failed(effort: &'static str, name: &ObjectName, error: object_store::Error) -> ArtifactError {
    match error {
        object_store::Error::NotFound { source, .. } if !source.to_string().contains(NO_BUCKET) => {
            ArtifactError::Missing { name: name.to_string() }
        }
        other => ArtifactError::unavailable(effort, name, other),
    }
}

/// Whether the store would say the same again.
fn is_final(error: &object_store::Error) -> bool {
    matches!(
        error,
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. }
    )
}

/// The store said yes, and has nothing.
fn lost(effort: &'static str, name: &ObjectName) -> ArtifactError {
    ArtifactError::unavailable(effort, name, "the store confirmed it, and does not have it")
}
