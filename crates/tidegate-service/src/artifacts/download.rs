//! Reads a file back, and holds what comes against what was written.

use std::{ops::Range, pin::Pin};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use sha2::{Digest, Sha256};
use tidegate_model::{audit::hexadecimal, job::Job};

use super::{error::ArtifactError, key::ObjectKey};

/// Pieces of a file.
pub type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, ArtifactError>> + Send>>;

/// A file as the control state knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Key.
    pub key: ObjectKey,
    /// Size.
    pub bytes: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

impl StoredFile {
    /// The file of a job, if it has one.
    pub fn of_job(job: &Job) -> Option<Self> {
        let key = ObjectKey::parse(job.artifact_key.as_deref()?)?;
        let bytes = u64::try_from(job.size_bytes?).ok()?;
        Some(Self { key, bytes, sha256: job.sha256.clone()? })
    }
}

/// A file, or a part of one, on its way.
pub struct Download {
    /// Which bytes of the file.
    pub range: Range<u64>,
    /// The pieces. If they end without an error, they are what was written: of a whole file the
    /// last piece is held back until the checksum is known to be right.
    pub pieces: Pieces,
}

/// What the pieces must add up to.
pub(super) struct Expected {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// None for a part of a file: its checksum is not known.
    pub(super) sha256: Option<String>,
}

/// Passes pieces on, the last one only if all of them are what is expected.
pub(super) fn verified(pieces: Pieces, expected: Expected) -> Pieces {
    let check = Check { expected, sha256: Sha256::new(), found: 0, held: None };
    Box::pin(stream::try_unfold(Some((pieces, check)), |state| async {
        let Some((mut pieces, mut check)) = state else { return Ok(None) };
        while let Some(piece) = pieces.next().await {
            if let Some(earlier) = check.take(piece?)? {
                return Ok(Some((earlier, Some((pieces, check)))));
            }
        }
        Ok(check.end()?.map(|last| (last, None)))
    }))
}

struct Check {
    expected: Expected,
    sha256: Sha256,
    found: u64,
    held: Option<Bytes>,
}

impl Check {
    /// Takes a piece, and gives back the one before it.
    fn take(&mut self, piece: Bytes) -> Result<Option<Bytes>, ArtifactError> {
        if piece.is_empty() {
            return Ok(None);
        }
        self.found += piece.len() as u64;
        if self.found > self.expected.bytes {
            return Err(self.wrong_size());
        }
        if self.expected.sha256.is_some() {
            self.sha256.update(&piece);
        }
        Ok(self.held.replace(piece))
    }

    /// The last piece, if everything is right.
    fn end(&mut self) -> Result<Option<Bytes>, ArtifactError> {
        if self.found != self.expected.bytes {
            return Err(self.wrong_size());
        }
        let sha256 = hexadecimal(&self.sha256.finalize_reset());
        if self.expected.sha256.as_ref().is_some_and(|expected| *expected != sha256) {
            return Err(ArtifactError::WrongHash { name: self.expected.name.clone() });
        }
        Ok(self.held.take())
    }

    fn wrong_size(&self) -> ArtifactError {
        ArtifactError::WrongSize {
            name: self.expected.name.clone(),
            expected: self.expected.bytes,
            found: self.found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out of pieces until the end or the first error.
    async fn passed(pieces: &[&'static str], bytes: u64, of: Option<&str>) -> (String, bool) {
        let sha256 = of.map(|text| hexadecimal(&Sha256::digest(text)));
        let pieces: Vec<_> =
            pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
        let expected = Expected { name: "o".into(), bytes, sha256 };
        let mut verified = verified(Box::pin(stream::iter(pieces)), expected);
        let mut passed = String::new();
        while let Some(piece) = verified.next().await {
            match piece {
                Ok(piece) => passed.push_str(std::str::from_utf8(&piece).unwrap()),
                Err(error) => {
                    assert_eq!(error.fault(), Some(super::super::error::FAULT_CORRUPT));
                    assert!(verified.next().await.is_none(), "an error is the end");
                    return (passed, false);
                }
            }
        }
        (passed, true)
    }

    #[tokio::test]
    async fn the_last_piece_waits_for_the_checksum() {
        assert_eq!(passed(&["ab", "", "cd"], 4, Some("abcd")).await, ("abcd".into(), true));
        assert_eq!(passed(&["ab", "cd"], 4, Some("abCd")).await, ("ab".into(), false));
        assert_eq!(passed(&["abcd"], 4, Some("abCd")).await, (String::new(), false));
        assert_eq!(passed(&[], 0, Some("")).await, (String::new(), true));
    }

    #[tokio::test]
    async fn pieces_that_are_too_few_or_too_many_are_an_error() {
        assert_eq!(passed(&["ab", "c"], 4, None).await, ("ab".into(), false));
        assert_eq!(passed(&["ab", "cde"], 4, None).await, (String::new(), false));
        assert_eq!(passed(&[], 1, None).await, (String::new(), false));
        assert_eq!(passed(&["ab", "cd"], 4, None).await, ("abcd".into(), true));
    }
}
