//! A JSON answer with a tag: whoever has it already is told so in a few bytes.

use axum::response::{IntoResponse, Response};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::input::header_text;

/// Bytes of a tag's hash: enough that two answers never share one by accident.
const TAG_BYTES: usize = 16;

/// Answers with JSON, or with nothing where the caller has it already.
pub(crate) fn tagged(headers: &HeaderMap, body: &impl Serialize) -> Response {
    let text = serde_json::to_string(body).expect("an answer is plain JSON");
    let hash = Sha256::digest(text.as_bytes());
    let tag = format!("\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(&hash[..TAG_BYTES]));
    let is_known = header_text(headers, header::IF_NONE_MATCH).is_some_and(|sent| {
        sent.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
    });
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
    };
    let tag = HeaderValue::from_str(&tag).expect("base64url is ASCII");
    response.headers_mut().insert(header::ETAG, tag);
    response
}
