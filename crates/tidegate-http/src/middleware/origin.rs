//! Refuses changes by what a browser adds by itself, where it does not say which page asks.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, header};

use super::caller;
use crate::{
    edge::{EdgeSettings, Shared},
    problem::{Problem, ProblemKind},
    session,
};

/// Header in which browsers say what a request comes from.
const FETCH_SITE: &str = "sec-fetch-site";

/// Lets a request pass if it changes nothing, shows a token, or says where it comes from: the check
/// of origins judges that, and passes what has neither header, as programs do.
pub(crate) async fn check(State(edge): State<Shared>, request: Request, next: Next) -> Response {
    match is_told(&edge.settings, request.method(), request.headers()) {
        true => next.run(request).await,
        false => Problem::of(ProblemKind::CrossSite).into_response(),
    }
}

fn is_told(settings: &EdgeSettings, method: &Method, headers: &HeaderMap) -> bool {
    let is_safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
    let says = headers.contains_key(header::ORIGIN) || headers.contains_key(FETCH_SITE);
    is_safe || says || caller::token(headers).is_some() || !is_by_itself(settings, headers)
}

/// Whether the request shows what a browser, or a proxy in front of it, adds without being asked.
fn is_by_itself(settings: &EdgeSettings, headers: &HeaderMap) -> bool {
    let trusted = settings.trusted_header.as_ref();
    session::is_shown(settings, headers)
        || trusted.is_some_and(|header| headers.contains_key(&header.name))
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;
    use crate::trusted_header::TrustedHeader;

    fn passes(method: Method, sent: &[(&str, &str)]) -> bool {
        let settings = EdgeSettings {
            trusted_header: Some(TrustedHeader::new(HeaderName::from_static("x-remote-user"))),
            ..EdgeSettings::new("https://exports.example.com").unwrap()
        };
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        is_told(&settings, &method, &headers)
    }

    #[test]
    fn what_a_browser_sends_along_changes_nothing_unless_it_says_which_page_asks() {
        let cookie = ("cookie", "__Host-tidegate_session=x");
        let user = ("x-remote-user", "ada@example.com");
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            for shown in [cookie, user] {
                assert!(!passes(method.clone(), &[shown]));
                assert!(!passes(method.clone(), &[shown, ("authorization", "Basic eDp5")]));
                assert!(passes(method.clone(), &[shown, ("origin", "https://any.example")]));
                assert!(passes(method.clone(), &[shown, ("sec-fetch-site", "same-origin")]));
                assert!(passes(method.clone(), &[shown, ("authorization", "Bearer t")]));
            }
            assert!(passes(method, &[("cookie", "another=x")]));
        }
        assert!(passes(Method::GET, &[cookie]));
    }
}
