//! Where a browser lands that another site has sent: signed in as whom that site vouches for.

use axum::{
    extract::{Query, Request, State},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use tidegate_model::actor::Via;
use tidegate_service::ServiceError;

use super::{PREFIX, SIGN_IN};
use crate::{
    api::visitor,
    edge::Shared,
    problem::{Problem, ProblemKind},
    session,
};

/// What the address says.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Landing {
    /// The secret, good once.
    ticket: String,
    /// The export that was made.
    job: i64,
}

/// Signs in, and goes on to the export. A secret that is good for nothing leads to the same export
/// by way of the sign-in.
pub(super) async fn arrive(
    State(edge): State<Shared>,
    Query(landing): Query<Landing>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let export = format!("{PREFIX}/exports/{}", landing.job);
    let is_on = edge.settings.hand_over.as_ref().is_some_and(|settings| settings.sign_in);
    if !is_on {
        return Err(Problem::of(ProblemKind::NotFound));
    }
    let signed_in = session::signed_in(&edge, &parts.headers).await.ok();
    let signed_in = signed_in.and_then(|signed_in| signed_in.caller.operator());
    let visitor = visitor(&edge, &parts, Via::Admin);
    match edge.service.land(&landing.ticket, signed_in, &visitor).await {
        Ok(started) => {
            let jar = session::cookie(&edge.settings, &started);
            Ok((jar, Redirect::to(&export)).into_response())
        }
        Err(ServiceError::Unknown) => {
            Ok(Redirect::to(&format!("{SIGN_IN}?next={export}")).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
