//! Changes an export from its pages: cancel, run again, download, delete its file.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use serde::Deserialize;
use tidegate_model::{ids::JobId, job::Job, status::Status};

use super::{
    exports::{self, row},
    flash::Flash,
    forms::{Sent, Sought},
    shell::Shell,
    words,
};
use crate::{
    edge::Shared,
    input::Number,
    problem::{Problem, ProblemKind},
};

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Back {
    back: String,
}

impl Back {
    /// A page of ours; that of the export unless the form says another one.
    fn path(&self, id: i64) -> String {
        let is_page = self.back.starts_with(exports::PATH) && !self.back.contains(['\\', '\n']);
        if is_page { self.back.clone() } else { format!("{}/{id}", exports::PATH) }
    }
}

/// Names a form that may be sent twice.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Key {
    key: String,
}

#[derive(Template)]
#[template(path = "export_delete.html")]
struct Delete<'a> {
    shell: &'a Shell,
    id: i64,
    path: String,
    subject: String,
    /// Format, size and rows.
    file: String,
    downloads: String,
}

/// Cancels it.
pub(super) async fn cancel(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
    Sent(back): Sent<Back>,
) -> Result<Response, Problem> {
    edge.service.cancel_export(&shell.caller, JobId(id)).await?;
    let job = edge.service.export(&shell.caller, JobId(id)).await?;
    let flash = match job.status {
        Status::Cancelled => Flash::new(format!("Export #{id} was cancelled")),
        _ => Flash::new(format!("Export #{id} is stopping")),
    };
    let flash = flash.line("Nothing of it is kept.");
    let flash = flash.link(format!("Open #{id}"), format!("{}/{id}", exports::PATH));
    Ok(shell.to(&back.path(id), &flash))
}

/// Makes a new one like it.
pub(super) async fn rerun(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
    Sought(Key { key }): Sought<Key>,
) -> Result<Response, Problem> {
    let key = Some(format!("page-{key}")).filter(|_| !key.is_empty());
    let made = edge.service.rerun_export(&shell.caller, JobId(id), key.as_deref()).await?;
    let made = made.job.0;
    let flash = Flash::new(format!("Export #{made} was asked for"));
    let flash = flash.line(format!("It is #{id} again, with the rights and the data of now."));
    Ok(shell.to(&format!("{}/{made}", exports::PATH), &flash))
}

/// Leads to the file, by a link that is good for minutes.
pub(super) async fn download(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let made = edge.service.make_link(&shell.caller, JobId(id)).await?;
    // The browser is where it is: another name of the service would not know its session.
    Ok(Redirect::to(&made.link.url("")).into_response())
}

/// Asks before its file is deleted.
pub(super) async fn ask_delete(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let job = edge.service.export(&shell.caller, JobId(id)).await?;
    match job.status {
        Status::Ready if shell.reaches("exports.delete", job.created_by) => {}
        Status::Ready => return Err(Problem::of(ProblemKind::NotAllowed)),
        status => return Err(tidegate_service::ServiceError::Conflict { status }.into()),
    }
    let beside = edge.service.beside(std::slice::from_ref(&job)).await?;
    let taken = beside.downloads.get(&job.id).copied().unwrap_or(0);
    let template = Delete {
        shell: &shell,
        id,
        path: format!("{}/{id}", exports::PATH),
        subject: shell.subject_label(&job.subject),
        file: file_words(&job),
        downloads: row::taken_words(taken),
    };
    Ok(shell.page(StatusCode::OK, &template))
}

/// Deletes its file.
pub(super) async fn delete(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    edge.service.delete_artifact(&shell.caller, JobId(id)).await?;
    let flash = Flash::new(format!("The file of #{id} was deleted"));
    let flash = flash.line("Nobody can download it any more. The record stays.");
    Ok(shell.to(&format!("{}/{id}", exports::PATH), &flash))
}

fn file_words(job: &Job) -> String {
    let rows = words::plural(job.rows_done, "row");
    let size = words::size(job.size_bytes.unwrap_or(0));
    format!("{}, {size}, {rows}", words::format_label(&job.format))
}
