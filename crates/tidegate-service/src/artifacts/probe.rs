//! Proves the store end to end: write, read, read a part, list, delete.

use std::io::Write;

use bytes::Bytes;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use tidegate_model::audit::hexadecimal;

use super::{
    Artifacts, Place,
    download::StoredFile,
    error::ArtifactError,
    key::{ObjectKey, ObjectName},
};
use crate::service::blocking;

/// Bytes of a probe.
const PROBE_BYTES: usize = 64 << 10;
/// The part of it that is read for itself.
const PROBE_RANGE: std::ops::Range<usize> = 1_000..2_000;

/// A step of the probe that failed.
#[derive(Debug, thiserror::Error)]
#[error("the artifact store cannot {step}")]
pub struct ProbeError {
    /// Which step.
    pub step: &'static str,
    /// Why.
    #[source]
    pub cause: ArtifactError,
}

/// Names the step in what went wrong.
fn at(step: &'static str) -> impl Fn(ArtifactError) -> ProbeError {
    move |cause| ProbeError { step, cause }
}

impl Artifacts {
    /// Writes a file of no job, reads it back, and deletes it.
    ///
    /// # Errors
    ///
    /// With the first step that fails.
    pub async fn check(&self) -> Result<(), ProbeError> {
        let key = ObjectKey::of_probe();
        let checked = self.check_with(&key).await;
        let deleted = self.delete(&key).await.map_err(at("delete"));
        checked.and(deleted)?;
        match self.has(&key).await.map_err(at("look for a file"))? {
            true => {
                let cause = "it still has what was deleted";
                Err(at("delete")(ArtifactError::unavailable("delete", key, cause)))
            }
            false => Ok(()),
        }
    }

    /// Asks the store for a file that is not there, to learn whether it answers.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub async fn answers(&self) -> Result<(), ArtifactError> {
        self.has(&ObjectKey::of_probe()).await.map(drop)
    }

    async fn check_with(&self, key: &ObjectKey) -> Result<(), ProbeError> {
        let content: Vec<u8> = rand::random_iter().take(PROBE_BYTES).collect();
        let content = Bytes::from(content);
        let mut upload = self.upload(key).map_err(at("write"))?;
        let written = content.clone();
        let name = key.to_string();
        let finished = blocking(move || {
            let written = upload.write_all(&written);
            written.map_err(|cause| ArtifactError::of_system("write", name, cause))?;
            upload.finish()
        });
        finished.await.map_err(at("write"))?;
        let stored = StoredFile {
            key: key.clone(),
            bytes: PROBE_BYTES as u64,
            sha256: hexadecimal(&Sha256::digest(&content)),
        };
        self.check_read(&stored, None, &content).await.map_err(at("read"))?;
        let range = PROBE_RANGE.start as u64..PROBE_RANGE.end as u64;
        let part = self.check_read(&stored, Some(range), &content[PROBE_RANGE]).await;
        part.map_err(at("read a part of a file"))?;
        self.put_manifest(key, "{}").await.map_err(at("write a manifest"))?;
        self.check_list(key).await.map_err(at("list"))?;
        self.check_parts().await
    }

    async fn check_read(
        &self,
        stored: &StoredFile,
        range: Option<std::ops::Range<u64>>,
        expected: &[u8],
    ) -> Result<(), ArtifactError> {
        let download = self.download(stored, range).await?;
        let read: Vec<Bytes> = download.pieces.try_collect().await?;
        match read.concat() == expected {
            true => Ok(()),
            false => Err(ArtifactError::WrongHash { name: stored.key.to_string() }),
        }
    }

    async fn check_list(&self, key: &ObjectKey) -> Result<(), ArtifactError> {
        let name = ObjectName::File(key.clone());
        let found = self.list().try_any(|listed| std::future::ready(listed.name == name)).await?;
        match found {
            true => Ok(()),
            false => Err(ArtifactError::Missing { name: name.to_string() }),
        }
    }

    /// Large files and the sweep take rights of their own in a bucket.
    async fn check_parts(&self) -> Result<(), ProbeError> {
        if let Place::Bucket(bucket) = &self.0 {
            let name = ObjectName::File(ObjectKey::of_probe());
            bucket.check_parts(&name).await.map_err(at("take a file in parts"))?;
        }
        self.unfinished()
            .try_for_each(|_| std::future::ready(Ok(())))
            .await
            .map_err(at("list uploads that were not finished"))
    }
}
