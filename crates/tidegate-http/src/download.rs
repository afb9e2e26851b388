//! Sends files by their links, whole or in part.

mod disposition;
mod range;
mod underway;

use axum::{
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use tidegate_service::link::LinkPurpose;

pub(crate) use self::underway::Downloads;
use self::{disposition::disposition, range::Asked};
use crate::{
    edge::Shared,
    input::header_text,
    middleware::{caller::caller_of, peer},
    pages::SIGN_IN,
    problem::{Problem, ProblemKind},
};

/// Where links lead.
pub(crate) const PATH: &str = "/d/";

/// Sends the file of a link to whom the link was made for; or to whoever holds it, where it is one
/// of those. A link of a mail leads to the sign-in, and from there to one for minutes.
pub(crate) async fn send(
    State(edge): State<Shared>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let caller = match edge.service.link_purpose(&token) {
        Some(LinkPurpose::Bearer) => None,
        Some(LinkPurpose::Locator) => return lead(&edge, &parts, &token).await,
        // What is none of ours is nobody's business either.
        Some(LinkPurpose::Download) | None => Some(caller_of(&edge, &parts).await?),
    };
    let file = edge.service.linked_file(caller.as_ref(), &token).await?;
    let tag = format!("\"{}\"", file.sha256);
    let headers = &parts.headers;
    if header_text(headers, header::IF_NONE_MATCH).is_some_and(|sent| sent.contains(&tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let asked = match has_the_same(headers, &tag) {
        true => range::asked(header_text(headers, header::RANGE), file.bytes),
        false => Asked::Whole,
    };
    let part = match asked {
        Asked::Whole => None,
        Asked::Part(part) => Some(part),
        Asked::Outside => {
            let length = format!("bytes */{}", file.bytes);
            let length = HeaderValue::try_from(length).expect("it is ASCII");
            let problem = Problem::of(ProblemKind::RangeNotSatisfiable);
            return Err(problem.with(header::CONTENT_RANGE, length));
        }
    };
    let mut told = HeaderMap::new();
    let mut tell = |name, text: String| {
        told.insert(name, HeaderValue::try_from(text).expect("what we tell of a file is ASCII"))
    };
    let range = part.clone().unwrap_or(0..file.bytes);
    tell(header::ETAG, tag);
    tell(header::CONTENT_TYPE, file.media_type.to_owned());
    tell(header::CONTENT_LENGTH, (range.end - range.start).to_string());
    tell(header::CONTENT_DISPOSITION, disposition(&file.file_name));
    tell(header::ACCEPT_RANGES, "bytes".to_owned());
    let digest = BASE64_STANDARD.encode(bytes_of(&file.sha256));
    tell(header::HeaderName::from_static("repr-digest"), format!("sha-256=:{digest}:"));
    let status = match &part {
        None => StatusCode::OK,
        Some(part) => {
            tell(
                header::CONTENT_RANGE,
                format!("bytes {}-{}/{}", part.start, part.end - 1, file.bytes),
            );
            StatusCode::PARTIAL_CONTENT
        }
    };
    if parts.method == Method::HEAD {
        return Ok((status, told).into_response());
    }
    let sending = match caller {
        Some(caller) => edge.service.redeem(&edge.artifacts, &caller, &token, part).await?,
        None => {
            let address = peer::address(&edge.settings, &parts).map(|address| address.to_string());
            let address = address.as_deref();
            edge.service.redeem_bearer(&edge.artifacts, address, &token, part).await?
        }
    };
    Ok((status, told, Body::from_stream(edge.downloads.pieces(sending, peer::line(&parts))))
        .into_response())
}

/// Leads from the link of a mail to the file: by way of the sign-in, if need be.
async fn lead(edge: &Shared, parts: &Parts, token: &str) -> Result<Response, Problem> {
    let caller = match caller_of(edge, parts).await {
        Ok(caller) => caller,
        Err(problem) if problem.kind() == ProblemKind::SignInRequired => {
            let next = format!("{PATH}{token}");
            return Ok(Redirect::to(&format!("{SIGN_IN}?next={next}")).into_response());
        }
        Err(problem) => return Err(problem),
    };
    let made = edge.service.open_locator(&caller, token).await?;
    Ok(Redirect::to(&made.link.url(edge.settings.address())).into_response())
}

/// Whether a part is to be added to what the client has of this very file (RFC 9110, 13.1.5).
fn has_the_same(headers: &HeaderMap, tag: &str) -> bool {
    header_text(headers, header::IF_RANGE).is_none_or(|sent| sent == tag)
}

/// Bytes of a digest in hexadecimal.
fn bytes_of(digest: &str) -> Vec<u8> {
    let digits = digest.as_bytes().chunks(2);
    digits.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
