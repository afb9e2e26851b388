//! How a source is reached, and how hard it may be pressed.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;

use crate::Interrupt;

/// Readers of an export, when the configuration is silent: the gain is flat after four.
pub(crate) const READERS: usize = 4;
/// Longest life of a snapshot, so that an export cannot bloat the database: an hour.
const SNAPSHOT_SECONDS_MAX: u64 = 3600;

/// A source as the configuration declares it.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Name in the configuration.
    pub name: String,
    /// Where the database is; carries the password.
    pub url: SecretString,
    /// Folder that a relative path in the URL starts from: that of the configuration.
    pub folder: PathBuf,
    /// Readers of one export.
    pub readers: usize,
    /// Longest run of a single statement; none leaves it to the database.
    pub statement_seconds_max: Option<u64>,
    /// Longest life of a snapshot.
    pub snapshot_seconds_max: u64,
}

impl SourceSettings {
    /// Settings of a source with only a name and a URL.
    pub fn new(name: impl Into<String>, url: impl Into<SecretString>) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            folder: PathBuf::new(),
            readers: READERS,
            statement_seconds_max: None,
            snapshot_seconds_max: SNAPSHOT_SECONDS_MAX,
        }
    }

    /// Longest life of a snapshot.
    pub fn snapshot_age_max(&self) -> Duration {
        Duration::from_secs(self.snapshot_seconds_max)
    }
}

/// What one export asks of a source.
#[derive(Clone, Debug)]
pub struct StreamOptions {
    /// Name of the sessions in the database: `tidegate/export`.
    pub application: String,
    /// Readers at most; the source may use fewer.
    pub readers: usize,
    /// Bytes of cells that a batch should hold; a single larger row still makes one batch.
    pub batch_bytes: usize,
    /// Bytes that one cell may have; a larger one fails the export.
    pub cell_bytes_max: usize,
    /// Stops the stream, also while it is being opened; made for this stream alone.
    pub interrupt: Interrupt,
}
