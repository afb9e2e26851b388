//! A place outside the database that keeps the signed checkpoints.

mod file;
mod objects;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use object_store::{
    ClientConfigKey, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
};
use tidegate_model::audit::SignedCheckpoint;

use super::{reader::Reader, settings::AnchorSettings};

use file::FileAnchor;
pub(super) use file::{open, sync_folders};
pub(super) use objects::ObjectAnchor;

/// How long an anchor may take for a page of checkpoints before it is left for a later round. The
/// next checkpoint waits for it.
const ANCHOR_SECONDS_MAX: u64 = 10;

/// A place outside the database that keeps the signed checkpoints. Whoever can write to the
/// database must not be able to write to it.
#[derive(Clone, Debug)]
pub struct Anchor {
    name: String,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    File(FileAnchor),
    Objects(ObjectAnchor),
}

/// An anchor cannot be read or written, or holds what it should not.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// A file of it cannot be used.
    #[error("cannot use the anchor `{path}`")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The object store fails.
    #[error("cannot use the anchor `{anchor}`")]
    Objects {
        /// Which one.
        anchor: String,
        /// What the store said.
        #[source]
        cause: object_store::Error,
    },
    /// It takes too long.
    #[error("the anchor `{anchor}` did not answer within {ANCHOR_SECONDS_MAX} s")]
    TimedOut {
        /// Which one.
        anchor: String,
    },
    /// Its end is no checkpoint.
    #[error("the anchor `{anchor}` does not end with a checkpoint: it was damaged or changed")]
    Damaged {
        /// Which one.
        anchor: String,
    },
    /// It holds another checkpoint of that number.
    #[error("the anchor `{anchor}` holds another checkpoint {number} than the database")]
    Conflict {
        /// Which one.
        anchor: String,
        /// Number of the checkpoint.
        number: i64,
    },
}

/// A checkpoint to be written, with its number.
pub(crate) type Numbered = (i64, SignedCheckpoint);

impl Anchor {
    /// The anchor that a setting names.
    ///
    /// # Errors
    ///
    /// If the access to a bucket is not configured: `AWS_ACCESS_KEY_ID` and its like.
    pub fn open(settings: &AnchorSettings) -> Result<Self, AnchorError> {
        match settings {
            AnchorSettings::File(path) => Ok(Self::file(path)),
            AnchorSettings::S3 { bucket, prefix } => {
                let anchor = settings.to_string();
                let store = self::bucket(&anchor, bucket)?;
                Ok(Self::objects(anchor, store, prefix))
            }
        }
    }

    /// A file that lines are appended to. It is made, with its folder, at the first checkpoint.
    pub fn file(path: &Path) -> Self {
        let name = format!("file:{}", path.display());
        Self { place: Place::File(FileAnchor::new(name.clone(), path)), name }
    }

    /// One object a checkpoint, under a prefix. The store must know put-if-absent, and, if it is a
    /// folder, must sync what it writes.
    pub fn objects(name: impl Into<String>, store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        let name = name.into();
        Self { place: Place::Objects(ObjectAnchor::new(name.clone(), store, prefix)), name }
    }

    /// Its name, as the configuration spells it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Proves that checkpoints can be kept here: a file is made and opened; in a bucket, an object
    /// of no checkpoint is written and read.
    ///
    /// # Errors
    ///
    /// If they cannot.
    pub async fn check(&self) -> Result<(), AnchorError> {
        match &self.place {
            Place::File(_) => self.append(Vec::new()).await,
            Place::Objects(objects) => objects.check().await,
        }
    }

    /// The last checkpoint that it holds. `known` is a number that it probably holds: it makes the
    /// search short.
    pub(crate) async fn latest(&self, known: i64) -> Result<Option<SignedCheckpoint>, AnchorError> {
        match &self.place {
            Place::File(file) => {
                let file = file.clone();
                self.in_time(blocking(move || file.latest())).await
            }
            Place::Objects(objects) => self.in_time(objects.latest(known)).await,
        }
    }

    /// Writes checkpoints that follow one another. Those that are there already are left.
    pub(crate) async fn append(&self, page: Vec<Numbered>) -> Result<(), AnchorError> {
        match &self.place {
            Place::File(file) => {
                let file = file.clone();
                self.in_time(blocking(move || file.append(&page))).await
            }
            Place::Objects(objects) => self.in_time(objects.append(&page)).await,
        }
    }

    /// Reads it from its beginning.
    pub(super) fn reader(&self) -> Reader {
        match &self.place {
            Place::File(file) => file.reader(),
            Place::Objects(objects) => Reader::of_objects(objects.clone()),
        }
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, AnchorError>>,
    ) -> Result<T, AnchorError> {
        let patience = Duration::from_secs(ANCHOR_SECONDS_MAX);
        let timed_out = |_| AnchorError::TimedOut { anchor: self.name.clone() };
        tokio::time::timeout(patience, work).await.map_err(timed_out)?
    }
}

/// A bucket, with the access that the environment says.
pub(super) fn bucket(name: &str, bucket: &str) -> Result<Arc<dyn ObjectStore>, AnchorError> {
    let patience = Duration::from_secs(ANCHOR_SECONDS_MAX);
    // One option, not all of them: the environment may have set others.
    let timeout = AmazonS3ConfigKey::Client(ClientConfigKey::Timeout);
    let store = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_config(timeout, format!("{ANCHOR_SECONDS_MAX} seconds"))
        .with_retry(RetryConfig { retry_timeout: patience, ..RetryConfig::default() })
        .build();
    let failed = |cause| AnchorError::Objects { anchor: name.to_owned(), cause };
    Ok(Arc::new(store.map_err(failed)?))
}

/// Runs what may wait for a disk. What takes too long goes on by itself: it is safe to repeat.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AnchorError> + Send + 'static,
) -> Result<T, AnchorError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}
