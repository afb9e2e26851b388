//! An anchor in an object store: one object a checkpoint, put where there was none.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, path::Path,
};
use tidegate_model::audit::SignedCheckpoint;

use super::{AnchorError, Numbered};

/// Digits of the number in a key: the keys of a thousand million years of minutes sort.
const DIGITS: usize = 15;
/// What a key ends with.
const SUFFIX: &str = ".json";
/// Bytes of an object at most; a checkpoint has some 400.
const OBJECT_BYTES_MAX: u64 = 64 << 10;
/// Objects that are read at a time.
const READS_MAX: usize = 16;

/// One object a checkpoint, under a prefix.
#[derive(Clone, Debug)]
pub(crate) struct ObjectAnchor {
    name: String,
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

impl ObjectAnchor {
    pub(super) fn new(name: String, store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self { name, store, prefix: Path::from(prefix) }
    }

    /// The key of a checkpoint: its number, with zeros before it.
    fn key(&self, number: i64) -> Path {
        self.prefix.clone().join(format!("{number:0DIGITS$}{SUFFIX}"))
    }

    /// The lowest and the highest number of an object from `from` on.
    pub(crate) async fn extent(&self, from: i64) -> Result<Option<(i64, i64)>, AnchorError> {
        let before = self.key((from - 1).max(0));
        let listed = self.store.list_with_offset(Some(&self.prefix), &before);
        let numbers = listed.try_filter_map(|found| async move { Ok(number_of(&found.location)) });
        let extent = numbers.try_fold(None, |extent: Option<(i64, i64)>, number| async move {
            let (low, high) = extent.unwrap_or((number, number));
            Ok(Some((low.min(number), high.max(number))))
        });
        extent.await.map_err(|cause| self.failed(cause))
    }

    pub(super) async fn latest(&self, known: i64) -> Result<Option<SignedCheckpoint>, AnchorError> {
        let mut extent = self.extent(known).await?;
        if extent.is_none() && known > 1 {
            // It is behind: all of it has to be listed.
            extent = self.extent(1).await?;
        }
        let Some((_, number)) = extent else { return Ok(None) };
        let damaged = || AnchorError::Damaged { anchor: self.name.clone() };
        let text = self.read(number).await?.ok_or_else(damaged)?;
        let signed = SignedCheckpoint::of_line(&text).ok_or_else(damaged)?;
        let is_its_own = signed.says().is_some_and(|says| says.number == number);
        if is_its_own { Ok(Some(signed)) } else { Err(damaged()) }
    }

    pub(super) async fn append(&self, page: &[Numbered]) -> Result<(), AnchorError> {
        for (number, signed) in page {
            let options = PutOptions::from(PutMode::Create);
            let payload = PutPayload::from(signed.line() + "\n");
            let put = self.store.put_opts(&self.key(*number), payload, options).await;
            match put {
                Ok(_) => {}
                // Another process was first, or we were and did not hear of it.
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                    let text = self.read(*number).await?.unwrap_or_default();
                    if SignedCheckpoint::of_line(&text).as_ref() != Some(signed) {
                        let anchor = self.name.clone();
                        return Err(AnchorError::Conflict { anchor, number: *number });
                    }
                }
                Err(cause) => return Err(self.failed(cause)),
            }
        }
        Ok(())
    }

    /// What the objects of some numbers hold; none where there is none.
    pub(crate) async fn page(
        &self,
        numbers: std::ops::RangeInclusive<i64>,
    ) -> Result<Vec<(i64, Option<String>)>, AnchorError> {
        let read = |number| async move { Ok((number, self.read(number).await?)) };
        stream::iter(numbers).map(read).buffered(READS_MAX).try_collect().await
    }

    /// What an object holds; none if it is not there. What cannot be a checkpoint is left unread.
    async fn read(&self, number: i64) -> Result<Option<String>, AnchorError> {
        let found = match self.store.get(&self.key(number)).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(cause) => return Err(self.failed(cause)),
        };
        if found.meta.size > OBJECT_BYTES_MAX {
            return Ok(Some(String::new()));
        }
        let octets = found.bytes().await.map_err(|cause| self.failed(cause))?;
        Ok(Some(str::from_utf8(&octets).unwrap_or_default().trim_end().to_owned()))
    }

    fn failed(&self, cause: Error) -> AnchorError {
        AnchorError::Objects { anchor: self.name.clone(), cause }
    }
}

/// The number in a key of ours.
fn number_of(key: &Path) -> Option<i64> {
    let digits = key.filename()?.strip_suffix(SUFFIX)?;
    let is_ours = digits.len() == DIGITS && digits.bytes().all(|octet| octet.is_ascii_digit());
    is_ours.then(|| digits.parse().ok())?
}
