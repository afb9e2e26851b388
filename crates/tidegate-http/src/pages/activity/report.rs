//! Sends a signed report of the log: the file and its manifest, packed as one.

use std::io::{Cursor, Write};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use tidegate_model::fault::{Fault, Faults};
use tidegate_service::{Report, ReportKind, ServiceError};
use zip::{ZipWriter, result::ZipError, write::SimpleFileOptions};

use super::sought::Sought;
use crate::{
    edge::Shared,
    pages::{forms::Sent, shell::Shell},
    problem::{Problem, ProblemKind},
};

/// The report of what the list was narrowed down to.
pub(in crate::pages) async fn send(
    State(edge): State<Shared>,
    shell: Shell,
    Sent(sought): Sent<Sought>,
) -> Result<Response, Problem> {
    let kind = [ReportKind::Exports, ReportKind::Entries]
        .into_iter()
        .find(|kind| kind.slug() == sought.kind)
        .ok_or_else(|| Problem::fault("/kind", "a report is of `exports` or of `entries`"))?;
    let (request, faults) = sought.request(&shell);
    if !faults.is_empty() {
        let faults = faults.into_iter().map(|(name, words)| Fault::new(format!("/{name}"), words));
        return Err(ServiceError::Faults(Faults(faults.collect())).into());
    }
    let report = edge.service.activity_report(&shell.caller, kind, &request).await?;
    let name = report.name.replace(".csv", ".zip");
    let bytes = packed(&report).map_err(|_| Problem::of(ProblemKind::Internal))?;
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}

/// The file and its manifest, byte by byte.
fn packed(report: &Report) -> Result<Vec<u8>, ZipError> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let manifest = format!("{}.manifest.json", report.name);
    for (name, bytes) in
        [(&report.name, report.bytes.as_slice()), (&manifest, report.manifest.as_bytes())]
    {
        zip.start_file(name.as_str(), SimpleFileOptions::default())?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}
