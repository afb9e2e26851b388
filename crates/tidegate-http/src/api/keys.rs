//! Public keys: with them alone, logs and manifests are verified.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{edge::Shared, problem::Problem};

/// A public key.
#[derive(Serialize, ToSchema)]
pub(super) struct Key {
    /// Its name in signatures.
    id: String,
    /// The key, as PEM.
    pem: String,
    /// Whether it signs now; the others have.
    is_current: bool,
}

/// The public keys that manifests and checkpoints are verified with.
#[utoipa::path(
    get, path = "/keys", operation_id = "list_keys", tag = "site", security(()),
    responses((status = 200, description = "The keys", body = Vec<Key>))
)]
pub(super) async fn list(State(edge): State<Shared>) -> Result<Json<Vec<Key>>, Problem> {
    let keys = edge.service.keys();
    let current = keys.current();
    let key = |(id, pem): (&str, String)| Key { id: id.to_owned(), pem, is_current: id == current };
    Ok(Json(keys.public().iter().map(key).collect()))
}
