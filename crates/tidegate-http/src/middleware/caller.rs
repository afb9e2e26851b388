//! Finds out who has sent a request, and refuses those who are nobody.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, header, request::Parts};
use tidegate_model::actor::{Caller, Via};
use tidegate_service::ServiceError;

use super::peer;
use crate::{
    api::visitor,
    edge::{Edge, Shared},
    input::header_text,
    problem::{Problem, ProblemKind},
    session, trusted_header,
};

/// How a token is shown.
const SCHEME: &str = "bearer ";

/// Paths that are open to whoever has to enrol a second factor before anything else: to do so, or
/// to leave. What turns it off is not among them.
const ENROLLING: [&str; 3] =
    ["/api/v1/second-factor", "/api/v1/second-factor/confirm", "/api/v1/sessions/current"];

/// Somebody whom a request shows.
pub(crate) struct Known {
    pub(crate) caller: Caller,
    /// Whether a second factor has to be enrolled before anything else is done.
    pub(crate) must_enrol: bool,
}

/// Operations that need no caller, by method and path: their descriptions say so.
pub(crate) type Open = Arc<BTreeSet<(Method, String)>>;

/// What the gate works with.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) edge: Shared,
    pub(crate) open: Open,
}

/// Lets a request pass if it is somebody's, or if its operation is for everybody.
pub(crate) async fn check(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let is_open = parts.extensions.get::<MatchedPath>().is_some_and(|path| {
        // What answers GET answers HEAD.
        let method = if parts.method == Method::HEAD { Method::GET } else { parts.method.clone() };
        gate.open.contains(&(method, path.as_str().to_owned()))
    });
    let is_enrolling = parts
        .extensions
        .get::<MatchedPath>()
        .is_some_and(|path| ENROLLING.contains(&path.as_str()));
    let found = match is_enrolling {
        true => known_caller(&gate.edge, &parts).await.map(|known| known.caller),
        false => caller_of(&gate.edge, &parts).await,
    };
    let caller = match found {
        Ok(caller) => Some(caller),
        Err(_) if is_open => None,
        Err(problem) => return problem.into_response(),
    };
    let counted = match &caller {
        Some(caller) => gate.edge.quotas.count(&key_of(caller)),
        None => {
            let peer = peer::address(&gate.edge.settings, &parts);
            gate.edge.quotas.count(&peer.map(|peer| peer.to_string()).unwrap_or_default())
        }
    };
    let left = match counted {
        Ok(left) => left,
        Err(problem) => return problem.into_response(),
    };
    if let Some(caller) = caller {
        parts.extensions.insert(caller);
    }
    let mut response = next.run(Request::from_parts(parts, body)).await;
    left.tell(response.headers_mut());
    response
}

/// The token that a request shows.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    let sent = header_text(headers, header::AUTHORIZATION)?;
    let is_token = sent.get(..SCHEME.len()).is_some_and(|one| one.eq_ignore_ascii_case(SCHEME));
    is_token.then(|| sent[SCHEME.len()..].trim())
}

/// Whoever has sent a request, and may do what its role may: not who has to enrol first.
pub(crate) async fn caller_of(edge: &Edge, parts: &Parts) -> Result<Caller, Problem> {
    match known_caller(edge, parts).await? {
        Known { must_enrol: true, .. } => Err(Problem::of(ProblemKind::SecondFactorMissing)),
        Known { caller, must_enrol: false } => Ok(caller),
    }
}

/// Whoever has sent a request: by its token, by what a proxy says, or else by its session. A token
/// is asked for no second factor, nor is whom a proxy vouches for.
pub(crate) async fn known_caller(edge: &Edge, parts: &Parts) -> Result<Known, Problem> {
    let mut must_enrol = false;
    let found = if let Some(token) = token(&parts.headers) {
        edge.service.token_caller(token, Via::Api).await
    } else if let Some(vouched) = trusted_header::vouched(edge, parts) {
        match vouched {
            Ok(vouched) => {
                let visitor = visitor(edge, parts, Via::Admin);
                edge.service.vouched_caller(&vouched, &visitor).await
            }
            Err(error) => Err(error),
        }
    } else if parts.headers.contains_key(header::AUTHORIZATION) {
        Err(ServiceError::Unknown)
    } else {
        session::signed_in(edge, &parts.headers).await.map(|signed_in| {
            must_enrol = signed_in.must_enrol;
            signed_in.caller
        })
    };
    let caller = match found {
        Ok(caller) => caller,
        Err(ServiceError::Unknown) => return Err(Problem::of(ProblemKind::SignInRequired)),
        Err(error) => return Err(error.into()),
    };
    let address = peer::address(&edge.settings, parts).map(|address| address.to_string());
    Ok(Known { caller: Caller { address, ..caller }, must_enrol })
}

/// Requests are counted by operator, whichever token they come with.
fn key_of(caller: &Caller) -> String {
    caller.name.clone()
}
