//! Problem details (RFC 9457): the only shape in which the edge says no.

mod from_service;
mod kinds;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
pub use kinds::{PROBLEMS, ProblemKind};
use serde::Serialize;
use tidegate_model::fault::{Fault, FaultCode, Faults};
use utoipa::ToSchema;

/// Media type of problems.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// What is wrong with a request.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: ProblemKind,
    detail: String,
    errors: Vec<Fault>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What was told by an answer, for whoever writes it as a page.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) kind: ProblemKind,
    pub(crate) detail: String,
    pub(crate) errors: Vec<Fault>,
}

/// A problem as it is sent.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// Names the kind of problem, for ever: a program may compare it.
    #[schema(format = "uri", example = "urn:tidegate:problem:invalid-request")]
    r#type: String,
    /// What the kind means.
    #[schema(example = "The request is wrong")]
    title: &'static str,
    /// Status of the answer.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    status: u16,
    /// What happened here, and what would be right.
    detail: String,
    /// Each fault, with a pointer into what was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FaultBody>,
}

/// A fault and its place.
#[derive(Serialize, ToSchema)]
#[schema(as = Fault)]
struct FaultBody {
    /// JSON pointer (RFC 6901) into the body, or into the object of the query's parameters.
    #[schema(example = "/scope/filter/all/0/value")]
    pointer: String,
    /// What is wrong there, and what would be right.
    detail: String,
    /// Names the kind of fault, for ever, where a program has to know: `masked` is a filter or an
    /// order by a field that is masked for whoever asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "masked")]
    code: Option<FaultCode>,
}

impl Problem {
    /// A problem of a kind.
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    /// A problem whose kind says it all.
    pub(crate) fn of(kind: ProblemKind) -> Self {
        Self::new(kind, kind.meaning())
    }

    /// All faults of a request.
    pub(crate) fn faults(Faults(errors): Faults) -> Self {
        let detail = match errors.as_slice() {
            [one] => one.to_string(),
            many => format!("{} faults were found", many.len()),
        };
        Self { errors, ..Self::new(ProblemKind::InvalidRequest, detail) }
    }

    /// One fault at a place.
    pub(crate) fn fault(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::faults(Faults(vec![Fault::new(pointer, detail)]))
    }

    /// With a header.
    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// What happened, and what would be right.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The kind.
    pub(crate) fn kind(&self) -> ProblemKind {
        self.kind
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        let fault = |Fault { pointer, detail, code }| FaultBody { pointer, detail, code };
        let told =
            Told { kind: self.kind, detail: self.detail.clone(), errors: self.errors.clone() };
        let body = ProblemBody {
            r#type: self.kind.uri(),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: self.detail,
            errors: self.errors.into_iter().map(fault).collect(),
        };
        let text = serde_json::to_string(&body).expect("a problem is plain JSON");
        let mut response = (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static(r#"Bearer realm="tidegate""#);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(self.kind);
        response.extensions_mut().insert(told);
        response
    }
}
