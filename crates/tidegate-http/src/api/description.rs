//! The description of the API (OpenAPI 3.1), made from its handlers, and the routes made from it.

mod examples;
mod headers;
mod links;
mod parameters;
mod refusals;
mod schemas;

use std::{collections::BTreeSet, sync::LazyLock};

use axum::response::Response;
use http::{HeaderMap, Method};
use serde_json::{Map, Value};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        path::Operation,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(in crate::api) use self::schemas::{
    FieldChoiceSchema, FilterSchema, RequestSchema, ScopeSchema, SettingsSchema, TimingSchema,
};
use super::{
    actions, activity, approvals, budgets, egress, exports, hand_overs, keys, mail_templates, me,
    notifications, operators, pause, roles, schedules, second_factor, sessions, settings, subjects,
    tokens, webhooks,
};
use crate::{edge::Shared, problem::ProblemBody, tagged::tagged};

/// Where the API begins.
pub(crate) const PREFIX: &str = "/api/v1";
/// Methods that an operation can have, as the description names them.
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

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
        (name = "schedules", description = "Exports that are made again and again, or later"),
        (name = "subjects", description = "What can be exported, and a look at its rows"),
        (name = "activity", description = "The activity log"),
        (name = "approvals", description = "Exports that wait for a second person, and budgets"),
        (name = "actions", description = "The registry of admin actions, and having them done"),
        (name = "people", description = "Operators, roles, tokens and sign-ins"),
        (name = "notifications", description = "What one is told of, webhooks, words of mails"),
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
        .routes(routes!(schedules::get::list))
        .routes(routes!(schedules::get::get, schedules::change::change, schedules::change::delete))
        .routes(routes!(schedules::change::run))
        .routes(routes!(schedules::change::pause))
        .routes(routes!(schedules::change::resume))
        .routes(routes!(schedules::change::reassign))
        .routes(routes!(subjects::list))
        .routes(routes!(subjects::get))
        .routes(routes!(subjects::rows))
        .routes(routes!(egress::get))
        .routes(routes!(activity::list))
        .routes(routes!(activity::report))
        .routes(routes!(operators::list, operators::add))
        .routes(routes!(operators::change))
        .routes(routes!(second_factor::reset))
        .routes(routes!(second_factor::get, second_factor::begin))
        .routes(routes!(second_factor::confirm))
        .routes(routes!(second_factor::remove))
        .routes(routes!(roles::list))
        .routes(routes!(roles::put, roles::remove))
        .routes(routes!(actions::list))
        .routes(routes!(actions::sync))
        .routes(routes!(actions::run))
        .routes(routes!(hand_overs::take))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(sessions::list, sessions::start))
        .routes(routes!(sessions::end_own))
        .routes(routes!(sessions::end))
        .routes(routes!(settings::get, settings::put))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::get_rules, approvals::put_rules))
        .routes(routes!(approvals::get))
        .routes(routes!(approvals::grant))
        .routes(routes!(approvals::deny))
        .routes(routes!(approvals::break_glass))
        .routes(routes!(approvals::review))
        .routes(routes!(budgets::get, budgets::put))
        .routes(routes!(pause::list, pause::begin, pause::end))
        .routes(routes!(notifications::list))
        .routes(routes!(notifications::read))
        .routes(routes!(notifications::subscriptions, notifications::subscribe))
        .routes(routes!(mail_templates::list))
        .routes(routes!(mail_templates::put, mail_templates::reset))
        .routes(routes!(mail_templates::preview))
        .routes(routes!(mail_templates::test))
        .routes(routes!(notifications::deliveries))
        .routes(routes!(notifications::redeliver))
        .routes(routes!(webhooks::list, webhooks::add))
        .routes(routes!(webhooks::get, webhooks::put, webhooks::remove))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::test))
        .routes(routes!(me::get))
        .routes(routes!(keys::list))
        .routes(routes!(describe));
    OpenApiRouter::with_openapi(Described::openapi()).nest(PREFIX, routes)
}

/// The description, complete: what the handlers say, and what is the same for many of them.
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
        let described = routes().into_openapi();
        let mut document = serde_json::to_value(described).expect("a description is plain JSON");
        schemas::add(&mut document);
        for (_, operation) in operations_mut(&mut document) {
            parameters::tidy(operation);
            refusals::add(operation);
            headers::add(operation);
        }
        links::add(&mut document);
        examples::add(&mut document);
        document
    });
    &DOCUMENT
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
    params(("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, description = "The description", body = Object,
            headers(("ETag" = String))),
        (status = 304, description = "It is as it was"),
    )
)]
async fn describe(headers: HeaderMap) -> Response {
    tagged(&headers, document())
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

/// Every operation of a description, by its id.
fn operations_mut(document: &mut Value) -> Vec<(String, &mut Map<String, Value>)> {
    let items = document["paths"].as_object_mut().expect("a description has paths");
    let all = items.values_mut().filter_map(Value::as_object_mut).flat_map(|item| item.iter_mut());
    all.filter(|(method, _)| METHODS.contains(&method.as_str()))
        .filter_map(|(_, operation)| {
            let operation = operation.as_object_mut()?;
            Some((operation["operationId"].as_str()?.to_owned(), operation))
        })
        .collect()
}

/// The responses of an operation, by status.
fn responses_mut(operation: &mut Map<String, Value>) -> &mut Map<String, Value> {
    operation["responses"].as_object_mut().expect("an operation has responses")
}
