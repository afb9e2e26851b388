//! Unites the kinds of a subject under one roof: a `kind` column and the fields they share.

use super::{cited::Citations, label};
use crate::{
    DataType,
    catalog::{Relation, UnionMember},
    declaration::SubjectDeclaration,
    field::{Field, Origin},
    subject::Subject,
};

/// Slug of the field that tells the kinds apart.
pub const KIND_SLUG: &str = "kind";

/// All kinds of a subject as one.
pub(super) fn unite(
    declaration: &SubjectDeclaration,
    inherited: &Citations<'_>,
    kinds: &[Subject],
) -> Subject {
    let mut fields = vec![kind_field()];
    fields.extend(shared_fields(kinds));
    let cited = inherited.found(&fields);
    let hides_pii = kinds.iter().any(|kind| kind.pii_when.is_some()) && cited.pii_when.is_none();
    Subject {
        slug: declaration.slug.clone(),
        kind: None,
        label: label(declaration.label.as_deref(), &declaration.slug),
        source: declaration.source.clone(),
        relation: Relation::Union(kinds.iter().map(|kind| member(kind, &fields[1..])).collect()),
        key: shared_key(kinds, &fields),
        search: if cited.search.is_empty() { shared_search(kinds, &fields) } else { cited.search },
        date_field: cited.date_field.or_else(|| shared_date_field(kinds, &fields)),
        sort: cited.sort,
        // A kind that holds personal data by a field which the others lack taints them all.
        has_pii: declaration.pii || hides_pii,
        pii_when: cited.pii_when,
        shorthands: cited.shorthands,
        is_consistent: declaration.consistent,
        fields,
    }
}

fn kind_field() -> Field {
    Field { label: label(None, KIND_SLUG), ..Field::new(KIND_SLUG, DataType::Text, Origin::Kind) }
}

/// Fields that every kind has under the same slug and type, in the order of the first kind.
fn shared_fields(kinds: &[Subject]) -> Vec<Field> {
    let Some((first, others)) = kinds.split_first() else { return Vec::new() };
    first
        .fields
        .iter()
        .filter(|field| field.slug != KIND_SLUG && !field.is_lines())
        .filter_map(|field| {
            let mut shared = Field {
                origin: Origin::Column(field.slug.clone()),
                data_type: field.data_type.clone(),
                ..field.clone()
            };
            for other in others {
                let other = other.field(&field.slug).filter(|other| !other.is_lines())?;
                shared.data_type = common_type(&shared.data_type, &other.data_type)?;
                shared.is_default &= other.is_default;
                shared.is_internal |= other.is_internal;
                shared.pii = shared.pii.or_else(|| other.pii.clone());
            }
            Some(shared)
        })
        .collect()
}

/// The type that holds the values of both, if they are of one family.
fn common_type(one: &DataType, other: &DataType) -> Option<DataType> {
    match (one, other) {
        (one, other) if one == other => Some(one.clone()),
        (DataType::Decimal(_), DataType::Decimal(_)) => Some(DataType::Decimal(None)),
        (DataType::Float32, DataType::Float64) | (DataType::Float64, DataType::Float32) => {
            Some(DataType::Float64)
        }
        _ => None,
    }
}

fn member(kind: &Subject, shared: &[Field]) -> UnionMember {
    let table = match &kind.relation {
        Relation::Table(table) => table.clone(),
        Relation::Statement(_) | Relation::Union(_) => {
            unreachable!("a kind is declared with a table")
        }
    };
    let origins = shared
        .iter()
        .filter_map(|field| Some((field.slug.clone(), kind.field(&field.slug)?.origin.clone())))
        .collect();
    UnionMember { kind: kind.kind.clone().unwrap_or_default(), table, origins }
}

/// The kind and the key that all kinds have in common; none if they have none.
fn shared_key(kinds: &[Subject], fields: &[Field]) -> Vec<String> {
    let Some(first) = kinds.first() else { return Vec::new() };
    let is_shared = !first.key.is_empty()
        && kinds.iter().all(|kind| kind.key == first.key)
        && first.key.iter().all(|slug| fields.iter().any(|field| field.slug == *slug));
    match is_shared {
        true => std::iter::once(KIND_SLUG.to_owned()).chain(first.key.iter().cloned()).collect(),
        false => Vec::new(),
    }
}

/// The fields that every kind is searched in.
fn shared_search(kinds: &[Subject], fields: &[Field]) -> Vec<String> {
    let Some(first) = kinds.first() else { return Vec::new() };
    let is_shared = |slug: &&String| {
        kinds.iter().all(|kind| kind.search.contains(slug))
            && fields.iter().any(|field| field.slug == **slug)
    };
    first.search.iter().filter(is_shared).cloned().collect()
}

/// The date field, if each kind names the same.
fn shared_date_field(kinds: &[Subject], fields: &[Field]) -> Option<String> {
    let slug = kinds.first()?.date_field.as_ref()?;
    let is_shared = kinds.iter().all(|kind| kind.date_field.as_ref() == Some(slug))
        && fields.iter().any(|field| field.slug == *slug);
    is_shared.then(|| slug.clone())
}
