//! Where the bytes of an export go.

use std::io;

use crate::RunError;

mod direct;
mod draft;
mod file;
mod stream;

pub use draft::{DRAFT_SUFFIX, DraftFile};
pub use file::FileArtifact;
pub use stream::StreamArtifact;

/// A place for the bytes of one export. Dropped without [`Artifact::publish`], it leaves nothing.
pub trait Artifact: io::Write + Send {
    /// Name to use in messages.
    fn name(&self) -> String;

    /// Makes the whole artifact durable and visible.
    ///
    /// # Errors
    ///
    /// If it cannot be synced or named; nothing is visible then.
    fn publish(self: Box<Self>) -> Result<(), RunError>;
}
