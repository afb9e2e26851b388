//! Which fields of the subject, in which order, under which names.

use serde_json::Value;

use crate::{
    fault::{FaultList, shown},
    field::{FIELDS_MAX, Field},
    nearest::unknown,
    nesting::clashes,
    pointer::Pointer,
    query::Selected,
    scope::kind_of,
    subject::Subject,
};

/// Characters of a name in the file: a header cell that a person can read.
pub const NAME_CHARACTERS_MAX: usize = 200;

/// One entry of `fields`: `"id"`, or `{"slug": "id", "as": "Order"}`.
struct Choice<'a> {
    slug: &'a str,
    alias: Option<&'a str>,
}

/// How an entry changes the selection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The field, in its place of the list.
    Plain,
    /// The field, after the default set.
    Include,
    /// Not the field, though it is in the default set.
    Exclude,
}

/// Chooses the fields that were sent; nothing, `null` and an empty list mean the default set.
///
/// Entries are slugs in the order of the file. If every entry begins with `+` or `-`, they add to
/// the default set and take away from it.
pub(crate) fn choose(
    sent: Option<&Value>,
    subject: &Subject,
    at: &Pointer<'_>,
    faults: &mut FaultList,
) -> Vec<Selected> {
    let entries = match sent {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(entries)) => entries.as_slice(),
        Some(other) => {
            let detail = format!("`fields` takes a list of fields, not {}", kind_of(other));
            faults.add(at, detail);
            &[]
        }
    };
    if entries.len() > FIELDS_MAX {
        faults.add(at, format!("`fields` has at most {FIELDS_MAX} entries"));
        return Vec::new();
    }
    let mut chosen = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let place = at.index(index);
        if let Some(choice) = read(entry, &place, faults)
            && let Some((mode, field)) = find(&choice, subject, &place, faults)
        {
            chosen.push(Chosen { index, mode, field, alias: choice.alias });
        }
    }
    let is_change = chosen.iter().any(|c| c.mode != Mode::Plain);
    let selected = match is_change || entries.is_empty() {
        true => changed_default(&chosen, subject, at, faults),
        false => chosen.iter().map(|c| (Some(c.index), c.selected())).collect(),
    };
    check_names(&selected, at, faults);
    selected.into_iter().map(|(_, selected)| selected).collect()
}

/// An entry whose field was found.
struct Chosen<'a> {
    index: usize,
    mode: Mode,
    field: &'a Field,
    alias: Option<&'a str>,
}

impl Chosen<'_> {
    fn selected(&self) -> Selected {
        Selected {
            field: self.field.clone(),
            alias: self.alias.map(str::to_owned),
            is_hidden: false,
        }
    }
}

/// The default set, less and plus some; with the index of the entry that asked for each field.
fn changed_default(
    chosen: &[Chosen<'_>],
    subject: &Subject,
    at: &Pointer<'_>,
    faults: &mut FaultList,
) -> Vec<(Option<usize>, Selected)> {
    let mut selected: Vec<(Option<usize>, Selected)> = subject
        .fields
        .iter()
        .filter(|field| field.is_default)
        .map(|field| (None, Selected { field: field.clone(), alias: None, is_hidden: false }))
        .collect();
    for choice in chosen {
        let slug = &choice.field.slug;
        let place = selected.iter().position(|(_, selected)| selected.field.slug == *slug);
        let entry = at.index(choice.index);
        match (choice.mode, place) {
            (Mode::Include, None) => selected.push((Some(choice.index), choice.selected())),
            (Mode::Exclude, Some(place)) => _ = selected.remove(place),
            (Mode::Include, Some(_)) => {
                faults.add(&entry, format!("`{}` is in the default set already", shown(slug)));
            }
            (Mode::Exclude, None) => {
                faults.add(&entry, format!("`{}` is not in the default set", shown(slug)));
            }
            (Mode::Plain, _) => {
                let detail = "either list the fields, or begin every entry with `+` or `-` to \
                              change the default set";
                faults.add(&entry, detail);
            }
        }
    }
    if selected.is_empty() {
        faults.add(at, "no field is left");
    }
    selected
}

fn read<'a>(entry: &'a Value, at: &Pointer<'_>, faults: &mut FaultList) -> Option<Choice<'a>> {
    let members = match entry {
        Value::String(slug) => return Some(Choice { slug, alias: None }),
        Value::Object(members) => members,
        other => {
            let detail = format!(
                "an entry of `fields` is a slug or {{\"slug\": …, \"as\": …}}, not {}",
                kind_of(other)
            );
            faults.add(at, detail);
            return None;
        }
    };
    for name in members.keys().filter(|name| !matches!(name.as_str(), "slug" | "as")) {
        faults.add(&at.member(name), unknown("member of a field", name, &["slug", "as"]));
    }
    let alias = match members.get("as") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name.as_str()),
        Some(other) => {
            let detail = format!("`as` takes the name in the file, not {}", kind_of(other));
            faults.add(&at.member("as"), detail);
            None
        }
    };
    if let Some(detail) = alias.and_then(name_fault) {
        faults.add(&at.member("as"), detail);
    }
    match members.get("slug") {
        Some(Value::String(slug)) => return Some(Choice { slug, alias }),
        Some(other) => {
            let detail = format!("`slug` takes the slug of a field, not {}", kind_of(other));
            faults.add(&at.member("slug"), detail);
        }
        None => faults.add(at, "`slug` is missing: it names the field"),
    }
    None
}

fn find<'a>(
    choice: &Choice<'_>,
    subject: &'a Subject,
    at: &Pointer<'_>,
    faults: &mut FaultList,
) -> Option<(Mode, &'a Field)> {
    // The whole slug first, for a column that is itself called `-x`.
    if let Some(field) = subject.field(choice.slug) {
        return Some((Mode::Plain, field));
    }
    let (mode, slug) = match (choice.slug.strip_prefix('+'), choice.slug.strip_prefix('-')) {
        (Some(slug), _) => (Mode::Include, slug),
        (None, Some(slug)) => (Mode::Exclude, slug),
        (None, None) => (Mode::Plain, choice.slug),
    };
    let Some(field) = subject.field(slug) else {
        let known: Vec<&str> = subject.fields.iter().map(|field| field.slug.as_str()).collect();
        faults.add(at, unknown(&format!("field of `{}`", subject.slug), slug, &known));
        return None;
    };
    if mode == Mode::Exclude && choice.alias.is_some() {
        faults.add(&at.member("as"), "a field that is left out needs no name");
    }
    Some((mode, field))
}

fn name_fault(name: &str) -> Option<String> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return Some("a name is not empty and holds no control characters".to_owned());
    }
    (name.chars().count() > NAME_CHARACTERS_MAX)
        .then(|| format!("a name has at most {NAME_CHARACTERS_MAX} characters"))
}

/// Two columns of one name, or one that is the parent of another, cannot stand in one record.
fn check_names(selected: &[(Option<usize>, Selected)], at: &Pointer<'_>, faults: &mut FaultList) {
    let names: Vec<&str> = selected
        .iter()
        .map(|(_, selected)| selected.alias.as_deref().unwrap_or(&selected.field.slug))
        .collect();
    for clash in clashes(&names) {
        match selected[clash.index].0 {
            Some(index) => faults.add(&at.index(index), clash.detail),
            None => faults.add(at, clash.detail),
        }
    }
}
