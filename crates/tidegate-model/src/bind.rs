//! Makes subjects of a declaration and of what the source's catalog says about its tables.

mod cited;
mod fields;
mod key;
mod relation;
mod union;

pub use self::union::KIND_SLUG;
use self::{cited::Citations, fields::Shape};
use crate::{
    catalog::{Description, Relation, TableName},
    declaration::{KindDeclaration, SubjectDeclaration},
    fault::{Fault, FaultList, Faults},
    nearest::unknown,
    pointer::Pointer,
    sight::Sight,
    subject::Subject,
};

/// What a source said about the relations it was asked for.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    described: Vec<(Relation, Description)>,
}

impl Catalog {
    /// Keeps the description of a relation.
    pub fn insert(&mut self, relation: Relation, description: Description) {
        self.described.push((relation, description));
    }

    /// The description of a relation.
    pub fn get(&self, relation: &Relation) -> Option<&Description> {
        self.described.iter().find(|(known, _)| known == relation).map(|(_, found)| found)
    }
}

impl FromIterator<(Relation, Description)> for Catalog {
    fn from_iter<I: IntoIterator<Item = (Relation, Description)>>(described: I) -> Self {
        Self { described: described.into_iter().collect() }
    }
}

/// A subject, and each of its kinds if it has kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundSubject {
    whole: Subject,
    kinds: Vec<Subject>,
}

impl BoundSubject {
    /// Binds a declaration to the catalog, which holds all of [`SubjectDeclaration::tables`].
    ///
    /// # Errors
    ///
    /// All faults, with pointers that begin with `at` (`/subjects/0`).
    pub fn bind(
        declaration: &SubjectDeclaration,
        catalog: &Catalog,
        at: &Pointer<'_>,
    ) -> Result<Self, Faults> {
        let mut faults = FaultList::default();
        declaration.check(at, &mut faults);
        let bound = match declaration.relation() {
            Some(relation) => {
                let shape = Shape {
                    relation: &relation,
                    fields: &declaration.fields,
                    relations: &declaration.relations,
                    catalog,
                };
                let whole = subject(declaration, &shape, at, &mut faults);
                Self { whole, kinds: Vec::new() }
            }
            None => bind_kinds(declaration, catalog, at, &mut faults),
        };
        faults.or(bound)
    }

    /// The same as somebody sees it.
    #[must_use]
    pub fn seen(&self, sight: &Sight) -> Self {
        let kinds = self.kinds.iter().map(|kind| sight.seen(kind)).collect();
        Self { whole: sight.seen(&self.whole), kinds }
    }

    /// The subject as a whole: its only table, or all kinds under one roof.
    pub fn whole(&self) -> &Subject {
        &self.whole
    }

    /// Its kinds; empty if it has none.
    pub fn kinds(&self) -> &[Subject] {
        &self.kinds
    }

    /// The subject, or the kind that a request names.
    ///
    /// # Errors
    ///
    /// At `/kind`, if there is no such kind.
    pub fn of_kind(&self, kind: Option<&str>) -> Result<&Subject, Fault> {
        let Some(slug) = kind else { return Ok(&self.whole) };
        self.kinds.iter().find(|kind| kind.kind.as_deref() == Some(slug)).ok_or_else(|| {
            let known: Vec<&str> =
                self.kinds.iter().filter_map(|kind| kind.kind.as_deref()).collect();
            let what = format!("kind of `{}`", self.whole.slug);
            Pointer::at("/kind").fault(unknown(&what, slug, &known))
        })
    }
}

/// Binds a subject of one table or query.
fn subject(
    declaration: &SubjectDeclaration,
    shape: &Shape<'_>,
    at: &Pointer<'_>,
    faults: &mut FaultList,
) -> Subject {
    let mut fields = shape.bind(at, faults);
    let own = Citations::of_subject(declaration, at);
    let key = key::bind(&own, None, shape, &mut fields, faults);
    let cited = own.bind(None, &fields, faults);
    Subject {
        slug: declaration.slug.clone(),
        kind: None,
        label: label(declaration.label.as_deref(), &declaration.slug),
        source: declaration.source.clone(),
        relation: shape.relation.clone(),
        key,
        fields,
        search: cited.search,
        date_field: cited.date_field,
        sort: cited.sort,
        has_pii: declaration.pii,
        pii_when: cited.pii_when,
        shorthands: cited.shorthands,
        is_consistent: declaration.consistent,
    }
}

fn bind_kinds(
    declaration: &SubjectDeclaration,
    catalog: &Catalog,
    at: &Pointer<'_>,
    faults: &mut FaultList,
) -> BoundSubject {
    let list = at.member("kinds");
    let kinds: Vec<Subject> = declaration
        .kinds
        .iter()
        .enumerate()
        .map(|(index, kind)| {
            bind_kind(declaration, kind, catalog, (at, &list.index(index)), faults)
        })
        .collect();
    let inherited = Citations::of_subject(declaration, at);
    inherited.check_used(&kinds, faults);
    BoundSubject { whole: union::unite(declaration, &inherited, &kinds), kinds }
}

/// Binds one kind; `places` are those of the subject and of the kind.
fn bind_kind(
    declaration: &SubjectDeclaration,
    kind: &KindDeclaration,
    catalog: &Catalog,
    places: (&Pointer<'_>, &Pointer<'_>),
    faults: &mut FaultList,
) -> Subject {
    let relation = Relation::Table(TableName::parse(&kind.table));
    let (subject_at, at) = places;
    let shape =
        Shape { relation: &relation, fields: &kind.fields, relations: &kind.relations, catalog };
    let mut fields = shape.bind(at, faults);
    let inherited = Citations::of_subject(declaration, subject_at);
    let own = Citations::of_kind(kind, at);
    let key = key::bind(&own, Some(&inherited), &shape, &mut fields, faults);
    let cited = own.bind(Some(&inherited), &fields, faults);
    Subject {
        slug: declaration.slug.clone(),
        kind: Some(kind.slug.clone()),
        label: label(kind.label.as_deref(), &kind.slug),
        source: declaration.source.clone(),
        relation,
        key,
        fields,
        search: cited.search,
        date_field: cited.date_field,
        sort: cited.sort,
        has_pii: declaration.pii,
        pii_when: cited.pii_when,
        shorthands: cited.shorthands,
        is_consistent: declaration.consistent,
    }
}

/// The declared label, or one made of a slug: `placed_at` → `Placed at`.
fn label(declared: Option<&str>, slug: &str) -> String {
    if let Some(label) = declared {
        return label.to_owned();
    }
    let words = slug.replace(['_', '.'], " ");
    let mut characters = words.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => words,
    }
}
