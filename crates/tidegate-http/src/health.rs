//! Whether the process lives, and whether it can do its work.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;

use crate::edge::Shared;

/// Where it says that it lives.
pub(crate) const LIVES: &str = "/healthz";
/// Where it says whether it can do its work.
pub(crate) const IS_READY: &str = "/readyz";

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
    if *edge.ending.borrow() {
        faults.push("ending");
    }
    let head = edge.service.store().head().await;
    if let Err(error) = &head {
        tracing::warn!(%error, "not ready: the control database");
        faults.push("control_database");
    }
    // Whether the store is this site's can be told only with the control database.
    let store = match head {
        Ok(_) => edge.service.check_store(&edge.artifacts).await,
        Err(_) => edge.artifacts.answers().await.map_err(Into::into),
    };
    if let Err(error) = store {
        tracing::warn!(%error, "not ready: the artifact store");
        faults.push("artifact_store");
    }
    let status = match faults.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(Readiness { is_ready: faults.is_empty(), faults })).into_response()
}
