//! Where a figure leads: to the exports, or to the entries of the log, that it is the sum of.

use chrono::NaiveDate;
use tidegate_model::{action::Action, policy::PII_TAG, status::Status};
use tidegate_service::{Egress, EgressKey, EgressMeasure, EgressPart, EgressWindow};

use crate::pages::{activity, exports, parts::path_with, shell::Shell};

/// States of exports that have made a file.
pub(super) const WITH_FILE: [Status; 3] = [Status::Ready, Status::Expired, Status::Deleted];

/// Ways to the lists.
pub(super) struct Ways {
    from: NaiveDate,
    /// The day behind the last one.
    to: NaiveDate,
    /// Whether whoever looks may read the log.
    has_log: bool,
}

/// What of all is meant.
#[derive(Clone, Copy, Default)]
pub(super) struct Only<'a> {
    /// On this day.
    pub(super) day: Option<NaiveDate>,
    /// With personal data.
    pub(super) is_personal: bool,
    /// Of this subject, or operator.
    pub(super) part: Option<&'a EgressPart>,
}

impl Ways {
    pub(super) fn of(shell: &Shell, window: &EgressWindow) -> Self {
        Self { from: window.from, to: next(window.until), has_log: shell.holds("activity.view") }
    }

    /// Exports that were asked for on these days.
    pub(super) fn list(&self, pairs: &[(&str, &str)]) -> String {
        let (from, to) = (self.from.to_string(), self.to.to_string());
        let own = [("from", from.as_str()), ("to", &to)];
        path_with(exports::PATH, &[&own[..], pairs].concat())
    }

    /// Those of them that made a file.
    pub(super) fn files(&self, pairs: &[(&str, &str)]) -> String {
        let states = WITH_FILE.map(Status::slug).join(",");
        self.list(&[&[("status", states.as_str())][..], pairs].concat())
    }

    /// What a measure is the sum of; none where there is no such list, or it may not be seen.
    pub(super) fn to(
        &self,
        egress: &Egress,
        measure: EgressMeasure,
        only: Only<'_>,
    ) -> Option<String> {
        let days = match only.day {
            Some(day) => Self { from: day, to: next(day), has_log: self.has_log },
            None => Self { ..*self },
        };
        let (subject, operator) = match only.part.map(|part| &part.key) {
            None => ("", None),
            Some(EgressKey::Subject(slug)) => (slug.as_str(), None),
            Some(EgressKey::Operator(id)) => ("", Some(*id)),
            // Everybody but some is nothing that a list is narrowed down to.
            Some(EgressKey::Others) => return None,
        };
        match measure {
            EgressMeasure::BytesSent => {
                let named = operator.and_then(|id| egress.names.get(&id));
                let actor = named.map(|one| one.email.as_str()).unwrap_or_default();
                let tag = if only.is_personal { PII_TAG } else { "" };
                self.has_log
                    .then(|| days.log(&[("subject", subject), ("actor", actor), ("tag", tag)]))
            }
            EgressMeasure::Bytes | EgressMeasure::Rows => {
                let by = operator.map(|id| id.to_string()).unwrap_or_default();
                let pii = if only.is_personal { "yes" } else { "" };
                Some(days.files(&[("subject", subject), ("by", &by), ("pii", pii)]))
            }
        }
    }

    /// Downloads that ended on these days.
    fn log(&self, pairs: &[(&str, &str)]) -> String {
        let (from, to) = (self.from.to_string(), self.to.to_string());
        let own = [
            ("action", Action::DownloadFinish.slug()),
            ("from", from.as_str()),
            ("to", to.as_str()),
        ];
        path_with(activity::PATH, &[&own[..], pairs].concat())
    }
}

fn next(day: NaiveDate) -> NaiveDate {
    day.succ_opt().unwrap_or(day)
}
