//! Checks of a declaration that need no database.

use std::collections::BTreeSet;

use super::{
    FieldDeclaration, ItemDeclaration, KindDeclaration, RelationDeclaration, SubjectDeclaration,
};
use crate::{
    DataType,
    fault::{FaultList, Faults, shown},
    field::FIELDS_MAX,
    nearest::unknown,
    nesting::clashes,
    pointer::Pointer,
};

/// Words that are no subjects, because capabilities of these names exist.
pub const RESERVED_SLUGS: &[&str] = &[
    "exports",
    "schedules",
    "activity",
    "settings",
    "roles",
    "operators",
    "tokens",
    "notifications",
    "budgets",
    "pii",
    "egress",
    "actions",
];

/// Subjects of a configuration: each makes a page and two capabilities.
pub const SUBJECTS_MAX: usize = 1_000;
/// Kinds of a subject: a union of more tables is slow in every source.
pub const KINDS_MAX: usize = 50;
/// Relations of a subject: MySQL joins at most 61 tables.
pub const RELATIONS_MAX: usize = 60;
/// Bytes of a subject's slug, as the contract has it; also PostgreSQL's limit of a name.
pub(super) const SLUG_BYTES_MAX: usize = 63;
/// Characters of a field's slug: it becomes a header, a JSON key, an XML tag.
const FIELD_SLUG_CHARACTERS_MAX: usize = 200;
/// Keys of a path into a JSON column.
const PATH_KEYS_MAX: usize = 32;

/// Checks all subjects against each other and each in itself; `sources` are the names of the
/// configured sources.
///
/// # Errors
///
/// All faults, with pointers such as `/subjects/0/fields/2/type`.
pub fn check(subjects: &[SubjectDeclaration], sources: &[&str]) -> Result<(), Faults> {
    let mut faults = FaultList::default();
    let root = Pointer::at("/subjects");
    if subjects.len() > SUBJECTS_MAX {
        faults.add(&root, format!("there are more than {SUBJECTS_MAX} subjects"));
    }
    let mut slugs = BTreeSet::new();
    for (index, subject) in subjects.iter().enumerate() {
        let at = root.index(index);
        if !slugs.insert(&subject.slug) {
            let detail = format!("there are two subjects `{}`", shown(&subject.slug));
            faults.add(&at.member("slug"), detail);
        }
        if !sources.contains(&subject.source.as_str()) {
            faults.add(&at.member("source"), unknown("source", &subject.source, sources));
        }
        subject.check(&at, &mut faults);
    }
    faults.or(())
}

impl SubjectDeclaration {
    /// Checks what can be seen without a database.
    pub(crate) fn check(&self, at: &Pointer<'_>, faults: &mut FaultList) {
        check_slug(&self.slug, at, faults);
        if RESERVED_SLUGS.contains(&self.slug.as_str()) {
            let detail = format!("`{}` is a reserved word; choose another name", self.slug);
            faults.add(&at.member("slug"), detail);
        }
        if let Some(model) = &self.model
            && !is_model(model)
        {
            faults.add(&at.member("model"), "a model is an application and a name: `shop.Order`");
        }
        self.check_relation(at, faults);
        if let Some(detail) = self.query.as_deref().and_then(query_fault) {
            faults.add(&at.member("query"), detail);
        }
        check_relations(&self.relations, at, faults);
        check_fields(&self.fields, &self.relations, at, faults);
        self.check_kinds(at, faults);
    }

    fn check_relation(&self, at: &Pointer<'_>, faults: &mut FaultList) {
        let has = [self.table.is_some(), self.query.is_some(), !self.kinds.is_empty()];
        if has.iter().filter(|is_there| **is_there).count() != 1 {
            faults.add(at, "a subject has one of `table`, `query` and `kinds`");
        }
        if self.table.as_deref().is_some_and(|table| table.trim().is_empty()) {
            faults.add(&at.member("table"), "the name of the table is empty");
        }
        if self.kinds.is_empty() {
            return;
        }
        if !self.fields.is_empty() {
            faults.add(&at.member("fields"), "with `kinds`, each kind declares its own fields");
        }
        if !self.relations.is_empty() {
            let detail = "with `kinds`, each kind declares its own relations";
            faults.add(&at.member("relations"), detail);
        }
    }

    fn check_kinds(&self, at: &Pointer<'_>, faults: &mut FaultList) {
        let list = at.member("kinds");
        if self.kinds.len() > KINDS_MAX {
            faults.add(&list, format!("there are more than {KINDS_MAX} kinds"));
        }
        let mut slugs = BTreeSet::new();
        for (index, kind) in self.kinds.iter().enumerate() {
            let at = list.index(index);
            if !slugs.insert(&kind.slug) {
                let detail = format!("there are two kinds `{}`", shown(&kind.slug));
                faults.add(&at.member("slug"), detail);
            }
            kind.check(&at, faults);
        }
    }
}

impl KindDeclaration {
    fn check(&self, at: &Pointer<'_>, faults: &mut FaultList) {
        check_slug(&self.slug, at, faults);
        if self.table.trim().is_empty() {
            faults.add(&at.member("table"), "the name of the table is empty");
        }
        check_relations(&self.relations, at, faults);
        check_fields(&self.fields, &self.relations, at, faults);
    }
}

/// Whether a text can name a subject or a kind.
pub(super) fn is_slug(text: &str) -> bool {
    text.len() <= SLUG_BYTES_MAX
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Why a text is no slug of a field, if it is none.
pub(crate) fn field_slug_fault(slug: &str) -> Option<String> {
    if slug.is_empty() {
        return Some("the slug is empty".to_owned());
    }
    if slug.chars().any(char::is_control) {
        return Some("a slug holds no control characters".to_owned());
    }
    (slug.chars().count() > FIELD_SLUG_CHARACTERS_MAX)
        .then(|| format!("a slug has at most {FIELD_SLUG_CHARACTERS_MAX} characters"))
}

fn check_slug(slug: &str, at: &Pointer<'_>, faults: &mut FaultList) {
    if !is_slug(slug) {
        let detail = "a slug begins with a lower-case letter and goes on with lower-case letters, \
                      digits and `_`, 63 at most";
        faults.add(&at.member("slug"), detail);
    }
}

fn is_model(text: &str) -> bool {
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    text.split_once('.').is_some_and(|(application, name)| is_name(application) && is_name(name))
}

fn query_fault(query: &str) -> Option<&'static str> {
    let first = query.split(|c: char| !c.is_ascii_alphabetic()).find(|word| !word.is_empty());
    let is_select = first.is_some_and(|word| {
        word.eq_ignore_ascii_case("select") || word.eq_ignore_ascii_case("with")
    });
    (!is_select).then_some("a query begins with `select` or `with`")
}

fn check_relations(list: &[RelationDeclaration], at: &Pointer<'_>, faults: &mut FaultList) {
    let place = at.member("relations");
    if list.len() > RELATIONS_MAX {
        faults.add(&place, format!("there are more than {RELATIONS_MAX} relations"));
    }
    let mut names = BTreeSet::new();
    for (index, relation) in list.iter().enumerate() {
        let at = place.index(index);
        if relation.name.is_empty() {
            faults.add(&at.member("name"), "the name is empty");
        }
        if !names.insert(&relation.name) {
            let detail = format!("there are two relations `{}`", shown(&relation.name));
            faults.add(&at.member("name"), detail);
        }
        if relation.table.trim().is_empty() {
            faults.add(&at.member("table"), "the name of the table is empty");
        }
        if relation.on.is_empty() {
            let detail = "`on` names the columns that must be equal: { our_column = \"theirs\" }";
            faults.add(&at.member("on"), detail);
        }
        if !relation.order.is_empty() && relation.many != Some(true) {
            faults.add(&at.member("order"), "`order` is for relations with `many = true`");
        }
    }
}

fn check_fields(
    fields: &[FieldDeclaration],
    relations: &[RelationDeclaration],
    at: &Pointer<'_>,
    faults: &mut FaultList,
) {
    let list = at.member("fields");
    if fields.len() > FIELDS_MAX {
        faults.add(&list, format!("there are more than {FIELDS_MAX} fields"));
    }
    let slugs: Vec<&str> = fields.iter().map(|field| field.slug.as_str()).collect();
    for clash in clashes(&slugs) {
        faults.add(&list.index(clash.index).member("slug"), clash.detail);
    }
    for (index, field) in fields.iter().enumerate() {
        let at = list.index(index);
        if let Some(detail) = field_slug_fault(&field.slug) {
            faults.add(&at.member("slug"), detail);
        }
        check_type(field.data_type.as_deref(), &at, faults);
        check_origin(field, relations, &at, faults);
        if field.internal && field.default == Some(true) {
            let detail = "an internal field is never in the default set";
            faults.add(&at.member("default"), detail);
        }
        if let Some(class) = &field.pii
            && !is_slug(class)
        {
            let detail = "a class of personal data is a word such as `email`, `name` or `phone`";
            faults.add(&at.member("pii"), detail);
        }
        check_items(&field.items, &at.member("items"), faults);
    }
}

fn check_items(items: &[ItemDeclaration], list: &Pointer<'_>, faults: &mut FaultList) {
    if items.len() > FIELDS_MAX {
        faults.add(list, format!("there are more than {FIELDS_MAX} items"));
    }
    let slugs: Vec<&str> = items.iter().map(|item| item.slug.as_str()).collect();
    for clash in clashes(&slugs) {
        faults.add(&list.index(clash.index).member("slug"), clash.detail);
    }
    for (index, item) in items.iter().enumerate() {
        let at = list.index(index);
        if let Some(detail) = field_slug_fault(&item.slug) {
            faults.add(&at.member("slug"), detail);
        }
        check_type(item.data_type.as_deref(), &at, faults);
    }
}

fn check_type(text: Option<&str>, at: &Pointer<'_>, faults: &mut FaultList) {
    if let Some(Err(unknown)) = text.map(str::parse::<DataType>) {
        faults.add(&at.member("type"), unknown.to_string());
    }
}

/// Checks that the members which say where a field comes from go together.
fn check_origin(
    field: &FieldDeclaration,
    relations: &[RelationDeclaration],
    at: &Pointer<'_>,
    faults: &mut FaultList,
) {
    let Some(name) = &field.relation else {
        if !field.items.is_empty() {
            faults.add(&at.member("items"), "`items` are for fields of a relation");
        }
        if let Some(path) = &field.path
            && (path.0.len() > PATH_KEYS_MAX || path.0.iter().any(String::is_empty))
        {
            let detail = format!("a path has up to {PATH_KEYS_MAX} keys, none of them empty");
            faults.add(&at.member("path"), detail);
        }
        return;
    };
    if field.path.is_some() {
        faults.add(&at.member("path"), "`path` is for columns of the subject's own table");
    }
    let Some(relation) = relations.iter().find(|relation| relation.name == *name) else {
        let known: Vec<&str> = relations.iter().map(|relation| relation.name.as_str()).collect();
        return faults.add(&at.member("relation"), unknown("relation", name, &known));
    };
    match relation.many == Some(true) {
        true if field.column.is_some() => {
            let detail = "a relation with `many = true` makes a list of `items`, not one `column`";
            faults.add(&at.member("column"), detail);
        }
        true if field.data_type.is_some() => {
            faults.add(&at.member("type"), "the types of a list are those of its `items`");
        }
        false if !field.items.is_empty() => {
            faults.add(&at.member("items"), "`items` are for relations with `many = true`");
        }
        true | false => {}
    }
}
