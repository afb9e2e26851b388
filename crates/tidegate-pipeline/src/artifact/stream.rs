//! An artifact that goes straight to a stream, such as standard output.

use std::io::{self, Write};

use super::Artifact;
use crate::RunError;

/// A stream. What was sent cannot be taken back: whoever reads it must look at the exit code.
pub struct StreamArtifact<W> {
    name: String,
    stream: W,
}

impl<W: Write + Send> StreamArtifact<W> {
    /// Wraps a stream; `name` is for messages.
    pub fn new(name: impl Into<String>, stream: W) -> Self {
        Self { name: name.into(), stream }
    }
}

impl<W: Write + Send> Write for StreamArtifact<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl<W: Write + Send> Artifact for StreamArtifact<W> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn publish(mut self: Box<Self>) -> Result<(), RunError> {
        self.stream.flush().map_err(|cause| RunError::Artifact { name: self.name.clone(), cause })
    }
}
