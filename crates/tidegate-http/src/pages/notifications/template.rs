//! The words of mails: a list of topics, and one of them with its preview.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use tidegate_model::notice::Topic;
use tidegate_service::{Rendered, ServiceError, TemplateWords};

use super::{
    super::{flash::Flash, forms::Sent, sentence, shell::Shell},
    Tab, refuse_others, tabs,
};
use crate::{
    edge::{Edge, Shared},
    input::Slug,
    problem::{Problem, ProblemKind},
};

/// Where they are.
pub(in crate::pages) const PATH: &str = "/sg-admin/notifications/templates";

#[derive(Template)]
#[template(path = "notification_templates.html")]
struct List<'a> {
    shell: &'a Shell,
    tabs: Vec<Tab>,
    lines: Vec<Line>,
}

/// A topic, to be drawn.
struct Line {
    path: String,
    label: String,
    slug: &'static str,
    family: &'static str,
    is_own: bool,
}

#[derive(Template)]
#[template(path = "notification_template.html")]
struct Edited<'a> {
    shell: &'a Shell,
    label: String,
    path: String,
    words: &'a TemplateWords,
    preview: Option<Rendered>,
    is_own: bool,
    faults: Vec<(&'static str, String)>,
}

impl Edited<'_> {
    fn fault(&self, name: &str) -> Option<&str> {
        self.faults.iter().find(|(one, _)| *one == name).map(|(_, words)| words.as_str())
    }

    fn html(&self) -> &str {
        self.words.html.as_deref().unwrap_or_default()
    }
}

/// The list.
pub(in crate::pages) async fn show_all(
    State(edge): State<Shared>,
    shell: Shell,
) -> Result<Response, Problem> {
    let states = edge.service.templates(&shell.caller).await?;
    let line = |state: tidegate_service::TemplateState| Line {
        path: format!("{PATH}/{}", state.topic.slug()),
        label: state.topic.title(),
        slug: state.topic.slug(),
        family: state.topic.family().slug(),
        is_own: state.is_own,
    };
    let lines = states.into_iter().map(line).collect();
    let list = List { tabs: tabs(&shell, PATH), lines, shell: &shell };
    Ok(shell.page(StatusCode::OK, &list))
}

/// One of them.
pub(in crate::pages) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
    Slug(slug): Slug,
) -> Result<Response, Problem> {
    let (topic, words, is_own) = find(&edge, &shell, &slug).await?;
    page(&edge, &shell, (topic, is_own), &words).await
}

async fn find(
    edge: &Edge,
    shell: &Shell,
    slug: &str,
) -> Result<(Topic, TemplateWords, bool), Problem> {
    let states = edge.service.templates(&shell.caller).await?;
    let found = states.into_iter().find(|state| state.topic.slug() == slug);
    let state = found.ok_or_else(|| Problem::of(ProblemKind::NotFound))?;
    Ok((state.topic, state.words, state.is_own))
}

/// The words with what comes of them, or what is wrong with them.
async fn page(
    edge: &Edge,
    shell: &Shell,
    (topic, is_own): (Topic, bool),
    words: &TemplateWords,
) -> Result<Response, Problem> {
    let (preview, faults) = match edge.service.preview_template(&shell.caller, topic, words).await {
        Ok(made) => (Some(made), Vec::new()),
        Err(ServiceError::Faults(faults)) => {
            let named = |fault: tidegate_model::fault::Fault| match fault.pointer.as_str() {
                "/title" => ("title", sentence(&fault.detail)),
                "/html" => ("html", sentence(&fault.detail)),
                _ => ("body", sentence(&fault.detail)),
            };
            (None, faults.0.into_iter().map(named).collect())
        }
        Err(other) => return Err(other.into()),
    };
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let edited = Edited {
        label: topic.title(),
        path: format!("{PATH}/{}", topic.slug()),
        words,
        preview,
        is_own,
        faults,
        shell,
    };
    Ok(shell.page(status, &edited))
}

/// The words as the form sends them, and what is to be done with them.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Form {
    title: String,
    body: String,
    html: String,
    act: String,
}

/// Previews, keeps, tries or forgets words.
pub(in crate::pages) async fn send(
    State(edge): State<Shared>,
    shell: Shell,
    Slug(slug): Slug,
    Sent(sent): Sent<Form>,
) -> Result<Response, Problem> {
    refuse_others(&shell)?;
    let (topic, _, is_own) = find(&edge, &shell, &slug).await?;
    let path = format!("{PATH}/{}", topic.slug());
    // Browsers send line feeds as CR LF.
    let plain = |text: &str| text.replace("\r\n", "\n");
    let html = plain(&sent.html);
    let words = TemplateWords {
        title: plain(&sent.title),
        body: plain(&sent.body),
        html: (!html.trim().is_empty()).then_some(html),
    };
    let done = match sent.act.as_str() {
        "save" => edge
            .service
            .set_template(&shell.caller, topic, Some(words.clone()))
            .await
            .map(|()| Flash::new("The words are kept").line("The next mail is in them.")),
        "reset" => edge
            .service
            .set_template(&shell.caller, topic, None)
            .await
            .map(|()| Flash::new("The program’s words are back")),
        "test" => edge.service.test_template(&shell.caller, topic).await.map(|()| {
            let line = format!("It goes to {}, in the words that are kept.", shell.caller.name);
            Flash::new("A test mail is on its way").line(line)
        }),
        _ => return page(&edge, &shell, (topic, is_own), &words).await,
    };
    match done {
        Ok(flash) => Ok(shell.to(&path, &flash)),
        Err(ServiceError::Faults(faults)) if sent.act == "test" => {
            let why = faults.0.first().map(|fault| sentence(&fault.detail));
            let flash = Flash::bad("No mail was sent").line(why.unwrap_or_default());
            Ok(shell.to(&path, &flash))
        }
        Err(ServiceError::Faults(_)) => page(&edge, &shell, (topic, is_own), &words).await,
        Err(other) => Err(other.into()),
    }
}
