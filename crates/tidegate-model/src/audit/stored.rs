//! An entry as it is kept and streamed: its text, its hash, and columns for searching.

use serde::Deserialize;

use super::{Entry, time_text};

/// What a line of the streamed log begins with; 64 digits of the hash follow.
const LINE_START: &str = r#"{"hash":""#;
/// What stands between hash and text.
const LINE_MIDDLE: &str = r#"","entry":"#;
/// Hexadecimal digits of a hash.
const HASH_DIGITS: usize = 64;

/// An entry as the control database keeps it.
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

impl StoredEntry {
    /// Its line in the streamed log: `{"hash":"…","entry":…}`. The text stands in it as it is, so
    /// whoever cuts it out can hash it.
    pub fn line(&self) -> String {
        format!("{LINE_START}{}{LINE_MIDDLE}{}}}", self.hash, self.text)
    }

    /// Reads a line of the streamed log; none if it is not one. Whether the hash is that of the
    /// text is for the walk along the chain to find out.
    pub fn of_line(line: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Link {
            seq: i64,
            prev: String,
        }
        let rest = line.strip_prefix(LINE_START)?;
        let (hash, rest) = rest.split_at_checked(HASH_DIGITS)?;
        let text = rest.strip_prefix(LINE_MIDDLE)?.strip_suffix('}')?;
        let link: Link = serde_json::from_str(text).ok()?;
        Some(Self { seq: link.seq, prev: link.prev, hash: hash.to_owned(), text: text.to_owned() })
    }
}

/// What an entry's row says beside its text: to be compared with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryColumns {
    /// When, in microseconds.
    pub at: i64,
    /// Commit.
    pub commit: String,
    /// Action.
    pub action: String,
    /// `done` or `denied`.
    pub outcome: String,
    /// Kind of actor.
    pub actor: String,
    /// Operator.
    pub operator: Option<i64>,
    /// Name.
    pub name: String,
    /// Subject.
    pub subject: Option<String>,
    /// Job.
    pub job: Option<i64>,
    /// Tags, with spaces between.
    pub tags: String,
}

impl EntryColumns {
    /// The first column that says something else than the text.
    pub fn disagreement(&self, entry: &Entry) -> Option<&'static str> {
        let columns = [
            ("at", time_text(self.at) == entry.at),
            ("commit_id", self.commit == entry.commit),
            ("action", self.action == entry.action),
            ("outcome", self.outcome == entry.outcome.slug()),
            ("actor", self.actor == entry.actor),
            ("operator_id", self.operator == entry.operator),
            ("name", self.name == entry.name),
            ("subject", self.subject == entry.subject),
            ("job_id", self.job == entry.job),
            ("tags", self.tags == entry.tags.join(" ")),
        ];
        columns.into_iter().find(|(_, agrees)| !agrees).map(|(column, _)| column)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::audit::{FIRST_HASH, Outcome, hash_of};

    fn entry() -> Entry {
        Entry {
            v: 1,
            seq: 7,
            prev: FIRST_HASH.to_owned(),
            at: "2026-11-21T19:05:00.000001Z".to_owned(),
            commit: "c".to_owned(),
            actor: "operator".to_owned(),
            operator: Some(3),
            name: "a\n\"b\"}@example.com".to_owned(),
            role: None,
            token: None,
            via: "cli".to_owned(),
            address: None,
            action: "export.created".to_owned(),
            outcome: Outcome::Done,
            subject: Some("orders".to_owned()),
            job: Some(5),
            tags: vec!["egress.pii".to_owned(), "x".to_owned()],
            policy: 1,
            details: json!({ "note": "}" }),
        }
    }

    fn columns() -> EntryColumns {
        EntryColumns {
            at: 1_795_287_900_000_001,
            commit: "c".to_owned(),
            action: "export.created".to_owned(),
            outcome: "done".to_owned(),
            actor: "operator".to_owned(),
            operator: Some(3),
            name: entry().name,
            subject: Some("orders".to_owned()),
            job: Some(5),
            tags: "egress.pii x".to_owned(),
        }
    }

    #[test]
    fn a_line_gives_back_the_entry_to_the_byte() {
        let text = entry().text();
        let stored =
            StoredEntry { seq: 7, prev: FIRST_HASH.to_owned(), hash: hash_of(&text), text };
        assert_eq!(StoredEntry::of_line(&stored.line()), Some(stored.clone()));
        assert!(!stored.line().contains('\n'));
        let line: serde_json::Value = serde_json::from_str(&stored.line()).unwrap();
        assert_eq!(line["entry"]["seq"], 7, "a line is JSON for whoever only reads it");
        for cut in 0..stored.line().len() {
            let part = stored.line().get(..cut).map(str::to_owned);
            assert_eq!(part.and_then(|part| StoredEntry::of_line(&part)), None, "{cut}");
        }
    }

    #[test]
    fn a_column_that_says_something_else_is_named() {
        type Edit = fn(&mut EntryColumns);
        let edits: [(&str, Edit); 10] = [
            ("at", |columns| columns.at += 1),
            ("commit_id", |columns| columns.commit.push('x')),
            ("action", |columns| columns.action.push('x')),
            ("outcome", |columns| columns.outcome = "denied".to_owned()),
            ("actor", |columns| columns.actor.push('x')),
            ("operator_id", |columns| columns.operator = None),
            ("name", |columns| columns.name.push('x')),
            ("subject", |columns| columns.subject = None),
            ("job_id", |columns| columns.job = Some(6)),
            ("tags", |columns| columns.tags.clear()),
        ];
        assert_eq!(columns().disagreement(&entry()), None);
        for (column, edit) in edits {
            let mut columns = columns();
            edit(&mut columns);
            assert_eq!(columns.disagreement(&entry()), Some(column));
        }
    }
}
