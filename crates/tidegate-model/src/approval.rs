//! Approval: which exports wait for a second person, and what exactly that person approves.

mod definition;
mod hours;
mod rules;

use serde::{Deserialize, Serialize};
use strum::VariantArray;

pub use definition::{Difference, definition_hash, differences};
pub use hours::Hours;
pub use rules::{
    ApprovalRule, ApprovalRules, Asked, REASON_CHARACTERS_MAX, RULES_MAX, ReasonFor, ReasonRule,
};

use crate::ids::{JobId, OperatorId};

/// What a job waits for that waits for an approval.
pub const HOLD: &str = "approval";
/// Characters of what somebody says of a decision: a few sentences.
pub const NOTE_CHARACTERS_MAX: usize = 1_000;

/// What became of an approval.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, VariantArray,
)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// It waits for somebody.
    Waiting,
    /// Somebody has granted it, and nobody has begun to build.
    Granted,
    /// Whoever asked has released it without a second person, and nobody has begun to build.
    BrokenGlass,
    /// It was used up: the file was begun.
    Used,
    /// Somebody has refused it.
    Denied,
    /// Nobody has decided, or begun to build, in time.
    Lapsed,
    /// What it was asked for is not what it was, or its export has ended.
    Void,
}

impl ApprovalState {
    /// Every state.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Stable name.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Granted => "granted",
            Self::BrokenGlass => "broken_glass",
            Self::Used => "used",
            Self::Denied => "denied",
            Self::Lapsed => "lapsed",
            Self::Void => "void",
        }
    }

    /// The state of that name.
    pub fn find(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.slug() == slug)
    }

    /// What it is, as people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Waiting => "waits for a second person",
            Self::Granted => "granted, and not used yet",
            Self::BrokenGlass => "released without a second person, and not used yet",
            Self::Used => "used",
            Self::Denied => "refused",
            Self::Lapsed => "lapsed",
            Self::Void => "void",
        }
    }
}

/// A request for approval, and what became of it. Times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// The job that waits, or has waited.
    pub job: JobId,
    /// Name of the rule by which it does.
    pub rule: String,
    /// SHA-256 of what was asked for, in hexadecimal.
    pub definition_hash: String,
    /// When it was asked for.
    pub requested_at: i64,
    /// When it lapses: undecided, or decided and not used.
    pub expires_at: i64,
    /// What became of it.
    pub state: ApprovalState,
    /// Who has decided, if anybody has.
    pub decided_by: Option<OperatorId>,
    /// Mail address of who has.
    pub decided_name: Option<String>,
    /// When.
    pub decided_at: Option<i64>,
    /// What they said.
    pub note: Option<String>,
    /// Whether it was released without a second person.
    pub is_broken: bool,
    /// Who has reviewed that, if anybody has.
    pub reviewed_by: Option<OperatorId>,
    /// Mail address of who has.
    pub reviewed_name: Option<String>,
    /// When.
    pub reviewed_at: Option<i64>,
    /// What they said.
    pub review_note: Option<String>,
}

impl Approval {
    /// Whether it was released without a second person, and none has looked at it since.
    pub fn wants_review(&self) -> bool {
        self.is_broken && self.reviewed_by.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_found_by_its_name() {
        for &state in ApprovalState::ALL {
            assert_eq!(ApprovalState::find(state.slug()), Some(state));
        }
    }
}
