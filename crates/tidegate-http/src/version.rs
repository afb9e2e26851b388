//! The version of a document that is changed as a whole: `ETag` says which was read, `If-Match`
//! which is meant.

use axum::{
    Json,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header, request::Parts};
use serde::Serialize;

use crate::{input::header_text, problem::Problem};

/// Answers with JSON, and the version that it is of.
pub(crate) fn versioned(version: i64, body: impl Serialize) -> Response {
    let tag = HeaderValue::from_str(&format!("\"{version}\"")).expect("a number is ASCII");
    ([(header::ETAG, tag)], Json(body)).into_response()
}

/// The version that a change is of; none is any.
pub(crate) struct IfMatch(pub(crate) Option<i64>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if !parts.headers.contains_key(header::IF_MATCH) {
            return Ok(Self(None));
        }
        let sent = header_text(&parts.headers, header::IF_MATCH).unwrap_or_default().trim();
        if sent == "*" {
            return Ok(Self(None));
        }
        // Whoever packs an answer on its way makes its tag a weak one.
        let quoted = sent.trim_start_matches("W/").strip_prefix('"');
        let number = quoted.and_then(|rest| rest.strip_suffix('"'));
        match number.and_then(|number| number.parse().ok()) {
            Some(version) => Ok(Self(Some(version))),
            None => Err(Problem::fault("", "`If-Match` is one `ETag` as it was answered, or `*`")),
        }
    }
}
