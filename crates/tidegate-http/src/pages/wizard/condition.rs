//! The conditions of a filter, in words, and how one is added.

use serde_json::{Value, json};
use tidegate_model::{
    DataType,
    field::Field,
    scope::{Operator, Takes},
    subject::Subject,
};

use super::super::draft::Word;

/// A condition in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) field: String,
    pub(super) operator: &'static str,
    pub(super) value: String,
}

impl Condition {
    /// In one sentence.
    pub(super) fn sentence(&self) -> String {
        let words = [self.field.as_str(), self.operator, self.value.as_str()];
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        words.join(" ")
    }

    /// Of a part of a filter, whatever it is.
    pub(super) fn of(part: &Value, subject: &Subject) -> Self {
        let text = |name: &str| part[name].as_str();
        let Some((slug, operator)) = text("field").zip(text("op").and_then(Operator::find)) else {
            return Self { field: nested(part, subject), operator: "", value: String::new() };
        };
        let field = subject.field(slug).map_or(slug, |field| field.label.as_str());
        let is_false = part["value"] == Value::Bool(false);
        let value = match operator.takes() {
            Takes::Flag | Takes::Nothing => String::new(),
            Takes::Two => shown(&part["value"], " and "),
            Takes::Many | Takes::One | Takes::Text | Takes::Span | Takes::Unit => {
                shown(&part["value"], ", ")
            }
        };
        Self { field: field.to_owned(), operator: words(operator, is_false), value }
    }
}

fn nested(part: &Value, subject: &Subject) -> String {
    let several = |parts: &Value, between: &str| {
        let parts = parts.as_array().into_iter().flatten();
        let parts: Vec<String> =
            parts.map(|part| Condition::of(part, subject).sentence()).collect();
        format!("({})", parts.join(between))
    };
    if part["all"].is_array() {
        several(&part["all"], " and ")
    } else if part["any"].is_array() {
        several(&part["any"], " or ")
    } else if part["not"].is_object() {
        format!("not {}", Condition::of(&part["not"], subject).sentence())
    } else {
        part.to_string()
    }
}

fn shown(value: &Value, between: &str) -> String {
    match value {
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(|value| shown(value, ", ")).collect();
            values.join(between)
        }
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// An operator as people say it.
pub(super) fn words(operator: Operator, is_false: bool) -> &'static str {
    match operator {
        Operator::Eq => "is",
        Operator::Ne => "is not",
        Operator::In => "is one of",
        Operator::NotIn => "is none of",
        Operator::Lt => "is below",
        Operator::Lte => "is at most",
        Operator::Gt => "is above",
        Operator::Gte => "is at least",
        Operator::Between => "is between",
        Operator::IsNull if is_false => "has a value",
        Operator::IsNull => "has no value",
        Operator::Contains => "contains",
        Operator::StartsWith => "starts with",
        Operator::EndsWith => "ends with",
        Operator::Last => "is in the last",
        Operator::Next => "is in the next",
        Operator::This => "is in this",
        Operator::SinceLast => "is new since the last run",
    }
}

/// A condition as it was typed.
pub(super) fn read(subject: &Subject, slug: &str, operator: &str, value: &str) -> Value {
    let field = subject.field(slug);
    let one = |text: &str| typed(field, text.trim());
    let listed = || value.split(',').filter(|text| !text.trim().is_empty()).map(one).collect();
    let value = match Operator::find(operator).map(Operator::takes) {
        Some(Takes::Many | Takes::Two) => listed(),
        Some(Takes::Flag) => Value::Bool(value.trim() != "false" && value.trim() != "no"),
        Some(Takes::Text) => value.into(),
        Some(Takes::Span | Takes::Unit | Takes::Nothing) => value.trim().into(),
        Some(Takes::One) | None => one(value),
    };
    json!({ "field": slug, "op": operator, "value": value })
}

/// A text as a value of its field's kind: numbers and truths are no texts in JSON.
fn typed(field: Option<&Field>, text: &str) -> Value {
    let value = match field.map(|field| &field.data_type) {
        Some(
            DataType::Boolean
            | DataType::Integer
            | DataType::Float32
            | DataType::Float64
            | DataType::Decimal(_),
        ) => Word::value(text),
        _ => return text.into(),
    };
    match value {
        Value::Bool(_) | Value::Number(_) => value,
        _ => text.into(),
    }
}

/// Operators that somebody can choose.
pub(super) fn choices(subject: &Subject) -> Vec<(&'static str, &'static str)> {
    let fits = |operator: &Operator| {
        *operator != Operator::SinceLast
            && subject.fields.iter().any(|field| operator.applies_to(field))
    };
    let chosen = Operator::ALL.iter().copied().filter(fits);
    chosen.map(|operator| (operator.slug(), words(operator, false))).collect()
}
