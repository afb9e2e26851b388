//! A draft is the same after its address was read.

use proptest::prelude::*;

use super::*;

fn read(query: &str) -> Draft {
    Draft::of_query(query)
}

/// Texts full of what separates and escapes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c,:\\\\\"&=+% é0-9.-]{1,8}",
        "[0-9]{1,25}",
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("[1]".to_owned()),
    ]
}

fn key() -> impl Strategy<Value = Value> {
    let one = prop_oneof![
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
        Just(Value::from("")),
    ];
    prop_oneof![one.clone(), prop::collection::vec(one, 0..3).prop_map(Value::from)]
}

fn keys() -> impl Strategy<Value = Option<Vec<Value>>> {
    prop::option::of(prop::collection::vec(key(), 0..4))
}

fn field() -> impl Strategy<Value = ChosenField> {
    let name = prop::option::of(prop_oneof![text(), Just(String::new())]);
    (text(), name).prop_map(|(slug, name)| ChosenField { slug, name })
}

prop_compose! {
    fn scope()(
        filter in prop_oneof![Just(String::new()), text()],
        shorthands in prop::collection::btree_map(text(), key(), 0..3),
        search in prop_oneof![Just(String::new()), text()],
        sort in prop::collection::vec(text(), 0..3),
        ids in keys(),
        except in keys(),
    ) -> Draft {
        Draft { filter, shorthands, search, sort, ids, except, ..Draft::default() }
    }
}

prop_compose! {
    fn draft()(
        scope in scope(),
        subject in text(),
        kind in prop::option::of(text()),
        fields in prop::collection::vec(field(), 0..4),
        format in text(),
        options in prop::collection::btree_map(text(), text(), 0..3),
        time_zone in prop::option::of(text()),
        reason in prop::option::of(text()),
        email in prop::option::of(text()),
        from in prop::option::of(any::<i64>()),
    ) -> Draft {
        Draft { subject, kind, fields, format, options, time_zone, reason, email, from, ..scope }
    }
}

proptest! {
    #[test]
    fn what_is_written_into_an_address_is_read_from_it(draft in draft()) {
        prop_assert_eq!(read(&draft.query()), draft);
    }

    #[test]
    fn any_address_is_read(query in ".{0,80}") {
        let draft = read(&query);
        prop_assert_eq!(read(&draft.query()), draft);
    }
}

#[test]
fn an_address_can_be_written_by_hand() {
    let query = "subject=orders&q=tea&sort=-placed_at,id&fields=id,total:Amount,note\
                 &ids=1,2,abc&format=xlsx&option.overflow=truncate&scope.status=paid\
                 &time_zone=Europe/Berlin&reason=T-1&utm=whatever";
    let body = read(query).body().unwrap();
    let expected = json!({
        "subject": "orders",
        "scope": {
            "status": "paid", "search": "tea", "sort": ["-placed_at", "id"], "ids": [1, 2, "abc"],
        },
        "fields": ["id", { "slug": "total", "as": "Amount" }, "note"],
        "format": "xlsx",
        "options": { "overflow": "truncate" },
        "time_zone": "Europe/Berlin",
        "reason": "T-1",
    });
    assert_eq!(body, expected);
    assert!(read(query).request().is_ok());
}

#[test]
fn a_selection_of_nothing_is_not_one_of_everything() {
    let draft = read("subject=orders&format=csv&ids=");
    assert_eq!(draft.ids, Some(Vec::new()));
    assert_eq!(draft.scope().unwrap(), json!({ "ids": [] }));
    assert_eq!(read(&draft.query()), draft);
}

#[test]
fn no_digit_of_a_key_is_lost() {
    let draft = read("ids=12.50,007,123456789012345678901234567890,7");
    let ids = json!({ "ids": ["12.50", "007", "123456789012345678901234567890", 7] });
    assert_eq!(draft.scope().unwrap(), ids);
}

#[test]
fn ticked_boxes_come_one_by_one() {
    let draft = read("ids=1&ids=2&fields=id&fields=note");
    assert_eq!(draft, read("ids=1,2&fields=id,note"));
}

#[test]
fn a_filter_that_is_no_json_is_told_with_its_place() {
    let Faults(faults) = read("subject=orders&format=csv&filter={").request().unwrap_err();
    assert_eq!(faults[0].pointer, "/scope/filter");
}
