//! How an operation can be refused: the same for all, and what its handler says beside that.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::responses_mut;
use crate::problem::{MEDIA_TYPE, PROBLEMS, ProblemKind};

/// Every operation can be refused like this.
const OF_ALL: &[ProblemKind] = &[
    ProblemKind::SignInRequired,
    ProblemKind::NotAllowed,
    ProblemKind::SecondFactorMissing,
    ProblemKind::CrossSite,
    ProblemKind::NotFound,
    ProblemKind::WrongHost,
    ProblemKind::InvalidRequest,
    ProblemKind::TooManyRequests,
    ProblemKind::Internal,
    ProblemKind::Unavailable,
];
/// And one that takes a body like this, too.
const OF_BODIES: &[ProblemKind] =
    &[ProblemKind::MalformedBody, ProblemKind::TooLarge, ProblemKind::UnsupportedMediaType];

/// Adds the refusals to an operation.
pub(super) fn add(operation: &mut Map<String, Value>) {
    let of_bodies = if operation.contains_key("requestBody") { OF_BODIES } else { &[] };
    let mut kinds: BTreeMap<u16, Vec<ProblemKind>> = BTreeMap::new();
    for kind in OF_ALL.iter().chain(of_bodies) {
        kinds.entry(kind.status().as_u16()).or_default().push(*kind);
    }
    let responses = responses_mut(operation);
    for (status, kinds) in kinds {
        let titles: Vec<&str> = kinds.iter().map(|kind| kind.title()).collect();
        let response = responses.entry(status.to_string()).or_insert_with(|| json!({}));
        if response.get("description").is_none() {
            response["description"] = titles.join("; ").into();
        }
    }
    for (status, response) in responses.iter_mut() {
        let Ok(status @ 400..) = status.parse::<u16>() else { continue };
        response["content"] = json!({ MEDIA_TYPE: {
            "schema": { "$ref": "#/components/schemas/Problem" },
            "example": example(status),
        }});
    }
    responses.sort_keys();
}

/// The problem that is most often meant by a status.
fn example(status: u16) -> Value {
    let of_status = |kind: &&ProblemKind| kind.status().as_u16() == status;
    let usual = OF_ALL.iter().chain(PROBLEMS).find(of_status);
    let kind = usual.expect("every documented status has a kind of problem");
    let mut problem = json!({
        "type": kind.uri(),
        "title": kind.title(),
        "status": status,
        "detail": kind.meaning(),
    });
    if *kind == ProblemKind::InvalidRequest {
        let detail = "`totl` is no field of `orders`; did you mean `total`?";
        problem["detail"] = format!("/fields/1: {detail}").into();
        problem["errors"] = json!([{ "pointer": "/fields/1", "detail": detail }]);
    }
    problem
}
