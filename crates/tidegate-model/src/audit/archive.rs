//! Signed statements about entries that were taken out of the log and into a file.

use serde::{Deserialize, Serialize};

use super::{ARCHIVE_VERSION, FIRST_HASH, hash_of};

/// A statement about a range of entries that stands in a file of its own. The order of members is
/// part of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Version of this shape.
    pub v: u32,
    /// Number of the archive, from 1 on, without a gap.
    pub number: i64,
    /// Number of its first entry: the one behind the archive before.
    pub from: i64,
    /// Number of its last entry.
    pub to: i64,
    /// Hash of the entry before the first one.
    pub prev: String,
    /// Hash of the last entry.
    pub head: String,
    /// Number of the checkpoint that vouches for the last entry.
    pub checkpoint: i64,
    /// When it was made, RFC 3339 in UTC.
    pub at: String,
}

impl Archive {
    /// The text that is signed.
    ///
    /// # Panics
    ///
    /// Never: it is numbers and text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("an archive's statement is plain JSON")
    }

    /// Name of its file. It says the range, so that of several who archive the same one is first.
    pub fn file_name(&self) -> String {
        format!("{:015}-{:015}.jsonl", self.from, self.to)
    }

    /// Whether it begins where another one ends, or the log does.
    pub fn follows(&self, last: Option<&Self>) -> bool {
        let (number, to, head) =
            last.map_or((0, 0, FIRST_HASH), |last| (last.number, last.to, last.head.as_str()));
        (self.number, self.from) == (number + 1, to + 1)
            && self.prev == head
            && self.to >= self.from
    }
}

/// A statement with its signature: the first line of an archive's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedArchive {
    /// What is signed, as text: a signature is over bytes.
    pub archive: String,
    /// Which key signed.
    pub key: String,
    /// Ed25519 signature of the text, in base64.
    pub signature: String,
}

impl SignedArchive {
    /// What it says; none if that is no statement of a version known here. Whether it is to be
    /// believed, the signature says.
    pub fn says(&self) -> Option<Archive> {
        let archive: Archive = serde_json::from_str(&self.archive).ok()?;
        (archive.v == ARCHIVE_VERSION).then_some(archive)
    }

    /// Hash of its text.
    pub fn hash(&self) -> String {
        hash_of(&self.archive)
    }

    /// Its line, without the end of the line.
    ///
    /// # Panics
    ///
    /// Never: it is text.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("an archive's statement is plain JSON")
    }

    /// Reads a line; none if it is not one.
    pub fn of_line(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}
