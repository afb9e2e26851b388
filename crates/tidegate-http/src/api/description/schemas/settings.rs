//! The settings of a site, from the model's table of them.

use serde_json::{Map, Value, json};
use tidegate_model::settings::{ListOf, SETTINGS, Setting, Settings};

/// The schema.
pub(super) fn schema() -> Value {
    let first = serde_json::to_value(Settings::default()).expect("settings are plain JSON");
    let property = |setting: &Setting| {
        let Setting { name, words, least, most, words_taken, may_be_null, is_switch, list_of } =
            *setting;
        if let Some(of) = list_of {
            let items = match of {
                ListOf::Subjects => json!({ "type": "string" }),
                ListOf::Masks => json!({ "$ref": "#/components/schemas/Mask" }),
            };
            let types = if may_be_null { json!(["array", "null"]) } else { json!("array") };
            let schema = json!({
                "type": types, "items": items, "default": first[name], "description": words,
            });
            return (name.to_owned(), schema);
        }
        if is_switch {
            let schema = json!({
                "type": "boolean", "default": first[name], "description": words,
            });
            return (name.to_owned(), schema);
        }
        if !words_taken.is_empty() {
            let schema = json!({
                "type": "string", "enum": words_taken, "default": first[name],
                "description": words,
            });
            return (name.to_owned(), schema);
        }
        let types = if may_be_null { json!(["integer", "null"]) } else { json!("integer") };
        let schema = json!({
            "type": types, "format": "int64", "minimum": least, "maximum": most,
            "default": first[name], "description": words,
        });
        (name.to_owned(), schema)
    };
    let properties: Map<String, Value> = SETTINGS.iter().map(property).collect();
    json!({
        "type": "object",
        "description": "Settings of the site. One that is absent is what it is at first.",
        "properties": properties,
        "additionalProperties": false,
    })
}
