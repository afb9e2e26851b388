//! The activity log's entries, chained so that none can be changed, removed or moved unseen.
//!
//! The text of an entry holds its number and the hash of the entry before it; its own hash is that
//! of its text. Whoever changes one has to change all that follow, up to a signed checkpoint.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Hash that the first entry names as the one before it.
pub const FIRST_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Version of an entry's shape.
pub const ENTRY_VERSION: u32 = 1;
/// Version of a checkpoint's shape.
pub const CHECKPOINT_VERSION: u32 = 1;

/// One entry, as it is hashed and streamed out. The order of members is part of the text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Version of this shape.
    pub v: u32,
    /// Number, from 1 on, without a gap.
    pub seq: i64,
    /// Hash of the entry before.
    pub prev: String,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// Names the commit that wrote it; entries of one commit share it.
    pub commit: String,
    /// Kind of actor.
    pub actor: String,
    /// Number of the operator, if it was one.
    pub operator: Option<i64>,
    /// Mail address, or name of the part of the program.
    pub name: String,
    /// Role at that moment.
    pub role: Option<String>,
    /// Number of the token, if one was shown.
    pub token: Option<i64>,
    /// Surface.
    pub via: String,
    /// Address of the peer.
    pub address: Option<String>,
    /// Word of the action.
    pub action: String,
    /// `done` or `denied`.
    pub outcome: Outcome,
    /// Slug of the subject.
    pub subject: Option<String>,
    /// Number of the job.
    pub job: Option<i64>,
    /// Tags, such as `egress.pii`.
    pub tags: Vec<String>,
    /// Version of the policy that decided.
    pub policy: i64,
    /// What else is to be known: names, counts and hashes, no values of rows.
    pub details: Value,
}

/// Whether it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was.
    Done,
    /// It was refused.
    Denied,
}

impl Entry {
    /// The text that is stored, hashed and streamed out: one line of JSON.
    ///
    /// # Panics
    ///
    /// Never: an entry has no map with keys other than text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("an entry is plain JSON")
    }
}

/// Hash of an entry's text, in hexadecimal.
pub fn hash_of(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

/// A statement about the chain's head at a moment. It is signed, and kept outside the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Version of this shape.
    pub v: u32,
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

/// Lower-case hexadecimal digits.
pub fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// An entry as the control database keeps it: the text, and columns for searching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Number.
    pub seq: i64,
    /// Hash that its row names as the one before.
    pub prev: String,
    /// Hash that its row names as its own.
    pub hash: String,
    /// Text.
    pub text: String,
}

/// Walks along a chain and finds the first entry that does not fit.
#[derive(Clone, Debug)]
pub struct ChainWalk {
    seq: i64,
    head: String,
}

/// An entry that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum ChainFault {
    /// The next number is not the one that should follow.
    #[error("entry {expected} is missing: entry {found} follows")]
    Missing {
        /// Number that should be there.
        expected: i64,
        /// Number that is there.
        found: i64,
    },
    /// It does not name the entry before it.
    #[error("entry {seq} does not follow the entry before it: one of the two was changed")]
    Unlinked {
        /// Its number.
        seq: i64,
    },
    /// Its text is not what was hashed.
    #[error("entry {seq} was changed: its text does not have its hash")]
    Changed {
        /// Its number.
        seq: i64,
    },
    /// Its columns say something else than its text.
    #[error("entry {seq} was changed: its columns do not say what its text says")]
    Disagrees {
        /// Its number.
        seq: i64,
    },
}

impl ChainFault {
    /// Number of the first bad entry.
    pub fn seq(&self) -> i64 {
        match self {
            Self::Missing { expected: seq, .. }
            | Self::Unlinked { seq }
            | Self::Changed { seq }
            | Self::Disagrees { seq } => *seq,
        }
    }
}

impl ChainWalk {
    /// From the first entry on.
    pub fn from_start() -> Self {
        Self { seq: 0, head: FIRST_HASH.to_owned() }
    }

    /// From behind an entry that is known.
    pub fn after(seq: i64, head: impl Into<String>) -> Self {
        Self { seq, head: head.into() }
    }

    /// Number of the last entry that fitted.
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// Hash of the last entry that fitted.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// Takes the next entry.
    ///
    /// # Errors
    ///
    /// If it does not fit.
    pub fn step(&mut self, stored: &StoredEntry) -> Result<Entry, ChainFault> {
        let expected = self.seq + 1;
        if stored.seq != expected {
            return Err(ChainFault::Missing { expected, found: stored.seq });
        }
        let seq = stored.seq;
        if hash_of(&stored.text) != stored.hash {
            return Err(ChainFault::Changed { seq });
        }
        let entry: Entry =
            serde_json::from_str(&stored.text).map_err(|_| ChainFault::Changed { seq })?;
        if entry.prev != self.head || stored.prev != self.head {
            return Err(ChainFault::Unlinked { seq });
        }
        if entry.seq != seq {
            return Err(ChainFault::Disagrees { seq });
        }
        self.seq = seq;
        self.head.clone_from(&stored.hash);
        Ok(entry)
    }
}
