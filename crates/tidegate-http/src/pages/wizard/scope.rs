//! The first step: what, and which records of it.

use askama::Template;
use serde_json::Value;
use tidegate_model::field::Field;

use super::super::{
    draft::{Word, filter},
    shell::Shell,
    words,
};
use super::{
    Checked,
    condition::{self, Condition},
    frame::Frame,
};

#[derive(Template)]
#[template(path = "wizard/scope.html")]
pub(super) struct Scope<'a> {
    shell: &'a Shell,
    frame: Frame,
    /// Subjects to choose from, where none has been chosen.
    subjects: Vec<Choice>,
    /// The one that has been chosen.
    chosen: Option<Chosen<'a>>,
}

/// A subject to choose.
struct Choice {
    label: String,
    path: String,
    has_pii: bool,
}

/// What can be said of the subject.
struct Chosen<'a> {
    label: String,
    has_pii: bool,
    kind: &'a str,
    kinds: &'a [String],
    search: &'a str,
    can_search: bool,
    searched: String,
    shorthands: Vec<Shorthand>,
    /// Name of the field that has a first and a last day, and both.
    days: Option<(String, String, String)>,
    conditions: Vec<Condition>,
    fields: Vec<&'a Field>,
    operators: Vec<(&'static str, &'static str)>,
    sorts: Vec<(String, String)>,
    sort: String,
    /// Words of a selection, and the path without it.
    selection: Option<(String, String)>,
}

/// A filter by one value that the subject declares.
struct Shorthand {
    /// Name in the form, and id.
    id: String,
    label: String,
    value: String,
}

impl<'a> Scope<'a> {
    pub(super) fn new(shell: &'a Shell, frame: Frame, checked: &'a Checked) -> Self {
        let open = shell.standing.subjects.iter().filter(|subject| subject.may_export);
        let choice = |subject: &tidegate_service::SubjectSummary| Choice {
            label: shell.subject_label(&subject.slug),
            path: format!("{}?subject={}", super::PATH, subject.slug),
            has_pii: subject.has_pii,
        };
        let subjects = open.map(choice).collect();
        Self { shell, frame, subjects, chosen: Chosen::of(shell, checked) }
    }
}

impl<'a> Chosen<'a> {
    fn of(shell: &Shell, checked: &'a Checked) -> Option<Self> {
        let (draft, subject) = (&checked.draft, checked.subject.as_ref()?);
        let label = |slug: &str| {
            subject.field(slug).map_or_else(|| slug.to_owned(), |field| field.label.clone())
        };
        let shorthand = |(name, slug): (&String, &String)| Shorthand {
            id: format!("scope.{name}"),
            label: label(slug),
            value: draft.shorthands.get(name).map(Word::of).unwrap_or_default(),
        };
        let range = draft.shorthands.get("date_range");
        let day = |end: &str| {
            let day = range.and_then(|range| range[end].as_str());
            day.unwrap_or_default().to_owned()
        };
        let parts = filter::parts(&draft.filter);
        let searched: Vec<String> = subject.search.iter().map(|slug| label(slug)).collect();
        Some(Self {
            label: shell.subject_label(&subject.slug),
            has_pii: subject.has_pii,
            kind: draft.kind.as_deref().unwrap_or_default(),
            kinds: &checked.kinds,
            search: &draft.search,
            can_search: !subject.search.is_empty(),
            searched: searched.join(", "),
            shorthands: subject.shorthands.iter().map(shorthand).collect(),
            days: subject.date_field.as_ref().map(|slug| (label(slug), day("from"), day("to"))),
            conditions: parts.iter().map(|part| Condition::of(part, subject)).collect(),
            fields: {
                let fields = subject.fields.iter().filter(|field| !field.is_lines());
                fields.filter(|field| !field.mask.hides()).collect()
            },
            operators: condition::choices(subject),
            sorts: sorts(&subject.fields, &draft.sort),
            sort: sort_word(&draft.sort),
            selection: selection(checked),
        })
    }
}

/// The word of an order, as a draft has it.
fn sort_word(sort: &[String]) -> String {
    let draft = super::super::draft::Draft { sort: sort.to_vec(), ..Default::default() };
    draft.pairs().into_iter().next().map(|(_, word)| word).unwrap_or_default()
}

/// The orders to choose from, and that which is chosen.
fn sorts(fields: &[Field], chosen: &[String]) -> Vec<(String, String)> {
    let mut sorts = vec![(String::new(), "As they come".to_owned())];
    for field in fields.iter().filter(|field| field.is_sortable()) {
        let word = |sign: &str| sort_word(&[format!("{sign}{}", field.slug)]);
        sorts.push((word(""), format!("{}, smallest first", field.label)));
        sorts.push((word("-"), format!("{}, largest first", field.label)));
    }
    let word = sort_word(chosen);
    if !sorts.iter().any(|(known, _)| *known == word) {
        sorts.push((word, format!("By {}", chosen.join(", "))));
    }
    sorts
}

/// A selection in words, and how it is given up.
fn selection(checked: &Checked) -> Option<(String, String)> {
    let mut without = checked.draft.clone();
    let (ids, except) = (without.ids.take(), without.except.take());
    let records =
        |keys: &Vec<Value>| words::plural(i64::try_from(keys.len()).unwrap_or(0), "record");
    let told = match (&ids, &except) {
        (Some(ids), _) => format!("{} selected by hand", records(ids)),
        (None, Some(except)) => format!("All that match, except {}", records(except)),
        (None, None) => return None,
    };
    Some((told, without.path(super::PATH)))
}
