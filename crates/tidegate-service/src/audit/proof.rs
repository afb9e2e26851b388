//! Checkpoints whose signature was checked.

use std::collections::VecDeque;

use tidegate_model::audit::{Checkpoint, SignedCheckpoint};

use crate::keys::{KeyError, PublicKeys, Purpose};

/// Signatures that need not be checked twice: the same checkpoint stands in every anchor.
const RECENT_MAX: usize = 8;

/// A checkpoint that one of our keys signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proven {
    /// What it says.
    pub(crate) says: Checkpoint,
    /// The signed text.
    pub(crate) signed: SignedCheckpoint,
}

/// Why a checkpoint proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotProven {
    /// What is signed is no checkpoint.
    #[error("it is no checkpoint of a version known here")]
    Unreadable,
    /// The signature is not one of ours.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Proven {
    /// Checks the signature, then reads what is signed.
    pub(crate) fn of(signed: SignedCheckpoint, keys: &PublicKeys) -> Result<Self, NotProven> {
        let SignedCheckpoint { checkpoint, key, signature } = &signed;
        keys.verify(Purpose::Checkpoint, checkpoint, key, signature)?;
        let says = signed.says().ok_or(NotProven::Unreadable)?;
        Ok(Self { says, signed })
    }
}

/// Checks signatures, each once.
#[derive(Debug)]
pub(super) struct Proofs<'a> {
    keys: &'a PublicKeys,
    recent: VecDeque<Proven>,
}

impl<'a> Proofs<'a> {
    pub(super) fn new(keys: &'a PublicKeys) -> Self {
        Self { keys, recent: VecDeque::new() }
    }

    pub(super) fn check(&mut self, signed: SignedCheckpoint) -> Result<Proven, NotProven> {
        if let Some(known) = self.recent.iter().find(|known| known.signed == signed) {
            return Ok(known.clone());
        }
        let proven = Proven::of(signed, self.keys)?;
        self.recent.truncate(RECENT_MAX - 1);
        self.recent.push_front(proven.clone());
        Ok(proven)
    }
}
