//! One's own second factor: enrolled by a QR code and a first code, turned off.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use http::StatusCode;
use serde::Deserialize;
use tidegate_service::{SecondFactorProofs, ServiceError};

use super::{
    SECOND_FACTOR,
    flash::Flash,
    forms::Sent,
    sentence,
    shell::{Enrolling, Shell},
    told,
    words::When,
};
use crate::{api::QR_LABEL, edge::Shared, problem::Problem, qr};

#[derive(Template)]
#[template(path = "second_factor.html")]
struct SecondFactor<'a> {
    shell: &'a Shell,
    /// When it was enrolled.
    since: Option<When>,
    left: i64,
    is_required: bool,
    has_password: bool,
    is_recovered: bool,
    fault: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "second_factor_offer.html")]
struct Offer<'a> {
    shell: &'a Shell,
    /// Secret in groups, and QR code; shown once.
    shown: Option<(&'a str, &'a str)>,
    fault: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "second_factor_codes.html")]
struct Codes<'a> {
    shell: &'a Shell,
    codes: &'a [String],
}

/// Why one comes here.
#[derive(Default, Deserialize)]
pub(super) struct Arrival {
    #[serde(default)]
    recovery: String,
}

#[derive(Deserialize)]
pub(super) struct Proof {
    #[serde(default)]
    password: String,
    code: Option<String>,
}

impl From<Proof> for SecondFactorProofs {
    fn from(sent: Proof) -> Self {
        Self { password: sent.password, code: sent.code.filter(|code| !code.is_empty()) }
    }
}

#[derive(Deserialize)]
pub(super) struct FirstCode {
    #[serde(default)]
    code: String,
}

/// How it stands, and what can be done.
pub(super) async fn show(
    State(edge): State<Shared>,
    Enrolling(shell): Enrolling,
    Query(arrival): Query<Arrival>,
) -> Result<Response, Problem> {
    state(&edge, &shell, arrival.recovery == "used", None).await
}

/// Makes a secret, and shows it.
pub(super) async fn begin(
    State(edge): State<Shared>,
    Enrolling(shell): Enrolling,
    Sent(sent): Sent<Proof>,
) -> Result<Response, Problem> {
    match edge.service.offer_second_factor(&shell.caller, sent.into()).await {
        Ok(offer) => {
            let qr = qr::svg(&offer.address, QR_LABEL).unwrap_or_default();
            let grouped = grouped(&offer.secret);
            let shown = Some((grouped.as_str(), qr.as_str()));
            Ok(shell.page(StatusCode::OK, &Offer { shell: &shell, shown, fault: None }))
        }
        Err(error) => state(&edge, &shell, false, Some(error)).await,
    }
}

/// Enrols it, and shows the recovery codes.
pub(super) async fn confirm(
    State(edge): State<Shared>,
    Enrolling(mut shell): Enrolling,
    Sent(sent): Sent<FirstCode>,
) -> Result<Response, Problem> {
    match edge.service.enrol_second_factor(&shell.caller, &sent.code).await {
        Ok(codes) => {
            // From now on there is nothing that has to be done first.
            shell.must_enrol = false;
            Ok(shell.page(StatusCode::OK, &Codes { shell: &shell, codes: &codes }))
        }
        Err(error) => {
            let (status, fault) = said(error);
            Ok(shell.page(status, &Offer { shell: &shell, shown: None, fault: Some(&fault) }))
        }
    }
}

/// Turns it off.
pub(super) async fn remove(
    State(edge): State<Shared>,
    Enrolling(shell): Enrolling,
    Sent(sent): Sent<Proof>,
) -> Result<Response, Problem> {
    match edge.service.remove_second_factor(&shell.caller, sent.into()).await {
        Ok(()) => {
            let flash = Flash::new("The second factor is off").line("The password alone lets in.");
            Ok(shell.to(SECOND_FACTOR, &flash))
        }
        Err(error) => state(&edge, &shell, false, Some(error)).await,
    }
}

async fn state(
    edge: &Shared,
    shell: &Shell,
    is_recovered: bool,
    error: Option<ServiceError>,
) -> Result<Response, Problem> {
    let state = edge.service.second_factor(&shell.caller).await?;
    let (status, fault) = error.map(said).unzip();
    let shown = SecondFactor {
        shell,
        since: state.enrolled_at.map(|at| shell.when(at)),
        left: state.recovery_codes_left,
        is_required: state.is_required,
        has_password: state.has_password,
        is_recovered,
        fault: fault.as_deref(),
    };
    Ok(shell.page(status.unwrap_or(StatusCode::OK), &shown))
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
