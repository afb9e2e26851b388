//! The caller's second factor: enrolled, turned off; and somebody else's, taken away.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_model::ids::OperatorId;
use tidegate_service::{SecondFactorProofs, SecondFactorState};
use utoipa::ToSchema;

use crate::{
    clock::moment,
    edge::Shared,
    input::{Body, Number, Signed, at_most, maybe_at_most},
    problem::Problem,
    qr,
};

/// What the picture of a QR code is called.
pub(crate) const QR_LABEL: &str = "QR code with the secret for your authenticator";

/// How it stands with a second factor.
#[derive(Serialize, ToSchema)]
#[schema(as = SecondFactor)]
pub(super) struct SecondFactorBody {
    /// Whether a sign-in by password asks for a code.
    is_enrolled: bool,
    /// When it was enrolled.
    enrolled_at: Option<DateTime<Utc>>,
    /// Recovery codes that were not used.
    recovery_codes_left: i64,
    /// Whether the site wants one of whoever has the caller's role.
    is_required: bool,
}

impl From<SecondFactorState> for SecondFactorBody {
    fn from(state: SecondFactorState) -> Self {
        Self {
            is_enrolled: state.enrolled_at.is_some(),
            enrolled_at: state.enrolled_at.map(moment),
            recovery_codes_left: state.recovery_codes_left,
            is_required: state.is_required,
        }
    }
}

/// How it stands with the caller's second factor.
#[utoipa::path(
    get, path = "/second-factor", operation_id = "get_second_factor", tag = "people",
    responses((status = 200, description = "How it stands", body = SecondFactorBody))
)]
pub(super) async fn get(
    State(edge): State<Shared>,
    Signed(caller): Signed,
) -> Result<Json<SecondFactorBody>, Problem> {
    Ok(Json(edge.service.second_factor(&caller).await?.into()))
}

/// What shows that it is the caller who asks, and not whoever sits at an open session.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnProof {
    /// The caller's password.
    #[schema(max_length = 1000, format = "password")]
    #[serde(deserialize_with = "at_most::<_, 1000>")]
    password: String,
    /// A code or a recovery code, where a second factor is enrolled.
    #[schema(max_length = 64)]
    #[serde(default, deserialize_with = "maybe_at_most::<_, 64>")]
    code: Option<String>,
}

impl From<OwnProof> for SecondFactorProofs {
    fn from(sent: OwnProof) -> Self {
        Self { password: sent.password, code: sent.code }
    }
}

/// A new secret. It is shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = NewSecondFactor)]
pub(super) struct OfferBody {
    /// The secret in base32, to be typed.
    secret: String,
    /// The same as an authenticator reads it out of a QR code.
    address: String,
    /// That QR code, as SVG.
    qr: String,
}

/// Makes a secret for the caller. It counts once a code of it was confirmed, within 15 minutes;
/// until then, an older one does.
#[utoipa::path(
    post, path = "/second-factor", operation_id = "begin_second_factor", tag = "people",
    request_body = OwnProof,
    responses((status = 201, description = "The secret, shown once", body = OfferBody))
)]
pub(super) async fn begin(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Body(sent): Body<OwnProof>,
) -> Result<(StatusCode, Json<OfferBody>), Problem> {
    let offer = edge.service.offer_second_factor(&caller, sent.into()).await?;
    let qr = qr::svg(&offer.address, QR_LABEL).unwrap_or_default();
    let body = OfferBody { secret: offer.secret, address: offer.address, qr };
    Ok((StatusCode::CREATED, Json(body)))
}

/// A code of the new secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FirstCode {
    /// What the authenticator shows now.
    #[schema(max_length = 64)]
    #[serde(deserialize_with = "at_most::<_, 64>")]
    code: String,
}

/// Codes that each let in once, in place of the authenticator. They are shown once.
#[derive(Serialize, ToSchema)]
pub(super) struct RecoveryCodes {
    /// The codes.
    recovery_codes: Vec<String>,
}

/// Enrols the new secret by a code of it: from now on, a sign-in by password asks for one. All
/// other sessions of the caller end.
#[utoipa::path(
    post, path = "/second-factor/confirm", operation_id = "confirm_second_factor", tag = "people",
    request_body = FirstCode,
    responses((status = 201, description = "Recovery codes, shown once", body = RecoveryCodes))
)]
pub(super) async fn confirm(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Body(sent): Body<FirstCode>,
) -> Result<(StatusCode, Json<RecoveryCodes>), Problem> {
    let recovery_codes = edge.service.enrol_second_factor(&caller, &sent.code).await?;
    Ok((StatusCode::CREATED, Json(RecoveryCodes { recovery_codes })))
}

/// Turns the caller's second factor off, by password and code. It is no `DELETE`, as that has no
/// body to show them in.
#[utoipa::path(
    post, path = "/second-factor/remove", operation_id = "remove_second_factor", tag = "people",
    request_body = OwnProof,
    responses((status = 204, description = "It is off"))
)]
pub(super) async fn remove(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Body(sent): Body<OwnProof>,
) -> Result<StatusCode, Problem> {
    edge.service.remove_second_factor(&caller, sent.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes an operator's second factor away, with its recovery codes, whatever there is of it: for
/// somebody who has lost both. The password stays.
#[utoipa::path(
    delete, path = "/operators/{id}/second-factor", operation_id = "reset_second_factor",
    tag = "people", params(("id" = i64, Path, minimum = 1)),
    responses((status = 204, description = "There is none any more"))
)]
pub(super) async fn reset(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
) -> Result<StatusCode, Problem> {
    edge.service.reset_second_factor(&caller, OperatorId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
