//! The activity log's entries, chained so that none can be changed, removed or moved unseen.
//!
//! The text of an entry holds its number and the hash of the entry before it; its own hash is that
//! of its text. Whoever changes one has to change all that follow, up to a signed checkpoint.

mod archive;
mod chain;
mod checkpoint;
mod stored;

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use archive::{Archive, SignedArchive};
pub use chain::{ChainFault, ChainWalk};
pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use stored::{EntryColumns, StoredEntry};

/// Hash that the first entry names as the one before it, and the first checkpoint, too.
pub const FIRST_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Version of an entry's shape.
pub const ENTRY_VERSION: u32 = 1;
/// Version of a checkpoint's shape.
pub const CHECKPOINT_VERSION: u32 = 1;
/// Version of the shape of an archive's statement.
pub const ARCHIVE_VERSION: u32 = 1;

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

impl Outcome {
    /// Word in the database.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Denied => "denied",
        }
    }
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

/// Hash of an entry's or a checkpoint's text, in hexadecimal.
pub fn hash_of(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

/// A moment as entries and checkpoints write it: RFC 3339, in UTC, with microseconds.
pub fn time_text(micros: i64) -> String {
    let at = DateTime::from_timestamp_micros(micros).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Lower-case hexadecimal digits.
pub fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
