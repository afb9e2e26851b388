//! The whole space of operators, types and values, as tables.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_model::{
    DataType,
    field::Field,
    scope::{Operator, Takes},
};

use crate::shop;

/// A value that a field of the type takes.
fn right_value(data_type: &DataType) -> Value {
    match data_type {
        DataType::Boolean => json!(true),
        DataType::Integer => json!(7),
        DataType::Float32 | DataType::Float64 => json!(1.5),
        DataType::Decimal(_) => json!("12.50"),
        DataType::Date => json!("2026-03-31"),
        DataType::Time => json!("14:30:00"),
        DataType::Timestamp => json!("2026-03-31T14:30:00"),
        DataType::TimestampTz => json!("2026-03-31T14:30:00Z"),
        DataType::Uuid => json!("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        DataType::Text
        | DataType::Bytes
        | DataType::Interval
        | DataType::Json
        | DataType::List(_) => json!("text"),
    }
}

/// A condition on the field that is right in all but, perhaps, the operator.
fn condition(field: &Field, operator: Operator) -> Value {
    let value = right_value(&field.data_type);
    let value = match operator.takes() {
        Takes::One => value,
        Takes::Many => json!([value]),
        Takes::Two => json!([value, value]),
        Takes::Text => json!("a"),
        Takes::Flag => json!(true),
        Takes::Span | Takes::Unit => json!("day"),
        Takes::Nothing => Value::Null,
    };
    json!({"filter": {"field": field.slug, "op": operator.slug(), "value": value}})
}

#[test]
fn each_operator_is_accepted_or_refused_by_type() {
    let subject = shop::every_type();
    let mut lines = vec![format!("{:<14}", "")];
    for operator in Operator::ALL {
        lines[0] += &format!(" {:<11}", operator.slug());
    }
    for data_type in shop::types() {
        let field = subject.field(&data_type.to_string()).unwrap();
        let mut line = format!("{:<14}", field.slug);
        for operator in Operator::ALL {
            let faults = shop::faults(&subject, &condition(field, *operator));
            // Only schedules may say `since_last`; the fault must then be that one.
            let is_schedules_only = faults.len() == 1
                && faults[0].contains("is for schedules")
                && faults[0].contains("/op");
            let is_applicable = operator.applies_to(field);
            assert_eq!(
                faults.is_empty() || is_schedules_only,
                is_applicable,
                "{line} {operator:?}"
            );
            line += &format!(
                " {:<11}",
                match (is_applicable, is_schedules_only) {
                    (true, true) => "schedules",
                    (true, false) => "yes",
                    (false, _) => "-",
                }
            );
        }
        lines.push(line);
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn the_fault_of_a_wrong_operator_names_the_right_ones() {
    let subject = shop::every_type();
    let fault = |field: &str, op: &str| {
        let sent = json!({"filter": {"field": field, "op": op, "value": "x"}});
        shop::faults(&subject, &sent).join("\n")
    };
    assert_eq!(
        fault("decimal(12,2)", "contains"),
        "/scope/filter/op: `contains` does not apply to `decimal(12,2)` (decimal(12,2)); it takes \
         eq, ne, in, not_in, lt, lte, gt, gte, between, is_null"
    );
    assert_eq!(
        fault("json", "eq"),
        "/scope/filter/op: `eq` does not apply to `json` (json); it takes is_null"
    );
    assert_eq!(
        fault("text", "cotains"),
        "/scope/filter/op: `cotains` is no operator; did you mean `contains`?"
    );
    let lines = json!({"filter": {"field": "lines", "op": "is_null"}});
    assert_eq!(
        shop::faults(&shop::subject("orders"), &lines),
        ["/scope/filter/op: `is_null` does not apply to `lines` (list(record)); it cannot be \
          filtered"]
    );
}

#[test]
fn each_value_is_read_or_refused_by_type() {
    let subject = shop::every_type();
    let values = [
        json!(null),
        json!(true),
        json!(7),
        json!(-7.5),
        json!(1e300),
        json!(9_223_372_036_854_775_808_u64),
        json!(0.123_456_789_012_345_67),
        json!("7"),
        json!("-7.50"),
        json!("text"),
        json!(""),
        json!("2026-03-31"),
        json!("2026-02-29"),
        json!("0000-01-01"),
        json!("9999-12-31"),
        json!("14:30"),
        json!("24:00:00"),
        json!("14:30:05.123456"),
        json!("2026-03-31T14:30:05"),
        json!("2026-03-31 14:30:05.25"),
        json!("2026-03-31T14:30:60"),
        json!("2026-03-31T14:30:05Z"),
        json!("2026-03-31T14:30:05+05:45"),
        json!("2026-03-31T14:30:05+05:60"),
        json!("2026-03-31T14:30:05+24:00"),
        json!("2026-03-31T14:30:05.1234567Z"),
        json!("F81D4FAE7DEC11D0A76500A0C91E6BF6"),
        json!("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        json!([]),
        json!({}),
    ];
    let mut lines = Vec::new();
    for data_type in shop::types() {
        let field = subject.field(&data_type.to_string()).unwrap();
        if !field.has_equality() {
            continue;
        }
        lines.push(field.slug.clone());
        let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for value in &values {
            let sent = json!({"filter": {"field": field.slug, "op": "eq", "value": value}});
            match shop::check(&subject, &sent) {
                Ok(scope) => {
                    let moment = shop::moment("2026-03-31T12:00:00Z Europe/Berlin");
                    let resolved = &scope.resolve(&moment).json["filter"];
                    lines.push(format!("  {:<28} {resolved}", value.to_string()));
                }
                Err(faults) => {
                    refused.entry(faults.0[0].detail.clone()).or_default().push(value.to_string());
                }
            }
        }
        for (detail, values) in refused {
            lines.push(format!("  {detail}"));
            lines.extend(values.chunks(5).map(|values| format!("    {}", values.join("  "))));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}
