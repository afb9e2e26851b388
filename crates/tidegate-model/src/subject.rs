//! An exportable set of records, complete: declared in the configuration, typed by the catalog.

use std::collections::BTreeMap;

use crate::{catalog::Relation, field::Field};

/// A subject (or one kind of it), ready to check requests against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Stable name: `orders`.
    pub slug: String,
    /// Kind, where the subject has kinds and one was chosen.
    pub kind: Option<String>,
    /// Name that people read.
    pub label: String,
    /// Name of its source in the configuration.
    pub source: String,
    /// Where its rows are.
    pub relation: Relation,
    /// Slugs of the fields that identify a record; empty means no selection and export only.
    pub key: Vec<String>,
    /// All fields, in their order.
    pub fields: Vec<Field>,
    /// Slugs of the fields that free text is searched in.
    pub search: Vec<String>,
    /// Slug of the field that `date_range` means.
    pub date_field: Option<String>,
    /// Order of the list page, as in a request: `-placed_at`.
    pub sort: Vec<String>,
    /// Whether every record is personal data, whatever fields are chosen.
    pub has_pii: bool,
    /// Slug of the field whose presence makes a record personal data.
    pub pii_when: Option<String>,
    /// Keys of a scope that stand for an equality on a field (`status` → `status`).
    pub shorthands: BTreeMap<String, String>,
    /// Whether rows must come from one snapshot; false admits engines that have none.
    pub is_consistent: bool,
}

impl Subject {
    /// The field of that slug.
    pub fn field(&self, slug: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.slug == slug)
    }
}
