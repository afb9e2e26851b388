//! Looks at an export before it is made: how it begins, and how large it would be.

use axum::{Json, extract::State};
use serde::Serialize;
use tidegate_model::request::ExportRequest;
use utoipa::ToSchema;

use crate::{
    api::description::RequestSchema,
    edge::Shared,
    input::{AnyBody, Signed},
    problem::Problem,
};

/// The beginning of an export.
#[derive(Serialize, ToSchema)]
#[schema(as = Preview)]
pub(in crate::api) struct PreviewBody {
    /// Rows in it.
    rows: usize,
    /// Slug of the format that it is written in: CSV where the one asked for is binary.
    #[schema(example = "csv")]
    written_as: &'static str,
    /// The text, exactly as the file would begin.
    text: String,
    /// Whether personal data is in it.
    has_pii: bool,
}

/// The first rows of an export exactly as they would be written.
#[utoipa::path(
    post, path = "/exports/preview", operation_id = "preview_export", tag = "exports",
    request_body = RequestSchema,
    responses((status = 200, description = "The first rows", body = PreviewBody))
)]
pub(in crate::api) async fn preview(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    AnyBody(body): AnyBody,
) -> Result<Json<PreviewBody>, Problem> {
    let request = ExportRequest::read(&body).map_err(Problem::faults)?;
    let preview = edge.service.preview_export(&caller, &request).await?;
    Ok(Json(PreviewBody {
        rows: preview.rows,
        written_as: preview.written_as,
        text: preview.text,
        has_pii: preview.has_pii,
    }))
}

/// How large an export would be.
#[derive(Serialize, ToSchema)]
#[schema(as = Estimate)]
pub(in crate::api) struct EstimateBody {
    /// Rows.
    rows: u64,
    /// Whether the rows were counted.
    is_exact: bool,
    /// Bytes, by format.
    formats: Vec<FormatBody>,
    /// Whether personal data is in it.
    has_pii: bool,
}

/// What an export would be in one format.
#[derive(Serialize, ToSchema)]
#[schema(as = FormatEstimate)]
struct FormatBody {
    /// Slug of the format.
    format: &'static str,
    /// Bytes of the file.
    bytes: u64,
}

/// How large an export would be, in each format.
#[utoipa::path(
    post, path = "/exports/estimate", operation_id = "estimate_export", tag = "exports",
    request_body = RequestSchema,
    responses((status = 200, description = "How large it would be", body = EstimateBody))
)]
pub(in crate::api) async fn estimate(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    AnyBody(body): AnyBody,
) -> Result<Json<EstimateBody>, Problem> {
    let request = ExportRequest::read(&body).map_err(Problem::faults)?;
    let estimate = edge.service.estimate_export(&caller, &request).await?;
    let of = |one: &tidegate_service::FormatEstimate| FormatBody {
        format: one.format,
        bytes: one.bytes,
    };
    Ok(Json(EstimateBody {
        rows: estimate.rows,
        is_exact: estimate.is_exact,
        formats: estimate.formats.iter().map(of).collect(),
        has_pii: estimate.has_pii,
    }))
}
