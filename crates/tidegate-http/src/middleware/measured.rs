//! Counts each request while it is under way, and its answer.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::Method;

use crate::edge::Shared;

/// What is counted where no route matches.
const NOWHERE: &str = "none";

/// Counts.
pub(crate) async fn count(State(edge): State<Shared>, request: Request, next: Next) -> Response {
    let underway = edge.answering.begin();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = method(request.method());
    let begun = Instant::now();
    let response = next.run(request).await;
    let route = route.as_ref().map_or(NOWHERE, MatchedPath::as_str);
    edge.requests.count(method, route, response.status().as_u16(), begun.elapsed());
    drop(underway);
    response
}

/// Methods that we answer; a client may invent others without end.
pub(super) fn method(method: &Method) -> &'static str {
    const KNOWN: [(Method, &str); 6] = [
        (Method::GET, "GET"),
        (Method::HEAD, "HEAD"),
        (Method::POST, "POST"),
        (Method::PUT, "PUT"),
        (Method::PATCH, "PATCH"),
        (Method::DELETE, "DELETE"),
    ];
    KNOWN.iter().find(|(known, _)| known == method).map_or("other", |(_, name)| *name)
}
