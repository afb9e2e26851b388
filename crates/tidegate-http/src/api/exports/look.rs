//! Looks at an export before it is made: how it begins, and how large it would be.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tidegate_model::request::ExportRequest;
use tidegate_service::FormatEstimate;
use utoipa::{IntoParams, ToSchema};

use crate::{
    api::description::RequestSchema,
    edge::Shared,
    input::{AnyBody, Params, Signed},
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
    responses(
        (status = 200, description = "The first rows", body = PreviewBody),
        (status = 409, description = "A value of a row cannot be read"),
    )
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
    /// Rows; null if neither the database nor a short count can tell.
    rows: Option<u64>,
    /// Whether the rows were counted one by one.
    is_exact: bool,
    /// Seconds that building the file would take in the format of the request; null if the rows
    /// are not known.
    seconds: Option<u64>,
    /// The same for each format.
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
    /// Bytes of the file, by the length of the first rows; null if the rows are not known.
    bytes: Option<u64>,
    /// Seconds that building the file would take; null if the rows are not known.
    seconds: Option<u64>,
    /// What the seconds follow from: the last exports of this `subject` in this format, the last
    /// exports in this `format`, or a cautious `assumption` where there were none.
    #[schema(value_type = BasisSchema)]
    basis: &'static str,
}

/// What an expected time follows from.
#[derive(ToSchema)]
#[schema(as = Basis, rename_all = "lowercase")]
#[expect(dead_code, reason = "its words, for the schema")]
enum BasisSchema {
    Subject,
    Format,
    Assumption,
}

impl From<&FormatEstimate> for FormatBody {
    fn from(one: &FormatEstimate) -> Self {
        let FormatEstimate { format, bytes, seconds, basis } = *one;
        Self { format, bytes, seconds, basis: basis.as_str() }
    }
}

/// How an estimate is made.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct EstimateParams {
    /// Whether the rows are counted one by one, however many they are.
    #[serde(default)]
    exact: bool,
}

/// How large an export would be in each format, and how long it would take. Few rows are counted;
/// many are those that the planner of the database expects, unless `exact` has them counted. Who
/// has a row limit is told of the rows within it only: counted ones, or at most so many.
#[utoipa::path(
    post, path = "/exports/estimate", operation_id = "estimate_export", tag = "exports",
    params(EstimateParams),
    request_body = RequestSchema,
    responses(
        (status = 200, description = "How large it would be", body = EstimateBody),
        (status = 409, description = "A value of a row cannot be read"),
    )
)]
pub(in crate::api) async fn estimate(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Params(params): Params<EstimateParams>,
    AnyBody(body): AnyBody,
) -> Result<Json<EstimateBody>, Problem> {
    let request = ExportRequest::read(&body).map_err(Problem::faults)?;
    let estimate = edge.service.estimate_export(&caller, &request, params.exact).await?;
    let asked = estimate.formats.iter().find(|one| one.format == request.format);
    Ok(Json(EstimateBody {
        rows: estimate.count.rows,
        is_exact: estimate.count.is_exact,
        seconds: asked.and_then(|one| one.seconds),
        formats: estimate.formats.iter().map(FormatBody::from).collect(),
        has_pii: estimate.has_pii,
    }))
}
