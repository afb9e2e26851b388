//! One export: how far it is, what happened to it, what is in it, who took it.

pub(super) mod call;
pub(super) mod manifest;
pub(super) mod state;
pub(super) mod timeline;

use askama::Template;
use axum::{extract::State, response::Response};
use chrono::DateTime;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tidegate_model::{ids::JobId, job::Job, status::Status};
use tidegate_service::Download;

use self::{
    manifest::Manifest,
    state::{Fact, facts, says},
    timeline::Step,
};
use super::{
    exports::{offer::Offer, row},
    forms::Sought,
    parts::Pill,
    path_of, scope_words,
    shell::Shell,
    words::{self, Left, When},
};
use crate::{edge::Shared, input::Number, problem::Problem};

/// Fields that are named before the rest is folded away.
const FIELDS_NAMED: usize = 8;

/// What the address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// Whether the file is wanted as soon as it is there.
    take: bool,
}

#[derive(Template)]
#[template(path = "export.html")]
struct Export<'a> {
    shell: &'a Shell,
    job: &'a Job,
    path: String,
    subject: String,
    format: String,
    scope: String,
    order: Option<String>,
    by: String,
    created: When,
    pill: Pill,
    /// A bold fact, and what else there is to know.
    says: (String, String),
    facts: Vec<Fact>,
    steps: Vec<Step>,
    /// Slugs of fields, with the names that they have in the file where those are others.
    fields: Vec<(String, Option<String>)>,
    downloads: Vec<Taken>,
    has_more_downloads: bool,
    manifest: Option<Manifest>,
    left: Option<Left>,
    until: String,
    /// Why it waits for a second person, while it does.
    hold: Option<Hold>,
    offer: Offer,
    command: String,
    pills: Vec<Pill>,
    /// Whether the download begins by itself.
    takes: bool,
}

/// Why an export waits for a second person.
struct Hold {
    rule: String,
    until: When,
    may_look: bool,
    is_own: bool,
}

/// A download.
struct Taken {
    when: String,
    iso: String,
    by: String,
    sent: String,
    /// A word where it was not the whole file.
    tag: Option<&'static str>,
    from: String,
    seq: String,
    /// Its entry in the log, for whoever may read that.
    entry: Option<String>,
}

impl Export<'_> {
    fn is_live(&self) -> bool {
        self.job.status.is_open()
    }

    /// Whether there is a file, was one or may be one.
    fn shows_downloads(&self) -> bool {
        !matches!(self.job.status, Status::Failed | Status::Cancelled)
    }

    fn named_fields(&self) -> &[(String, Option<String>)] {
        &self.fields[..self.fields.len().min(FIELDS_NAMED)]
    }

    fn other_fields(&self) -> &[(String, Option<String>)] {
        &self.fields[self.fields.len().min(FIELDS_NAMED)..]
    }
}

/// The page.
pub(super) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
    Sought(asked): Sought<Asked>,
) -> Result<Response, Problem> {
    let story = edge.service.export_story(&shell.caller, JobId(id)).await?;
    let (shell, job) = (&shell, &story.job);
    let withheld = story.withheld.as_ref();
    let manifest = match job.status {
        Status::Ready if withheld.is_none() => Some(manifest::read(&edge, shell, job.id).await),
        _ => None,
    };
    let is_own = shell.caller.operator() == Some(job.created_by);
    let by = if is_own { "you".to_owned() } else { story.creator.clone() };
    let offer = match withheld {
        Some(why) if job.status == Status::Ready => Offer::of(shell, job).without_file(why),
        _ => Offer::of(shell, job),
    };
    let hold = match &job.hold {
        Some(_) if job.status == Status::Pending => {
            edge.service.approval_of(job).await?.map(|approval| Hold {
                until: shell.when(approval.expires_at),
                rule: approval.rule,
                may_look: shell.holds("exports.approve"),
                is_own,
            })
        }
        Some(_) | None => None,
    };
    let template = Export {
        hold,
        path: format!("/sg-admin/exports/{id}"),
        subject: shell.subject_label(&job.subject),
        format: words::format_label(&job.format),
        scope: scope_words::of(&job.scope),
        order: scope_words::order(&job.scope),
        created: shell.when(job.created_at),
        pill: row::pill(job),
        says: says(shell, &story),
        facts: facts(shell, &story),
        steps: timeline::steps(shell, &story, &by),
        fields: fields(&job.fields),
        downloads: story.downloads.iter().map(|one| taken(shell, job, one)).collect(),
        has_more_downloads: story.has_more_downloads,
        manifest,
        left: row::left(shell, job),
        until: job.expires_at.map(|at| shell.clock(at)).unwrap_or_default(),
        takes: asked.take && offer.downloads,
        offer,
        command: call::command(edge.settings.address(), job),
        pills: Status::ALL.into_iter().map(|status| Pill::of(status, false)).collect(),
        by,
        shell,
        job,
    };
    Ok(shell.page(StatusCode::OK, &template))
}

/// Fields as a request names them.
fn fields(sent: &Value) -> Vec<(String, Option<String>)> {
    let items = sent.as_array().map(Vec::as_slice).unwrap_or_default();
    let field = |item: &Value| match item {
        Value::String(slug) => Some((slug.clone(), None)),
        other => {
            let slug = other["slug"].as_str()?.to_owned();
            let alias = other["as"].as_str().filter(|alias| *alias != slug);
            Some((slug, alias.map(str::to_owned)))
        }
    };
    items.iter().filter_map(field).collect()
}

fn taken(shell: &Shell, job: &Job, download: &Download) -> Taken {
    let micros = DateTime::parse_from_rfc3339(&download.at).map(|at| at.timestamp_micros());
    let is_whole = download.bytes.is_some() && download.bytes == job.size_bytes;
    let tag = match (download.ended.as_deref(), download.is_part) {
        (None, _) => Some("under way"),
        (Some("sent"), true) if !is_whole => Some("a part"),
        (Some("sent"), _) => None,
        (Some(_), _) => Some("broke off"),
    };
    let entry = path_of("activity").filter(|_| shell.holds("activity.view"));
    Taken {
        when: micros.map(|at| shell.clock(at)).unwrap_or_default(),
        iso: download.at.clone(),
        by: if download.is_bearer {
            format!("whoever holds a link of {}", download.by)
        } else {
            download.by.clone()
        },
        sent: download.bytes.map_or("–".to_owned(), words::size),
        tag,
        from: download.address.clone().unwrap_or("–".to_owned()),
        seq: words::count(download.seq),
        entry: entry.map(|path| format!("{path}?job={}", job.id.0)),
    }
}
