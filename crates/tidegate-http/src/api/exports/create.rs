//! Makes an export.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use tidegate_model::{actor::Caller, request::ExportRequest};
use tidegate_service::Created;
use utoipa::ToSchema;

use super::body::Export;
use crate::{
    edge::{Edge, Shared},
    input::{AnyBody, Signed, header_text},
    problem::Problem,
};

/// Header with the key that makes a repeated request the same one.
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Seconds after which it is worth to look again.
const LOOK_SECONDS: &str = "1";

/// What to export. Only subject and format are required.
#[derive(ToSchema)]
#[schema(as = ExportRequest)]
#[expect(dead_code, reason = "describes what the model reads")]
pub(super) struct RequestBody {
    /// Slug of the subject.
    #[schema(example = "orders", max_length = 200)]
    subject: String,
    /// Kind of the subject; null means all.
    #[schema(max_length = 200)]
    kind: Option<String>,
    /// Which records; null means all.
    scope: Option<ScopeBody>,
    /// Which fields: slugs, or `{"slug": …, "as": …}`; null or empty means the default set.
    fields: Option<Vec<Value>>,
    /// Slug of the format.
    #[schema(example = "csv")]
    format: String,
    /// Options of the format, by name.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    options: Option<BTreeMap<String, Value>>,
    /// Zone that dates are meant and written in; UTC if absent.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// Who is told when the file is ready.
    notify: Option<NotifyBody>,
    /// Why the data is wanted.
    #[schema(max_length = 1000)]
    reason: Option<String>,
    /// When to run again; null runs once, now.
    #[schema(value_type = Option<()>)]
    schedule: Option<()>,
}

/// Which records.
#[derive(ToSchema)]
#[schema(as = Scope)]
#[expect(dead_code, reason = "describes what the model reads")]
struct ScopeBody {
    /// A filter: `{"all": […]}`, `{"any": […]}`, `{"not": …}` or a condition, at most 8 levels deep.
    filter: Option<Value>,
    /// Free text.
    #[schema(max_length = 200)]
    search: Option<String>,
    /// Keys of the records.
    #[schema(max_items = 10_000)]
    ids: Option<Vec<Value>>,
    /// Keys of records that are left out.
    #[schema(max_items = 10_000)]
    except_ids: Option<Vec<Value>>,
    /// Order: slugs, with `-` for the largest first.
    #[schema(max_items = 16)]
    sort: Option<Vec<String>>,
}

/// Who is told.
#[derive(ToSchema)]
#[schema(as = Notify)]
#[expect(dead_code, reason = "describes what the model reads")]
struct NotifyBody {
    /// Address to mail to.
    #[schema(format = "email", max_length = 254)]
    email: String,
}

/// Makes an export. It is built off the request: look at it, or wait for its events.
#[utoipa::path(
    post, path = "/exports", operation_id = "create_export", tag = "exports",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "A repeated request with the same key makes no second export",
        min_length = 1, max_length = 255)),
    request_body = RequestBody,
    responses((status = 202, description = "It was made", body = Export,
        headers(("Location" = String), ("Retry-After" = u32))))
)]
pub(in crate::api) async fn create(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    headers: HeaderMap,
    AnyBody(body): AnyBody,
) -> Result<Response, Problem> {
    let request = ExportRequest::read(&body).map_err(Problem::faults)?;
    let key = header_text(&headers, IDEMPOTENCY_KEY);
    let created = edge.service.create_export(&caller, &request, key).await?;
    accepted(&edge, &caller, created).await
}

/// The answer to what was accepted: where it is, and what it is now.
pub(super) async fn accepted(
    edge: &Edge,
    caller: &Caller,
    created: Created,
) -> Result<Response, Problem> {
    let job = edge.service.created_export(caller, created).await?;
    let location = format!("{}{}/exports/{}", edge.settings.base(), crate::api::PREFIX, job.id);
    let headers = [(header::LOCATION, location), (header::RETRY_AFTER, LOOK_SECONDS.to_owned())];
    Ok((StatusCode::ACCEPTED, headers, Json(Export::from(&job))).into_response())
}
