//! What went wrong, as a page in plain words.

use askama::Template;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, Method, StatusCode, header, request::Parts};
use url::form_urlencoded;

use super::{PREFIX, SECOND_FACTOR, SIGN_IN, page, see_other, sentence, shell::Shell};
use crate::{
    edge::Shared,
    input::header_text,
    problem::{ProblemKind, Told},
};

/// What a page of a problem says.
struct Words {
    /// What it is, in a few words.
    title: &'static str,
    /// What helps.
    remedy: &'static str,
}

#[derive(Template)]
#[template(path = "fault.html")]
struct Fault<'a> {
    shell: &'a Shell,
    status: u16,
    title: &'a str,
    detail: &'a str,
    remedy: &'a str,
    faults: Vec<String>,
}

#[derive(Template)]
#[template(path = "fault_outside.html")]
struct FaultOutside<'a> {
    title: &'a str,
    detail: &'a str,
    remedy: &'a str,
}

/// Answers problems below the pages' path by pages; leads to the sign-in whoever has to go there.
pub(crate) async fn show(State(edge): State<Shared>, request: Request, next: Next) -> Response {
    if !wants_page(request.uri().path(), request.headers()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let kept = parts.clone();
    let response = next.run(Request::from_parts(parts, body)).await;
    match response.extensions().get::<Told>() {
        Some(told) => {
            let told = told.clone();
            let mut shown = tell(&edge, &kept, &told).await;
            for name in [header::RETRY_AFTER, header::ALLOW] {
                if let Some(value) = response.headers().get(&name) {
                    shown.headers_mut().insert(name, value.clone());
                }
            }
            for cookie in response.headers().get_all(header::SET_COOKIE) {
                shown.headers_mut().append(header::SET_COOKIE, cookie.clone());
            }
            shown.extensions_mut().insert(told.kind);
            shown
        }
        None => response,
    }
}

fn wants_page(path: &str, headers: &HeaderMap) -> bool {
    let is_page = path == PREFIX || path.starts_with("/sg-admin/");
    let accepts = header_text(headers, header::ACCEPT).unwrap_or("*/*");
    let is_link = path.starts_with(crate::download::PATH);
    let is_browser = accepts.contains("text/html");
    (is_page && (is_browser || accepts.contains("*/*"))) || (is_link && is_browser)
}

async fn tell(edge: &Shared, parts: &Parts, told: &Told) -> Response {
    match told.kind {
        // What was sent cannot be sent on: that it was not done is told.
        ProblemKind::SignInRequired if parts.method == Method::GET => return to_sign_in(parts),
        ProblemKind::SecondFactorMissing => return see_other(SECOND_FACTOR),
        _ => {}
    }
    let path = parts.uri.path();
    // Links with a slash at their end are old friends.
    if told.kind == ProblemKind::NotFound && path.ends_with('/') && path.len() > PREFIX.len() + 1 {
        return see_other(path.trim_end_matches('/'));
    }
    // What is only sent to has its page one level up: whoever comes back to it meant that.
    if told.kind == ProblemKind::MethodNotAllowed
        && parts.method == Method::GET
        && let Some((above, _)) = path.rsplit_once('/')
    {
        return see_other(above);
    }
    let status = told.kind.status();
    let Words { title, remedy } = words(told.kind);
    // What every problem of the kind says, the page says better.
    let is_plain = told.detail == told.kind.meaning() && told.kind.status().is_client_error();
    let detail = if is_plain { String::new() } else { sentence(&told.detail) };
    let faults = told.errors.iter().map(|fault| sentence(&fault.detail)).collect();
    match Shell::of(edge, parts).await {
        Ok(shell) => {
            let (shell, detail) = (&shell, detail.as_str());
            let status_word = status.as_u16();
            let template = Fault { shell, status: status_word, title, detail, remedy, faults };
            shell.page(status, &template)
        }
        Err(_) => page(status, &FaultOutside { title, detail: &detail, remedy }),
    }
}

/// To the sign-in, and from there back to what was looked at.
fn to_sign_in(parts: &Parts) -> Response {
    let here = parts.uri.path_and_query().map(|one| one.as_str());
    match here {
        None | Some("/sg-admin" | "/sg-admin/") => see_other(SIGN_IN),
        Some(here) => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            see_other(&format!("{SIGN_IN}?{}", query.append_pair("next", here).finish()))
        }
    }
}

fn words(kind: ProblemKind) -> Words {
    let (title, remedy) = match kind.status() {
        StatusCode::UNAUTHORIZED => {
            ("You are signed out", "Nothing was changed. Sign in, and send it again.")
        }
        StatusCode::NOT_FOUND => (
            "There is nothing here",
            "The address may be mistyped, or it is of something that you may not see.",
        ),
        StatusCode::FORBIDDEN if kind == ProblemKind::CrossSite => (
            "This came from another site",
            "Nothing was changed. Open the page here, and send the form from there.",
        ),
        StatusCode::FORBIDDEN => {
            ("You may not do this", "Whoever manages roles here can give you the capability.")
        }
        StatusCode::CONFLICT => {
            ("This cannot be done now", "It has changed since you looked. Go back and look again.")
        }
        StatusCode::GONE => (
            "The file is gone",
            "The record stays; the same export can be made again with today’s data.",
        ),
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => (
            "Something in the request is not right",
            "Nothing was changed. Go back, put it right, and send it again.",
        ),
        StatusCode::TOO_MANY_REQUESTS => {
            ("Too much at once", "Wait a little, then try again. Nothing is lost.")
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            ("This address takes no such request", "Go back, and use the page’s own buttons.")
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
            (
                "Not available at the moment",
                "Nothing was lost. Try again in a minute; if it stays, tell whoever runs this.",
            )
        }
        _ => (kind.title(), "If it stays like this, tell whoever runs this service what you did."),
    };
    Words { title, remedy }
}
