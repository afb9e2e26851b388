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

/// Name of the object that proves that others can be written.
const PROBE: &str = "probe";

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

    /// Writes an object that is no checkpoint, and reads it. It stays: to delete is no right that
    /// an anchor should need.
    pub(super) async fn check(&self) -> Result<(), AnchorError> {
        let key = self.prefix.clone().join(PROBE);
        let written = self.store.put(&key, PutPayload::from_static(b"a probe\n")).await;
        written.map_err(|cause| self.failed(cause))?;
        self.store.head(&key).await.map_err(|cause| self.failed(cause))?;
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

#[cfg(test)]
mod tests {
    use object_store::{local::LocalFileSystem, memory::InMemory};

    use super::*;

    fn signed(number: i64, head: &str) -> Numbered {
        let checkpoint = format!(r#"{{"number":{number},"head":"{head}"}}"#);
        (number, SignedCheckpoint { checkpoint, key: "k".to_owned(), signature: "s".to_owned() })
    }

    #[tokio::test]
    async fn an_object_is_put_once_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let local = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
        let stores: [Arc<dyn ObjectStore>; 2] = [Arc::new(InMemory::new()), Arc::new(local)];
        for store in stores {
            let anchor = ObjectAnchor::new("test:".to_owned(), store, "a/b");
            assert_eq!(anchor.extent(1).await.unwrap(), None);
            let page = [signed(1, "x"), signed(2, "y")];
            anchor.append(&page).await.unwrap();
            anchor.append(&page).await.unwrap();
            let refused = anchor.append(&[signed(3, "z"), signed(2, "other")]).await.unwrap_err();
            assert!(matches!(refused, AnchorError::Conflict { number: 2, .. }), "{refused}");
            let second = anchor.read(2).await.unwrap().unwrap();
            assert_eq!(SignedCheckpoint::of_line(&second).unwrap(), signed(2, "y").1);
            assert_eq!(anchor.extent(2).await.unwrap(), Some((2, 3)));
            assert_eq!(anchor.extent(4).await.unwrap(), None);
            assert_eq!(anchor.read(4).await.unwrap(), None);
        }
    }

    #[test]
    fn only_keys_of_ours_have_numbers() {
        for (key, number) in [
            ("a/000000000000042.json", Some(42)),
            ("000000000000042.json", Some(42)),
            ("a/42.json", None),
            ("a/00000000000004x.json", None),
            ("a/000000000000042.json/x", None),
        ] {
            assert_eq!(number_of(&Path::from(key)), number, "{key}");
        }
    }
}
