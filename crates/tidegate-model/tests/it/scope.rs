//! The members of a scope, and their faults.

use serde_json::{Value, json};
use tidegate_model::{
    fault::Faults,
    pointer::Pointer,
    query::{Comparison, Literal, Place, Predicate},
    scope::{
        Asker, FILTER_CONDITIONS_MAX, FILTER_DEPTH_MAX, FILTER_VALUES_MAX, IDS_MAX, Scope,
        TEXT_CHARACTERS_MAX,
    },
    subject::Subject,
};

use crate::shop;

const NOW: &str = "2026-03-31T12:00:00Z Europe/Berlin";

fn orders() -> Subject {
    shop::subject("orders")
}

fn predicate(scope: &Value) -> Predicate {
    shop::resolve(&orders(), scope, NOW).predicate
}

fn leaf(field: &str, op: &str, value: Value) -> Value {
    json!({"field": field, "op": op, "value": value})
}

fn eq(slug: &str, value: Literal) -> Predicate {
    compare(slug, Comparison::Eq, value)
}

fn compare(slug: &str, comparison: Comparison, value: Literal) -> Predicate {
    let field = orders().field(slug).unwrap().clone();
    Predicate::Compare { field, comparison, value }
}

fn text(value: &str) -> Literal {
    Literal::Text(value.to_owned())
}

fn not(part: Predicate) -> Predicate {
    Predicate::Not(Box::new(part))
}

#[test]
fn no_scope_means_every_record_in_no_promised_order() {
    for scope in [json!(null), json!({}), json!({"filter": {"all": []}, "ids": null})] {
        assert!(predicate(&scope).is_everything(), "{scope}");
    }
    let scope = shop::check(&orders(), &json!(null)).unwrap();
    assert!(!orders().sort.is_empty(), "the subject's own order is its list page's");
    assert_eq!(scope.sort(), []);
}

#[test]
fn ne_and_not_in_are_negations_so_that_they_keep_nulls() {
    let paid = eq("status", text("paid"));
    assert_eq!(
        predicate(&json!({"filter": leaf("status", "ne", json!("paid"))})),
        not(paid.clone())
    );
    let one_of = Predicate::In {
        field: orders().field("status").unwrap().clone(),
        values: vec![text("paid"), text("open")],
    };
    assert_eq!(
        predicate(&json!({"filter": leaf("status", "not_in", json!(["paid", "open"]))})),
        not(one_of)
    );
    assert_eq!(predicate(&json!({"filter": {"not": leaf("status", "ne", json!("paid"))}})), paid);
}

#[test]
fn groups_nest_and_lose_what_is_true_anyway() {
    let (paid, gift) = (leaf("status", "eq", json!("paid")), leaf("is_gift", "eq", json!(true)));
    let filter = json!({"any": [{"all": [paid, {"all": []}]}, {"not": {"any": [gift]}}]});
    assert_eq!(
        predicate(&json!({"filter": filter})),
        Predicate::Any(vec![
            eq("status", text("paid")),
            not(eq("is_gift", Literal::Boolean(true))),
        ])
    );
    let nothing = Predicate::Any(vec![]);
    assert_eq!(predicate(&json!({"filter": {"any": []}})), nothing);
    assert_eq!(predicate(&json!({"filter": leaf("status", "in", json!([]))})), nothing);
    assert_eq!(predicate(&json!({"ids": []})), nothing);
    assert!(predicate(&json!({"except_ids": []})).is_everything());
}

#[test]
fn between_includes_both_ends() {
    let filter = leaf("total", "between", json!(["10.00", 20]));
    assert_eq!(
        predicate(&json!({"filter": filter})),
        Predicate::All(vec![
            compare("total", Comparison::Gte, Literal::Decimal("10.00".into())),
            compare("total", Comparison::Lte, Literal::Decimal("20".into())),
        ])
    );
}

#[test]
fn shorthands_expand_into_the_filter() {
    let long = predicate(&json!({"filter": {"all": [
        leaf("total", "gt", json!("0")),
        leaf("status", "in", json!(["paid", "open"])),
        {"all": [
            leaf("placed_at", "gte", json!("2026-01-01")),
            leaf("placed_at", "lte", json!("2026-01-31")),
        ]},
    ]}}));
    let short = predicate(&json!({
        "filter": leaf("total", "gt", json!("0")),
        "status": ["paid", "open"],
        "date_range": {"from": "2026-01-01", "to": "2026-01-31"},
    }));
    assert_eq!(short, long);
    assert_eq!(predicate(&json!({"status": "paid"})), eq("status", text("paid")));
}

#[test]
fn search_wants_every_word_in_some_field() {
    let matches = |slug: &str, text: &str| Predicate::Matches {
        field: orders().field(slug).unwrap().clone(),
        place: Place::Anywhere,
        text: text.to_owned(),
    };
    assert_eq!(
        predicate(&json!({"search": "  ada 42 "})),
        Predicate::All(vec![
            Predicate::Any(vec![matches("customer.email", "ada"), matches("status", "ada")]),
            Predicate::Any(vec![
                eq("id", Literal::Integer(42)),
                matches("customer.email", "42"),
                matches("status", "42"),
            ]),
        ])
    );
    assert!(predicate(&json!({"search": " "})).is_everything());
}

#[test]
fn a_selection_names_keys_and_exceptions() {
    let key = vec![orders().field("id").unwrap().clone()];
    let one = |id: i64| vec![Literal::Integer(id)];
    assert_eq!(
        predicate(&json!({"ids": [1, "2"], "except_ids": [3]})),
        Predicate::All(vec![
            Predicate::KeyIn { key: key.clone(), keys: vec![one(1), one(2)] },
            not(Predicate::KeyIn { key, keys: vec![one(3)] }),
        ])
    );
}

#[test]
fn a_composite_key_is_a_list_or_an_object() {
    let stock = shop::subject("stock");
    let keys = |ids: Value| match shop::resolve(&stock, &json!({"ids": ids}), NOW).predicate {
        Predicate::KeyIn { keys, .. } => keys,
        other => panic!("{other:?}"),
    };
    let key = vec![vec![Literal::Integer(1), text("a")]];
    assert_eq!(keys(json!([[1, "a"]])), key);
    assert_eq!(keys(json!([{"sku": "a", "warehouse": 1}])), key);
    for wrong in [json!([1]), json!([[1]]), json!([[1, "a", 2]]), json!([{"sku": "a"}])] {
        assert_eq!(
            shop::faults(&stock, &json!({"ids": wrong})),
            ["/scope/ids/0: a key here is a list or an object of `warehouse`, `sku`"],
            "{wrong}"
        );
    }
    assert_eq!(
        shop::faults(&stock, &json!({"ids": [[1, null]]})),
        ["/scope/ids/0/1: a key has no null"]
    );
}

#[test]
fn a_sort_ends_with_the_key() {
    let sort = |subject: &str, sort: Value| -> Vec<String> {
        let scope = shop::check(&shop::subject(subject), &json!({"sort": sort})).unwrap();
        let name = |is_descending: bool| if is_descending { "-" } else { "" };
        scope.sort().iter().map(|k| format!("{}{}", name(k.is_descending), k.field.slug)).collect()
    };
    assert_eq!(sort("orders", json!(["-total"])), ["-total", "id"]);
    assert_eq!(sort("orders", json!(["-id"])), ["-id"]);
    assert_eq!(sort("stock", json!(["sku"])), ["sku", "warehouse"]);
    assert_eq!(sort("orders", json!([])), [""; 0], "an empty sort asks for none");
    assert_eq!(sort("analytics", json!(["-at"])), ["-at"], "without a key there is none to add");
}

#[test]
fn since_last_is_for_schedules() {
    let scope = json!({"filter": {"field": "placed_at", "op": "since_last"}});
    let orders = orders();
    assert_eq!(
        shop::faults(&orders, &scope),
        ["/scope/filter/op: `since_last` is for schedules: a request has no run before it; use \
          `last` or `gte`"]
    );
    let scope = Scope::check(&scope, &orders, Asker::Schedule, &Pointer::at("/scope")).unwrap();
    let mut moment = shop::moment(NOW);
    let until = compare("placed_at", Comparison::Lt, Literal::TimestampTz(moment.now));
    assert_eq!(scope.resolve(&moment).predicate, until, "the first run takes all there is");
    let last_run = "2026-03-30T06:00:00Z".parse().unwrap();
    moment.last_run = Some(last_run);
    let since = compare("placed_at", Comparison::Gte, Literal::TimestampTz(last_run));
    assert_eq!(scope.resolve(&moment).predicate, Predicate::All(vec![since, until]));
}

#[test]
fn all_faults_are_told_at_once() {
    let scope = json!({
        "filter": {"all": [
            leaf("totl", "eq", json!(1)),
            leaf("total", "eq", json!("a lot")),
            leaf("status", "eq", json!(null)),
            leaf("status", "eqq", json!("x")),
            {"field": "status", "op": "in", "value": ["a", 5, null]},
            {"field": "status", "op": "eq"},
            {"feld": "status", "op": "eq", "value": "x"},
            {"op": "eq", "value": "x"},
            {"field": "status", "value": "x"},
            {"field": 5, "op": 5, "value": "x"},
            {"any": [], "all": []},
            {"all": [], "field": "status"},
            {"any": {}},
            "status",
            leaf("total", "between", json!([5])),
            leaf("total", "between", json!([5, 4])),
            leaf("placed_at", "last", json!("7 days")),
            leaf("placed_at", "last", json!("P0D")),
            leaf("placed_at", "this", json!("P7D")),
            leaf("due_on", "last", json!("PT12H")),
            leaf("placed_at", "last", json!(7)),
            leaf("status", "is_null", json!("yes")),
            leaf("status", "contains", json!("")),
            leaf("status", "contains", json!(5)),
            leaf("packed_at", "gte", json!("2026-01-01T00:00:00Z")),
            leaf("placed_at", "between", json!(["2026-02-01", "2026-01-31"])),
        ]},
        "search": 5,
        "ids": [1, "x", 2.5, null],
        "except_ids": {},
        "sort": ["-totl", "shipping", "total", "-total", 5, "lines"],
        "status": null,
        "stauts": "paid",
        "date_range": {"from": "yesterday", "until": "2026-01-01"},
        "a/b": 1,
    });
    insta::assert_snapshot!(shop::faults(&orders(), &scope).join("\n"));
}

#[test]
fn a_subject_that_lacks_what_a_member_needs_says_so() {
    let analytics = shop::subject("analytics");
    let scope = json!({"search": "x", "ids": [1], "date_range": {"from": "2026-01-01"}});
    let mut told = shop::faults(&analytics, &scope);
    told.sort();
    assert_eq!(
        told,
        [
            "/scope/date_range: `analytics` declares no `date_field`",
            "/scope/ids: `analytics` has no key, so that single records cannot be named; use \
             `filter`",
            "/scope/search: `analytics` declares no fields to `search`",
        ]
    );
}

#[test]
fn other_shapes_of_a_scope_are_refused() {
    let orders = orders();
    let told = |scope: Value| shop::faults(&orders, &scope).join("\n");
    assert_eq!(told(json!([])), "/scope: a scope is an object, not a list");
    assert_eq!(told(json!({"sort": "total"})), {
        "/scope/sort: `sort` takes a list of fields such as [\"-placed_at\", \"id\"], not text"
    });
    assert_eq!(told(json!({"date_range": {}})), {
        "/scope/date_range: `date_range` takes `from`, `to` or both"
    });
    assert_eq!(told(json!({"date_range": {"from": "2026-02-01", "to": "2026-01-01"}})), {
        "/scope/date_range: the range ends before it begins"
    });
    assert_eq!(told(json!({"date_range": {"from": "2026-01-01", "to": "2026-01-01"}})), "");
    assert_eq!(told(json!({"status": ["paid", 5]})), {
        "/scope/status/1: `status` takes text, not a number"
    });
}

#[test]
fn limits_hold_at_their_last_allowed_value() {
    let orders = orders();
    let paid = || leaf("status", "eq", json!("paid"));
    let nested = |levels: usize| (1..levels).fold(paid(), |inner, _| json!({"not": inner}));
    let several = |count: usize| json!({"all": (0..count).map(|_| paid()).collect::<Vec<_>>()});
    let conditions =
        |count: usize| json!({"all": [several(count / 2), several(count - count / 2)]});
    let values = |count: usize| leaf("id", "in", (0..count).collect());
    let long = |count: usize| leaf("status", "eq", json!("é".repeat(count)));
    type Sized<'a> = &'a dyn Fn(usize) -> Value;
    let filters: [(&str, usize, Sized<'_>); 4] = [
        ("nests at most", FILTER_DEPTH_MAX, &nested),
        ("conditions", FILTER_CONDITIONS_MAX, &conditions),
        ("values in all", FILTER_VALUES_MAX, &values),
        ("characters", TEXT_CHARACTERS_MAX, &long),
    ];
    for (word, most, filter) in filters {
        assert_eq!(shop::faults(&orders, &json!({"filter": filter(most)})), [""; 0], "{word}");
        let told = shop::faults(&orders, &json!({"filter": filter(most + 1)}));
        assert!(told.len() == 1 && told[0].contains(word), "{told:?}");
    }
    for member in ["ids", "except_ids"] {
        let ids = |count: usize| json!({member: (0..count).collect::<Vec<_>>()});
        assert_eq!(shop::faults(&orders, &ids(IDS_MAX)), [""; 0]);
        assert_eq!(shop::faults(&orders, &ids(IDS_MAX + 1)).len(), 1);
    }
    let search = |words: usize| json!({"search": "ada ".repeat(words)});
    assert_eq!(shop::faults(&orders, &search(10)), [""; 0]);
    assert_eq!(shop::faults(&orders, &search(11)).len(), 1);
    assert_eq!(shop::faults(&orders, &json!({"search": "x".repeat(201)})).len(), 1);
}

#[test]
fn a_great_many_faults_are_counted() {
    let ids: Vec<&str> = vec!["x"; IDS_MAX];
    let Err(Faults(faults)) = shop::check(&orders(), &json!({"ids": ids})) else { panic!() };
    assert_eq!(faults.len(), 101);
    assert_eq!(faults[100].detail, "and 9900 more faults");
}

#[test]
fn no_fault_repeats_a_value() {
    let secret = "hunter2@example.com";
    for field in ["id", "total", "is_gift", "placed_at", "due_on", "packed_at"] {
        for op in ["eq", "in", "between", "last", "this", "is_null"] {
            for value in [json!(secret), json!([secret]), json!([secret, secret])] {
                for told in shop::faults(&orders(), &json!({"filter": leaf(field, op, value)})) {
                    assert!(!told.contains(secret), "{told}");
                }
            }
        }
    }
}

#[test]
fn only_a_scope_that_asks_for_no_value_implies_null() {
    let analytics = shop::subject("analytics");
    let absent = || json!({"field": "visitor_id", "op": "is_null"});
    let present = || leaf("visitor_id", "is_null", json!(false));
    let path = || leaf("path", "eq", json!("/"));
    for (filter, implies) in [
        (absent(), true),
        (present(), false),
        (path(), false),
        (json!({"all": [path(), absent()]}), true),
        (json!({"any": [path(), absent()]}), false),
        (json!({"any": [absent(), {"all": [absent(), path()]}]}), true),
        (json!({"any": []}), false),
        (json!({"not": present()}), true),
        (json!({"not": absent()}), false),
    ] {
        let scope = shop::check(&analytics, &json!({"filter": filter})).unwrap();
        assert_eq!(scope.implies_null("visitor_id"), implies, "{filter}");
    }
}

#[test]
fn the_fields_that_decide_are_known() {
    let scope = json!({"filter": leaf("total", "gt", json!(1)), "search": "x", "ids": [1]});
    let scope = shop::check(&orders(), &scope).unwrap();
    let slugs: Vec<&str> = scope.fields().iter().map(|field| field.slug.as_str()).collect();
    assert_eq!(slugs, ["total", "id", "customer.email", "status"]);
}
