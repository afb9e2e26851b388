//! The artifact store, in a folder and in a bucket.

mod bucket;
pub(crate) mod conformance;
mod folder;

use std::{io::Write, ops::Range};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tidegate_model::{audit::hexadecimal, ids::JobId};
use tidegate_service::artifacts::{
    ArtifactError, Artifacts, BucketOptions, Listed, ObjectKey, Retry, StoredFile,
};
use tidegate_testkit::s3::{self, Bucket, S3};
use tokio::time::Duration;

/// Bytes of a part in tests: the smallest that S3 admits.
const PART_BYTES: usize = 5 << 20;
/// Prefix of the store in its bucket.
const PREFIX: &str = "some/where";

/// A store of a test's own, and a way past it.
pub(crate) struct Rig {
    pub(crate) artifacts: Artifacts,
    pub(crate) place: Place,
}

/// What the store is.
pub(crate) enum Place {
    Folder(TempDir),
    Bucket(Bucket<'static>),
}

impl Rig {
    pub(crate) fn folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = BucketOptions::default();
        let artifacts = Artifacts::open("file:artifacts", folder.path(), &options).unwrap();
        Self { artifacts, place: Place::Folder(folder) }
    }

    pub(crate) fn bucket() -> Self {
        Self::in_bucket(S3::shared().bucket(), &BucketOptions::default())
    }

    /// A store in a bucket, reached as in all tests but for what `options` says.
    pub(crate) fn in_bucket(bucket: Bucket<'static>, options: &BucketOptions) -> Self {
        let options = BucketOptions {
            endpoint: Some(bucket.endpoint()),
            region: Some(s3::REGION.to_owned()),
            access_key_id: Some(s3::ACCESS_KEY.to_owned()),
            secret_access_key: Some(SecretString::from(s3::SECRET_KEY)),
            allow_http: true,
            part_bytes: PART_BYTES,
            retry: Retry {
                retries_max: 4,
                pause_min: Duration::from_millis(1),
                pause_max: Duration::from_millis(5),
                time_max: Duration::from_secs(30),
            },
            ..options.clone()
        };
        let url = format!("s3://{}/{PREFIX}", bucket.name());
        let artifacts = Artifacts::open(&url, "/nowhere".as_ref(), &options).unwrap();
        Self { artifacts, place: Place::Bucket(bucket) }
    }

    /// Both kinds of store.
    pub(crate) fn all() -> [Self; 2] {
        [Self::folder(), Self::bucket()]
    }

    /// Writes a file as a worker does, and finishes it.
    pub(crate) async fn write(
        &self,
        key: &ObjectKey,
        content: &[u8],
    ) -> Result<StoredFile, ArtifactError> {
        let mut upload = self.artifacts.upload(key)?;
        let stored = stored(key, content);
        let content = content.to_vec();
        let written = tokio::task::spawn_blocking(move || {
            // Pieces that fit nothing.
            for piece in content.chunks(777_777) {
                upload.write_all(piece).map_err(|error| error.downcast().unwrap())?;
            }
            upload.flush().unwrap();
            upload.finish()
        });
        written.await.unwrap().map(|()| stored)
    }

    /// Reads a file, or a range of it, to the end.
    pub(crate) async fn read(
        &self,
        stored: &StoredFile,
        range: Option<Range<u64>>,
    ) -> Result<Vec<u8>, ArtifactError> {
        let download = self.artifacts.download(stored, range).await?;
        let expected = download.range.end - download.range.start;
        let pieces: Vec<Bytes> = download.pieces.try_collect().await?;
        assert_eq!(pieces.iter().map(|piece| piece.len() as u64).sum::<u64>(), expected);
        Ok(pieces.concat())
    }

    /// What of a file gets to whoever receives it, if the end never does.
    pub(crate) async fn read_broken(&self, stored: &StoredFile) -> (u64, ArtifactError) {
        let mut download = match self.artifacts.download(stored, None).await {
            Ok(download) => download,
            Err(error) => return (0, error),
        };
        let mut passed = 0;
        loop {
            match download.pieces.next().await.expect("it does not end well") {
                Ok(piece) => passed += piece.len() as u64,
                Err(error) => return (passed, error),
            }
        }
    }

    pub(crate) async fn list(&self) -> Vec<Listed> {
        let mut listed: Vec<Listed> = self.artifacts.list().try_collect().await.unwrap();
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        listed
    }

    pub(crate) async fn names(&self) -> Vec<String> {
        self.list().await.into_iter().map(|listed| listed.name.to_string()).collect()
    }

    pub(crate) async fn is_empty(&self) -> bool {
        let unfinished: Vec<_> = self.artifacts.unfinished().try_collect().await.unwrap();
        unfinished.is_empty() && self.names().await.is_empty()
    }

    /// Puts bytes under a name, past the store.
    pub(crate) fn put_past(&self, name: &str, content: &[u8]) {
        match &self.place {
            Place::Folder(folder) => {
                let path = folder.path().join("artifacts").join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, content).unwrap();
            }
            Place::Bucket(bucket) => bucket.put(&format!("{PREFIX}/{name}"), content),
        }
    }

    /// Removes a file, past the store.
    pub(crate) fn remove_past(&self, name: &str) {
        match &self.place {
            Place::Folder(folder) => {
                std::fs::remove_file(folder.path().join("artifacts").join(name)).unwrap();
            }
            Place::Bucket(bucket) => bucket.remove(&format!("{PREFIX}/{name}")),
        }
    }
}

pub(crate) fn stored(key: &ObjectKey, content: &[u8]) -> StoredFile {
    StoredFile {
        key: key.clone(),
        bytes: content.len() as u64,
        sha256: hexadecimal(&Sha256::digest(content)),
    }
}

/// A key of some job.
pub(crate) fn key(job: i64) -> ObjectKey {
    ObjectKey::new(JobId(job), 1)
}

/// Bytes that no store can make up.
pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    // A part of chance, again and again: chance is slow.
    let some: Vec<u8> = rand::random_iter().take(65_521.min(bytes)).collect();
    let mut all = some.repeat(bytes / some.len().max(1) + 1);
    all.truncate(bytes);
    all
}
