//! The help page: three walks through the product, keys, states, rights and words.

mod walk;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use tidegate_model::status::Status;

use self::walk::Walk;
use super::{
    parts::Pill,
    rights::{self, Area},
    shell::Shell,
};
use crate::{edge::Shared, problem::Problem};

/// Where it is.
pub(super) const PATH: &str = "/sg-admin/help";

/// Words that the pages use, and what they mean.
const WORDS: &[(&str, &str)] = &[
    ("Subject", "A kind of records that can be looked at and taken out, such as orders."),
    ("Scope", "Which records of a subject are meant: filters, a search, days, or rows you ticked."),
    ("Field", "A column of the file. You choose which, in which order, and under which names."),
    ("Export", "One copy of a scope, asked for by one person. Its record stays for good."),
    (
        "File, artifact",
        "What an export makes. It can be fetched as often as you like, for some days.",
    ),
    (
        "Kept for",
        "How long the file is there. It counts from when it was made; fetching changes nothing.",
    ),
    (
        "Manifest",
        "A signed note beside the file: rows, fields, checksum. It proves that the file is whole.",
    ),
    ("Reason", "A line or a ticket that says what an export is for. It stands in its record."),
    (
        "Personal data, PII",
        "Whatever tells something about a person. Taking it out is allowed, and is noted louder.",
    ),
    (
        "Activity log",
        "Who did what and when. Entries are never changed: each carries the hash of the last.",
    ),
    ("Role", "Rights that people share. Whoever manages roles can change them, at once."),
    (
        "Rows limited",
        "A role can see a part of a subject’s records. Lists, counts and files hold that part.",
    ),
];

#[derive(Template)]
#[template(path = "help.html")]
struct Help<'a> {
    shell: &'a Shell,
    walks: Vec<Walk>,
    states: Vec<(Pill, &'static str)>,
    areas: Vec<Area>,
    words: &'static [(&'static str, &'static str)],
}

/// The page.
pub(super) async fn show(State(edge): State<Shared>, shell: Shell) -> Result<Response, Problem> {
    let first = shell.standing.subjects.iter().find(|subject| subject.may_export);
    let walks = match first {
        Some(subject) => {
            // Help is there where the source is not: the walk then leaves the days out.
            let bound = edge.service.subject(&shell.caller, &subject.slug).await.ok();
            let days = bound.and_then(|(_, bound)| {
                let whole = bound.of_kind(None).ok()?;
                Some(whole.field(whole.date_field.as_deref()?)?.label.clone())
            });
            walk::all(&shell, &shell.subject_label(&subject.slug), days.as_deref())
        }
        None => Vec::new(),
    };
    let actions = edge.service.actions_held(&shell.standing.capabilities).await?;
    let labels = shell.standing.subjects.iter();
    let labels: Vec<(String, String)> =
        labels.map(|one| (one.slug.clone(), shell.subject_label(&one.slug))).collect();
    let help = Help {
        walks,
        states: Status::ALL.map(|status| (Pill::of(status, false), meaning(status))).to_vec(),
        areas: rights::areas_now(&labels, &actions),
        words: WORDS,
        shell: &shell,
    };
    Ok(shell.page(StatusCode::OK, &help))
}

/// What a state means, and what can be done in it.
fn meaning(status: Status) -> &'static str {
    match status {
        Status::Pending => "It waits for its turn. You can cancel it.",
        Status::Building => {
            "Its rows are being written. You can leave the page; you can cancel it, and no half \
             file stays."
        }
        Status::Ready => "The file is whole and checked. Download it before its days are over.",
        Status::Failed => "No file was made. The page of the export says why; re-run asks again.",
        Status::Cancelled => "Somebody stopped it before it was done. There is no file.",
        Status::Expired => {
            "Its days are over and the file is gone. The record stays; re-run makes a new file."
        }
        Status::Deleted => "Somebody removed the file before its time. The record stays.",
    }
}
