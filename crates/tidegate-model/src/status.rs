//! The life of an export job: its states, and the only ways from one to the next.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// State of an export job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for a worker, or for an approval.
    Pending,
    /// A worker builds its file, or it waits for its next attempt.
    Building,
    /// Its file can be downloaded.
    Ready,
    /// It has no file, and a reason why.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// Its file is gone, as its retention has ended.
    Expired,
    /// Its file is gone, as somebody deleted it.
    Deleted,
}

impl Status {
    /// All states, in the order of a life.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Building,
        Self::Ready,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
        Self::Deleted,
    ];

    /// Word in the database, the API and the command line.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Building => "building",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
        }
    }

    /// Whether a file may still come of it.
    pub fn is_open(self) -> bool {
        match self {
            Self::Pending | Self::Building => true,
            Self::Ready | Self::Failed | Self::Cancelled | Self::Expired | Self::Deleted => false,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// A word that names no state.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no status of that name")]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.slug() == word).ok_or(UnknownStatus)
    }
}

/// A way from one state to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transition {
    /// Its name in the record of transitions.
    pub slug: &'static str,
    /// State before.
    pub from: Status,
    /// State after.
    pub to: Status,
}

const fn transition(slug: &'static str, from: Status, to: Status) -> Transition {
    Transition { slug, from, to }
}

/// Every transition there is. The triggers of the control database hold the same list.
pub const TRANSITIONS: &[Transition] = &[
    transition("claim", Status::Pending, Status::Building),
    transition("publish", Status::Building, Status::Ready),
    transition("fail", Status::Building, Status::Failed),
    transition("refuse", Status::Pending, Status::Failed),
    transition("cancel", Status::Pending, Status::Cancelled),
    transition("cancel", Status::Building, Status::Cancelled),
    transition("expire", Status::Ready, Status::Expired),
    transition("delete", Status::Ready, Status::Deleted),
];

/// The transition between two states, if there is one.
pub fn transition_between(from: Status, to: Status) -> Option<&'static Transition> {
    TRANSITIONS.iter().find(|transition| transition.from == from && transition.to == to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_it_is_written() {
        for status in Status::ALL {
            assert_eq!(status.slug().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.slug());
        }
        assert_eq!("READY".parse::<Status>(), Err(UnknownStatus));
    }

    #[test]
    fn a_file_may_still_come_of_what_waits_or_is_built_and_of_nothing_else() {
        let open: Vec<Status> = Status::ALL.into_iter().filter(|one| one.is_open()).collect();
        assert_eq!(open, [Status::Pending, Status::Building]);
        // That is what the transitions say, too: from everything else there is no way to a file.
        let mut leads = std::collections::BTreeSet::from([Status::Ready]);
        while TRANSITIONS.iter().any(|one| leads.contains(&one.to) && leads.insert(one.from)) {}
        leads.remove(&Status::Ready);
        assert_eq!(Vec::from_iter(leads), open);
    }

    #[test]
    fn a_life_never_goes_backward() {
        let table: Vec<String> = Status::ALL
            .iter()
            .flat_map(|from| Status::ALL.iter().map(move |to| (*from, *to)))
            .filter_map(|(from, to)| Some((from, to, transition_between(from, to)?)))
            .map(|(from, to, transition)| format!("{from} → {to}: {}", transition.slug))
            .collect();
        let expected = [
            "pending → building: claim",
            "pending → failed: refuse",
            "pending → cancelled: cancel",
            "building → ready: publish",
            "building → failed: fail",
            "building → cancelled: cancel",
            "ready → expired: expire",
            "ready → deleted: delete",
        ];
        assert_eq!(table, expected);
        assert_eq!(table.len(), TRANSITIONS.len());
    }
}
