//! Notes that a browser has made a file of the rows of a page.

use axum::{body::Bytes, extract::State};
use http::StatusCode;
use url::form_urlencoded;

use crate::{
    edge::Shared,
    input::Slug,
    pages::{draft::Draft, shell::Shell},
    problem::Problem,
};

/// The format that a browser makes.
const FORMAT: &str = "csv";

/// What the script sends. Nobody waits for the answer.
pub(in crate::pages) async fn send(
    State(edge): State<Shared>,
    shell: Shell,
    Slug(slug): Slug,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let pairs = || form_urlencoded::parse(&body);
    let rows = pairs().find(|(name, _)| name == "rows").and_then(|(_, rows)| rows.parse().ok());
    let mut draft = Draft::decode(pairs());
    (draft.subject, draft.format) = (slug, FORMAT.to_owned());
    let request = draft.request().map_err(Problem::faults)?;
    edge.service.note_client_export(&shell.caller, &request, rows.unwrap_or(0)).await?;
    Ok(StatusCode::NO_CONTENT)
}
