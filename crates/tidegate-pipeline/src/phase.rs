//! Spans of the phases of an export: one a phase, none a batch.

use tracing::{Span, field::Empty, info_span};

/// Target of spans that leave the process. Nothing of a row, a filter or a message stands in them.
pub const TRACE_TARGET: &str = "tidegate::trace";

/// A phase that is under way; over when this is dropped.
pub(crate) struct Phase(Span);

impl Phase {
    /// The source is asked for its stream.
    pub(crate) fn open(parent: &Span, source: &str) -> Self {
        Self(info_span!(
            target: TRACE_TARGET, parent: parent, "source open",
            otel.kind = "client", otel.status_code = Empty, error.type = Empty,
            tidegate.source.kind = source, tidegate.readers = Empty,
        ))
    }

    /// One reader reads its part.
    pub(crate) fn read(parent: &Span, reader: usize) -> Self {
        Self(info_span!(
            target: TRACE_TARGET, parent: parent, "source read",
            otel.kind = "client", otel.status_code = Empty, error.type = Empty,
            tidegate.reader = reader, tidegate.rows = Empty,
        ))
    }

    /// Rows become bytes of a file, in their order.
    pub(crate) fn write(parent: &Span, format: &str) -> Self {
        Self(info_span!(
            target: TRACE_TARGET, parent: parent, "write",
            otel.status_code = Empty, error.type = Empty,
            tidegate.format = format, tidegate.rows = Empty, tidegate.bytes = Empty,
        ))
    }

    /// Notes a number of it.
    pub(crate) fn note(&self, what: &str, count: u64) {
        self.0.record(what, count);
    }

    /// Notes that it failed, in a word.
    pub(crate) fn failed(&self, reason: &str) {
        self.0.record("otel.status_code", "ERROR").record("error.type", reason);
    }
}
