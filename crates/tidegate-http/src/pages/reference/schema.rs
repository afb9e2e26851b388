//! A schema in words, and its members as rows of a table.

use serde_json::Value;

use super::{
    prose::{code, escaped, prose},
    text,
};

/// Levels of a filter beside the first one are described there.
const LEVEL: &str = "FilterLevel";

/// A schema that others refer to.
pub(super) struct Schema {
    pub(super) name: String,
    /// HTML.
    pub(super) description: String,
    /// HTML; what it is, unless it is an object with members.
    pub(super) words: String,
    pub(super) members: Vec<Member>,
}

/// A member of an object.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) is_required: bool,
    /// HTML.
    pub(super) words: String,
    /// HTML.
    pub(super) description: String,
}

impl Schema {
    pub(super) fn of(name: &str, schema: &Value) -> Option<Self> {
        if name.starts_with(LEVEL) {
            return None;
        }
        let mut members = members(schema);
        // A schema that is made of several has the members of all of them.
        for part in schema["allOf"].as_array().into_iter().flatten() {
            members.extend(self::members(part));
        }
        let words = if schema["properties"].is_object() { String::new() } else { words(schema) };
        let description = prose(&text(&schema["description"]));
        Some(Self { name: name.to_owned(), description, words, members })
    }
}

/// The members of an object.
pub(super) fn members(schema: &Value) -> Vec<Member> {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, member)| Member {
            name: name.clone(),
            is_required: required.contains(&name.as_str()),
            words: words(member),
            description: prose(&text(&member["description"])),
        })
        .collect()
}

/// What a value is: HTML.
pub(super) fn words(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        let shown = if name.starts_with(LEVEL) { "Filter" } else { name };
        return format!("<a href=\"#schema-{shown}\">{shown}</a>");
    }
    let choices = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
    if let Some(choices) = choices {
        return joined(choices.iter().map(words).collect(), "or");
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return joined(parts.iter().map(words).collect(), "with");
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().map(|value| match value {
            Value::String(text) => code(text),
            other => code(&other.to_string()),
        });
        return joined(values.collect(), "or");
    }
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => vec!["any value"],
    };
    joined(types.into_iter().map(|one| of_type(one, schema)).collect(), "or")
}

fn of_type(one: &str, schema: &Value) -> String {
    match one {
        "array" => {
            let items = &schema["items"];
            format!("list of {}{}", words(items), range(schema, "minItems", "maxItems", " items"))
        }
        "string" => {
            let named = match schema["format"].as_str() {
                Some("date-time") => "date and time (RFC 3339)",
                Some("email") => "mail address",
                Some("uri") => "URI",
                _ => "text",
            };
            let length = range(schema, "minLength", "maxLength", " characters");
            match schema["pattern"].as_str() {
                Some(pattern) if pattern.len() <= 48 => format!("{named} like {}", code(pattern)),
                _ => format!("{named}{length}"),
            }
        }
        "integer" | "number" => {
            let named = if one == "integer" { "whole number" } else { "number" };
            let mut words = format!("{named}{}", range(schema, "minimum", "maximum", ""));
            if !schema["default"].is_null() {
                words.push_str(&format!(", {} if absent", schema["default"]));
            }
            words
        }
        "boolean" => "true or false".to_owned(),
        "object" => match schema["properties"].as_object() {
            Some(members) if !members.is_empty() => {
                let names = members.keys().map(|name| code(name)).collect();
                format!("object with {}", joined(names, "and"))
            }
            _ => "object".to_owned(),
        },
        other => escaped(other),
    }
}

fn range(schema: &Value, least: &str, most: &str, unit: &str) -> String {
    match (schema[least].as_i64(), schema[most].as_i64()) {
        (Some(least), Some(most)) if least == most => format!(", {least}{unit}"),
        (Some(least), Some(most)) => format!(", {} to {}{unit}", grouped(least), grouped(most)),
        (None, Some(most)) => format!(", at most {}{unit}", grouped(most)),
        (Some(0 | 1), None) | (None, None) => String::new(),
        (Some(least), None) => format!(", at least {}{unit}", grouped(least)),
    }
}

/// A number with thousands apart.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digit.is_ascii_digit() {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

fn joined(mut parts: Vec<String>, word: &str) -> String {
    let last = parts.pop().unwrap_or_default();
    match parts.is_empty() {
        true => last,
        false => format!("{} {word} {last}", parts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_are_told_in_words() {
        let list =
            json!({ "type": ["array", "null"], "items": { "type": "string" }, "maxItems": 16 });
        assert_eq!(words(&list), "list of text, at most 16 items or null");
        let number = json!({ "type": "integer", "minimum": 1, "maximum": 10_000 });
        assert_eq!(words(&number), "whole number, 1 to 10,000");
        let deeper = json!({ "$ref": "#/components/schemas/FilterLevel3" });
        assert_eq!(words(&deeper), "<a href=\"#schema-Filter\">Filter</a>");
    }
}
