//! One's own second factor: enrolled by a QR code and a first code, turned off.

use askama::Template;
use axum::{
    Form,
    extract::{FromRequest, Query, Request, State},
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use tidegate_model::actor::Caller;
use tidegate_service::{SecondFactorProofs, ServiceError};

use super::{SECOND_FACTOR, SIGN_IN, page, sentence, told};
use crate::{
    api::QR_LABEL,
    clock::moment,
    edge::{Edge, Shared},
    middleware::caller::known_caller,
    problem::{Problem, ProblemKind},
    qr,
};

#[derive(Template)]
#[template(path = "second_factor.html")]
struct SecondFactor<'a> {
    email: &'a str,
    /// The day of its enrolment.
    since: Option<String>,
    left: i64,
    is_required: bool,
    has_password: bool,
    is_recovered: bool,
    fault: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "second_factor_offer.html")]
struct Offer<'a> {
    /// Secret in groups, and QR code; shown once.
    shown: Option<(&'a str, &'a str)>,
    fault: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "second_factor_codes.html")]
struct Codes<'a> {
    codes: &'a [String],
}

/// Why one comes here.
#[derive(Default, Deserialize)]
pub(super) struct Arrival {
    #[serde(default)]
    recovery: String,
}

#[derive(Deserialize)]
struct Proof {
    password: String,
    code: Option<String>,
}

impl From<Proof> for SecondFactorProofs {
    fn from(sent: Proof) -> Self {
        Self { password: sent.password, code: sent.code.filter(|code| !code.is_empty()) }
    }
}

#[derive(Deserialize)]
struct FirstCode {
    code: String,
}

/// How it stands, and what can be done.
pub(super) async fn show(
    State(edge): State<Shared>,
    Query(arrival): Query<Arrival>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    match known_caller(&edge, &parts).await {
        Ok(known) => state(&edge, &known.caller, arrival.recovery == "used", None).await,
        Err(problem) if problem.kind() == ProblemKind::SignInRequired => {
            Ok(Redirect::to(&format!("{SIGN_IN}?next={SECOND_FACTOR}")).into_response())
        }
        Err(problem) => Err(problem),
    }
}

/// Makes a secret, and shows it.
pub(super) async fn begin(
    State(edge): State<Shared>,
    request: Request,
) -> Result<Response, Problem> {
    let (caller, sent) = read::<Proof>(&edge, request).await?;
    match edge.service.offer_second_factor(&caller, sent.into()).await {
        Ok(offer) => {
            let qr = qr::svg(&offer.address, QR_LABEL).unwrap_or_default();
            let grouped = grouped(&offer.secret);
            let shown = Some((grouped.as_str(), qr.as_str()));
            Ok(page(StatusCode::OK, &Offer { shown, fault: None }))
        }
        Err(error) => state(&edge, &caller, false, Some(error)).await,
    }
}

/// Enrols it, and shows the recovery codes.
pub(super) async fn confirm(
    State(edge): State<Shared>,
    request: Request,
) -> Result<Response, Problem> {
    let (caller, sent) = read::<FirstCode>(&edge, request).await?;
    match edge.service.enrol_second_factor(&caller, &sent.code).await {
        Ok(codes) => Ok(page(StatusCode::OK, &Codes { codes: &codes })),
        Err(error) => {
            let (status, fault) = said(error);
            Ok(page(status, &Offer { shown: None, fault: Some(&fault) }))
        }
    }
}

/// Turns it off.
pub(super) async fn remove(
    State(edge): State<Shared>,
    request: Request,
) -> Result<Response, Problem> {
    let (caller, sent) = read::<Proof>(&edge, request).await?;
    match edge.service.remove_second_factor(&caller, sent.into()).await {
        Ok(()) => Ok(Redirect::to(SECOND_FACTOR).into_response()),
        Err(error) => state(&edge, &caller, false, Some(error)).await,
    }
}

async fn state(
    edge: &Edge,
    caller: &Caller,
    is_recovered: bool,
    error: Option<ServiceError>,
) -> Result<Response, Problem> {
    let state = edge.service.second_factor(caller).await?;
    let (status, fault) = error.map(said).unzip();
    let shown = SecondFactor {
        email: &caller.name,
        since: state.enrolled_at.map(|at| moment(at).format("%-d %B %Y").to_string()),
        left: state.recovery_codes_left,
        is_required: state.is_required,
        has_password: state.has_password,
        is_recovered,
        fault: fault.as_deref(),
    };
    Ok(page(status.unwrap_or(StatusCode::OK), &shown))
}

async fn read<T: DeserializeOwned>(
    edge: &Shared,
    request: Request,
) -> Result<(Caller, T), Problem> {
    let (parts, body) = request.into_parts();
    let known = known_caller(edge, &parts).await?;
    let form = Form::<T>::from_request(Request::from_parts(parts, body), edge).await;
    let Form(sent) = form.map_err(|_| Problem::of(ProblemKind::InvalidRequest))?;
    Ok((known.caller, sent))
}

/// What went wrong: a form shows where by itself.
fn said(error: ServiceError) -> (StatusCode, String) {
    match &error {
        ServiceError::Faults(faults) => {
            let detail = faults.0.first().map(|fault| fault.detail.as_str()).unwrap_or_default();
            (StatusCode::UNPROCESSABLE_ENTITY, sentence(detail))
        }
        _ => told(&error.into()),
    }
}

/// Four characters at a time are typed more easily.
fn grouped(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    let groups: Vec<String> = characters.chunks(4).map(|four| four.iter().collect()).collect();
    groups.join(" ")
}
