//! What `tidegate.toml` declares about subjects, as it stands there.

mod check;
mod field;
mod names;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use self::{
    check::{KINDS_MAX, RELATIONS_MAX, RESERVED_SLUGS, SUBJECTS_MAX, check},
    field::{FieldDeclaration, ItemDeclaration, RelationDeclaration},
    names::{JsonPath, Names, Shorthands},
};
use crate::{
    catalog::{Relation, TableName},
    fault::Fault,
    nearest::unknown,
    pointer::Pointer,
};

/// One `[[subjects]]` of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectDeclaration {
    /// Stable name: `orders`. Capabilities are made from it.
    pub slug: String,
    /// Name that people read; made from the slug if absent.
    #[serde(default)]
    pub label: Option<String>,
    /// Name of its source.
    pub source: String,
    /// Table or view; or [`Self::query`], or [`Self::kinds`].
    #[serde(default)]
    pub table: Option<String>,
    /// A `select` whose rows are the records.
    #[serde(default)]
    pub query: Option<String>,
    /// Kinds, each with a table of its own.
    #[serde(default)]
    pub kinds: Vec<KindDeclaration>,
    /// Fields or columns that identify a record; the catalog's key if absent.
    #[serde(default)]
    pub key: Names,
    /// Fields in their order; all columns if absent.
    #[serde(default)]
    pub fields: Vec<FieldDeclaration>,
    /// Tables that records refer to.
    #[serde(default)]
    pub relations: Vec<RelationDeclaration>,
    /// Field that `date_range` means.
    #[serde(default)]
    pub date_field: Option<String>,
    /// Fields that free text is searched in.
    #[serde(default)]
    pub search: Names,
    /// Order of the list page. An export is in this order only if its request says so.
    #[serde(default)]
    pub sort: Names,
    /// Whether every record is personal data, whatever fields are chosen.
    #[serde(default)]
    pub pii: bool,
    /// Field whose presence makes a record personal data.
    #[serde(default)]
    pub pii_when: Option<String>,
    /// Whether rows must come from one snapshot.
    #[serde(default = "yes")]
    pub consistent: bool,
    /// Name in the registry of admin actions: `shop.Order`.
    #[serde(default)]
    pub model: Option<String>,
    /// Keys of a scope that stand for an equality on a field.
    #[serde(default)]
    pub shorthands: Shorthands,
}

/// One `[[subjects.kinds]]`: what a kind has of its own. A list that is absent is the subject's,
/// less the fields that the kind does not have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindDeclaration {
    /// Stable name: `pages`.
    pub slug: String,
    /// Name that people read; made from the slug if absent.
    #[serde(default)]
    pub label: Option<String>,
    /// Table or view.
    pub table: String,
    /// Fields or columns that identify a record.
    #[serde(default)]
    pub key: Names,
    /// Fields in their order; all columns if absent.
    #[serde(default)]
    pub fields: Vec<FieldDeclaration>,
    /// Tables that records refer to.
    #[serde(default)]
    pub relations: Vec<RelationDeclaration>,
    /// Field that `date_range` means.
    #[serde(default)]
    pub date_field: Option<String>,
    /// Fields that free text is searched in.
    #[serde(default)]
    pub search: Names,
    /// Order of the list page. An export is in this order only if its request says so.
    #[serde(default)]
    pub sort: Names,
    /// Field whose presence makes a record personal data.
    #[serde(default)]
    pub pii_when: Option<String>,
    /// Keys of a scope that stand for an equality on a field.
    #[serde(default)]
    pub shorthands: Shorthands,
}

impl SubjectDeclaration {
    /// A subject that nobody declared: all columns of a table of `source`.
    pub fn of_table(source: &str, table: &str) -> Self {
        Self {
            slug: slug_from(&TableName::parse(table).name),
            label: Some(TableName::parse(table).name),
            source: source.to_owned(),
            table: Some(table.to_owned()),
            query: None,
            kinds: Vec::new(),
            key: Names::default(),
            fields: Vec::new(),
            relations: Vec::new(),
            date_field: None,
            search: Names::default(),
            sort: Names::default(),
            pii: false,
            pii_when: None,
            consistent: true,
            model: None,
            shorthands: Shorthands(BTreeMap::new()),
        }
    }

    /// Whether some of its records, or a field of them, can be personal data.
    pub fn can_hold_pii(&self) -> bool {
        let has_class = |field: &FieldDeclaration| field.pii.is_some();
        self.pii
            || self.pii_when.is_some()
            || self.fields.iter().any(has_class)
            || self
                .kinds
                .iter()
                .any(|kind| kind.pii_when.is_some() || kind.fields.iter().any(has_class))
    }

    /// Relations that the source must describe before the subject can be bound, each once.
    pub fn tables(&self) -> Vec<Relation> {
        let own = self.relation().into_iter();
        let kinds = self.kinds.iter().map(|kind| Relation::Table(TableName::parse(&kind.table)));
        let joined = self.relations.iter().chain(self.kinds.iter().flat_map(|k| &k.relations));
        let joined = joined.map(|relation| Relation::Table(TableName::parse(&relation.table)));
        let mut relations = Vec::new();
        for relation in own.chain(kinds).chain(joined) {
            if !relations.contains(&relation) {
                relations.push(relation);
            }
        }
        relations
    }

    /// Its table or query; none if it has kinds.
    pub(crate) fn relation(&self) -> Option<Relation> {
        match (&self.table, &self.query) {
            (Some(table), _) => Some(Relation::Table(TableName::parse(table))),
            (None, Some(query)) => {
                let statement = query.trim().trim_end_matches(';').trim_end();
                Some(Relation::Statement(statement.to_owned()))
            }
            (None, None) => None,
        }
    }
}

/// The declared subject of that slug.
///
/// # Errors
///
/// At `/subject`, if there is none.
pub fn find<'a>(
    subjects: &'a [SubjectDeclaration],
    slug: &str,
) -> Result<&'a SubjectDeclaration, Fault> {
    subjects.iter().find(|subject| subject.slug == slug).ok_or_else(|| {
        let known: Vec<&str> = subjects.iter().map(|subject| subject.slug.as_str()).collect();
        Pointer::at("/subject").fault(unknown("subject", slug, &known))
    })
}

/// A subject slug made of any name: lower case, and `_` for what a slug cannot hold.
fn slug_from(name: &str) -> String {
    let mut slug: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect();
    if !slug.starts_with(|c: char| c.is_ascii_lowercase()) {
        slug.insert(0, 't');
    }
    slug.truncate(check::SLUG_BYTES_MAX);
    slug
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_table_name_makes_a_slug() {
        for (name, slug) in [
            ("orders", "orders"),
            ("Order Lines", "order_lines"),
            ("2024", "t2024"),
            ("größe", "gr__e"),
            ("", "t"),
        ] {
            assert_eq!(slug_from(name), slug);
            assert!(check::is_slug(&slug_from(name)), "{name}");
        }
    }

    #[test]
    fn each_relation_is_described_once() {
        let mut subject = SubjectDeclaration::of_table("shop", "shop.orders");
        for name in ["customers", "lines", "customers"] {
            subject.relations.push(
                toml::from_str(&format!("name = 'a'\ntable = '{name}'\non = {{ a = 'id' }}"))
                    .unwrap(),
            );
        }
        let table = |name: &str| Relation::Table(TableName::parse(name));
        assert_eq!(subject.tables(), [table("shop.orders"), table("customers"), table("lines")]);
    }

    #[test]
    fn an_unknown_subject_is_told_with_the_nearest_one() {
        let subjects = [SubjectDeclaration::of_table("shop", "orders")];
        assert!(find(&subjects, "orders").is_ok());
        assert_eq!(
            find(&subjects, "order").unwrap_err().to_string(),
            "/subject: `order` is no subject; did you mean `orders`?"
        );
    }
}
