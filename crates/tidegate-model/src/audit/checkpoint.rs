//! Signed statements about the chain's head, kept outside the database.

use chrono::DateTime;
use serde::{Deserialize, Serialize};

use super::{CHECKPOINT_VERSION, hash_of};

/// A statement about the chain's head at a moment. The order of members is part of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Version of this shape.
    pub v: u32,
    /// Number of the checkpoint, from 1 on, without a gap.
    pub number: i64,
    /// Number of the last entry; 0 if there was none.
    pub seq: i64,
    /// Hash of the last entry.
    pub head: String,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// Hash of the text of the checkpoint before, so that none can be left out unseen.
    pub prev: String,
}

impl Checkpoint {
    /// When, in microseconds since 1970; none if it is no time.
    pub fn at_micros(&self) -> Option<i64> {
        Some(DateTime::parse_from_rfc3339(&self.at).ok()?.timestamp_micros())
    }

    /// The text that is signed.
    ///
    /// # Panics
    ///
    /// Never: a checkpoint is numbers and text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("a checkpoint is plain JSON")
    }
}

/// A checkpoint with its signature: one line of an anchor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedCheckpoint {
    /// What is signed, as text: a signature is over bytes.
    pub checkpoint: String,
    /// Which key signed.
    pub key: String,
    /// Ed25519 signature of the text, in base64.
    pub signature: String,
}

impl SignedCheckpoint {
    /// What it says; none if that is no checkpoint of a version known here. Whether it is to be
    /// believed, the signature says.
    pub fn says(&self) -> Option<Checkpoint> {
        let checkpoint: Checkpoint = serde_json::from_str(&self.checkpoint).ok()?;
        (checkpoint.v == CHECKPOINT_VERSION).then_some(checkpoint)
    }

    /// Hash of its text, which the next checkpoint names.
    pub fn hash(&self) -> String {
        hash_of(&self.checkpoint)
    }

    /// Its line in an anchor, without the end of the line.
    ///
    /// # Panics
    ///
    /// Never: it is text.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("a checkpoint is plain JSON")
    }

    /// Reads a line of an anchor; none if it is not one.
    pub fn of_line(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}
