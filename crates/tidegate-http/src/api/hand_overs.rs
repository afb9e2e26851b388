//! Requests that another site has signed for one of its people.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::actor::Via;
use tidegate_service::{SignedRequest, Visitor};
use utoipa::ToSchema;

use crate::{
    api::description::RequestSchema,
    clock::moment,
    edge::Shared,
    input::{JsonBytes, Signed, header_text},
    pages,
    problem::Problem,
};

/// A request as it is signed: the bytes that are sent, whatever blanks are in them.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "the service reads the bytes that were signed")]
pub(super) struct HandOver {
    /// Name of the site that has signed it.
    issuer: String,
    /// Address of this service.
    audience: String,
    /// For whom.
    user: HandedUser,
    /// What they may do, by model.
    memberships: Vec<Membership>,
    /// When it was signed, in microseconds since 1970: within the second of `webhook-timestamp`.
    /// What the site has said later counts, whichever comes first.
    signed_at: Option<i64>,
    /// What they want exported; without it, only their memberships are kept up.
    #[schema(value_type = Option<RequestSchema>)]
    export: Option<Value>,
    /// Fields by which the site has found the records whose keys it sends: where one is masked for
    /// whoever it is for, the export is refused by its name. Others are passed over.
    #[serde(default)]
    cited: Vec<String>,
}

/// Somebody of another site.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "the service reads the bytes that were signed")]
struct HandedUser {
    /// Mail address.
    email: String,
    /// Whether the site still lets them in.
    is_active: bool,
}

/// What somebody may do with a model.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "the service reads the bytes that were signed")]
struct Membership {
    /// Model of a subject.
    model: String,
    /// `view`, and codenames of its actions.
    codenames: Vec<String>,
}

/// What came of a signed request.
#[derive(Serialize, ToSchema)]
pub(super) struct HandedOver {
    /// Mail address of the operator.
    email: String,
    /// What the site's word amounts to here, for a day.
    granted: Vec<String>,
    /// Number of the export that was made.
    job: Option<i64>,
    /// Where to send the browser: once, and before it ends.
    url: Option<String>,
    /// When that ends.
    expires_at: DateTime<Utc>,
}

/// Takes a signed request: keeps up what somebody may, and makes their export.
#[utoipa::path(
    post, path = "/hand-overs", operation_id = "take_hand_over", tag = "actions",
    params(
        ("webhook-id" = String, Header, description = "Tells it from every other request"),
        ("webhook-timestamp" = i64, Header, description = "When it was signed, in seconds"),
        ("webhook-signature" = String, Header, description = "As Standard Webhooks signs"),
    ),
    request_body = HandOver,
    responses(
        (status = 201, description = "It was taken", body = HandedOver),
        (status = 409, description = "It was taken before"),
    )
)]
pub(super) async fn take(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    headers: HeaderMap,
    JsonBytes(body): JsonBytes,
) -> Result<(StatusCode, Json<HandedOver>), Problem> {
    let header = |name: &'static str| {
        let sent = headers.get(name).and_then(|value| value.to_str().ok());
        sent.unwrap_or_default()
    };
    let sent = SignedRequest {
        nonce: header("webhook-id"),
        timestamp: header("webhook-timestamp").parse().unwrap_or_default(),
        signatures: header("webhook-signature"),
        body: &body,
    };
    let agent = header_text(&headers, http::header::USER_AGENT).map(str::to_owned);
    let visitor = Visitor { address: None, agent, via: Via::Api };
    let settings = edge.settings.hand_over.as_ref();
    let taken = edge.service.take_hand_over(&caller, settings, &sent, &visitor).await?;
    let url = taken.job.map(|job| {
        let address = edge.settings.address();
        match &taken.ticket {
            Some(ticket) => format!("{address}{}?ticket={ticket}&job={job}", pages::LANDING),
            None => format!("{address}{}/exports/{job}", pages::PREFIX),
        }
    });
    let handed = HandedOver {
        email: taken.email,
        granted: taken.granted.into_iter().collect(),
        job: taken.job.map(|job| job.0),
        url,
        expires_at: moment(taken.expires_at),
    };
    Ok((StatusCode::CREATED, Json(handed)))
}
