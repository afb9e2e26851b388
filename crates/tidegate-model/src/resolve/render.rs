//! Writes a resolved scope in its own language, for the manifest.

use chrono::{DateTime, NaiveDateTime, NaiveTime, SecondsFormat, Timelike, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use crate::{
    field::Field,
    query::{Comparison, Literal, Place, Predicate, SortKey},
    scope::{Key, Operator, Scope},
};

/// The scope, with its filter resolved, instants in `zone`, and the order that is used.
pub(super) fn scope(scope: &Scope, filter: &Predicate, zone: Tz) -> Value {
    let mut members = Map::new();
    if !filter.is_everything() {
        members.insert("filter".to_owned(), predicate(filter, zone));
    }
    if !scope.search_words.is_empty() {
        members.insert("search".to_owned(), scope.search_words.join(" ").into());
    }
    for (name, ids) in [("ids", &scope.ids), ("except_ids", &scope.except_ids)] {
        if let Some(ids) = ids {
            members.insert(name.to_owned(), ids.iter().map(|key| key_value(key, zone)).collect());
        }
    }
    members.insert("sort".to_owned(), scope.sort.iter().map(sort_name).collect());
    Value::Object(members)
}

fn predicate(predicate: &Predicate, zone: Tz) -> Value {
    let list = |parts: &[Predicate]| -> Value {
        parts.iter().map(|part| self::predicate(part, zone)).collect()
    };
    match predicate {
        Predicate::All(parts) => json!({"all": list(parts)}),
        Predicate::Any(parts) => json!({"any": list(parts)}),
        Predicate::Not(part) => json!({"not": self::predicate(part, zone)}),
        Predicate::Compare { field, comparison, value } => {
            condition(field, operator(*comparison), literal(value, zone))
        }
        Predicate::In { field, values } => {
            let values = values.iter().map(|value| literal(value, zone)).collect();
            condition(field, Operator::In, values)
        }
        Predicate::IsNull(field) => condition(field, Operator::IsNull, true.into()),
        Predicate::Matches { field, place, text } => {
            let operator = match place {
                Place::Anywhere => Operator::Contains,
                Place::Start => Operator::StartsWith,
                Place::End => Operator::EndsWith,
            };
            condition(field, operator, text.as_str().into())
        }
        Predicate::KeyIn { keys, .. } => {
            json!({"ids": keys.iter().map(|key| key_value(key, zone)).collect::<Value>()})
        }
    }
}

fn condition(field: &Field, operator: Operator, value: Value) -> Value {
    json!({"field": field.slug, "op": operator.slug(), "value": value})
}

fn operator(comparison: Comparison) -> Operator {
    match comparison {
        Comparison::Eq => Operator::Eq,
        Comparison::Lt => Operator::Lt,
        Comparison::Lte => Operator::Lte,
        Comparison::Gt => Operator::Gt,
        Comparison::Gte => Operator::Gte,
    }
}

fn key_value(key: &Key, zone: Tz) -> Value {
    match key.as_slice() {
        [only] => literal(only, zone),
        values => values.iter().map(|value| literal(value, zone)).collect(),
    }
}

fn sort_name(key: &SortKey) -> Value {
    match key.is_descending {
        true => format!("-{}", key.field.slug).into(),
        false => key.field.slug.as_str().into(),
    }
}

fn literal(literal: &Literal, zone: Tz) -> Value {
    match literal {
        Literal::Boolean(value) => (*value).into(),
        Literal::Integer(value) => (*value).into(),
        Literal::Float(value) => (*value).into(),
        Literal::Decimal(text) | Literal::Text(text) | Literal::Uuid(text) => text.as_str().into(),
        Literal::Date(date) => date.to_string().into(),
        Literal::Time(time) => time_text(*time).into(),
        Literal::Timestamp(local) => local_text(*local).into(),
        Literal::TimestampTz(instant) => instant_text(*instant, zone).into(),
    }
}

fn time_text(time: NaiveTime) -> String {
    match time.nanosecond() {
        0 => time.format("%H:%M:%S").to_string(),
        _ => time.format("%H:%M:%S%.6f").to_string(),
    }
}

fn local_text(local: NaiveDateTime) -> String {
    format!("{}T{}", local.date(), time_text(local.time()))
}

/// RFC 3339 in the job's zone, or in UTC where the zone's offset has seconds or leaves the years 1
/// to 9999.
fn instant_text(instant: DateTime<Utc>, zone: Tz) -> String {
    let format = match instant.timestamp_subsec_nanos() {
        0 => SecondsFormat::Secs,
        _ => SecondsFormat::Micros,
    };
    let zoned = instant.with_timezone(&zone).fixed_offset();
    let is_plain = zoned.offset().local_minus_utc() % 60 == 0
        && (1..=9999).contains(&chrono::Datelike::year(&zoned));
    match is_plain {
        true => zoned.to_rfc3339_opts(format, true),
        false => instant.to_rfc3339_opts(format, true),
    }
}
