//! The filter of a scope, spelled out level by level, as deep as the model reads it.

use serde_json::{Value, json};
use tidegate_model::scope::{
    FILTER_CONDITIONS_MAX, FILTER_DEPTH_MAX, FILTER_VALUES_MAX, Operator, TEXT_CHARACTERS_MAX,
    Takes, Unit,
};

use super::named;

/// Days of an ISO 8601 duration: some of years, months, weeks and days, in this order.
const DAYS: &str = "[0-9]{1,11}(Y([0-9]{1,11}M)?([0-9]{1,11}W)?([0-9]{1,11}D)?|\
                    M([0-9]{1,11}W)?([0-9]{1,11}D)?|W([0-9]{1,11}D)?|D)";
/// Its time: some of hours, minutes and seconds, in this order.
const TIME: &str = "T[0-9]{1,11}(H([0-9]{1,11}M)?([0-9]{1,11}S)?|M([0-9]{1,11}S)?|S)";

/// The conditions by what their operators take, and the levels of the filter.
pub(super) fn schemas() -> Vec<(String, Value)> {
    let conditions: Vec<(String, Value)> =
        KINDS.iter().map(|kind| (kind.name.to_owned(), kind.schema())).collect();
    let names: Vec<Value> = conditions.iter().map(|(name, _)| named(name)).collect();
    let condition = json!({
        "description": "A test of one field. docs/reference/scope.md says which operators go with \
                        which fields. A condition that a record has no value for is false.",
        "anyOf": names,
    });
    let levels = (1..=FILTER_DEPTH_MAX).map(|depth| (level_name(depth), level(depth)));
    conditions.into_iter().chain([("Condition".to_owned(), condition)]).chain(levels).collect()
}

fn level_name(depth: usize) -> String {
    if depth == 1 { "Filter".to_owned() } else { format!("FilterLevel{depth}") }
}

/// A condition, or filters of the next level under `all`, `any` or `not`.
fn level(depth: usize) -> Value {
    let is_last = depth == FILTER_DEPTH_MAX;
    let list = |words: &str| match is_last {
        // An empty list is no level more.
        true => json!({ "type": "array", "items": {}, "maxItems": 0, "description": words }),
        false => json!({
            "type": "array",
            "items": named(&level_name(depth + 1)),
            "maxItems": FILTER_CONDITIONS_MAX,
            "description": words,
        }),
    };
    let mut group = json!({
        "type": "object",
        "properties": {
            "all": list("All of these; true when empty"),
            "any": list("At least one of these; false when empty"),
        },
        // One object with a choice of members, not one for each: who walks the schema would walk
        // thrice as much at every level.
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": false,
    });
    if !is_last {
        group["properties"]["not"] = named(&level_name(depth + 1));
    }
    json!({
        "description": format!(
            "A filter, level {depth} of {FILTER_DEPTH_MAX}: a condition, or filters under one of \
             `all`, `any` and `not`; at most {FILTER_CONDITIONS_MAX} conditions and \
             {FILTER_VALUES_MAX} values in all"
        ),
        "anyOf": [named("Condition"), group],
    })
}

/// Conditions whose operators take the same.
struct Kind {
    name: &'static str,
    takes: Takes,
    words: &'static str,
}

/// Every kind.
const KINDS: &[Kind] = &[
    Kind { name: "ValueCondition", takes: Takes::One, words: "Compares with a value" },
    Kind { name: "ListCondition", takes: Takes::Many, words: "Compares with a list of values" },
    Kind {
        name: "RangeCondition",
        takes: Takes::Two,
        words: "Between two values, the lower one first, both included",
    },
    Kind { name: "TextCondition", takes: Takes::Text, words: "Finds a text, letter case aside" },
    Kind { name: "NullCondition", takes: Takes::Flag, words: "Without a value; with one if false" },
    Kind {
        name: "SpanCondition",
        takes: Takes::Span,
        words: "In a calendar unit, or an ISO 8601 duration, before or after now",
    },
    Kind { name: "UnitCondition", takes: Takes::Unit, words: "In the calendar unit of now" },
    Kind {
        name: "SinceCondition",
        takes: Takes::Nothing,
        words: "Come since the last run that became ready; of schedules only",
    },
];

impl Kind {
    fn schema(&self) -> Value {
        let operators: Vec<&str> = Operator::ALL
            .iter()
            .filter(|operator| operator.takes() == self.takes)
            .map(|operator| operator.slug())
            .collect();
        let required: &[&str] = match self.takes {
            Takes::Flag | Takes::Nothing => &["field", "op"],
            _ => &["field", "op", "value"],
        };
        json!({
            "type": "object",
            "description": self.words,
            "required": required,
            "properties": {
                "field": { "type": "string", "description": "Slug of the field" },
                "op": { "type": "string", "enum": operators },
                "value": value(self.takes),
            },
            "additionalProperties": false,
        })
    }
}

fn value(takes: Takes) -> Value {
    let units: Vec<&str> = Unit::ALL.iter().map(|unit| unit.slug()).collect();
    match takes {
        Takes::One => scalar(),
        Takes::Many => {
            json!({ "type": "array", "items": scalar(), "maxItems": FILTER_VALUES_MAX })
        }
        Takes::Two => json!({ "type": "array", "items": scalar(), "minItems": 2, "maxItems": 2 }),
        Takes::Text => json!({
            "type": "string", "minLength": 1, "maxLength": TEXT_CHARACTERS_MAX,
        }),
        Takes::Flag => json!({ "type": ["boolean", "null"], "default": true }),
        Takes::Span => json!({
            "type": "string",
            "pattern": format!("^({}|P({DAYS}({TIME})?|{TIME}))$", units.join("|")),
        }),
        Takes::Unit => json!({ "type": "string", "enum": units }),
        Takes::Nothing => json!({ "type": "null" }),
    }
}

/// A value of a field. Decimals, and integers beyond 53 bits, travel as text.
pub(super) fn scalar() -> Value {
    json!({
        "type": ["string", "number", "boolean"],
        "maxLength": TEXT_CHARACTERS_MAX,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_stands_in_one_condition() {
        for operator in Operator::ALL {
            let kinds = KINDS.iter().filter(|kind| kind.takes == operator.takes()).count();
            assert_eq!(kinds, 1, "{operator:?}");
        }
    }

    #[test]
    fn the_filter_is_as_deep_as_the_model_reads_it() {
        let schemas = schemas();
        let find = |name: &str| &schemas.iter().find(|(known, _)| known == name).unwrap().1;
        let mut depth = 1;
        let mut level = find("Filter");
        while let Some(next) = level["anyOf"][1]["properties"]["all"]["items"]["$ref"].as_str() {
            level = find(next.rsplit('/').next().unwrap());
            depth += 1;
        }
        assert_eq!(depth, FILTER_DEPTH_MAX);
    }
}
