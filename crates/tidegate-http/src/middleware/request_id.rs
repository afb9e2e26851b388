//! Gives every request a number of its own, which stands in the log and in the answer.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderName, HeaderValue};
use tidegate_model::audit::hexadecimal;
use tracing::{Instrument, field::Empty};

use crate::problem::ProblemKind;

/// Header of the answer.
const NAME: HeaderName = HeaderName::from_static("x-request-id");
/// Random bytes of an id.
const BYTES: usize = 8;

/// The request's id, for what is further in.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) String);

/// Names the request, and logs how it ended. What a caller calls it is not taken over: an id in the
/// log is ours.
pub(crate) async fn name(mut request: Request, next: Next) -> Response {
    let id = hexadecimal(&rand::random::<[u8; BYTES]>());
    // Only the path: a query may hold what somebody looks for, and a link is a secret.
    let path = match request.uri().path() {
        link if link.starts_with(crate::download::PATH) => crate::download::PATH,
        path => path,
    };
    let span = tracing::info_span!(
        "request",
        request.id = id,
        http.method = %request.method(),
        http.path = path,
        trace_id = Empty,
    );
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let problem = response.extensions().get::<ProblemKind>().map(|kind| kind.slug());
    span.in_scope(|| tracing::info!(http.status = status, problem, "request done"));
    let value = HeaderValue::from_str(&id).expect("hexadecimal is ASCII");
    response.headers_mut().insert(NAME, value);
    response
}
