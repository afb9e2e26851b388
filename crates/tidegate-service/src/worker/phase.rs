//! Spans of an attempt: itself, and what it does beside reading and writing.

use tidegate_model::job::Job;
use tidegate_store::Lease;
use tracing::{Span, field::Empty, info_span};

use crate::trace::{self, TARGET};

/// An attempt at a job, in the trace in which the job was made.
pub(super) fn attempt(job: &Job, lease: &Lease) -> Span {
    let span = info_span!(
        target: TARGET, parent: None, "job attempt",
        otel.kind = "consumer", otel.status_code = Empty, error.type = Empty,
        tidegate.job.id = job.id.0, tidegate.attempt = lease.attempt(),
        tidegate.subject = job.subject, tidegate.format = job.format,
        tidegate.outcome = Empty, tidegate.rows = Empty, tidegate.bytes = Empty,
    );
    trace::put_below(&span, job.trace);
    span
}

/// The file goes to the artifact store, from its first byte until it is whole there.
pub(super) fn upload(parent: &Span, store: &str) -> Span {
    info_span!(
        target: TARGET, parent: parent, "upload",
        otel.kind = "client", otel.status_code = Empty, error.type = Empty,
        tidegate.artifacts = store, tidegate.bytes = Empty,
    )
}

/// The file is made durable and visible: what is left to wait for once its last byte is written.
pub(super) fn finish(parent: &Span) -> Span {
    info_span!(target: TARGET, parent: parent, "upload finish", otel.kind = "client")
}

/// The manifest is put beside the file.
pub(super) fn manifest(parent: &Span) -> Span {
    info_span!(target: TARGET, parent: parent, "manifest", otel.kind = "client")
}

/// The control database is told that the file is there.
pub(super) fn publish(parent: &Span) -> Span {
    info_span!(target: TARGET, parent: parent, "publish", otel.kind = "client")
}

/// Notes that something failed, in a word.
pub(super) fn failed(span: &Span, reason: &str) {
    span.record("otel.status_code", "ERROR").record("error.type", reason);
}
