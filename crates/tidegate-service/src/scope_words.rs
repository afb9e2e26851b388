//! A scope in words: which records, as people say it.

use serde_json::{Map, Value};
use tidegate_model::scope::Operator;

use crate::words;

/// Values of a list that are said before the rest is counted.
const VALUES_SAID: usize = 3;
/// Members of a scope that are no shorthands.
const OWN: [&str; 6] = ["filter", "search", "ids", "except_ids", "sort", "date_range"];

/// Which records, in one line.
pub fn of(scope: &Value) -> String {
    let Value::Object(members) = scope else { return "All records".to_owned() };
    let mut parts = Vec::new();
    if let Some(filter @ Value::Object(own)) = members.get("filter") {
        match own.get("all").and_then(Value::as_array) {
            Some(all) => parts.extend(all.iter().map(|one| said(one, false))),
            None => parts.push(said(filter, false)),
        }
    }
    for (name, value) in members.iter().filter(|(name, _)| !OWN.contains(&name.as_str())) {
        parts.push(format!("{} is {}", words::title(name), values(value)));
    }
    parts.extend(members.get("date_range").and_then(range));
    if let Some(text) = members.get("search").and_then(Value::as_str).filter(|it| !it.is_empty()) {
        parts.push(format!("search “{text}”"));
    }
    if let Some(ids) = members.get("ids").and_then(Value::as_array) {
        parts.push(words::plural(length(ids), "chosen record"));
    }
    parts.retain(|part| !part.is_empty());
    let mut text = match parts.is_empty() {
        true => "All records".to_owned(),
        false => parts.join(" · "),
    };
    if let Some(ids) = members.get("except_ids").and_then(Value::as_array) {
        text.push_str(&format!(" except {}", words::count(length(ids))));
    }
    text
}

/// In which order, where one was asked for.
pub fn order(scope: &Value) -> Option<String> {
    let keys = scope.get("sort")?.as_array().filter(|keys| !keys.is_empty())?;
    let keys = keys.iter().filter_map(Value::as_str).map(|key| match key.strip_prefix('-') {
        Some(field) => format!("{field}, largest first"),
        None => key.to_owned(),
    });
    Some(keys.collect::<Vec<_>>().join(", then "))
}

/// A filter. One within another stands in brackets.
fn said(filter: &Value, is_inner: bool) -> String {
    let Value::Object(members) = filter else { return String::new() };
    for (name, word) in [("all", " and "), ("any", " or ")] {
        if let Some(parts) = members.get(name).and_then(Value::as_array) {
            let parts: Vec<String> = parts.iter().map(|part| said(part, true)).collect();
            let text = parts.join(word);
            return if is_inner && parts.len() > 1 { format!("({text})") } else { text };
        }
    }
    if let Some(part) = members.get("not") {
        return format!("not {}", said(part, true));
    }
    condition(members)
}

fn condition(members: &Map<String, Value>) -> String {
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    let field = words::title(text("field"));
    let value = members.get("value").unwrap_or(&Value::Null);
    let Some(operator) = Operator::find(text("op")) else { return field };
    let one = || values(value);
    let two = |word: &str, between: &str| match value.as_array().map(Vec::as_slice) {
        Some([low, high]) => format!("{field} {word} {} {between} {}", values(low), values(high)),
        _ => field.clone(),
    };
    match operator {
        Operator::Eq | Operator::In => format!("{field} is {}", one()),
        Operator::Ne | Operator::NotIn => format!("{field} is not {}", one()),
        Operator::Lt => format!("{field} below {}", one()),
        Operator::Lte => format!("{field} up to {}", one()),
        Operator::Gt => format!("{field} over {}", one()),
        Operator::Gte => format!("{field} from {}", one()),
        Operator::Between => two("from", "to"),
        Operator::IsNull if *value == Value::Bool(false) => format!("{field} has a value"),
        Operator::IsNull => format!("{field} is empty"),
        Operator::Contains => format!("{field} contains “{}”", one()),
        Operator::StartsWith => format!("{field} begins with “{}”", one()),
        Operator::EndsWith => format!("{field} ends with “{}”", one()),
        Operator::Last => format!("{field} in the last {}", span(value)),
        Operator::Next => format!("{field} in the next {}", span(value)),
        Operator::This => format!("{field} this {}", one()),
        Operator::SinceLast => format!("{field} since the last run"),
    }
}

fn range(sent: &Value) -> Option<String> {
    let end = |name: &str| sent.get(name).filter(|value| !value.is_null()).map(values);
    match (end("from"), end("to")) {
        (Some(from), Some(to)) => Some(format!("from {from} to {to}")),
        (Some(from), None) => Some(format!("from {from}")),
        (None, Some(to)) => Some(format!("up to {to}")),
        (None, None) => None,
    }
}

/// A unit, or a duration such as `P30D`.
fn span(value: &Value) -> String {
    let Some(text) = value.as_str() else { return values(value) };
    let Some(parts) = text.strip_prefix('P') else { return text.to_owned() };
    let (mut said, mut number, mut is_time) = (Vec::new(), String::new(), false);
    for letter in parts.chars() {
        let unit = match letter {
            'T' => {
                is_time = true;
                continue;
            }
            'Y' => "year",
            'M' if is_time => "minute",
            'M' => "month",
            'W' => "week",
            'D' => "day",
            'H' => "hour",
            'S' => "second",
            digit => {
                number.push(digit);
                continue;
            }
        };
        said.push(words::plural(number.parse().unwrap_or(0), unit));
        number.clear();
    }
    said.join(" ")
}

/// A value, or some of many.
fn values(value: &Value) -> String {
    match value {
        Value::Array(many) => {
            let said: Vec<String> = many.iter().take(VALUES_SAID).map(values).collect();
            match many.len().saturating_sub(VALUES_SAID) {
                0 => said.join(" or "),
                more => format!("{} or {more} more", said.join(", ")),
            }
        }
        Value::String(text) => text.clone(),
        Value::Null => "empty".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Object(_) => value.to_string(),
    }
}

fn length(items: &[Value]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scopes_are_said_as_people_would() {
        let cases = [
            (Value::Null, "All records"),
            (json!({}), "All records"),
            (json!({"status": ["paid", "open"]}), "Status is paid or open"),
            (
                json!({"filter": {"all": [
                    {"field": "status", "op": "in", "value": ["a", "b", "c", "d", "e"]},
                    {"field": "placed_at", "op": "last", "value": "P30D"}]}}),
                "Status is a, b, c or 2 more · Placed at in the last 30 days",
            ),
            (
                json!({"filter": {"any": [
                    {"field": "total", "op": "gt", "value": 1000},
                    {"all": [{"field": "country", "op": "eq", "value": "PT"},
                             {"field": "note", "op": "is_null"}]}]}}),
                "Total over 1000 or (Country is PT and Note is empty)",
            ),
            (
                json!({"filter": {"not": {"field": "name", "op": "contains", "value": "x"}}}),
                "not Name contains “x”",
            ),
            (
                json!({"date_range": {"from": "2026-01-01"}, "search": "ada"}),
                "from 2026-01-01 · search “ada”",
            ),
            (json!({"ids": [1, 2]}), "2 chosen records"),
            (json!({"except_ids": [1, 2]}), "All records except 2"),
        ];
        for (scope, expected) in cases {
            assert_eq!(of(&scope), expected, "{scope}");
        }
        let sorted = json!({"sort": ["-placed_at", "id"]});
        assert_eq!(order(&sorted).unwrap(), "placed_at, largest first, then id");
    }
}
