//! Which traces are sent.

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

/// Sends a share of the traces, each of them whole.
///
/// The decision is made once, where a trace begins with us, by lot and not by the trace's number:
/// a peer may choose that, and with it what is recorded. Nor does a peer's flag count. What is
/// below a span of ours, also of another process, follows it.
#[derive(Clone, Debug)]
pub(super) struct Share(f64);

impl Share {
    /// A share from 0 to 1.
    pub(super) fn new(share: f64) -> Self {
        Self(share)
    }

    fn is_sent(&self, parent: Option<&Context>, lot: f64) -> bool {
        let ours = parent.and_then(|context| {
            let span = context.span();
            let span = span.span_context();
            (span.is_valid() && !span.is_remote()).then(|| span.is_sampled())
        });
        ours.unwrap_or(lot < self.0)
    }
}

impl ShouldSample for Share {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let decision = match self.is_sent(parent, rand::random()) {
            true => SamplingDecision::RecordAndSample,
            false => SamplingDecision::Drop,
        };
        SamplingResult { decision, attributes: Vec::new(), trace_state: TraceState::NONE }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags};

    use super::*;

    fn below(is_remote: bool, flags: TraceFlags) -> Context {
        let (trace, span) = (TraceId::from_bytes([1; 16]), SpanId::from_bytes([1; 8]));
        let parent = SpanContext::new(trace, span, flags, is_remote, TraceState::NONE);
        Context::new().with_remote_span_context(parent)
    }

    #[test]
    fn what_is_below_ours_follows_it() {
        for share in [0.0, 1.0] {
            let is_sent = |flags| Share(share).is_sent(Some(&below(false, flags)), 0.5);
            assert!(is_sent(TraceFlags::SAMPLED));
            assert!(!is_sent(TraceFlags::NOT_SAMPLED));
        }
    }

    #[test]
    fn a_peer_decides_nothing() {
        for flags in [TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED] {
            let peer = below(true, flags);
            for parent in [None, Some(&peer)] {
                assert!(Share(0.5).is_sent(parent, 0.4));
                assert!(!Share(0.5).is_sent(parent, 0.5));
                assert!(!Share(0.0).is_sent(parent, 0.0), "none is none");
                assert!(Share(1.0).is_sent(parent, 0.999_999), "all is all");
            }
        }
    }
}
