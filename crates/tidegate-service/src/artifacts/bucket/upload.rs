//! Writes a file to a bucket in parts, from a thread that knows nothing of async.

use std::{
    io::{self, Write},
    sync::Arc,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use object_store::{
    MultipartId, PutPayload,
    multipart::{MultipartStore, PartId},
    path::Path,
};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::{Bucket, Whole, failed, lost};
use crate::artifacts::{error::ArtifactError, key::ObjectName};

/// Parts that are on their way at a time, beside the one that is being filled.
const PARTS_IN_FLIGHT_MAX: usize = 2;
/// Parts of an upload at most: what S3 admits.
const PARTS_MAX: usize = 10_000;

/// A file that is being written. A small one is sent whole, when it is finished.
pub(in crate::artifacts) struct BucketUpload {
    bucket: Arc<Bucket>,
    name: ObjectName,
    path: Path,
    part: Vec<u8>,
    bytes: u64,
    parts: Option<Parts>,
}

/// An upload in parts, under way.
struct Parts {
    id: MultipartId,
    in_flight: JoinSet<Result<(usize, Part), ArtifactError>>,
    /// What arrived, in order; a part that is on its way is none.
    arrived: Vec<Option<Part>>,
}

/// A part that arrived.
#[derive(Clone)]
struct Part {
    id: PartId,
    sha256: [u8; 32],
}

impl BucketUpload {
    /// Begins a file; nothing is sent yet.
    pub(in crate::artifacts) fn new(bucket: Arc<Bucket>, name: ObjectName) -> Self {
        let path = bucket.path(&name);
        Self { bucket, name, path, part: Vec::new(), bytes: 0, parts: None }
    }

    /// Sends the rest, completes the upload, and sees that all of it is there.
    pub(in crate::artifacts) fn finish(mut self) -> Result<(), ArtifactError> {
        let runtime = self.bucket.runtime.clone();
        runtime.block_on(async {
            if self.parts.is_none() {
                let content = Bytes::from(std::mem::take(&mut self.part));
                return self.bucket.put(&self.name, content).await;
            }
            if !self.part.is_empty() {
                self.send_part().await?;
            }
            let Some(parts) = &mut self.parts else { return Ok(()) };
            parts.wait_until(0).await?;
            let parts: Vec<Part> = parts.arrived.iter().flatten().cloned().collect();
            self.complete(&parts).await?;
            self.parts = None;
            Ok(())
        })
    }

    /// Room for more bytes: twice as much each time, as a small file must not cost a whole part,
    /// and never more than a part.
    fn make_room(&mut self, bytes: usize) {
        let wanted = self.part.len() + bytes;
        if wanted > self.part.capacity() {
            let room = wanted.max(2 * self.part.capacity()).min(self.bucket.part_bytes);
            self.part.reserve_exact(room - self.part.len());
        }
    }

    async fn send_part(&mut self) -> Result<(), ArtifactError> {
        let content = Bytes::from(std::mem::take(&mut self.part));
        let parts = match &mut self.parts {
            Some(parts) => parts,
            none => {
                let id = self.bucket.begin_parts(&self.path, &self.name).await?;
                none.insert(Parts { id, in_flight: JoinSet::new(), arrived: Vec::new() })
            }
        };
        let index = parts.arrived.len();
        if index == PARTS_MAX {
            return Err(ArtifactError::TooLarge {
                name: self.name.to_string(),
                parts_max: PARTS_MAX,
                part_bytes: self.bucket.part_bytes,
            });
        }
        parts.wait_until(PARTS_IN_FLIGHT_MAX - 1).await?;
        parts.arrived.push(None);
        let (bucket, path) = (Arc::clone(&self.bucket), self.path.clone());
        let (id, name) = (parts.id.clone(), self.name.clone());
        parts.in_flight.spawn(async move {
            let sha256 = Sha256::digest(&content).into();
            let sent = bucket.store.put_part(&path, &id, index, PutPayload::from_bytes(content));
            match sent.await {
                Ok(id) => Ok((index, Part { id, sha256 })),
                Err(error) => Err(failed("keep a part of", &name, error)),
            }
        });
        Ok(())
    }

    /// Completes the upload. What the store answers is one thing; whether the object is there
    /// decides. If that cannot be seen, nothing is taken back: the key is nobody else's, and the
    /// sweep finds what is left.
    async fn complete(&self, parts: &[Part]) -> Result<(), ArtifactError> {
        let Some(Parts { id, .. }) = &self.parts else { return Ok(()) };
        let ids: Vec<PartId> = parts.iter().map(|part| part.id.clone()).collect();
        let expected = Whole { bytes: self.bytes, sha256: checksum_of(parts) };
        let mut pauses = self.bucket.retry.pauses();
        loop {
            let completed = self.bucket.store.complete_multipart(&self.path, id, ids.clone()).await;
            let answer = completed.err().map(|error| failed("complete", &self.name, error));
            let seen = self.bucket.look(&self.name).await;
            let error = match seen {
                Ok(Some(head)) => return head.check(&self.name, &expected),
                Ok(None) => answer.unwrap_or_else(|| lost("complete", &self.name)),
                Err(error) => error,
            };
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    }
}

/// SHA-256 of the parts' SHA-256s, which is what S3 keeps of an upload in parts.
fn checksum_of(parts: &[Part]) -> String {
    let mut all = Sha256::new();
    parts.iter().for_each(|part| all.update(part.sha256));
    BASE64_STANDARD.encode(all.finalize())
}

impl Parts {
    /// Waits until no more than so many parts are on their way.
    async fn wait_until(&mut self, in_flight_max: usize) -> Result<(), ArtifactError> {
        while self.in_flight.len() > in_flight_max {
            let Some(ended) = self.in_flight.join_next().await else { break };
            let (index, part) = ended.map_err(|panicked| {
                ArtifactError::unavailable("keep", format!("part of upload {}", self.id), panicked)
            })??;
            self.arrived[index] = Some(part);
        }
        Ok(())
    }
}

impl Write for BucketUpload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part_bytes = self.bucket.part_bytes;
        let taken = bytes.len().min(part_bytes - self.part.len());
        self.make_room(taken);
        self.part.extend_from_slice(&bytes[..taken]);
        self.bytes += taken as u64;
        if self.part.len() == part_bytes {
            let runtime = self.bucket.runtime.clone();
            runtime.block_on(self.send_part())?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for BucketUpload {
    /// Gives the upload up, if it was not finished.
    fn drop(&mut self) {
        let Some(Parts { id, mut in_flight, .. }) = self.parts.take() else { return };
        let (bucket, path, name) = (Arc::clone(&self.bucket), self.path.clone(), self.name.clone());
        self.bucket.clean_up(async move {
            // A part that arrives after the end would stay.
            in_flight.shutdown().await;
            match bucket.store.abort_multipart(&path, &id).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => {
                    tracing::warn!(%name, %error, "an upload stays behind until the next sweep");
                }
            }
        });
    }
}
