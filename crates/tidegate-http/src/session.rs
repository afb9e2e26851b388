//! The cookie that a browser shows to be let in.

use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use http::HeaderMap;
use tidegate_model::actor::Via;
use tidegate_service::{NewSession, NewStep, ServiceError, SignedIn};
use time::Duration;

use crate::edge::{Edge, EdgeSettings};

/// Name of the cookie over TLS: browsers take it from this host and path only.
const NAME: &str = "__Host-tidegate_session";
/// Its name over plain HTTP, where they would refuse the other.
const PLAIN_NAME: &str = "tidegate_session";

/// Name of the cookie of a sign-in that waits for a second factor, over TLS and over plain HTTP.
const STEP_NAMES: [&str; 2] = ["__Host-tidegate_second_step", "tidegate_second_step"];

/// Whoever is signed in by the cookie of a request.
pub(crate) async fn signed_in(edge: &Edge, headers: &HeaderMap) -> Result<SignedIn, ServiceError> {
    let jar = CookieJar::from_headers(headers);
    let cookie = jar.get(name(&edge.settings)).ok_or(ServiceError::Unknown)?;
    edge.service.session_caller(cookie.value(), Via::Admin).await
}

/// Whether a request shows a cookie of ours, good or not.
pub(crate) fn is_shown(settings: &EdgeSettings, headers: &HeaderMap) -> bool {
    let jar = CookieJar::from_headers(headers);
    jar.get(name(settings)).is_some() || jar.get(step_name(settings)).is_some()
}

/// The secret of a sign-in that waits for a second factor, as a request shows it.
pub(crate) fn step(settings: &EdgeSettings, headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    jar.get(step_name(settings)).map(|cookie| cookie.value().to_owned())
}

/// The cookie of a sign-in that waits for a second factor: no session, and good for nothing else.
pub(crate) fn step_cookie(settings: &EdgeSettings, step: &NewStep) -> CookieJar {
    let seconds = i64::try_from(step.seconds).unwrap_or(i64::MAX);
    let cookie = Cookie::build((step_name(settings), step.secret.clone()));
    let cookie = cookie.max_age(Duration::seconds(seconds));
    CookieJar::new().add(guarded(settings, cookie.build()))
}

/// Takes it back.
pub(crate) fn no_step_cookie(settings: &EdgeSettings) -> CookieJar {
    let gone = Cookie::build((step_name(settings), "")).max_age(Duration::ZERO);
    CookieJar::new().add(guarded(settings, gone.build()))
}

/// The cookie of a session that was begun.
pub(crate) fn cookie(settings: &EdgeSettings, session: &NewSession) -> CookieJar {
    let seconds = i64::try_from(session.seconds).unwrap_or(i64::MAX);
    let secret = session.secret.clone();
    let cookie = Cookie::build((name(settings), secret)).max_age(Duration::seconds(seconds));
    CookieJar::new().add(guarded(settings, cookie.build()))
}

/// Takes the cookie back.
pub(crate) fn no_cookie(settings: &EdgeSettings) -> CookieJar {
    let gone = Cookie::build((name(settings), "")).max_age(Duration::ZERO);
    CookieJar::new().add(guarded(settings, gone.build()))
}

/// What no script reads and no other site sends along but by a link.
pub(crate) fn guarded<'a>(settings: &EdgeSettings, mut cookie: Cookie<'a>) -> Cookie<'a> {
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(settings.is_https());
    cookie
}

fn step_name(settings: &EdgeSettings) -> &'static str {
    let [secure, plain] = STEP_NAMES;
    if settings.is_https() { secure } else { plain }
}

fn name(settings: &EdgeSettings) -> &'static str {
    if settings.is_https() { NAME } else { PLAIN_NAME }
}
