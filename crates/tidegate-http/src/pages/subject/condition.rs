//! Conditions of a filter: as people read them, and as they fill them in.

use serde_json::{Value, json};
use tidegate_model::{
    DataType,
    field::Field,
    scope::{Operator, Takes, Unit},
    subject::Subject,
};

use crate::pages::draft::{filter, is_written_as};

/// A condition as it was filled in.
#[derive(Clone, Debug, Default)]
pub(super) struct Added {
    pub(super) field: String,
    pub(super) operator: String,
    pub(super) values: Vec<String>,
}

/// A condition that is on.
pub(super) struct Chip {
    pub(super) field: String,
    pub(super) operator: &'static str,
    pub(super) value: String,
    /// The list without it.
    pub(super) without: String,
}

/// An operator to choose.
pub(super) struct Choice {
    pub(super) slug: &'static str,
    pub(super) words: &'static str,
    pub(super) is_on: bool,
}

/// Operators that fit a field. What only a schedule knows is not among them.
pub(super) fn operators(field: &Field, chosen: &str) -> Vec<Choice> {
    let fits = Operator::ALL.iter().filter(|operator| operator.applies_to(field));
    // Nobody filters by what is not shown as it is.
    let fits = fits.filter(|_| !field.mask.hides());
    let fits = fits.filter(|operator| operator.takes() != Takes::Nothing);
    let choice = |operator: &Operator| Choice {
        slug: operator.slug(),
        words: words(*operator, field.data_type.is_temporal()),
        is_on: operator.slug() == chosen,
    };
    fits.map(choice).collect()
}

/// An operator in words.
fn words(operator: Operator, is_temporal: bool) -> &'static str {
    match operator {
        Operator::Eq => "is",
        Operator::Ne => "is not",
        Operator::In => "is one of",
        Operator::NotIn => "is none of",
        Operator::Lt if is_temporal => "before",
        Operator::Lte if is_temporal => "up to",
        Operator::Gt if is_temporal => "after",
        Operator::Gte if is_temporal => "from",
        Operator::Lt => "below",
        Operator::Lte => "at most",
        Operator::Gt => "above",
        Operator::Gte => "at least",
        Operator::Between => "between",
        Operator::IsNull => "has no value",
        Operator::Contains => "contains",
        Operator::StartsWith => "starts with",
        Operator::EndsWith => "ends with",
        Operator::Last => "in the last",
        Operator::Next => "in the next",
        Operator::This => "in this",
        Operator::SinceLast => "since the last run",
    }
}

/// A part of a filter, in words: field, operator, value.
pub(super) fn said(part: &Value, subject: &Subject) -> (String, &'static str, String) {
    let found = part["field"].as_str().zip(part["op"].as_str().and_then(Operator::find));
    let Some((slug, operator)) = found else {
        return ("Filter".to_owned(), "is", nested(part, subject));
    };
    let field = subject.field(slug);
    let label = field.map_or_else(|| slug.to_owned(), |field| field.label.clone());
    let is_temporal = field.is_some_and(|field| field.data_type.is_temporal());
    if operator == Operator::IsNull {
        let is_none = part["value"] != Value::Bool(false);
        return (label, if is_none { "has no value" } else { "has a value" }, String::new());
    }
    let value = match (&part["value"], operator) {
        (Value::Array(ends), Operator::Between) => {
            ends.iter().map(plain).collect::<Vec<_>>().join(" and ")
        }
        (Value::Array(values), _) => values.iter().map(plain).collect::<Vec<_>>().join(" or "),
        (Value::String(span), Operator::Last | Operator::Next) => span_words(span),
        (value, _) => plain(value),
    };
    (label, words(operator, is_temporal), value)
}

/// Any part of a filter, in one sentence.
fn sentence(part: &Value, subject: &Subject) -> String {
    if part["field"].is_null() {
        return nested(part, subject);
    }
    let (field, operator, value) = said(part, subject);
    [field.as_str(), operator, value.as_str()].join(" ").trim_end().to_owned()
}

/// The parts of a filter that all have to hold, in one sentence each.
pub(super) fn sentences(filter: &Value, subject: &Subject) -> Vec<String> {
    let parts = filter::parts(&filter.to_string());
    let said: Vec<String> = parts.iter().map(|part| sentence(part, subject)).collect();
    match said.as_slice() {
        // What stands alone needs no brackets.
        [one] if parts[0]["not"].is_null() && parts[0]["field"].is_null() => {
            let bare = one.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
            vec![bare.unwrap_or(one).to_owned()]
        }
        _ => said,
    }
}

/// A filter made of others.
fn nested(part: &Value, subject: &Subject) -> String {
    for (name, word) in [("all", " and "), ("any", " or ")] {
        if let Some(parts) = part[name].as_array() {
            let parts: Vec<String> = parts.iter().map(|part| sentence(part, subject)).collect();
            return format!("({})", parts.join(word));
        }
    }
    match &part["not"] {
        Value::Null => part.to_string(),
        not => format!("not {}", sentence(not, subject)),
    }
}

/// Whether a subject has every field that a part of a filter names.
pub(super) fn fits(part: &Value, subject: &Subject) -> bool {
    match part {
        Value::Object(members) => members.iter().all(|(name, value)| match name.as_str() {
            "field" => value.as_str().is_some_and(|slug| subject.field(slug).is_some()),
            "value" => true,
            _ => fits(value, subject),
        }),
        Value::Array(parts) => parts.iter().all(|part| fits(part, subject)),
        _ => true,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}

/// `30 days` of `P30D`; other durations as they are written.
fn span_words(span: &str) -> String {
    let number = |end: char| {
        let digits = span.strip_prefix('P')?.strip_suffix(end)?;
        digits.parse::<u32>().ok()
    };
    let of =
        |number: u32, unit: &str| format!("{number} {unit}{}", if number == 1 { "" } else { "s" });
    let days = number('D').map(|days| of(days, "day"));
    let weeks = || number('W').map(|weeks| of(weeks, "week"));
    let months = || number('M').map(|months| of(months, "month"));
    let years = || number('Y').map(|years| of(years, "year"));
    days.or_else(weeks).or_else(months).or_else(years).unwrap_or_else(|| span.to_owned())
}

/// The condition that was filled in. Its value is the service's to check.
pub(super) fn filled(added: &Added, field: &Field) -> Option<Value> {
    let operator = Operator::find(&added.operator)?;
    let first = added.values.first().map_or("", |value| value.trim());
    let value = match operator.takes() {
        Takes::One => typed(first, field),
        Takes::Many => {
            let values = first.split(',').map(str::trim).filter(|value| !value.is_empty());
            values.map(|value| typed(value, field)).collect()
        }
        Takes::Two => {
            // Without a script there is one input: both ends in it, or one in each of two.
            let mut ends = added.values.iter().flat_map(|value| value.split(','));
            let mut end = || typed(ends.next().unwrap_or_default().trim(), field);
            json!([end(), end()])
        }
        Takes::Text => first.into(),
        Takes::Flag => Value::Bool(first != "no"),
        Takes::Span | Takes::Unit => span(first).into(),
        Takes::Nothing => return None,
    };
    Some(json!({ "field": field.slug, "op": operator.slug(), "value": value }))
}

/// `P30D` of `30` and `30 days`; what is no number of days is sent as it was written.
fn span(text: &str) -> String {
    let text = text.trim();
    if Unit::find(text).is_some() {
        return text.to_owned();
    }
    let (number, unit) = text.split_once(' ').unwrap_or((text, "days"));
    match (number.parse::<u32>(), unit.trim().trim_end_matches('s')) {
        (Ok(number), "day") => format!("P{number}D"),
        (Ok(number), "week") => format!("P{number}W"),
        (Ok(number), "month") => format!("P{number}M"),
        (Ok(number), "year") => format!("P{number}Y"),
        (Ok(number), "hour") => format!("PT{number}H"),
        _ => text.to_owned(),
    }
}

fn typed(text: &str, field: &Field) -> Value {
    match field.data_type {
        DataType::Boolean => match text {
            "yes" | "true" => Value::Bool(true),
            "no" | "false" => Value::Bool(false),
            other => other.into(),
        },
        DataType::Integer | DataType::Float32 | DataType::Float64 | DataType::Decimal(_) => {
            // A number that would be rounded stays a text, which is exact.
            match serde_json::from_str::<Value>(text) {
                Ok(value) if value.is_number() && is_written_as(&value, text) => value,
                _ => text.into(),
            }
        }
        _ => text.into(),
    }
}

/// What helps to fill in a value.
pub(super) fn hint(field: &Field, operator: Option<Operator>) -> &'static str {
    match operator.map(Operator::takes) {
        Some(Takes::Many) => "several, with commas",
        Some(Takes::Two) => "two, with a comma",
        Some(Takes::Flag) => "yes or no",
        Some(Takes::Span) => "30 days, month, …",
        Some(Takes::Unit) => "day, week, month, quarter or year",
        _ => match field.data_type {
            DataType::Boolean => "yes or no",
            DataType::Date | DataType::Timestamp | DataType::TimestampTz => {
                "2026-11-21, 30 days, …"
            }
            _ => "",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_people_say_them() {
        let said = ["30", "30 days", "1 week", "2 hours", "month", "P1Y6M", "x"].map(span);
        assert_eq!(said, ["P30D", "P30D", "P1W", "PT2H", "month", "P1Y6M", "x"]);
        assert_eq!(
            ["P30D", "P1D", "P2W", "PT2H"].map(span_words),
            ["30 days", "1 day", "2 weeks", "PT2H"]
        );
    }
}
