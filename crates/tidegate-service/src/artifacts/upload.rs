//! A file that is being written, in whatever the store is.

use std::{
    io::{self, Write},
    sync::Arc,
};

use tidegate_pipeline::{Artifact, RunError};

use super::{
    Place, bucket::BucketUpload, error::ArtifactError, folder::FolderUpload, key::ObjectName,
};

/// A file under construction. Dropped unfinished, it leaves nothing.
///
/// It belongs to a plain thread, or to one that may block: writing waits for the store.
pub struct Upload {
    name: String,
    kind: Kind,
}

enum Kind {
    Folder(FolderUpload),
    Bucket(BucketUpload),
}

impl Upload {
    pub(super) fn start(place: &Place, name: ObjectName) -> Result<Self, ArtifactError> {
        let text = name.to_string();
        let kind = match place {
            Place::Folder(folder) => Kind::Folder(folder.create(name)?),
            Place::Bucket(bucket) => Kind::Bucket(BucketUpload::new(Arc::clone(bucket), name)),
        };
        Ok(Self { name: text, kind })
    }

    /// Makes the file durable and visible, and sees that all of it is there.
    ///
    /// # Errors
    ///
    /// If it cannot be kept. It may be there nevertheless, where the store did not say: its key is
    /// not used again, so it harms nobody until it is swept.
    pub fn finish(self) -> Result<(), ArtifactError> {
        match self.kind {
            Kind::Folder(upload) => upload.finish(),
            Kind::Bucket(upload) => upload.finish(),
        }
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Folder(upload) => upload.write(bytes),
            Kind::Bucket(upload) => upload.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.kind {
            Kind::Folder(upload) => upload.flush(),
            Kind::Bucket(upload) => upload.flush(),
        }
    }
}

impl Artifact for Upload {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn publish(self: Box<Self>) -> Result<(), RunError> {
        let name = self.name.clone();
        self.finish().map_err(|error| RunError::Artifact { name, cause: error.into() })
    }
}
