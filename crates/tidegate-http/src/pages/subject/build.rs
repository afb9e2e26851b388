//! The panels above the list: a filter that is being made, and the columns to choose from.

use serde_json::{Value, json};
use tidegate_model::{field::Field, mask::MaskPolicy, scope::Operator, subject::Subject};

use super::{
    condition::{self, Choice},
    table::Row,
    view::View,
};

/// Values of the page that are offered.
const VALUES_OFFERED: usize = 8;
/// Characters of a value that is offered.
const OFFERED_CHARACTERS_MAX: usize = 30;
/// Spans of time that are offered, with how a filter says them.
const SPANS: [(&str, Operator, &str); 4] = [
    ("in the last 7 days", Operator::Last, "P7D"),
    ("in the last 30 days", Operator::Last, "P30D"),
    ("in this month", Operator::This, "month"),
    ("in this year", Operator::This, "year"),
];

/// A filter that is being made.
pub(super) struct Build {
    pub(super) fields: Vec<(String, String, bool)>,
    pub(super) operators: Vec<Choice>,
    pub(super) hint: &'static str,
    pub(super) value: String,
    pub(super) kept: Vec<(String, String)>,
    /// Filters at one click: words, and the list with it.
    pub(super) offers: Vec<(String, String)>,
    /// The field that they are about.
    pub(super) about: String,
}

/// A field that can be shown.
pub(super) struct Shown {
    pub(super) slug: String,
    pub(super) label: String,
    pub(super) is_on: bool,
    pub(super) is_pii: bool,
    pub(super) is_internal: bool,
}

/// The panel of a new filter: `shown` are the fields of the rows, in their order.
pub(super) fn build(view: &View, subject: &Subject, shown: &[&Field], rows: &[Row]) -> Build {
    let usable = subject.fields.iter().filter(|field| !condition::operators(field, "").is_empty());
    // What people mostly filter by: the configuration says so.
    let is_short = |field: &&Field| subject.shorthands.values().any(|slug| *slug == field.slug);
    let is_date = |field: &&Field| subject.date_field.as_ref() == Some(&field.slug);
    let first = usable.clone().find(is_short).or_else(|| usable.clone().find(is_date));
    let chosen = subject.field(&view.added.field).or(first).or_else(|| usable.clone().next());
    let slug = chosen.map(|field| field.slug.as_str()).unwrap_or_default();
    let offers = chosen.map(|field| match field.data_type.is_temporal() {
        true => spans(view, field),
        false => values(view, field, shown, rows),
    });
    Build {
        fields: usable
            .map(|field| (field.slug.clone(), field.label.clone(), field.slug == slug))
            .collect(),
        operators: chosen
            .map(|field| condition::operators(field, &view.added.operator))
            .unwrap_or_default(),
        hint: chosen
            .map_or("", |field| condition::hint(field, Operator::find(&view.added.operator))),
        value: view.added.values.first().cloned().unwrap_or_default(),
        kept: view.kept(),
        offers: offers.unwrap_or_default(),
        about: chosen.map(|field| field.label.clone()).unwrap_or_default(),
    }
}

/// The list with one more part of the filter.
fn with(view: &View, part: Value) -> String {
    let mut parts = view.parts();
    parts.push(part);
    view.with_parts(&parts).path(&[])
}

fn spans(view: &View, field: &Field) -> Vec<(String, String)> {
    let fits = SPANS.iter().filter(|(_, operator, _)| operator.applies_to(field));
    fits.map(|(words, operator, value)| {
        let part = json!({ "field": field.slug, "op": operator.slug(), "value": value });
        ((*words).to_owned(), with(view, part))
    })
    .collect()
}

/// Values that are on the page, each once.
fn values(view: &View, field: &Field, shown: &[&Field], rows: &[Row]) -> Vec<(String, String)> {
    let place = shown.iter().position(|one| one.slug == field.slug);
    let Some(place) = place.filter(|_| Operator::Eq.applies_to(field)) else { return Vec::new() };
    let mut seen: Vec<(&Value, &str)> = Vec::new();
    for cell in rows.iter().filter_map(|row| row.cells.get(place)) {
        let words = cell.words.as_deref().unwrap_or_default();
        let is_short = !words.is_empty() && words.chars().count() <= OFFERED_CHARACTERS_MAX;
        if is_short && !seen.iter().any(|(value, _)| **value == cell.value) {
            seen.push((&cell.value, words));
        }
    }
    // Where there is one value, or hardly one comes twice, there is nothing to choose from.
    if !(2..=VALUES_OFFERED).contains(&seen.len()) {
        return Vec::new();
    }
    let offer = |(value, words): (&Value, &str)| {
        let part = json!({ "field": field.slug, "op": "eq", "value": value });
        (words.to_owned(), with(view, part))
    };
    seen.into_iter().map(offer).collect()
}

pub(super) fn choices(subject: &Subject, shown: &[String]) -> Vec<Shown> {
    let choice = |field: &Field| Shown {
        slug: field.slug.clone(),
        label: field.label.clone(),
        is_on: shown.contains(&field.slug),
        is_pii: field.pii.is_some(),
        is_internal: field.is_internal,
    };
    let there = subject.fields.iter().filter(|field| field.mask != MaskPolicy::Drop);
    there.map(choice).collect()
}
