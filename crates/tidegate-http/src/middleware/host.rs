//! Refuses requests that name a host which is not ours.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Uri, header, request::Parts, uri::Authority};

use crate::{
    edge::{EdgeSettings, Shared},
    health,
    input::header_text,
    metrics,
    middleware::peer,
    problem::{Problem, ProblemKind},
};

/// Lets a request pass if it names a host of ours.
pub(crate) async fn check(State(edge): State<Shared>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let passes = is_ours(&edge.settings, &parts.headers, &parts.uri) || is_probe(&parts);
    match passes {
        true => next.run(Request::from_parts(parts, body)).await,
        false => Problem::of(ProblemKind::WrongHost).into_response(),
    }
}

/// Whether somebody on this machine asks, by its address, how the process does: no page of another
/// site can make a browser name an address.
fn is_probe(parts: &Parts) -> bool {
    const PROBES: [&str; 3] = [health::LIVES, health::IS_READY, metrics::PATH];
    let host = named(&parts.headers, &parts.uri);
    let address = host.and_then(|host| host.host().trim_matches(['[', ']']).parse::<IpAddr>().ok());
    address.is_some_and(|address| address.is_loopback())
        && peer::is_local(parts)
        && PROBES.contains(&parts.uri.path())
}

fn is_ours(settings: &EdgeSettings, headers: &HeaderMap, uri: &Uri) -> bool {
    let Some(named) = named(headers, uri) else { return false };
    let host = named.host().trim_matches(['[', ']']);
    let own = settings.public_url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    // Behind a proxy the port is the proxy's business; a page of another port is of another site,
    // which is what the check of the origin is for.
    let is_own = host.eq_ignore_ascii_case(own);
    let is_listed = settings.hosts.iter().any(|listed| host.eq_ignore_ascii_case(listed));
    is_own || is_listed
}

/// The one host that a request names.
fn named(headers: &HeaderMap, uri: &Uri) -> Option<Authority> {
    if headers.get_all(header::HOST).iter().count() > 1 {
        return None;
    }
    let named = match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => header_text(headers, header::HOST),
    };
    let named: Authority = named?.parse().ok()?;
    (!named.as_str().contains('@')).then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(host: &str) -> bool {
        let settings = EdgeSettings {
            hosts: vec!["127.0.0.1".to_owned()],
            ..EdgeSettings::new("https://exports.example.com").unwrap()
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        is_ours(&settings, &headers, &Uri::from_static("/"))
    }

    #[test]
    fn only_hosts_of_ours_pass() {
        for host in ["exports.example.com", "EXPORTS.example.com:443", "127.0.0.1:8080"] {
            assert!(passes(host), "{host}");
        }
        for host in [
            "evil.example.com",
            "exports.example.com.evil.com",
            "exports.example.com@evil.com",
            "user@exports.example.com",
            "",
            "exports.example.com/path",
        ] {
            assert!(!passes(host), "{host}");
        }
    }

    #[test]
    fn a_request_names_one_host() {
        let settings = EdgeSettings::new("https://exports.example.com").unwrap();
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, "exports.example.com".parse().unwrap());
        headers.append(header::HOST, "evil.example.com".parse().unwrap());
        assert!(!is_ours(&settings, &headers, &Uri::from_static("/")));
    }
}
