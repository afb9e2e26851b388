//! The second step: which fields, in which order, under which names.

use askama::Template;
use tidegate_model::{
    field::{Field, Origin},
    mask::MaskPolicy,
};

use super::super::{draft::ChosenField, shell::Shell};
use super::{Checked, frame::Frame};

#[derive(Template)]
#[template(path = "wizard/fields.html")]
pub(super) struct Fields<'a> {
    shell: &'a Shell,
    frame: Frame,
    groups: Vec<Group>,
}

/// Fields below one heading.
struct Group {
    title: String,
    is_chosen: bool,
    rows: Vec<Row>,
}

/// A field.
struct Row {
    /// Id on the page: that of a fault.
    id: String,
    /// Its place among the chosen ones.
    index: usize,
    slug: String,
    /// As it is sent.
    word: String,
    label: String,
    kind: String,
    pii: Option<String>,
    /// How it is shown in the file, where that is not as it is.
    masked: Option<&'static str>,
    is_internal: bool,
    is_chosen: bool,
    name: String,
}

impl<'a> Fields<'a> {
    pub(super) fn new(shell: &'a Shell, frame: Frame, checked: &Checked) -> Self {
        let fields = checked.subject.iter().flat_map(|subject| &subject.fields);
        let fields = fields.filter(|field| field.mask != MaskPolicy::Drop);
        let fields: Vec<&Field> = fields.collect();
        let mut chosen = checked.draft.fields.clone();
        if chosen.is_empty() {
            let defaults = fields.iter().filter(|field| field.is_default);
            chosen = defaults
                .map(|field| ChosenField { slug: field.slug.clone(), name: None })
                .collect();
        }
        let of_slug = |slug: &str| fields.iter().find(|field| field.slug == slug).copied();
        let rows = chosen.iter().enumerate();
        let rows = rows.map(|(index, one)| row(one, of_slug(&one.slug), Some(index))).collect();
        let mut groups =
            vec![Group { title: "In the file, in this order".to_owned(), is_chosen: true, rows }];
        for &field in fields.iter().filter(|field| !chosen.iter().any(|one| one.slug == field.slug))
        {
            let title = title_of(field);
            let one = ChosenField { slug: field.slug.clone(), name: None };
            let row = row(&one, Some(field), None);
            match groups.iter_mut().find(|group| group.title == title) {
                Some(group) => group.rows.push(row),
                None => groups.push(Group { title, is_chosen: false, rows: vec![row] }),
            }
        }
        Self { shell, frame, groups }
    }
}

/// Where fields that are not in the file come from: the record itself, or what it refers to.
fn title_of(field: &Field) -> String {
    match &field.origin {
        Origin::Joined { reference, .. } | Origin::Lines { reference, .. } => {
            format!("From {}", reference.table.name)
        }
        Origin::Column(_) | Origin::JsonPath { .. } | Origin::Kind => "Not in the file".to_owned(),
    }
}

fn row(chosen: &ChosenField, field: Option<&Field>, index: Option<usize>) -> Row {
    let plain = ChosenField { name: None, ..chosen.clone() };
    let id = match index {
        Some(index) => format!("field-{index}"),
        None => format!("more-{}", chosen.slug),
    };
    Row {
        id,
        index: index.unwrap_or_default(),
        slug: chosen.slug.clone(),
        word: plain.word(),
        label: field.map_or("No such field any more".to_owned(), |field| field.label.clone()),
        kind: field.map(|field| field.as_shown().data_type.to_string()).unwrap_or_default(),
        masked: field.filter(|field| field.mask.hides()).map(|field| field.mask.words()),
        pii: field.and_then(|field| field.pii.clone()),
        is_internal: field.is_some_and(|field| field.is_internal),
        is_chosen: index.is_some(),
        name: chosen.name.clone().unwrap_or_default(),
    }
}
