//! What the address of the activity log asks for.

use chrono::NaiveDate;
use serde::Deserialize;
use tidegate_model::{audit::Outcome, ids::JobId};
use tidegate_service::{ActivityRequest, ActivitySort};

use super::{PATH, SIZE, SIZES};
use crate::pages::{forms::moment, parts::path_with, shell::Shell};

/// The filters, as people call them.
pub(super) const LABELS: [(&str, &str); 9] = [
    ("actor", "Person"),
    ("subject", "Subject"),
    ("field", "Field"),
    ("action", "Action"),
    ("tag", "Tag"),
    ("outcome", "Outcome"),
    ("export", "Export"),
    ("from", "Time"),
    ("to", "Time"),
];

/// The query of the page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Sought {
    pub(super) actor: String,
    pub(super) subject: String,
    pub(super) field: String,
    pub(super) action: String,
    pub(super) tag: String,
    pub(super) outcome: String,
    pub(super) export: String,
    pub(super) from: String,
    pub(super) to: String,
    /// What a report is to have a row of: `exports` or `entries`.
    pub(super) kind: String,
    limit: Option<u32>,
    cursor: Option<String>,
}

impl Sought {
    /// The filters that are on.
    pub(super) fn filters(&self) -> Vec<(&'static str, &str)> {
        let values = [
            &self.actor,
            &self.subject,
            &self.field,
            &self.action,
            &self.tag,
            &self.outcome,
            &self.export,
            &self.from,
            &self.to,
        ];
        let named = LABELS.iter().zip(values).map(|((name, _), value)| (*name, value.as_str()));
        named.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// What all pages of the list have in their address.
    pub(super) fn pairs(&self) -> Vec<(&'static str, &str)> {
        let mut pairs = self.filters();
        let sizes = [("25", 25), ("50", 50), ("100", 100)];
        let size = sizes.iter().find(|(_, size)| *size == self.limit() && *size != SIZE);
        pairs.extend(size.map(|(text, _)| ("limit", *text)));
        pairs
    }

    /// A time as its field takes it: a day alone would be lost.
    pub(super) fn field(&self, text: &str) -> String {
        match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Ok(day) => format!("{day}T00:00"),
            Err(_) => text.to_owned(),
        }
    }

    /// Entries of a page.
    pub(super) fn limit(&self) -> u32 {
        self.limit.filter(|limit| SIZES.contains(limit)).unwrap_or(SIZE)
    }

    /// The list without a filter.
    pub(super) fn without(&self, name: &str) -> String {
        let mut pairs = self.pairs();
        pairs.retain(|(one, _)| *one != name);
        path_with(PATH, &pairs)
    }

    /// The list with a filter, which takes the place of the one of its name.
    pub(super) fn with(&self, name: &'static str, value: &str) -> String {
        let mut pairs = self.pairs();
        pairs.retain(|(one, _)| *one != name);
        pairs.push((name, value));
        path_with(PATH, &pairs)
    }

    /// What the service is asked, and what of the address makes no sense.
    pub(super) fn request(&self, shell: &Shell) -> (ActivityRequest, Vec<(&'static str, String)>) {
        let mut faults = Vec::new();
        let text = |value: &String| (!value.is_empty()).then(|| value.clone());
        let job = text(&self.export).and_then(|number| {
            let read = number.trim_start_matches('#').parse().ok().map(JobId);
            if read.is_none() {
                faults.push(("export", "An export is a number, such as 4121.".to_owned()));
            }
            read
        });
        let outcome = text(&self.outcome).and_then(|word| {
            let read = [Outcome::Done, Outcome::Denied].into_iter().find(|it| it.slug() == word);
            if read.is_none() {
                faults.push(("outcome", "An outcome is done or denied.".to_owned()));
            }
            read
        });
        let [from, to] = [("from", &self.from), ("to", &self.to)].map(|(name, at)| {
            let read = text(at).map(|at| moment(&at, shell.zone));
            if read == Some(None) {
                let detail = "A time is a day, or a day and a time: 2026-11-21T14:00.";
                faults.push((name, detail.to_owned()));
            }
            read.flatten()
        });
        let request = ActivityRequest {
            actor: text(&self.actor),
            job,
            subject: text(&self.subject),
            field: text(&self.field),
            action: text(&self.action),
            tag: text(&self.tag),
            outcome,
            from,
            to,
            sort: ActivitySort::Newest,
            limit: Some(self.limit()),
            cursor: self.cursor.clone(),
        };
        (request, faults)
    }
}
