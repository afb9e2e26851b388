//! Where the files of exports are kept.

use std::path::PathBuf;

use tidegate_model::job::FailureReason;
use tidegate_pipeline::{Artifact, FileArtifact, RunError};

/// The artifact store.
#[derive(Clone, Debug)]
pub struct Artifacts {
    root: PathBuf,
}

/// The artifact store failed.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// Failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl ArtifactError {
    /// Why.
    pub fn reason(&self) -> FailureReason {
        FailureReason::StoreUnavailable
    }
}

impl Artifacts {
    /// A folder.
    pub fn folder(root: PathBuf) -> Self {
        Self { root }
    }

    /// Upload.
    pub fn upload(&self, key: &str) -> Result<Box<dyn Artifact>, ArtifactError> {
        let path = self.root.join(key);
        std::fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
        Ok(Box::new(FileArtifact::create(path)?))
    }

    /// Manifest.
    pub async fn put_manifest(&self, key: &str, text: String) -> Result<(), ArtifactError> {
        std::fs::write(self.root.join(format!("{key}.manifest.json")), text)?;
        Ok(())
    }

    /// Delete.
    pub async fn delete(&self, key: &str) -> Result<(), ArtifactError> {
        std::fs::remove_file(self.root.join(key))?;
        std::fs::remove_file(self.root.join(format!("{key}.manifest.json")))?;
        Ok(())
    }
}
