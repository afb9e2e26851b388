//! What a list of the artifact store tells.

use std::pin::Pin;

use futures_util::{Stream, TryStreamExt, stream};

use super::{error::ArtifactError, key::ObjectName};

/// A list that is fetched as it is read.
pub type Listing<T> = Pin<Box<dyn Stream<Item = Result<T, ArtifactError>> + Send>>;

/// Something that lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: ObjectName,
    /// Its size.
    pub bytes: u64,
    /// When it was made, in microseconds since 1970 by the store's clock.
    pub changed_at: i64,
}

/// Something that was begun, and neither finished nor given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// What it would be.
    pub name: ObjectName,
    /// When it was begun, in microseconds since 1970 by the store's clock.
    pub started_at: i64,
    pub(super) id: UploadId,
}

/// What the store knows an upload by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UploadId(pub(super) String);

/// The entries of pages.
pub(super) fn one_by_one<T: Send + 'static>(
    pages: impl Stream<Item = Result<Vec<T>, ArtifactError>> + Send + 'static,
) -> Listing<T> {
    let entries = pages.map_ok(|page| stream::iter(page.into_iter().map(Ok)));
    Box::pin(entries.try_flatten())
}
