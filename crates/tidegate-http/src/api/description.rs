//! The description of the API (OpenAPI 3.1), made from its handlers, and the routes made from it.

use std::collections::BTreeSet;

use axum::Json;
use http::Method;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, ContentBuilder, OpenApi as Document, RefOr, Response, ResponseBuilder,
        path::Operation,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{activity, exports, keys, me, operators, roles, sessions, settings, subjects, tokens};
use crate::{
    edge::Shared,
    problem::{MEDIA_TYPE, ProblemBody, ProblemKind},
};

/// Where the API begins.
pub(crate) const PREFIX: &str = "/api/v1";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidegate",
        description = "Governed exports: every one permissioned, audited, and gone when its \
                       retention ends.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    modifiers(&Security),
    security(("token" = []), ("session" = [])),
    components(schemas(ProblemBody)),
    tags(
        (name = "exports", description = "Export jobs and their files"),
        (name = "subjects", description = "What can be exported, and a look at its rows"),
        (name = "activity", description = "The activity log"),
        (name = "people", description = "Operators, roles, tokens and sign-ins"),
        (name = "site", description = "Settings, public keys, and this description"),
    )
)]
struct Described;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("tdg_…")
            .description(Some("An API token, made with `tidegate tokens create`"))
            .build();
        let components = document.components.get_or_insert_default();
        let cookie = ApiKey::Cookie(ApiKeyValue::with_description(
            "__Host-tidegate_session",
            "Set by signing in; over plain HTTP on loopback it is named `tidegate_session`",
        ));
        components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<Shared> {
    let routes = OpenApiRouter::new()
        .routes(routes!(exports::list::list, exports::create::create))
        .routes(routes!(exports::look::preview))
        .routes(routes!(exports::look::estimate))
        .routes(routes!(exports::get::get))
        .routes(routes!(exports::get::attempts))
        .routes(routes!(exports::get::manifest))
        .routes(routes!(exports::events::events))
        .routes(routes!(exports::change::cancel))
        .routes(routes!(exports::change::rerun))
        .routes(routes!(exports::change::delete_artifact))
        .routes(routes!(exports::change::make_link))
        .routes(routes!(subjects::list))
        .routes(routes!(subjects::get))
        .routes(routes!(subjects::rows))
        .routes(routes!(activity::list))
        .routes(routes!(operators::list, operators::add))
        .routes(routes!(operators::change))
        .routes(routes!(roles::list))
        .routes(routes!(roles::put, roles::remove))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(sessions::list, sessions::start))
        .routes(routes!(sessions::end_own))
        .routes(routes!(sessions::end))
        .routes(routes!(settings::get, settings::put))
        .routes(routes!(me::get))
        .routes(routes!(keys::list))
        .routes(routes!(describe));
    let mut routes = OpenApiRouter::with_openapi(Described::openapi()).nest(PREFIX, routes);
    add_problems(routes.get_openapi_mut());
    routes
}

/// The description.
pub fn document() -> Document {
    routes().into_openapi()
}

/// Operations that need no caller: their descriptions say so.
pub(crate) fn open_operations(document: &Document) -> BTreeSet<(Method, String)> {
    let operations = document.paths.paths.iter().flat_map(|(path, item)| {
        operations_of(item).map(move |(method, operation)| (method, path.clone(), operation))
    });
    operations
        .filter(|(_, _, operation)| {
            operation.security.as_ref().is_some_and(|all| {
                serde_json::to_value(all).is_ok_and(|all| all == serde_json::json!([{}]))
            })
        })
        .map(|(method, path, _)| (method, path))
        .collect()
}

/// This description.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "describe", tag = "site", security(()),
    responses((status = 200, description = "The description", body = serde_json::Value))
)]
async fn describe() -> Json<Document> {
    Json(document())
}

fn operations_of(
    item: &utoipa::openapi::path::PathItem,
) -> impl Iterator<Item = (Method, &Operation)> {
    let all = [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::DELETE, &item.delete),
        (Method::PATCH, &item.patch),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

/// Says of every operation how it can be refused, which is the same for all.
fn add_problems(document: &mut Document) {
    for item in document.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            for kind in refusals(operation) {
                let status = kind.status().as_str().to_owned();
                let responses = &mut operation.responses.responses;
                responses.entry(status).or_insert_with(|| RefOr::T(response(kind)));
            }
        }
    }
}

fn refusals(operation: &Operation) -> Vec<ProblemKind> {
    let mut kinds = vec![
        ProblemKind::InvalidRequest,
        ProblemKind::TooManyRequests,
        ProblemKind::WrongHost,
        ProblemKind::Internal,
        ProblemKind::Unavailable,
        ProblemKind::SignInRequired,
        ProblemKind::NotAllowed,
        ProblemKind::NotFound,
    ];
    if operation.request_body.is_some() {
        kinds.extend([
            ProblemKind::MalformedBody,
            ProblemKind::TooLarge,
            ProblemKind::UnsupportedMediaType,
        ]);
    }
    kinds
}

fn response(kind: ProblemKind) -> Response {
    let schema = utoipa::openapi::Ref::from_schema_name("Problem");
    let content: Content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(kind.title()).content(MEDIA_TYPE, content).build()
}
