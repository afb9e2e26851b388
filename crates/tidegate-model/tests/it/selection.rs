//! Which fields a request chooses.

use serde_json::{Value, json};

use crate::shop;

/// Names of the file's columns, hidden ones in parentheses; or the faults.
fn chosen(fields: Value) -> Result<Vec<String>, Vec<String>> {
    let sent = json!({"subject": "orders", "format": "csv", "fields": fields});
    match shop::request(&sent) {
        Ok(checked) => Ok(checked
            .fields()
            .iter()
            .map(|chosen| match (&chosen.alias, chosen.is_hidden) {
                (Some(alias), _) => format!("{}={alias}", chosen.field.slug),
                (None, true) => format!("({})", chosen.field.slug),
                (None, false) => chosen.field.slug.clone(),
            })
            .collect()),
        Err(faults) => Err(faults.0.iter().map(ToString::to_string).collect()),
    }
}

fn names(fields: Value) -> Vec<String> {
    chosen(fields).unwrap()
}

fn faults(fields: Value) -> Vec<String> {
    chosen(fields).unwrap_err()
}

const DEFAULT: [&str; 8] =
    ["id", "status", "total", "customer.name", "placed_at", "is_gift", "shipping.city", "lines"];

#[test]
fn nothing_chosen_means_the_default_set() {
    for nothing in [json!(null), json!([])] {
        assert_eq!(names(nothing), DEFAULT);
    }
}

#[test]
fn a_list_is_taken_in_its_order_under_its_names() {
    let fields = json!(["total", {"slug": "customer.email", "as": "E-mail"}, "id", "margin"]);
    assert_eq!(names(fields), ["total", "customer.email=E-mail", "id", "margin"]);
}

#[test]
fn a_key_that_is_not_chosen_travels_hidden() {
    assert_eq!(names(json!(["total"])), ["total", "(id)"]);
}

#[test]
fn plus_and_minus_change_the_default_set() {
    let fields = json!(["-lines", "+margin", {"slug": "+customer.email", "as": "E-mail"}, "-id"]);
    let mut expected = DEFAULT.map(str::to_owned).to_vec();
    expected.retain(|slug| slug != "lines" && slug != "id");
    expected.extend(["margin", "customer.email=E-mail", "(id)"].map(str::to_owned));
    assert_eq!(names(fields), expected);
}

#[test]
fn every_fault_of_a_selection_is_told() {
    assert_eq!(
        faults(
            json!(["totl", 5, {"as": "x"}, {"slug": "id", "alias": "x"}, {"slug": "id", "as": ""}])
        ),
        [
            "/fields/0: `totl` is no field of `orders`; did you mean `total`?",
            "/fields/1: an entry of `fields` is a slug or {\"slug\": …, \"as\": …}, not a number",
            "/fields/2: `slug` is missing: it names the field",
            "/fields/3/alias: `alias` is no member of a field; there is `slug`, `as`",
            "/fields/4/as: a name is not empty and holds no control characters",
        ]
    );
    assert_eq!(
        faults(json!(["id", "-total"])),
        ["/fields/0: either list the fields, or begin every entry with `+` or `-` to change the \
          default set"]
    );
    assert_eq!(
        faults(json!(["-margin", "+total", {"slug": "-lines", "as": "x"}])),
        [
            "/fields/2/as: a field that is left out needs no name",
            "/fields/0: `margin` is not in the default set",
            "/fields/1: `total` is in the default set already",
        ]
    );
    assert_eq!(faults(json!({})), ["/fields: `fields` takes a list of fields, not an object"]);
    let all: Vec<String> = DEFAULT.iter().map(|slug| format!("-{slug}")).collect();
    assert_eq!(faults(json!(all)), ["/fields: no field is left"]);
}

#[test]
fn names_that_cannot_stand_in_one_record_are_refused() {
    assert_eq!(
        faults(json!(["id", "total", {"slug": "status", "as": "total"}])),
        ["/fields/2: there are two fields named `total`"]
    );
    assert_eq!(
        faults(json!(["shipping.city", {"slug": "status", "as": "shipping"}])),
        ["/fields/0: `shipping` cannot be both a value and the parent of `shipping.city`; rename \
          one of them"]
    );
}

#[test]
fn the_same_field_may_stand_twice_under_two_names() {
    assert_eq!(names(json!(["id", {"slug": "id", "as": "number"}])), ["id", "id=number"]);
}
