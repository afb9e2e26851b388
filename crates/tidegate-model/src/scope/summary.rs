//! A scope as the activity log may show it: values of personal fields as keyed hashes.

use serde_json::{Map, Value};

use crate::subject::Subject;

/// Keys of which a summary lists the number only.
const LISTED_KEYS_MAX: usize = 20;

/// Makes a summary of a scope that was found good. `hash` makes the keyed hash of a value.
pub fn summary(sent: &Value, subject: &Subject, hash: &dyn Fn(&str) -> String) -> Value {
    let Value::Object(members) = sent else { return Value::Null };
    let cover = Cover { subject, hash };
    let covered = members.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
        let covered = match name.as_str() {
            "filter" => cover.filter(value),
            "search" => cover.value_if(cover.is_search_personal(), value),
            "ids" | "except_ids" => cover.keys(value),
            "sort" => value.clone(),
            "date_range" => cover.value_of(subject.date_field.as_deref(), value),
            shorthand => {
                cover.value_of(subject.shorthands.get(shorthand).map(String::as_str), value)
            }
        };
        (name.clone(), covered)
    });
    Value::Object(covered.collect())
}

struct Cover<'a> {
    subject: &'a Subject,
    hash: &'a dyn Fn(&str) -> String,
}

impl Cover<'_> {
    fn filter(&self, sent: &Value) -> Value {
        let Value::Object(members) = sent else { return sent.clone() };
        let field = members.get("field").and_then(Value::as_str);
        let covered = members.iter().map(|(name, value)| {
            let covered = match (name.as_str(), value) {
                ("all" | "any", Value::Array(parts)) => {
                    parts.iter().map(|part| self.filter(part)).collect()
                }
                ("not", part) => self.filter(part),
                ("value", value) => self.value_of(field, value),
                (_, value) => value.clone(),
            };
            (name.clone(), covered)
        });
        Value::Object(covered.collect::<Map<_, _>>())
    }

    fn keys(&self, sent: &Value) -> Value {
        match sent {
            Value::Array(keys) if keys.len() > LISTED_KEYS_MAX => {
                serde_json::json!({ "count": keys.len() })
            }
            keys => self.value_if(self.subject.key.iter().any(|slug| self.is_personal(slug)), keys),
        }
    }

    /// The value given for a field; of a field that is not known, nothing is shown.
    fn value_of(&self, field: Option<&str>, value: &Value) -> Value {
        self.value_if(field.is_none_or(|slug| self.is_personal(slug)), value)
    }

    fn is_personal(&self, slug: &str) -> bool {
        self.subject.field(slug).is_none_or(|field| field.pii.is_some())
    }

    fn is_search_personal(&self) -> bool {
        self.subject.search.iter().any(|slug| self.is_personal(slug))
    }

    fn value_if(&self, is_personal: bool, value: &Value) -> Value {
        match value {
            _ if !is_personal => value.clone(),
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(number) => self.hashed(&number.to_string()),
            Value::String(text) => self.hashed(text),
            Value::Array(values) => values.iter().map(|value| self.value_if(true, value)).collect(),
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| (name.clone(), self.value_if(true, value)))
                    .collect(),
            ),
        }
    }

    fn hashed(&self, text: &str) -> Value {
        serde_json::json!({ "hash": (self.hash)(text) })
    }
}
