//! Makes a span of each request, for whoever follows the trace.

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName};
use tidegate_model::trace::TraceParent;
use tidegate_service::trace::{self, TARGET};
use tracing::{Instrument, Span, field::Empty, info_span};

use super::{measured::method, request_id::RequestId};
use crate::{health, metrics, problem::ProblemKind};

/// Header in which a peer says what it calls the trace. What it says beside that (`tracestate`) is
/// text of anybody's, and is not passed on.
const PARENT: HeaderName = HeaderName::from_static("traceparent");
/// What machines ask for all day long.
const UNTRACED: [&str; 3] = [health::LIVES, health::IS_READY, metrics::PATH];

/// Traces. In the span stand the route's pattern and no path, query, address or name: they may say
/// what somebody looks for, or who.
pub(crate) async fn trace(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str);
    if route.is_some_and(|route| UNTRACED.contains(&route)) {
        return next.run(request).await;
    }
    let span = span_of(&request, route);
    trace::put_below_peer(&span, peer(request.headers()));
    trace::note_in_log(&span);
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if let Some(problem) = response.extensions().get::<ProblemKind>() {
        span.record("error.type", problem.slug());
    }
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    response
}

fn span_of(request: &Request, route: Option<&str>) -> Span {
    let method = match method(request.method()) {
        "other" => "_OTHER",
        known => known,
    };
    let name = [Some(method), route].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let id = request.extensions().get::<RequestId>().map(|id| id.0.as_str());
    info_span!(
        target: TARGET, parent: None, "request",
        otel.name = name, otel.kind = "server", otel.status_code = Empty, error.type = Empty,
        http.request.method = method, http.route = route, http.response.status_code = Empty,
        tidegate.request.id = id,
    )
}

/// The span of whoever asks. More than one, or one that is not spelled as it should be, is none.
fn peer(headers: &HeaderMap) -> Option<TraceParent> {
    let mut sent = headers.get_all(PARENT).iter();
    let (Some(one), None) = (sent.next(), sent.next()) else { return None };
    TraceParent::parse(one.to_str().ok()?)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_peer_has_one_span_or_none() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let mut headers = HeaderMap::new();
        assert_eq!(peer(&headers), None);
        headers.append(PARENT, HeaderValue::from_static(text));
        assert_eq!(peer(&headers), TraceParent::parse(text));
        headers.append(PARENT, HeaderValue::from_static(text));
        assert_eq!(peer(&headers), None);
    }
}
