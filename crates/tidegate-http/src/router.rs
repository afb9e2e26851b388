//! Puts the routes together, and what every request passes before it reaches one.

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    csrf::{CsrfLayer, ProtectionError},
};

use crate::{
    api::{open_operations, routes},
    download,
    edge::Shared,
    health,
    input::BODY_BYTES_MAX,
    metrics,
    middleware::{
        caller::{self, Gate},
        headers, host, measured, origin, request_id, traced,
    },
    pages,
    problem::{Problem, ProblemKind},
};

/// Time until an answer must begin. Streams may take as long as they like after that.
const ANSWER_SECONDS_MAX: Duration = Duration::from_secs(60);

/// Everything that the edge answers.
pub fn router(edge: Shared) -> Router {
    let (api, document) = routes().split_for_parts();
    let gate = Gate { edge: Arc::clone(&edge), open: Arc::new(open_operations(&document)) };
    let api = api.route_layer(from_fn_with_state(gate, caller::check));
    Router::new()
        .merge(api)
        .route(&format!("{}{{token}}", download::PATH), get(download::send))
        .merge(pages::routes())
        .route(health::LIVES, get(health::lives))
        .route(health::IS_READY, get(health::is_ready))
        .route(metrics::PATH, get(metrics::show))
        .fallback(async || Problem::of(ProblemKind::NotFound))
        .method_not_allowed_fallback(async || Problem::of(ProblemKind::MethodNotAllowed))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&edge), origin::check))
        .layer(CsrfLayer::new().with_rejection_response(cross_site))
        .layer(from_fn(in_time))
        .layer(from_fn_with_state(Arc::clone(&edge), host::check))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(Arc::clone(&edge), pages::fault::show))
        .layer(from_fn_with_state(Arc::clone(&edge), headers::add))
        .layer(from_fn_with_state(Arc::clone(&edge), measured::count))
        .layer(from_fn(traced::trace))
        .layer(from_fn(request_id::name))
        .with_state(edge)
}

/// A page of another site has sent the request.
fn cross_site(_: ProtectionError) -> Response {
    Problem::of(ProblemKind::CrossSite).into_response()
}

/// An answer begins in time, or there is none.
async fn in_time(request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(ANSWER_SECONDS_MAX, next.run(request)).await;
    answered.unwrap_or_else(|_| Problem::of(ProblemKind::Unavailable).into_response())
}

/// A handler panicked: that request fails, the others go on.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Problem::of(ProblemKind::Internal).into_response()
}
