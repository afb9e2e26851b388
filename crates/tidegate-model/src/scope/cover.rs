//! A scope with what stands in it for some fields covered: its values name people.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What stands for a value that is not shown.
pub const HIDDEN: &str = "•••";

/// Says which values of a scope are covered, and by what.
pub struct Cover<'a> {
    /// Whether values given for a field are; of a field that is not known, they should be.
    pub hides: &'a dyn Fn(&str) -> bool,
    /// Whether free text is.
    pub hides_search: bool,
    /// Whether keys of single records are.
    pub hides_keys: bool,
    /// Field that `date_range` means.
    pub date_field: Option<&'a str>,
    /// Keys of a scope that stand for an equality on a field.
    pub shorthands: &'a BTreeMap<String, String>,
    /// What stands for a single value.
    pub put: &'a dyn Fn(&Value) -> Value,
}

impl Cover<'_> {
    /// The scope, covered. One that is no object has no values.
    pub fn over(&self, sent: &Value) -> Value {
        let Value::Object(members) = sent else { return Value::Null };
        let covered = members.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
            let covered = match name.as_str() {
                "filter" => self.filter(value),
                "search" => self.value_if(self.hides_search, value),
                "ids" | "except_ids" => self.value_if(self.hides_keys, value),
                "sort" => value.clone(),
                "date_range" => self.value_of(self.date_field, value),
                shorthand => {
                    self.value_of(self.shorthands.get(shorthand).map(String::as_str), value)
                }
            };
            (name.clone(), covered)
        });
        Value::Object(covered.collect())
    }

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

    /// The value given for a field; of a field that is not known, nothing is shown.
    fn value_of(&self, field: Option<&str>, value: &Value) -> Value {
        self.value_if(field.is_none_or(|slug| (self.hides)(slug)), value)
    }

    fn value_if(&self, is_covered: bool, value: &Value) -> Value {
        match value {
            _ if !is_covered => value.clone(),
            Value::Null => Value::Null,
            Value::Bool(_) | Value::Number(_) | Value::String(_) => (self.put)(value),
            Value::Array(values) => values.iter().map(|value| self.value_if(true, value)).collect(),
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| (name.clone(), self.value_if(true, value)))
                    .collect(),
            ),
        }
    }
}
