//! Spans that leave the process: what names them, and where in a trace they stand.
//!
//! Only spans of [`TARGET`] are sent to a collector, and logs do not show them. What stands in them
//! is written there on purpose: names, numbers and words of ours, never what a row, a filter, a
//! query or a person says. Where nothing is sent they cost next to nothing.

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use tidegate_model::trace::TraceParent;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Target of the spans that leave the process.
pub use tidegate_pipeline::TRACE_TARGET as TARGET;

/// Where a span stands; none where it is not sent to anybody.
pub fn place_of(span: &Span) -> Option<TraceParent> {
    let context = span.context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| TraceParent {
        trace_id: u128::from_be_bytes(span.trace_id().to_bytes()),
        span_id: u64::from_be_bytes(span.span_id().to_bytes()),
        is_sampled: span.is_sampled(),
    })
}

/// Puts a span below one of ours, which another process may have made. Whether it is recorded
/// was decided there.
pub fn put_below(span: &Span, parent: Option<TraceParent>) {
    if let Some(parent) = parent {
        set_parent(span, place(parent, false));
    }
}

/// Puts a span below one of a peer. It lends its trace a name and nothing else: whether the span is
/// recorded is decided here.
pub fn put_below_peer(span: &Span, parent: Option<TraceParent>) {
    if let Some(parent) = parent {
        set_parent(span, place(parent, true));
    }
}

/// Says that a span has to do with another trace of ours.
pub fn link(span: &Span, to: Option<TraceParent>) {
    if let Some(to) = to {
        span.add_link(place(to, false));
    }
}

/// Writes the number of a span's trace into the current span, which is one of the log.
pub fn note_in_log(span: &Span) {
    if let Some(place) = place_of(span) {
        Span::current().record("trace_id", format!("{:032x}", place.trace_id));
    }
}

fn place(parent: TraceParent, is_remote: bool) -> SpanContext {
    let flags = if parent.is_sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    SpanContext::new(
        TraceId::from_bytes(parent.trace_id.to_be_bytes()),
        SpanId::from_bytes(parent.span_id.to_be_bytes()),
        flags,
        is_remote,
        TraceState::NONE,
    )
}

fn set_parent(span: &Span, parent: SpanContext) {
    // A span that nobody sends has no parent either.
    drop(span.set_parent(Context::new().with_remote_span_context(parent)));
}
