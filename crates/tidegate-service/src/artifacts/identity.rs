//! The word in the store that says whose it is: what is not there is only missing in one's own.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidegate_store::{Store, StoreError};

use super::{Artifacts, Place, error::ArtifactError, key::ObjectName};
use crate::service::blocking;

/// What the word stands in.
#[derive(Debug, Serialize, Deserialize)]
struct Document {
    /// Says to whoever finds it what it is.
    about: String,
    /// The word.
    identity: String,
}

/// What it says about itself.
const ABOUT: &str = "Tidegate keeps exports here. Leave this file: it says whose they are.";

impl Artifacts {
    /// The word that the store holds; none where it holds none, as what is not mounted does.
    ///
    /// # Errors
    ///
    /// If the store cannot be asked.
    pub async fn identity(&self) -> Result<Option<String>, ArtifactError> {
        let text = match &self.0 {
            Place::Bucket(bucket) => {
                bucket.get(&ObjectName::Identity).await.map(|text| text.to_vec())
            }
            Place::Folder(folder) => {
                let folder = folder.clone();
                blocking(move || folder.identity()).await
            }
        };
        let text = match text {
            Err(ArtifactError::Missing { .. }) => return Ok(None),
            text => text?,
        };
        // What cannot be read is no word of ours, but it is one.
        let read = serde_json::from_slice::<Document>(&text);
        Ok(Some(read.map_or_else(|_| "unreadable".to_owned(), |document| document.identity)))
    }

    /// Puts a word where there is none, or the same already.
    ///
    /// # Errors
    ///
    /// If it cannot be kept, or another one is there.
    pub async fn put_identity(&self, identity: &str) -> Result<(), ArtifactError> {
        let document = Document { about: ABOUT.to_owned(), identity: identity.to_owned() };
        let text = serde_json::to_vec(&document).expect("a document is plain JSON");
        let put = match &self.0 {
            Place::Bucket(bucket) => bucket.put(&ObjectName::Identity, Bytes::from(text)).await,
            Place::Folder(folder) => {
                let folder = folder.clone();
                blocking(move || folder.put_identity(&text)).await
            }
        };
        match put {
            Ok(()) => Ok(()),
            Err(error) => match self.identity().await? {
                Some(found) if found == identity => Ok(()),
                Some(_) => Err(ArtifactError::Foreign),
                None => Err(error),
            },
        }
    }

    /// Removes the word.
    ///
    /// # Errors
    ///
    /// If the store does not do it.
    pub async fn remove_identity(&self) -> Result<(), ArtifactError> {
        match &self.0 {
            Place::Bucket(bucket) => bucket.remove(&ObjectName::Identity).await,
            Place::Folder(folder) => {
                let folder = folder.clone();
                blocking(move || folder.remove_identity()).await
            }
        }
    }
}

/// Refuses to conclude anything from what is not there, unless the store is the one of this
/// control database.
///
/// # Errors
///
/// If it is another one or was never claimed, or one of the two cannot be asked.
pub(crate) async fn refuse_other_store<E>(store: &Store, artifacts: &Artifacts) -> Result<(), E>
where
    E: From<StoreError> + From<ArtifactError>,
{
    let own = store.own_store().await?;
    let found = artifacts.identity().await?;
    match own.is_claimed && found.as_ref() == Some(&own.identity) {
        true => Ok(()),
        false => Err(ArtifactError::Foreign.into()),
    }
}
