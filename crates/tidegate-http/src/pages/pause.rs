//! The pause: what holds egress back now, the switch, and the pauses that there were.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use tidegate_model::pause::Pause;
use tidegate_service::{PastPause, ServiceError};

use super::{flash::Flash, forms::Sent, sentence, shell::Shell, words::When};
use crate::{
    edge::{Edge, Shared},
    problem::Problem,
};

/// Where it is.
pub(super) const PATH: &str = "/sg-admin/pause";

/// A pause that holds something back, for whoever is held back.
pub(super) struct Held {
    /// What is paused.
    pub(super) fact: String,
    /// Who began it.
    pub(super) name: String,
    /// When.
    pub(super) when: When,
    /// Why.
    pub(super) reason: String,
}

impl Held {
    pub(super) fn of(shell: &Shell, pause: &Pause) -> Self {
        let fact = match &pause.subject {
            Some(slug) => format!("Egress of {} is paused.", shell.subject_label(slug)),
            None => "All egress is paused.".to_owned(),
        };
        let (name, reason) = (pause.name.clone(), pause.reason.clone());
        Self { fact, name, when: shell.when(pause.paused_at), reason }
    }
}

#[derive(Template)]
#[template(path = "pause.html")]
struct Shown<'a> {
    shell: &'a Shell,
    subjects: Vec<(String, String)>,
    sent: &'a Wished,
    faults: Vec<(&'static str, String)>,
    lines: Vec<Line>,
}

/// A pause that there was.
struct Line {
    subject: String,
    what: String,
    reason: String,
    by: String,
    began: When,
    ended: Option<(String, When)>,
}

impl Line {
    fn of(shell: &Shell, PastPause { pause, ended }: PastPause) -> Self {
        let label = pause.subject.as_deref().map(|slug| shell.subject_label(slug));
        Self {
            subject: pause.subject.unwrap_or_default(),
            what: label.unwrap_or_else(|| "Everything".to_owned()),
            reason: pause.reason,
            by: pause.name,
            began: shell.when(pause.paused_at),
            ended: ended.map(|(by, at)| (by, shell.when(at))),
        }
    }
}

/// What is to be held, and why. An empty subject is everything.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wished {
    subject: String,
    reason: String,
}

impl Wished {
    fn subject(&self) -> Option<&str> {
        (!self.subject.is_empty()).then_some(self.subject.as_str())
    }

    fn words(&self, shell: &Shell) -> String {
        self.subject().map_or_else(|| "All egress".to_owned(), |slug| shell.subject_label(slug))
    }
}

/// The page.
pub(super) async fn show(State(edge): State<Shared>, shell: Shell) -> Result<Response, Problem> {
    page(&edge, &shell, &Wished::default(), Vec::new()).await
}

async fn page(
    edge: &Edge,
    shell: &Shell,
    sent: &Wished,
    faults: Vec<(&'static str, String)>,
) -> Result<Response, Problem> {
    let past = edge.service.past_pauses(&shell.caller).await?;
    let lines = past.into_iter().map(|one| Line::of(shell, one)).collect();
    let subjects = shell.standing.subjects.iter();
    let subjects = subjects.map(|one| (one.slug.clone(), shell.subject_label(&one.slug))).collect();
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(shell.page(status, &Shown { shell, subjects, sent, faults, lines }))
}

/// Begins a pause.
pub(super) async fn send(
    State(edge): State<Shared>,
    shell: Shell,
    Sent(sent): Sent<Wished>,
) -> Result<Response, Problem> {
    match edge.service.pause(&shell.caller, sent.subject(), &sent.reason).await {
        Ok(()) => {
            let flash = Flash::new(format!("{} is paused", sent.words(&shell)))
                .line("What was being built is cancelled, downloads are cut.");
            Ok(shell.to(PATH, &flash))
        }
        Err(ServiceError::Faults(faults)) => {
            let named = faults.0.into_iter().map(|fault| ("reason", sentence(&fault.detail)));
            page(&edge, &shell, &sent, named.collect()).await
        }
        Err(ServiceError::Exists { .. }) => {
            let words = format!("{} is paused already.", sent.words(&shell));
            page(&edge, &shell, &sent, vec![("subject", words)]).await
        }
        Err(other) => Err(other.into()),
    }
}

/// Ends one.
pub(super) async fn end(
    State(edge): State<Shared>,
    shell: Shell,
    Sent(sent): Sent<Wished>,
) -> Result<Response, Problem> {
    edge.service.resume(&shell.caller, sent.subject()).await?;
    let flash = Flash::new(format!("{} goes on", sent.words(&shell)))
        .line("What was cancelled stays cancelled: run it again where it is still wanted.");
    Ok(shell.to(PATH, &flash))
}
