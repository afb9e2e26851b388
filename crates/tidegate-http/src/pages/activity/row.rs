//! A row of the activity log: what was done, in two lines.

use chrono::{DateTime, Datelike, NaiveDate};
use tidegate_model::{
    action::Action,
    audit::{Entry, Outcome, StoredEntry, hash_of},
    policy::PII_TAG,
};

use super::{
    PATH,
    telling::{self, People},
};
use crate::pages::{parts::path_with, path_of, shell::Shell, words};

/// An entry, told.
pub(super) struct Row {
    pub(super) seq: i64,
    /// The number with its groups.
    pub(super) number: String,
    /// The day above it, where another one begins.
    pub(super) day: Option<String>,
    pub(super) clock: String,
    pub(super) iso: String,
    pub(super) title: String,
    pub(super) icon: &'static str,
    pub(super) fact: String,
    pub(super) tags: Vec<String>,
    pub(super) is_pii: bool,
    pub(super) is_denied: bool,
    /// Whether its hash is not that of its text.
    pub(super) is_broken: bool,
    /// The export, with its page if there is one.
    pub(super) job: Option<(i64, Option<String>)>,
    /// The subject, with the list of what was done to it.
    pub(super) subject: Option<(String, String)>,
    pub(super) rest: String,
    pub(super) who: String,
    /// The list of what this one did, where it is somebody.
    pub(super) who_path: String,
    pub(super) who_title: String,
    pub(super) size: String,
    pub(super) address: String,
}

/// Rows with the days between them.
pub(super) fn of(entries: &[StoredEntry], shell: &Shell, people: &People) -> Vec<Row> {
    let mut before = None;
    let rows = entries.iter().map(|stored| {
        let Some((mut row, day)) = read(stored, shell, people) else { return unreadable(stored) };
        if before.replace(day) != Some(day) {
            row.day = Some(day_words(day, shell));
        }
        row
    });
    rows.collect()
}

fn read(stored: &StoredEntry, shell: &Shell, people: &People) -> Option<(Row, NaiveDate)> {
    let entry: Entry = serde_json::from_str(&stored.text).ok()?;
    let at = DateTime::parse_from_rfc3339(&entry.at).ok()?.timestamp_micros();
    let local = shell.local(at);
    let action = telling::action_of(&entry.action);
    let is_denied = entry.outcome == Outcome::Denied;
    let (who, who_title) = who(&entry, shell, people);
    let row = Row {
        seq: stored.seq,
        number: words::count(stored.seq),
        day: None,
        clock: local.format("%H:%M:%S").to_string(),
        title: shell.when(at).title,
        iso: shell.when(at).iso,
        icon: match (action, is_denied) {
            (_, true) => "circle-slash",
            (Some(action), false) => telling::telling(action).icon,
            (None, false) => "activity",
        },
        fact: fact(action, &entry),
        is_pii: entry.tags.iter().any(|tag| tag == PII_TAG),
        tags: entry.tags.iter().filter(|tag| *tag != PII_TAG).cloned().collect(),
        is_denied,
        is_broken: hash_of(&stored.text) != stored.hash,
        job: entry.job.map(|job| (job, export_path(job))),
        subject: entry.subject.as_ref().map(|slug| {
            (shell.subject_label(slug), path_with(PATH, &[("subject", slug.as_str())]))
        }),
        rest: telling::details(&entry, people).join(" · "),
        who,
        who_path: path_with(PATH, &[("actor", entry.name.as_str())]),
        who_title,
        size: entry.details["bytes"].as_i64().map(words::size).unwrap_or_default(),
        address: entry.address.unwrap_or_default(),
    };
    Some((row, local.date_naive()))
}

/// The page of an export, once there is one.
pub(super) fn export_path(job: i64) -> Option<String> {
    path_of("export").map(|path| path.replace("{id}", &job.to_string()))
}

/// What was done, or not allowed.
pub(super) fn fact(action: Option<Action>, entry: &Entry) -> String {
    match (action.map(telling::telling), entry.outcome) {
        (Some(told), Outcome::Done) => told.done.to_owned(),
        (Some(told), Outcome::Denied) => format!("Refused: {}", told.refused),
        (None, _) => entry.action.clone(),
    }
}

/// Who did it, and how that one is called in full.
pub(super) fn who(entry: &Entry, shell: &Shell, people: &People) -> (String, String) {
    let is_reader =
        entry.operator.is_some() && entry.operator == shell.caller.operator().map(|id| id.0);
    let named = entry.operator.and_then(|id| people.get(&id).cloned());
    let name = match entry.actor.as_str() {
        _ if is_reader => "You".to_owned(),
        "worker" => format!("worker {}", entry.name),
        "upkeep" | "setup" | "provider" => format!("{}: {}", entry.actor, entry.name),
        "stranger" => format!("somebody as {}", entry.name),
        _ => named.unwrap_or_else(|| entry.name.clone()),
    };
    let by = if entry.token.is_some() { " by token" } else { "" };
    (format!("{name}{by}"), entry.name.clone())
}

fn unreadable(stored: &StoredEntry) -> Row {
    Row {
        seq: stored.seq,
        number: words::count(stored.seq),
        day: None,
        clock: String::new(),
        iso: String::new(),
        title: String::new(),
        icon: "triangle-alert",
        fact: "This entry cannot be read".to_owned(),
        tags: Vec::new(),
        is_pii: false,
        is_denied: false,
        is_broken: true,
        job: None,
        subject: None,
        rest: String::new(),
        who: String::new(),
        who_path: PATH.to_owned(),
        who_title: String::new(),
        size: String::new(),
        address: String::new(),
    }
}

fn day_words(day: NaiveDate, shell: &Shell) -> String {
    let today = shell.local(shell.now).date_naive();
    let format = if day.year() == today.year() { "%A, %-d %B" } else { "%A, %-d %B %Y" };
    let words = day.format(format).to_string();
    if day == today { format!("Today, {words}") } else { words }
}
