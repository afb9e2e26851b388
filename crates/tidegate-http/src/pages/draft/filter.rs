//! A filter and the parts of it that all have to hold: what people see as one condition each.

use serde_json::{Value, json};

/// The parts of a filter that all have to hold; none of one that is no JSON.
pub(in crate::pages) fn parts(filter: &str) -> Vec<Value> {
    let Ok(value) = serde_json::from_str::<Value>(filter) else { return Vec::new() };
    match value {
        Value::Object(mut members) if members.len() == 1 && members.contains_key("all") => {
            match members.remove("all") {
                Some(Value::Array(parts)) => parts,
                Some(other) => vec![json!({ "all": other })],
                None => Vec::new(),
            }
        }
        Value::Null => Vec::new(),
        other => vec![other],
    }
}

/// The filter of some parts.
pub(in crate::pages) fn joined(parts: &[Value]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.to_string(),
        some => json!({ "all": some }).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_taken_apart_and_put_together() {
        let paid = json!({ "field": "status", "op": "eq", "value": "paid" });
        let large = json!({ "field": "total", "op": "gte", "value": 10 });
        let either = json!({ "any": [{ "field": "a", "op": "eq", "value": 1 }] });
        for some in [
            vec![],
            vec![paid.clone()],
            vec![paid.clone(), large],
            vec![paid.clone(), json!({ "any": [paid] })],
        ] {
            assert_eq!(parts(&joined(&some)), some);
        }
        assert_eq!(parts(&either.to_string()), [either]);
        assert_eq!(parts("{"), [] as [Value; 0]);
    }
}
