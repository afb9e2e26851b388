//! Resolves a declared relation: the other table, its columns, and how many rows it may have.

use super::fields::Shape;
use crate::{
    catalog::{CatalogColumn, Description, Relation, TableName},
    declaration::RelationDeclaration,
    fault::{FaultList, shown},
    field::Reference,
    nearest::unknown,
    pointer::Pointer,
};

/// A relation whose table is known.
pub(super) struct BoundRelation<'a> {
    pub(super) name: &'a str,
    pub(super) reference: Reference,
    pub(super) description: &'a Description,
    pub(super) is_many: bool,
    pub(super) order: Vec<String>,
}

impl<'a> BoundRelation<'a> {
    /// Binds a relation of a table that `own` describes.
    pub(super) fn bind(
        declared: &'a RelationDeclaration,
        shape: &Shape<'a>,
        own: &Description,
        (at, faults): (&Pointer<'_>, &mut FaultList),
    ) -> Option<Self> {
        let table = TableName::parse(&declared.table);
        let Some(description) = shape.catalog.get(&Relation::Table(table.clone())) else {
            let detail = format!("table `{}` was not described", shown(&declared.table));
            faults.add(&at.member("table"), detail);
            return None;
        };
        for (ours, theirs) in &declared.on {
            let on = at.member("on");
            let place = on.member(ours);
            if column(own, ours).is_none() {
                faults.add(&place, unknown_column(ours, &shape.name(), own));
            }
            if column(description, theirs).is_none() {
                faults.add(&place, unknown_column(theirs, &declared.table, description));
            }
        }
        for (index, name) in declared.order.iter().enumerate() {
            if column(description, name).is_none() {
                let detail = unknown_column(name, &declared.table, description);
                faults.add(&at.member("order").index(index), detail);
            }
        }
        let is_one_at_most = !description.key.is_empty()
            && description.key.iter().all(|key| declared.on.values().any(|theirs| theirs == key));
        if declared.many.is_none() && !is_one_at_most {
            let detail = format!(
                "say `many = true` if a record can have several rows in `{}`, `many = false` if \
                 it never has; its key does not tell",
                shown(&declared.table)
            );
            faults.add(at, detail);
        }
        let order = match declared.order.is_empty() {
            true => description.key.clone(),
            false => declared.order.0.clone(),
        };
        let on = declared.on.iter().map(|(ours, theirs)| (ours.clone(), theirs.clone())).collect();
        Some(Self {
            name: &declared.name,
            reference: Reference { table, on },
            description,
            is_many: declared.many == Some(true),
            order,
        })
    }
}

/// The column of that name.
pub(super) fn column<'a>(description: &'a Description, name: &str) -> Option<&'a CatalogColumn> {
    description.columns.iter().find(|column| column.name == name)
}

/// Says that there is no such column, and which is nearest.
pub(super) fn unknown_column(name: &str, table: &str, description: &Description) -> String {
    let known: Vec<&str> = description.columns.iter().map(|column| column.name.as_str()).collect();
    unknown(&format!("column of `{}`", shown(table)), name, &known)
}
