//! Schemas that follow from the lists of the model and the service: filters, requests, settings.

mod filter;
mod request;
mod settings;

use serde_json::{Value, json};
use utoipa::ToSchema;

/// Slugs of subjects (`tidegate.toml` takes no others).
const SUBJECT: &str = "^[a-z][a-z0-9_]{0,62}$";

/// What to export.
#[derive(ToSchema)]
#[schema(as = ExportRequest, value_type = Object)]
#[expect(dead_code, reason = "a name of its schema")]
pub(in crate::api) struct RequestSchema(Value);

/// Which records.
#[derive(ToSchema)]
#[schema(as = Scope, value_type = Object)]
#[expect(dead_code, reason = "a name of its schema")]
pub(in crate::api) struct ScopeSchema(Value);

/// A field of the file.
#[derive(ToSchema)]
#[schema(as = FieldChoice, value_type = Object)]
#[expect(dead_code, reason = "a name of its schema")]
pub(in crate::api) struct FieldChoiceSchema(Value);

/// When a schedule fires.
#[derive(ToSchema)]
#[schema(as = Timing, value_type = Object)]
#[expect(dead_code, reason = "a name of its schema")]
pub(in crate::api) struct TimingSchema(Value);

/// A filter.
#[derive(ToSchema)]
#[schema(as = Filter, value_type = Object)]
#[expect(dead_code, reason = "a name of its schema")]
pub(in crate::api) struct FilterSchema(Value);

/// Settings of the site.
#[derive(ToSchema)]
#[schema(as = Settings, value_type = Object)]
#[expect(dead_code, reason = "a name of its schema")]
pub(in crate::api) struct SettingsSchema(Value);

/// Puts the schemas into a description: the types above are their names only.
pub(super) fn add(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object_mut().expect("there are schemas");
    schemas.extend(filter::schemas());
    schemas.extend(request::schemas());
    schemas.insert("Settings".to_owned(), settings::schema());
    schemas.sort_keys();
}

/// A reference to a schema.
fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
