//! Reads the order of the rows, and breaks its ties by the key.

use serde_json::Value;

use super::{check::Checker, limits::SORT_FIELDS_MAX, value::kind_of};
use crate::{fault::shown, field::Field, pointer::Pointer, query::SortKey, subject::Subject};

/// The field that a sort names, and whether largest come first: `-placed_at`.
pub(crate) fn sort_field<'a>(fields: &'a [Field], name: &str) -> Option<(&'a Field, bool)> {
    let find = |slug: &str| fields.iter().find(|field| field.slug == slug);
    // The whole name first, for a column that is itself called `-x`.
    match find(name) {
        Some(field) => Some((field, false)),
        None => name.strip_prefix('-').and_then(find).map(|field| (field, true)),
    }
}

impl Checker<'_> {
    /// The order that was sent, or the subject's own where none was.
    pub(super) fn sort(&mut self, sent: Option<&Value>, at: &Pointer<'_>) -> Vec<SortKey> {
        let keys = match sent {
            None => Vec::new(),
            Some(Value::Array(names)) => self.sort_keys(names, at),
            Some(other) => {
                let detail = format!(
                    "`sort` takes a list of fields such as [\"-placed_at\", \"id\"], not {}",
                    kind_of(other)
                );
                self.faults.add(at, detail);
                Vec::new()
            }
        };
        with_key(keys, self.subject)
    }

    fn sort_keys(&mut self, names: &[Value], at: &Pointer<'_>) -> Vec<SortKey> {
        if names.len() > SORT_FIELDS_MAX {
            let detail = format!("records are sorted by at most {SORT_FIELDS_MAX} fields");
            self.faults.add(at, detail);
            return Vec::new();
        }
        let mut keys: Vec<SortKey> = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let at = at.index(index);
            let Value::String(name) = name else {
                let detail = format!("`sort` takes names of fields, not {}", kind_of(name));
                self.faults.add(&at, detail);
                continue;
            };
            let Some((field, is_descending)) = sort_field(&self.subject.fields, name) else {
                let detail = self.unknown_field(name.strip_prefix('-').unwrap_or(name));
                self.faults.add(&at, detail);
                continue;
            };
            let slug = shown(&field.slug);
            if field.mask.hides() {
                self.refuse_masked(&at, field, "sorted");
            } else if !field.is_sortable() {
                let detail = format!("`{slug}` is {}, which has no order", field.data_type);
                self.faults.add(&at, detail);
            } else if keys.iter().any(|key| key.field.slug == field.slug) {
                self.faults.add(&at, format!("`{slug}` is already in the sort"));
            } else {
                keys.push(SortKey { field: field.clone(), is_descending });
            }
        }
        keys
    }
}

/// A sorted export is the same every time only if no two rows are equal in its order.
fn with_key(mut keys: Vec<SortKey>, subject: &Subject) -> Vec<SortKey> {
    if keys.is_empty() {
        return keys;
    }
    for field in subject.key.iter().filter_map(|slug| subject.field(slug)) {
        if !keys.iter().any(|key| key.field.slug == field.slug) {
            keys.push(SortKey { field: field.clone(), is_descending: false });
        }
    }
    keys
}
