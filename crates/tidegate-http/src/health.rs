//! Whether the process lives, and whether it can do its work.

use std::sync::atomic::Ordering;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;

use crate::edge::Shared;

/// It lives.
pub(crate) async fn lives() -> &'static str {
    "ok\n"
}

/// What has to work.
#[derive(Serialize)]
struct Readiness {
    is_ready: bool,
    /// What does not work, by name.
    faults: Vec<&'static str>,
}

/// It can do its work; or what is missing.
pub(crate) async fn is_ready(State(edge): State<Shared>) -> Response {
    let mut faults = Vec::new();
    if edge.is_ending.load(Ordering::Relaxed) {
        faults.push("ending");
    }
    if let Err(error) = edge.service.store().head().await {
        tracing::warn!(%error, "not ready: the control database");
        faults.push("control_database");
    }
    if let Err(error) = edge.artifacts.answers().await {
        tracing::warn!(%error, "not ready: the artifact store");
        faults.push("artifact_store");
    }
    let status = match faults.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(Readiness { is_ready: faults.is_empty(), faults })).into_response()
}
