//! Finds the fields that identify a record: the declared key, or the catalog's.

use super::{cited::Citations, fields::Shape, label, relation::column, relation::unknown_column};
use crate::{
    catalog::Description,
    fault::{FaultList, shown},
    field::{Field, Origin},
    pointer::Pointer,
    scope::KEY_FIELDS_MAX,
};

/// Slugs of the key's fields. A key column that is no field yet becomes an internal one.
pub(super) fn bind(
    own: &Citations<'_>,
    inherited: Option<&Citations<'_>>,
    shape: &Shape<'_>,
    fields: &mut Vec<Field>,
    faults: &mut FaultList,
) -> Vec<String> {
    let Some(description) = shape.description() else { return Vec::new() };
    let declared = [Some(own), inherited].into_iter().flatten().find(|c| !c.key.is_empty());
    match declared {
        Some(cited) => {
            let place = cited.at.member("key");
            if cited.key.len() > KEY_FIELDS_MAX {
                faults.add(&place, format!("a key has at most {KEY_FIELDS_MAX} fields"));
            }
            let binder = DeclaredKey { description, table: shape.name() };
            cited
                .key
                .iter()
                .filter_map(|name| binder.bind(name, &place, (fields, faults)))
                .collect()
        }
        None => catalog_key(description, fields),
    }
}

struct DeclaredKey<'a> {
    description: &'a Description,
    table: String,
}

impl DeclaredKey<'_> {
    fn bind(
        &self,
        name: &str,
        place: &Pointer<'_>,
        (fields, faults): (&mut Vec<Field>, &mut FaultList),
    ) -> Option<String> {
        let Some(slug) = slug_of(name, self.description, fields) else {
            faults.add(place, unknown_column(name, &self.table, self.description));
            return None;
        };
        let field = fields.iter().find(|field| field.slug == slug)?;
        if !matches!(field.origin, Origin::Column(_)) {
            let detail = format!("`{}` is no column of the subject's own table", shown(name));
            faults.add(place, detail);
        } else if !field.has_equality() {
            let detail = format!("`{}` is {}, which no key can be", shown(name), field.data_type);
            faults.add(place, detail);
        }
        Some(slug)
    }
}

/// The catalog's key, if requests can name its values; else none, which means export only.
fn catalog_key(description: &Description, fields: &mut Vec<Field>) -> Vec<String> {
    let key = &description.key;
    let can_be_named = |name: &String| {
        column(description, name).is_some_and(|column| {
            let declared = fields.iter().find(|field| is_of_column(field, name));
            match declared {
                Some(field) => field.has_equality(),
                None => field_of_key(&column.name, column.data_type.clone()).has_equality(),
            }
        })
    };
    if key.len() > KEY_FIELDS_MAX || !key.iter().all(can_be_named) {
        return Vec::new();
    }
    key.iter().filter_map(|name| slug_of_column(name, description, fields)).collect()
}

/// The slug for a key's name, which is a field's slug or else a column.
fn slug_of(name: &str, description: &Description, fields: &mut Vec<Field>) -> Option<String> {
    if fields.iter().any(|field| field.slug == name) {
        return Some(name.to_owned());
    }
    slug_of_column(name, description, fields)
}

fn slug_of_column(
    name: &str,
    description: &Description,
    fields: &mut Vec<Field>,
) -> Option<String> {
    if let Some(field) = fields.iter().find(|field| is_of_column(field, name)) {
        return Some(field.slug.clone());
    }
    let mut field = field_of_key(name, column(description, name)?.data_type.clone());
    while fields.iter().any(|other| stands_in_the_way(&other.slug, &field.slug)) {
        field.slug.push('_');
    }
    let slug = field.slug.clone();
    fields.push(field);
    Some(slug)
}

fn is_of_column(field: &Field, name: &str) -> bool {
    matches!(&field.origin, Origin::Column(column) if column == name)
}

fn stands_in_the_way(slug: &str, wanted: &str) -> bool {
    let is_parent = |parent: &str, child: &str| {
        child.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.'))
    };
    slug == wanted || is_parent(slug, wanted) || is_parent(wanted, slug)
}

/// A field for a key column that nobody declared: it names records, and is not shown.
fn field_of_key(name: &str, data_type: crate::DataType) -> Field {
    Field {
        label: label(None, name),
        is_default: false,
        is_internal: true,
        ..Field::new(name, data_type, Origin::Column(name.to_owned()))
    }
}
