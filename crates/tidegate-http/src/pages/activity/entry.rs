//! One entry of the activity log: all that it says, and what was checked about it.

use askama::Template;
use axum::{extract::State, response::Response};
use chrono::DateTime;
use http::StatusCode;
use serde_json::Value;
use tidegate_model::audit::Entry;

use super::{PATH, people, row, telling};
use crate::{
    edge::Shared,
    input::Number,
    pages::{parts::path_with, path_of, shell::Shell, words},
    problem::{Problem, ProblemKind},
};

#[derive(Template)]
#[template(path = "activity_entry.html")]
struct Shown<'a> {
    shell: &'a Shell,
    number: String,
    fact: String,
    is_pii: bool,
    /// Label, words, and where they lead.
    facts: Vec<(&'static str, String, Option<String>)>,
    checks: Vec<Check>,
    hash: &'a str,
    before: Option<(String, String)>,
    after: Option<(String, String)>,
    /// The entry, so that people can read it.
    json: String,
    /// The line, hash and all, as a streamed log has it.
    line: String,
    more: Vec<(String, String)>,
}

/// Something that was checked, and whether it holds.
struct Check {
    is_good: bool,
    words: String,
}

/// The page.
pub(in crate::pages) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
    Number(seq): Number,
) -> Result<Response, Problem> {
    let found = edge.service.activity_entry(&shell.caller, seq).await?;
    let chain = edge.service.chain_state(&shell.caller).await?;
    let people = people(&edge, &shell).await?;
    let text = &found.entry.text;
    let entry: Entry =
        serde_json::from_str(text).map_err(|_| Problem::of(ProblemKind::Internal))?;
    let signed = chain.checkpoint.filter(|checkpoint| checkpoint.is_signed && checkpoint.fits);
    let mut checks = vec![Check {
        is_good: found.is_itself,
        words: match found.is_itself {
            true => "The hash is that of the text".to_owned(),
            false => "The hash is not that of the text: it was changed".to_owned(),
        },
    }];
    checks.extend(found.follows.map(|is_good| Check {
        is_good,
        words: match is_good {
            true => format!("It names the hash of entry #{}", words::count(seq - 1)),
            false => format!("Entry #{} has another hash than it names", words::count(seq - 1)),
        },
    }));
    let covering = signed.filter(|checkpoint| checkpoint.seq >= seq);
    checks.push(match covering {
        Some(checkpoint) => Check {
            is_good: true,
            words: format!("Checkpoint {} covers it", words::count(checkpoint.number)),
        },
        None => Check { is_good: false, words: "No checkpoint covers it yet".to_owned() },
    });
    let neighbour = |seq: i64| (words::count(seq), format!("{PATH}/{seq}"));
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    let shown = Shown {
        number: words::count(seq),
        fact: row::fact(telling::action_of(&entry.action), &entry),
        is_pii: entry.tags.iter().any(|tag| tag == tidegate_model::policy::PII_TAG),
        facts: facts(&entry, &shell, &people),
        checks,
        hash: &found.entry.hash,
        before: (seq > 1).then(|| neighbour(seq - 1)),
        after: (seq < chain.last).then(|| neighbour(seq + 1)),
        json: serde_json::to_string_pretty(&json).unwrap_or_default(),
        line: found.entry.line(),
        more: more(&entry, &shell),
        shell: &shell,
    };
    Ok(shell.page(StatusCode::OK, &shown))
}

fn facts(
    entry: &Entry,
    shell: &Shell,
    people: &telling::People,
) -> Vec<(&'static str, String, Option<String>)> {
    let at = DateTime::parse_from_rfc3339(&entry.at).map(|at| at.timestamp_micros());
    let when = at.map(|at| shell.when(at).title).unwrap_or_else(|_| entry.at.clone());
    let (who, email) = row::who(entry, shell, people);
    let who = if who.contains(&email) { who } else { format!("{who} ({email})") };
    let operator = entry.operator.filter(|_| shell.holds("operators.manage"));
    let operator =
        operator.and_then(|id| Some(path_of("operator")?.replace("{id}", &id.to_string())));
    let details = telling::details(entry, people).join(" · ");
    let via = match entry.via.as_str() {
        "cli" => "The command line",
        "api" => "The API",
        "admin" => "These pages",
        "schedule" => "A schedule",
        "link" => "A link that needs no sign-in",
        _ => "The service itself",
    };
    let maybe = |label, value: Option<String>| value.map(|value| (label, value, None));
    let mut facts = vec![("When", when, None), ("Who", who, operator)];
    facts.extend(maybe("Role then", entry.role.clone()));
    facts.push(("By", via.to_owned(), None));
    facts.extend(maybe("Address", entry.address.clone()));
    facts.extend(entry.job.map(|job| ("Export", format!("#{job}"), row::export_path(job))));
    facts.extend(maybe("Subject", entry.subject.as_deref().map(|it| shell.subject_label(it))));
    facts.extend(maybe("What", (!details.is_empty()).then_some(details)));
    facts.extend(maybe("Tags", (!entry.tags.is_empty()).then(|| entry.tags.join(", "))));
    facts
}

/// What one asks next.
fn more(entry: &Entry, shell: &Shell) -> Vec<(String, String)> {
    let mut more = Vec::new();
    if let Some(job) = entry.job {
        let number = job.to_string();
        let all = path_with(PATH, &[("export", number.as_str())]);
        more.push((format!("All about export #{job}"), all));
        let downloads =
            path_with(PATH, &[("export", number.as_str()), ("action", "download.finished")]);
        more.push(("Was it downloaded".to_owned(), downloads));
    }
    if let Some(subject) = &entry.subject {
        let label = shell.subject_label(subject);
        let all = path_with(PATH, &[("subject", subject.as_str())]);
        more.push((format!("Who else took {label}"), all));
    }
    if entry.operator.is_some() {
        let all = path_with(PATH, &[("actor", entry.name.as_str())]);
        more.push((format!("All that {} did", entry.name), all));
    }
    let alike = path_with(PATH, &[("action", entry.action.as_str())]);
    more.push(("All entries of this kind".to_owned(), alike));
    more
}
