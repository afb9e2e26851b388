//! What holds of every scope, whatever is sent.

use chrono::DateTime;
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};
use tidegate_model::{
    DataType,
    fault::Faults,
    pointer::Pointer,
    request::ExportRequest,
    resolve::Moment,
    scope::{Asker, Operator, Scope, Takes},
};

use crate::shop;

/// Any JSON, with words that a scope knows among its keys and texts.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        select(
            "all any not field op value filter search ids except_ids sort date_range from to slug \
             as id status total placed_at due_on -total +margin eq in between last P7D day text"
                .split(' ')
                .map(str::to_owned)
                .collect::<Vec<_>>()
        ),
        ".{0,12}",
        "[~/]{0,3}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((word.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn moments() -> impl Strategy<Value = (i64, Tz)> {
    (0_i64..4_000_000_000, select(TZ_VARIANTS.to_vec()))
}

fn moment((micros, time_zone): (i64, Tz)) -> Moment {
    let now = DateTime::from_timestamp_micros(micros * 1_000_003).unwrap();
    Moment { now, time_zone, last_run: Some(now), until: None }
}

fn date() -> impl Strategy<Value = String> {
    (1_u32..=9999, 1_u32..=12, 1_u32..=28).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}"))
}

fn clock() -> impl Strategy<Value = String> {
    (0_u32..24, 0_u32..60, "(:[0-5][0-9](\\.[0-9]{1,6})?)?")
        .prop_map(|(hour, minute, rest)| format!("{hour:02}:{minute:02}{rest}"))
}

/// A value that fits the type.
fn value(data_type: &DataType) -> BoxedStrategy<Value> {
    let texts = |texts: BoxedStrategy<String>| texts.prop_map(Value::from).boxed();
    match data_type {
        DataType::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        DataType::Integer => prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<i64>().prop_map(|number| number.to_string().into()),
        ]
        .boxed(),
        DataType::Float32 | DataType::Float64 => (-1e30..1e30).prop_map(Value::from).boxed(),
        DataType::Decimal(_) => texts("-?[0-9]{1,20}(\\.[0-9]{1,10})?".boxed()),
        DataType::Date => texts(date().boxed()),
        DataType::Time => texts(clock().boxed()),
        DataType::Timestamp => texts(
            prop_oneof![
                date(),
                (date(), clock()).prop_map(|(date, clock)| format!("{date}T{clock}"))
            ]
            .boxed(),
        ),
        DataType::TimestampTz => texts(
            prop_oneof![
                date(),
                (date(), clock(), "(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?")
                    .prop_map(|(date, clock, zone)| format!("{date}T{clock}{zone}")),
            ]
            .boxed(),
        ),
        DataType::Uuid => texts("[0-9a-fA-F]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}".boxed()),
        DataType::Text => texts("[^\\x00]{0,20}".boxed()),
        DataType::Bytes | DataType::Interval | DataType::Json | DataType::List(_) => {
            Just(Value::Null).boxed()
        }
    }
}

/// A condition that is right.
fn condition() -> impl Strategy<Value = Value> {
    let subject = shop::every_type();
    let pairs: Vec<_> = subject
        .fields
        .iter()
        .flat_map(|field| Operator::ALL.iter().map(move |operator| (field.clone(), *operator)))
        .filter(|(field, operator)| operator.applies_to(field))
        .collect();
    select(pairs).prop_flat_map(|(field, operator)| {
        let one = value(&field.data_type);
        let value = match operator.takes() {
            Takes::One => one,
            Takes::Many => vec(one, 0..4).prop_map(Value::from).boxed(),
            Takes::Two => one.prop_map(|value| json!([value, value])).boxed(),
            Takes::Text => "[^\\x00]{1,9}".prop_map(Value::from).boxed(),
            Takes::Flag => any::<bool>().prop_map(Value::from).boxed(),
            Takes::Span if field.data_type == DataType::Date => {
                select(vec!["P1D", "P3W", "P1Y2M", "week"]).prop_map(Value::from).boxed()
            }
            Takes::Span => {
                select(vec!["P1D", "PT90S", "P1M1DT1H", "quarter"]).prop_map(Value::from).boxed()
            }
            Takes::Unit => select(vec!["day", "year"]).prop_map(Value::from).boxed(),
            Takes::Nothing => Just(Value::Null).boxed(),
        };
        value.prop_map(
            move |value| json!({"field": field.slug, "op": operator.slug(), "value": value}),
        )
    })
}

/// A scope that is right.
fn scope() -> impl Strategy<Value = Value> {
    let filter = condition().prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|parts| json!({"all": parts})),
            vec(inner.clone(), 0..4).prop_map(|parts| json!({"any": parts})),
            inner.prop_map(|part| json!({"not": part})),
        ]
    });
    let ids = || proptest::option::of(vec(any::<i64>(), 0..4));
    let search = proptest::option::of("[a-z0-9 ]{0,12}");
    let sort = proptest::option::of(select(vec![json!([]), json!(["-date", "text"])]));
    (filter, ids(), ids(), search, sort).prop_map(|(filter, ids, except, search, sort)| {
        json!({
            "filter": filter, "ids": ids, "except_ids": except, "search": search, "sort": sort,
        })
    })
}

/// Every fault stands at a place that was sent.
fn stand_somewhere(faults: &Faults, sent: &Value) -> Result<(), TestCaseError> {
    prop_assert!(!faults.0.is_empty());
    for fault in &faults.0 {
        prop_assert!(sent.pointer(&fault.pointer).is_some(), "{} in {}", fault, sent);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn anything_sent_as_a_scope_is_accepted_or_refused_at_its_place(sent in any_json()) {
        for subject in [shop::subject("orders"), shop::subject("stock")] {
            let document = json!({"scope": sent});
            let checked = Scope::check(&sent, &subject, Asker::Schedule, &Pointer::at("/scope"));
            if let Err(faults) = checked {
                stand_somewhere(&faults, &document)?;
            }
        }
    }

    #[test]
    fn anything_sent_as_a_request_is_accepted_or_refused_at_its_place(
        anything in any_json(),
        scope in any_json(),
        fields in any_json(),
    ) {
        if let Err(faults) = ExportRequest::read(&anything) {
            stand_somewhere(&faults, &anything)?;
        }
        let sent = json!({"subject": "orders", "format": "csv", "scope": scope, "fields": fields});
        if let Err(faults) = shop::request(&sent) {
            stand_somewhere(&faults, &sent)?;
        }
    }

    #[test]
    fn a_resolved_scope_means_the_same_at_any_other_moment(
        sent in scope(),
        now in moments(),
        later in moments(),
    ) {
        let subject = shop::every_type();
        let check = |sent: &Value| {
            Scope::check(sent, &subject, Asker::Schedule, &Pointer::at("/scope")).unwrap()
        };
        let first = check(&sent);
        let resolved = first.resolve(&moment(now));
        let again = check(&resolved.json);
        prop_assert_eq!(again.sort(), first.sort());
        let again = again.resolve(&moment(later));
        prop_assert_eq!(again.predicate, resolved.predicate);
    }
}
